"""The main job, for real: git, a real API server, the operator, a device server, 2,000 phones."""
