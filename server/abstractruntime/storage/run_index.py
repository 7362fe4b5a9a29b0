"""The columns of runs in memory, and the ways to find a run by them.

Holds no state of a run, only what queries look at. Not safe for threads by itself: its owner locks.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..core.models import RunState, RunStatus
from .steps import due_micros, moment_micros, rests

CHILD_KEY = "subworkflow:"  # begins the key of a wait for a child; its id follows
COLUMNS = (
    "run_id",
    "workflow_id",
    "status",
    "wait_reason",
    "wait_until",
    "parent_run_id",
    "actor_id",
    "session_id",
    "created_at",
    "updated_at",
)


@dataclass(slots=True)
class Entry:
    """What is known of a run without its state; times are microseconds since 1970.

    `updated_us` is behind `row["updated_at"]` while it is None, until somebody asks for the newest.
    """

    row: dict[str, Any] = field(default_factory=dict)
    updated_us: int | None = 0

    def touch(self, updated_at: str) -> None:
        """Note when the run changed last."""
        self.row["updated_at"], self.updated_us = updated_at, None

    def updated(self) -> int:
        """Return when the run changed last."""
        if self.updated_us is None:
            self.updated_us = moment_micros(self.row["updated_at"]) or 0
        return self.updated_us

    due_us: int | None = None
    wait_key: str | None = None
    listening: str | None = None


def entry_of(run: RunState, listening: str | None = None) -> Entry:
    """Read the columns off a run; one that is over listens no more."""
    parked = run.waiting if run.status == RunStatus.WAITING else None
    row = {
        "run_id": run.run_id,
        "workflow_id": run.workflow_id,
        "status": RunStatus(run.status).value,
        "wait_reason": parked.reason.value if parked else None,
        "wait_until": parked.until if parked else None,
        "parent_run_id": run.parent_run_id,
        "actor_id": run.actor_id,
        "session_id": run.session_id,
        "created_at": run.created_at,
        "updated_at": run.updated_at,
    }
    return Entry(
        row,
        moment_micros(run.updated_at) or 0,
        due_micros(run),
        parked.wait_key if parked else None,
        None if RunStatus(run.status).is_over else listening,
    )


class RunIndex:
    """Runs by status, parent, due moment, wait key and event key."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._children: dict[str, dict[str, None]] = {}
        self._waiting: dict[str, dict[str, None]] = {}
        self._listening: dict[str, dict[str, None]] = {}
        self._due: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, run_id: object) -> bool:
        return run_id in self._entries

    def ids(self) -> list[str]:
        """Return the ids of all runs in the order in which they came."""
        return [*self._entries]

    def get(self, run_id: str) -> Entry | None:
        """Return what is known of a run; not to be changed."""
        return self._entries.get(run_id)

    def goes_on(self, run: RunState) -> bool:
        """Say whether a run that took a step stays plainly running: only its time moves."""
        known = self._entries.get(run.run_id)
        return known is not None and not rests(run) and known.row["status"] == "running"

    def touch(self, run_id: str, updated_at: str) -> None:
        """Note when a running run took its last step."""
        self._entries[run_id].touch(updated_at)

    def put(self, entry: Entry) -> None:
        """Note a run, whatever was known of it."""
        run_id = entry.row["run_id"]
        before = self._entries.get(run_id) or Entry({"parent_run_id": None})
        self._entries[run_id] = entry
        _move(self._children, run_id, before.row["parent_run_id"] or None, entry.row["parent_run_id"] or None)
        _move(self._waiting, run_id, before.wait_key, entry.wait_key)
        _move(self._listening, run_id, before.listening, entry.listening)
        if entry.due_us is not None and entry.due_us != before.due_us:
            heapq.heappush(self._due, (entry.due_us, run_id))

    def listen(self, run_id: str, key: str | None) -> None:
        """Note the event key under which a run listens from now on."""
        known = self._entries[run_id]
        _move(self._listening, run_id, known.listening, key)
        known.listening = key

    def drop(self, run_id: str) -> None:
        """Forget a run."""
        known = self._entries.pop(run_id, None)
        if known is not None:
            _move(self._children, run_id, known.row["parent_run_id"] or None, None)
            _move(self._waiting, run_id, known.wait_key, None)
            _move(self._listening, run_id, known.listening, None)

    def newest(self, wanted: Mapping[str, Any], *, root_only: bool = False) -> list[str]:
        """Return ids of runs with these columns (None: any), newest `updated_at` first."""
        filters = {
            name: getattr(value, "value", value) for name, value in wanted.items() if value is not None
        }
        found = [
            (known.updated(), run_id)
            for run_id, known in self._entries.items()
            if all(known.row[name] == value for name, value in filters.items())
            and not (root_only and known.row["parent_run_id"])
        ]
        found.sort(key=lambda one: one[0], reverse=True)
        return [run_id for _, run_id in found]

    def due(self, now_us: int, limit: int) -> list[str]:
        """Return ids of runs whose moment has come, earliest first; costs as much as it finds."""
        due: list[tuple[int, str]] = []
        while self._due and self._due[0][0] <= now_us and len(due) < limit:
            at = heapq.heappop(self._due)
            known = self._entries.get(at[1])
            if known is not None and known.due_us == at[0] and at not in due[-1:]:
                due.append(at)
        for at in due:
            heapq.heappush(self._due, at)
        return [run_id for _, run_id in due]

    def children(self, run_id: str) -> list[str]:
        """Return ids of the direct children of a run in the order of their creation."""
        return [*self._children.get(run_id, ())]

    def family(self, run_id: str) -> list[str]:
        """Return ids of a run and all its descendants."""
        family = {run_id: None}
        level = [run_id]
        while level:
            level = [child for one in level for child in self._children.get(one, ()) if child not in family]
            family.update(dict.fromkeys(level))
        return [*family]

    def waiting(self, key: str, limit: int) -> list[str]:
        """Return ids of runs whose open wait has this key."""
        return [*self._waiting.get(key, ())][: max(limit, 0)]

    def listening(self, key: str, limit: int) -> list[str]:
        """Return ids of runs that are not over and listen under this key."""
        return [*self._listening.get(key, ())][: max(limit, 0)]

    def perhaps_stranded(self) -> list[str]:
        """Return ids of runs that wait for a child and have one that is over."""
        found: list[str] = []
        for key, waiting in self._waiting.items():
            if key.startswith(CHILD_KEY):
                child_id = key.removeprefix(CHILD_KEY)
                found += [one for one in waiting if any(map(self._is_over, (child_id, *self.children(one))))]
        return found

    def _is_over(self, run_id: str) -> bool:
        known = self._entries.get(run_id)
        return known is not None and RunStatus(known.row["status"]).is_over

    def waiting_keys(self, prefix: str, limit: int) -> list[str]:
        """Return distinct keys of open waits that begin so, sorted."""
        return sorted(key for key in self._waiting if key.startswith(prefix))[: max(limit, 0)]


def _move(index: dict[str, dict[str, None]], run_id: str, old: str | None, new: str | None) -> None:
    """Put a run from one key of an index to another."""
    if old == new:
        return
    if old is not None:
        index[old].pop(run_id, None)
        if not index[old]:
            del index[old]
    if new is not None:
        index.setdefault(new, {})[run_id] = None
