"""Reading JSON out of text that people and models write.

Their JSON stands in code fences, between sentences, or is written the way Python writes values. What
JSON cannot hold (not-a-number, sets) is refused, so that every value read can be stored.
"""

from __future__ import annotations

import ast
import json
import math
from typing import Any

Json = Any

_MOST_BRACKETS = 64
_LONGEST_LITERAL = 200_000
_FENCE = "```"


def _no_number(word: str) -> Json:
    raise ValueError(f"{word} is no JSON number")


def _finite(word: str) -> float:
    value = float(word)
    if not math.isfinite(value):
        raise ValueError(f"the number {word[:20]} is too large")
    return value


_DECODER = json.JSONDecoder(parse_constant=_no_number, parse_float=_finite)


def decoded(source: str) -> Json:
    """Read text that is JSON and nothing else; raise ValueError when it is not."""
    try:
        return _DECODER.decode(source)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


class NoText(ValueError):
    """There is no text to read."""


def first_value(source: str) -> Json:
    """Read the JSON in a text: all of it, a fenced part, the first object or list, or a Python literal.

    Raises NoText for a blank text, ValueError with the reason when it holds none of these.
    """
    inner = _unfenced(source.strip())
    if not inner:
        raise NoText("the text is empty")
    try:
        return decoded(inner)
    except ValueError as problem:
        reason = str(problem)
    for read in (_embedded, _literal):
        found, value = read(inner)
        if found:
            return value
    raise ValueError(reason)


def _unfenced(source: str) -> str:
    """Take a code fence off that stands around the whole text."""
    if not source.startswith(_FENCE):
        return source
    _, _, body = source.partition("\n")
    return body.strip().removesuffix(_FENCE).strip()


def _embedded(source: str) -> tuple[bool, Json]:
    """Find the first object or list that can be read, starting at one of the first brackets."""
    tried = 0
    for at, sign in enumerate(source):
        if sign not in "{[":
            continue
        try:
            value, _ = _DECODER.raw_decode(source, at)
        except (ValueError, RecursionError):
            tried += 1
            if tried >= _MOST_BRACKETS:
                break
            continue
        return True, value
    return False, None


def _literal(source: str) -> tuple[bool, Json]:
    """Read a Python literal: quotes of either kind, True, None."""
    if len(source) > _LONGEST_LITERAL:
        return False, None
    try:
        return True, _plain(ast.literal_eval(source))
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError, Warning):
        return False, None


def _plain(value: Json) -> Json:
    """Turn a literal's value into JSON; raise ValueError for what JSON cannot hold."""
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise ValueError("keys must be text")
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise ValueError(f"a {type(value).__name__} is no JSON")
