"""Bodies that are kept as they came: read whole by the event loop, understood by the route."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Request

from ..errors import Refused
from ..json_body import read_body

DOCUMENT: dict[str, Any] = {"application/json": {"schema": {"type": "object", "additionalProperties": True}}}
JSON_BODY: dict[str, Any] = {"requestBody": {"required": True, "content": DOCUMENT}}


async def raw_body(request: Request) -> bytes:
    """Return the whole body; refuse what does not claim to be JSON, so that no form can pose as it."""
    raw = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if raw and kind != "application/json" and not kind.endswith("+json"):
        raise Refused(415, "request.wrong_type", "Send the document as `Content-Type: application/json`.")
    return raw


RawBody = Annotated[bytes, Depends(raw_body)]


def as_document(raw: bytes) -> Mapping[str, Any]:
    """Read a body as a flow document; refuse with the place of the first fault."""
    value = read_body(raw)
    if not isinstance(value, dict):
        raise Refused(422, "flow.malformed", "A flow is a JSON object with `id`, `nodes` and `edges`.")
    return value
