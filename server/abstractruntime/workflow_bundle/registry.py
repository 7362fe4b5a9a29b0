"""A folder of installed bundles: `<id>@<version>.flow`, several versions side by side.

Files appear and disappear whole. A file that cannot be read is left out of every listing and told
by `unreadable()`. What was read is remembered until the file's time or size changes.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import threading
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

from .models import WorkflowBundleEntrypoint, WorkflowBundleManifest, WorkflowBundleRegistryError
from .reader import inspect_workflow_bundle, verify_workflow_bundle
from .versions import newest, newest_first

SUFFIX = ".flow"
DIRECTORY_VARIABLES = (
    "ABSTRACTFRAMEWORK_WORKFLOWS_DIR",
    "ABSTRACTGATEWAY_FLOWS_DIR",
    "ABSTRACTFLOW_PUBLISH_DIR",
    "ABSTRACTFLOW_FLOWS_DIR",
)


def sanitize_bundle_id(raw: str) -> str:
    """Return an id of letters, digits, `_` and `-`; runs of anything else become one `-`."""
    return _sanitized(raw, r"[^a-zA-Z0-9_-]+")


def sanitize_bundle_version(raw: str) -> str:
    """Return a version of letters, digits, `_`, `-` and `.`; runs of anything else become one `-`."""
    return _sanitized(raw, r"[^a-zA-Z0-9_.-]+")


def _sanitized(raw: str, other: str) -> str:
    return re.sub(r"-{2,}", "-", re.sub(other, "-", str(raw or "").strip())).strip("-")


def default_workflow_bundles_dir() -> Path:
    """Return the folder that the environment names, else `./flows/bundles` if it is there, else one's own."""
    for name in DIRECTORY_VARIABLES:
        named = os.environ.get(name, "").strip()
        if named:
            return Path(named).expanduser().resolve()
    here = Path("flows") / "bundles"
    if here.is_dir():
        return here.resolve()
    return (Path.home() / ".abstractframework" / "workflows").resolve()


@dataclass(frozen=True)
class InstalledWorkflowBundle:
    """A bundle in the folder. `sha256` is set when it was installed just now."""

    bundle_id: str
    bundle_version: str
    path: Path
    manifest: WorkflowBundleManifest
    sha256: str | None = None

    @property
    def bundle_ref(self) -> str:
        """How this version is referred to: `id@version`."""
        return f"{self.bundle_id}@{self.bundle_version}"


@dataclass(frozen=True)
class WorkflowEntrypointRef:
    """A flow that may be started, in one version of one bundle."""

    bundle_id: str
    bundle_version: str
    flow_id: str
    name: str = ""
    description: str = ""
    interfaces: list[str] = field(default_factory=list)
    is_default: bool = False

    @property
    def bundle_ref(self) -> str:
        """How this version of the bundle is referred to: `id@version`."""
        return f"{self.bundle_id}@{self.bundle_version}"

    @property
    def workflow_id(self) -> str:
        """The id under which the flow is registered: `id@version:flow`."""
        return f"{self.bundle_ref}:{self.flow_id}"


@dataclass(frozen=True)
class UnreadableBundle:
    """A `.flow` file that cannot be used, and why."""

    path: Path
    reason: str


class WorkflowBundleRegistry:
    """The bundles of one folder. Safe to use from several threads and next to other processes."""

    def __init__(self, bundles_dir: str | PathLike[str] | None = None) -> None:
        given = Path(bundles_dir) if bundles_dir is not None else default_workflow_bundles_dir()
        self.bundles_dir = given.expanduser().resolve()
        self._lock = threading.Lock()
        self._read: dict[str, tuple[tuple[int, int], InstalledWorkflowBundle | UnreadableBundle]] = {}

    def ensure_dir(self) -> Path:
        """Make the folder if it is not there and return it."""
        self.bundles_dir.mkdir(parents=True, exist_ok=True)
        return self.bundles_dir

    def scan(self) -> list[InstalledWorkflowBundle]:
        """Return every readable bundle, ordered by file name."""
        return [found for found in self._all() if isinstance(found, InstalledWorkflowBundle)]

    def unreadable(self) -> list[UnreadableBundle]:
        """Return the `.flow` files that cannot be used, with the reason."""
        return [found for found in self._all() if isinstance(found, UnreadableBundle)]

    def bundles_by_id(self) -> dict[str, dict[str, InstalledWorkflowBundle]]:
        """Return the bundles by id and version."""
        found: dict[str, dict[str, InstalledWorkflowBundle]] = {}
        for bundle in self.scan():
            found.setdefault(bundle.bundle_id, {})[bundle.bundle_version] = bundle
        return found

    def versions(self, bundle_id: str) -> list[InstalledWorkflowBundle]:
        """Return the versions of a bundle, the newest first; none when it is not installed."""
        held = self.bundles_by_id().get(bundle_id, {})
        return newest_first((version, bundle.manifest.created_at, bundle) for version, bundle in held.items())

    def resolve_bundle(self, ref: str) -> InstalledWorkflowBundle:
        """Return the bundle of `id` (its newest version) or `id@version`; `.flow` may follow."""
        bundle_id, version = _split_ref(ref)
        if not bundle_id:
            raise WorkflowBundleRegistryError("Name a bundle: an id, or id@version.")
        versions = self.bundles_by_id().get(bundle_id)
        if not versions:
            raise WorkflowBundleRegistryError(f"Bundle '{bundle_id}' not found in {self.bundles_dir}.")
        if not version:
            return _newest_of(versions)
        if version not in versions:
            raise WorkflowBundleRegistryError(
                f"Bundle '{bundle_id}' has no version '{version}'; it has {', '.join(sorted(versions))}."
            )
        return versions[version]

    def resolve_entrypoint(self, ref: str, *, interface: str | None = None) -> WorkflowEntrypointRef:
        """Return the flow of `id`, `id@version`, either with `:flow`, a file's name, or an entrypoint's name.

        `interface` demands that the flow implements it. Raises WorkflowBundleRegistryError saying what
        there is instead.
        """
        text = str(ref or "").strip()
        if not text:
            raise WorkflowBundleRegistryError(
                "Name a workflow: a bundle, bundle:flow, or an entrypoint's name."
            )
        whole = text.removesuffix(SUFFIX)
        by_id = self.bundles_by_id()
        bundle_ref, _, flow_id = whole.partition(":")
        if _split_ref(bundle_ref)[0] in by_id:
            return _entrypoint(self.resolve_bundle(bundle_ref), flow_id.strip(), interface)
        file = next((bundle for bundle in self.scan() if bundle.path.name == text), None)
        if file is not None:
            return _entrypoint(file, "", interface)
        return self._by_name(text, by_id, interface)

    def list_entrypoints(
        self, *, interface: str | None = None, latest_only: bool = True
    ) -> list[WorkflowEntrypointRef]:
        """Return what may be started, ordered by bundle, version and name."""
        refs = []
        for versions in self.bundles_by_id().values():
            for bundle in [_newest_of(versions)] if latest_only else versions.values():
                refs += [
                    _ref(bundle, entry)
                    for entry in bundle.manifest.entrypoints
                    if interface is None or interface in entry.interfaces
                ]
        return sorted(refs, key=lambda ref: (ref.bundle_id, ref.bundle_version, ref.name or ref.flow_id))

    def install(self, source: str | PathLike[str], *, overwrite: bool = False) -> InstalledWorkflowBundle:
        """Copy a `.flow` file into the folder, after reading all of it."""
        path = Path(source)
        if not path.is_file():
            raise FileNotFoundError(f"There is no bundle at {path}.")
        return self._install(path.read_bytes(), overwrite)

    def install_bytes(
        self, content: bytes, *, filename_hint: str = "upload.flow", overwrite: bool = False
    ) -> InstalledWorkflowBundle:
        """Write an uploaded `.flow` file into the folder, after reading all of it."""
        if not content:
            raise WorkflowBundleRegistryError(f"The file {filename_hint!r} is empty.")
        return self._install(content, overwrite)

    def remove(self, ref: str) -> int:
        """Delete all versions of `id`, or the one of `id@version`; return how many files went."""
        bundle_id, version = _split_ref(ref)
        gone = 0
        for found in self._all():
            if isinstance(found, UnreadableBundle):
                held, held_version = _split_ref(found.path.name)
            else:
                held, held_version = found.bundle_id, found.bundle_version
            if bundle_id and held == bundle_id and version in ("", held_version):
                found.path.unlink(missing_ok=True)
                gone += 1
        return gone

    def _install(self, content: bytes, overwrite: bool) -> InstalledWorkflowBundle:
        self.ensure_dir()
        handle, name = tempfile.mkstemp(prefix=".upload_", suffix=SUFFIX, dir=self.bundles_dir)
        arrived = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            manifest = verify_workflow_bundle(arrived).manifest
            _require_safe("id", manifest.bundle_id, sanitize_bundle_id(manifest.bundle_id))
            _require_safe(
                "version", manifest.bundle_version, sanitize_bundle_version(manifest.bundle_version)
            )
            target = self.bundles_dir / f"{manifest.bundle_id}@{manifest.bundle_version}{SUFFIX}"
            os.chmod(arrived, 0o644)
            _put(arrived, target, overwrite)
        finally:
            arrived.unlink(missing_ok=True)
        return InstalledWorkflowBundle(
            bundle_id=manifest.bundle_id,
            bundle_version=manifest.bundle_version,
            path=target,
            manifest=manifest,
            sha256=hashlib.sha256(content).hexdigest(),
        )

    def _all(self) -> list[InstalledWorkflowBundle | UnreadableBundle]:
        if not self.bundles_dir.is_dir():
            return []
        files = [
            file
            for file in sorted(self.bundles_dir.glob(f"*{SUFFIX}"))
            if file.is_file() and not file.name.startswith(".")
        ]
        with self._lock:
            read = {file.name: self._look(file) for file in files}
            self._read = {name: found for name, found in read.items() if found is not None}
            return [found for _, found in self._read.values()]

    def _look(self, file: Path) -> tuple[tuple[int, int], InstalledWorkflowBundle | UnreadableBundle] | None:
        """Return a file's stamp and bundle, from memory when it has not changed; None when it is gone."""
        try:
            status = file.stat()
        except OSError:
            return None
        stamp = (status.st_mtime_ns, status.st_size)
        known = self._read.get(file.name)
        if known is not None and known[0] == stamp:
            return known
        try:
            manifest = inspect_workflow_bundle(bundle_path=file)
        except (OSError, ValueError) as error:
            return stamp, UnreadableBundle(file, str(error))
        return stamp, InstalledWorkflowBundle(manifest.bundle_id, manifest.bundle_version, file, manifest)

    def _by_name(
        self,
        name: str,
        by_id: dict[str, dict[str, InstalledWorkflowBundle]],
        interface: str | None,
    ) -> WorkflowEntrypointRef:
        latest = [_newest_of(versions) for versions in by_id.values()]
        named = [
            _ref(bundle, entry)
            for bundle in latest
            for entry in bundle.manifest.entrypoints
            if (entry.name or "").strip().casefold() == name.casefold()
        ]
        fitting = [ref for ref in named if interface is None or interface in ref.interfaces]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            choices = ", ".join(sorted(f"{ref.bundle_id}:{ref.flow_id}" for ref in fitting))
            raise WorkflowBundleRegistryError(
                f"Several workflows are called '{name}': {choices}. Name one of these."
            )
        if named:
            raise WorkflowBundleRegistryError(
                f"Workflow '{name}' does not implement interface '{interface}'."
            )
        raise WorkflowBundleRegistryError(f"Workflow '{name}' not found in {self.bundles_dir}.")


def _split_ref(ref: str) -> tuple[str, str]:
    bundle_id, _, version = str(ref or "").strip().removesuffix(SUFFIX).partition("@")
    return bundle_id.strip(), version.strip()


def _newest_of(versions: dict[str, InstalledWorkflowBundle]) -> InstalledWorkflowBundle:
    return newest((version, bundle.manifest.created_at, bundle) for version, bundle in versions.items())


def _ref(bundle: InstalledWorkflowBundle, entry: WorkflowBundleEntrypoint) -> WorkflowEntrypointRef:
    return WorkflowEntrypointRef(
        bundle_id=bundle.bundle_id,
        bundle_version=bundle.bundle_version,
        flow_id=entry.flow_id,
        name=entry.name or "",
        description=entry.description,
        interfaces=list(entry.interfaces),
        is_default=entry.flow_id == _usual(bundle.manifest),
    )


def _usual(manifest: WorkflowBundleManifest) -> str:
    return manifest.default_entrypoint or manifest.entrypoints[0].flow_id


def _entrypoint(
    bundle: InstalledWorkflowBundle, flow_id: str, interface: str | None
) -> WorkflowEntrypointRef:
    entries = {entry.flow_id: entry for entry in bundle.manifest.entrypoints}
    wanted = flow_id or _usual(bundle.manifest)
    entry = entries.get(wanted)
    if entry is None:
        raise WorkflowBundleRegistryError(
            f"Bundle '{bundle.bundle_ref}' has no entrypoint '{wanted}'; it has {', '.join(sorted(entries))}."
        )
    if interface is not None and interface not in entry.interfaces:
        raise WorkflowBundleRegistryError(
            f"Workflow '{bundle.bundle_ref}:{wanted}' does not implement interface '{interface}'."
        )
    return _ref(bundle, entry)


def _require_safe(what: str, given: str, safe: str) -> None:
    if given != safe:
        hint = f" Use {safe!r}." if safe else " Use letters, digits, '_' and '-'."
        raise WorkflowBundleRegistryError(f"The bundle's {what} {given[:80]!r} cannot be a file name.{hint}")


def _put(arrived: Path, target: Path, overwrite: bool) -> None:
    """Give the file its name: replacing what is there, or only if nothing is."""
    if overwrite:
        os.replace(arrived, target)
        return
    taken = f"{target.name} is installed already. Raise the version, or install with overwrite."
    try:
        os.link(arrived, target)
    except FileExistsError:
        raise WorkflowBundleRegistryError(taken) from None
    except OSError:  # a file system without hard links
        if target.exists():
            raise WorkflowBundleRegistryError(taken) from None
        os.replace(arrived, target)
