"""What does this phone get? (table, device) -> Offer or NoUpdate."""
