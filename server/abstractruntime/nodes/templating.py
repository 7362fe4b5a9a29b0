"""Filling texts with values: `{{ path | filter }}` and `{name}`.

Both read plain data only: keys and positions, never attributes, so a template cannot reach into the
program. Sizes are counted before texts are put together.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .define import NodeError
from .paths import find, parse
from .values import fitting, items, json_text, text

Json = Any

_QUOTES = "\"'"
_WIDEST = 1000


def fill(template: str, values: Mapping[str, Json], pin: str = "template") -> str:
    """Replace each `{{ path | filter }}` by its value; what is missing becomes nothing."""
    root = dict(values)
    parts: list[str] = []
    size = at = 0
    while True:
        opening = template.find("{{", at)
        closing = template.find("}}", opening + 2) if opening >= 0 else -1
        rest = template[at:] if closing < 0 else template[at:opening]
        parts.append(rest)
        size = fitting(size + len(rest), pin)
        if closing < 0:
            return "".join(parts)
        parts.append(_placed(template[opening + 2 : closing], root, pin))
        size = fitting(size + len(parts[-1]), pin)
        at = closing + 2


def _placed(inner: str, root: dict[str, Json], pin: str) -> str:
    path, *filters = _split(inner)
    segments = parse(path.strip(), pin)
    found, value = find(root, segments) if segments else (False, None)
    if not found or value is None:
        return ""
    for each in filters:
        value = _filtered(each.strip(), value, pin)
    return text(value)


def _split(inner: str) -> list[str]:
    """Split at the bars that stand outside quoted arguments and keys."""
    parts, quote, start, before = [], "", 0, ""
    for at, sign in enumerate(inner):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in _QUOTES and before in ("(", "["):
            quote = sign
        elif sign == "|":
            parts.append(inner[start:at])
            start = at + 1
        before = before if sign == " " else sign
    return [*parts, inner[start:]]


def _join(value: Json, argument: str | None, pin: str) -> str:
    parts = [text(each) for each in items(value)]
    between = ", " if argument is None else argument
    fitting(sum(map(len, parts)) + len(between) * len(parts), pin)
    return between.join(parts)


_FILTERS: Mapping[str, Callable[[Json, str | None, str], str]] = {
    "json": lambda value, argument, pin: json_text(value, sort_keys=True),
    "join": _join,
    "trim": lambda value, argument, pin: text(value).strip(),
    "lower": lambda value, argument, pin: text(value).lower(),
    "upper": lambda value, argument, pin: text(value).upper(),
}


def _filtered(word: str, value: Json, pin: str) -> Json:
    name, bracket, rest = word.partition("(")
    use = _FILTERS.get(name.strip().lower())
    if use is None:
        return value
    argument = None
    if bracket:
        argument = rest[: rest.rfind(")")] if ")" in rest else rest
        bare = argument.strip()
        if len(bare) >= 2 and bare[0] in _QUOTES and bare[-1] == bare[0]:
            argument = bare[1:-1]
    return use(value, argument, pin)


def mistakes(template: str) -> Iterator[str]:
    """Tell what in a `{{ }}` template has no effect or cannot be read."""
    at = 0
    while (opening := template.find("{{", at)) >= 0:
        closing = template.find("}}", opening + 2)
        if closing < 0:
            yield "A '{{' is never closed by '}}', so it is left as it is."
            return
        path, *filters = _split(template[opening + 2 : closing])
        for each in filters:
            name = each.partition("(")[0].strip()
            if name.lower() not in _FILTERS:
                yield f"There is no filter '{name}', so it does nothing. Known: {', '.join(_FILTERS)}."
        try:
            parse(path.strip())
        except NodeError as problem:
            yield str(problem)
        at = closing + 2


def brace_format(template: str, values: Mapping[str, Json], pin: str = "template") -> str:
    """Replace each `{name}`, `{name[0]}` or `{name:>8}` by its value; `{{` and `}}` are braces.

    Raise NodeError for a name that is not there, a stray brace, or anything beyond keys and positions.
    """
    parts: list[str] = []
    size = 0
    try:
        for literal, name, spec, conversion in string.Formatter().parse(template):
            parts.append(literal)
            if name is not None:
                value = _named(name, values, pin)
                parts.append(_shaped(name, value, spec or "", conversion, pin))
                size += len(parts[-1])
            size = fitting(size + len(literal), pin)
    except NodeError:
        raise
    except ValueError as problem:
        raise NodeError(f"The template cannot be read: {problem}.", code="format.bad", pin=pin) from None
    return "".join(parts)


def _named(name: str, values: Mapping[str, Json], pin: str) -> Json:
    key, bracket, rest = name.partition("[")
    if "." in key:
        key_part, _, attribute = key.partition(".")
        raise NodeError(
            f"'{{{name}}}' asks for '{attribute}' of '{key_part}'. Write {{{key_part}[{attribute}]}}.",
            code="format.attribute",
            pin=pin,
        )
    if not key:
        raise NodeError("Each pair of braces needs a name, as in {name}.", code="format.no_name", pin=pin)
    if key not in values:
        raise NodeError(f"There is no value '{key}' for the template.", code="format.missing", pin=pin)
    found, value = find(values[key], parse(bracket + rest, pin))
    if not found:
        raise NodeError(f"There is no value '{name}' for the template.", code="format.missing", pin=pin)
    return value


def _shaped(name: str, value: Json, spec: str, conversion: str | None, pin: str) -> str:
    if conversion not in (None, "s", "r", "a"):
        raise NodeError(f"'{{{name}!{conversion}}}' is not known.", code="format.bad", pin=pin)
    if conversion in ("r", "a"):
        value = json_text(value)
    if not spec:
        return text(value)
    numbers = "".join(sign if sign.isdigit() else " " for sign in spec).split()
    if "{" in spec or any(len(each) > 4 or int(each) > _WIDEST for each in numbers):
        raise NodeError(
            f"'{{{name}:{spec[:20]}}}' is too wide; at most {_WIDEST} signs.", code="format.bad", pin=pin
        )
    plain = isinstance(value, (int, float)) and not isinstance(value, bool) and conversion is None
    try:
        return format(value if plain else text(value), spec)
    except (ValueError, OverflowError) as problem:
        raise NodeError(
            f"'{{{name}:{spec}}}' cannot be formatted: {problem}.", code="format.bad", pin=pin
        ) from None
