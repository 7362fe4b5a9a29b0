"""Models and tools of this installation: which there are, how they are reached, what they may cost."""
