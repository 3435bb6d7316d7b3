"""The door: reads settings, builds the objects, starts one thing."""
