"""Tests of flows: a finished run, kept with what came from outside, played again without the outside (docs/tests.md)."""
