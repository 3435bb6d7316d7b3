"""What manifests in git would do, told before they do it: pure, offline, by the gate's own call."""
