"""Test suites shipped with the kernel."""
