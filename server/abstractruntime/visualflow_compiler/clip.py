"""Small pictures of values, for the record of a visit.

A record tells what a node gave, so that a page can show it; it is not where the value is kept. Long
texts and lists are cut and say how much is missing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

TEXT = 2_000
ITEMS = 50
DEPTH = 6
BUDGET = 12_000


def clip(value: Any) -> Any:
    """Return a JSON value that is like the given one, but small."""
    left = [BUDGET]
    return _clip(value, DEPTH, left)


def is_clipped(value: Any) -> bool:
    """Say whether a value from a record may be only a picture of what it was."""
    return "…" in json.dumps(value, ensure_ascii=False, default=str)


def _clip(value: Any, depth: int, left: list[int]) -> Any:
    if isinstance(value, str):
        return _text(value, left)
    if value is None or isinstance(value, (bool, int, float)):
        left[0] -= 8
        return value
    if type(value) is dict or isinstance(value, Mapping):
        return _object(value, depth, left)
    if isinstance(value, (list, tuple)):
        return _list(value, depth, left)
    return _text(str(value), left)


def _text(value: str, left: list[int]) -> str:
    most = min(TEXT, max(left[0], 40))
    left[0] -= min(len(value), most)
    return value if len(value) <= most else f"{value[:most]}… ({len(value):,} characters)"


def _object(value: Mapping[str, Any], depth: int, left: list[int]) -> Any:
    if depth <= 0:
        return f"{{… {len(value):,} keys}}" if value else {}
    picture: dict[str, Any] = {}
    for key, each in value.items():
        if len(picture) >= ITEMS or left[0] <= 0:
            picture["…"] = f"{len(value) - len(picture):,} more keys"
            break
        left[0] -= len(key)
        picture[key if len(key) <= TEXT else key[:TEXT]] = _clip(each, depth - 1, left)
    return picture


def _list(value: list[Any] | tuple[Any, ...], depth: int, left: list[int]) -> Any:
    if depth <= 0:
        return f"[… {len(value):,} items]" if value else []
    picture: list[Any] = []
    for each in value:
        if len(picture) >= ITEMS or left[0] <= 0:
            picture.append(f"… {len(value) - len(picture):,} more items")
            break
        picture.append(_clip(each, depth - 1, left))
    return picture
