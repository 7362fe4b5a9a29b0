"""A value as JSON text, on many lines or on one."""

from __future__ import annotations

import json
from enum import Enum
from typing import Any

from .jsontext import first_value


class JsonStringifyMode(str, Enum):
    """How JSON is laid out."""

    NONE = "none"
    BEAUTIFY = "beautify"
    MINIFIED = "minified"


def stringify_json(
    value: Any,
    *,
    mode: str | JsonStringifyMode = JsonStringifyMode.BEAUTIFY,
    beautify_indent: int = 2,
    sort_keys: bool = False,
    parse_strings: bool = True,
) -> str:
    """Return JSON text with non-ASCII characters kept (kernel contract 8.9).

    With `parse_strings`, a text that holds JSON (in a code fence, between sentences, or as a Python
    literal) is shown as that data. What JSON does not know is shown as its `str`; an unknown mode
    means beautify.
    """
    if parse_strings and isinstance(value, str):
        value = _data(value)
    layout = mode.value if isinstance(mode, JsonStringifyMode) else str(mode).strip().lower()
    if layout == JsonStringifyMode.MINIFIED.value:
        return _dumps(value, sort_keys, separators=(",", ":"))
    if layout == JsonStringifyMode.NONE.value:
        return _dumps(value, sort_keys)
    return _dumps(value, sort_keys, indent=max(0, int(beautify_indent)))


def _data(text: str) -> Any:
    try:
        return first_value(text)
    except ValueError:
        return text


def _dumps(value: Any, sort_keys: bool, **layout: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, sort_keys=sort_keys, default=str, **layout)
    except (TypeError, ValueError, RecursionError):
        # Keys that are no text, or a value that contains itself.
        return json.dumps(str(value), ensure_ascii=False)
