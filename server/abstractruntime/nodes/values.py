"""How nodes read values of another kind than they need: text, truth, numbers, lists.

One rule each, used by every node, so that the same wire means the same everywhere. What cannot be
read is an error that names the pin; nothing is guessed.
"""

from __future__ import annotations

import json
import math
from typing import Any

from .define import NodeError

Json = Any

LONGEST_TEXT = 32 * 1024 * 1024
"""Characters that one node may put together."""

_FALSE = frozenset({"", "false", "0", "no", "off"})
_TRUE = frozenset({"true", "1", "yes", "on"})
_FEW = 40


def text(value: Json) -> str:
    """Return the text of a value: text as it is, null as nothing, all else as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json_text(value)


def json_text(
    value: Json, *, indent: int | None = None, sort_keys: bool = False, compact: bool = False
) -> str:
    """Return a value as JSON text on one line, or indented by `indent` columns."""
    separators = (",", ":") if compact else None
    try:
        return json.dumps(
            value, ensure_ascii=False, indent=indent, sort_keys=sort_keys, separators=separators
        )
    except RecursionError:
        raise NodeError("The value is nested too deeply to be written as text.", code="value.deep") from None


def clipped(value: str, most: int) -> str:
    """Return a text on one line of at most `most` characters."""
    line = " ".join(value.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def described(value: Json) -> str:
    """Return a few words that tell a person what a value is."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, str):
        return f"the text '{value if len(value) <= _FEW else value[: _FEW - 1] + '…'}'"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        if isinstance(value, int) and value.bit_length() > 1023:
            return f"a number of about {int(value.bit_length() * 0.30103) + 1:,} digits"
        return f"the number {value if abs(value) < 10**_FEW else format(float(value), '.3g')}"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    return "an object" if isinstance(value, dict) else f"a {type(value).__name__}"


def truth(value: Json, pin: str | None = None) -> bool:
    """Read yes or no: false/0/no/off/empty and true/1/yes/on as text, null is no, all else as it counts."""
    if not isinstance(value, str):
        return bool(value)
    word = value.strip().lower() if len(value) <= _FEW else value
    if word in _FALSE:
        return False
    if word in _TRUE:
        return True
    raise NodeError(
        f"{_pin(pin)} needs true or false, but got {described(value)}.", code="value.not_boolean", pin=pin
    )


def number(value: Json, pin: str | None = None) -> int | float:
    """Read a number: whole ones stay whole, numeric text and true/false count, null does not."""
    read: int | float | None = None
    if isinstance(value, bool):
        read = int(value)
    elif isinstance(value, (int, float)):
        read = value
    elif isinstance(value, str):
        read = _spelled(value.strip())
    if read is None or (isinstance(read, float) and not math.isfinite(read)):
        raise NodeError(
            f"{_pin(pin)} needs a number, but got {described(value)}.", code="value.not_number", pin=pin
        )
    return read


def _spelled(word: str) -> int | float | None:
    if "_" in word:
        return None
    try:
        return int(word)
    except ValueError:
        pass
    try:
        return float(word)
    except ValueError:
        return None


def whole(value: Json, pin: str | None = None) -> int:
    """Read a whole number; what follows the point is cut off."""
    return int(number(value, pin))


def items(value: Json) -> list[Json]:
    """Read a list: null is an empty one, a single value is a list of one."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def unescaped(value: str) -> str:
    """Turn the written signs \\n, \\t and \\r into line break, tab and return."""
    return value.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r")


def fitting(length: int, pin: str | None = None) -> int:
    """Refuse a text that would be too long to hold, before it is put together."""
    if length > LONGEST_TEXT:
        raise NodeError(
            f"The text would have {length:,} characters; at most {LONGEST_TEXT:,} are allowed.",
            code="text.too_long",
            pin=pin,
        )
    return length


def _pin(pin: str | None) -> str:
    return f"'{pin}'" if pin else "This"
