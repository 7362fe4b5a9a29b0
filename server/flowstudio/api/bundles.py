"""Bundles over HTTP: import into the library; install, look, deprecate, remove."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import UploadFile

from abstractruntime.workflow_bundle import InstalledWorkflowBundle

from ..access import actor_of
from ..bundles import OnConflict
from ..errors import BODY, Refused, problems
from ..installed import Kept as Outcome
from ..installed import parts_of
from ..installed_marks import ALL, Mark, nearest
from ..json_body import JsonRoute
from ..studio import Studio, TheStudio
from .bundles_models import (
    BundleEntry,
    BundleList,
    BundlePage,
    BundleRow,
    BundleVersion,
    Deprecated,
    Deprecating,
    Imported,
    Kept,
    Publishing,
    ReachRow,
    Removed,
)
from .models import BrokenRow, Deprecation

router = APIRouter(route_class=JsonRoute, tags=["bundles"])
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
NOT_TAKEN = (
    *("request.malformed", "request.wrong_type", "bundle.missing", "bundle.error", "bundle.bad_manifest"),
    *("bundle.unsafe_path", "flow.malformed"),
)


async def uploaded(request: Request) -> tuple[str, bytes]:
    """Return the name and the content of the one file of a multipart form, whatever its field is called."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Refused(415, "request.wrong_type", "Send the .flow file as multipart/form-data.")
    async with request.form(max_files=1, max_fields=8) as form:
        for value in form.values():
            if isinstance(value, UploadFile):
                return value.filename or "", await value.read()
    raise Refused(422, "bundle.missing", "The form holds no file: send the .flow file in the field `file`.")


Sent = Annotated[tuple[str, bytes], Depends(uploaded)]


@router.post(
    "/api/imports",
    status_code=201,
    responses=problems(*NOT_TAKEN, "bundle.conflict", "flow.bad_id"),
    openapi_extra=UPLOAD,
)
def import_bundle(file: Sent, studio: TheStudio, on_conflict: OnConflict = "refuse") -> Imported:
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


@router.get("/api/bundles", responses=problems())
def list_bundles(studio: TheStudio, interface: str | None = None) -> BundleList:
    """List the installed bundles with their versions, or those with an entry that has an interface."""
    marks = studio.installed.marks.all()
    rows = [
        BundleRow(
            bundle_id=bundle_id,
            newest=versions[0].bundle_version,
            versions=[BundleVersion.model_validate(_version(each, marks)) for each in versions],
        )
        for bundle_id, versions in studio.installed.bundles().items()
        if interface is None or any(_has(each, interface) for each in versions)
    ]
    broken = [BrokenRow(file=each.path.name, reason=each.reason) for each in studio.installed.unreadable()]
    return BundleList(bundles=rows, broken=broken)


@router.post(
    "/api/bundles",
    status_code=201,
    responses={
        200: {"model": Kept, "description": "This very file was installed already"},
        **problems(*NOT_TAKEN, "bundle.installed", "bundle.registry"),
    },
    openapi_extra=UPLOAD,
)
def install_bundle(file: Sent, response: Response, studio: TheStudio, overwrite: bool = False) -> Kept:
    """Install a .flow file, to be run as it is; a version that is there is replaced only with `overwrite`."""
    kept = studio.installed.install(file[1], file[0], overwrite=overwrite)
    return _kept(studio, kept, response)


@router.post(
    "/api/flows/{flow_id:path}/bundle",
    status_code=201,
    responses=problems(
        *(*BODY, "flow.not_found", "flow.invalid", "bundle.installed"),
        *("bundle.error", "bundle.bad_manifest", "bundle.registry"),
    ),
)
def publish_bundle(flow_id: str, body: Publishing, response: Response, studio: TheStudio) -> Kept:
    """Pack a flow with its subflows as the next version of a bundle, and install that."""
    document, _ = studio.library.get(flow_id)
    kept = studio.installed.publish(flow_id, document, body.bundle_id or "", body.bundle_version or "")
    return _kept(studio, kept, response)


@router.get("/api/bundles/{ref}", responses=problems("bundle.not_found", "bundle.error"))
def get_bundle(ref: str, studio: TheStudio) -> BundlePage:
    """Return a version of a bundle: `id@version`, or `id` for the newest."""
    return BundlePage.model_validate(_page(studio, studio.installed.bundle(ref)))


@router.get("/api/bundles/{ref}/input-schema", responses=problems("bundle.not_found", "bundle.error"))
def get_input_schema(ref: str, studio: TheStudio, flow_id: str = "") -> dict[str, Any]:
    """Return a JSON Schema of the inputs that an entry of a bundle takes, its usual one without `flow_id`."""
    return studio.installed.input_schema(ref, flow_id)


@router.post("/api/bundles/{ref}/deprecate", responses=problems(*BODY, "bundle.not_found"))
def deprecate_bundle(
    ref: str, request: Request, studio: TheStudio, body: Deprecating | None = None
) -> Deprecated:
    """Say that a bundle, a version or one of its flows is not to be started any more, and why."""
    asked = body or Deprecating()
    mark = studio.installed.deprecate(
        ref, asked.flow_id or "", by=actor_of(request.scope), reason=asked.reason.strip()
    )
    return Deprecated(
        bundle_id=mark.bundle_id,
        bundle_version=mark.bundle_version or None,
        flow_id=mark.flow_id,
        deprecated_at=mark.at,
        reason=mark.reason,
    )


@router.post("/api/bundles/{ref}/undeprecate", responses=problems(*BODY, "bundle.not_found"))
def undeprecate_bundle(ref: str, studio: TheStudio, body: Deprecating | None = None) -> Deprecated:
    """Take back what was said of exactly this; `removed` is false when nothing was."""
    flow_id = (body.flow_id if body else None) or ""
    removed = studio.installed.undeprecate(ref, flow_id)
    bundle_id, version = parts_of(ref)
    return Deprecated(
        bundle_id=bundle_id, bundle_version=version or None, flow_id=flow_id or ALL, removed=removed
    )


@router.delete("/api/bundles/{ref}", responses=problems("bundle.not_found"))
def remove_bundle(ref: str, studio: TheStudio) -> Removed:
    """Take away all versions of `id`, or the one of `id@version`; runs of it keep what they run."""
    return Removed(removed=studio.installed.remove(ref))


def _kept(studio: Studio, kept: Outcome, response: Response) -> Kept:
    response.status_code = 200 if kept.state == "unchanged" else 201
    response.headers["Location"] = f"/api/bundles/{kept.bundle.bundle_ref}"
    return Kept.model_validate({**_page(studio, kept.bundle), "state": kept.state})


def _page(studio: Studio, bundle: InstalledWorkflowBundle) -> dict[str, Any]:
    sha256, size = studio.installed.digest(bundle)
    return {
        **_version(bundle, studio.installed.marks.all()),
        "metadata": bundle.manifest.metadata,
        "sha256": sha256,
        "size": size,
        "reaches": [asdict(each) for each in studio.installed.reaches(bundle)],
    }


def _version(bundle: InstalledWorkflowBundle, marks: list[Mark]) -> dict[str, Any]:
    manifest = bundle.manifest
    usual = manifest.default_entrypoint or manifest.entrypoints[0].flow_id
    return {
        "bundle_id": bundle.bundle_id,
        "bundle_version": bundle.bundle_version,
        "bundle_ref": bundle.bundle_ref,
        "created_at": manifest.created_at,
        "flows": sorted(manifest.flows),
        "entrypoints": [
            BundleEntry(
                flow_id=each.flow_id,
                name=each.name or each.flow_id,
                description=each.description,
                interfaces=list(each.interfaces),
                is_default=each.flow_id == usual,
                deprecated=deprecation(nearest(marks, bundle.bundle_id, bundle.bundle_version, each.flow_id)),
            )
            for each in manifest.entrypoints
        ],
        "deprecated": deprecation(nearest(marks, bundle.bundle_id, bundle.bundle_version)),
    }


def _has(bundle: InstalledWorkflowBundle, interface: str) -> bool:
    return any(interface in each.interfaces for each in bundle.manifest.entrypoints)


def deprecation(mark: Mark | None) -> Deprecation | None:
    """Return what an answer says of a mark."""
    return None if mark is None else Deprecation(at=mark.at, by=mark.by, reason=mark.reason)
