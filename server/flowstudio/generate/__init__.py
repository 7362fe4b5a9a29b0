"""Writes what follows from declarations: the pages of the node types, the HTTP routes and the kernel's names."""

from __future__ import annotations

from .kernel import kernel_page
from .nodes import node_pages
from .routes import routes_page

__all__ = ["kernel_page", "node_pages", "routes_page"]
