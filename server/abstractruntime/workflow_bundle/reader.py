"""Open a bundle, look into it, unpack it.

`open_workflow_bundle` takes a `.flow` file or a folder with the same layout. Whatever cannot be
trusted is refused when the bundle is opened, before anybody reads a flow from it; nothing is ever
written outside the folder that `unpack_workflow_bundle` was given, and nothing at all on a refusal.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, NoReturn

from .archive import MAX_MEMBER, Archive
from .models import (
    MANIFEST,
    BadBundleManifest,
    NoManifest,
    UnsafeBundlePath,
    WorkflowBundleError,
    WorkflowBundleManifest,
    safe_path,
    workflow_bundle_manifest_from_dict,
)

_MAX_MANIFEST = 4 * 1024 * 1024
_MAX_DEPTH = 64


@dataclass(frozen=True)
class WorkflowBundle:
    """An opened bundle: where it is and what it says about itself."""

    source: Path
    manifest: WorkflowBundleManifest

    def read_bytes(self, relpath: str) -> bytes:
        """Return a file of the bundle; raise FileNotFoundError or WorkflowBundleError."""
        return _read(self.source, relpath)

    def read_text(self, relpath: str, *, encoding: str = "utf-8") -> str:
        """Return a file of the bundle as text; raise WorkflowBundleError when it is not."""
        content = self.read_bytes(relpath)
        try:
            return content.decode(encoding)
        except UnicodeDecodeError as error:
            raise WorkflowBundleError(
                f"The file {relpath!r} of the bundle is not {encoding} text."
            ) from error

    def read_json(self, relpath: str) -> Any:
        """Return the value of a JSON file of the bundle; raise WorkflowBundleError when it is none."""
        return _parse(self.read_text(relpath), f"The file {relpath!r} of the bundle")


def open_workflow_bundle(source: str | PathLike[str]) -> WorkflowBundle:
    """Open a `.flow` file or an unpacked bundle.

    Raises FileNotFoundError when it or its manifest is not there, WorkflowBundleError when it is
    damaged, hostile or promises flows that it does not hold.
    """
    path = Path(source)
    if not path.exists():
        raise FileNotFoundError(f"There is no bundle at {path}.")
    try:
        manifest, held = _opened_folder(path) if path.is_dir() else _opened_file(path)
    except FileNotFoundError as error:
        raise NoManifest(f"{path.name} is not a bundle: it has no file {MANIFEST!r}.") from error
    for flow_id, relpath in manifest.flows.items():
        if relpath not in held:
            raise BadBundleManifest(f"The bundle's flow {flow_id!r} is missing: it has no file {relpath!r}.")
    return WorkflowBundle(path, manifest)


def inspect_workflow_bundle(*, bundle_path: str | PathLike[str]) -> WorkflowBundleManifest:
    """Return the manifest of a bundle without reading its flows."""
    return open_workflow_bundle(bundle_path).manifest


def verify_workflow_bundle(source: str | PathLike[str]) -> WorkflowBundle:
    """Open a bundle and read every flow in it; raise WorkflowBundleError when one is not the flow it should be."""
    bundle = open_workflow_bundle(source)
    for flow_id, relpath in bundle.manifest.flows.items():
        document = bundle.read_json(relpath)
        if not isinstance(document, dict):
            raise WorkflowBundleError(f"The bundle's flow {flow_id!r} is not a JSON object.")
        found = next(
            (document[key] for key in ("id", "flow_id", "workflow_id") if document.get(key)), flow_id
        )
        if str(found).strip() != flow_id:
            raise WorkflowBundleError(
                f"The bundle calls a flow {flow_id!r} that calls itself {str(found)[:80]!r}."
            )
    return bundle


def unpack_workflow_bundle(*, bundle_path: str | PathLike[str], out_dir: str | PathLike[str]) -> Path:
    """Write a bundle's files into a folder and return it.

    Everything is written beside the folder first and moved into place at the end. Raises
    FileNotFoundError and WorkflowBundleError like `open_workflow_bundle`; then nothing has changed.
    """
    source, target = Path(bundle_path), Path(out_dir)
    if not source.exists():
        raise FileNotFoundError(f"There is no bundle at {source}.")
    if not source.is_file():
        raise WorkflowBundleError(f"{source} is a folder: it is unpacked already.")
    open_workflow_bundle(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    with Archive(source) as archive, _beside(target) as folder:
        for name in sorted(archive.members):
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(archive.read(name))
        _move_into(folder, target, sorted(archive.members))
    return target


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.unpack-", dir=target.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _move_into(folder: Path, target: Path, names: list[str]) -> None:
    """Move unpacked files to their folder: at once when it is new, one by one when it has content."""
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise WorkflowBundleError(f"{target} is not a folder; name another one to unpack into.")
    if not target.exists() or not any(target.iterdir()):
        os.chmod(folder, 0o755)
        if target.exists():
            target.rmdir()
        os.replace(folder, target)
        return
    for name in names:
        place = target / name
        for part in (*reversed(place.relative_to(target).parents[:-1]), Path(name)):
            found = target / part
            if found.is_symlink() or (found.exists() and found.is_dir() is (part == Path(name))):
                raise UnsafeBundlePath(f"{found} is in the way of the bundle's file {name!r}.")
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(folder / name, target / name)


def _opened_file(path: Path) -> tuple[WorkflowBundleManifest, set[str]]:
    with Archive(path) as archive:
        return _manifest_in(archive.read(MANIFEST)), set(archive.members)


def _opened_folder(path: Path) -> tuple[WorkflowBundleManifest, set[str]]:
    manifest = _manifest_in(_read_folder(path, MANIFEST))
    return manifest, {each for each in manifest.flows.values() if _inside(path, each).is_file()}


def _manifest_in(content: bytes) -> WorkflowBundleManifest:
    if len(content) > _MAX_MANIFEST:
        raise BadBundleManifest(f"The manifest is larger than {_MAX_MANIFEST >> 20} MiB.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadBundleManifest("The manifest is not UTF-8 text.") from error
    try:
        value = _parse(text, "The manifest", twins=_no_twins)
    except WorkflowBundleError as error:
        raise BadBundleManifest(str(error)) from error
    if _is_deep(value):
        raise BadBundleManifest(f"The manifest is nested deeper than {_MAX_DEPTH} levels.")
    return workflow_bundle_manifest_from_dict(value)


def _read(source: Path, relpath: str) -> bytes:
    name = safe_path(relpath.strip() if isinstance(relpath, str) else relpath)
    if source.is_dir():
        return _read_folder(source, name)
    with Archive(source) as archive:
        return archive.read(name)


def _read_folder(folder: Path, name: str) -> bytes:
    file = _inside(folder, name)
    if not file.is_file():
        raise FileNotFoundError(f"The bundle {folder.name} has no file {name!r}.")
    if file.stat().st_size > MAX_MEMBER:
        raise WorkflowBundleError(f"The file {name!r} of the bundle is larger than {MAX_MEMBER >> 20} MiB.")
    return file.read_bytes()


def _inside(folder: Path, name: str) -> Path:
    root = folder.resolve()
    file = (root / name).resolve()
    if not file.is_relative_to(root):
        raise UnsafeBundlePath(f"The path {name!r} leads out of the bundle.")
    return file


def _parse(text: str, what: str, *, twins: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """Return the value of JSON text; `twins` judges the keys of each object."""
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=twins)
    except RecursionError as error:
        raise WorkflowBundleError(f"{what} is nested too deeply.") from error
    except ValueError as error:
        raise WorkflowBundleError(f"{what} is not valid JSON: {error}") from error


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_MAX_DEPTH):
        inner = [item for item in level if isinstance(item, (dict, list))]
        level = [x for item in inner for x in (item.values() if isinstance(item, dict) else item)]
        if not level:
            return False
    return any(isinstance(item, (dict, list)) for item in level)


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
