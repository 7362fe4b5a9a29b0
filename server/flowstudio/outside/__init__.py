"""What the app does in the world for nodes that ask: one effect a file."""
