"""What tools of servers were when a run was told of them, so that one that has become another is not used unseen.

A hash of what its server says of a tool is kept with the run, in `_runtime.tool_hashes`, from when a model was
told of it or it was first called, and with each question whether it may be used. An executor that knows its
tools' hashes has `described(name)`; the tools of others are as they are. (source: contract/integrations.md 5.3)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ...core.boundary import guarded
from ...core.models import RunState
from ...core.vars import get_namespace
from .tool_results import ToolCall, tool_result

HASH = "hash"
_SLOT = "tool_hashes"
_MOST_TOLD = 300  # characters of what a server says of a tool, in a question


class Pins:
    """The tools of some calls as they are now: `now` their hashes by name, of those that have one."""

    def __init__(self, tools: Any, calls: Iterable[ToolCall]) -> None:
        self.now: dict[str, str] = {}
        self._said: dict[str, str] = {}
        self._refused: dict[str, tuple[str, dict[str, Any]]] = {}
        describe = getattr(tools, "described", None)
        for name in dict.fromkeys(str(call.get("name")) for call in calls):
            spec, error = guarded(describe, name) if callable(describe) else (None, None)
            if error is not None:
                self._refused[name] = (str(error), {"carried_out": getattr(error, "carried_out", "") or "no"})
            elif isinstance(spec, Mapping) and spec.get(HASH):
                self.now[name] = str(spec[HASH])
                self._said[name] = str(spec.get("description") or "")

    def changed(self, before: Mapping[str, Any]) -> list[str]:
        """Return the names of tools that were others."""
        return [name for name, found in self.now.items() if before.get(name, found) != found]

    def digest(self) -> str:
        """Return what tells these tools from others of the same names."""
        return hashlib.sha256(json.dumps(self.now, sort_keys=True).encode()).hexdigest()[:16]

    def question(self, names: Iterable[str], since: str) -> str:
        """Return how a person is told of tools that have changed."""
        return " ".join(change_told(name, since, self._said[name]) for name in names)

    def refuse(self, names: Iterable[str]) -> None:
        """Have the calls of changed tools fail: there is nobody to ask."""
        for name in names:
            told = f"Tool '{name}' has changed since this run first used it; start a new run to use it as it is now"
            self._refused[name] = (told, {"carried_out": "no"})

    def allows(self, call: ToolCall) -> bool:
        """Say whether a call may be made, as far as its tool is concerned."""
        return str(call.get("name")) not in self._refused

    def guarding(self, execute: Callable[..., Any]) -> Callable[..., Any]:
        """Return an executor's function that makes only the calls that may be made, in their order."""
        if not self._refused:
            return execute

        def allowed(*, tool_calls: list[ToolCall]) -> Any:
            left = [call for call in tool_calls if self.allows(call)]
            done = execute(tool_calls=left) if left else {"mode": "executed", "results": []}
            made = iter(done["results"])
            results = [next(made, None) if self.allows(call) else self._refusal(call) for call in tool_calls]
            return {**done, "results": results}

        return allowed

    def keep(self, run: RunState) -> None:
        """Keep with a run what its tools are now."""
        if self.now:
            _space(run).update(self.now)

    def _refusal(self, call: ToolCall) -> dict[str, Any]:
        told, meta = self._refused[str(call.get("name"))]
        return tool_result(call, error=told, meta=meta)


def change_told(name: str, since: str, description: str) -> str:
    """Return how a person is told of a tool that has changed."""
    return f"The tool {name} has changed since {since}. Its server now says of it: {_short(description)}."


def kept_hashes(run: RunState) -> Mapping[str, Any]:
    """Return the hashes of the tools that a run was told of, by name."""
    found = get_namespace(run.vars, "_runtime").get(_SLOT)
    return found if isinstance(found, dict) else {}


def told_of(run: RunState, specs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep with a run what tools are that its model is told of now; return them as the model is told of them."""
    for spec in specs:
        if spec.get(HASH):
            _space(run).setdefault(spec["name"], spec[HASH])
    return [without_hash(spec) for spec in specs]


def without_hash(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tool's description without what only we read."""
    return {key: value for key, value in spec.items() if key != HASH}


def _space(run: RunState) -> dict[str, Any]:
    settings = get_namespace(run.vars, "_runtime")
    if not isinstance(settings.get(_SLOT), dict):
        settings[_SLOT] = {}
    found: dict[str, Any] = settings[_SLOT]
    return found


def _short(text: str) -> str:
    line = " ".join(text.split())
    return f"“{line[:_MOST_TOLD]}{'…' if len(line) > _MOST_TOLD else ''}”" if line else "nothing"
