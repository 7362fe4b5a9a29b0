"""Node types for the palette, and the pins of nodes whose settings shape them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from abstractruntime.nodes.pins import pin_card, pins_of

from ..errors import BODY, Refused, problems
from ..studio import TheStudio
from .models import Shape, Shaping

router = APIRouter(tags=["catalog"])


@router.get("/api/catalog", responses={304: {"description": "Not changed"}, **problems()})
def read_catalog(request: Request, response: Response, studio: TheStudio) -> Any:
    """Return all node types with their pins, settings and help."""
    cards = studio.catalog.cards()
    tag = f'"{cards["digest"]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return cards


@router.post("/api/catalog/shape", responses=problems(*BODY, "node_type.unknown"))
def shape(body: Shaping, studio: TheStudio) -> Shape:
    """Return the pins that a node of this type has with these settings."""
    kind = studio.catalog.resolve(body.type)
    if kind is None:
        near = studio.catalog.nearest(body.type)
        hint = f" Did you mean {near!r}?" if near else ""
        raise Refused(404, "node_type.unknown", f"There is no node type {body.type!r}.{hint}")
    inputs, outputs = pins_of(kind, body.data)
    return Shape(
        inputs=[pin_card(pin) for pin in inputs if not pin.hidden],
        outputs=[pin_card(pin, output=True) for pin in outputs if not pin.hidden],
    )
