"""Is this value durable? One answer, and one JSON text, for checkpoints and ledgers.

A durable value is text, a finite number, true, false, null, a list of durable values, or an object
whose keys are text, nested at most `DEPTH_LIMIT` deep. The text is compact and keeps non-ASCII
characters. The fast way is one call of the C encoder; only when that fails, or when a key is not
text (which the encoder would silently turn into text), the value is searched for the place.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from json import encoder as _json
from typing import Any

from .errors import NotDurable

DEPTH_LIMIT = 200
LEAF_TYPES: frozenset[type] = frozenset({str, int, float, bool, type(None)})

quoted: Callable[[str], str] = _json.encode_basestring  # half of a surrogate pair is not looked for
quoted_ascii: Callable[[str], str] = _json.encode_basestring_ascii
_c_encoder: Any = getattr(_json, "c_make_encoder", None)
_has_text_keys, _are_leaves = frozenset({str}).issuperset, LEAF_TYPES.issuperset
_KINDS = "Only text, numbers, true/false, null, lists and objects can be stored."


def text_maker(*, ensure_ascii: bool, allow_nan: bool, sort_keys: bool) -> Callable[[Any], str]:
    """Return what writes compact JSON as `JSONEncoder.encode` does, without what that spends on each call.

    It does not remember what it is in: a value that contains itself ends in a RecursionError.
    """
    encoder = json.JSONEncoder(
        ensure_ascii=ensure_ascii, allow_nan=allow_nan, sort_keys=sort_keys, separators=(",", ":")
    )
    if _c_encoder is None:
        return encoder.encode
    quote = quoted_ascii if ensure_ascii else quoted
    make = _c_encoder(None, encoder.default, quote, None, ":", ",", sort_keys, False, allow_nan)

    def text_of(value: Any) -> str:
        kind = type(value)
        if kind is str:
            return quote(value)
        return repr(value) if kind is int else "".join(make(value, 0))

    return text_of


_dumps = text_maker(ensure_ascii=False, allow_nan=False, sort_keys=False)


def encode(value: Any, where: str = "vars", inside: Sequence[str | int] = (), *, known: bool = False) -> str:
    """Return the compact JSON of a value; raise NotDurable naming the place that is not JSON.

    `where` names the value in messages, `inside` are further steps down from there; they count
    towards the depth. A value that is `known` was found durable before, in parts or as a whole, and
    is only written.
    """
    try:
        text = _dumps(value)
        if not text.isascii():
            text.encode()
    except (TypeError, ValueError, RecursionError, RuntimeError):
        raise _refusal(value, where, inside) from None
    if type(value) in LEAF_TYPES:
        if inside and len(inside) > DEPTH_LIMIT:
            raise _refusal(value, where, inside)
    elif not known and not _is_well_shaped(value, DEPTH_LIMIT - len(inside)):
        raise _refusal(value, where, inside)
    return text


def encode_apart(value: Any, where: str = "vars", *, most: int) -> tuple[str, Any]:
    """Return the compact JSON of a value, and a copy as a restart would find it; raise NotDurable as `encode`.

    No copy (None) is made of what takes more than so many characters. That the copy equals the value shows,
    in C, that all keys are text, and a text with few containers that none of them lies too deep.
    """
    text = encode(value, where, known=True)
    has_copy, copy = len(text) <= most, None
    if has_copy and text.count("{") + text.count("[") <= DEPTH_LIMIT:
        copy = decode(text)
        if copy == value:
            return text, copy
    if not _is_well_shaped(value, DEPTH_LIMIT):
        raise _refusal(value, where, ())
    return text, decode(text) if has_copy and copy is None else copy


def encode_flat(value: str | None) -> str:
    """Return the JSON of a text or of nothing; half of a surrogate pair is not looked for."""
    return "null" if value is None else quoted(value)


def encode_path(path: list[str | int]) -> str:
    """Return the JSON of a list of keys and positions that were encoded once already."""
    return _dumps(path) if path else "[]"


def check(value: Any, where: str = "vars") -> None:
    """Raise NotDurable naming the place if the value is not durable."""
    encode(value, where)


def decode(text: str) -> Any:
    """Read JSON; raise ValueError for anything that is not, NaN and Infinity included."""
    try:
        value, end = _decoder.scan_once(text, 0)
    except StopIteration:
        return _decoder.decode(text)
    return value if end == len(text) else _decoder.decode(text)


def decode_from(text: str, at: int) -> tuple[Any, int]:
    """Read the JSON value that begins there, and return where it ends; ValueError or StopIteration if there is none."""
    found: tuple[Any, int] = _decoder.scan_once(text, at)
    return found


def isolated(value: Any, where: str = "vars") -> Any:
    """Return a copy that shares nothing with the value, as it would be after a restart."""
    return decode(encode(value, where))


def dotted(where: str, inside: Iterable[str | int]) -> str:
    """Write a place for people: `vars.user.tags[2]["odd.key"]`."""
    parts = [where]
    for step in inside:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        elif step and not any(sign in step for sign in '.[]" '):
            parts.append(f".{step}")
        else:
            parts.append(f"[{json.dumps(step, ensure_ascii=False)}]")
    return "".join(parts)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_decoder: Any = json.JSONDecoder(parse_constant=_refuse_constant)


def _is_well_shaped(value: Any, room: int) -> bool:
    """Say whether all keys are text and no more levels follow than there is room for.

    The value was written already, so it does not contain itself.
    """
    if isinstance(value, dict):
        if not _has_text_keys(map(type, value)) and not all(isinstance(key, str) for key in value):
            return False
        items: Iterable[Any] = dict.values(value)
    elif isinstance(value, list):
        items = value if type(value) is list else [*list.__iter__(value)]
    elif isinstance(value, tuple):
        items = value
    else:
        return room >= 0
    if _are_leaves(map(type, items)):
        return room >= 0
    if room <= 0:
        return False
    for item in items:  # noqa: SIM110  # half the time of all() with a generator
        if type(item) not in LEAF_TYPES and not _is_well_shaped(item, room - 1):
            return False
    return True


def _refusal(value: Any, where: str, inside: Sequence[str | int]) -> NotDurable:
    found = _search(value, list(inside), [], where)
    if found is None:
        message, path = f"{dotted(where, inside)} cannot be written as JSON. {_KINDS}", list(inside)
    else:
        message, path = found
    return NotDurable(message, dotted(where, path))


def _search(
    value: Any, path: list[str | int], above: list[int], where: str
) -> tuple[str, list[str | int]] | None:
    """Find the first place that is not durable: its message and its path."""
    place = dotted(where, path)
    if len(path) > DEPTH_LIMIT:
        place = dotted(where, path[:3])
        return f"{place}... is nested deeper than {DEPTH_LIMIT} levels.", path[:3]
    if isinstance(value, (dict, list, tuple)):
        if id(value) in above:
            return f"{place} contains itself; a stored value cannot.", path
        return _search_inside(value, path, [*above, id(value)], where)
    complaint = _leaf_complaint(value)
    return None if complaint is None else (f"{place} {complaint}", path)


def _search_inside(
    value: Any, path: list[str | int], above: list[int], where: str
) -> tuple[str, list[str | int]] | None:
    pairs = dict.items(value) if isinstance(value, dict) else enumerate(value)
    for key, item in pairs:
        if isinstance(value, dict) and not isinstance(key, str):
            kind = type(key).__name__
            return f"{dotted(where, path)} has the key {key!r} ({kind}); keys must be text.", path
        if isinstance(key, str) and _leaf_complaint(key) is not None:
            return f"{dotted(where, path)} has the key {key!r}, which {_leaf_complaint(key)}", path
        found = _search(item, [*path, key], above, where)
        if found is not None:
            return found
    return None


def _leaf_complaint(value: Any) -> str | None:
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            return f"is not valid text: character {error.start} is half of a surrogate pair."
        return None
    if isinstance(value, int):
        try:
            _dumps(value)
        except ValueError:
            return "is an integer with too many digits to be written."
        return None
    if isinstance(value, float):
        return None if math.isfinite(value) else f"is {float(value)}; JSON has only finite numbers."
    return f"is of type {type(value).__name__}. {_KINDS}"
