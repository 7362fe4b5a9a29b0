"""A run in the hands of the engine: its state, its revision, and how to write it.

Loaded once per tick and kept over its steps. Every write names the revision that it changes, so
somebody else's write in between (a pause, a cancel, a second driver) is noticed instead of undone.

A step may be held back, to share the commit of what comes next: the STARTED of an external effect.
What it has changed is taken out of the variables at once, so later changes are not in it. Every
other write puts it down first, and so does whoever lets go of the run.

An answer is held back in the same way, until the node that it goes to has said what comes next: it
shares the commit of whatever that writes. Nobody has been told of it before; if somebody else has
changed the run meanwhile, neither is written (AnswerNotGiven) and the answer is given anew, or refused.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..storage.base import Journal, StepCommit
from ..storage.codec import SealedRecord, Written, sealed
from .delta import Delta, drain, plain, track
from .errors import NotDurable, RunNotFound, StaleRevision
from .models import RunState, RunStatus, StepRecord
from .traces import LateTrace, Made, add_traces
from .waits import is_paused, touches

log = logging.getLogger("abstractruntime")
_SAVE_TRIES = 20


# A step that is taken and not written; what ends the claim on the effect that it carried out; whether the
# run was still this driver's when the effect acted.
_HeldBack = tuple[StepCommit, Callable[[], None] | None, Callable[[str], bool]]


class AnswerNotGiven(Exception):
    """Somebody has changed the run before an answer was written: does it still wait? Only for who holds answers."""


class Held:
    """A run's state with tracked variables, bound to the revision it was read at."""

    __slots__ = (
        "_held_back",
        "_is_answer",
        "_journal",
        "_tracked",
        "kept",
        "lease",
        "made",
        "plans_retries",
        "reaches_out",
        "replays",
        "revision",
        "run",
        "still_mine",
        "traces",
    )

    def __init__(self, journal: Journal, run: RunState, revision: int | None) -> None:
        self._journal = journal
        self._tracked: dict[str, object] | None = None
        self._held_back: _HeldBack | None = None
        self._is_answer = False  # what is held back
        self.reaches_out = False  # has carried out an external effect, so another may come
        self.kept = 0  # outcomes that this driver has written though its step was refused
        self.run = run
        if type(run.status) is not RunStatus:
            run.status = RunStatus(run.status)  # hosts' stores may hand out plain text
        self.revision = revision
        self.replays: bool | None = None  # set back by its host after it had completed
        self.traces: list[dict[str, Any] | LateTrace] = []  # of effect steps, not in the variables yet
        self.made: Made = {}  # put into the variables a moment ago, with its text
        self.plans_retries = False  # a retry is a wait, not a sleep
        self.lease: object = None  # under which effects of this run act; of whoever gives leases
        self.still_mine: Callable[[str], bool] = _always  # whether nobody has taken the run over
        if revision is not None:
            self._tracked = run.vars = track(run.vars)

    @classmethod
    def load(cls, journal: Journal, run_id: str) -> Held:
        """Read a run's newest state; raise RunNotFound for an unknown id."""
        found = journal.load(run_id)
        if found is None:
            raise RunNotFound(f"Unknown run_id: {run_id}")
        return cls(journal, found.run, found.revision)

    @property
    def is_untouched(self) -> bool:
        """Whether the run is as it was created: nothing that a crash cut short can be in its ledger."""
        return self.revision == 1 and self._journal.atomic

    def step(
        self, records: Sequence[StepRecord] = (), *, durable: bool = False, listening: str | None = None
    ) -> StepCommit:
        """Describe all that changed since the last write, as one commit."""
        run = self.run
        if not isinstance(run.vars, dict):
            raise NotDurable(f"run.vars must be a dict, not {type(run.vars).__name__}", "vars")
        ops = None
        if run.vars is self._tracked:
            ops = self._drained(records)
        else:
            self._tracked = run.vars = track(run.vars)
        return StepCommit(run, self.revision, tuple(records), ops, durable, listening=listening)

    def keep_traces(self) -> bool:
        """Put the traces of the last steps into the variables; say whether there were any."""
        if not self.traces:
            return False
        self.made = add_traces(self.run.vars, self.traces)
        self.traces = []
        return True

    def change(self, changes: Iterable[Callable[[RunState], None]]) -> None:
        """Change the run; what was put into its variables a moment ago may be among it."""
        for change in changes:
            self.made = {}
            change(self.run)

    def _drained(self, records: Sequence[StepRecord] = ()) -> Delta:
        """Return what changed in the variables since the last write, and forget it."""
        ops = drain(self.run.vars, _written_result(records), self.made)
        if self.made:
            self.made = {}
        return ops

    def write(
        self,
        records: Sequence[StepRecord] = (),
        *,
        durable: bool = False,
        others: Sequence[StepCommit] = (),
        listening: str | None = None,
    ) -> None:
        """Write what changed; `others` are commits of other runs in the same transaction."""
        if self._is_answer:
            self._write_with_answer(records, others, listening)
            return
        if self._held_back is not None:
            self.flush()
        self._commit(self.step(records, durable=durable, listening=listening), others)

    def _commit(self, step: StepCommit, others: Sequence[StepCommit]) -> None:
        if self.run.status is not RunStatus.RUNNING:
            self.released()  # nobody goes on with it: copied once, for store and caller
        if others:
            self.revision = self._journal.commit_all([*others, step])[-1]
        else:
            self.revision = self._journal.commit(step)

    def _write_with_answer(
        self, records: Sequence[StepRecord], others: Sequence[StepCommit], listening: str | None
    ) -> None:
        """Write the answer that is held back and the step that follows it as one."""
        assert self._held_back is not None
        held_back, self._held_back, self._is_answer = self._held_back, None, False
        answer = held_back[0]
        try:
            step = self.step((*answer.records, *records), durable=True, listening=listening)
            if type(answer.ops) is Delta and type(step.ops) is Delta:  # else the step brings all variables
                step.ops = answer.ops.followed_by(step.ops)
            self._commit(step, others)
        except StaleRevision as stale:
            raise AnswerNotGiven from stale
        except NotDurable:
            self._held_back, self._is_answer = held_back, True  # the step is to blame: written without it
            raise

    def hold_answer(self, records: Sequence[StepRecord]) -> None:
        """Keep the answer that was put into a run that goes on, to be written with what comes next."""
        step = self._apart(records)
        if step is None:
            self.write(records, durable=True)
            return
        step.durable = self._is_answer = True
        self._held_back = step, None, self.still_mine

    @property
    def holds_answer(self) -> bool:
        """Whether an answer is held back that is not written yet."""
        return self._is_answer

    def write_records(self, records: Sequence[StepRecord]) -> None:
        """Write records only, power-safe, with the step held back; what has changed since stays unwritten."""
        if self._held_back is not None:
            self._write_held_back(tuple(map(sealed, records)), durable=True)
            return
        step = StepCommit(self.run, self.revision, tuple(records), (), True)
        self.revision = self._journal.commit(step)

    def hold_back(self, records: Sequence[StepRecord], let_go: Callable[[], None] | None = None) -> bool:
        """Keep a step of a run that goes on, to be written with what comes next; False: it is written.

        `let_go` is called when the step is written, or cannot be.
        """
        if self._held_back is not None:
            self.flush()
        step = self._apart(records)
        if step is None:
            self.write(records)
            return False
        self._held_back = step, let_go, self.still_mine
        return True

    def _apart(self, records: Sequence[StepRecord]) -> StepCommit | None:
        """Return all that changed since the last write as a commit for later; None where it must be written now."""
        journal = self._journal
        if not journal.atomic or self.run.vars is not self._tracked or journal.is_heavy(self.run.run_id):
            return None
        fixed = tuple(map(sealed, records))
        ops = self._drained(records)
        run = RunState.__new__(RunState)
        run.__dict__.update(self.run.__dict__)  # its columns; the variables are in `ops`
        run.vars = {}
        return StepCommit(run, self.revision, fixed, ops, False, True)

    def flush(self) -> None:
        """Write the step that is held back, if there is one; StaleRevision if somebody was faster."""
        if self._held_back is not None:
            self._write_held_back(())

    def put_down(self) -> None:
        """Write what a run that has not come to rest still carries: its last step and its traces, as one."""
        if self._held_back is None:
            if self.keep_traces():
                self.write()
            return
        step = self._held_back[0]
        if self.run.vars is self._tracked and type(step.ops) is Delta and self.keep_traces():
            step.ops = step.ops.followed_by(self._drained())
        self.flush()
        if self.keep_traces():
            self.write()

    def _write_held_back(self, records: Sequence[StepRecord], *, durable: bool = False) -> None:
        assert self._held_back is not None
        step, let_go, still_mine = self._held_back
        self._held_back, told = None, step.records
        is_answer, self._is_answer = self._is_answer, False
        step.records, step.durable = (*told, *records), durable or step.durable
        try:
            self.revision = self._journal.commit(step)
        except StaleRevision as stale:
            if is_answer:
                raise AnswerNotGiven from stale
            if let_go is not None:
                self.keep_outcome(told, still_mine)
            raise
        finally:
            if let_go is not None:
                let_go()

    def is_followed_by(self, fresh: Held) -> bool:
        """Say whether nothing but memory of other runs has changed the run since it was read here."""
        revisions = (fresh.revision or 0) - (self.revision or 0)
        if fresh.run.status is not RunStatus.RUNNING or is_paused(fresh.run):
            return revisions == 0
        return revisions == touches(fresh.run) - touches(self.run) + self.kept

    def keep_outcome(
        self, records: Sequence[StepRecord], still_mine: Callable[[str], bool] | None = None
    ) -> None:
        """Write what an external effect did, though a pause or cancel came in between: it has acted.

        When the run goes on at this node, the result is found by its key and not asked for again. If
        another owner has taken the run over, it asks again under the same key, and nothing is written.
        """
        run_id, still_mine = self.run.run_id, still_mine or self.still_mine
        for _ in range(_SAVE_TRIES):
            fresh = Held.load(self._journal, run_id)
            if not still_mine(run_id):
                log.warning("The outcome of an effect of run %s is dropped: the run was taken over", run_id)
                return
            try:
                fresh.write_records(records)
            except StaleRevision:
                continue
            self.kept += 1
            return
        log.error("The outcome of an effect of run %s could not be written: the run changes too fast", run_id)

    def released(self) -> RunState:
        """Return the state with plain variables, for those who are not the engine."""
        self.run.vars = plain(self.run.vars)
        self._tracked = None
        return self.run


def too_fast(run_id: str) -> StaleRevision:
    """Return what is raised when a change from outside has met others too often."""
    return StaleRevision(f"Run {run_id} changes faster than it can be changed from outside; try again.")


def _always(run_id: str) -> bool:
    return True


def _written_result(records: Sequence[StepRecord]) -> Written | None:
    """Return the result of the last record and its text, if that is made: it went into the variables just now."""
    last = records[-1] if records else None
    return last.written if type(last) is SealedRecord else None
