"""What is wrong with a flow, place by place.

An `error` keeps the flow from running, a `risk` lets it run with a result that may surprise, a
`note` says what is merely of no effect. `fix` is what the editor offers to do about it:
`{"label": text, "changes": [Change, ...]}` with the island's Change JSON (`docs/problems.md`); with
all of its changes applied the problem is gone.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

_W = TypeVar("_W", bound="_Wire")
Severity = Literal["error", "risk", "note"]


@dataclass(frozen=True)
class Problem:
    """One finding. `code` is stable; `node` and `pin` say where; `message` also names them.

    `pin` may also be the path of a setting; `line` counts from 1 in the text that it holds.
    """

    severity: Severity
    code: str
    message: str
    node: str | None = None
    pin: str | None = None
    fix: Mapping[str, Any] | None = None
    line: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the form that the HTTP interface and `InvalidFlow.problems` share."""
        return {
            "severity": self.severity,
            "code": self.code,
            "node": self.node,
            "pin": self.pin,
            "message": self.message,
            "fix": None if self.fix is None else dict(self.fix),
            "line": self.line,
        }


def errors_of(problems: Iterable[Problem]) -> list[Problem]:
    """Return those problems that keep the flow from running."""
    return [problem for problem in problems if problem.severity == "error"]


# fixes: {"label", "changes"}, the changes in the order to apply


def fix(label: str, *changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a fix that makes these changes."""
    return {"label": label, "changes": [dict(change) for change in changes]}


class _Wire(Protocol):
    id: str
    at: int | None


def cut(edge: _Wire) -> dict[str, Any]:
    """Return the change that removes a wire; with its place where its id does not name it alone."""
    return {"op": "disconnect", "edge": edge.id, **({} if edge.at is None else {"at": edge.at})}


def placed_first(edges: Iterable[_W]) -> list[_W]:
    """Return wires in the order to remove them: those that a place names while it is theirs, the last of them first."""
    return sorted(edges, key=lambda edge: (edge.at is None, -(edge.at or 0)))


def disconnect(*edges: _Wire, label: str = "Remove the wire") -> dict[str, Any]:
    """Return the fix that removes wires."""
    return fix(label, *map(cut, placed_first(edges)))


def set_to(label: str, node_id: str, path: str | Sequence[str], *value: Any) -> dict[str, Any]:
    """Return the fix that gives a node's setting this value; without one the setting is removed.

    `path` is under `node.data`: dotted, or a list of keys where one may hold a dot.
    """
    change = {"op": "set", "node": node_id, "path": path if isinstance(path, str) else list(path)}
    return fix(label, {**change, "value": value[0]} if value else change)


def choose(label: str, node_id: str, path: str | Sequence[str], value: str, choices: Iterable[str]) -> Any:
    """Return the fix that takes the choice nearest to a wrong value, or else the usual one."""
    near = difflib.get_close_matches(value.lower(), {each.lower(): each for each in choices}, n=1)
    if not near:
        return set_to(label, node_id, path)
    taken = next(each for each in choices if each.lower() == near[0])
    return set_to(f"Take '{taken}'", node_id, path, taken)
