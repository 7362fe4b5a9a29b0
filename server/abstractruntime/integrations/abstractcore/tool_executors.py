"""Who carries out tool calls: functions of this process, AbstractCore's registry, a person, another worker.

An executor answers `{"mode": "executed", "results": [...]}`, one result per call and in their order, or
with another mode when somebody else has to act first; the run then waits. `delegates` says which of
the two an executor does, so that nobody has to ask it with an empty batch.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextvars import copy_context
from functools import partial
from typing import Any, Protocol, runtime_checkable

from ...core.boundary import guarded
from .guard import abstractcore
from .tool_arguments import BadArguments, match_arguments, read_arguments
from .tool_results import ToolCall, ToolResult, judged, tool_result

EXECUTED = "executed"
PASSTHROUGH = "passthrough"


@runtime_checkable
class ToolExecutor(Protocol):
    """Carries out a batch of tool calls, or says who does."""

    def execute(self, *, tool_calls: list[ToolCall]) -> dict[str, Any]:
        """Return `{"mode": "executed", "results": [...]}` or a mode that the run waits for."""
        ...


class MappingToolExecutor:
    """Calls functions of this process by name; `timeout_s` seconds each, none or 0 for no limit.

    The functions run one after the other. One that runs out of time cannot be stopped: its result is a
    failure whose `meta.still_running` is true. A coroutine function is run to its end.
    """

    delegates = False

    def __init__(self, tool_map: Mapping[str, Callable[..., Any]], *, timeout_s: float | None = None) -> None:
        self._tools: dict[str, Callable[..., Any]] = {}
        for name, function in tool_map.items():
            self._add(name, function)
        self.set_timeout_s(timeout_s)

    @classmethod
    def from_tools(
        cls, tools: Iterable[Callable[..., Any]], *, timeout_s: float | None = None
    ) -> MappingToolExecutor:
        """Return an executor of functions under their own names; raise ValueError for nameless ones."""
        made = cls({}, timeout_s=timeout_s)
        for function in tools:
            made._add(name_of(function), function)
        return made

    def may_repeat(self, name: str) -> bool:
        """Say whether a call may be made again of which nobody knows how it ended: `function.idempotent`."""
        return getattr(self._tools.get(name), "idempotent", True) is not False

    def set_timeout_s(self, timeout_s: float | None) -> None:
        """Let each call take so many seconds; none or 0 lets it take as long as it likes."""
        self._timeout_s = float(timeout_s) if timeout_s and timeout_s > 0 else None

    @property
    def names(self) -> list[str]:
        """The names of the tools, sorted."""
        return sorted(self._tools)

    def execute(self, *, tool_calls: list[ToolCall]) -> dict[str, Any]:
        """Call the tools; a call that cannot be carried out has a failed result."""
        return {"mode": EXECUTED, "results": [self._one(call) for call in tool_calls]}

    def _add(self, name: Any, function: Any) -> None:
        if not callable(function):
            raise ValueError(f"The tool {name!r} is {type(function).__name__}, not a function")
        if not isinstance(name, str) or not name.strip():
            raise ValueError(f"A tool needs a name; {function!r} has none")
        if name.strip() in self._tools:
            raise ValueError(f"Two tools are called {name.strip()!r}")
        self._tools[name.strip()] = function

    def _one(self, call: ToolCall) -> ToolResult:
        name = str(call.get("name") or "").strip()
        function = self._tools.get(name)
        if function is None:
            return tool_result(call, error=f"Tool '{name}' not found")
        target = getattr(function, "function", None)
        target = target if callable(target) else function
        try:
            arguments = match_arguments(target, call.get("arguments"))
        except BadArguments as bad:
            return tool_result(call, error=f"Invalid arguments for tool '{name}': {bad}")
        return timed(call, lambda: target(**arguments.values), self._timeout_s, ignored=arguments.ignored)


def name_of(function: Any) -> Any:
    """Return the name a tool was declared under, else the function's own."""
    declared = getattr(function, "_tool_definition", None)
    return getattr(declared, "name", None) or getattr(function, "__name__", None)


class AbstractCoreToolExecutor:
    """Calls the tools of AbstractCore's global registry; `timeout_s` seconds each."""

    delegates = False

    def __init__(self, *, timeout_s: float | None = None) -> None:
        self.set_timeout_s(timeout_s)

    def set_timeout_s(self, timeout_s: float | None) -> None:
        """Let each call take so many seconds; none or 0 lets it take as long as it likes."""
        self._timeout_s = float(timeout_s) if timeout_s and timeout_s > 0 else None

    def execute(self, *, tool_calls: list[ToolCall]) -> dict[str, Any]:
        """Call the tools; raise NotInstalled without AbstractCore."""
        registry = abstractcore("tools.registry", wanted_for="Its tool registry")
        words = abstractcore("tools.core", wanted_for="Its tool registry")
        results = []
        for call in tool_calls:
            try:
                arguments = read_arguments(call.get("arguments"))
            except BadArguments as bad:
                error = f"Invalid arguments for tool '{call.get('name')}': {bad}"
                results.append(tool_result(call, error=error))
                continue
            asked = words.ToolCall(
                name=str(call.get("name") or ""), arguments=arguments, call_id=call.get("call_id")
            )
            results.append(timed(call, partial(_from_registry, registry, asked), self._timeout_s))
        return {"mode": EXECUTED, "results": results}


def _from_registry(registry: Any, asked: Any) -> Any:
    """Return what a tool of AbstractCore says; raise for a failure."""
    result = registry.execute_tool(asked)
    if result.success:
        return result.output
    if result.output is not None:
        return {"success": False, "error": result.error, "output": result.output}
    raise ToolFailed(str(result.error or "Tool reported failure"))


class ToolFailed(Exception):
    """A tool said that it failed."""


class PassthroughToolExecutor:
    """Carries out nothing: the run waits until somebody brings the results."""

    delegates = True

    def __init__(self, *, mode: str = PASSTHROUGH) -> None:
        self.mode = mode

    def execute(self, *, tool_calls: list[ToolCall]) -> dict[str, Any]:
        """Return the calls under the executor's mode."""
        return {"mode": self.mode, "tool_calls": [dict(call) for call in tool_calls]}


def timed(
    call: ToolCall,
    function: Callable[[], Any],
    timeout_s: float | None,
    *,
    ignored: Iterable[str] = (),
) -> ToolResult:
    """Return what a tool's call came to, within its time."""
    meta: dict[str, Any] = {"ignored_arguments": [*ignored]} if ignored else {}
    begun = time.monotonic()
    if timeout_s is None:
        value, error = guarded(_run, function)
    else:
        answers: list[tuple[Any, Exception | None]] = []
        here = copy_context()  # it knows for which run the tool works
        thread = threading.Thread(
            target=lambda: answers.append(here.run(guarded, _run, function)), daemon=True
        )
        thread.start()
        thread.join(timeout_s)
        if not answers:
            meta["still_running"] = True
            return tool_result(call, error=f"Tool execution timed out after {timeout_s:g}s", meta=meta)
        value, error = answers[0]
    meta["duration_ms"] = round((time.monotonic() - begun) * 1000, 1)
    if error is not None:
        return tool_result(call, error=str(error) or type(error).__name__, meta=meta)
    return judged(call, value, meta=meta)


def _run(function: Callable[[], Any]) -> Any:
    value = function()
    return asyncio.run(_awaited(value)) if inspect.isawaitable(value) else value


async def _awaited(value: Any) -> Any:
    return await value
