"""Every problem that a node type can have is explained: what it means and what to do."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

from abstractruntime.nodes import define
from abstractruntime.nodes.catalog import catalog
from flowstudio.pages.editor import REASONS

ODD: tuple[Any, ...] = (
    *(None, "", 0, -1, True, 1e30, [], {"_x": 1}, ["a["], "x[", "{{", "0 0 * *", "_x", "../x", "words"),
    *([{"id": "a", "value": "1"}, {"id": "a", "value": "1"}], [{"value": {}}]),
)


def found_by_checks() -> set[str]:
    """Return the codes that the checks of node types find in odd values of each of their inputs and settings."""
    found = set()
    for kind in catalog():
        for value in ODD if kind.check is not None else ():
            given: list[dict[str, Any]] = [{"pinDefaults": {pin.id: value}} for pin in kind.inputs]
            for setting in kind.fields:
                data: Any = value
                for key in reversed(setting.path.split(".")):
                    data = {key: data}
                given.append(data)
            found |= {each.code for data in given for each in kind.check(data)}
    return found


def written_in_nodes() -> set[str]:
    """Return the codes that stand in the text of the declarations."""
    found = set()
    for path in Path(define.__file__).parent.glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(call, ast.Call)
                and getattr(call.func, "id", "") == "Finding"
                and len(call.args) > 1
            ):
                found |= {call.args[1].value} if isinstance(call.args[1], ast.Constant) else set()
    return found


def test_every_code_of_a_node_type_says_why() -> None:
    """What the editor shows under *Why?* is made of the tables."""
    reasons = json.loads(REASONS.read_text("utf-8"))
    found, written = found_by_checks(), written_in_nodes()
    assert {"schedule.unreadable", "text.bad_pattern", "path.bad"} <= found - written
    assert {"ask.no_prompt", "code.function.name"} <= written
    assert sorted((found | written) - set(reasons)) == []
