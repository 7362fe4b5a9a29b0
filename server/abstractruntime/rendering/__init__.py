"""Values and traces as text for people; a part is imported when it is first asked for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .agent_trace_report import render_agent_trace_markdown
    from .json_stringify import JsonStringifyMode, stringify_json

_WHERE = {
    "JsonStringifyMode": "json_stringify",
    "render_agent_trace_markdown": "agent_trace_report",
    "stringify_json": "json_stringify",
}

__all__ = ["JsonStringifyMode", "render_agent_trace_markdown", "stringify_json"]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_WHERE[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
