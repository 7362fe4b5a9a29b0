"""The door to artifacts: bytes kept by reference."""

from __future__ import annotations

from .artifact_contract import (
    REF_KEY,
    Artifact,
    ArtifactMetadata,
    ArtifactStore,
    InMemoryArtifactStore,
    artifact_ref,
    compute_artifact_id,
    compute_blob_id,
    get_artifact_id,
    is_artifact_ref,
    resolve_artifact,
    validate_artifact_id,
)
from .artifact_files import FileArtifactStore

__all__ = [
    "REF_KEY",
    "Artifact",
    "ArtifactMetadata",
    "ArtifactStore",
    "FileArtifactStore",
    "InMemoryArtifactStore",
    "artifact_ref",
    "compute_artifact_id",
    "compute_blob_id",
    "get_artifact_id",
    "is_artifact_ref",
    "resolve_artifact",
    "validate_artifact_id",
]
