"""A small picture of a flow: a block per node, a line per wire. Drawn from the document alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from abstractruntime.nodes.catalog import Catalog

WIDTH, HEAD, ROW, MARGIN = 208, 32, 22, 24


@dataclass(frozen=True)
class Block:
    """A node: a box of the document's units in the colour of a family."""

    x: float
    y: float
    w: float
    h: float
    family: str


@dataclass(frozen=True)
class Picture:
    """`box` is the view box; `wires` are SVG paths, control before data; `flows` says how many are control."""

    box: str
    blocks: tuple[Block, ...]
    steps: tuple[str, ...]
    values: tuple[str, ...]


def picture(document: Mapping[str, Any], catalog: Catalog) -> Picture:
    """Return the picture of a flow document that the library could keep."""
    blocks = {str(node["id"]): _block(node, catalog) for node in document.get("nodes", [])}
    steps: list[str] = []
    values: list[str] = []
    for edge in document.get("edges", []):
        ends = blocks.get(str(edge.get("source"))), blocks.get(str(edge.get("target")))
        if ends[0] is None or ends[1] is None:
            continue
        is_step = edge.get("targetHandle") == "exec-in"
        (steps if is_step else values).append(_wire(ends[0], ends[1], is_step))
    return Picture(_box(list(blocks.values())), tuple(blocks.values()), tuple(steps), tuple(values))


def _block(node: Mapping[str, Any], catalog: Catalog) -> Block:
    data, place = node.get("data") or {}, node.get("position") or {}
    kind = catalog.resolve(str(data.get("nodeType") or node.get("type")))
    rows = max(len(data.get("inputs") or ()), len(data.get("outputs") or ()), 2) - 1
    x, y = float(place.get("x", 0)), float(place.get("y", 0))
    return Block(x, y, WIDTH, HEAD + ROW * rows, kind.family if kind else "")


def _wire(source: Block, target: Block, is_step: bool) -> str:
    down = HEAD / 2 if is_step else HEAD + ROW / 2
    x, y = source.x + source.w, source.y + down
    to_x, to_y = target.x, target.y + down
    pull = max(40.0, abs(to_x - x) / 2)
    return f"M{x:g} {y:g}C{x + pull:g} {y:g} {to_x - pull:g} {to_y:g} {to_x:g} {to_y:g}"


def _box(blocks: list[Block]) -> str:
    if not blocks:
        return "0 0 100 100"
    left, top = min(block.x for block in blocks), min(block.y for block in blocks)
    right = max(block.x + block.w for block in blocks)
    bottom = max(block.y + block.h for block in blocks)
    width, height = right - left + 2 * MARGIN, bottom - top + 2 * MARGIN
    return f"{left - MARGIN:g} {top - MARGIN:g} {width:g} {height:g}"
