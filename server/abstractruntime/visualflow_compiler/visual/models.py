"""The document's classes under their older path."""

from ..document import VisualEdge, VisualFlow, VisualNode, load_visualflow_json

__all__ = ["VisualEdge", "VisualFlow", "VisualNode", "load_visualflow_json"]
