"""Runs and flows as rows of lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from abstractruntime.core.models import RunStatus
from abstractruntime.core.waits import pause_reason
from abstractruntime.storage.base import QueryableRunIndexStore

from ..runner_views import event_name, failure_words, waiting_of
from ..studio import Studio
from .html import gist, one_line

Json = Any
OPEN = "open"
RECENT = 1000


def run_rows(
    studio: Studio, status: str = "", flow_id: str = "", limit: int = 50
) -> tuple[list[dict[str, Json]], bool]:
    """Return rows of runs, the newest first, and whether there are more; `status` may be "open"."""
    wanted: list[RunStatus | None] = (
        [RunStatus.RUNNING, RunStatus.WAITING] if status == OPEN else [_status(status)]
    )
    found = [
        row
        for each in wanted
        for row in studio.reader.rows(flow_id=flow_id or None, status=each, limit=limit + 1)
    ]
    found.sort(key=lambda row: str(row["created_at"]), reverse=True)
    return [run_row(studio, row) for row in found[:limit]], len(found) > limit


def run_row(studio: Studio, row: Mapping[str, Json]) -> dict[str, Json]:
    """Add to a run's row why it stands where it stands."""
    run_id = str(row["run_id"])
    waiting = waiting_of(studio.reader.tree(run_id)) if row["status"] == "waiting" else None
    return {
        **row,
        "is_over": row["status"] in ("completed", "failed", "cancelled"),
        "reason": reason_of(waiting),
        "until": waiting["until"] if waiting and not row["paused"] else None,
        "why": _why(studio, run_id, waiting, bool(row["paused"])),
    }


def flow_rows(studio: Studio, query: str = "") -> list[dict[str, Json]]:
    """Return the flows of the library by name, or those that match a search, with their last run.

    Those that are called so come first; `hit` is the node of another one in which the words stand.
    """
    words, last = query.lower().split(), last_runs(studio)
    called, holding = [], []
    for entry in studio.library.entries():
        about = {"id": entry.id, "name": entry.name, "description": entry.description}
        more = {
            "updated_at": entry.updated_at,
            "node_count": entry.node_count,
            "last_run": last.get(entry.id),
        }
        text = f"{entry.name} {entry.description} {entry.id}".lower()
        if all(word in text for word in words):
            called.append({**about, **more, "hit": None})
        elif hit := studio.texts.find(entry, words):
            holding.append({**about, **more, "hit": hit})
    return called + holding


def last_runs(studio: Studio) -> dict[str, Mapping[str, Json]]:
    """Return the newest run of each flow, among the latest thousand of all; recordings are none."""
    index = cast(QueryableRunIndexStore, studio.stores.runs)
    last: dict[str, Mapping[str, Json]] = {}
    for row in index.list_run_index(root_only=True, limit=RECENT):
        flow_id = studio.programs.flow_id(row["workflow_id"])
        if flow_id in last or studio.reader.is_recording(row["run_id"], flow_id):
            continue
        status = getattr(row["status"], "value", row["status"])
        last[flow_id] = {"run_id": row["run_id"], "status": status, "paused": row.get("paused", False)}
    return last


def reason_of(waiting: Mapping[str, Json] | None) -> str | None:
    """Return for what a run waits: a stop at a breakpoint is no question of the flow."""
    return ("stop" if waiting["stop"] else str(waiting["reason"])) if waiting else None


def _status(word: str) -> RunStatus | None:
    return RunStatus(word) if word in RunStatus.__members__.values() else None


def _why(studio: Studio, run_id: str, waiting: Mapping[str, Json] | None, is_held: bool) -> str:
    run = studio.reader.state(run_id)
    if is_held:
        reason = pause_reason(run)
        return one_line(f"Held back: {reason}", 160) if reason else "Held back until somebody lets it go on"
    if waiting is not None:
        if waiting["stop"]:
            return studio.reader.stop_words(studio.reader.state(waiting["run_id"]))
        if waiting["prompt"]:
            return one_line(waiting["prompt"], 140)
        kinds = {"event": f"Waits for the event {event_name(waiting['wait_key'])}", "until": "Waits until"}
        return kinds.get(waiting["reason"], "Waits for a subflow")
    if run.status is RunStatus.FAILED:
        return one_line(failure_words(run.error or ""), 160)
    if run.status is RunStatus.COMPLETED:
        return gist(run.output) if run.output else "Done without output"
    return "Stopped by hand" if run.status is RunStatus.CANCELLED else "Under way"
