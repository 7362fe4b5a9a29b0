"""Versions over HTTP: list, read, name, restore, compare, publish."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Header, Path, Request, Response

from ..access import actor_of
from ..errors import BODY, problems
from ..json_body import JsonRoute
from ..library import FlowLibrary
from ..library_versions import Version
from ..studio import TheStudio
from .body import DOCUMENT
from .flows import tags_of
from .models import DifferencePage, Naming, Publishing, SavedEdit, VersionList, VersionRow

router = APIRouter(route_class=JsonRoute, prefix="/api/flows", tags=["versions"])
Number = Annotated[int, Path(ge=0, le=2**53)]
IfMatch = Annotated[str | None, Header(alias="If-Match")]
MISSING = ("flow.not_found", "version.not_found")


@router.get("/{flow_id:path}/versions", responses=problems("flow.not_found"))
def list_versions(flow_id: str, studio: TheStudio) -> VersionList:
    """List the versions of a flow, the newest first, and say which one is published."""
    studio.library.entry(flow_id)
    rows = [_row(each) for each in studio.versions.newest(flow_id)]
    return VersionList(versions=rows, published=studio.versions.published(flow_id))


@router.post("/{flow_id:path}/versions", status_code=201, responses=problems(*BODY, "flow.not_found"))
def name_draft(flow_id: str, body: Naming, request: Request, studio: TheStudio) -> VersionRow:
    """Keep the draft as a version with a name."""
    document, _ = studio.library.get(flow_id)
    return _row(studio.versions.make(flow_id, document, "named", actor_of(request.scope), body.name))


@router.get(
    "/{flow_id:path}/versions/{number}",
    response_class=Response,
    responses={200: {"description": "The document", "content": DOCUMENT}, **problems("version.not_found")},
)
def get_version(flow_id: str, number: Number, studio: TheStudio) -> Response:
    """Return a flow as it was in a version."""
    document = studio.versions.document(flow_id, number)
    return Response(json.dumps(document, ensure_ascii=False), media_type="application/json")


@router.patch("/{flow_id:path}/versions/{number}", responses=problems(*BODY, "version.not_found"))
def rename_version(flow_id: str, number: Number, body: Naming, studio: TheStudio) -> VersionRow:
    """Name a version."""
    return _row(studio.versions.rename(flow_id, number, body.name))


@router.post("/{flow_id:path}/versions/{number}/restore", responses=problems(*MISSING, "flow.stale"))
def restore(
    flow_id: str, number: Number, request: Request, studio: TheStudio, if_match: IfMatch = None
) -> SavedEdit:
    """Make the draft what a version was, and a new version of it; what the draft was is kept as one too."""
    tags = tags_of(if_match) if if_match else [FlowLibrary.ANY]
    kept = studio.versions.restore(flow_id, number, actor_of(request.scope), tags)
    return SavedEdit(revision=kept.revision, problems=[], seq=studio.history.last(flow_id), is_told=True)


@router.get("/{flow_id:path}/diff/{span}", responses=problems(*MISSING, "version.bad_span"))
def get_difference(flow_id: str, span: str, studio: TheStudio) -> DifferencePage:
    """Tell what differs between two versions `a..b`: numbers, `draft` or `published`."""
    _, _, difference = studio.versions.difference(flow_id, span)
    return DifferencePage.model_validate({**asdict(difference), "sentence": difference.sentence})


@router.put("/{flow_id:path}/published", responses=problems(*BODY, *MISSING, "flow.stale"), status_code=200)
def publish(flow_id: str, body: Publishing, request: Request, studio: TheStudio) -> VersionRow:
    """Publish a version, or the draft as it is at `revision`; runs that are not the editor's begin with it."""
    found = studio.versions.publish(
        flow_id, actor_of(request.scope), revision=body.revision or "", number=body.version
    )
    return _row(found)


@router.delete(
    "/{flow_id:path}/published",
    status_code=204,
    response_class=Response,
    responses=problems("flow.not_found"),
)
def withdraw(flow_id: str, studio: TheStudio) -> None:
    """Publish no version any more: all runs begin with the draft."""
    studio.library.entry(flow_id)
    studio.versions.withdraw(flow_id)


def _row(version: Version) -> VersionRow:
    return VersionRow.model_validate(version, from_attributes=True)
