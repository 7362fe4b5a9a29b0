"""Every lasting backend does what the one in memory does, whatever is asked of both."""

from __future__ import annotations

import copy
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from abstractruntime.core.delta import drain, track
from abstractruntime.core.errors import StaleRevision
from abstractruntime.core.jsonsafe import isolated
from abstractruntime.core.models import RunState, RunStatus, WaitReason, WaitState
from abstractruntime.storage import open_stores
from abstractruntime.storage.base import StepCommit, Stores
from abstractruntime.testing.stores import a_record, a_run

IDS = st.sampled_from(["a", "b", "c", "ü d"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5) | st.just("x" * 3000),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=5,
)
KEYS = st.sampled_from(["k", "l"])
NOW = "2026-01-01T00:00:05Z"


class Machine(RuleBasedStateMachine):
    """Does everything to two stores and compares what can be seen of them."""

    url = ""

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.reference = open_stores("memory:")
        self.lasting = open_stores(self.url.format(self.folder))
        self.live: dict[str, RunState] = {}
        self.revisions: dict[str, int] = {}
        self.clock = 0

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            try:
                self.they_agree()
            finally:
                self.lasting.close()
                shutil.rmtree(self.folder)

    @property
    def both(self) -> tuple[Stores, Stores]:
        return self.reference, self.lasting

    def moment(self) -> str:
        self.clock += 1
        return f"2026-01-01T00:{self.clock // 60:02}:{self.clock % 60:02}+00:00"

    def commit(
        self, run: RunState, expected: int | None, records: int, ops: Any, listening: str | None
    ) -> None:
        run.updated_at = self.moment()
        made = tuple(a_record(run, self.clock, key=f"key{self.clock % 3}") for _ in range(records))
        answers = []
        for stores in self.both:
            mine = copy.copy(run)
            try:
                answers.append(
                    stores.journal.commit(StepCommit(mine, expected, made, ops, listening=listening))
                )
            except StaleRevision:
                answers.append(-1)
        assert answers[0] == answers[1]
        if answers[0] > 0:
            self.revisions[run.run_id] = answers[0]

    @rule(run_id=IDS, parent=st.none() | IDS, value=VALUES, records=st.integers(0, 2))
    def create(self, run_id: str, parent: str | None, value: Any, records: int) -> None:
        if run_id in self.live:
            return
        run = a_run(run_id, parent_run_id=parent, vars={"v": value, "list": []})
        self.commit(run, None, records, None, None)
        run.vars = track(run.vars)
        self.live[run_id] = run

    @rule(
        run_id=IDS,
        value=VALUES,
        records=st.integers(0, 2),
        kind=st.sampled_from(["runs", "runs", "runs", "until", "key", "over", "whole", "stale"]),
        key=KEYS,
        listens=st.booleans(),
    )
    def step(self, run_id: str, value: Any, records: int, kind: str, key: str, listens: bool) -> None:
        run = self.live.get(run_id)
        if run is None:
            return
        run.vars["v"] = value
        run.vars["list"].append(self.clock)
        run.status, run.waiting, run.output = RunStatus.RUNNING, None, None
        if kind == "until":
            until = f"2026-01-01T00:00:0{self.clock % 10}Z"
            run.status, run.waiting = RunStatus.WAITING, WaitState(WaitReason.UNTIL, until=until)
        elif kind == "key":
            run.status, run.waiting = RunStatus.WAITING, WaitState(WaitReason.EVENT, wait_key=key)
        elif kind == "over":
            run.status, run.output = RunStatus.COMPLETED, {"out": value}
        ops = drain(run.vars)
        revision = self.revisions[run_id] - (1 if kind == "stale" else 0)
        self.commit(
            run, revision, records, None if kind in ("whole", "stale") else ops, key if listens else None
        )
        if kind == "stale":
            self.commit(run, self.revisions[run_id], 0, None, None)

    @rule(run_id=IDS, value=VALUES)
    def save(self, run_id: str, value: Any) -> None:
        run = a_run(run_id, vars={"v": value, "list": []}, updated_at=self.moment())
        known = self.live.get(run_id)
        if known is not None:
            run.parent_run_id = known.parent_run_id
        for stores in self.both:
            stores.runs.save(run)
        found = self.reference.journal.load(run_id)
        assert found is not None
        self.revisions[run_id] = found.revision
        run.vars = track(run.vars)
        self.live[run_id] = run

    @rule(run_id=IDS)
    def append(self, run_id: str) -> None:
        record = a_record(a_run(run_id), self.clock, key=f"key{self.clock % 3}")
        for stores in self.both:
            stores.ledger.append(record)

    @rule(run_id=IDS)
    def remove(self, run_id: str) -> None:
        answers = [stores.journal.remove(run_id) for stores in self.both]
        assert answers[0] == answers[1]
        self.live.pop(run_id, None)

    @rule()
    def reopen(self) -> None:
        self.lasting.close()
        self.lasting = open_stores(self.url.format(self.folder))

    @rule()
    def they_agree(self) -> None:
        one, other = (seen(stores) for stores in self.both)
        assert one == other


def seen(stores: Stores) -> dict[str, Any]:
    """Return all that can be seen of stores."""
    runs: Any = stores.runs
    ids = ("a", "b", "c", "ü d", "nobody")
    ledgers = {run_id: stores.ledger.list(run_id) for run_id in ids}
    checkpoints = {run_id: stores.journal.load(run_id) for run_id in ids}
    return isolated(
        {
            "runs": {
                run_id: None if found is None else [repr(found.run), found.revision]
                for run_id, found in checkpoints.items()
            },
            "ledgers": ledgers,
            "index": runs.list_run_index(),
            "due": sorted(run.run_id for run in runs.list_due_wait_until(now_iso=NOW)),
            "children": {one: sorted(r.run_id for r in runs.list_children(parent_run_id=one)) for one in ids},
            "waiting": {key: sorted(stores.journal.find_waiting(key)) for key in ("k", "l")},
            "listening": {key: sorted(stores.journal.find_listening(key)) for key in ("k", "l")},
            "keys": stores.journal.waiting_keys(""),
            "done": {one: [stores.journal.find_completed(one, f"key{n}") for n in range(3)] for one in ids},
            "past": {
                one: [repr(stores.journal.state_at(one, seq)) for seq in range(len(records) + 2)]
                for one, records in ledgers.items()
            },
        }
    )


class JsonMachine(Machine):
    url = "json://{}/stores?sync=never"


class SqliteMachine(Machine):
    url = "sqlite://{}/stores.db"


RULES = settings(
    max_examples=8,
    stateful_step_count=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestJson = JsonMachine.TestCase
TestJson.settings = RULES
TestSqlite = SqliteMachine.TestCase
TestSqlite.settings = RULES
