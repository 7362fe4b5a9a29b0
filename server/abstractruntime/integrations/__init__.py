"""Hosts of models, tools and knowledge. Each is optional: importing one needs nothing but the kernel."""
