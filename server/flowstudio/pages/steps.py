"""Ledger records as the steps a person reads: one row per visit of a node.

An effect is several records (started, answered or failed, landed): they are one row. A page that
follows a run asks again from before its oldest unfinished row, so a row is always told whole; a row
keeps its id, the position of its first record, and the page puts the newer one in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from abstractruntime.integrations.abstractcore.tool_results import CALLS
from abstractruntime.storage.base import PlacedRecord
from abstractruntime.visualflow_compiler.stops import is_told_by, is_within

from ..ai.used import used_by
from ..runner_origins import is_only_begin
from ..runner_views import failure_words, timed_out
from .html import gist, one_line
from .words import SIGNS, WAITS, Sign, took

Json = Any
TOOL_CALL = "tool_call"
MOST_OPEN = 1000  # records behind an unfinished row; a row that waits longer is told anew


@dataclass(frozen=True)
class NodeWords:
    """How a node of a flow is called: its label, and its type's name, label and family."""

    label: str
    type: str = ""
    type_label: str = ""
    family: str = ""


@dataclass
class Step:
    """One visit of a node, as shown."""

    id: str
    run_id: str
    node_id: str
    words: NodeWords
    started_at: str
    depth: int = 0
    flow_name: str = ""
    visit: int = 1
    sign: Sign = SIGNS["running"]
    ended_at: str = ""
    effect: str = ""
    exit: str = ""
    attempt: int = 1
    error: str = ""
    warnings: tuple[str, ...] = ()
    sent: Json = None
    outputs: Json = None
    gist: str = ""
    until: str = ""
    is_open: bool = True
    position: int = 0
    tokens: int = 0
    cost: float = 0.0
    seq: int = 0  # of its newest record in the ledger of its run
    reused: str = ""  # of a fork: the run, its parent or the parent's parent, that has taken this step
    recorded: tuple[str, int] | None = (
        None  # of a fork: the run and its entry whose reply this step has taken
    )

    @property
    def label(self) -> str:
        """Return the node's own name."""
        return self.words.label

    @property
    def type(self) -> str:
        """Return the name of the node's type, or nothing for an unknown one."""
        return self.words.type

    @property
    def type_label(self) -> str:
        """Return what people call the node's type."""
        return self.words.type_label

    @property
    def family(self) -> str:
        """Return the id of the type's family."""
        return self.words.family

    @property
    def took(self) -> str:
        """Return how long the step took, once it is over."""
        return "" if self.is_open else took(self.started_at, self.ended_at)


@dataclass(frozen=True)
class Steps:
    """Rows of a run and where to ask again; `earlier` rows are left out."""

    rows: list[Step]
    cursor: int
    total: int
    earlier: int = 0
    more: bool = False


@dataclass
class Teller:
    """Turns records into rows, one after the other."""

    name: Callable[[str, str], NodeWords]  # (run id, node id) -> words
    place: Callable[[str], tuple[int, str]]  # run id -> depth below the root, name of its flow
    rows: list[Step] = field(default_factory=list)
    last: int = 0
    _open: dict[tuple[str, str], Step] = field(default_factory=dict)

    def tell(self, records: Iterable[PlacedRecord]) -> None:
        """Take in records, in order."""
        for placed in records:
            self.last = placed.position
            if not is_final_status(placed.record) and not is_only_begin(placed.record):
                self._take(placed)

    def cursor(self) -> int:
        """Return the position to ask after, so that every unfinished row is told whole again."""
        oldest = min((step.position for step in self._open.values()), default=self.last + 1)
        return oldest - 1

    def _take(self, placed: PlacedRecord) -> None:
        record = placed.record
        node_id = str(record.get("node_id") or "").removesuffix("~")
        step = self._open.get((placed.run_id, node_id))
        if step is None and is_end(record):
            return  # the visit of the end node, just told, says it all
        if step is None:
            step = self._begin(placed, node_id)
        step.seq = placed.seq
        effect = record.get("effect")
        if isinstance(effect, Mapping) and effect.get("type") == "resume":
            _answer(step, record, effect)
            if is_told_by(record) and not is_within(record):  # of a stop that comes before the visit
                step.is_open, step.sign = False, WAITS["stop"]
                del self._open[placed.run_id, node_id]
        elif isinstance(effect, Mapping):
            _effect(step, record, effect)
            if _is_all(step, record, effect):
                _end(step, record)
                del self._open[placed.run_id, node_id]
        if _closes(record):
            _land(step, record)
            del self._open[placed.run_id, node_id]

    def _begin(self, placed: PlacedRecord, node_id: str) -> Step:
        depth, flow_name = self.place(placed.run_id)
        step = Step(
            id=f"step-{placed.position}",
            run_id=placed.run_id,
            node_id=node_id,
            words=self.name(placed.run_id, node_id),
            started_at=str(placed.record.get("started_at") or ""),
            depth=min(depth, 6),
            flow_name=flow_name if depth else "",
            position=placed.position,
        )
        self.rows.append(step)
        self._open[placed.run_id, node_id] = step
        return step


def reuse(rows: list[Step]) -> list[Step]:
    """Return the rows of a parent's story as its fork has them; a step that was under way is the fork's own."""
    for step in rows:
        step.reused = step.run_id
        if step.sign.key == "completed":
            step.sign = SIGNS["reused"]
    return [step for step in rows if not step.is_open]


def stop_open(rows: Iterable[Step], is_stopped: Callable[[str], bool]) -> None:
    """Show what was still open in runs that were cancelled or have failed as stopped: nothing waits there any more."""
    for step in rows:
        if step.is_open and is_stopped(step.run_id):
            step.is_open, step.sign = False, SIGNS["cancelled"]


def is_end(record: Mapping[str, Json]) -> bool:
    """Say whether a record tells that the run ended with its output."""
    return record.get("effect") is None and (record.get("result") or {}).get("completed") is True


def is_final_status(record: Mapping[str, Json]) -> bool:
    """Say whether a record only announces how the run ended, which the page's head shows."""
    return str(record.get("idempotency_key") or "").startswith("system:terminal_status:")


def _closes(record: Mapping[str, Json]) -> bool:
    """Say whether a record is the last of its visit."""
    result = record.get("result") or {}
    if isinstance(record.get("effect"), Mapping):
        return False
    return "visit" in result or is_end(record) or record.get("status") == "failed"


def _effect(step: Step, record: Mapping[str, Json], effect: Mapping[str, Json]) -> None:
    status = str(record.get("status"))
    if effect.get("type") == TOOL_CALL:
        return  # one call of a batch, whose own record says it all
    step.effect = str(effect.get("type") or "")
    step.sent = effect.get("payload") or None
    step.attempt = max(step.attempt, int(record.get("attempt") or 1))
    step.ended_at = str(record.get("ended_at") or "")
    wait = (record.get("result") or {}).get("wait") or {}
    step.sign = (
        WAITS.get(str(wait.get("reason")), SIGNS["waiting"]) if status == "waiting" else SIGNS["running"]
    )
    if status == "waiting" and is_told_by(record):
        step.sign = WAITS["stop"]
    step.gist = _asked(step.sent) if not is_told_by(record) else _stopped(effect)
    step.until = str((wait.get("details") or {}).get("due") or wait.get("until") or "")
    step.visit = int(((record.get("result") or {}).get("visit") or {}).get("visit") or step.visit)
    step.is_open = status != "failed"
    if status == "failed":
        step.sign, step.error = SIGNS["failed"], _error(record)
    if isinstance(whose := effect.get("recorded"), Mapping):
        step.recorded = (str(whose["run_id"]), int(whose["seq"]))
    used = used_by(record)
    step.tokens, step.cost = step.tokens + used.tokens, step.cost + used.cost


def _stopped(effect: Mapping[str, Json]) -> str:
    """Say of a stop that it is before the visit, or why it is within."""
    payload = effect.get("payload") or {}
    about = payload.get("stop_about") or {}
    return {"error": f"Stopped at its error: {one_line(about.get('error') or '', 90)}"}.get(
        str(payload.get("stop")), "Stopped before it"
    )


def _is_all(step: Step, record: Mapping[str, Json], effect: Mapping[str, Json]) -> bool:
    """Say whether an effect is the whole of its visit: so it is in an agent's own loop, whose steps are no nodes."""
    is_own = effect.get("type") not in (TOOL_CALL, "resume")
    return not step.words.type and is_own and record.get("status") == "completed"


def _end(step: Step, record: Mapping[str, Json]) -> None:
    """Close the row of a step of an agent's loop with what came of it."""
    result = record.get("result") or {}
    step.is_open, step.sign = False, SIGNS["completed" if step.recorded is None else "reused"]
    step.ended_at = str(record.get("ended_at") or step.ended_at)
    step.outputs = {key: result[key] for key in ("content", CALLS, "results") if result.get(key)} or None
    calls = result.get(CALLS) or result.get("results") or ()
    names = [str(each.get("name")) for each in calls if isinstance(each, Mapping)]
    step.gist = ", ".join(names) or one_line(result.get("content") or "", 110) or step.gist


def _answer(step: Step, record: Mapping[str, Json], effect: Mapping[str, Json]) -> None:
    payload = effect.get("payload") or {}
    if str(payload.get("wait_key") or "").startswith("pause:"):
        return
    step.sign = SIGNS["running"]
    step.ended_at = str(record.get("ended_at") or "")
    given = payload.get("payload")
    said = given.get("response", given) if isinstance(given, Mapping) else given
    if timed_out(given):
        step.gist = "Timed out: nobody answered in time"
    elif payload.get("wait_reason") == "user":
        verb = "said" if is_told_by(record) else "answered"
        step.gist = f"{record.get('actor_id') or 'Somebody'} {verb}: {one_line(said, 90)}"


def _land(step: Step, record: Mapping[str, Json]) -> None:
    result = record.get("result") or {}
    visit = result.get("visit") or {}
    failed = record.get("status") == "failed"
    step.is_open = False
    step.ended_at = str(record.get("ended_at") or step.ended_at)
    step.visit = int(visit.get("visit") or step.visit)
    step.exit = str(visit.get("exit") or "")
    step.outputs = visit.get("outputs") or (result.get("output") if result.get("completed") else None) or None
    caught = visit.get("failure")
    step.warnings = tuple(map(str, visit.get("warnings") or ()))
    step.error = _error(record) if failed else failure_words(str(caught.get("message"))) if caught else ""
    is_pinned = step.node_id in (visit.get("pinned") or ())
    done = "pinned" if is_pinned else "reused" if step.recorded is not None else "completed"
    step.sign = SIGNS["failed"] if failed or caught else SIGNS[done]
    told = step.error or "".join(step.warnings[:1])
    step.gist = one_line(told, 120) if told else step.gist or _yielded(step)
    if is_pinned:
        step.gist = f"Pinned: {step.gist}" if step.gist else "Pinned"
    elif caught and not failed:
        step.gist = f"Failed, and went on: {step.gist}"


def _error(record: Mapping[str, Json]) -> str:
    failure = (record.get("result") or {}).get("error")
    told = failure.get("message") if isinstance(failure, Mapping) else failure
    return failure_words(str(record.get("error") or told or "It failed without a reason."))


def _asked(sent: Json) -> str:
    """Say in one line what an effect asks of the world."""
    if not isinstance(sent, Mapping):
        return ""
    if sent.get("workflow_id"):
        return str(sent["workflow_id"]).partition("@")[0]
    found = (sent[key] for key in ("prompt", "message", "name", "event_name", "wait_key") if sent.get(key))
    return one_line(next(found, ""), 110)


def _yielded(step: Step) -> str:
    """Say in one line what a visit yielded."""
    return gist(step.outputs) if isinstance(step.outputs, Mapping) else ""
