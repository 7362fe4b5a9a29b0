"""Whether the arguments of a call fit what the tool says it takes.

A tool's schema comes from elsewhere: nothing that it names is fetched, and its patterns are matched in time
that grows with the text only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import re2  # type: ignore[import-untyped]
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from jsonschema.exceptions import SchemaError, ValidationError  # type: ignore[import-untyped]
from jsonschema.validators import extend, validator_for  # type: ignore[import-untyped]
from referencing import Registry
from referencing.exceptions import Unresolvable

MOST = 5  # of what is wrong, so much is told
_LONGEST = 200


def misfits(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with arguments, at most `MOST` sentences; a schema that is none asks for nothing."""
    kind = validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(schema)
        check = extend(kind, {"pattern": _pattern, "patternProperties": None})(schema, registry=Registry())
        found = sorted(check.iter_errors(arguments), key=lambda error: [str(part) for part in error.path])
    except (SchemaError, Unresolvable):
        return []
    return [_told(error) for error in found[:MOST]]


def _told(error: ValidationError) -> str:
    place = ".".join(str(part) for part in error.absolute_path)
    words = error.message if len(error.message) <= _LONGEST else f"{error.message[:_LONGEST]}…"
    return f"{place}: {words}" if place else words


def _pattern(check: Any, pattern: str, given: Any, schema: Any) -> Iterator[ValidationError]:
    """Match as JSON Schema does, by re2; a pattern that it does not know asks for nothing."""
    if not isinstance(given, str):
        return
    try:
        if re2.search(pattern, given) is None:
            yield ValidationError(f"{given!r} does not match {pattern!r}")
    except re2.error:
        return
