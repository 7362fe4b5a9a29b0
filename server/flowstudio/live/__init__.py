"""The live door: what happens in a run, as server-sent events."""
