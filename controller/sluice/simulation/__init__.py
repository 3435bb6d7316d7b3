"""What would it do? The real decisions, over a fleet of phones that is imagined."""
