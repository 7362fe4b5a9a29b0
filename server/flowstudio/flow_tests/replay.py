"""Plays a flow again from a recording: a real runtime on stores in memory, and nothing outside of it.

The clock goes by the recording and jumps to the next moment that somebody waits for; questions and events get what
was given then, in the order of their node. A wait that the recording does not answer ends the play and is told.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from abstractruntime import Runtime
from abstractruntime.core.clock import parse_instant
from abstractruntime.core.errors import KernelError, WorkflowNotFound
from abstractruntime.core.models import RunState, RunStatus, WaitReason, WaitState
from abstractruntime.core.spec import WorkflowSpec
from abstractruntime.integrations.abstractcore.tool_approval import APPROVAL_REQUIRED
from abstractruntime.storage import Stores
from abstractruntime.storage.artifacts import InMemoryArtifactStore
from abstractruntime.storage.base import PlacedRecord

from ..outside.retries import NodesOwnPolicy
from ..runner_drive import TELLING, Drive
from ..runner_views import RunReader
from .moments import Moments
from .recording import Answer, Place, Player, Recording, flow_key, place_of

Json = Any
LONGEST_S = 20.0
MOST_RECORDS = 50_000
CONFIG = replace(TELLING, heartbeat=False, lease_s=0)


class Cast(Protocol):
    """The workflows of a test: those of its flow as it is now, the listeners beside it, and those of agents."""

    @property
    def root(self) -> str:
        """The workflow id of the flow itself."""
        ...

    def get(self, workflow_id: str) -> WorkflowSpec | None:
        """Return a workflow, or None."""
        ...

    def listeners(self, workflow_id: str) -> tuple[str, ...]:
        """Return what listens beside a main run."""
        ...


@dataclass(frozen=True)
class Stuck:
    """Why a play came to no end, and where."""

    place: Place
    words: str


@dataclass(frozen=True)
class Played:
    """How a play went: the records and states of the runs, and why it did not come to its end, if so."""

    records: Sequence[PlacedRecord]
    states: Mapping[str, RunState]
    root: RunState
    stuck: Stuck | None
    ms: float


class Workflows:
    """The cast as the drive wants it: each workflow sets the clock."""

    def __init__(self, cast: Cast, moments: Moments) -> None:
        self._cast = cast
        self._moments = moments
        self._made: dict[str, WorkflowSpec | None] = {}

    def get(self, workflow_id: str) -> WorkflowSpec | None:
        """Return a workflow, or None."""
        if workflow_id not in self._made:
            spec = self._cast.get(workflow_id)
            self._made[workflow_id] = spec and self._moments.followed(spec, flow_key(workflow_id))
        return self._made[workflow_id]

    def get_or_raise(self, workflow_id: str) -> WorkflowSpec:
        """Return a workflow; raise WorkflowNotFound."""
        spec = self.get(workflow_id)
        if spec is None:
            raise WorkflowNotFound(f"The test has no workflow {workflow_id!r}.")
        return spec

    def listeners(self, workflow_id: str) -> tuple[str, ...]:
        """Return what listens beside a main run."""
        return self._cast.listeners(workflow_id)


class Replay:
    """One play, in stores that hold nothing else.

    `known` are the runs that were recorded, by flow, in the order in which they began.
    """

    def __init__(
        self,
        cast: Cast,
        recording: Recording,
        player: Player,
        moments: Moments,
        reader: Callable[[Stores], RunReader],
        known: Mapping[str, Sequence[str]],
        stores: Stores,
    ) -> None:
        self._known = known
        self._cast = cast
        self._recording = recording
        self._moments = moments
        self._stores = stores
        self._reader = reader(self._stores)
        self._workflows = Workflows(cast, moments)
        self._queue: deque[str] = deque()
        self._left = list(recording.answers)
        self._runtime = Runtime(
            run_store=self._stores.runs,
            ledger_store=self._stores.ledger,
            workflow_registry=self._workflows,
            effect_policy=NodesOwnPolicy(),
            effect_handlers=player.handlers(),
            artifact_store=InMemoryArtifactStore(),
            config=CONFIG,
            clock=moments,
        )
        self._drive = Drive(
            self._runtime,
            self._workflows,
            self._reader,
            submit=self._queue.append,
            remind=_not_needed,
        )
        self._runtime.subscribe_runnable(self._queue.append)

    def play(self, inputs: Mapping[str, Json]) -> Played:
        """Play the flow from its start until it is over, or nothing moves it any more."""
        began, recording = time.perf_counter(), self._recording
        root_id = self._runtime.start(
            workflow=self._workflows.get_or_raise(self._cast.root),
            vars=dict(inputs),
            actor_id=recording.actor_id or None,
            session_id=recording.session_id,
            run_id=recording.run_id,
        )
        self._queue.append(root_id)
        stuck = self._go(root_id, began + LONGEST_S)
        tree = self._reader.tree(root_id)
        records = self._reader.records(root_id, 0, MOST_RECORDS)
        states = {each.run_id: each for each in tree.runs}
        return Played(records, states, tree.root, stuck, (time.perf_counter() - began) * 1000)

    def _go(self, root_id: str, until: float) -> Stuck | None:
        while True:
            while self._queue:
                if time.perf_counter() > until:
                    return Stuck(
                        place_of(self._reader.state(root_id)),
                        f"The test did not end within {LONGEST_S:g} s: the flow may go round without an end.",
                    )
                self._move(self._queue.popleft())
            tree = self._reader.tree(root_id)
            if tree.is_settled:
                return None
            waiting = [
                run for run in tree.runs if run.status is RunStatus.WAITING and run.waiting is not None
            ]
            ahead = sorted(self._ahead(waiting), key=lambda each: (each.at, each.run.run_id))
            if self._is_cancelled_before(ahead):
                self._cancel(tree.runs)
                continue
            if not ahead:
                return None if tree.root.status.is_over else self._stuck(waiting, tree.root)
            told = self._take(ahead[0])
            if told is not None:
                return told

    def _move(self, run_id: str) -> None:
        """Drive a run until it rests."""
        try:
            if self._drive.drive(run_id):
                self._queue.append(run_id)
        except KernelError as error:
            self._drive.fail(run_id, error)

    def _is_cancelled_before(self, ahead: Sequence[_Next]) -> bool:
        """Say whether the run was ended by somebody before the next thing happens to it."""
        at = self._recording.cancelled_at
        return bool(at) and (not ahead or self._moments.later(at) <= ahead[0].at)

    def _cancel(self, runs: Sequence[RunState]) -> None:
        """End the run and all its descendants, as it was ended when it was recorded."""
        self._moments.move(self._recording.cancelled_at)
        for run in runs:
            self._runtime.cancel_run(run.run_id, reason=self._recording.cancelled_for or None)
            self._queue.append(run.run_id)

    def _ahead(self, waiting: Sequence[RunState]) -> Iterator[_Next]:
        """Yield what may happen next to the runs that wait: an answer of the recording, or the end of a time."""
        for run in waiting:
            wait = run.waiting
            if wait is None or wait.reason is WaitReason.SUBWORKFLOW:
                continue
            answer = None if wait.reason is WaitReason.UNTIL else self._answer_for(run)
            if answer is not None and not answer.is_late:
                yield _Next(self._moments.later(answer.at), run, answer)
            if wait.until:
                yield _Next(parse_instant(wait.until), run, None)

    def _answer_for(self, run: RunState) -> Answer | None:
        """Return the next answer that was given at a run's node: in this very run, else in one of its flow."""
        here = place_of(run)
        same = [
            each for each in self._left if (each.place.flow, each.place.node_id) == (here.flow, here.node_id)
        ]
        own = [each for each in same if each.place.run_id == here.run_id] or same
        if own and own[0].place.run_id != here.run_id:
            recorded = self._recorded_as(here)
            own = [each for each in own if each.place.run_id == recorded] or own
        return next(iter(own), None)

    def _recorded_as(self, here: Place) -> str:
        """Return the recorded run that a run stands for whose id is another now: of its flow, the one begun as it was."""
        known = self._known.get(here.flow, ())
        placed = self._reader.records(self._recording.run_id, 0, MOST_RECORDS)
        begun = dict.fromkeys(each.run_id for each in placed)
        present = [run_id for run_id in begun if place_of(self._reader.state(run_id)).flow == here.flow]
        at = present.index(here.run_id)
        return known[at] if at < len(known) else ""

    def _take(self, chosen: _Next) -> Stuck | None:
        run, answer, wait = chosen.run, chosen.answer, chosen.run.waiting
        self._moments.reach(chosen.at)
        if answer is None or wait is None:
            late = self._answer_for(run) if wait is not None and wait.reason is not WaitReason.UNTIL else None
            stages = (wait.details or {}).get("stages") if wait is not None else None
            if late is not None and late.is_late and not stages:
                self._left.remove(late)
            self._queue.append(run.run_id)
            return None
        self._left.remove(answer)
        wrong = _refused(wait, answer.payload)
        if wrong:
            return Stuck(place_of(run), wrong)
        self._runtime.resume(
            self._workflows.get_or_raise(run.workflow_id),
            run.run_id,
            wait.wait_key,
            answer.payload,
            max_steps=0,
            actor_id=answer.by or None,
        )
        self._queue.append(run.run_id)
        return None

    def _stuck(self, waiting: Sequence[RunState], root: RunState) -> Stuck:
        """Say what the run waits for that the recording does not give."""
        asking = [run for run in waiting if run.waiting and run.waiting.reason is not WaitReason.SUBWORKFLOW]
        run = asking[-1] if asking else root
        wait = run.waiting
        if wait is None:
            return Stuck(place_of(run), f"The run is {run.status.value} and nothing moves it any more.")
        place = place_of(run)
        given = sum(
            1
            for each in self._recording.answers
            if not each.is_late and (each.place.flow, each.place.node_id) == (place.flow, place.node_id)
        )
        known = f"the recording has {given} of this step" if given else "the recording has none of this step"
        if wait.prompt:
            return Stuck(place, f"Asks “{wait.prompt}”, and {known}: there is no answer to give.")
        return Stuck(place, f"Waits for {wait.wait_key or wait.reason.value}, and {known}.")


@dataclass(frozen=True)
class _Next:
    at: datetime
    run: RunState
    answer: Answer | None = field(compare=False)


def _refused(wait: WaitState, payload: Json) -> str:
    """Say why a question does not take the recorded answer, or nothing."""
    if not wait.choices or wait.allow_free_text or (wait.details or {}).get("mode") == APPROVAL_REQUIRED:
        return ""
    said = payload.get("response") if isinstance(payload, Mapping) else payload
    if said in wait.choices:
        return ""
    return f"Asks “{wait.prompt}”, and the recorded answer {said!r} is none of its choices: {', '.join(wait.choices)}."


def _not_needed(seconds: float) -> None:
    """The clock of a test is moved by the test."""
