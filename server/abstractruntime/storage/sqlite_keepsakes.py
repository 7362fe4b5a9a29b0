"""Snapshots and artifacts in a SQLite file."""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from typing import Any

from ..core.errors import StoreDamaged
from ..core.jsonsafe import decode, encode
from .artifact_contract import (
    Artifact,
    ArtifactMetadata,
    MadeArtifactStore,
    checked,
    cleaned,
    created_micros,
    gc_report,
    merged,
    validate_artifact_id,
)
from .migrate import named_queries
from .snapshots import MadeSnapshotStore, Snapshot, decoded, encoded
from .snapshots import created_micros as snapshot_micros
from .sqlite_database import SqliteDatabase

_Q = named_queries("sqlite")


class SqliteSnapshotStore(MadeSnapshotStore):
    """Keeps snapshots in a SQLite file."""

    def __init__(self, db: SqliteDatabase) -> None:
        self.db = db

    def save(self, snapshot: Snapshot) -> None:
        """Store a snapshot, whatever was there."""
        text = encoded(snapshot)
        row = (snapshot.snapshot_id, snapshot.run_id, snapshot_micros(snapshot), text)
        with self.db.write(durable=True) as connection:
            connection.execute(_Q["put_snapshot"], row)

    def load(self, snapshot_id: str) -> Snapshot | None:
        """Return a snapshot, None for an unknown id; raise StoreDamaged if it cannot be read."""
        rows = self.db.rows(_Q["snapshot"], (snapshot_id,))
        return decoded(rows[0][0], snapshot_id) if rows else None

    def delete(self, snapshot_id: str) -> bool:
        """Remove a snapshot; say whether there was one."""
        with self.db.write() as connection:
            return connection.execute(_Q["drop_snapshot"], (snapshot_id,)).rowcount == 1

    def _each(self, run_id: str | None) -> Iterable[Snapshot]:
        return (decoded(row[1], row[0]) for row in self.db.rows(_Q["snapshots"], {"run_id": run_id}))


class SqliteArtifactStore(MadeArtifactStore):
    """Keeps artifacts in a SQLite file, bytes once whoever shares them."""

    def __init__(self, db: SqliteDatabase) -> None:
        self.db = db

    def _keep(self, made: ArtifactMetadata, content: bytes) -> ArtifactMetadata:
        with self.db.write(durable=True) as connection:
            row = connection.execute(_Q["artifact"], (made.artifact_id,)).fetchone()
            kept = merged(made, None if row is None else _readable(row[0], made.artifact_id))
            connection.execute(_Q["put_blob"], (kept.blob_id, content))
            values = (kept.artifact_id, kept.run_id, created_micros(kept), kept.blob_id)
            connection.execute(_Q["put_artifact"], (*values, encode(kept.to_dict(), "artifact")))
        return kept

    def load(self, artifact_id: str) -> Artifact | None:
        """Return an artifact, None for an unknown id; raise StoreDamaged if its bytes are not those stored."""
        found = self.get_metadata(artifact_id)
        if found is None:
            return None
        rows = self.db.rows(_Q["blob"], (found.blob_id,))
        return checked(found, rows[0][0] if rows else None, f"blob {found.blob_id} in {self.db.path}")

    def get_metadata(self, artifact_id: str) -> ArtifactMetadata | None:
        """Return what is known of an artifact, None for an unknown id."""
        validate_artifact_id(artifact_id)
        rows = self.db.rows(_Q["artifact"], (artifact_id,))
        return _readable(rows[0][0], artifact_id) if rows else None

    def exists(self, artifact_id: str) -> bool:
        """Say whether there is an artifact with this id."""
        validate_artifact_id(artifact_id)
        return bool(self.db.rows(_Q["artifact"], (artifact_id,)))

    def delete(self, artifact_id: str) -> bool:
        """Forget an artifact; say whether there was one. Its bytes go with `gc`, if nobody shares them."""
        validate_artifact_id(artifact_id)
        with self.db.write() as connection:
            return connection.execute(_Q["drop_artifact"], (artifact_id,)).rowcount == 1

    def list_by_run(self, run_id: str) -> builtins.list[ArtifactMetadata]:
        """Return the artifacts of a run, newest first, by index."""
        rows = self.db.rows(_Q["artifacts_of_run"], (cleaned(run_id),))
        return [_readable(row[1], row[0]) for row in rows]

    def list_all(self, *, limit: int = 1000) -> builtins.list[ArtifactMetadata]:
        """Return the newest artifacts, by index."""
        rows = self.db.rows(_Q["newest_artifacts"], (min(max(limit, 0), 2**62),))
        return [_readable(row[1], row[0]) for row in rows]

    def gc(self, *, dry_run: bool = True) -> dict[str, Any]:
        """Remove bytes that no artifact points to."""
        with self.db.write() as connection:
            total = connection.execute(_Q["count_blobs"]).fetchone()[0]
            unused, size = connection.execute(_Q["count_unused_blobs"]).fetchone()
            if not dry_run:
                connection.execute(_Q["drop_unused_blobs"])
        return gc_report(dry_run, total, total - unused) | {"blobs_deleted": unused, "bytes_reclaimed": size}


def _readable(text: str, artifact_id: str) -> ArtifactMetadata:
    try:
        return ArtifactMetadata.from_dict(decode(text))
    except (ValueError, TypeError, AttributeError) as error:
        raise StoreDamaged(f"The metadata of artifact '{artifact_id}' cannot be read: {error}.") from error
