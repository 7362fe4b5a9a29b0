"""The variables of a flow: their first values, and what they may be called."""

from __future__ import annotations

from ..nodes.define import NodeError
from ..nodes.paths import Segment, parse, write
from .memory import Memory
from .program import Program
from .reading import fresh

_RUN_LIMIT = "_limits.max_iterations"  # the one reserved name that old flows write with outputKey


def give_first(program: Program, memory: Memory) -> None:
    """Give variables their first values, once per run; what the run was started with wins."""
    if not program.seeds or memory.temp.get("seeded"):
        return
    memory.temp["seeded"] = True
    for name, value in program.seeds:
        top, *rest = variable(name)
        if top.key not in memory.vars:
            memory.vars[top.key] = write(None, tuple(rest), fresh(value))


def variable(name: str) -> tuple[Segment, ...]:
    """Read the dotted name of a user variable; raise NodeError when it cannot be one."""
    path = parse(name)
    if not path:
        raise NodeError(f"'{name}' is no name for a variable.", code="variable.name")
    if path[0].key.startswith("_") and name != _RUN_LIMIT:
        text = f"Invalid variable name '{name}': names starting with '_' are reserved."
        raise NodeError(text, code="variable.reserved")
    return path
