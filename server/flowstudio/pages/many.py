"""The inspector of several nodes: the fields that all of them have, edited together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from starlette.responses import HTMLResponse

from abstractruntime.nodes.define import NodeType
from abstractruntime.nodes.pins import PIN_TYPES, pins_of

from ..studio import Studio, TheStudio
from .html import render
from .inspector import Row, expression_at, field_row, pin_row
from .node_settings import ABSENT
from .node_tabs import brief

router = APIRouter(include_in_schema=False)
Json = Any
TOGETHER = frozenset({"choice", "line", "lines", "model", "number", "provider", "switch", "text", "value"})
MOST_TOLD = 4


@router.post("/editor/inspector/many")
def many(
    request: Request,
    studio: TheStudio,
    nodes: Annotated[list[dict[str, Any]], Body()],
    wired: Annotated[list[list[str]], Body()],
) -> HTMLResponse:
    """Answer with the form of what all these nodes have in common; `wired` are the wired inputs of each."""
    kinds = [_kind(studio, node) for node in nodes]
    counts = Counter(
        kind.label if kind is not None else str(node.get("type"))
        for kind, node in zip(kinds, nodes, strict=True)
    )
    forms = [
        _rows(kind, node, frozenset(wires))
        for kind, node, wires in zip(kinds, nodes, [*wired, *([[]] * len(nodes))], strict=False)
    ]
    rows = [_joined(same) for same in _common(forms)]
    providers = [each.name for each in studio.ai.models.providers.all()]
    words = {
        "counts": counts.most_common(),
        "rows": rows,
        "types": PIN_TYPES,
        "ran": {},
        "providers": providers,
    }
    return render(request, "partials/_inspector_many.html", count=len(nodes), provider_here="", **words)


def _kind(studio: Studio, node: Mapping[str, Json]) -> NodeType | None:
    name = node.get("type")
    return studio.catalog.resolve(name) if isinstance(name, str) else None


def _rows(kind: NodeType | None, node: Mapping[str, Json], wired: frozenset[str]) -> dict[str, Row]:
    """Return the lines of one node that may be edited together with others, by what they say."""
    if kind is None:
        return {}
    raw = node.get("data")
    data: Mapping[str, Json] = raw if isinstance(raw, Mapping) else {}
    pins = [
        pin_row(pin, data, wired, False)
        for pin in pins_of(kind, data)[0]
        if not pin.is_exec and not pin.hidden and expression_at(data, pin.id) is None
    ]
    found = [row for row in (*pins, *(field_row(each, data) for each in kind.fields)) if not row.is_wired]
    return {
        f"{row.path} {row.type} {row.widget} {row.choices}": row for row in found if row.widget in TOGETHER
    }


def _common(forms: Sequence[Mapping[str, Row]]) -> list[list[Row]]:
    first = forms[0] if forms else {}
    return [[form[key] for form in forms] for key in first if all(key in form for form in forms)]


def _joined(same: list[Row]) -> Row:
    """Return one line for all: with their value, or telling the values in which they differ."""
    row = replace(same[0], is_pin=False, may_go=False, expression=None)
    values = list(dict.fromkeys(brief(each.shown) if each.shown is not ABSENT else "" for each in same))
    if len(values) == 1:
        return row
    told = ", ".join(value or "nothing" for value in values[:MOST_TOLD]) + (
        " …" if len(values) > MOST_TOLD else ""
    )
    return replace(row, value=ABSENT, default=None, is_set=False, description=f"They differ: {told}")
