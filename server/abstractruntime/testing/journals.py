"""What every journal promises, as classes of tests; see `testing.stores`.

`JournalSuite` is for every journal, `HistorySuite` for those that declare the capability JOURNAL:
atomic steps, deltas, past states. `LastingSuite` is for stores that outlive their process.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from ..core.clock import utc_now_iso
from ..core.delta import drain, track
from ..core.errors import NotDurable, StaleRevision
from ..core.jsonsafe import isolated
from ..core.models import RunState, RunStatus, WaitReason, WaitState
from ..storage.artifact_contract import artifact_ref
from ..storage.base import Journal, StepCommit
from .stores import Place, a_record, a_run, refusal, waiting_run


class Driver:
    """Drives one run through a journal as the engine does, and remembers every state."""

    def __init__(self, journal: Journal, seed: int = 0, run_id: str = "r") -> None:
        self.journal = journal
        self.random = random.Random(seed)
        self.run = a_run(run_id, vars={"n": 0, "list": [], "deep": {"a": {}}})
        self.revision = journal.commit(StepCommit(self.run, None, (a_record(self.run, 0),)))
        self.states = [self.snapshot()]
        self.run.vars = track(self.run.vars)

    def snapshot(self) -> RunState:
        """Return a copy of the present state."""
        run = self.run
        copied = RunState(**{name: getattr(run, name) for name in RunState.__dataclass_fields__})
        copied.vars = isolated(run.vars)
        copied.waiting = None if run.waiting is None else WaitState(**vars(run.waiting))
        return copied

    def step(self, *, records: int = 1, whole: bool = False) -> None:
        """Commit the changes made since the last commit."""
        self.run.updated_at = utc_now_iso()
        ops = drain(self.run.vars)
        made = tuple(a_record(self.run, len(self.states)) for _ in range(records))
        step = StepCommit(self.run, self.revision, made, None if whole else ops)
        self.revision = self.journal.commit(step)
        self.states += [self.snapshot()] * records

    def change(self) -> None:
        """Change the variables somehow."""
        pick, state = self.random.randrange, self.run.vars
        state["n"] += 1
        self.run.current_node = f"node{pick(5)}"
        for _ in range(pick(3)):
            choice = pick(8)
            if choice == 0:
                state["list"].append({"i": pick(100), "text": "ü" * pick(200)})
            elif choice == 1 and state["list"]:
                state["list"].pop(pick(len(state["list"])))
            elif choice == 2 and state["list"]:
                state["list"][pick(len(state["list"]))]["seen"] = pick(9)
            elif choice == 3:
                state["deep"]["a"][str(pick(6))] = {"x": [pick(9)]}
            elif choice == 4:
                state["deep"]["a"].pop(str(pick(6)), None)
            elif choice == 5:
                state["big"] = "x" * pick(20_000)
            elif choice == 6:
                state["alias"] = state["deep"]
                state["deep"]["n"] = pick(9)
            else:
                state.pop("big", None)

    def live(self, steps: int) -> None:
        """Take steps of all kinds: silent ones, whole ones, parks and wakes."""
        for _ in range(steps):
            self.change()
            kind = self.random.randrange(10)
            if kind == 0:
                self.run.status = RunStatus.WAITING
                self.run.waiting = WaitState(WaitReason.UNTIL, until="2030-01-01T00:00:00Z")
            elif kind == 1:
                self.run.status = RunStatus.WAITING
                self.run.waiting = WaitState(WaitReason.USER, wait_key="k", prompt="Well?")
            else:
                self.run.status, self.run.waiting = RunStatus.RUNNING, None
            self.step(records=self.random.choice((0, 1, 1, 2)), whole=kind == 2)


def _race(gate: threading.Barrier, journal: Journal, step: StepCommit, outcomes: list[object]) -> None:
    gate.wait()
    try:
        outcomes.append(journal.commit(step))
    except StaleRevision as error:
        outcomes.append(error)


def _at_once(count: int, target: Callable[[], None]) -> None:
    threads = [threading.Thread(target=target) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class JournalSuite:
    """What every journal promises."""

    def test_a_commit_creates_a_run_and_its_records(self, place: Place) -> None:
        stores = place.open()
        run = a_run("r", vars={"ü": [1]})
        revision = stores.journal.commit(StepCommit(run, None, (a_record(run, 1), a_record(run, 2))))
        found = stores.journal.load("r")
        assert found is not None
        assert (found.run, found.revision) == (run, revision)
        assert stores.runs.load("r") == run
        assert [record["result"]["number"] for record in stores.ledger.list("r")] == [1, 2]
        assert stores.journal.load("nobody") is None
        assert stores.journal.load("") is None

    def test_deltas_folded_are_the_whole_state(self, place: Place) -> None:
        for seed in range(4):
            stores = place.open()
            driver = Driver(stores.journal, seed, f"run{seed}")
            for _ in range(25):
                driver.live(1)
                found = stores.journal.load(driver.run.run_id)
                assert found is not None
                assert (found.run, found.revision) == (driver.snapshot(), driver.revision)
            assert stores.runs.load(driver.run.run_id) == driver.snapshot()

    def test_a_stale_revision_is_refused_and_nothing_is_written(self, place: Place) -> None:
        stores = place.open()
        run = a_run("r", vars={"n": 1})
        first = stores.journal.commit(StepCommit(run, None))
        other = a_run("r", vars={"n": 2})
        second = stores.journal.commit(StepCommit(other, first))
        assert second > first
        for expected in (first, None):
            late = StepCommit(a_run("r", vars={"n": 3}), expected, (a_record(run, 3),))
            assert "'r'" in str(refusal(StaleRevision, partial(stores.journal.commit, late)))
        assert stores.runs.load("r") == other
        assert stores.ledger.list("r") == []
        assert "'gone'" in str(refusal(KeyError, lambda: stores.journal.commit(StepCommit(a_run("gone"), 3))))

    def test_what_is_not_json_is_refused_with_its_place_and_nothing_is_written(self, place: Place) -> None:
        stores = place.open()
        driver = Driver(stores.journal)
        good = driver.snapshot()
        bad = a_record(driver.run, 2, result={"items": [{1, 2}]})
        step = StepCommit(driver.run, driver.revision, (a_record(driver.run, 1), bad), ())
        assert "record.result.items[0]" in str(refusal(NotDurable, lambda: stores.journal.commit(step)))
        whole = StepCommit(a_run("r", vars={"f": float("nan")}), driver.revision)
        assert refusal(NotDurable, lambda: stores.journal.commit(whole)).path == "vars.f"
        odd = StepCommit(a_run("r", output={"o": b""}, status=RunStatus.COMPLETED), driver.revision, (), ())
        assert "output.o" in str(refusal(NotDurable, lambda: stores.journal.commit(odd)))
        found = stores.journal.load("r")
        assert found is not None
        assert (found.run, found.revision) == (good, driver.revision)
        assert len(stores.ledger.list("r")) == 1

    def test_without_operations_the_stored_variables_stay(self, place: Place) -> None:
        stores = place.open()
        driver = Driver(stores.journal)
        driver.run.vars["n"] = "unfinished"
        for status, wait in (
            (RunStatus.RUNNING, None),
            (RunStatus.WAITING, WaitState(WaitReason.USER, wait_key="k")),
        ):
            driver.run.current_node, driver.run.status, driver.run.waiting = (
                f"at {status.value}",
                status,
                wait,
            )
            step = StepCommit(driver.run, driver.revision, (a_record(driver.run, 1),), ())
            driver.revision = stores.journal.commit(step)
            found = stores.runs.load("r")
            assert found is not None
            assert found.vars["n"] == 0
            assert (found.current_node, found.status, found.waiting) == (f"at {status.value}", status, wait)
        driver.run.status, driver.run.waiting = RunStatus.RUNNING, None
        driver.step()
        assert stores.runs.load("r") == driver.snapshot()

    def test_a_rest_is_found_and_a_wake_ends_it(self, place: Place) -> None:
        stores = place.open()
        runs: Any = stores.runs
        driver = Driver(stores.journal)
        driver.run.status = RunStatus.WAITING
        driver.run.waiting = WaitState(WaitReason.EVENT, wait_key="evt:session:go", prompt="?")
        driver.step()
        assert stores.journal.find_waiting("evt:session:go") == ["r"]
        assert stores.journal.find_waiting("evt:session") == []
        assert stores.journal.waiting_keys("evt:") == ["evt:session:go"]
        assert stores.journal.waiting_keys("evt;") == []
        assert [run.run_id for run in runs.list_runs(status=RunStatus.WAITING)] == ["r"]
        driver.run.waiting = WaitState(WaitReason.UNTIL, until="2026-01-01T00:00:00Z")
        driver.step()
        assert stores.journal.find_waiting("evt:session:go") == []
        assert stores.journal.waiting_keys("evt:") == []
        assert [run.run_id for run in runs.list_due_wait_until(now_iso="2026-01-01T00:00:00Z")] == ["r"]
        driver.run.status, driver.run.waiting = RunStatus.RUNNING, None
        driver.step()
        assert runs.list_due_wait_until(now_iso="2026-01-01T00:00:00Z") == []
        assert runs.list_runs(status=RunStatus.WAITING) == []
        assert runs.list_runs(status=RunStatus.RUNNING) == [driver.snapshot()]
        driver.run.status, driver.run.output = RunStatus.COMPLETED, {"done": [1]}
        driver.step()
        assert runs.list_runs(status=RunStatus.RUNNING) == []
        assert runs.list_run_index(status=RunStatus.COMPLETED)[0]["updated_at"] == driver.run.updated_at

    def test_a_listener_is_found_until_it_is_over(self, place: Place) -> None:
        journal = place.open().journal
        driver = Driver(journal)
        run = driver.run
        for key in ("evt:session:s:a", "evt:session:s:b"):
            run.vars.setdefault("_runtime", {})["listening"] = key
            made = (a_record(run, 1),)
            step = StepCommit(run, driver.revision, made, drain(run.vars), listening=key)
            driver.revision = journal.commit(step)
            driver.step()
            assert journal.find_listening(key) == ["r"]
        assert journal.find_listening("evt:session:s:a") == []
        run.status, run.waiting = RunStatus.WAITING, WaitState(WaitReason.USER, wait_key="k")
        driver.step()
        assert journal.find_listening("evt:session:s:b") == ["r"]
        run.status, run.waiting = RunStatus.COMPLETED, None
        driver.step()
        assert journal.find_listening("evt:session:s:b") == []

    def test_runs_that_may_point_to_an_artifact_are_told(self, place: Place) -> None:
        stores = place.open()
        journal, ref = stores.journal, artifact_ref("0123")
        for run_id, vars in (("none", {"text": "x"}), ("begun", {"got": ref}), ("heard", {})):
            run = a_run(run_id, vars=vars)
            journal.commit(StepCommit(run, None, (a_record(run, 1),)))
        for run_id, records in (("with record", 1), ("without", 0)):
            driver = Driver(journal, run_id=run_id)
            driver.run.vars["deep"]["a"]["got"] = [ref]
            driver.step(records=records)
        heard = a_record(a_run("heard"), 2)
        heard.result = {"heard": [ref]}
        stores.ledger.append(heard)
        stores.runs.save(a_run("saved", vars={"got": {"artifact_id": "0123"}}))
        told = journal.with_artifacts()
        assert told is None or told == {"begun", "with record", "without", "heard", "saved"}

    def test_a_running_run_is_listed_by_its_latest_step(self, place: Place) -> None:
        stores = place.open()
        runs: Any = stores.runs
        driver = Driver(stores.journal)
        runs.save(waiting_run("rests", key="k", updated_at="2026-02-01T00:00:00+00:00"))
        assert [row["run_id"] for row in runs.list_run_index()] == ["rests", "r"]
        driver.step()
        assert [row["run_id"] for row in runs.list_run_index()] == ["r", "rests"]
        assert runs.list_run_index()[0]["updated_at"] == driver.run.updated_at
        assert [row["run_id"] for row in runs.list_run_index(workflow_id="w")] == ["r", "rests"]
        assert [row["run_id"] for row in runs.list_run_index(session_id="session")] == ["r", "rests"]

    def test_several_runs_change_together(self, place: Place) -> None:
        stores = place.open()
        parent, child = a_run("parent"), a_run("child", parent_run_id="parent")
        first = stores.journal.commit(StepCommit(parent, None))
        steps = [
            StepCommit(child, None, (a_record(child, 1),)),
            StepCommit(parent, first, (a_record(parent, 2),)),
        ]
        revisions = stores.journal.commit_all(steps)
        found = [stores.journal.load(run_id) for run_id in ("child", "parent")]
        assert [one.revision for one in found if one is not None] == revisions
        assert len(stores.ledger.list("child")) == len(stores.ledger.list("parent")) == 1

    def test_a_reusable_result_is_found_by_its_key(self, place: Place) -> None:
        stores = place.open()
        run = a_run("r")
        revision = stores.journal.commit(StepCommit(run, None, (a_record(run, 1, key="k"),)))
        stores.journal.commit(StepCommit(run, revision, (a_record(run, 2, key="k"),)))
        found = stores.journal.find_completed("r", "k")
        assert found is not None
        assert found["result"] == {"number": 1}
        assert stores.journal.find_completed("r", "other") is None
        assert stores.journal.find_completed("other", "k") is None

    def test_the_workflow_of_a_run_is_told(self, place: Place) -> None:
        stores = place.open()
        run = a_run("r")
        stores.journal.commit(StepCommit(run, None))
        assert stores.journal.workflow_of("r") == run.workflow_id
        assert stores.journal.workflow_of("other") is None

    def test_a_tree_is_read_by_position(self, place: Place) -> None:
        stores = place.open()
        journal = stores.journal
        made: dict[str, RunState] = {}
        at: dict[str, int] = {}
        for run_id, parent in (("root", None), ("child", "root"), ("grandchild", "child"), ("other", None)):
            made[run_id] = a_run(run_id, parent_run_id=parent)
            at[run_id] = journal.commit(StepCommit(made[run_id], None))
        order = ["root", "child", "other", "root", "grandchild", "grandchild", "child", "other", "root"]
        for number, run_id in enumerate(order):
            record = a_record(made[run_id], number)
            at[run_id] = journal.commit(StepCommit(made[run_id], at[run_id], (record,), ()))
            journal.tree_after("root", 0)
        placed = journal.tree_after("root", 0)
        family = [(number, run_id) for number, run_id in enumerate(order) if run_id != "other"]
        assert [(one.record["result"]["number"], one.run_id) for one in placed] == family
        positions = [one.position for one in placed]
        assert positions == sorted(set(positions))
        assert [one.seq for one in placed if one.run_id == "root"] == [1, 2, 3]
        for cut in range(len(placed)):
            assert journal.tree_after("root", placed[cut].position) == placed[cut + 1 :]
            assert journal.tree_after("root", placed[cut].position, limit=2) == placed[cut + 1 : cut + 3]
        assert [one.run_id for one in journal.tree_after("child", 0)] == [
            run_id for run_id in order if "child" in run_id
        ]
        assert journal.tree_after("nobody", 0) == []

    def test_a_reader_of_a_tree_neither_repeats_nor_skips_while_others_write(self, place: Place) -> None:
        stores = place.open()
        stores.journal.commit(StepCommit(a_run("root"), None))
        each, writers = 20, 4

        def write(writer: int) -> None:
            run = a_run(f"child{writer}", parent_run_id="root")
            revision = stores.journal.commit(StepCommit(run, None))
            for number in range(each):
                record = a_record(run, writer * 1000 + number)
                revision = stores.journal.commit(StepCommit(run, revision, (record,), ()))

        threads = [threading.Thread(target=write, args=(writer,)) for writer in range(writers)]
        for thread in threads:
            thread.start()
        seen: list[tuple[int, int]] = []
        after = 0
        while len(seen) < each * writers:
            alive = any(thread.is_alive() for thread in threads)
            placed = stores.journal.tree_after("root", after, limit=6)
            seen += [(one.position, one.record["result"]["number"]) for one in placed]
            after = placed[-1].position if placed else after
            assert placed or alive or len(seen) == each * writers
        for thread in threads:
            thread.join()
        assert [position for position, _ in seen] == sorted({position for position, _ in seen})
        assert len({number for _, number in seen}) == each * writers

    def test_of_two_threads_at_one_revision_one_wins(self, place: Place) -> None:
        stores = place.open()
        run = a_run("r")
        revision = stores.journal.commit(StepCommit(run, None))
        for _ in range(10):
            outcomes: list[object] = []
            gate = threading.Barrier(4)
            step = StepCommit(run, revision, (a_record(run, 1),), ())
            _at_once(4, partial(_race, gate, stores.journal, step, outcomes))
            won = [outcome for outcome in outcomes if isinstance(outcome, int)]
            assert len(won) == 1
            assert len(outcomes) == 4
            revision = won[0]
        assert len(stores.ledger.list("r")) == 10

    def test_ids_may_hold_any_text(self, place: Place) -> None:
        stores = place.open()
        for run_id in place.ids:
            driver = Driver(stores.journal, run_id=run_id)
            driver.change()
            driver.step()
            assert stores.runs.load(run_id) == driver.snapshot()
            assert [one.run_id for one in stores.journal.tree_after(run_id, 0)] == [run_id, run_id]


class HistorySuite:
    """What a journal promises that declares JOURNAL."""

    def test_every_past_state_can_be_rebuilt(self, place: Place) -> None:
        for seed in range(6):
            stores = place.open()
            driver = Driver(stores.journal, seed, f"run{seed}")
            driver.live(40)
            for seq, state in enumerate(driver.states, 1):
                assert stores.journal.state_at(driver.run.run_id, seq) == state, (seed, seq)
            for seq in (0, -1, len(driver.states) + 1):
                assert stores.journal.state_at(driver.run.run_id, seq) is None
            assert stores.journal.begun(driver.run.run_id) == driver.states[0], seed
        assert stores.journal.state_at("nobody", 1) is None
        assert stores.journal.begun("nobody") is None

    def test_several_runs_change_all_or_none(self, place: Place) -> None:
        stores = place.open()
        parent, child = a_run("parent"), a_run("child", parent_run_id="parent")
        first = stores.journal.commit(StepCommit(parent, None))
        late = [StepCommit(child, None, (a_record(child, 1),)), StepCommit(parent, first + 7)]
        refusal(StaleRevision, lambda: stores.journal.commit_all(late))
        bad = [StepCommit(child, None), StepCommit(parent, first, (a_record(parent, 2, result={"x": b""}),))]
        refusal(NotDurable, lambda: stores.journal.commit_all(bad))
        assert stores.journal.load("child") is None
        assert stores.ledger.list("child") == stores.ledger.list("parent") == []
        found = stores.journal.load("parent")
        assert found is not None
        assert found.revision == first

    def test_a_plain_save_outdates_the_engine(self, place: Place) -> None:
        stores = place.open()
        driver = Driver(stores.journal)
        edited = driver.snapshot()
        edited.vars["by"] = "host"
        stores.runs.save(edited)
        driver.change()
        refusal(StaleRevision, driver.step)
        found = stores.journal.load("r")
        assert found is not None
        assert found.run == edited
        driver.run, driver.revision = found.run, found.revision
        driver.run.vars = track(driver.run.vars)
        driver.change()
        driver.step()
        assert stores.journal.load("r") is not None
        assert stores.journal.state_at("r", 2) == driver.snapshot()
        assert stores.journal.state_at("r", 1) == driver.states[0]

    def test_plain_saves_and_appends_go_on_beside_steps(self, place: Place) -> None:
        stores = place.open()
        stores.ledger.append(a_record(a_run("r"), 9))
        driver = Driver(stores.journal)
        stores.ledger.append(a_record(driver.run, 9))
        driver.change()
        driver.step()
        assert [one.seq for one in stores.journal.tree_after("r", 0)] == [1, 2, 3, 4]
        assert stores.journal.state_at("r", 4) == driver.snapshot()
        assert stores.journal.state_at("r", 1) is None
        assert stores.journal.begun("r") == driver.states[0]


class LastingSuite:
    """What stores promise that outlive their process."""

    def test_all_is_there_when_opened_again(self, place: Place) -> None:
        stores = place.open()
        driver = Driver(stores.journal, 3)
        driver.live(30)
        placed = stores.journal.tree_after("r", 0)
        stores.close()
        again = place.open()
        found = again.journal.load("r")
        assert found is not None
        assert (found.run, found.revision) == (driver.snapshot(), driver.revision)
        assert again.journal.tree_after("r", 0) == placed
        for seq, state in enumerate(driver.states, 1):
            assert again.journal.state_at("r", seq) == state
        assert again.journal.begun("r") == driver.states[0]
        driver.journal = again.journal
        driver.live(5)
        assert again.runs.load("r") == driver.snapshot()
        assert [one.position for one in again.journal.tree_after("r", 0)][: len(placed)] == [
            one.position for one in placed
        ]

    def test_two_openings_see_each_other(self, place: Place) -> None:
        one, other = place.open(), place.open()
        driver = Driver(one.journal)
        found = other.journal.load("r")
        assert found is not None
        assert found.revision == driver.revision
        record = a_record(found.run, 5)
        other.journal.commit(StepCommit(found.run, found.revision, (record,), ()))
        driver.change()
        refusal(StaleRevision, driver.step)
        assert len(one.ledger.list("r")) == 2
