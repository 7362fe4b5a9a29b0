"""What tool calls have to do with a session's attachments.

The runtime itself answers `open_attachment`. A file that a tool has read becomes an attachment of the
session; one that cannot be read any more is looked for among them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from threading import Lock
from typing import Any

from ...core.clock import utc_now_iso
from ...core.errors import StaleRevision
from ...core.models import RunState
from ...core.vars import get_runtime
from ...memory.owners import SESSION_WORKFLOW, new_owner
from ...storage.artifacts import ArtifactStore
from ...storage.base import LedgerStore, RunStore, StepCommit
from ...storage.journal import open_journal
from ..sessions import session_memory_owner_run_id
from .constants import max_attachment_bytes, max_inline_result_bytes
from .pdf_text import pdf_text
from .session_attachments import (
    DEFAULT_MAX_CHARS,
    OPEN_ATTACHMENT,
    PdfReader,
    execute_open_attachment,
    store_session_attachment,
)
from .tool_results import ToolCall, ToolResult, json_safe, tool_result

PENDING_MEDIA = "pending_media"
_making_owners = Lock()


class Attachments:
    """The attachments of the sessions of one runtime; without an artifact store there are none.

    A run store is given the run that owns a session's memory when its first file is kept; together with the
    `ledger` of the runtime in one step, so that of two processes the first one's stays.
    """

    def __init__(
        self,
        artifact_store: ArtifactStore | None,
        run_store: RunStore | None = None,
        read_pdf: PdfReader = pdf_text,
        ledger: LedgerStore | None = None,
    ) -> None:
        self._artifacts = artifact_store
        self._runs = run_store
        self._read_pdf = read_pdf
        self.ledger = ledger

    def take_ledger(self, ledger: LedgerStore) -> None:
        """Write from now on to a ledger that was opened later."""
        self.ledger = ledger

    def owns(self, call: Mapping[str, Any]) -> bool:
        """Say whether the runtime answers this call itself."""
        return self._artifacts is not None and call.get("name") == OPEN_ATTACHMENT

    def answer(self, run: RunState, call: ToolCall) -> ToolResult:
        """Open an attachment; what is not text goes along with the next model call."""
        wanted = call["arguments"]
        limit = _whole(wanted.get("max_chars"))
        assert self._artifacts is not None
        is_open, output, error = execute_open_attachment(
            artifact_store=self._artifacts,
            session_id=run.session_id or "",
            artifact_id=_text(wanted, "artifact_id", "$artifact", "id"),
            handle=_text(wanted, "handle", "path"),
            expected_sha256=_text(wanted, "expected_sha256", "sha256"),
            start_line=_whole(wanted.get("start_line")),
            end_line=_whole(wanted.get("end_line")),
            max_chars=DEFAULT_MAX_CHARS if limit is None else limit,
            read_pdf=self._read_pdf,
        )
        if not is_open:
            return tool_result(call, output=output, error=error or "attachment not found")
        return self._opened(run, call, output)

    def _opened(self, run: RunState, call: ToolCall, output: dict[str, Any]) -> ToolResult:
        media = output.get("media")
        if media:
            space = get_runtime(run.vars)
            space[PENDING_MEDIA] = [*(space.get(PENDING_MEDIA) or []), *media]
        return tool_result(call, output=output)

    def instead_of(self, run: RunState, call: ToolCall) -> ToolResult | None:
        """Return an attachment's text for a `read_file` that may not or cannot read its path."""
        if call.get("name") != "read_file" or self._artifacts is None or not run.session_id:
            return None
        path = _text(call.get("arguments") or {}, "file_path", "path", "filename", "file")
        is_open, output, _ = execute_open_attachment(
            artifact_store=self._artifacts,
            session_id=run.session_id,
            handle=path or "",
            max_chars=0,
            read_pdf=self._read_pdf,
        )
        if not is_open:
            return None
        size = len(str(output.get("content_text") or "").encode("utf-8", "replace"))
        if size > max_inline_result_bytes():
            output = _told_only(path or "", size, output["artifact_id"])
        return self._opened(run, call, output)

    def after(self, run: RunState, call: ToolCall, result: ToolResult) -> ToolResult:
        """Keep a file that was read; find one that could not be; shorten what is too long to carry."""
        if call.get("name") == "read_file" and self._artifacts is not None and run.session_id:
            if not result["success"]:
                return self.instead_of(run, call) or result
            return self._kept(run, call, result)
        return self._offloaded(run, call, result)

    def _kept(self, run: RunState, call: ToolCall, result: ToolResult) -> ToolResult:
        text = _text_of(result["output"])
        path = _text(call.get("arguments") or {}, "file_path", "path", "filename", "file")
        body = (text or "").encode("utf-8", "replace")
        if text is None or not path or len(body) > max_attachment_bytes():
            return self._offloaded(run, call, result)
        assert self._artifacts is not None
        self._have_owner(run)
        held = store_session_attachment(
            artifact_store=self._artifacts,
            session_id=run.session_id or "",
            content=body,
            path=path,
            source="read_file",
        )
        if len(body) <= max_inline_result_bytes():
            return result
        return {**result, "output": _told_only(path, len(body), held.artifact_id)}

    def _have_owner(self, run: RunState) -> None:
        """Make the run that owns the session's memory, if there is none: written at once, since the call has acted."""
        if self._runs is None or not run.session_id:
            return
        run_id = session_memory_owner_run_id(run.session_id)
        with _making_owners:
            if self._runs.load(run_id) is not None:
                return
            made = new_owner(run_id, SESSION_WORKFLOW, now=utc_now_iso(), session_id=run.session_id)
            if self.ledger is None:
                self._runs.save(made)
                return
            with suppress(StaleRevision):  # another process has made it meanwhile, and may have written to it
                open_journal(self._runs, self.ledger).commit(StepCommit(made, expected_revision=None))

    def _offloaded(self, run: RunState, call: ToolCall, result: ToolResult) -> ToolResult:
        """Keep a large output apart, with its beginning left for the model."""
        if self._artifacts is None or not result["success"]:
            return result
        text = json.dumps(json_safe(result["output"]), ensure_ascii=False)
        if len(text.encode()) <= max_inline_result_bytes():
            return result
        is_text = isinstance(result["output"], str)
        body = result["output"] if is_text else text
        held = self._artifacts.store(
            body.encode(),
            content_type="text/plain" if is_text else "application/json",
            run_id=run.run_id,
            tags={"kind": "tool_result", "tool": str(call.get("name"))},
        )
        output = {"$artifact": held.artifact_id, "size_bytes": held.size_bytes, "preview": body[:4000]}
        return {**result, "output": output, "meta": {**result.get("meta", {}), "offloaded": True}}


def _told_only(path: str, size: int, artifact_id: str) -> dict[str, Any]:
    """Return what stands for a text that is too long to carry."""
    told = (
        f"[read_file]: File: {path} is {size:,} bytes and was kept as an attachment; read parts of it "
        f"with open_attachment(artifact_id='{artifact_id}', start_line=..., end_line=...)"
    )
    return {"rendered": told, "artifact_id": artifact_id, "handle": path}


def _text(wanted: Mapping[str, Any], *keys: str) -> str | None:
    found = (str(wanted[key]).strip() for key in keys if wanted.get(key) is not None)
    return next((text for text in found if text), None)


def _whole(value: Any) -> int | None:
    try:
        return None if value is None else int(value)
    except (TypeError, ValueError):
        return None


def _text_of(output: Any) -> str | None:
    if isinstance(output, dict):
        output = output.get("content_text") or output.get("content") or output.get("rendered")
    return output if isinstance(output, str) else None
