"""The shapes of what a run has kept by reference."""

from __future__ import annotations

from pydantic import BaseModel


class ArtifactRow(BaseModel):
    """Bytes that a run has kept by reference. `filename` is what they are called where they are downloaded."""

    artifact_id: str
    run_id: str
    filename: str
    content_type: str
    size_bytes: int
    sha256: str | None
    created_at: str
    tags: dict[str, str]


class ArtifactList(BaseModel):
    """Artifacts of a run, the newest first."""

    artifacts: list[ArtifactRow]
