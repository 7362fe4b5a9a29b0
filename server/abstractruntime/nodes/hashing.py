"""Fingerprints of values."""

from __future__ import annotations

import hashlib
from typing import Any

from .define import Call, Example, NodeError, Pin, pure
from .values import described, json_text, text

Json = Any

_ALGORITHMS = ("sha256", "sha512", "blake2b", "md5")
_EXACT = 2**53


def canonical(value: Json) -> Json:
    """Return a value in which equal things are written alike: 2.0 as 2; keys are sorted when written."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    if isinstance(value, dict):
        return {key: canonical(each) for key, each in value.items()}
    return [canonical(each) for each in value] if isinstance(value, list) else value


@pure(
    "hash",
    family="data",
    label="Hash",
    sentence="{algorithm|name} of {value}",
    inputs=(
        Pin("value", "any", "", "Text, or any other value."),
        Pin("algorithm", "string", "sha256", "How it is computed.", choices=_ALGORITHMS),
    ),
    outputs=(Pin("hash", "string", description="The fingerprint, in hexadecimal digits."),),
    keywords=("fingerprint", "digest", "checksum", "sha", "sha256", "md5", "compare", "proof"),
    examples=(
        Example(
            {"value": "abc"},
            {"hash": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        ),
        Example(
            {"value": {"b": 2.0, "a": "é"}, "algorithm": "md5"},
            {"hash": hashlib.md5('{"a":"é","b":2}'.encode(), usedforsecurity=False).hexdigest()},
            note="What is not text is written as JSON first: sorted keys, no spaces, 2.0 as 2.",
        ),
        Example({"value": 1, "algorithm": "crc"}, error="takes one of"),
    ),
)
def hash_(call: Call) -> dict[str, Json]:
    """Compute the fingerprint of a text or of any other value.

    Equal values have equal fingerprints, whatever the order of their keys. md5 is there to compare with
    other systems only: it protects nothing.
    """
    name, value = text(call.get("algorithm")).strip().lower(), call.get("value")
    if name not in _ALGORITHMS:
        raise NodeError(
            f"'algorithm' takes one of {', '.join(_ALGORITHMS)}, but got {described(name)}.",
            code="hash.algorithm",
            pin="algorithm",
        )
    written = value if isinstance(value, str) else json_text(canonical(value), sort_keys=True, compact=True)
    digest = hashlib.new(name, written.encode("utf-8", "surrogatepass"), usedforsecurity=False)
    return {"hash": digest.hexdigest()}
