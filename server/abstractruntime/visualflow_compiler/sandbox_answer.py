"""The answer of a code node, checked before it becomes part of a run.

A backend hands over JSON text and nothing else. The text is measured before it is parsed and walked
without recursion after: what passes here can be stored, whatever the code tried.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from .sandbox_words import Json, Limits, SandboxRefusal

_JSON = "Return text, numbers, True, False, None, lists and objects."
# What to return instead of a value of this type.
_INSTEAD = {
    **dict.fromkeys(
        ("set", "frozenset", "dict_keys", "dict_values", "dict_items"), "Write `list(...)` around it."
    ),
    **dict.fromkeys(
        ("generator", "map", "filter", "zip", "range", "reversed"), "Write `list(...)` around it."
    ),
    **dict.fromkeys(("datetime", "date", "time"), "Write `.isoformat()` after it."),
    **dict.fromkeys(
        ("function", "method", "builtin_function_or_method"), "Call it and return what it gives."
    ),
    **dict.fromkeys(("Decimal", "Fraction", "timedelta"), "Write `str(...)` around it."),
    "bytes": "Write `.decode()` after it.",
}
_TEXTS = {
    "type": ("{place} is of type {what}.", "{other}"),
    "key": ("{place} has a key of type {what}.", "Use text as keys."),
    "cycle": ("{place} contains itself.", "Return a copy that does not."),
    "number": ("{place} is {what}, which JSON does not know.", "Return None or text instead."),
    "depth": ("it is nested deeper than {limit} levels.", "Return a flatter value."),
    "size": (
        "it is {what} long and the limit is {limit}.",
        "Return less, or write it to a file and return its name.",
    ),
    "value": ("{what}.", _JSON),
}


def refuse_answer(kind: str, place: str = "the answer", what: str = "", limit: str = "") -> NoReturn:
    """Raise the refusal of an answer: `kind` is one of type, key, cycle, number, depth, size, value."""
    why, fix = _TEXTS[kind]
    shown = f"`{place}`" if place not in ("the answer", "answer") else "it"
    raise SandboxRefusal(
        "The answer cannot be stored:",
        code=f"code.result.{kind}",
        where=why.format(place=shown, what=what, limit=limit),
        fix=fix.format(other=_INSTEAD.get(what, _JSON)),
        why=what,
    )


def read_answer(text: Any, limits: Limits) -> Json:
    """Return the value of an answer's JSON text; raise SandboxRefusal when it cannot be stored."""
    if not isinstance(text, str):
        _refuse_report(text, limits)
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > limits.answer:
        refuse_answer("size", what=_bytes(size), limit=_bytes(limits.answer))
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
        text.encode("utf-8")
    except SandboxRefusal:
        raise
    except RecursionError:
        refuse_answer("depth", limit=str(limits.answer_depth))
    except ValueError as error:
        refuse_answer("value", what=str(error)[:200])
    if not _is_flat(text, value, limits.answer_depth):
        refuse_answer("depth", limit=str(limits.answer_depth))
    return value


def _refuse_constant(name: str) -> NoReturn:
    refuse_answer("number", what=name)


def _refuse_report(report: Any, limits: Limits) -> NoReturn:
    """Turn the in-sandbox check's finding, `[kind, place, what]`, into the refusal."""
    if isinstance(report, list) and len(report) == 3 and all(isinstance(part, str) for part in report):
        kind, place, what = report
        if kind == "size":
            refuse_answer("size", what=f"more than {_bytes(limits.answer)}", limit=_bytes(limits.answer))
        if kind in _TEXTS:
            refuse_answer(kind, place[:200], what[:200], limit=str(limits.answer_depth))
    refuse_answer("value", what="the code replaced the sandbox's own names")


def _is_flat(text: str, value: Json, most: int) -> bool:
    """Whether `value` nests at most `most` levels; `text` is its JSON."""
    if text.count("[") + text.count("{") <= most:
        return True
    level = [value] if isinstance(value, (list, dict)) else []
    for _ in range(most):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (list, dict))
        ]
        if not level:
            return True
    return False


def _bytes(size: int) -> str:
    if size >= 1024 * 1024:
        return f"{size / 1024 / 1024:.3g} MiB"
    return f"{size / 1024:.3g} KiB" if size >= 1024 else f"{size} bytes"
