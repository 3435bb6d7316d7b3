"""Custom resources as data: their fields, canonical form, digest and schema."""
