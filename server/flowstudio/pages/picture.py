"""A small picture of a flow: a block per node, a line per wire. Drawn from the document alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from abstractruntime.nodes.catalog import Catalog
from abstractruntime.nodes.define import NodeType
from abstractruntime.nodes.pins import saved_pins

WIDTH, HEAD, ROW, MARGIN = 208, 32, 22, 24
STUB, ROUND = 16, 16


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
    edges = document.get("edges", [])
    wired = {(str(edge.get(end)), edge.get(f"{end}Handle")) for edge in edges for end in ("source", "target")}
    blocks = {str(node["id"]): _block(node, catalog, wired) for node in document.get("nodes", [])}
    steps: list[str] = []
    values: list[str] = []
    for edge in edges:
        ends = blocks.get(str(edge.get("source"))), blocks.get(str(edge.get("target")))
        if ends[0] is None or ends[1] is None:
            continue
        is_step = edge.get("targetHandle") == "exec-in"
        (steps if is_step else values).append(_wire(ends[0], ends[1], is_step))
    return Picture(_box(list(blocks.values())), tuple(blocks.values()), tuple(steps), tuple(values))


def _block(node: Mapping[str, Any], catalog: Catalog, wired: Collection[tuple[str, Any]]) -> Block:
    data, place = node.get("data") or {}, node.get("position") or {}
    kind = catalog.resolve(str(data.get("nodeType") or node.get("type")))
    used = {pin for owner, pin in wired if owner == str(node["id"])}
    away = _away(data, kind, used) if kind else frozenset()
    sides = [
        sum(pin.id not in away for pin in saved_pins(data.get(side))) + bool(away and side == "inputs")
        for side in ("inputs", "outputs")
    ]
    rows = max(*sides, 2) - 1
    x, y = float(place.get("x", 0)), float(place.get("y", 0))
    return Block(x, y, WIDTH, HEAD + ROW * rows, kind.family if kind else "")


def _away(data: Mapping[str, Any], kind: NodeType, used: Collection[str]) -> frozenset[str]:
    """Return the pins that the canvas folds away behind one row."""
    if (data.get("canvas") or {}).get("opened"):
        return frozenset()
    given = {*(data.get("pinDefaults") or ()), *(data.get("pinExpressions") or ())}
    away = frozenset(kind.seldom) - given - set(used)
    return away if len(away) > 1 else frozenset()


def _wire(source: Block, target: Block, is_step: bool) -> str:
    """Return a path in right angles, as the canvas draws wires, but straight through what is in its way."""
    down = HEAD / 2 if is_step else HEAD + ROW / 2
    x, y = source.x + source.w, source.y + down
    to_x, to_y = target.x, target.y + down
    if to_x - x >= STUB:
        middle = (x + to_x) / 2
        return _rounded(
            [(x, y), (middle, y), (middle, to_y), (to_x, to_y)] if y != to_y else [(x, y), (to_x, to_y)]
        )
    lane = (y + to_y) / 2 if abs(to_y - y) > 2 * STUB else max(y, to_y) + 2 * ROW
    out, into = x + STUB, to_x - STUB
    return _rounded([(x, y), (out, y), (out, lane), (into, lane), (into, to_y), (to_x, to_y)])


def _rounded(way: list[tuple[float, float]]) -> str:
    """Return the path through corners, which are cut by a quarter of a circle."""
    path = f"M{way[0][0]:g} {way[0][1]:g}"
    for (ax, ay), (bx, by), (cx, cy) in zip(way, way[1:], way[2:], strict=False):
        before, after = abs(bx - ax) + abs(by - ay), abs(cx - bx) + abs(cy - by)
        radius = min(ROUND, before / 2, after / 2)
        x, y = bx - (bx - ax) / before * radius, by - (by - ay) / before * radius
        to_x, to_y = bx + (cx - bx) / after * radius, by + (cy - by) / after * radius
        path += f"L{x:g} {y:g}Q{bx:g} {by:g} {to_x:g} {to_y:g}"
    return f"{path}L{way[-1][0]:g} {way[-1][1]:g}"


def _box(blocks: list[Block]) -> str:
    if not blocks:
        return "0 0 100 100"
    left, top = min(block.x for block in blocks), min(block.y for block in blocks)
    right = max(block.x + block.w for block in blocks)
    bottom = max(block.y + block.h for block in blocks)
    width, height = right - left + 2 * MARGIN, bottom - top + 2 * MARGIN
    return f"{left - MARGIN:g} {top - MARGIN:g} {width:g} {height:g}"
