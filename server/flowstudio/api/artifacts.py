"""Artifacts of a run: list, look, fetch whole or in parts."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from starlette.responses import FileResponse

from abstractruntime.storage import ArtifactMetadata

from ..errors import Refused, problems
from ..json_body import JsonRoute
from ..runner_artifacts import file_name, sent_as
from ..studio import TheStudio
from .artifacts_models import ArtifactList, ArtifactRow
from .flows import tags_of

router = APIRouter(route_class=JsonRoute, prefix="/api/runs/{run_id}/artifacts", tags=["artifacts"])
MISSING = ("run.not_found", "artifact.not_found")
WHOLE: dict[str, Any] = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
TAG: dict[str, Any] = {
    "headers": {"ETag": {"description": "The name of the bytes", "schema": {"type": "string"}}}
}
_PART = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


@router.get("", responses=problems("run.not_found"))
def list_artifacts(
    run_id: str, studio: TheStudio, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> ArtifactList:
    """List what a run has kept by reference, the newest first; runs that it started have their own."""
    return ArtifactList(artifacts=[_row(each) for each in studio.run_artifacts.listed(run_id, limit)])


@router.get("/{artifact_id}", responses=problems(*MISSING))
def get_artifact(run_id: str, artifact_id: str, studio: TheStudio) -> ArtifactRow:
    """Return what is known of an artifact."""
    return _row(studio.run_artifacts.one(run_id, artifact_id))


@router.get(
    "/{artifact_id}/content",
    response_class=Response,
    responses={
        200: {"description": "The bytes, as a file to keep", "content": WHOLE, **TAG},
        206: {"description": "The part asked for with `Range`", "content": WHOLE, **TAG},
        304: {"description": "Not changed", **TAG},
        **problems(*MISSING, "range.malformed", "range.not_satisfiable"),
    },
)
def get_content(
    run_id: str,
    artifact_id: str,
    studio: TheStudio,
    if_none_match: Annotated[str | None, Header(alias="If-None-Match")] = None,
    part: Annotated[str | None, Header(alias="Range")] = None,
    if_range: Annotated[str | None, Header(alias="If-Range")] = None,
) -> Response:
    """Return the bytes of an artifact, or the one part of them that `Range` asks for."""
    artifact = studio.run_artifacts.one(run_id, artifact_id)
    tag = artifact.blob_id or artifact.artifact_id
    headers = {"ETag": f'"{tag}"', "Cache-Control": "private, no-cache"}
    if if_none_match is not None and not {tag, "*"}.isdisjoint(tags_of(if_none_match)):
        return Response(status_code=304, headers=headers)
    if part is not None and if_range is None:
        _check(part, artifact.size_bytes)
    path = studio.run_artifacts.file(artifact)
    return FileResponse(path, headers=headers, media_type=sent_as(artifact), filename=file_name(artifact))


def _check(part: str, size: int) -> None:
    """Refuse a `Range` that is not one part of so many bytes."""
    asked = _PART.fullmatch(part.replace(" ", ""))
    first, last = asked.groups() if asked else ("", "")
    if not first and not last:
        raise Refused(400, "range.malformed", "Range takes one part of the bytes, such as bytes=0-999.")
    is_empty = int(last) == 0 if not first else int(first) >= size or (last and int(last) < int(first))
    if is_empty or not size:
        raise Refused(416, "range.not_satisfiable", f"The artifact has {size} bytes: ask for a part of them.")


def _row(artifact: ArtifactMetadata) -> ArtifactRow:
    return ArtifactRow(
        artifact_id=artifact.artifact_id,
        run_id=artifact.run_id or "",
        filename=file_name(artifact),
        content_type=artifact.content_type,
        size_bytes=artifact.size_bytes,
        sha256=artifact.blob_id,
        created_at=artifact.created_at,
        tags=artifact.tags,
    )
