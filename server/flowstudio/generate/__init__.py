"""Writes what follows from declarations: the pages of the node types and of the HTTP routes."""

from __future__ import annotations

from .nodes import node_pages
from .routes import routes_page

__all__ = ["node_pages", "routes_page"]
