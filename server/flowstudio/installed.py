"""Installed bundles: `.flow` files that run as they are, several versions side by side, without the library.

The files are those of the kernel's registry, in one folder of the data; nothing else says what is installed. A
run keeps its own program, so taking a bundle away ends no run. A flow of a bundle calls only flows of that
version; it runs under the id `<bundle>@<version>:<flow>`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from abstractruntime.core.clock import utc_now_iso
from abstractruntime.core.errors import Conflict, NotFound
from abstractruntime.nodes.catalog import Catalog
from abstractruntime.workflow_bundle import (
    InstalledWorkflowBundle,
    UnreadableBundle,
    WorkflowBundleManifest,
    WorkflowBundleRegistry,
    WorkflowBundleRegistryError,
    open_workflow_bundle,
    sanitize_bundle_id,
)

from .bundles import Bundles, Reach, flows_of, opened, reaches_of
from .flow_inputs import input_schema, inputs_of
from .installed_marks import ALL, Mark, Marks
from .library import Document
from .links import unbound, under_other_ids
from .programs import Programs

Json = Any
FOLDER = "bundles"
_OF_BUNDLE = re.compile(r"([A-Za-z0-9_-]+@[A-Za-z0-9_.-]+):.")


class BundleNotFound(NotFound):
    """No bundle of this id, or no version or flow of it, is installed."""

    code = "bundle.not_found"


class BundleInstalled(Conflict):
    """This version is installed with other content."""

    code = "bundle.installed"


class BundleDeprecated(Conflict):
    """Nobody should start this any more; `extra` says since when and why."""

    code = "bundle.deprecated"

    def __init__(self, mark: Mark, advice: str) -> None:
        why = f": {mark.reason}" if mark.reason else "."
        super().__init__(f"{_named(mark)} is deprecated{why.rstrip('.')}. {advice}")
        self.extra = {"deprecated_at": mark.at, "reason": mark.reason}


@dataclass(frozen=True)
class Kept:
    """What an upload did: the bundle, and whether its version is new, was there already, or was replaced."""

    bundle: InstalledWorkflowBundle
    state: Literal["installed", "unchanged", "replaced"]


@dataclass(frozen=True)
class Start:
    """A flow of a bundle, ready to run; `mark` when it is deprecated all the same."""

    workflow_id: str
    bundle_ref: str
    flow_id: str
    mark: Mark | None


class Installed:
    """The installed bundles. Safe to call from several threads."""

    def __init__(self, folder: Path, programs: Programs, types: Catalog, packer: Bundles) -> None:
        self._registry = WorkflowBundleRegistry(folder)
        self._programs = programs
        self._types = types
        self._packer = packer
        self.marks = Marks(folder / "deprecated.json")

    # ---- looking ------------------------------------------------------------------------------

    def bundles(self) -> dict[str, list[InstalledWorkflowBundle]]:
        """Return what is installed: the versions of each bundle, the newest first."""
        return {key: self._registry.versions(key) for key in sorted(self._registry.bundles_by_id())}

    def unreadable(self) -> list[UnreadableBundle]:
        """Return the files of the folder that are no bundles, and why."""
        return self._registry.unreadable()

    def bundle(self, ref: str) -> InstalledWorkflowBundle:
        """Return the bundle of `id` (its newest version) or `id@version`; raise BundleNotFound."""
        bundle_id, version = parts_of(ref)
        versions = self._registry.versions(bundle_id)
        if not versions:
            raise BundleNotFound(f"No bundle {bundle_id!r} is installed.")
        found = [each for each in versions if version in ("", each.bundle_version)]
        if not found:
            held = ", ".join(each.bundle_version for each in versions)
            raise BundleNotFound(f"Bundle {bundle_id!r} has no version {version!r}; it has {held}.")
        return found[0]

    def flows(self, bundle: InstalledWorkflowBundle) -> dict[str, Document]:
        """Return the flows of a bundle by id; raise BundleNotFound when it was taken away meanwhile."""
        try:
            return flows_of(open_workflow_bundle(bundle.path))
        except FileNotFoundError:
            raise BundleNotFound(f"The bundle {bundle.bundle_ref!r} is not installed any more.") from None

    def digest(self, bundle: InstalledWorkflowBundle) -> tuple[str, int]:
        """Return the SHA-256 of a bundle's file, and its size."""
        try:
            content = bundle.path.read_bytes()
        except FileNotFoundError:
            raise BundleNotFound(f"The bundle {bundle.bundle_ref!r} is not installed any more.") from None
        return hashlib.sha256(content).hexdigest(), len(content)

    def reaches(self, bundle: InstalledWorkflowBundle) -> tuple[Reach, ...]:
        """Say what the flows of a bundle touch outside of a run."""
        return reaches_of(self.flows(bundle).values(), self._types)

    def entry(self, bundle: InstalledWorkflowBundle, flow_id: str = "") -> Document:
        """Return a flow of a bundle that may be started, its usual one without a name; raise BundleNotFound."""
        return self.flows(bundle)[entry_of(bundle, flow_id)]

    def input_schema(self, ref: str, flow_id: str = "") -> dict[str, Json]:
        """Return a JSON Schema of the values that a flow of a bundle takes; raise BundleNotFound."""
        document = self.entry(self.bundle(ref), flow_id)
        return input_schema(str(document.get("name") or document["id"]), inputs_of(document))

    # ---- changing -----------------------------------------------------------------------------

    def install(self, content: bytes, name: str = "", *, overwrite: bool = False) -> Kept:
        """Install a .flow file after reading all of it.

        Raises BundleError for what is no bundle or not to be trusted, BundleInstalled where its version is there
        with other content and is not to be overwritten; then nothing has changed.
        """
        with opened(content, name) as arrived:
            flows_of(arrived)
            manifest = arrived.manifest
        held = self._held(manifest)
        if held is not None and held.path.read_bytes() == content:
            return Kept(held, "unchanged")
        try:
            made = self._registry.install_bytes(content, filename_hint=name, overwrite=overwrite)
        except WorkflowBundleRegistryError:
            if self._held(manifest) is None or overwrite:
                raise
            raise BundleInstalled(
                f"{manifest.bundle_id}@{manifest.bundle_version} is installed with other content. Raise the version, "
                "or install with `overwrite=true` to replace it; its runs keep what they run."
            ) from None
        return Kept(made, "installed" if held is None else "replaced")

    def publish(
        self, flow_id: str, document: Document, bundle_id: str = "", bundle_version: str = ""
    ) -> Kept:
        """Pack a flow of the library with all that it calls as a version of a bundle, and install that.

        Without a version it is the one after the newest. Raises InvalidFlow for a flow that cannot run,
        BundleInstalled for a version that is there, and BundleError.
        """
        self._programs.compiled(flow_id, document)
        name = str(document.get("name") or flow_id)
        wanted = bundle_id or sanitize_bundle_id(name) or sanitize_bundle_id(flow_id) or "flow"
        before = next(iter(self._registry.versions(wanted)), None)
        version = bundle_version or ("0.0.0" if before is None else after(before.bundle_version))
        now = utc_now_iso()
        changed = document.get("updated_at") or self._packer.changed_at(flow_id)
        told = _told({**document, "updated_at": changed}, wanted, version, before, now)
        file, content = self._packer.export(flow_id, wanted, version, told, created_at=now)
        return self.install(content, file)

    def deprecate(self, ref: str, flow_id: str = "", *, by: str, reason: str = "") -> Mark:
        """Say that a bundle, a version or one of its flows is not to be started any more; raise BundleNotFound."""
        bundle_id, version, flow = self._place(ref, flow_id)
        return self.marks.set(bundle_id, version, flow, by=by, reason=reason)

    def undeprecate(self, ref: str, flow_id: str = "") -> bool:
        """Take back what was said of exactly this; say whether anything was. Raises BundleNotFound."""
        return self.marks.clear(*self._place(ref, flow_id))

    def remove(self, ref: str) -> int:
        """Take away all versions of `id`, or the one of `id@version`; return how many. Raises BundleNotFound."""
        bundle_id, version = parts_of(ref)
        removed = self._registry.remove(f"{bundle_id}@{version}" if version else bundle_id)
        if not removed:
            self.bundle(ref)
        is_gone = not self._registry.versions(bundle_id)
        self.marks.forget(bundle_id, "" if is_gone else version)
        return removed

    # ---- running ------------------------------------------------------------------------------

    def start(self, ref: str, flow_id: str = "") -> Start:
        """Keep the program of a flow of a bundle and return what is to be started.

        `id` means its newest version that is not deprecated; BundleDeprecated when all are. `id@version` is that
        version, whatever was said of it. Raises BundleNotFound, or InvalidFlow with the problems of the flow.
        """
        bundle, flow = self._chosen(ref, flow_id)
        names = {key: f"{bundle.bundle_ref}:{key}" for key in bundle.manifest.flows}
        documents = {
            names[key]: under_other_ids(key, unbound(document), names)
            for key, document in self.flows(bundle).items()
        }
        root = self._programs.keep_given(names[flow], documents)
        mark = self.marks.of(bundle.bundle_id, bundle.bundle_version, flow)
        return Start(root, bundle.bundle_ref, flow, mark)

    def _chosen(self, ref: str, flow_id: str) -> tuple[InstalledWorkflowBundle, str]:
        newest = self.bundle(ref)
        bundle_id, version = parts_of(ref)
        if version:
            return newest, entry_of(newest, flow_id)
        for each in self._registry.versions(bundle_id):
            if flow_id and flow_id not in _entries(each.manifest):
                continue
            flow = entry_of(each, flow_id)
            if self.marks.of(bundle_id, each.bundle_version, flow) is None:
                return each, flow
        flow = entry_of(newest, flow_id)
        mark = self.marks.of(bundle_id, newest.bundle_version, flow)
        if mark is None:
            raise BundleNotFound(f"The bundle {bundle_id!r} has changed meanwhile; look again.")
        raise BundleDeprecated(mark, f"To run it all the same, name the version: {newest.bundle_ref}.")

    def _held(self, manifest: WorkflowBundleManifest) -> InstalledWorkflowBundle | None:
        versions = self._registry.versions(manifest.bundle_id)
        return next((each for each in versions if each.bundle_version == manifest.bundle_version), None)

    def _place(self, ref: str, flow_id: str) -> tuple[str, str, str]:
        found = self.bundle(ref)
        if flow_id not in ("", ALL):
            entry_of(found, flow_id)
        return (*parts_of(ref), flow_id or ALL)


def parts_of(ref: str) -> tuple[str, str]:
    """Return bundle id and version of `id` or `id@version`; the version is empty in the first."""
    bundle_id, _, version = ref.strip().partition("@")
    return bundle_id.strip(), version.strip()


def bundle_of(flow_id: str) -> str:
    """Return the bundle (`id@version`) under whose flows a run's flow is, empty for another."""
    found = _OF_BUNDLE.match(flow_id)
    return found[1] if found else ""


def entry_of(bundle: InstalledWorkflowBundle, flow_id: str = "") -> str:
    """Return the flow that is started by this name, the usual one without a name; raise BundleNotFound."""
    entries = _entries(bundle.manifest)
    wanted = flow_id or bundle.manifest.default_entrypoint or entries[0]
    if wanted not in entries:
        raise BundleNotFound(
            f"Bundle {bundle.bundle_ref!r} has no flow {wanted!r} to start; it has {', '.join(sorted(entries))}."
        )
    return wanted


def after(version: str) -> str:
    """Return the version that follows: the last number raised by one, `.1` behind what does not end in a number."""
    head, dot, last = version.rpartition(".")
    return f"{head}{dot}{int(last) + 1}" if last.isascii() and last.isdigit() else f"{version}.1"


def _entries(manifest: WorkflowBundleManifest) -> list[str]:
    return [each.flow_id for each in manifest.entrypoints]


def _told(
    document: Document, bundle_id: str, version: str, before: InstalledWorkflowBundle | None, now: str
) -> dict[str, Json]:
    """Return what a bundle says of where it comes from."""
    lineage = {"bundle_id": bundle_id, "bundle_version": version, "origin_bundle_version": version}
    if before is not None:
        known = before.manifest.metadata.get("lineage")
        first = known.get("origin_bundle_version") if isinstance(known, Mapping) else None
        lineage["origin_bundle_version"] = str(first or before.bundle_version)
        lineage["previous_bundle_version"] = before.bundle_version
    source = {"root_flow_id": document.get("id"), "root_flow_name": document.get("name")}
    return {
        "publisher": {"host": "flowstudio", "published_at": now},
        "source": {**source, "root_flow_updated_at": document.get("updated_at")},
        "lineage": lineage,
    }


def _named(mark: Mark) -> str:
    whole = f"{mark.bundle_id}@{mark.bundle_version}" if mark.bundle_version else mark.bundle_id
    return (
        f"The bundle {whole!r}"
        if mark.flow_id == ALL
        else f"The flow {mark.flow_id!r} of the bundle {whole!r}"
    )
