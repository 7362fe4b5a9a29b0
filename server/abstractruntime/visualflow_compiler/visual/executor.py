"""What makes workflows of documents, under its older path."""

from ..compiler import compile_visualflow, compile_visualflow_tree
from ..document import load_visualflow_json

__all__ = ["compile_visualflow", "compile_visualflow_tree", "load_visualflow_json"]
