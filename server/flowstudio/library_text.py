"""A flow as text: strict reading, one way of writing.

Reading refuses what JSON parsers let through but no store or browser can keep: NaN, twice the
same key, half a surrogate pair, endless nesting. Writing puts known keys first in a fixed order
and leaves every other key, and all values, as they came, so that a diff shows what changed.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

DEPTH = 64
FLOW_KEYS = (
    "id",
    "name",
    "description",
    "interfaces",
    "nodes",
    "edges",
    "entryNode",
    "created_at",
    "updated_at",
)
NODE_KEYS = ("id", "type", "position", "data", "label", "icon", "headerColor", "inputs", "outputs")
DATA_KEYS = ("nodeType", "label", "icon", "headerColor", "inputs", "outputs", "pinDefaults")
EDGE_KEYS = ("id", "source", "sourceHandle", "target", "targetHandle", "animated")
SURROGATE = re.compile("[\ud800-\udfff]")


class BadText(ValueError):
    """The text is not JSON that can be kept; `path` says where, `nodes[3].data.label` fashion."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


def read_json(raw: bytes) -> Any:
    """Read JSON strictly; raise BadText with line and column or with the path of the bad value."""
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise BadText(f"The text is not UTF-8 (byte {error.start}).") from None
    except json.JSONDecodeError as error:
        raise BadText(
            f"The text is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    except RecursionError:
        raise BadText(f"The text is nested deeper than {DEPTH} levels.") from None
    except BadText:
        raise
    except ValueError:  # what is left of the parser's complaints
        raise BadText("The text holds a number with more digits than can be kept.") from None
    if not _is_kept(value):
        _refuse_unkept(value)
    return value


def write_document(document: Mapping[str, Any]) -> bytes:
    """Return the canonical text of a flow document: pretty JSON, known keys first, a final newline."""
    ordered = _ordered(document, FLOW_KEYS)
    if isinstance(ordered.get("nodes"), list):
        ordered["nodes"] = [_node(node) for node in ordered["nodes"]]
    if isinstance(ordered.get("edges"), list):
        ordered["edges"] = [_ordered(edge, EDGE_KEYS) for edge in ordered["edges"]]
    return (json.dumps(ordered, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8")


def revision_of(document: Mapping[str, Any]) -> str:
    """Return a digest of what a document says, whatever the order of keys and the spacing."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _node(node: Any) -> Any:
    if not isinstance(node, Mapping):
        return node
    ordered = _ordered(node, NODE_KEYS)
    if isinstance(ordered.get("data"), Mapping):
        ordered["data"] = _ordered(ordered["data"], DATA_KEYS)
    return ordered


def _ordered(value: Any, first: Iterable[str]) -> Any:
    if not isinstance(value, Mapping):
        return value
    known = {key: value[key] for key in first if key in value}
    return {**known, **{key: item for key, item in value.items() if key not in known}}


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise BadText(f"The key {twice!r} appears twice in one object.", twice)
    return found


def _refuse_constant(name: str) -> Any:
    raise BadText(f"{name} is not a JSON value: use a number or null.")


def _is_kept(root: Any) -> bool:
    """Say whether a value can be kept, without learning where it cannot."""
    level, depth = [root], 0
    while level:
        if depth > DEPTH:
            return False
        inner: list[Any] = []
        for value in level:
            kind = type(value)
            if kind is dict:
                inner += value.values()
                inner += value
            elif kind is list:
                inner += value
            elif (kind is str and not value.isascii() and SURROGATE.search(value)) or (
                kind is float and not math.isfinite(value)
            ):
                return False
        level, depth = inner, depth + 1
    return True


def _refuse_unkept(root: Any) -> None:
    """Walk a value without recursion; name the path of the first part that cannot be kept."""
    pending: list[tuple[Any, tuple[Any, ...]]] = [(root, ())]
    while pending:
        value, path = pending.pop()
        if isinstance(value, str):
            _refuse_surrogate(value, path)
        elif isinstance(value, float) and not math.isfinite(value):
            raise BadText(f"The number at {_place(path)} is too large.", _place(path))
        elif isinstance(value, dict | list):
            if len(path) >= DEPTH:
                raise BadText(
                    f"The text is nested deeper than {DEPTH} levels at {_place(path[:6])}…", _place(path)
                )
            if isinstance(value, dict):
                for key in value:
                    _refuse_surrogate(key, path)
                pending += [(item, (*path, key)) for key, item in value.items()]
            else:
                pending += [(item, (*path, index)) for index, item in enumerate(value)]


def _refuse_surrogate(text: str, path: tuple[Any, ...]) -> None:
    if not text.isascii() and SURROGATE.search(text):
        place = _place(path)
        raise BadText(f"The text at {place} holds half a character (a lone surrogate).", place)


def _place(path: tuple[Any, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.lstrip(".") or "the top"
