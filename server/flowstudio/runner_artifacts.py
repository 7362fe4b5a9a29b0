"""What a run has kept by reference: which artifacts are its own, and the files that hold their bytes."""

from __future__ import annotations

import mimetypes
import re
from contextlib import suppress
from pathlib import Path

from abstractruntime.core.errors import ArtifactNotFound, InvalidId
from abstractruntime.storage import ArtifactMetadata, FileArtifactStore

from .runner_views import RunReader


class RunArtifacts:
    """Artifacts by run; that of another run is not there."""

    def __init__(self, reader: RunReader, store: FileArtifactStore) -> None:
        self._reader = reader
        self._store = store

    def listed(self, run_id: str, limit: int) -> list[ArtifactMetadata]:
        """Return the newest artifacts of a run; raise RunNotFound."""
        self._reader.state(run_id)
        return self._store.list_by_run(run_id)[:limit]

    def one(self, run_id: str, artifact_id: str) -> ArtifactMetadata:
        """Return what is known of an artifact of a run; raise RunNotFound, ArtifactNotFound."""
        self._reader.state(run_id)
        with suppress(InvalidId):  # what is no id is the id of none
            found = self._store.get_metadata(artifact_id)
            if found is not None and found.run_id == run_id:
                return found
        raise ArtifactNotFound(f"The run {run_id!r} has no artifact {artifact_id[:80]!r}.")

    def file(self, artifact: ArtifactMetadata) -> Path:
        """Return the file with an artifact's bytes, verified; raise StoreDamaged, ArtifactNotFound."""
        found = self._store.file_of(artifact.artifact_id)
        if found is None:
            raise ArtifactNotFound(f"The artifact {artifact.artifact_id!r} was deleted.")
        return found


def file_name(artifact: ArtifactMetadata) -> str:
    """Return how an artifact is called as a file: by its tag `filename`, else by its id and type."""
    given = re.split(r"[\\/]", artifact.tags.get("filename", ""))[-1].strip().strip(".")
    ending = mimetypes.guess_extension(_plain(artifact.content_type)) or ".bin"
    return given[:200] or f"{artifact.artifact_id}{ending}"


# Types that no browser runs: bytes of another one are sent as nothing but bytes.
SAFE = frozenset(
    (
        *("text/plain", "application/json", "image/png", "image/jpeg", "image/gif", "image/webp"),
        *("audio/mpeg", "audio/ogg", "audio/wav", "audio/x-wav", "video/mp4", "video/webm"),
    )
)


def sent_as(artifact: ArtifactMetadata) -> str:
    """Return the type that an artifact is sent as: its own where no browser runs it, else plain bytes."""
    kind = _plain(artifact.content_type)
    return kind if kind in SAFE else "application/octet-stream"


def _plain(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()
