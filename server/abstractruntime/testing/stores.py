"""What every backend promises, as classes of tests: a class per contract, a method per promise.

Run by `tests/conformance/test_stores.py` over every backend that is enrolled in
`storage/backends.py` and over the wrappers. A host with stores of its own subclasses the classes and
provides `place`, a `Place` over its stores. Only plain asserts, so that nothing but the kernel is
needed here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from ..core.errors import InvalidId, NotDurable
from ..core.models import Effect, EffectType, RunState, RunStatus, StepRecord, WaitReason, WaitState
from ..storage.base import QueryableRunIndexStore, QueryableRunStore, StepCommit, Stores
from ..storage.journal import open_journal

ODD_IDS = ("plain", "a.b:c d", "%41_", "🙂-ü-\N{SNOWMAN}", "'; DROP TABLE runs; --")
PATH_LIKE_IDS = ("with/slash", "..", "../up", "/root", "%_\\", "C:\\x", ".hidden")


class Place:
    """Where a suite keeps its stores: `open()` opens them, again and again the same ones.

    Stores whose ids are names of files take none that look like a path: `takes_paths=False`.
    """

    def __init__(self, opener: Callable[[], Stores], *, takes_paths: bool = True) -> None:
        self._opener = opener
        self.ids = (*ODD_IDS, *PATH_LIKE_IDS) if takes_paths else ODD_IDS
        self.refused_ids = () if takes_paths else PATH_LIKE_IDS
        self._opened: list[Stores] = []

    def open(self) -> Stores:
        """Open the stores; what is not lasting starts empty."""
        stores = self._opener()
        self._opened.append(stores)
        return stores

    def close(self) -> None:
        """Close all that was opened."""
        while self._opened:
            self._opened.pop().close()


def refusal(kind: type[BaseException], call: Callable[[], object]) -> Any:
    """Return the error of that kind which the call must raise."""
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was expected")


def a_run(run_id: str = "r", **fields: Any) -> RunState:
    """Make a run with every field filled."""
    given: dict[str, Any] = {
        "run_id": run_id,
        "workflow_id": "w",
        "status": RunStatus.RUNNING,
        "current_node": "n",
        "vars": {"n": 0},
        "created_at": "2026-01-01T00:00:00+00:00",
        "updated_at": "2026-01-01T00:00:00+00:00",
        "actor_id": "actor",
        "session_id": "session",
    }
    return RunState(**{**given, **fields})


def waiting_run(run_id: str, until: str | None = None, key: str | None = None, **fields: Any) -> RunState:
    """Make a run that waits for a moment, or for a person."""
    reason = WaitReason.UNTIL if until is not None else WaitReason.USER
    wait = WaitState(reason, wait_key=key, until=until, resume_to_node="next", prompt="Well?")
    return a_run(run_id, status=RunStatus.WAITING, waiting=wait, **fields)


def a_record(run: RunState, number: int = 0, **fields: Any) -> StepRecord:
    """Make a finished record; `key` makes its result reusable."""
    effect = Effect(EffectType.ANSWER_USER, {"number": number, "text": "grüße 🙂"})
    key = fields.pop("key", None)
    record = StepRecord.start(run=run, node_id=f"n{number}", effect=effect, idempotency_key=key)
    record.finish_success({"number": number})
    for name, value in fields.items():
        setattr(record, name, value)
    return record


class RunStoreSuite:
    """What a RunStore promises."""

    def test_it_loads_what_was_saved(self, place: Place) -> None:
        run = waiting_run("r", key="k", vars={"z": [1, 2.5, None, True, "ü 🙂"], "a": {"b": {"c": []}}})
        run.output, run.error, run.parent_run_id = {"out": 1}, "err", "parent"
        assert run.waiting is not None
        run.waiting.details, run.waiting.choices, run.waiting.allow_free_text = {"d": [1]}, ["x"], False
        store = place.open().runs
        store.save(run)
        found = store.load("r")
        assert found == run
        assert found is not None
        assert list(found.vars) == ["z", "a"]
        assert isinstance(found.status, RunStatus)

    def test_an_unknown_run_is_none(self, place: Place) -> None:
        store = place.open().runs
        assert store.load("nobody") is None
        assert store.load("") is None

    def test_the_last_save_wins(self, place: Place) -> None:
        store = place.open().runs
        store.save(a_run("r", vars={"old": 1, "n": 1}))
        store.save(a_run("r", vars={"n": 2}, workflow_id="other", session_id=None))
        assert store.load("r") == a_run("r", vars={"n": 2}, workflow_id="other", session_id=None)

    def test_state_is_shared_with_nobody(self, place: Place) -> None:
        store = place.open().runs
        run = a_run("r", vars={"list": []})
        store.save(run)
        run.vars["list"].append("after saving")
        first = store.load("r")
        assert first is not None
        first.vars["list"].append("after loading")
        second = store.load("r")
        assert second is not None
        assert second.vars == {"list": []}

    def test_ids_may_hold_any_text(self, place: Place) -> None:
        store = place.open().runs
        for run_id in place.ids:
            store.save(a_run(run_id, vars={"me": run_id}))
        for run_id in place.ids:
            found = store.load(run_id)
            assert found is not None
            assert (found.run_id, found.vars) == (run_id, {"me": run_id})

    def test_ids_that_are_refused_leave_the_store_as_it_was(self, place: Place) -> None:
        store = place.open().runs
        for run_id in place.refused_ids:
            refusal(InvalidId, lambda run_id=run_id: store.save(a_run(run_id)))  # type: ignore[misc]
            refusal(InvalidId, lambda run_id=run_id: store.load(run_id))  # type: ignore[misc]
        if isinstance(store, QueryableRunStore):
            assert store.list_runs() == []

    def test_a_run_without_an_id_is_refused(self, place: Place) -> None:
        store = place.open().runs
        refusal(ValueError, lambda: store.save(a_run("")))
        assert store.load("") is None

    def test_a_large_state_comes_back_whole(self, place: Place) -> None:
        store = place.open().runs
        run = a_run("r", vars={"rows": [{"i": i, "text": "ü" * 50} for i in range(3000)]})
        for _ in range(3):
            run.vars["rows"].append({"last": True})
            store.save(run)
            assert store.load("r") == run
        small = a_run("r", vars={})
        store.save(small)
        assert store.load("r") == small

    def test_what_is_not_json_is_refused_with_its_place_and_nothing_is_written(self, place: Place) -> None:
        store = place.open().runs
        store.save(a_run("r", vars={"n": 1}))
        bad = a_run("r", vars={"n": 2, "list": [0, {"when": {1}}]})
        assert refusal(NotDurable, lambda: store.save(bad)).path == "vars.list[1].when"
        assert isinstance(refusal(TypeError, lambda: store.save(a_run("x", vars={1: 2}))), NotDurable)
        assert "output.x" in str(refusal(NotDurable, lambda: store.save(a_run("x", output={"x": b""}))))
        assert store.load("r") == a_run("r", vars={"n": 1})
        assert store.load("x") is None


class QuerySuite:
    """What a run store promises that can be searched."""

    def test_parents_of_children_that_are_over_are_found(self, place: Place) -> None:
        runs = place.open().runs
        find = getattr(runs, "perhaps_stranded", None)
        for child_id, status in (
            ("over", RunStatus.FAILED),
            ("second", RunStatus.COMPLETED),
            ("busy", RunStatus.RUNNING),
        ):
            child = a_run(child_id, parent_run_id="several" if child_id == "second" else None)
            child.status = status
            runs.save(child)
        for run_id, child_id in (("parent", "over"), ("several", "busy"), ("other", "busy"), ("odd", "gone")):
            runs.save(waiting_run(run_id, key=f"subworkflow:{child_id}"))
        runs.save(waiting_run("listener", key="over"))
        assert find is None or sorted(find()) == ["parent", "several"]

    def test_runs_that_run_are_told_with_their_last_touch(self, place: Place) -> None:
        stores = place.open()
        running = getattr(stores.runs, "running", None)
        for number, run_id in enumerate(("first", "second", "third")):
            stores.runs.save(a_run(run_id, updated_at=f"1970-01-01T00:00:0{number}+00:00"))
        stores.runs.save(waiting_run("rests", key="k"))
        journal = open_journal(stores.runs, stores.ledger)
        found = journal.load("first")
        assert found is not None
        found.run.updated_at = "1970-01-01T01:00:09+01:00"
        journal.commit(StepCommit(found.run, found.revision, (a_record(found.run),), ()))
        latest = [("first", 9_000_000), ("third", 2_000_000), ("second", 1_000_000)]
        assert running is None or running(limit=9) == latest
        assert running is None or running(limit=1) == latest[:1]

    def test_it_has_both_query_contracts(self, place: Place) -> None:
        store = place.open().runs
        assert isinstance(store, QueryableRunStore)
        assert isinstance(store, QueryableRunIndexStore)

    def test_runs_are_listed_newest_first_and_filtered(self, place: Place) -> None:
        store: Any = place.open().runs
        store.save(a_run("old", updated_at="2026-01-01T10:00:00+00:00", workflow_id="w1"))
        store.save(a_run("new", updated_at="2026-01-01T12:30:00+01:00", workflow_id="w1"))
        store.save(waiting_run("middle", key="k", updated_at="2026-01-01T11:00:00Z", workflow_id="w2"))
        store.save(a_run("over", status=RunStatus.FAILED, updated_at="2026-01-01T09:00:00Z"))

        def ids(**wanted: Any) -> list[str]:
            return [run.run_id for run in store.list_runs(**wanted)]

        assert ids() == ["new", "middle", "old", "over"]
        assert ids(limit=2) == ["new", "middle"]
        assert ids(limit=0) == []
        assert ids(status=RunStatus.RUNNING) == ["new", "old"]
        assert ids(status=RunStatus.WAITING, wait_reason=WaitReason.USER) == ["middle"]
        assert ids(wait_reason=WaitReason.UNTIL) == []
        assert ids(workflow_id="w1", limit=1) == ["new"]
        assert ids(workflow_id="w2", status=RunStatus.RUNNING) == []
        assert store.list_runs(status=RunStatus.WAITING)[0] == store.load("middle")

    def test_the_index_lists_columns(self, place: Place) -> None:
        store: Any = place.open().runs
        store.save(a_run("root", updated_at="2026-01-01T10:00:00+00:00"))
        store.save(
            waiting_run(
                "child",
                until="2027-01-01T00:00:00+00:00",
                parent_run_id="root",
                updated_at="2026-01-01T11:00:00+00:00",
                session_id="other",
            )
        )
        rows = store.list_run_index()
        assert [row["run_id"] for row in rows] == ["child", "root"]
        assert rows[0] == {
            "run_id": "child",
            "workflow_id": "w",
            "status": "waiting",
            "wait_reason": "until",
            "wait_until": "2027-01-01T00:00:00+00:00",
            "parent_run_id": "root",
            "actor_id": "actor",
            "session_id": "other",
            "created_at": "2026-01-01T00:00:00+00:00",
            "updated_at": "2026-01-01T11:00:00+00:00",
        }
        assert rows[1]["wait_reason"] is None
        assert [row["run_id"] for row in store.list_run_index(root_only=True)] == ["root"]
        assert [row["run_id"] for row in store.list_run_index(session_id="other")] == ["child"]
        assert store.list_run_index(workflow_id="none") == []
        assert [row["run_id"] for row in store.list_run_index(status=RunStatus.RUNNING)] == ["root"]
        assert len(store.list_run_index(limit=1)) == 1

    def test_due_runs_are_found_by_instant_earliest_first(self, place: Place) -> None:
        store: Any = place.open().runs
        store.save(waiting_run("second", until="2026-01-01T12:00:00+02:00"))
        store.save(waiting_run("first", until="2026-01-01T09:59:59.999999Z"))
        store.save(waiting_run("third", until="2026-01-01T10:00:01"))
        store.save(waiting_run("person", key="k"))
        store.save(a_run("running"))

        def due(now: str, limit: int = 100) -> list[str]:
            return [run.run_id for run in store.list_due_wait_until(now_iso=now, limit=limit)]

        assert due("2026-01-01T09:59:59+00:00") == []
        assert due("2026-01-01T10:00:00Z") == ["first", "second"]
        assert due("2026-01-01T11:00:01+01:00") == ["first", "second", "third"]
        assert due("2026-01-01T10:00:01Z", limit=1) == ["first"]
        store.save(a_run("first"))
        store.save(waiting_run("second", until="2030-01-01T00:00:00Z"))
        assert due("2026-02-01T00:00:00Z") == ["third"]

    def test_children_are_direct_and_filtered(self, place: Place) -> None:
        store: Any = place.open().runs
        store.save(a_run("root"))
        store.save(a_run("a", parent_run_id="root", created_at="2026-01-01T00:00:01+00:00"))
        done = a_run("b", parent_run_id="root", created_at="2026-01-01T00:00:02+00:00")
        done.status = RunStatus.COMPLETED
        store.save(done)
        store.save(a_run("grandchild", parent_run_id="a"))
        assert [run.run_id for run in store.list_children(parent_run_id="root")] == ["a", "b"]
        found = store.list_children(parent_run_id="root", status=RunStatus.COMPLETED)
        assert [run.run_id for run in found] == ["b"]
        assert store.list_children(parent_run_id="nobody") == []


class LedgerSuite:
    """What a LedgerStore promises."""

    def test_records_keep_their_order_and_their_form(self, place: Place) -> None:
        ledger = place.open().ledger
        run = a_run("r")
        started = StepRecord.start(run=run, node_id="n", effect=None, idempotency_key="k")
        ledger.append(started)
        ledger.append(a_record(run, 1))
        ledger.append(a_record(a_run("other"), 2))
        first, second = ledger.list("r")
        assert list(first) == list(StepRecord.__dataclass_fields__)
        assert first["status"] == "started"
        assert first["step_id"] == started.step_id
        assert second["effect"]["payload"] == {"number": 1, "text": "grüße 🙂"}
        assert second["result"] == {"number": 1}
        assert ledger.list("nobody") == []

    def test_records_are_shared_with_nobody(self, place: Place) -> None:
        ledger = place.open().ledger
        record = a_record(a_run("r"), 1)
        ledger.append(record)
        assert record.result is not None
        record.result["number"] = "after appending"
        ledger.list("r")[0]["result"]["number"] = "after listing"
        assert ledger.list("r")[0]["result"] == {"number": 1}

    def test_ids_may_hold_any_text(self, place: Place) -> None:
        ledger = place.open().ledger
        for number, run_id in enumerate(place.ids):
            ledger.append(a_record(a_run(run_id), number))
        for number, run_id in enumerate(place.ids):
            assert [record["result"] for record in ledger.list(run_id)] == [{"number": number}]
        for run_id in place.refused_ids:
            refusal(InvalidId, lambda run_id=run_id: ledger.append(a_record(a_run(run_id))))  # type: ignore[misc]
            refusal(InvalidId, lambda run_id=run_id: ledger.list(run_id))  # type: ignore[misc]

    def test_what_is_not_json_is_refused_with_its_place_and_nothing_is_written(self, place: Place) -> None:
        ledger = place.open().ledger
        error = refusal(NotDurable, lambda: ledger.append(a_record(a_run("r"), 7, result={"x": [object()]})))
        assert "record.result.x[0]" in str(error)
        assert "'n7'" in str(error)
        assert ledger.list("r") == []

    def test_a_record_without_a_run_is_refused(self, place: Place) -> None:
        ledger = place.open().ledger
        refusal(ValueError, lambda: ledger.append(a_record(a_run(""))))
        assert ledger.list("") == []

    def test_a_reusable_result_is_found_by_its_key(self, place: Place) -> None:
        ledger = place.open().ledger
        run = a_run("r")
        ledger.append(StepRecord.start(run=run, node_id="n", effect=None, idempotency_key="k"))
        assert ledger.find_completed("r", "k") is None
        ledger.append(a_record(run, 0, key="k").finish_failure("no"))
        assert ledger.find_completed("r", "k") is None
        ledger.append(a_record(run, 0, key="k0").finish_success(None))
        nothing = ledger.find_completed("r", "k0")
        assert nothing is not None
        assert nothing["result"] is None
        ledger.append(a_record(run, 1, key="k"))
        ledger.append(a_record(run, 2, key="k"))
        ledger.append(a_record(a_run("other"), 3, key="k2"))
        found = ledger.find_completed("r", "k")
        assert found is not None
        assert found["result"] == {"number": 1}
        assert ledger.find_completed("r", "k2") is None

    def test_counts_and_metrics_are_of_known_runs(self, place: Place) -> None:
        ledger: Any = place.open().ledger
        run = a_run("r")
        calls: dict[str, Any] = {
            "type": "tool_calls",
            "payload": {"tool_calls": [{}, {}]},
            "result_key": None,
        }
        model: dict[str, Any] = {"type": "llm_call", "payload": {}, "result_key": None}
        ledger.append(a_record(run, 1, effect=calls))
        ledger.append(a_record(run, 2, effect=model, result={"usage": {"total_tokens": 5}}))
        ledger.append(StepRecord.start(run=a_run("s"), node_id="n", effect=None))
        assert (ledger.count("r"), ledger.count("nobody")) == (2, 0)
        assert ledger.count_many(["r", "s", "nobody"]) == {"r": 2, "s": 1}
        assert ledger.metrics_many(["r", "s", "nobody"]) == {
            "r": {"steps": 2, "llm_calls": 1, "tool_calls": 2, "tokens_total": 5}
        }

    def test_pages_follow_each_other(self, place: Place) -> None:
        ledger: Any = place.open().ledger
        for number in range(5):
            ledger.append(a_record(a_run("r"), number))
        assert ledger.list_after(run_id="r", after=5) == ([], 5)
        assert ledger.list_after(run_id="nobody", after=3) == ([], 3)
        records, after = ledger.list_after(run_id="r", after=1, limit=2)
        assert ([record["result"]["number"] for record in records], after) == ([1, 2], 3)

    def test_a_reader_by_pages_neither_repeats_nor_skips_while_others_append(self, place: Place) -> None:
        ledger: Any = place.open().ledger
        writers, each = 4, 25

        def write(writer: int) -> None:
            for number in range(each):
                ledger.append(a_record(a_run("r"), writer * 1000 + number))

        threads = [threading.Thread(target=write, args=(writer,)) for writer in range(writers)]
        for thread in threads:
            thread.start()
        seen: list[int] = []
        after = 0
        while len(seen) < writers * each:
            alive = any(thread.is_alive() for thread in threads)
            records, after = ledger.list_after(run_id="r", after=after, limit=7)
            seen += [record["result"]["number"] for record in records]
            assert records or alive or after == writers * each
        for thread in threads:
            thread.join()
        assert len(set(seen)) == writers * each
        for writer in range(writers):
            mine = [number for number in seen if number // 1000 == writer]
            assert mine == sorted(mine)
        assert [record["result"]["number"] for record in ledger.list("r")] == seen
