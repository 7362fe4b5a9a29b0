"""Runs that wait for the clock: schedules with their next and their last times, and waits for one moment.

All of it is read off programs, states and ledgers. Of a long ledger only the end is read; where it ends is found
by halving.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any, Protocol, cast

from abstractruntime import Runtime
from abstractruntime.core.clock import parse_instant, utc_now, utc_now_iso
from abstractruntime.core.errors import Conflict, NotWaiting
from abstractruntime.core.models import EffectType, RunState, RunStatus, WaitReason
from abstractruntime.core.waits import is_paused, pause_reason
from abstractruntime.nodes.schedule import FIRING, GRACE, Timetable, on_schedule, timetable
from abstractruntime.storage.base import QueryableRunIndexStore, Stores

from .library import FlowEntry, FlowLibrary
from .programs import Programs
from .runner_views import RunReader, planned_attempt, visible

Json = Any
TYPE = on_schedule.name
AHEAD = 10  # times that are told in advance
BACK = 8  # times that are told in retrospect
TAIL = 400  # records of a ledger that are looked through for them
MOST = 500  # runs of each state that are looked at


class CannotFire(Conflict):
    """A schedule that is not waiting for its next time cannot be fired now."""

    code = "schedule.not_waiting"


class Ledger(Protocol):
    """A ledger that is read page by page, as those of `open_stores` are."""

    def list_after(self, *, run_id: str, after: int, limit: int = 1000) -> tuple[list[dict[str, Any]], int]:
        """Return records with seq > after, and the seq to go on from."""
        ...


@dataclass(frozen=True)
class Firing:
    """One time of a schedule: what was due, when its branch began and ended, and what became of it.

    `state` is a word of `RunStatus`; `run_id` is the run of its own that it has, "" where it has none.
    """

    due: str
    began: str
    ended: str = ""
    missed: int = 0
    state: str = "completed"
    run_id: str = ""


@dataclass(frozen=True)
class Scheduled:
    """A schedule as it stands: of its run, or of a flow of which none is alive."""

    run: Mapping[str, Json]
    node_id: str
    workflow_id: str
    table: Timetable
    state: str  # waiting, busy, paused, failed
    why: str = ""
    next: tuple[datetime, ...] = ()
    is_late: bool = False
    last: tuple[Firing, ...] = ()


@dataclass(frozen=True)
class Moment:
    """A run that waits for one moment at a node."""

    run: Mapping[str, Json]
    node_id: str
    workflow_id: str
    until: str
    is_paused: bool
    attempt: Mapping[str, Json] | None  # of an effect that is tried again


@dataclass(frozen=True)
class Clockwork:
    """All that waits for the clock."""

    schedules: list[Scheduled]
    moments: list[Moment]
    more: bool = False


class Schedules:
    """Reads what waits for the clock, and fires a schedule at once."""

    def __init__(
        self,
        stores: Stores,
        programs: Programs,
        reader: RunReader,
        library: FlowLibrary,
        *,
        runtime: Runtime,
        submit: Callable[[str], None],
    ) -> None:
        self._runtime = runtime
        self._submit = submit
        self._library = library
        self._known: dict[str, tuple[str, bool]] = {}
        self._stores = stores
        self._programs = programs
        self._reader = reader

    def all(self) -> Clockwork:
        """Return every schedule that is alive or has failed, by the name of its flow, and every wait for a moment."""
        index = cast(QueryableRunIndexStore, self._stores.runs)
        schedules: list[Scheduled] = []
        moments: list[Moment] = []
        more = False
        for status in (RunStatus.WAITING, RunStatus.RUNNING, RunStatus.FAILED):
            rows = index.list_run_index(status=status, limit=MOST + 1)
            more = more or (len(rows) > MOST and status is not RunStatus.FAILED)
            for row in rows[:MOST]:
                node_id = self._entry(row["workflow_id"])
                waits = status is RunStatus.WAITING and row["wait_reason"] == WaitReason.UNTIL.value
                if not node_id and not waits:
                    continue
                run = self._reader.state(row["run_id"])
                if node_id and not is_firing(run, node_id):
                    schedules.append(self._scheduled(run, node_id))
                elif waits:
                    moments += self._moment(run)
        alive = {each.run["flow_id"] for each in schedules if each.state != "failed"}
        shown = sorted(
            _newest_failures(schedules, alive),
            key=lambda each: (str(each.run["flow_name"]), each.run["run_id"]),
        )
        moments.sort(key=lambda each: parse_instant(each.until))
        return Clockwork(shown, moments, more)

    def flows(self) -> Iterator[FlowEntry]:
        """Yield the flows of the library that begin with a schedule; each is read once for each of its revisions."""
        for entry in self._library.entries():
            revision, found = self._known.get(entry.id, ("", False))
            if revision != entry.revision:
                document, revision = self._library.get(entry.id)
                nodes = document.get("nodes") or ()
                found = any(isinstance(node, Mapping) and node.get("type") == TYPE for node in nodes)
                self._known[entry.id] = (revision, found)
            if found:
                yield entry

    def fire(self, run_id: str, *, actor: str) -> None:
        """Have a schedule that waits fire at once, beside its other times; raise CannotFire where it does not wait."""
        run = self._reader.state(run_id)
        wait, node_id = run.waiting, self._entry(run.workflow_id)
        at_clock = (
            wait is not None and wait.reason is WaitReason.UNTIL and visible(run.current_node) == node_id
        )
        if not node_id or not at_clock or is_paused(run) or planned_attempt(wait) is not None:
            raise CannotFire("It does not wait for its next time just now: look again in a moment.")
        try:
            self._runtime.resume(
                self._programs.get_or_raise(run.workflow_id),
                run_id,
                None,
                {"timestamp": utc_now_iso()},
                max_steps=0,
                actor_id=actor,
                asked_at=run.updated_at,
            )
        except NotWaiting:
            raise CannotFire("Its time has come meanwhile: it fires by itself.") from None
        self._submit(run_id)

    def _entry(self, workflow_id: str) -> str:
        """Return the schedule node that a workflow begins with, "" for another."""
        program = self._programs.program(workflow_id)
        op = program.ops.get(program.entry) if program is not None and program.entry else None
        return str(program.entry) if program is not None and op is not None and op.type == TYPE else ""

    def _scheduled(self, run: RunState, node_id: str) -> Scheduled:
        program = self._programs.program(run.workflow_id)
        assert program is not None  # it has told the node
        op = program.ops[node_id]
        table = timetable(op.settings, op.fed)
        wait = run.waiting
        at_clock = (
            wait is not None and wait.reason is WaitReason.UNTIL and visible(run.current_node) == node_id
        )
        due = parse_instant(str(wait.until)) if at_clock and wait is not None and wait.until else None
        state = "waiting" if at_clock else "busy"
        why = ""
        if run.status is RunStatus.FAILED:
            state, why = "failed", run.error or ""
        elif is_paused(run):
            state, why = "paused", pause_reason(run) or ""
        told = tuple(table.following(due, AHEAD)) if due is not None else ()
        return Scheduled(
            self._reader.row(run),
            node_id,
            run.workflow_id,
            table,
            state,
            why,
            told,
            due is not None and state == "waiting" and utc_now() - due > GRACE,
            tuple(self._last(run, node_id)),
        )

    def _moment(self, run: RunState) -> Iterator[Moment]:
        wait = run.waiting
        if wait is not None and wait.reason is WaitReason.UNTIL and wait.until:
            row, node_id = self._reader.row(run), visible(run.current_node)
            yield Moment(row, node_id, run.workflow_id, wait.until, is_paused(run), planned_attempt(wait))

    def _last(self, run: RunState, node_id: str) -> list[Firing]:
        """Return the last times of a schedule, oldest first, and what became of them."""
        ledger = cast(Ledger, self._stores.ledger)
        records, _ = ledger.list_after(
            run_id=run.run_id, after=max(0, _end(ledger, run.run_id) - TAIL), limit=TAIL
        )
        found = firings(records, node_id)[-BACK:]
        if found and not found[-1].ended and not found[-1].run_id:
            found[-1] = replace(found[-1], state=run.status.value)
        return [self._own(each) if each.run_id else each for each in found]

    def _own(self, firing: Firing) -> Firing:
        """Tell what became of a time that has a run of its own."""
        run = self._reader.state(firing.run_id)
        ended = str(run.updated_at or "") if run.status.is_over else ""
        return replace(firing, state=run.status.value, ended=ended)


def firings(records: Iterable[Mapping[str, Json]], node_id: str) -> list[Firing]:
    """Return the times that a schedule has fired, as the records of its run tell them, oldest first.

    A visit tells its time; where visits are told no more (of a run with very many), the wait before it does.
    """
    found: list[Firing] = []
    awaited = ""
    for record in records:
        effect, result = record.get("effect") or {}, record.get("result") or {}
        moment = str(record.get("ended_at") or record.get("started_at") or "")
        if str(record.get("node_id") or "").removesuffix("~") != node_id:
            if awaited:  # another node has begun: its time had come
                found.append(Firing(awaited, moment))
                awaited = ""
            continue
        kind, told = effect.get("type"), (result.get("visit") or {}).get("outputs") or {}
        if kind == EffectType.WAIT_UNTIL.value and record.get("status") == "started":
            if awaited:
                found.append(Firing(awaited, awaited))
            if found and not found[-1].ended and not found[-1].run_id:
                found[-1] = replace(found[-1], ended=str(record.get("started_at") or ""))
            awaited = str((effect.get("payload") or {}).get("until") or "")
        elif kind == EffectType.START_SUBWORKFLOW.value and record.get("status") == "completed":
            own = ((effect.get("payload") or {}).get("vars") or {}).get(FIRING) or {}
            child = str(result.get("sub_run_id") or "")
            found.append(
                Firing(str(own.get("timestamp")), moment, missed=int(own.get("missed") or 0), run_id=child)
            )
            awaited = ""
        elif kind is None and told.get("timestamp") and (result.get("visit") or {}).get("exit"):
            found.append(Firing(str(told["timestamp"]), moment, missed=int(told.get("missed") or 0)))
            awaited = ""
    return [_closed(one, later) for one, later in pairwise([*found, None]) if one is not None]


def is_firing(run: RunState, node_id: str) -> bool:
    """Say whether a run is one time of a schedule, which has the run that counts elsewhere."""
    own = run.vars.get(FIRING)
    return isinstance(own, Mapping) and own.get("node") == node_id


def _closed(firing: Firing, later: Firing | None) -> Firing:
    """Have a time end where the next one begins, if nothing has told its end."""
    if later is None or firing.ended or firing.run_id:
        return firing
    return replace(firing, ended=later.began)


def _newest_failures(schedules: list[Scheduled], alive: set[Json]) -> Iterator[Scheduled]:
    """Leave out the failures of flows that run again, and all but the newest of the others."""
    seen = set(alive)
    for each in schedules:
        if each.state != "failed":
            yield each
        elif each.run["flow_id"] not in seen:
            seen.add(each.run["flow_id"])
            yield each


def _end(ledger: Ledger, run_id: str) -> int:
    """Return the seq of the last record of a run, by doubling and halving."""

    def is_there(seq: int) -> bool:
        return bool(ledger.list_after(run_id=run_id, after=seq - 1, limit=1)[0])

    low, high = 0, 1
    while is_there(high):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if is_there(middle) else (low, middle)
    return low
