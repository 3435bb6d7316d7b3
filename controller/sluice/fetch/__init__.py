"""Bytes from elsewhere, bounded and checked against a digest."""
