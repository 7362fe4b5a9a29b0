"""The JSON door: flows, catalog, runs, bundles, sign-in, health."""
