"""Finding patterns in text, in time that grows with the text only.

The engine is RE2: no pattern, however written, can take longer than one pass over the text. It has no
back-references and no look-around, which is the price; what it refuses is said with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from .authored import pin_value
from .borrowed import borrowed
from .define import UNSET, Call, Example, Finding, NodeError, Pin, pure
from .values import clipped, text, truth, whole

Json = Any

_MOST = 10_000
_SHOWN = 140
_MEMORY = 16 * 1024 * 1024


@lru_cache(maxsize=256)
def compiled(pattern: str, ignore_case: bool) -> Any:
    """Return a pattern ready to match; raise NodeError `text.bad_pattern` with the engine's reason."""
    re2 = borrowed("re2", "google-re2")
    options = re2.Options()
    options.case_sensitive = not ignore_case
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else "unknown reason"
        said = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise NodeError(
            f"The pattern '{clipped(pattern, _SHOWN)}' cannot be used: {clipped(said, _SHOWN)}.",
            code="text.bad_pattern",
            pin="pattern",
        ) from None


def _check(data: Mapping[str, Json]) -> list[Finding]:
    pattern = pin_value(data, "pattern")
    if pattern is UNSET or not isinstance(pattern, str):
        return []
    try:
        compiled(pattern, False)
    except NodeError as problem:
        return [Finding("error", problem.code, str(problem), pin="pattern")]
    return []


def _groups(found: Any) -> dict[str, Json]:
    """Return what the groups of a match hold: by name where they have one, else by number."""
    named = {place: name for name, place in found.re.groupindex.items()}
    return {named.get(place, str(place)): value for place, value in enumerate(found.groups(), start=1)}


@pure(
    "match_text",
    family="text",
    label="Match Text",
    sentence="What {pattern} finds in {text}",
    inputs=(
        Pin("text", "string", "", "Where to look."),
        Pin("pattern", "string", "", "What to look for, such as (?P<year>[0-9]{4})-(?P<month>[0-9]{2})."),
        Pin("ignore_case", "boolean", False, "Whether capital letters count as small ones."),
        Pin("whole", "boolean", False, "Whether the whole text must match, not a part of it."),
        Pin("limit", "number", 1000, "How many matches at most, up to 10,000."),
    ),
    outputs=(
        Pin("matched", "boolean", description="Whether there is a match."),
        Pin("match", "string", description="The text of the first match."),
        Pin("groups", "object", description="What the groups of the first match hold, by name or number."),
        Pin("matches", "array", description="All matches: text, groups, and start (characters before it)."),
    ),
    seldom=("whole", "limit"),
    check=_check,
    keywords=("regex", "regular expression", "pattern", "find", "search", "extract", "validate", "re2"),
    examples=(
        Example(
            {"text": "Due 2030-02-28, paid 2030-03-01", "pattern": "(?P<year>[0-9]{4})-([0-9]{2})-[0-9]{2}"},
            {
                "matched": True,
                "match": "2030-02-28",
                "groups": {"year": "2030", "2": "02"},
                "matches": [
                    {"text": "2030-02-28", "groups": {"year": "2030", "2": "02"}, "start": 4},
                    {"text": "2030-03-01", "groups": {"year": "2030", "2": "03"}, "start": 21},
                ],
            },
        ),
        Example(
            {"text": "ADA@example.org", "pattern": "[a-z]+@[a-z.]+", "ignore_case": True, "whole": True},
            {
                "matched": True,
                "match": "ADA@example.org",
                "groups": {},
                "matches": [{"text": "ADA@example.org", "groups": {}, "start": 0}],
            },
        ),
        Example(
            {"text": "none"},
            {"matched": True, "match": "", "groups": {}, "matches": [{"text": "", "groups": {}, "start": 0}]},
            data={"pinDefaults": {"limit": 1}},
            note="An empty pattern matches everywhere.",
        ),
        Example(
            {"text": "abc", "pattern": "[0-9]+"},
            {"matched": False, "match": "", "groups": {}, "matches": []},
        ),
        Example({"text": "aa", "pattern": r"(a)\1"}, error="cannot be used"),
    ),
)
def match_text(call: Call) -> dict[str, Json]:
    """Find what a pattern describes, and take it apart by its groups.

    Patterns are regular expressions without back-references and look-around, so that none of them can
    hang. Give a group a name with (?P<name>...).
    """
    content = text(call.get("text"))
    found = compiled(text(call.get("pattern")), truth(call.get("ignore_case", False), "ignore_case"))
    most = min(_MOST, max(1, whole(call.get("limit", 1000), "limit")))
    if truth(call.get("whole", False), "whole"):
        one = found.fullmatch(content)
        hits = [] if one is None else [one]
    else:
        hits = []
        for hit in found.finditer(content):
            hits.append(hit)
            if len(hits) >= most:
                break
    matches = [{"text": hit.group(0), "groups": _groups(hit), "start": hit.start()} for hit in hits]
    first = matches[0] if matches else {"text": "", "groups": {}}
    return {"matched": bool(matches), "match": first["text"], "groups": first["groups"], "matches": matches}
