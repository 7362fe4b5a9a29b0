"""Reading what a node asks of memory: nothing is a value too.

0, false and the empty list are taken as they are; only what is absent or null gets its default
(weakness B14). What cannot be read raises ValueError with the name of the field.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TRUE, _FALSE = ("true", "1", "yes", "y", "on"), ("false", "0", "no", "n", "off", "")


def given(payload: Mapping[str, Any], *names: str) -> Any:
    """Return the first of these fields that is there and not null, else None."""
    return next((payload[name] for name in names if payload.get(name) is not None), None)


def whole(payload: Mapping[str, Any], *names: str) -> int | None:
    """Return a field as a whole number; None if it is absent."""
    value = given(payload, *names)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        if isinstance(value, bool) or int(value) != float(value):
            raise ValueError
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"payload.{names[0]} must be a whole number, not {value!r:.80}") from None


def flag(payload: Mapping[str, Any], *names: str, default: bool = False) -> bool:
    """Return a field as true or false; words such as `yes` and `off` count."""
    value = given(payload, *names)
    if value is None:
        return default
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
        raise ValueError(f"payload.{names[0]} must be true or false, not {value!r:.80}")
    return bool(value)


def text(payload: Mapping[str, Any], *names: str) -> str:
    """Return a field as text without blanks around it; empty if it is absent."""
    value = given(payload, *names)
    return "" if value is None else str(value).strip()


def texts(payload: Mapping[str, Any], *names: str) -> list[str]:
    """Return a field as a list of texts; a single text is a list of one."""
    found: list[str] = []
    for name in names:
        value = payload.get(name)
        many = value if isinstance(value, (list, tuple)) else [value]
        found += [str(one).strip() for one in many if one is not None and str(one).strip()]
    return found


def tags(payload: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags of a span: text to text; numbers become text, `kind` is not a tag."""
    value = payload.get("tags")
    found: dict[str, str] = {}
    for key, one in value.items() if isinstance(value, dict) else ():
        name = str(key).strip()
        if name and name != "kind" and isinstance(one, str | int | float) and str(one).strip():
            found[name] = str(one).strip()
    return found


def mode(payload: Mapping[str, Any], *names: str, known: tuple[str, ...], default: str) -> str:
    """Return a field that takes one of the known words."""
    word = text(payload, *names).lower()
    if not word:
        return default
    if word not in known:
        raise ValueError(f"payload.{names[0]} must be one of {', '.join(known)}, not {word!r:.80}")
    return word
