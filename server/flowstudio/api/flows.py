"""Flows: list, read, save with revision, delete, check."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response

from ..access import actor_of
from ..errors import BODY, Refused, problems
from ..flow_inputs import input_schema, inputs_of
from ..json_body import JsonRoute
from ..library import FlowExists, FlowLibrary, StaleFlow
from ..library_edits import Edit
from ..library_ids import new_id
from ..studio import Studio, TheStudio
from .body import DOCUMENT, JSON_BODY, RawBody, as_document
from .models import BrokenRow, Created, FlowList, FlowRow, ProblemList, ProblemRow, Saved, Upgrade

router = APIRouter(route_class=JsonRoute, prefix="/api/flows", tags=["flows"])
TAG: dict[str, Any] = {
    "headers": {"ETag": {"description": "The revision of the flow", "schema": {"type": "string"}}}
}
IfMatch = Annotated[str | None, Header(alias="If-Match")]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match")]


@router.get("", responses=problems())
def list_flows(studio: TheStudio) -> FlowList:
    """List the flows of the library, by name, and the files that could not be read."""
    rows = [FlowRow.model_validate(entry, from_attributes=True) for entry in studio.library.entries()]
    broken = [BrokenRow.model_validate(item, from_attributes=True) for item in studio.library.broken()]
    return FlowList(flows=rows, broken=broken)


@router.post(
    "",
    status_code=201,
    responses={
        201: {"model": Created, "description": "Created", **TAG},
        **problems(*BODY, "flow.malformed"),
    },
    openapi_extra=JSON_BODY,
)
def create_flow(raw: RawBody, request: Request, response: Response, studio: TheStudio) -> Created:
    """Create a flow from a document without `id`: the server gives it one; what else is left out is empty."""
    given = as_document(raw)
    if "id" in given:
        text = "Leave `id` out, for the server gives one; PUT /api/flows/{id} creates a flow under an id of yours."
        raise Refused(422, "flow.malformed", text)
    flow_id = new_id()
    document = {"id": flow_id, "nodes": [], "edges": [], **given}
    kept = studio.library.put(flow_id, document, edit=Edit(actor_of(request.scope), "Create"))
    response.headers.update({"ETag": f'"{kept.revision}"', "Location": f"/api/flows/{flow_id}"})
    return Created(id=flow_id, revision=kept.revision, problems=_problems(studio, flow_id, document))


@router.post(
    "/{flow_id:path}/validate",
    responses=problems("request.malformed", "request.wrong_type", "flow.malformed", "flow.not_found"),
    openapi_extra={"requestBody": {**JSON_BODY["requestBody"], "required": False}},
)
def validate(flow_id: str, raw: RawBody, studio: TheStudio) -> ProblemList:
    """Check a document that is not saved yet (also as `{"document": …}`), or the saved one when the body is empty."""
    document = as_document(raw) if raw.strip() else studio.library.get(flow_id)[0]
    if set(document) == {"document"} and isinstance(document["document"], dict):
        document = document["document"]
    return ProblemList(problems=_problems(studio, flow_id, document))


@router.post(
    "/{flow_id:path}/upgrade",
    responses=problems("request.malformed", "request.wrong_type", "flow.malformed", "flow.not_found"),
    openapi_extra={"requestBody": {**JSON_BODY["requestBody"], "required": False}},
)
def upgrade(flow_id: str, raw: RawBody, studio: TheStudio) -> Upgrade:
    """Tell what a document (or the saved one) says in the words of an older version; nothing is written."""
    document = as_document(raw) if raw.strip() else studio.library.get(flow_id)[0]
    differences, changes = studio.programs.upgrade(flow_id, document)
    return Upgrade(differences=[ProblemRow.model_validate(item) for item in differences], changes=changes)


@router.get(
    "/{flow_id:path}/bundle",
    response_class=Response,
    responses={
        200: {"content": {"application/zip": {}}, "description": "The .flow"},
        **problems("flow.not_found", "bundle.error"),
    },
)
def export_bundle(flow_id: str, studio: TheStudio) -> Response:
    """Return the flow with its subflows as a .flow file."""
    name, body = studio.bundles.export(flow_id)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(body, media_type="application/zip", headers=headers)


@router.get("/{flow_id:path}/input-schema", responses=problems("flow.not_found"))
def get_input_schema(flow_id: str, studio: TheStudio, draft: bool = False) -> dict[str, Any]:
    """Return the JSON Schema of the `inputs` that a run of the flow takes; `draft` as in `POST /api/runs`."""
    document = studio.versions.for_runs(flow_id, draft=draft)
    return input_schema(document.get("name") or flow_id, inputs_of(document))


@router.get(
    "/{flow_id:path}",
    response_class=Response,
    responses={
        200: {"description": "The document", "content": DOCUMENT, **TAG},
        304: {"description": "Not changed", **TAG},
        **problems("flow.not_found"),
    },
)
def get_flow(
    flow_id: str, request: Request, studio: TheStudio, if_none_match: IfNoneMatch = None
) -> Response:
    """Return a flow's document; its revision is the ETag."""
    document, revision = studio.library.get(flow_id)
    headers = {"ETag": f'"{revision}"', "Cache-Control": "private, no-cache"}
    if if_none_match is not None and not {revision, "*"}.isdisjoint(tags_of(if_none_match)):
        return Response(status_code=304, headers=headers)
    return Response(json.dumps(document, ensure_ascii=False), media_type="application/json", headers=headers)


@router.put(
    "/{flow_id:path}",
    responses={
        200: {"model": Saved, "description": "Saved", **TAG},
        201: {"model": Saved, "description": "Created", **TAG},
        **problems(*BODY, "flow.stale", "flow.malformed", "flow.bad_id", "revision.required"),
    },
    openapi_extra=JSON_BODY,
)
def put_flow(
    flow_id: str,
    raw: RawBody,
    request: Request,
    response: Response,
    studio: TheStudio,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> Saved:
    """Save a document: `If-Match` with the revision it was made from, or `If-None-Match: *` to create."""
    document = as_document(raw)
    tags, edit = tags_of(if_match) if if_match else None, Edit(actor_of(request.scope), "Save")
    try:
        kept = studio.library.put(flow_id, document, if_match=tags, edit=edit)
    except FlowExists as error:
        if if_none_match is not None:
            raise StaleFlow(flow_id, error.document, error.revision) from None
        raise Refused(428, "revision.required", str(error)) from None
    response.status_code = 201 if kept.created else 200
    response.headers["ETag"] = f'"{kept.revision}"'
    return Saved(revision=kept.revision, problems=_problems(studio, flow_id, document))


@router.delete(
    "/{flow_id:path}",
    status_code=204,
    response_class=Response,
    responses=problems("flow.not_found", "flow.stale"),
)
def delete_flow(flow_id: str, studio: TheStudio, if_match: IfMatch = None) -> None:
    """Delete a flow; its runs keep what they run. With `If-Match` only the revision that was seen."""
    studio.library.delete(flow_id, if_match=tags_of(if_match) if if_match else [FlowLibrary.ANY])


def tags_of(header: str) -> list[str]:
    """Return the revisions that a condition lists; proxies that compress make tags weak."""
    return [tag.strip().removeprefix("W/").strip('"') for tag in header.split(",")]


def _problems(studio: Studio, flow_id: str, document: Any) -> list[ProblemRow]:
    return [ProblemRow.model_validate(item) for item in studio.programs.problems(flow_id, document)]
