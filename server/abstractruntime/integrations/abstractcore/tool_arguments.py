"""From what a model wrote to what a function takes.

Models send arguments as JSON text, wrap them in the call once more, and spell names their own way.
What can be meant only one way is taken so; what fits no parameter is left out and told.
"""

from __future__ import annotations

import inspect
import json
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_MOST_WRAPPERS = 4
_WRAPPER_KEYS = frozenset({"name", "arguments", "call_id", "runtime_call_id", "id", "type"})
_KEYWORDS = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
# What models call a parameter, and what it is called here; the first one that exists is meant.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "path": ("file_path", "directory_path"),
    "filename": ("file_path",),
    "filepath": ("file_path",),
    "dir": ("directory_path", "path"),
    "directory": ("directory_path", "path"),
    "folder": ("directory_path", "path"),
    "query": ("pattern",),
    "regex": ("pattern",),
    "start": ("start_line",),
    "end": ("end_line",),
    "startlineoneindexed": ("start_line",),
    "endlineoneindexedinclusive": ("end_line",),
}


class BadArguments(ValueError):
    """The arguments cannot be meant for this function."""


@dataclass(frozen=True)
class Arguments:
    """What to call a function with, and what was left out because nothing takes it."""

    values: dict[str, Any]
    ignored: list[str] = field(default_factory=list)


def read_arguments(raw: Any) -> dict[str, Any]:
    """Return arguments as an object; raise BadArguments for anything else."""
    if raw is None or raw == "":
        return {}
    if isinstance(raw, str):
        try:
            raw = json.loads(raw)
        except ValueError:
            raise BadArguments(f"the arguments are not JSON: {raw[:200]!r}") from None
    if not isinstance(raw, Mapping):
        raise BadArguments(f"the arguments are {type(raw).__name__}, not an object")
    return dict(raw)


def match_arguments(function: Callable[..., Any], raw: Any) -> Arguments:
    """Return what to call `function` with; raise BadArguments when something it needs is missing."""
    parameters = inspect.signature(function).parameters
    takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    named = {name: each for name, each in parameters.items() if each.kind in _KEYWORDS}
    values: dict[str, Any] = {}
    ignored = []
    given = _unwrapped(read_arguments(raw), named)
    for key in sorted(given, key=lambda key: key not in named):  # exact names first: they win
        name = _parameter(key, named, values)
        if name is not None:
            values[name] = given[key]
        elif takes_any:
            values[key] = given[key]
        else:
            ignored.append(key)
    missing = [name for name, each in named.items() if each.default is each.empty and name not in values]
    if missing:
        raise BadArguments(f"missing {', '.join(missing)}; it takes {', '.join(named) or 'nothing'}")
    kinds = _annotations(function)
    return Arguments(
        {name: _coerced(name, value, kinds.get(name)) for name, value in values.items()}, ignored
    )


def _unwrapped(given: dict[str, Any], named: Mapping[str, Any]) -> dict[str, Any]:
    for _ in range(_MOST_WRAPPERS):
        if "arguments" not in given or "arguments" in named:
            return given
        try:
            inner = read_arguments(given["arguments"])
        except BadArguments:
            return given
        given = {key: value for key, value in given.items() if key not in _WRAPPER_KEYS} | inner
    return given


def _parameter(key: str, named: Mapping[str, Any], taken: Mapping[str, Any]) -> str | None:
    """Return the parameter that a key means, or None."""
    if key in named:
        return key
    plain = _plain(key)
    alike = [name for name in named if _plain(name) == plain and name not in taken]
    if len(alike) == 1:
        return alike[0]
    return next((name for name in SYNONYMS.get(plain, ()) if name in named and name not in taken), None)


def _plain(name: str) -> str:
    return "".join(sign for sign in name.lower() if sign not in " _-")


def _annotations(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function)
    except (NameError, TypeError, AttributeError):
        return {}  # hints that cannot be read say nothing


def _coerced(name: str, value: Any, kind: Any) -> Any:
    """Turn a scalar into the kind that the function names, where that loses nothing."""
    options = typing.get_args(kind) if typing.get_origin(kind) in (typing.Union, types.UnionType) else (kind,)
    if not isinstance(value, str) or str in options:
        return value
    for option in options:
        if option in (int, float, bool):
            return _scalar(name, value.strip(), option)
    return value


def _scalar(name: str, text: str, kind: type) -> Any:
    if kind is bool:
        if text.lower() in ("true", "false"):
            return text.lower() == "true"
    else:
        try:
            return kind(text)
        except ValueError:
            pass
    raise BadArguments(f"{name} should be {kind.__name__}, not {text!r}")
