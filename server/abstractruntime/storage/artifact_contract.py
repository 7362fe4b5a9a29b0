"""Bytes kept by reference: large values, files of a run, evidence.

An artifact is bytes with metadata. Its id is made of its content and the run it belongs to, so the
same bytes stored twice in one run are one artifact: the first metadata stay, new tags are added.
Who needs two gives them ids of their own. A value in a run's variables points to an artifact with
`{"$artifact": id}`.
"""

from __future__ import annotations

import builtins
import hashlib
import json
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..core.clock import instant_micros, utc_now_iso
from ..core.errors import InvalidId, StoreDamaged
from ..core.jsonsafe import encode

REF_KEY = "$artifact"
BYTES, TEXT, JSON = "application/octet-stream", "text/plain", "application/json"

_VALID_ID = re.compile(r"[a-zA-Z0-9_-]+")


@dataclass
class ArtifactMetadata:
    """What is known of an artifact; `blob_id` names its bytes, shared between runs."""

    artifact_id: str
    content_type: str
    size_bytes: int
    created_at: str
    blob_id: str | None = None
    run_id: str | None = None
    tags: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the metadata as a plain object, in the order of the fields."""
        return {name: getattr(self, name) for name in _FIELDS} | {"tags": dict(self.tags)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ArtifactMetadata:
        """Build metadata from a plain object; raise ValueError naming what is missing."""
        missing = [
            name for name in ("artifact_id", "content_type", "size_bytes", "created_at") if name not in data
        ]
        if missing:
            raise ValueError(f"The metadata of an artifact lack {', '.join(missing)}.")
        known = {name: data[name] for name in _FIELDS if name in data}
        return cls(**{**known, "tags": dict(data.get("tags") or {})})


_FIELDS = tuple(ArtifactMetadata.__dataclass_fields__)


@dataclass
class Artifact:
    """An artifact's metadata and bytes."""

    metadata: ArtifactMetadata
    content: bytes

    @property
    def artifact_id(self) -> str:
        """The artifact's id."""
        return self.metadata.artifact_id

    @property
    def content_type(self) -> str:
        """The artifact's media type."""
        return self.metadata.content_type

    def as_text(self, encoding: str = "utf-8") -> str:
        """Return the content as text; raise UnicodeDecodeError if it is not."""
        return self.content.decode(encoding)

    def as_json(self) -> Any:
        """Return the content as a JSON value; raise ValueError if it is not."""
        return json.loads(self.content.decode("utf-8"))


def compute_artifact_id(content: bytes, *, run_id: str | None = None) -> str:
    """Return the id of bytes within a run (or within none): 32 hex digits."""
    prefix = run_id.strip().encode() + b"\0" if run_id and run_id.strip() else b""
    return hashlib.sha256(prefix + content).hexdigest()[:32]


def compute_blob_id(content: bytes) -> str:
    """Return the name of bytes, whoever owns them: their SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


def validate_artifact_id(artifact_id: str) -> None:
    """Raise InvalidId (a ValueError) unless the id is of letters, digits, `-` and `_`."""
    if not artifact_id:
        raise InvalidId("artifact_id cannot be empty")
    if not isinstance(artifact_id, str) or not _VALID_ID.fullmatch(artifact_id):
        raise InvalidId(
            f"Invalid artifact_id {artifact_id!r}: only letters, digits, '-' and '_' may be in it."
        )


def artifact_ref(artifact_id: str) -> dict[str, str]:
    """Return the value that points to an artifact: `{"$artifact": id}`."""
    return {REF_KEY: artifact_id}


def is_artifact_ref(value: Any) -> bool:
    """Say whether a value points to an artifact."""
    return isinstance(value, dict) and REF_KEY in value


def get_artifact_id(ref: Mapping[str, Any]) -> str:
    """Return the id a ref points to; raise KeyError for a value that is no ref."""
    found: str = ref[REF_KEY]
    return found


def resolve_artifact(ref: Any, store: ArtifactStore) -> Artifact | None:
    """Return the artifact that a ref points to, or None when the value is no ref or nothing is there."""
    return store.load(get_artifact_id(ref)) if is_artifact_ref(ref) else None


class ArtifactStore(ABC):
    """Keeps artifacts. What is handed out is never shared with the caller."""

    @abstractmethod
    def store(
        self,
        content: bytes,
        *,
        content_type: str = BYTES,
        run_id: str | None = None,
        tags: Mapping[str, str] | None = None,
        artifact_id: str | None = None,
    ) -> ArtifactMetadata:
        """Keep bytes and return their metadata.

        Without `artifact_id` it is made of content and run. Bytes that are there under the id keep
        their metadata and get the tags they lack; other bytes replace what is there, metadata too.
        Raises InvalidId, StoreFull, StoreError.
        """

    @abstractmethod
    def load(self, artifact_id: str) -> Artifact | None:
        """Return an artifact, None for an unknown id; raise StoreDamaged if its bytes are not those stored."""

    @abstractmethod
    def get_metadata(self, artifact_id: str) -> ArtifactMetadata | None:
        """Return what is known of an artifact, None for an unknown id."""

    @abstractmethod
    def exists(self, artifact_id: str) -> bool:
        """Say whether there is an artifact with this id."""

    @abstractmethod
    def delete(self, artifact_id: str) -> bool:
        """Forget an artifact; say whether there was one. Its bytes go with `gc`, if nobody shares them."""

    @abstractmethod
    def list_by_run(self, run_id: str) -> builtins.list[ArtifactMetadata]:
        """Return the artifacts of a run, newest first."""

    @abstractmethod
    def list_all(self, *, limit: int = 1000) -> builtins.list[ArtifactMetadata]:
        """Return the newest artifacts."""

    def gc(self, *, dry_run: bool = True) -> dict[str, Any]:
        """Remove bytes that no artifact points to; a store that keeps none of them has nothing to do.

        Returns `{"dry_run", "blobs_total", "blobs_referenced", "blobs_deleted", "bytes_reclaimed",
        "errors"}`; in a dry run the numbers are of what would go.
        """
        return gc_report(dry_run)

    def delete_by_run(self, run_id: str) -> int:
        """Forget all artifacts of a run and return how many they were."""
        return sum(self.delete(found.artifact_id) for found in self.list_by_run(run_id))

    def search(
        self,
        *,
        run_id: str | None = None,
        content_type: str | None = None,
        tags: Mapping[str, str] | None = None,
        limit: int = 1000,
    ) -> builtins.list[ArtifactMetadata]:
        """Return matching artifacts, newest first; all tags given must be equal."""
        found = self.list_by_run(run_id) if run_id is not None else self.list_all(limit=_ALL)
        return matching(found, content_type, tags, limit)

    def store_text(
        self,
        text: str,
        *,
        content_type: str = TEXT,
        encoding: str = "utf-8",
        run_id: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> ArtifactMetadata:
        """Keep text."""
        return self.store(text.encode(encoding), content_type=content_type, run_id=run_id, tags=tags)

    def store_json(
        self, data: Any, *, run_id: str | None = None, tags: Mapping[str, str] | None = None
    ) -> ArtifactMetadata:
        """Keep a JSON value; raise NotDurable with the place of what is not JSON."""
        return self.store(encode(data, "data").encode(), content_type=JSON, run_id=run_id, tags=tags)

    def load_text(self, artifact_id: str, encoding: str = "utf-8") -> str | None:
        """Return an artifact as text, None for an unknown id."""
        found = self.load(artifact_id)
        return None if found is None else found.as_text(encoding)

    def load_json(self, artifact_id: str) -> Any:
        """Return an artifact as a JSON value, None for an unknown id."""
        found = self.load(artifact_id)
        return None if found is None else found.as_json()


class MadeArtifactStore(ArtifactStore):
    """A store of ours: what it is to keep is described in one way, whatever it keeps it in."""

    def store(
        self,
        content: bytes,
        *,
        content_type: str = BYTES,
        run_id: str | None = None,
        tags: Mapping[str, str] | None = None,
        artifact_id: str | None = None,
    ) -> ArtifactMetadata:
        """Keep bytes and return their metadata."""
        return self._keep(described(content, content_type, run_id, tags, artifact_id), bytes(content))

    @abstractmethod
    def _keep(self, made: ArtifactMetadata, content: bytes) -> ArtifactMetadata:
        """Keep bytes; return `made` merged with what is known of them already."""


class InMemoryArtifactStore(MadeArtifactStore):
    """Keeps artifacts as long as the process lives."""

    def __init__(self) -> None:
        self._kept: dict[str, Artifact] = {}
        self._by_run: dict[str, dict[str, None]] = {}
        self._lock = threading.RLock()

    def _keep(self, made: ArtifactMetadata, content: bytes) -> ArtifactMetadata:
        with self._lock:
            before = self._kept.get(made.artifact_id)
            kept = merged(made, before.metadata if before else None)
            if before is not None and before.metadata.run_id != kept.run_id:
                self._leave_run(before.metadata)
            self._kept[kept.artifact_id] = Artifact(kept, content)
            if kept.run_id is not None:
                self._by_run.setdefault(kept.run_id, {})[kept.artifact_id] = None
            return copied(kept)

    def load(self, artifact_id: str) -> Artifact | None:
        """Return an artifact, None for an unknown id."""
        validate_artifact_id(artifact_id)
        with self._lock:
            found = self._kept.get(artifact_id)
            return None if found is None else Artifact(copied(found.metadata), found.content)

    def get_metadata(self, artifact_id: str) -> ArtifactMetadata | None:
        """Return what is known of an artifact, None for an unknown id."""
        validate_artifact_id(artifact_id)
        with self._lock:
            found = self._kept.get(artifact_id)
            return None if found is None else copied(found.metadata)

    def exists(self, artifact_id: str) -> bool:
        """Say whether there is an artifact with this id."""
        validate_artifact_id(artifact_id)
        with self._lock:
            return artifact_id in self._kept

    def delete(self, artifact_id: str) -> bool:
        """Forget an artifact and its bytes; say whether there was one."""
        validate_artifact_id(artifact_id)
        with self._lock:
            found = self._kept.pop(artifact_id, None)
            if found is not None:
                self._leave_run(found.metadata)
            return found is not None

    def list_by_run(self, run_id: str) -> builtins.list[ArtifactMetadata]:
        """Return the artifacts of a run, newest first."""
        with self._lock:
            ids = self._by_run.get(cleaned(run_id) or "", {})
            return newest_first(copied(self._kept[one].metadata) for one in ids)

    def list_all(self, *, limit: int = 1000) -> builtins.list[ArtifactMetadata]:
        """Return the newest artifacts."""
        with self._lock:
            found = newest_first(copied(one.metadata) for one in self._kept.values())
        return found[: max(limit, 0)]

    def _leave_run(self, metadata: ArtifactMetadata) -> None:
        if metadata.run_id is not None:
            self._by_run[metadata.run_id].pop(metadata.artifact_id, None)
            if not self._by_run[metadata.run_id]:
                del self._by_run[metadata.run_id]


_ALL = 2**62


def described(
    content: bytes,
    content_type: str,
    run_id: str | None,
    tags: Mapping[str, str] | None,
    artifact_id: str | None,
) -> ArtifactMetadata:
    """Make the metadata of bytes that are about to be stored; raise TypeError, InvalidId."""
    if not isinstance(content, (bytes, bytearray, memoryview)):
        raise TypeError(f"An artifact is bytes, not {type(content).__name__}; see store_text and store_json.")
    owner = cleaned(run_id)
    if artifact_id is not None:
        validate_artifact_id(artifact_id)
    body = bytes(content)
    return ArtifactMetadata(
        artifact_id=artifact_id or compute_artifact_id(body, run_id=owner),
        content_type=content_type,
        size_bytes=len(body),
        created_at=utc_now_iso(),
        blob_id=compute_blob_id(body),
        run_id=owner,
        tags={str(name): str(value) for name, value in (tags or {}).items()},
    )


def merged(made: ArtifactMetadata, before: ArtifactMetadata | None) -> ArtifactMetadata:
    """Return what to keep: the metadata that are there with the new tags added, if the bytes are the same."""
    if before is None or before.blob_id != made.blob_id or before.run_id != made.run_id:
        return made
    return ArtifactMetadata(**{**before.to_dict(), "tags": {**made.tags, **before.tags}})


def copied(metadata: ArtifactMetadata) -> ArtifactMetadata:
    """Return metadata that share nothing with the given ones."""
    return ArtifactMetadata(**metadata.to_dict())


def cleaned(run_id: str | None) -> str | None:
    """Return a run id without blanks around it, None for a blank one."""
    return (run_id.strip() or None) if run_id else None


def checked(metadata: ArtifactMetadata, content: bytes | None, where: str) -> Artifact:
    """Return the artifact; raise StoreDamaged unless the bytes are those that were stored."""
    if content is None:
        raise StoreDamaged(f"The bytes of artifact '{metadata.artifact_id}' are missing: {where}.")
    check(metadata, len(content), lambda: compute_blob_id(content), where)
    return Artifact(metadata, content)


def check(metadata: ArtifactMetadata, size: int, blob_id: Callable[[], str], where: str) -> None:
    """Raise StoreDamaged unless bytes of this size and name are those that were stored."""
    right = size == metadata.size_bytes
    if right and metadata.blob_id is not None:
        right = blob_id() == metadata.blob_id
    if not right:
        raise StoreDamaged(f"The bytes of artifact '{metadata.artifact_id}' were altered: {where}.")


def newest_first(found: Iterable[ArtifactMetadata]) -> list[ArtifactMetadata]:
    """Sort metadata by the moment of their creation, the newest first."""
    return sorted(found, key=lambda one: (created_micros(one), one.artifact_id), reverse=True)


def matching(
    found: Iterable[ArtifactMetadata],
    content_type: str | None,
    tags: Mapping[str, str] | None,
    limit: int,
) -> list[ArtifactMetadata]:
    """Return those of a media type that have all the tags, at most `limit`."""
    wanted = {str(name): str(value) for name, value in (tags or {}).items()}
    kept = [
        one
        for one in found
        if (content_type is None or one.content_type == content_type) and wanted.items() <= one.tags.items()
    ]
    return kept[: max(limit, 0)]


def gc_report(dry_run: bool, total: int = 0, referenced: int = 0) -> dict[str, Any]:
    """Return a report of `gc` with nothing removed yet."""
    return {
        "dry_run": dry_run,
        "blobs_total": total,
        "blobs_referenced": referenced,
        "blobs_deleted": 0,
        "bytes_reclaimed": 0,
        "errors": [],
    }


def created_micros(metadata: ArtifactMetadata) -> int:
    """Return when an artifact came, in microseconds since 1970; 0 if that cannot be read."""
    try:
        return instant_micros(metadata.created_at)
    except (ValueError, OverflowError):
        return 0
