"""Node types for the palette, and the pins of nodes whose settings shape them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Response

from abstractruntime.nodes.pins import pin_card, pins_of

from ..errors import BODY, Refused, problems
from ..json_body import JsonRoute
from ..studio import TheStudio
from .catalog_models import CatalogCard
from .flows import tags_of
from .models import Shape, Shaping

router = APIRouter(route_class=JsonRoute, tags=["catalog"])
TAG: dict[str, Any] = {
    "headers": {"ETag": {"description": "The digest of the catalog", "schema": {"type": "string"}}}
}


@router.get(
    "/api/catalog",
    response_model=None,  # what we made ourselves is described, not checked again for each reader
    responses={
        200: {"model": CatalogCard, "description": "The catalog", **TAG},
        304: {"description": "Not changed", **TAG},
        **problems(),
    },
)
def read_catalog(
    response: Response,
    studio: TheStudio,
    if_none_match: Annotated[str | None, Header(alias="If-None-Match")] = None,
) -> Any:
    """Return all node types with their pins, settings and help; its digest is the ETag."""
    cards = studio.catalog.cards()
    tag = f'"{cards["digest"]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if if_none_match is not None and not {cards["digest"], "*"}.isdisjoint(tags_of(if_none_match)):
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
