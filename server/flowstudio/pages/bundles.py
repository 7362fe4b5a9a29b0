"""Installed bundles: what runs as it is, version by version; install, run, deprecate, take away."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from abstractruntime.core.errors import BundleError, Conflict, InvalidFlow
from abstractruntime.workflow_bundle import InstalledWorkflowBundle

from ..access import actor_of
from ..installed import entry_of
from ..installed_marks import ALL, Mark, nearest
from ..studio import Studio, TheStudio
from .form import Posted, SentFile, go, text
from .html import path, render
from .inputs import fields_of
from .library import Asked, begin

router = APIRouter()
Json = Any


@router.get("/bundles")
def list_bundles(request: Request, studio: TheStudio) -> HTMLResponse:
    """Show what is installed."""
    return _listed(request, studio)


@router.post("/bundles")
def install(request: Request, studio: TheStudio, sent: SentFile) -> Response:
    """Install a file; why it cannot be is told above the list."""
    try:
        kept = studio.installed.install(sent.content, sent.name, overwrite="overwrite" in sent.fields)
    except (BundleError, Conflict, InvalidFlow) as error:
        return _listed(request, studio, str(error), 409 if isinstance(error, Conflict) else 422)
    return go(f"/bundles#{path(kept.bundle.bundle_ref)}")


@router.post("/bundles/{ref}/deprecate")
def deprecate(ref: str, request: Request, studio: TheStudio, form: Posted) -> Response:
    """Say that a version, or one of its flows, is not to be started any more."""
    reason = text(form, "reason").strip()[:2000]
    studio.installed.deprecate(ref, text(form, "flow"), by=actor_of(request.scope), reason=reason)
    return go(f"/bundles#{path(ref)}")


@router.post("/bundles/{ref}/undeprecate")
def undeprecate(ref: str, studio: TheStudio, form: Posted) -> Response:
    """Take that back."""
    studio.installed.undeprecate(ref, text(form, "flow"))
    return go(f"/bundles#{path(ref)}")


@router.post("/bundles/{ref}/remove")
def remove(ref: str, studio: TheStudio) -> Response:
    """Take a version away."""
    studio.installed.remove(ref)
    return go("/bundles")


@router.get("/bundles/{ref}/run")
def run_form(ref: str, request: Request, studio: TheStudio, flow: str = "") -> HTMLResponse:
    """Ask for the values of the start node."""
    return _asked(request, studio, ref, flow).show(request, [])


@router.post("/bundles/{ref}/run")
def start(ref: str, request: Request, studio: TheStudio, form: Posted, flow: str = "") -> Response:
    """Run a flow of a bundle with the values of the form and show the run."""
    asked = _asked(request, studio, ref, flow)

    def launch(inputs: dict[str, Json]) -> str:
        chosen = studio.installed.start(ref, flow)
        return studio.runner.launch_kept(chosen.workflow_id, inputs, actor=actor_of(request.scope))

    return begin(request, asked, form, launch)


@router.post("/flows/{flow_id:path}/bundle")
def publish(flow_id: str, request: Request, studio: TheStudio) -> Response:
    """Install a flow of the library as the next version of its bundle."""
    document, _ = studio.library.get(flow_id)
    try:
        kept = studio.installed.publish(flow_id, document)
    except (BundleError, Conflict, InvalidFlow) as error:
        return _listed(request, studio, str(error), 422)
    return go(f"/bundles#{path(kept.bundle.bundle_ref)}")


def _asked(request: Request, studio: Studio, ref: str, flow: str) -> Asked:
    bundle = studio.installed.bundle(ref)
    document = studio.installed.entry(bundle, flow)
    name = str(document.get("name") or entry_of(bundle, flow))
    query = f"?flow={path(flow)}" if flow else ""
    return Asked(
        name=name,
        description=str(document.get("description") or ""),
        action=f"/bundles/{path(ref)}/run{query}",
        crumbs=(("/bundles", "Bundles"), (f"/bundles#{path(bundle.bundle_ref)}", bundle.bundle_ref)),
        back=("/bundles", "Back to the bundles"),
        fields=fields_of(document),
    )


def _listed(request: Request, studio: Studio, wrong: str = "", status: int = 200) -> HTMLResponse:
    marks = studio.installed.marks.all()
    bundles = {
        bundle_id: [_version(each, marks) for each in versions]
        for bundle_id, versions in studio.installed.bundles().items()
    }
    broken = studio.installed.unreadable()
    return render(request, "bundles.html", status, bundles=bundles, broken=broken, wrong=wrong)


def _version(bundle: InstalledWorkflowBundle, marks: list[Mark]) -> dict[str, Json]:
    usual = entry_of(bundle)
    held = (bundle.bundle_id, bundle.bundle_version)
    return {
        "ref": bundle.bundle_ref,
        "version": bundle.bundle_version,
        "created_at": bundle.manifest.created_at,
        "flows": len(bundle.manifest.flows),
        "mark": nearest(marks, *held),
        "entries": [
            {
                "flow_id": each.flow_id,
                "name": each.name or each.flow_id,
                "description": each.description,
                "is_usual": each.flow_id == usual,
                "mark": next(
                    (mark for mark in marks if mark.flow_id != ALL and mark.covers(*held, each.flow_id)), None
                ),
            }
            for each in bundle.manifest.entrypoints
        ],
    }
