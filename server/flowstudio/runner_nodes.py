"""NodeStories: what one node did in a run, and in the last runs of its flow.

All is read from the ledger. A record keeps what a visit gave and the values that it read on the way; what
came in by wires follows from the wires of the program that the run executes. Values are as the records
keep them: clipped (`visualflow_compiler.clip`). Those of the last visit are also in the run, in full.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

from abstractruntime.core.errors import RunNotFound, StoreDamaged
from abstractruntime.core.models import RunState, RunStatus
from abstractruntime.visualflow_compiler import Program
from abstractruntime.visualflow_compiler.program import Op
from abstractruntime.visualflow_compiler.reading import WHOLE

from .ai.used import NOTHING, Used
from .programs import Programs
from .runner_views import RunReader
from .runner_visits import Visit, costs_of, fold

Json = Any
NO_RUN = "none"
OFFERED = 20
LAST_RUNS = 50
MOST_RECORDS = 20_000  # of one run
SHORT = 1_000  # records of a run that is read while somebody waits for a form
MOST_IN_ALL = 60_000  # of the last runs together
KEPT_STORIES = 60
KEPT_VISITS = 60_000  # of all stories that are kept together
_MISSING: Any = object()


@dataclass(frozen=True)
class Entry:
    """A record of a run's own ledger: its place in the store, its number in the ledger, and when it was written."""

    position: int
    seq: int
    at: str


@dataclass(frozen=True)
class Story:
    """A run, node by node: its visits. `entries` are the records of its own ledger; `is_cut`: there are more than were read."""

    run_id: str
    visits: Mapping[str, list[Visit]]
    is_cut: bool = False
    entries: tuple[Entry, ...] = ()

    def of(self, node_id: str) -> list[Visit]:
        """Return the visits of a node, the last one last."""
        return self.visits.get(node_id, [])

    @property
    def size(self) -> int:
        """How many visits it holds."""
        return sum(map(len, self.visits.values()))

    def entry(self, upto: int) -> Entry | None:
        """Return the entry of the run's own ledger that stood last at a position, None before the first."""
        place = bisect_right(self.entries, upto, key=lambda each: each.position)
        return self.entries[place - 1] if place else None


@dataclass(frozen=True)
class NodeRun:
    """A node in one run: its last visit, and of all of them the number, most attempts, lengths, and what models used."""

    run: Mapping[str, Json]
    last: Visit
    visits: int
    attempts: int
    ms: tuple[float, ...]
    used: Used = NOTHING


@dataclass(frozen=True)
class NodeRuns:
    """A node in the last runs of its flow. `passed_by` runs did not come to it, `unread` were not looked at."""

    rows: list[NodeRun]
    looked_at: int
    passed_by: int
    unread: int = 0

    @property
    def used(self) -> Used:
        """What models used in all these runs for this node."""
        return sum((row.used for row in self.rows), NOTHING)

    def percentile(self, share: float) -> float | None:
        """Return the milliseconds that this share of the visits did not exceed."""
        lengths = sorted(each for row in self.rows for each in row.ms)
        return lengths[min(len(lengths) - 1, int(share * len(lengths)))] if lengths else None


class NodeStories:
    """Reads stories and keeps the last ones. Safe to call from several threads."""

    def __init__(self, reader: RunReader, programs: Programs) -> None:
        self._reader = reader
        self._programs = programs
        self._lock = Lock()
        self._held: OrderedDict[str, tuple[str, Story]] = OrderedDict()
        self._long: dict[str, str] = {}

    def background(self, flow_id: str, chosen: str) -> str | None:
        """Return the run whose values are shown: the one chosen, else the last that ended well; None for none."""
        if chosen == NO_RUN or not flow_id:
            return None
        if chosen:
            try:
                run = self._reader.state(chosen)
            except RunNotFound:
                return self.background(flow_id, "")
            return chosen if self._programs.flow_id(run.workflow_id) == flow_id else None
        rows = self._reader.rows(flow_id=flow_id, status=RunStatus.COMPLETED, limit=1)
        return str(rows[0]["run_id"]) if rows else None

    def offered(self, flow_id: str) -> list[dict[str, Json]]:
        """Return the runs of a flow to choose from, the newest first."""
        return self._reader.rows(flow_id=flow_id, limit=OFFERED) if flow_id else []

    def glance(self, run_id: str) -> Story | None:
        """Return a run node by node if that is quick: it is short, or was read before; raise RunNotFound."""
        run = self._reader.state(run_id)
        mark = _mark(run)
        with self._lock:
            held = self._held.get(run_id)
        if held is None or held[0] != mark:
            if self._long.get(run_id) == mark:
                return None
            if len(self._reader.records(run_id, 0, SHORT)) >= SHORT:
                self._long[run_id] = mark
                return None
        return self._story(run)

    def story(self, run_id: str) -> Story:
        """Return a run node by node; raise RunNotFound."""
        return self._story(self._reader.state(run_id))

    def _story(self, run: RunState) -> Story:
        run_id, mark = run.run_id, _mark(run)
        with self._lock:
            held = self._held.get(run_id)
            if held is not None and held[0] == mark:
                self._held.move_to_end(run_id)
                return held[1]
        story = self._told(run)
        with self._lock:
            self._held[run_id] = (mark, story)
            kept = sum(each.size for _, each in self._held.values())
            while len(self._held) > KEPT_STORIES or (kept > KEPT_VISITS and len(self._held) > 1):
                _, (_, gone) = self._held.popitem(last=False)
                kept -= gone.size
        return story

    def visits(self, run_id: str, node_id: str, upto: int = 0) -> list[Visit]:
        """Return the visits of a node, the last one last; with `upto` as they stood at that position of the whole story."""
        visits = self.story(run_id).of(node_id)
        return self._as_of(run_id, visits, upto) if upto else visits

    def _as_of(self, run_id: str, visits: list[Visit], upto: int) -> list[Visit]:
        """Return what of these visits was at a position: one that was under way then, as it was told by then."""
        found = []
        for visit in visits:
            if visit.told_at > upto if visit.is_value else visit.position > upto:
                continue
            is_over = visit.is_value or not visit.records or visit.records[-1] <= upto
            found.append(visit if is_over else self._begun(run_id, visit, upto))
        return found

    def _begun(self, run_id: str, visit: Visit, upto: int) -> Visit:
        """Return a visit as its records up to a position tell it. What came in had come when it began."""
        mine = [each for each in visit.records if each <= upto]
        reused = {each.position: each for each in self._reader.origins.prefix(run_id)}
        told = [
            reused[each] if each in reused else next(iter(self._reader.records(run_id, each - 1, 1)))
            for each in mine
        ]
        as_told = fold(told)[-1:]
        return replace(as_told[0], number=visit.number, inputs=visit.inputs) if as_told else visit

    def runs_of(self, flow_id: str, node_id: str) -> NodeRuns:
        """Return what a node did in the last runs of its flow, the newest first; recordings are none."""
        rows = self._reader.rows(flow_id=flow_id, limit=LAST_RUNS, recordings=False) if flow_id else []
        found: list[NodeRun] = []
        read = passed_by = unread = 0
        for row in rows:
            if read > MOST_IN_ALL:
                unread += 1
                continue
            story = self.story(row["run_id"])
            read += story.size
            visits = [visit for visit in story.of(node_id) if not visit.is_value]
            if not visits:
                passed_by += 1
                continue
            lengths = tuple(ms for visit in visits if (ms := visit.ms) is not None)
            most = max(visit.attempts for visit in visits)
            used = sum((visit.used for visit in visits), NOTHING)
            found.append(NodeRun(row, visits[-1], len(visits), most, lengths, used))
        return NodeRuns(found, len(rows) - unread, passed_by, unread)

    def whole(self, run_id: str, node_id: str, pin: str) -> Json:
        """Return an output of a node's last visit in full; raise KeyError when the run does not hold it."""
        outputs = self.kept(run_id, node_id)
        if isinstance(outputs, Mapping) and pin in outputs:
            return outputs[pin]
        if pin in WHOLE and outputs is not None:
            return outputs
        raise KeyError(pin)

    def source(self, run_id: str, node_id: str, pin: str) -> tuple[str, str] | None:
        """Return the step and the output that an input's value of the last visit came from, if it gave nothing since."""
        op, story = self.op(run_id, node_id), self.story(run_id)
        found = op.wires.get(pin) if op is not None else None
        mine, given = story.of(node_id), story.of(found[0]) if found else []
        is_held = bool(mine and given) and not given[-1].is_value and given[-1].position < mine[-1].position
        return found if is_held else None

    def kept(self, run_id: str, node_id: str) -> Json:
        """Return what a run holds of a step's outputs: those of its last visit that gave any, or None."""
        temp = self._reader.state(run_id).vars.get("_temp")
        kept = temp.get("node_outputs") if isinstance(temp, Mapping) else None
        return kept.get(node_id) if isinstance(kept, Mapping) else None

    def inputs(self, run_id: str, node_id: str, upto: int = 0) -> dict[str, Json]:
        """Return what came in at a node's last visit of a run: whole where the run still holds it; with `upto` of the
        last one at that position, as recorded."""
        visits = self.visits(run_id, node_id, upto)
        found = dict(visits[-1].inputs) if visits else {}
        if upto:
            return found
        op = self.op(run_id, node_id)
        for pin, (source, out) in op.wires.items() if op is not None else ():
            try:
                found[pin] = self.whole(run_id, source, out)
            except KeyError:
                continue  # a value node's, or of a step that did not come: as recorded
        return found

    def op(self, run_id: str, node_id: str) -> Op | None:
        """Return a node as the program of a run has it; None where that is gone."""
        program = self._program(self._reader.workflow_of(run_id))
        return program.ops.get(node_id) if program is not None else None

    def _program(self, workflow_id: str) -> Program | None:
        try:
            return self._programs.program(workflow_id)
        except StoreDamaged:
            return None  # what was recorded can be told all the same

    def variables(self, run_id: str, upto: int = 0) -> dict[str, Json]:
        """Return the variables of a run as they stand, or stood at a position, without the program's own; none where
        the store keeps no history."""
        entry = self.story(run_id).entry(upto) if upto else None
        run = self._reader.state_at(run_id, entry.seq if entry else 0) if upto else self._reader.state(run_id)
        held = run.vars if run is not None else {}
        return {name: value for name, value in held.items() if not name.startswith("_")}

    def _told(self, run: RunState) -> Story:
        records = self._reader.records(run.run_id, 0, MOST_RECORDS)
        program = self._program(run.workflow_id)
        line = {*self._reader.origins.line(run.run_id)}
        whole = [*self._reader.origins.prefix(run.run_id), *records]
        steps = fold(placed for placed in whole if placed.run_id in line)
        if any(step.children for step in steps):
            costs = costs_of(whole)
            for step in steps:
                step.used = sum((costs(child) for child in step.children), step.used)
        entries = tuple(
            Entry(
                placed.position,
                placed.seq,
                str(placed.record.get("ended_at") or placed.record.get("started_at") or ""),
            )
            for placed in records
            if placed.run_id == run.run_id
        )
        return Story(run.run_id, _sorted(steps, program), len(records) >= MOST_RECORDS, entries)


def _mark(run: RunState) -> str:
    return f"{run.status.value} {run.updated_at}"


def _sorted(steps: Iterable[Visit], program: Program | None) -> dict[str, list[Visit]]:
    """Return the visits by node, those of value nodes too, each with what came in."""
    visits: dict[str, list[Visit]] = {}
    latest: dict[str, Json] = {}

    def add(visit: Visit, values: Mapping[str, Json]) -> None:
        if not visit.is_pinned:  # what is not executed reads nothing
            visit.inputs = {**_came_in(program, visit.node_id, latest, values), **visit.computed}
        visits.setdefault(visit.node_id, []).append(visit)

    for step in steps:
        values = step.values if isinstance(step.values, Mapping) else {}
        for node_id, given in values.items():
            if node_id == "…":  # what the record left out
                continue
            read = Visit(node_id, step.position, step.started_at, step.number, "done", step.ended_at)
            read.given, read.read_by, read.pinned, read.told_at = (
                given,
                step.node_id,
                step.pinned,
                step.told_at,
            )
            add(read, values)
        add(step, values)
        latest[step.node_id] = step.given
    return visits


def _came_in(
    program: Program | None, node_id: str, latest: Mapping[str, Json], values: Mapping[str, Json]
) -> dict[str, Json]:
    """Return what the inputs of a node were: by its wires, from what was given by then, and its constants."""
    op = program.ops.get(node_id) if program is not None else None
    if program is None or op is None:
        return {}
    found: dict[str, Json] = dict(op.defaults)
    for pin, (source, out) in op.wires.items():
        other = program.ops.get(source)
        held = values if other is not None and not other.is_exec else latest
        value = _picked(held.get(source, _MISSING), out)
        if value is not _MISSING:
            found[pin] = value
    return found


def _picked(outputs: Json, pin: str) -> Json:
    if isinstance(outputs, Mapping) and pin in outputs:
        return outputs[pin]
    return outputs if pin in WHOLE else _MISSING
