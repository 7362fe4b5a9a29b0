"""Reading JSON out of text, with errors that name the pin."""

from __future__ import annotations

from typing import Any

from ..rendering import jsontext
from ..rendering.jsontext import decoded
from .define import NodeError

__all__ = ["decoded", "first_value"]


def first_value(source: str, pin: str = "text") -> Any:
    """Read the JSON in a text; raise NodeError with the code `json.empty` or `json.invalid`."""
    try:
        return jsontext.first_value(source)
    except jsontext.NoText:
        raise NodeError("parse_json requires a non-empty 'text' input.", code="json.empty", pin=pin) from None
    except ValueError as bad:
        raise NodeError(f"Invalid JSON: {bad}.", code="json.invalid", pin=pin) from None
