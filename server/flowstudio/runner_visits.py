"""The visits of a run's nodes, folded from its ledger: what each was asked, gave, cost, and how often it was tried."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from abstractruntime.core.models import EffectType
from abstractruntime.storage.base import PlacedRecord
from abstractruntime.visualflow_compiler.clip import clip
from abstractruntime.visualflow_compiler.stops import is_told_by, is_within

from .ai.used import NOTHING, Used, used_by
from .runner_origins import is_only_begin
from .runner_views import failure_words, visible

Json = Any


@dataclass
class Try:
    """One attempt at the effect of a visit. `answer` is what came back, as the ledger's pictures are: clipped."""

    number: int
    started_at: str
    ended_at: str = ""
    state: str = "running"
    error: str = ""
    answer: Json = None


@dataclass
class Visit:
    """One visit of a node. A pin that got nothing is absent from `inputs` and `outputs`.

    `state` is running, waiting, stopped (before it), done or failed; a failure that the flow has caught is told by `error` of a
    visit that is done. `ms` is the time from its begin to its end. `is_value`: of a value node, read by the
    step `read_by`. `position` is that of its first record in the ledger of the whole run.
    `records` are the positions of all its records, `told_at` that of the one that told the values it read.
    `pinned`: the nodes for which pinned outputs stood, itself or value nodes that it read. `tries` are the attempts at
    its effect, `children` the runs that it has started, `used` what models used in it and, in a story, in those.
    """

    node_id: str
    position: int
    started_at: str
    number: int = 1
    state: str = "running"
    ended_at: str = ""
    attempts: int = 1
    exit: str = ""
    error: str = ""
    effect: str = ""
    sent: Json = None
    printed: str = ""
    values: Mapping[str, Json] = field(default_factory=dict)
    computed: Mapping[str, Json] = field(default_factory=dict)
    given: Json = None
    inputs: Mapping[str, Json] = field(default_factory=dict)
    read_by: str = ""
    pinned: Collection[str] = ()
    tries: dict[int, Try] = field(default_factory=dict)
    children: tuple[str, ...] = ()
    used: Used = NOTHING
    records: tuple[int, ...] = ()
    told_at: int = 0

    @property
    def is_value(self) -> bool:
        """Whether this is a value that a step has read, and no step itself."""
        return bool(self.read_by)

    @property
    def is_pinned(self) -> bool:
        """Whether it gave what is pinned to the node, which was not executed."""
        return self.node_id in self.pinned

    @property
    def can_pin(self) -> bool:
        """Whether it handed something on that may be pinned to the node."""
        return self.state == "done" and (self.is_value or bool(self.exit))

    @property
    def outputs(self) -> Mapping[str, Json]:
        """Return what it gave, by pin."""
        if isinstance(self.given, Mapping):
            return self.given
        return {} if self.given is None else {"result": self.given}

    @property
    def ms(self) -> float | None:
        """Return how long it took, None while it is not over."""
        is_over = self.ended_at and self.state not in ("running", "waiting", "stopped")
        return between(self.started_at, self.ended_at) if is_over and not self.is_value else None


def between(start: str, end: str) -> float | None:
    """Return the milliseconds between two instants, None where one of them is unknown."""
    try:
        taken = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    except ValueError:
        return None
    return max(0.0, taken.total_seconds() * 1000)


def fold(records: Iterable[PlacedRecord]) -> list[Visit]:
    """Return the visits of one run's steps, in the order in which they began."""
    found: list[Visit] = []
    opened: dict[str, Visit] = {}
    for placed in records:
        record = placed.record
        result = record.get("result") or {}
        if str(record.get("idempotency_key") or "").startswith("system:terminal_status:") or is_only_begin(
            record
        ):
            continue
        node_id = visible(str(record.get("node_id") or ""))
        visit = opened.get(node_id)
        if visit is None:
            if record.get("effect") is None and result.get("completed") is True and "visit" not in result:
                continue  # the visit of the end node, just told, says it all
            visit = opened[node_id] = Visit(node_id, placed.position, str(record.get("started_at") or ""))
            found.append(visit)
        visit.records = (*visit.records, placed.position)
        if (result.get("visit") or {}).get("values"):
            visit.told_at = placed.position
        effect = record.get("effect")
        if isinstance(effect, Mapping) and is_told_by(record):
            _note(visit, record)
            visit.state = "stopped"
            if effect["type"] == "resume" and is_within(record):
                visit.state = "running"
            elif effect["type"] == "resume":  # the visit comes now
                found.remove(opened.pop(node_id))
        elif isinstance(effect, Mapping):
            _ask(visit, record, effect)
        else:
            _end(visit, record)
            del opened[node_id]
    return found


def _ask(visit: Visit, record: Mapping[str, Json], effect: Mapping[str, Json]) -> None:
    _note(visit, record)
    if effect.get("type") in ("resume", "remind"):
        visit.state = "running" if effect["type"] == "resume" else visit.state
        return
    visit.effect, visit.sent = str(effect.get("type") or ""), effect.get("payload") or None
    attempt = int(record.get("attempt") or 1)
    visit.attempts = max(visit.attempts, attempt)
    status = str(record.get("status"))
    visit.state = {"waiting": "waiting", "failed": "failed"}.get(status, "running")
    visit.ended_at = str(record.get("ended_at") or "")
    visit.error = _error(record) if status == "failed" else ""
    visit.used += used_by(record)
    visit.children = tuple(dict.fromkeys((*visit.children, *child_of(record))))
    if effect.get("type") == EffectType.AWAIT_RUNS.value:
        return  # it waits for what it has asked for, and asks for nothing
    told = visit.tries.setdefault(attempt, Try(attempt, str(record.get("started_at") or "")))
    told.state = "done" if status == "completed" else visit.state
    told.ended_at, told.error = visit.ended_at, visit.error
    told.answer = clip(record.get("result")) if status == "completed" else None


def child_of(record: Mapping[str, Json]) -> tuple[str, ...]:
    """Return the run that an effect has started, if this record tells it."""
    if (record.get("effect") or {}).get("type") != EffectType.START_SUBWORKFLOW.value:
        return ()
    result = record.get("result")
    told = result if isinstance(result, Mapping) else {}
    details = (told.get("wait") or {}).get("details") if isinstance(told.get("wait"), Mapping) else None
    found = (told.get("sub_run_id"), (details or {}).get("sub_run_id"))
    return tuple(str(each) for each in found if isinstance(each, str) and each)


def costs_of(records: Iterable[PlacedRecord]) -> Callable[[str], Used]:
    """Return how to tell what models used in a run and in those that it started, of the records of a tree."""
    own: dict[str, Used] = {}
    started: dict[str, set[str]] = {}
    for placed in records:
        own[placed.run_id] = own.get(placed.run_id, NOTHING) + used_by(placed.record)
        started.setdefault(placed.run_id, set()).update(child_of(placed.record))

    def told(run_id: str, above: frozenset[str] = frozenset()) -> Used:
        below = started.get(run_id, set()) - above - {run_id}
        return sum((told(child, above | {run_id}) for child in below), own.get(run_id, NOTHING))

    return told


def _end(visit: Visit, record: Mapping[str, Json]) -> None:
    _note(visit, record)
    result = record.get("result") or {}
    told = result.get("visit") or {}
    failed, caught = record.get("status") == "failed", told.get("failure")
    visit.ended_at = str(record.get("ended_at") or visit.ended_at)
    visit.exit = str(told.get("exit") or "")
    visit.given = told.get("outputs") or (result.get("output") if result.get("completed") else None)
    told_as = str(caught.get("message")) if isinstance(caught, Mapping) else ""
    visit.error = _error(record) if failed else failure_words(told_as)
    visit.state = "failed" if failed else "done"
    for told in visit.tries.values():
        if told.state in ("running", "waiting"):  # the answer came by a resume, or the step ended it
            told.state, told.ended_at = visit.state, visit.ended_at
            told.error = visit.error


def _note(visit: Visit, record: Mapping[str, Json]) -> None:
    told = (record.get("result") or {}).get("visit")
    if isinstance(told, Mapping):
        visit.number = int(told.get("visit") or visit.number)
        visit.values = told.get("values") or visit.values
        visit.computed = told.get("computed") or visit.computed
        visit.pinned = told.get("pinned") or visit.pinned
        visit.printed = str(told.get("printed") or visit.printed)


def _error(record: Mapping[str, Json]) -> str:
    failure = (record.get("result") or {}).get("error")
    told = failure.get("message") if isinstance(failure, Mapping) else failure
    return failure_words(str(record.get("error") or told or "It failed without a reason."))
