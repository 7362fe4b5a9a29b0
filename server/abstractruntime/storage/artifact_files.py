"""Artifacts in a folder.

    artifacts/blobs/<blob_id>.bin         bytes, shared between runs
    artifacts/refs/<artifact_id>.meta     metadata, as JSON
    artifacts/<artifact_id>.{bin,meta}    an older layout, read and deleted only
    artifacts/index.jsonl                 which artifact belongs to which run; made again if lost

Bytes are written before what points to them, and verified whenever they are read. A crash can leave
bytes that nobody points to, which `gc` removes; it never leaves a reference to half of them.
"""

from __future__ import annotations

import builtins
import hashlib
import heapq
import json
import logging
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ..core.errors import StoreDamaged
from ..core.jsonsafe import decode
from .artifact_contract import (
    Artifact,
    ArtifactMetadata,
    MadeArtifactStore,
    check,
    checked,
    cleaned,
    compute_blob_id,
    created_micros,
    gc_report,
    merged,
    newest_first,
    validate_artifact_id,
)
from .files import FolderLock, Sync, made_folder, read_if_there, removed, told, write_whole
from .shared_log import SharedLog

log = logging.getLogger(__name__)


class FileArtifactStore(MadeArtifactStore):
    """Keeps artifacts in a folder that other stores and other processes may share.

    `sync` is one of `always` and `marked` (bytes and metadata reach the disk before `store` returns;
    an artifact is as durable as the record that names it) and `never`.
    """

    def __init__(self, base_dir: str | os.PathLike[str], *, sync: Sync | str = Sync.ALWAYS) -> None:
        self._sync = Sync(sync) is not Sync.NEVER
        self._old = made_folder(Path(base_dir) / "artifacts")
        self._blobs = made_folder(self._old / "blobs")
        self._refs = made_folder(self._old / "refs")
        self._lock = FolderLock(self._old / ".lock")
        self._index = _Index(self._old, self._lock, self._metadata_or_none)

    def _keep(self, made: ArtifactMetadata, content: bytes) -> ArtifactMetadata:
        with self._lock:
            before = self._metadata_or_none(made.artifact_id)
            kept = merged(made, before)
            self._write_blob(str(made.blob_id), content)
            if kept != before:
                self._index.add(kept)
                body = json.dumps(kept.to_dict(), indent=2, ensure_ascii=False)
                write_whole(self._ref(kept.artifact_id), body.encode(), sync=self._sync)
        return kept

    def load(self, artifact_id: str) -> Artifact | None:
        """Return an artifact, None for an unknown id; raise StoreDamaged if its bytes are not those stored."""
        metadata = self.get_metadata(artifact_id)
        if metadata is None:
            return None
        path = self._bytes_of(metadata)
        return checked(metadata, read_if_there(path), str(path))

    def file_of(self, artifact_id: str) -> Path | None:
        """Return the file that holds an artifact's bytes, None for an unknown id: for who sends them on in parts.

        They are read through once, in parts too; raises StoreDamaged if they are not those stored.
        """
        metadata = self.get_metadata(artifact_id)
        if metadata is None:
            return None
        path = self._bytes_of(metadata)
        try:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                check(metadata, size, lambda: hashlib.file_digest(file, "sha256").hexdigest(), str(path))
        except FileNotFoundError:
            checked(metadata, None, str(path))
        return path

    def get_metadata(self, artifact_id: str) -> ArtifactMetadata | None:
        """Return what is known of an artifact; raise StoreDamaged if that cannot be read."""
        validate_artifact_id(artifact_id)
        for path in (self._ref(artifact_id), self._old / f"{artifact_id}.meta"):
            body = read_if_there(path)
            if body is not None:
                return _readable(body, path)
        return None

    def exists(self, artifact_id: str) -> bool:
        """Say whether there is an artifact with this id."""
        validate_artifact_id(artifact_id)
        return self._ref(artifact_id).exists() or (self._old / f"{artifact_id}.meta").exists()

    def delete(self, artifact_id: str) -> bool:
        """Forget an artifact; say whether there was one. Its bytes go with `gc`, if nobody shares them."""
        validate_artifact_id(artifact_id)
        with self._lock:
            found = removed(self._ref(artifact_id))
            old = removed(self._old / f"{artifact_id}.meta")
            removed(self._old / f"{artifact_id}.bin")
            if found or old:
                self._index.drop(artifact_id)
        return found or old

    def list_by_run(self, run_id: str) -> builtins.list[ArtifactMetadata]:
        """Return the artifacts of a run, newest first; reads no metadata but theirs."""
        return newest_first(self._listed(self._index.of_run(cleaned(run_id))))

    def list_all(self, *, limit: int = 1000) -> builtins.list[ArtifactMetadata]:
        """Return the newest artifacts; reads no metadata but theirs."""
        return newest_first(self._listed(self._index.newest(max(limit, 0))))

    def gc(self, *, dry_run: bool = True) -> dict[str, Any]:
        """Remove bytes that no artifact points to. Damaged metadata stop it: what they point to is unknown."""
        with self._lock, told(self._blobs):
            needed, errors = self._needed()
            blobs = sorted(self._blobs.glob("*.bin"))
            unused = [path for path in blobs if path.stem not in needed]
            report = gc_report(dry_run, len(blobs), len(blobs) - len(unused))
            report["errors"] = errors
            if errors:
                return report
            for path in unused:
                size = path.stat().st_size
                if not dry_run:
                    path.unlink()
                report["blobs_deleted"] += 1
                report["bytes_reclaimed"] += size
        return report

    def _needed(self) -> tuple[set[str], list[str]]:
        needed: set[str] = set()
        errors: list[str] = []
        for path in (*self._refs.glob("*.meta"), *self._old.glob("*.meta")):
            try:
                needed.add(str(_readable(path.read_bytes(), path).blob_id))
            except StoreDamaged as error:
                errors.append(str(error))
        return needed, errors

    def _write_blob(self, blob_id: str, body: bytes) -> None:
        """Write bytes unless they are there already; those that are there are not trusted unseen."""
        path = self._blobs / f"{blob_id}.bin"
        there = read_if_there(path)
        if there is not None and compute_blob_id(there) == blob_id:
            return
        if there is not None:
            log.warning("The bytes in %s were altered; they are written again.", path)
        write_whole(path, body, sync=self._sync)

    def _metadata_or_none(self, artifact_id: str) -> ArtifactMetadata | None:
        """Return metadata; damaged ones are logged and count as none."""
        try:
            return self.get_metadata(artifact_id)
        except StoreDamaged as error:
            log.error("%s", error)
            return None

    def _listed(self, ids: Iterable[str]) -> builtins.list[ArtifactMetadata]:
        found = [self._metadata_or_none(one) for one in ids]
        return [one for one in found if one is not None]

    def _ref(self, artifact_id: str) -> Path:
        return self._refs / f"{artifact_id}.meta"

    def _bytes_of(self, metadata: ArtifactMetadata) -> Path:
        if metadata.blob_id is None:
            return self._old / f"{metadata.artifact_id}.bin"
        validate_artifact_id(metadata.blob_id)
        return self._blobs / f"{metadata.blob_id}.bin"


class _Index:
    """Which artifact belongs to which run and when it came, followed across processes."""

    def __init__(self, folder: Path, lock: FolderLock, metadata: Callable[[str], ArtifactMetadata | None]):
        self._folder = folder
        self._lock = lock
        self._metadata = metadata
        self._log = SharedLog(folder / "index.jsonl")
        self._entries = 0
        self._known: dict[str, tuple[int, str | None]] = {}
        self._by_run: dict[str, dict[str, None]] = {}
        self._compared = False
        self._thread = threading.RLock()

    def add(self, metadata: ArtifactMetadata) -> None:
        """Note an artifact that is about to be written; the caller holds the lock."""
        self._log.add([_entry(metadata)])

    def drop(self, artifact_id: str) -> None:
        """Note that an artifact is gone; the caller holds the lock."""
        self._log.add([{"gone": artifact_id}])

    def of_run(self, run_id: str | None) -> list[str]:
        """Return the ids of a run's artifacts."""
        with self._thread:
            self._refresh()
            return [*self._by_run.get(run_id or "", ())]

    def newest(self, limit: int) -> list[str]:
        """Return the ids of the newest artifacts."""
        with self._thread:
            self._refresh()
            return heapq.nlargest(limit, self._known, key=lambda one: (self._known[one][0], one))

    def _refresh(self) -> None:
        self._take(*self._log.news())
        while not self._compared:
            with self._lock:
                self._compared = True
                self._compare()

    def _compare(self) -> None:
        """Add what is there and not noted, drop what is noted and not there; now and then write it anew."""
        self._take(*self._log.news())
        with told(self._folder):
            there = {path.stem for path in self._folder.glob("*.meta")}
            there |= {path.stem for path in (self._folder / "refs").glob("*.meta")}
        missing = [found for one in sorted(there - self._known.keys()) if (found := self._metadata(one))]
        entries = [*map(_entry, missing), *({"gone": one} for one in self._known.keys() - there)]
        if entries:
            self._log.add(entries)
            self._take(*self._log.news())
        if self._entries > 2 * len(self._known) + 1000:
            self._log.replace(
                {"id": one, "at": at, "run": run_id} for one, (at, run_id) in self._known.items()
            )

    def _take(self, anew: bool, entries: list[dict[str, Any]]) -> None:
        if anew:
            self._known, self._by_run, self._entries, self._compared = {}, {}, 0, False
        for entry in entries:
            self._entries += 1
            one = str(entry.get("gone") or entry.get("id"))
            _, run_id = self._known.pop(one, (0, None))
            if run_id is not None:
                self._by_run[run_id].pop(one, None)
                if not self._by_run[run_id]:
                    del self._by_run[run_id]
            if "gone" not in entry:
                owner = entry.get("run")
                self._known[one] = (int(entry.get("at") or 0), owner)
                if owner is not None:
                    self._by_run.setdefault(owner, {})[one] = None


def _entry(metadata: ArtifactMetadata) -> dict[str, Any]:
    at = created_micros(metadata)
    return {"id": metadata.artifact_id, "at": at, "run": metadata.run_id}


def _readable(body: bytes, path: Path) -> ArtifactMetadata:
    try:
        return ArtifactMetadata.from_dict(decode(body.decode()))
    except (ValueError, TypeError, AttributeError) as error:
        raise StoreDamaged(f"The metadata in {path} cannot be read: {error}.") from error
