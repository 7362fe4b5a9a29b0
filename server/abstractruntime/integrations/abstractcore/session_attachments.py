"""Files that belong to a session: listed for the model, opened by the model, found again later.

An attachment is an artifact of the session's memory run with the tags `kind=attachment`, `path` or
`source_path`, `filename`, `session_id`, `sha256`. A model names one by its handle: its path or name.
(source: contract/kernel.md 9.7)
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from ...storage.artifacts import Artifact, ArtifactMetadata, ArtifactStore
from ..sessions import session_memory_owner_run_id
from .message_views import dedup_messages_view as dedup_messages_view
from .pdf_text import pdf_text

ACTIVE_HEAD = "Active attachments"
STORED_HEAD = "Stored session attachments"
OPEN_ATTACHMENT = "open_attachment"
DEFAULT_MAX_CHARS = 8000
_SMALL_BYTES, _SMALL_CHARS, _PREVIEW_LINES = 50_000, 30_000, 20
_MOST_SUGGESTIONS = 5
TEXT_TYPES = (
    "application/json",
    "application/yaml",
    "application/x-yaml",
    "application/xml",
    "application/javascript",
    "application/typescript",
)
Opened = tuple[bool, Any, str | None]
PdfReader = Callable[[bytes], str]


def is_text_type(content_type: str) -> bool:
    """Say whether a media type is one that a model can read as text."""
    plain = content_type.partition(";")[0].strip().lower()
    return plain.startswith("text/") or plain in TEXT_TYPES or plain.endswith(("+json", "+xml"))


def store_session_attachment(
    *,
    artifact_store: ArtifactStore,
    session_id: str,
    content: bytes,
    path: str,
    content_type: str = "text/plain",
    source: str | None = None,
) -> ArtifactMetadata:
    """Keep a file as an attachment of a session; the same bytes at the same path are one attachment."""
    sha256 = hashlib.sha256(content).hexdigest()
    tags = {
        "kind": "attachment",
        "path": path,
        "filename": PurePosixPath(path).name or path,
        "session_id": session_id,
        "sha256": sha256,
    }
    if source:
        tags["source"] = source
    own_id = hashlib.sha256(f"{session_id}\0{path}\0{sha256}".encode()).hexdigest()[:32]
    owner = session_memory_owner_run_id(session_id)
    return artifact_store.store(
        content, content_type=content_type, run_id=owner, tags=tags, artifact_id=own_id
    )


def list_session_attachments(
    *, artifact_store: ArtifactStore, session_id: str, limit: int = 20
) -> list[dict[str, Any]]:
    """Return a session's attachments, newest first."""
    found = artifact_store.search(
        run_id=session_memory_owner_run_id(session_id), tags={"kind": "attachment"}, limit=max(limit, 0)
    )
    return [_entry(each) for each in found]


def _entry(held: ArtifactMetadata) -> dict[str, Any]:
    tags = dict(held.tags)
    return {
        "handle": _handle(held),
        "artifact_id": held.artifact_id,
        "filename": tags.get("filename") or _handle(held),
        "sha256": tags.get("sha256") or "",
        "content_type": held.content_type,
        "size_bytes": held.size_bytes,
        "created_at": held.created_at,
        "tags": tags,
    }


def _handle(held: ArtifactMetadata) -> str:
    tags = held.tags
    return tags.get("path") or tags.get("source_path") or tags.get("filename") or held.artifact_id


# ---- what the model is told ---------------------------------------------------------------------


def render_session_attachments_system_message(
    entries: Iterable[Mapping[str, Any]],
    *,
    max_entries: int = 20,
    max_chars: int = 4000,
    include_open_attachment_hint: bool = True,
) -> str:
    """Return the list of stored attachments as a message; at most `max_chars` characters."""
    rows = [
        f"- {each.get('handle')} (id={each.get('artifact_id')}, sha={str(each.get('sha256') or '')[:12]}, "
        f"{each.get('content_type')}, {each.get('size_bytes')} bytes)"
        for each in entries
    ]
    hint = " (open one with open_attachment)" if include_open_attachment_hint else ""
    return _listed(f"{STORED_HEAD}{hint}:", rows, max_entries, max_chars)


def render_active_attachments_system_message(
    media: Iterable[Any], *, max_entries: int = 12, max_chars: int = 2000
) -> str:
    """Return the names of the files that go with this turn; never where they lie."""
    rows = [f"- {media_name(each)}" for each in media]
    return _listed(f"{ACTIVE_HEAD} (already part of this turn):", rows, max_entries, max_chars)


def media_name(item: Any) -> str:
    """Return the bare file name of a media item: no folder, no `@`."""
    if isinstance(item, Mapping):
        item = item.get("filename") or item.get("source_path") or item.get("$artifact") or "attachment"
    return PurePosixPath(str(item).replace("\\", "/")).name.lstrip("@") or "attachment"


def _listed(head: str, rows: list[str], max_entries: int, max_chars: int) -> str:
    if not rows or max_chars <= 0:
        return ""
    text, left = head, len(rows)
    for row in rows[: max(max_entries, 0)]:
        left -= 1
        more = f"\n- ... and {left} more" if left else ""
        if len(text) + len(row) + 1 + len(more) > max_chars:
            left += 1
            break
        text += f"\n{row}"
    told = f"\n- ... and {left} more" if left else ""
    return (text + told)[:max_chars]


# ---- opening one --------------------------------------------------------------------------------


def execute_open_attachment(
    *,
    artifact_store: ArtifactStore,
    session_id: str,
    artifact_id: str | None = None,
    handle: str | None = None,
    expected_sha256: str | None = None,
    start_line: int | None = None,
    end_line: int | None = None,
    max_chars: int = DEFAULT_MAX_CHARS,
    read_pdf: PdfReader = pdf_text,
) -> Opened:
    """Return whether an attachment could be opened, what is in it, and the reason if not.

    Text comes with line numbers, that of a PDF too; other content as a media reference for the next model call,
    and so a PDF that `read_pdf` refuses by a ValueError: `derived_error` says why. With `max_chars` 0 or less
    there is no limit; a small file asked for by its first lines comes whole.
    """
    if not session_id:
        return False, None, "session_id is required"
    if not artifact_id and not handle:
        return False, None, "missing artifact_id/handle"
    held = list_session_attachments(artifact_store=artifact_store, session_id=session_id, limit=10_000)
    found = _find(held, artifact_id, handle)
    if not found:
        asked = handle or artifact_id or ""
        return False, {"suggestions": _suggestions(held, asked)}, "attachment not found"
    if len(found) > 1:
        return False, {"candidates": found[:_MOST_SUGGESTIONS]}, "multiple matches"
    entry = found[0]
    if expected_sha256 and not str(entry["sha256"]).startswith(expected_sha256.lower()):
        return False, None, f"the attachment has changed: its sha256 is {entry['sha256']}"
    artifact = artifact_store.load(entry["artifact_id"])
    if artifact is None:
        return False, None, "attachment not found"
    text, derived, error = _text_of(artifact, read_pdf)
    if text is None:
        return True, {**_facts(entry), "derived_error": error, "media": [_media(entry)]}, None
    return True, _lines(entry, text, derived, start_line, end_line, max_chars), None


def _find(held: list[dict[str, Any]], artifact_id: str | None, handle: str | None) -> list[dict[str, Any]]:
    if artifact_id:
        by_id = [each for each in held if each["artifact_id"] == artifact_id]
        if by_id:
            return by_id
    asked = (handle or artifact_id or "").strip().lstrip("@")
    exact = [each for each in held if asked == each["handle"]]
    exact = exact or [each for each in held if asked == each["filename"]]
    if not exact:
        suffix = "/" + asked.lstrip("/")
        exact = [
            each
            for each in held
            if each["handle"].endswith(suffix) or asked.endswith("/" + each["handle"].lstrip("/"))
        ]
    newest: dict[str, dict[str, Any]] = {}
    for each in exact:
        newest.setdefault(each["handle"], each)  # of several versions of a path, the newest is meant
    return [*newest.values()]


def _suggestions(held: list[dict[str, Any]], asked: str) -> list[dict[str, Any]]:
    name = PurePosixPath(asked).name.lower()
    near = sorted(held, key=lambda each: name not in str(each["filename"]).lower())
    return [{key: each[key] for key in ("handle", "artifact_id")} for each in near[:_MOST_SUGGESTIONS]]


def _text_of(artifact: Artifact, read_pdf: PdfReader) -> tuple[str | None, str | None, str | None]:
    """Return an attachment's text, the type it was made from, or why there is none."""
    kind = artifact.content_type.partition(";")[0].strip().lower()
    if kind == "application/pdf":
        try:
            return read_pdf(artifact.content), kind, None
        except ValueError as error:
            return None, None, str(error)
    if not is_text_type(kind):
        return None, None, None
    return artifact.content.decode("utf-8", "replace"), None, None


def _facts(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: entry[key] for key in ("artifact_id", "handle", "sha256", "content_type", "size_bytes")}


def _media(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "$artifact": entry["artifact_id"],
        "filename": entry["filename"],
        "source_path": entry["handle"],
        "content_type": entry["content_type"],
    }


def _lines(
    entry: Mapping[str, Any],
    text: str,
    derived: str | None,
    start_line: int | None,
    end_line: int | None,
    max_chars: int,
) -> dict[str, Any]:
    """Return the lines that were asked for, numbered, cut where they grow too long."""
    lines = text.splitlines()
    first = max(1, start_line or 1)
    last = len(lines) if end_line is None else min(end_line, len(lines))
    is_small = entry["size_bytes"] <= _SMALL_BYTES or len(text) <= _SMALL_CHARS
    if (
        max_chars == DEFAULT_MAX_CHARS
        and is_small
        and first == 1
        and (end_line is None or last <= _PREVIEW_LINES)
    ):
        last, max_chars = len(lines), 0
    shown, used, is_cut = [], 0, False
    for number in range(first, last + 1):
        row = f"{number}: {lines[number - 1]}"
        if 0 < max_chars < used + len(row) + 1:
            is_cut = True
            break
        used += len(row) + 1
        shown.append(row)
    last = first + len(shown) - 1
    head = f"Attachment: {entry['filename']} (id={entry['artifact_id']}, sha={entry['sha256']}, lines {first}-{last})"
    return {
        "rendered": "\n".join([head, "", *shown]),
        "content_text": "\n".join(lines[first - 1 : last]),
        **_facts(entry),
        "derived_from_content_type": derived,
        "derived_text_content_type": "text/plain" if derived else None,
        "derived_error": None,
        "start_line": first,
        "end_line": last,
        "truncated": is_cut,
    }
