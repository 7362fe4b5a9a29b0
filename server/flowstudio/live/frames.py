"""Frames: ledger records as server-sent events.

Every record of a run and its children is one `step`. A record that opens or closes a question is
also a `prompt`, sent just before its step and under the id of the record before, so that a line
cut between the two brings both again. All is derived from the records: whoever reads again from a
cursor gets the same frames.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from abstractruntime.core.models import WaitReason
from abstractruntime.core.waits import deadline_of
from abstractruntime.integrations.abstractcore.tool_approval import APPROVAL_REQUIRED
from abstractruntime.storage.base import PlacedRecord
from abstractruntime.storage.codec import wait_from_json
from abstractruntime.visualflow_compiler.stops import is_told_by

from ..ai.used import used_by
from ..runner_origins import is_only_begin
from ..runner_views import event_name, failure_words, timed_out

Json = Any
OpenPrompt = Callable[[str, int], Mapping[str, Json] | None]
PEOPLE = ("user",)
OVER = ("completed", "failed", "cancelled")


class Kin(Protocol):
    """Who knows of which flow a run is, and which run has started it."""

    @property
    def flow_of(self) -> Callable[[str], str]:
        """Tells the id of a run's flow."""
        ...

    def parent_of(self, run_id: str) -> str | None:
        """Return the run that has started a run."""
        ...


@dataclass(frozen=True)
class Frame:
    """One event of the stream."""

    event: str
    data: Mapping[str, Json]
    id: int

    def encode(self) -> bytes:
        """Return the bytes on the wire; JSON holds no line breaks, so one `data:` line suffices."""
        body = json.dumps(self.data, ensure_ascii=False, separators=(",", ":"))
        return f"id: {self.id}\nevent: {self.event}\ndata: {body}\n\n".encode("utf-8", "replace")


def frames_of(
    placed: PlacedRecord, before: int, root_id: str, kin: Kin, open_prompt: OpenPrompt
) -> list[Frame]:
    """Return the frames of one record; `before` is the position that the reader has reached."""
    step = Frame("step", step_of(placed, root_id, kin), placed.position)
    prompt = prompt_of(placed, open_prompt)
    return [step] if prompt is None else [Frame("prompt", prompt, before), step]


def step_of(placed: PlacedRecord, root_id: str, kin: Kin) -> dict[str, Json]:
    """Return what a canvas needs to know of one record."""
    record = placed.record
    effect = record.get("effect") or {}
    visit = _visit(record)
    return {
        "position": placed.position,
        "seq": placed.seq,
        "run_id": placed.run_id,
        "parent_run_id": kin.parent_of(placed.run_id),
        "flow_id": kin.flow_of(placed.run_id),
        "node_id": record.get("node_id"),
        "root": placed.run_id == root_id,
        "kind": kind_of(record),
        "status": record.get("status"),
        "effect": effect.get("type"),
        "exit": visit.get("exit"),
        "outputs": visit.get("outputs"),
        "values": visit.get("values"),
        "error": error_of(record),
        "started_at": record.get("started_at"),
        "ended_at": record.get("ended_at"),
        "visit": visit.get("visit"),
        "waits": _reason(record),
        "wait": _wait(record),
        "used": _used(record),
        "pinned": visit.get("pinned"),
        "stop": is_told_by(record),
        "reused": False,
        "recorded": "recorded" in effect,
    }


def reused_frames(prefix: list[PlacedRecord], roots: Collection[str], kin: Kin) -> list[Frame]:
    """Return what a fork has of its parents' story: their steps, as reused."""
    return [
        Frame(
            "step",
            {**step_of(placed, "", kin), "root": placed.run_id in roots, "reused": True},
            placed.position,
        )
        for placed in prefix
    ]


def kind_of(record: Mapping[str, Json]) -> str:
    """Return "visit", "effect", "resume", "end", "status" or, of a fork's first record, "fork"."""
    effect, result = record.get("effect"), record.get("result") or {}
    if isinstance(effect, Mapping):
        if effect.get("type") == "resume":
            return "resume"
        if is_only_begin(record):
            return "fork"
        return "status" if terminal_status(record) else "effect"
    if result.get("completed") is True:
        return "end"
    return "visit"


def terminal_status(record: Mapping[str, Json]) -> str | None:
    """Return the final status that a record announces, or None for any other record."""
    key = record.get("idempotency_key") or ""
    return key.rsplit(":", 1)[-1] if key.startswith("system:terminal_status:") else None


def error_of(record: Mapping[str, Json]) -> str | None:
    """Return the message of a failed record, or of a failure that the flow has caught."""
    if record.get("error"):
        return failure_words(str(record["error"]))
    failure = (record.get("result") or {}).get("error") or _visit(record).get("failure")
    return failure_words(str(failure.get("message"))) if isinstance(failure, Mapping) else None


def prompt_of(placed: PlacedRecord, open_prompt: OpenPrompt) -> dict[str, Json] | None:
    """Return the question that a record opens or closes, if it does."""
    record = placed.record
    asked = question_of(record)
    if asked is not None:
        return {"run_id": placed.run_id, "node_id": record.get("node_id"), **asked, "open": True}
    effect = record.get("effect") or {}
    if effect.get("type") == "resume":
        payload = effect.get("payload") or {}
        if payload.get("wait_reason") not in PEOPLE or str(payload.get("wait_key")).startswith("pause:"):
            return None
        given = payload.get("payload")
        answer = given.get("response") if isinstance(given, Mapping) else given
        closed = {
            "run_id": placed.run_id,
            "node_id": record.get("node_id"),
            "wait_key": payload.get("wait_key"),
        }
        words: dict[str, Json] = {
            "prompt": None,
            "choices": [],
            "allow_free_text": True,
            "approves": False,
            "stop": "",
        }
        by = {"answered_by": record.get("actor_id"), "answered_at": record.get("ended_at")}
        if timed_out(given):
            late = {"timed_out": True, "timed_out_at": record.get("ended_at")}
            return {**closed, **words, "open": False, **late}
        return {**closed, **words, "open": False, "answer": answer, **by}
    if terminal_status(record) in OVER:
        left = open_prompt(placed.run_id, placed.seq)
        if left is not None:
            return {"run_id": placed.run_id, **left, "open": False}
    return None


def question_of(record: Mapping[str, Json]) -> dict[str, Json] | None:
    """Return the question that a WAITING record puts to a person, or None."""
    if record.get("status") != "waiting":
        return None
    wait = (record.get("result") or {}).get("wait") or {}
    if wait.get("reason") not in PEOPLE or str(wait.get("wait_key")).startswith("pause:"):
        return None
    return {
        "wait_key": wait.get("wait_key"),
        "prompt": wait.get("prompt"),
        "choices": wait.get("choices") or [],
        "allow_free_text": wait.get("allow_free_text", True),
        "approves": (wait.get("details") or {}).get("mode") == APPROVAL_REQUIRED,
        "stop": str((wait.get("details") or {}).get("stop") or ""),
    }


def _reason(record: Mapping[str, Json]) -> str | None:
    """Return for what a waiting record waits: "user", "until", "event", "subworkflow" or "job"."""
    wait = (record.get("result") or {}).get("wait") if record.get("status") == "waiting" else None
    return str(wait.get("reason")) if isinstance(wait, Mapping) else None


def _wait(record: Mapping[str, Json]) -> dict[str, Json] | None:
    """Return until when a waiting record waits, for which event, and whom it asks."""
    wait = (
        wait_from_json((record.get("result") or {}).get("wait"))
        if record.get("status") == "waiting"
        else None
    )
    if wait is None:
        return None
    return {
        "until": deadline_of(wait),
        "event": event_name(wait.wait_key) if wait.reason is WaitReason.EVENT else "",
        "person": str((wait.details or {}).get("assignee") or ""),
    }


def _used(record: Mapping[str, Json]) -> dict[str, Json] | None:
    """Return what the models used in the call that a record ends, None where none was called."""
    used = used_by(record)
    return {"tokens": used.tokens, "cost": used.cost} if used.calls else None


def _visit(record: Mapping[str, Json]) -> Mapping[str, Json]:
    visit = (record.get("result") or {}).get("visit")
    return visit if isinstance(visit, Mapping) else {}
