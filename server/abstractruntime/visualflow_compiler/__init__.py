"""VisualFlow: from documents to workflows the kernel can run."""

from .bind import bind
from .compiler import compile_program, compile_visualflow, compile_visualflow_tree
from .document import VisualEdge, VisualFlow, VisualNode, flow_text, load_visualflow_json
from .lower import renamed
from .migrate import changes_between, migrate
from .opened import Opened, open_flow
from .problem import Problem, errors_of
from .program import Op, Program
from .tree import (
    FlowTree,
    closure,
    flows_named,
    listener_id,
    lower_opened,
    lower_tree,
    open_tree,
)
from .validate import check

__all__ = [
    "FlowTree",
    "Op",
    "Opened",
    "Problem",
    "Program",
    "VisualEdge",
    "VisualFlow",
    "VisualNode",
    "bind",
    "changes_between",
    "check",
    "closure",
    "compile_program",
    "compile_visualflow",
    "compile_visualflow_tree",
    "errors_of",
    "flow_text",
    "flows_named",
    "listener_id",
    "load_visualflow_json",
    "lower_opened",
    "lower_tree",
    "migrate",
    "open_flow",
    "open_tree",
    "renamed",
]
