"""Keys that somebody has written into a command line or an address: found, so that they can be kept apart.

By the name before them (`--api-key sk-…`, `TOKEN=…`, `?key=…`), by the form that well-known services give theirs, or
because they look drawn by lot. What is missed stays as it was written; what is taken for a key is only not shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from ...nodes.written_keys import FORMS, NO_KEYS, before_key, names_a_secret

Span = tuple[int, int]

_NAMED = re.compile(r"-{0,2}([A-Za-z][\w.-]*)\s*[=:]\s*(?!//)(?=\S)")
_OPTION = re.compile(r"--?([A-Za-z][\w.-]*)")
_QUERY = re.compile(r"[?&#;]([A-Za-z][\w.-]*)=([^&#;\s]+)")
_SCHEME = re.compile(r"(?:Bearer|Basic|Token)\s+(?=\S)", re.IGNORECASE)
_REFERENCE = re.compile(r"\$\{[^}]*\}")
_BEARER = re.compile(r"(?:Bearer|Basic)\s+([^\s\"']{6,})")
_RUN = re.compile(r"[A-Za-z0-9]{20,}")
_PATH = re.compile(r"[/.~]|[A-Za-z]:\\")
_KIND = re.compile(r"[a-z]+|[A-Z]+|\d+")
_MOST_REGULAR = 5  # changes between small letters, capitals and digits in what a person would write


def without_secrets(parts: Sequence[str], keep: Callable[[str], str]) -> tuple[str, ...]:
    """Return the parts of a command line, each secret in them replaced by what `keep` gives for it."""
    made, before = [], ""
    for part in parts:
        left = 0
        text = ""
        for begin, end in _merged(_spans(part, before), part):
            text += part[left:begin] + keep(part[begin:end])
            left = end
        made.append(text + part[left:])
        before = part
    return tuple(made)


def _spans(part: str, before: str) -> Iterable[Span]:
    option = _OPTION.fullmatch(before)
    if option and names_a_secret(option[1]) and not part.startswith("-") and part.lower() not in NO_KEYS:
        yield _after_scheme(part, 0)
    yield from _named(part)
    for found in _QUERY.finditer(part):
        if names_a_secret(found[1]):
            yield found.span(2)
    for found in _BEARER.finditer(part):
        yield found.span(1)
    for found in FORMS.finditer(part):
        yield (before_key(found), found.end())
    for found in () if _PATH.match(part) else _RUN.finditer(part):
        if len(_KIND.findall(found[0])) > _MOST_REGULAR:
            yield found.span()


def _named(part: str) -> Iterable[Span]:
    """Find what follows a name: `--token=…`, `TOKEN=…`, `--header=Authorization: Bearer …`."""
    place = 0
    while found := _NAMED.match(part, place):
        place = found.end()
        if names_a_secret(found[1]) and part[place:].lower() not in NO_KEYS:
            yield _after_scheme(part, place)
            return


def _after_scheme(part: str, place: int) -> Span:
    scheme = _SCHEME.match(part, place)
    return (scheme.end() if scheme else place, len(part))


def _merged(spans: Iterable[Span], part: str) -> Iterable[Span]:
    """Return spans in their order, those that overlap as one; one with a reference such as `${NAME}` is no secret."""
    held: list[Span] = []
    references = [found.span() for found in _REFERENCE.finditer(part)]
    for begin, end in sorted(spans):
        if begin >= end or any(begin < last and first < end for first, last in references):
            continue
        if held and begin < held[-1][1]:
            held[-1] = (held[-1][0], max(end, held[-1][1]))
        else:
            held.append((begin, end))
    return held
