"""What is to be done next? observed -> at most one step, and the status to report."""
