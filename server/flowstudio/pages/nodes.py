"""The reference of node types, straight from their declarations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from abstractruntime.nodes.define import Example, NodeType
from abstractruntime.visualflow_compiler.sandbox import shared_sandbox

from ..code_health import what_is_off
from ..errors import Refused
from ..studio import TheStudio
from .html import render

router = APIRouter()
KINDS = {
    "event": "starts a flow",
    "pure": "a value, computed when read",
    "action": "a step inside the run",
    "effect": "asks the world",
    "control": "chooses the way",
}


@router.get("/nodes")
def list_nodes(request: Request, studio: TheStudio, q: str = "") -> HTMLResponse:
    """Show all node types by family, or those that match a search."""
    cards = studio.catalog.cards()
    words = q.lower().split()
    shown = palette(cards, words)
    types = [card for group in shown for card in group["types"]]
    nearest = studio.catalog.nearest(q) if words and not types else None
    return render(
        request,
        "nodes.html",
        groups=shown,
        total=len(types),
        query=q,
        nearest=nearest,
        packages=studio.catalog.packages,
    )


@router.get("/nodes/{name}")
def node(request: Request, studio: TheStudio, name: str) -> HTMLResponse:
    """Show one node type: what it does, its pins, settings and examples."""
    kind = studio.catalog.resolve(name)
    if kind is None:
        near = studio.catalog.nearest(name)
        hint = f" Did you mean {near!r}?" if near else ""
        raise Refused(404, "node_type.unknown", f"There is no node type {name!r}.{hint}")
    cards = studio.catalog.cards()
    card = next(each for each in cards["types"] if each["type"] == kind.name)
    family = next(each["label"] for each in cards["families"] if each["id"] == kind.family)
    return render(
        request,
        "node.html",
        type=card,
        shapes={each["id"]: each["shape"] for each in cards["pin_types"]},
        family_label=family,
        kind_word=KINDS[kind.kind],
        code_off=what_is_off(shared_sandbox()) if kind.source else "",
        examples=[_example(kind, each) for each in kind.examples],
    )


def palette(cards: Mapping[str, Any], words: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return the families that have node types to offer, each with the `types` that match all words."""
    types = [card for card in cards["types"] if card["palette"] and _matches(card, words)]
    groups = [
        {**family, "types": [card for card in types if card["family"] == family["id"]]}
        for family in cards["families"]
    ]
    return [group for group in groups if group["types"]]


def _matches(card: Mapping[str, Any], words: Sequence[str]) -> bool:
    pins = [pin["id"] for pin in (*card["inputs"], *card["outputs"])]
    text = " ".join([card["type"], card["label"], card["summary"], *card["keywords"], *pins]).lower()
    return all(word in text for word in words)


def _example(kind: NodeType, example: Example) -> dict[str, Any]:
    """Return what an example gives and yields; settings and variables stand beside the pins."""
    given: dict[str, Any] = dict(example.inputs)
    if example.data:
        given = {**given, "settings": dict(example.data)}
    if example.vars:
        given = {**given, "variables": dict(example.vars)}
    if example.models:
        given = {**given, "models of the server": dict(example.models)}
    if example.ways:
        given = {**given, "came by": example.ways[0]}
    return {
        "note": example.note,
        "settings": bool(example.data),
        "given": given,
        "yields": dict(example.outputs),
        "error": example.error,
    }
