"""What promises about cost come to on this machine: `make bench`."""
