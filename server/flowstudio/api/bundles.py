"""Import of .flow files."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import UploadFile

from ..bundles import OnConflict
from ..errors import Refused, problems
from ..studio import TheStudio
from .models import Imported, ReachRow

router = APIRouter(tags=["bundles"])
UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}


async def uploaded(request: Request) -> tuple[str, bytes]:
    """Return the name and the content of the one file of a multipart form, whatever its field is called."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Refused(415, "request.wrong_type", "Send the .flow file as multipart/form-data.")
    async with request.form(max_files=1, max_fields=8) as form:
        for value in form.values():
            if isinstance(value, UploadFile):
                return value.filename or "", await value.read()
    raise Refused(422, "bundle.missing", "The form holds no file: send the .flow file in the field `file`.")


@router.post(
    "/api/bundles",
    status_code=201,
    responses=problems(
        "request.malformed",
        "bundle.conflict",
        "request.wrong_type",
        "bundle.missing",
        "bundle.error",
        "bundle.bad_manifest",
        "bundle.unsafe_path",
        "flow.malformed",
        "flow.bad_id",
    ),
    openapi_extra=UPLOAD,
)
def import_bundle(
    file: Annotated[tuple[str, bytes], Depends(uploaded)],
    studio: TheStudio,
    on_conflict: OnConflict = "refuse",
) -> Imported:
    """Bring the flows of a .flow file into the library: all of them or, with an error, none."""
    done = studio.bundles.take_in(file[1], on_conflict, file[0])
    return Imported(
        bundle_id=done.bundle_id,
        bundle_version=done.bundle_version,
        entrypoint=done.entrypoint,
        flows=[asdict(flow) for flow in done.flows],
        reaches=[ReachRow(what=each.what, nodes=each.nodes) for each in done.reaches],
        tests=done.tests,
    )
