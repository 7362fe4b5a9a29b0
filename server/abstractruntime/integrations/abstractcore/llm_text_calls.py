"""Tool calls that a model has written into its text, because its server knows no other way.

Known forms: `<tool_call>{"name", "arguments"}</tool_call>` and its kin, fenced blocks, and a text that is
nothing but such an object. Anything else is text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from .llm_result import normalize_tool_calls, without_markup

_FORMS = re.compile(
    r"<(?:tool_call|function_call|tool)>\s*(?P<tag>\{.*?\})\s*</(?:tool_call|function_call|tool)>"
    r"|<\|tool_call\|>\s*(?P<sign>\{.*?\})\s*(?:<\|/?tool_call\|>|$)"
    r"|```(?:json|tool_call|tool_code|tool)?\s*(?P<fence>\{.*?\})\s*```",
    re.DOTALL,
)


def parse_tool_calls_from_text(
    content: Any, *, allowed_tool_names: Iterable[str] | None = None
) -> tuple[list[dict[str, Any]] | None, Any]:
    """Return the calls in a text and the text without them; a call of a tool that is not allowed is text."""
    if not isinstance(content, str) or "{" not in content:
        return None, content
    allowed = None if allowed_tool_names is None else set(allowed_tool_names)
    bodies = [match["tag"] or match["sign"] or match["fence"] for match in _FORMS.finditer(content)]
    whole = not bodies and content.strip().startswith("{")
    if whole:
        bodies = [content.strip()]
    found = [call for body in bodies for call in _calls(body) if allowed is None or call["name"] in allowed]
    if not found:
        return None, content
    return found, "" if whole else without_markup(_FORMS.sub("", content))


def _calls(body: str) -> list[dict[str, Any]]:
    try:
        value = json.loads(body)
    except ValueError:
        return []
    if not isinstance(value, dict):
        return []
    if "arguments" not in value and "parameters" in value:
        value = {**value, "arguments": value["parameters"]}
    if not isinstance(value.get("name"), str) or "arguments" not in value:
        return []
    return normalize_tool_calls([value]) or []
