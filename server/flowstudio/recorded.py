"""Recorded runs: what a starter flow did when its first test was made, to be watched like any run, and inert.

A recording is played when somebody asks for it first: the test of the starter on the flow as it comes with the app, in
memory, with nothing sent, asked or written (`flow_tests`). Its runs are then put into the store of this server with all their
entries and states, at once and over: nobody drives them. A second time they are there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from abstractruntime.core.models import RunState, StepRecord, StepStatus
from abstractruntime.core.vars import get_runtime
from abstractruntime.storage import Stores, open_stores
from abstractruntime.storage.base import Record, StepCommit

from .flow_tests.replay import MOST_RECORDS
from .flow_tests.suite import FlowTests, NoTest
from .gallery import Gallery
from .programs import Programs
from .runner_views import RECORDED


@dataclass(frozen=True)
class RecordedRuns:
    """Brings the recordings of the starter flows into a store."""

    gallery: Gallery
    tests: FlowTests
    programs: Programs
    stores: Stores

    def bring(self, flow_id: str) -> str:
        """Return the id of the recorded run of a starter; its flow comes into the library unless it is there.

        Raises StarterNotFound, and NoTest where the flow does not do any more what was recorded.
        """
        test = self.gallery.recording(flow_id)
        self.gallery.keep(flow_id)
        run_id = test.recording.run_id
        if self.stores.journal.load(run_id) is None:
            workflow_id = self.programs.keep_given(flow_id, self.gallery.documents(flow_id))
            pinned = self.programs.kept(workflow_id)
            played = open_stores("memory:")
            try:
                wrong = self.tests.perform(test, pinned, played)
                if wrong:
                    raise NoTest(f"The recording of {flow_id!r} does not fit its flow: {wrong}")
                self.stores.journal.commit_all([*_steps(played, run_id)])
            finally:
                played.close()
        return run_id


def _steps(stores: Stores, root_id: str) -> Iterator[StepCommit]:
    """Yield what brings a run and its descendants into another store: each entry with the state after it."""
    journal = stores.journal
    revisions: dict[str, int] = {}

    def step(run: RunState | None, *records: StepRecord) -> StepCommit:
        assert run is not None
        get_runtime(run.vars)[RECORDED] = run.run_id
        known = revisions.get(run.run_id)
        revisions[run.run_id] = (known or 0) + 1
        return StepCommit(run, known, records)

    for placed in journal.tree_after(root_id, 0, MOST_RECORDS):
        if placed.run_id not in revisions:
            yield step(journal.begun(placed.run_id) or journal.state_at(placed.run_id, placed.seq))
        yield step(journal.state_at(placed.run_id, placed.seq), _record(placed.record))
    for run_id in revisions:
        yield step(stores.runs.load(run_id))


def _record(record: Record) -> StepRecord:
    """Return an entry of a ledger; the chain of its new ledger is its own."""
    fields: dict[str, Any] = {name: record.get(name) for name in StepRecord.__dataclass_fields__}
    fields |= {"status": StepStatus(record["status"]), "prev_hash": None, "record_hash": None}
    return StepRecord(**fields)
