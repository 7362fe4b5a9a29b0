"""Node types, one family a file."""
