"""Files that go with a model call: text into the message, anything else into a folder for its time.

(source: contract/kernel.md 9.4.1, contract/integrations.md 3.6)
"""

from __future__ import annotations

import mimetypes
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ...storage.artifacts import Artifact, ArtifactStore
from .llm_errors import LLMCallFailed
from .session_attachments import is_text_type, media_name

_ID_KEYS = ("$artifact", "artifact_id")
_INSTEAD = 'Give {"$artifact": id}: the node Import Server File makes one of a file of the workspace.'
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Files:
    """Where files may come from: artifacts of a store, and paths of this machine where those are allowed."""

    store: ArtifactStore | None
    allow_paths: bool = True


def artifact_id_of(item: Any) -> str | None:
    """Return the id that a media item points to, or None."""
    if not isinstance(item, Mapping):
        return None
    return next((str(item[key]) for key in _ID_KEYS if item.get(key)), None)


def merged_media(first: Any, later: Any) -> list[Any]:
    """Return both lists as one, each file once."""
    made: list[Any] = []
    seen: set[str] = set()
    for item in [*(first if isinstance(first, list) else []), *(later if isinstance(later, list) else [])]:
        key = artifact_id_of(item) or str(item)
        if key not in seen:
            seen.add(key)
            made.append(item)
    return made


def inlined(
    messages: list[dict[str, Any]] | None,
    media: list[Any],
    store: ArtifactStore | None,
    *,
    most_bytes: int,
) -> tuple[list[dict[str, Any]] | None, list[Any] | None]:
    """Return messages whose last user turn holds the text files, and the media that are left (or None)."""
    last = next(
        (n for n in range(len(messages or []) - 1, -1, -1) if (messages or [])[n].get("role") == "user"), None
    )
    if messages is None or last is None or store is None:
        return messages, media or None
    blocks, left = [], []
    for item in media:
        artifact = store.load(str(artifact_id_of(item))) if artifact_id_of(item) else None
        is_text = artifact is not None and is_text_type(artifact.content_type)
        if artifact is None or not is_text or len(artifact.content) > most_bytes:
            left.append(item)
            continue
        text = artifact.content.decode("utf-8", "replace")
        blocks.append(f"--- Content from {_name(item, artifact)} ---\n{text}\n--- End of content ---")
    if blocks:
        made = [dict(each) for each in messages]
        made[last]["content"] = "\n\n".join([str(made[last].get("content") or ""), *blocks])
        messages = made
    return messages, left or None


@contextmanager
def materialized(media: Iterable[Any], files: Files) -> Iterator[list[str]]:
    """Give the paths of media for the time of a call; raise LLMCallFailed when one cannot be had."""
    with tempfile.TemporaryDirectory(prefix="media-") as folder:
        yield [_path(item, files, Path(folder)) for item in media]


def _path(item: Any, files: Files, folder: Path) -> str:
    store = files.store
    if isinstance(item, str) and item.strip():
        if not files.allow_paths:
            raise LLMCallFailed(
                "bad_request",
                f"media: {item!r:.200} is a path; this server takes files as artifacts. {_INSTEAD}",
            )
        return item.strip().removeprefix("@")
    found = artifact_id_of(item)
    if found is None:
        raise LLMCallFailed("bad_request", f"media: {item!r:.200} is neither a path nor an artifact")
    if store is None:
        raise LLMCallFailed("config", "media: artifacts need an ArtifactStore, and the runtime has none")
    artifact = store.load(found)
    if artifact is None:
        raise LLMCallFailed("bad_request", f"media: artifact '{found}' not found")
    name = PurePosixPath(_name(item, artifact))
    stem = _UNSAFE.sub("_", name.stem).strip("._") or "file"
    suffix = _UNSAFE.sub("", name.suffix)
    if not suffix:  # whoever reads the file goes by it
        suffix = mimetypes.guess_extension(artifact.content_type.partition(";")[0].strip()) or ""
    target = folder / f"{stem[:80]}__{found[:8]}{suffix}"
    target.write_bytes(artifact.content)
    return str(target)


def _name(item: Any, artifact: Artifact) -> str:
    if isinstance(item, Mapping) and (item.get("filename") or item.get("source_path")):
        return media_name(item)
    tags = artifact.metadata.tags
    return media_name(tags.get("filename") or tags.get("path") or artifact.artifact_id)
