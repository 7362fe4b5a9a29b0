"""A step held back to share a commit with what comes next: nobody can tell, but for the number of commits."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abstractruntime import Effect, EffectType, RunState, RunStatus, Runtime, StepPlan, WorkflowSpec
from abstractruntime.core import RuntimeConfig
from abstractruntime.core.runtime import EffectOutcome
from abstractruntime.storage import ObservableLedgerStore, Stores, open_stores
from abstractruntime.storage.base import StepCommit
from abstractruntime.testing.flows import ask_for, end, flow, move

OUT, IN = EffectType.LLM_CALL, EffectType.MEMORY_KG_QUERY
KINDS = ("pure", "outside", "inside", "ask", "wait_event", "fails", "raises", "stop")


class Clock:
    """Moves on by a second whenever it is read, so that every reading can be told apart."""

    def __init__(self) -> None:
        self.at = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


def act(run: RunState, effect: Effect) -> EffectOutcome:
    if effect.payload["kind"] == "fails":
        return EffectOutcome.failed("no luck")
    return EffectOutcome.completed({"n": effect.payload["n"], "seen": []})


def act_inside(run: RunState, effect: Effect) -> EffectOutcome:
    return act(run, effect)


act_inside.external = False  # type: ignore[attr-defined]


def program(kinds: list[str]) -> WorkflowSpec:
    """Return a workflow of these steps in a row; every node changes what the ones before it left."""

    def node(number: int, kind: str) -> Any:
        name, after = f"n{number}", f"n{number + 1}"

        def handler(run: RunState, context: Any) -> StepPlan:
            run.vars["trail"].append(name)
            if isinstance(run.vars.get("last"), dict):
                run.vars["last"].setdefault("seen", []).append(name)
            if kind == "raises":
                raise ValueError("out of order")
            if kind == "stop":
                return StepPlan(name, complete_output={"trail": list(run.vars["trail"])})
            if kind == "pure":
                return StepPlan(name, next_node=after)
            payload = {"kind": kind, "n": number, "trail": run.vars["trail"], "prompt": "?", "name": "bell"}
            types = {"ask": EffectType.ASK_USER, "wait_event": EffectType.WAIT_EVENT, "inside": IN}
            return StepPlan(name, effect=Effect(types.get(kind, OUT), payload, "last"), next_node=after)

        return handler

    steps = {f"n{number}": node(number, kind) for number, kind in enumerate([*kinds, "stop"])}
    return flow("n0", "program", **steps)


def story(stores: Stores, kinds: list[str], stride: int, visits: bool) -> dict[str, Any]:
    """Live a program in ticks of some steps; return all that can be seen of it afterwards."""
    told: list[dict[str, Any]] = []
    ledger = ObservableLedgerStore(stores.ledger)
    ledger.subscribe(told.append)
    runtime, spec = (
        Runtime(
            run_store=stores.runs,
            ledger_store=ledger,
            effect_handlers={OUT: act, IN: act_inside},
            config=RuntimeConfig(record_visits=visits, record_traces=False, node_errors="fail", lease_s=0),
            clock=Clock(),
        ),
        program(kinds),
    )
    run_id = runtime.start(spec, {"trail": []}, run_id="run")
    for _ in range(5 * len(kinds) + 5):
        run = runtime.tick(spec, run_id, stride)
        if run.status is RunStatus.WAITING:
            run = runtime.resume(spec, run_id, None, {"response": "yes"}, max_steps=0)
        if run.status.is_over:
            break
    records = runtime.get_ledger(run_id)
    assert [record["step_id"] for record in told] == [record["step_id"] for record in records]
    assert told == records
    states = [runtime.journal.state_at(run_id, seq + 1) for seq in range(len(records))]
    names: dict[str, int] = {}
    for record in records:
        record["step_id"] = names.setdefault(record["step_id"], len(names))
    return {"records": records, "states": states, "end": runtime.get_state(run_id)}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(KINDS), max_size=8), st.booleans())
def test_one_tick_and_a_tick_per_step_tell_the_same(kinds: list[str], visits: bool) -> None:
    slow = story(open_stores("memory:"), kinds, 1, visits)
    assert slow["end"].status.is_over
    for stride in (2, 100):
        assert story(open_stores("memory:"), kinds, stride, visits) == slow


def test_on_disk_too(tmp_path: Any) -> None:
    kinds = ["outside", "outside", "pure", "outside", "ask", "outside", "inside", "outside", "outside"]
    found = []
    for stride in (1, 100):
        stores = open_stores(f"sqlite://{tmp_path}/{stride}.db")
        found.append(story(stores, kinds, stride, True))
        stores.close()
    assert found[0] == found[1] == story(open_stores("memory:"), kinds, 100, True)


def chain(length: int, between: Any = None, grows: int = 0) -> WorkflowSpec:
    """Return a workflow of so many external effects; `between` is called by every node but the first."""

    def step(run: RunState, context: Any) -> StepPlan:
        run.vars["n"] += 1
        run.vars["kept"].append("x" * grows)
        if run.vars["n"] > 1 and between is not None:
            between(run)
        if run.vars["n"] > length:
            return StepPlan("step", complete_output={"n": run.vars["n"]})
        payload = {"kind": "outside", "n": run.vars["n"]}
        return StepPlan("step", effect=Effect(OUT, payload, "last"), next_node="step")

    return flow("step", "chain", step=step)


def counted(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> list[StepCommit]:
    """Return a list of all commits to come."""
    commits: list[StepCommit] = []
    commit = stores.journal.commit

    def one(step: StepCommit) -> int:
        commits.append(step)
        return commit(step)

    monkeypatch.setattr(stores.journal, "commit", one)
    monkeypatch.setattr("abstractruntime.core.runtime.open_journal", lambda runs, ledger: stores.journal)
    return commits


def over(stores: Stores, handler: Any = act, **options: Any) -> Runtime:
    return Runtime(
        run_store=stores.runs, ledger_store=stores.ledger, effect_handlers={OUT: handler}, **options
    )


@pytest.mark.parametrize("stores", ["memory", "sqlite"], indirect=True)
def test_a_chain_of_external_effects_has_one_commit_a_step(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = counted(stores, monkeypatch)
    runtime, spec = over(stores), chain(10)
    run = runtime.tick(spec, runtime.start(spec, {"n": 0, "kept": []}))
    assert run.output == {"n": 11}
    assert len(commits) == 1 + 1 + 9 + 1 + 1  # start, first STARTED, shared ones, last outcome, end
    shared = [[record.status.value for record in step.records] for step in commits[2:-2]]
    assert shared == [["completed", "started"]] * 9
    assert all(step.durable for step in commits[:-2])


@pytest.mark.parametrize("length", [5, 60])
@pytest.mark.parametrize("stores", ["memory", "json", "sqlite"], indirect=True)
def test_a_state_is_not_read_again_at_every_step(
    stores: Stores, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted(stores, monkeypatch)
    loads, load = [], stores.journal.load
    monkeypatch.setattr(stores.journal, "load", lambda run_id: loads.append(run_id) or load(run_id))
    runtime, spec = over(stores), chain(length)
    run_id = runtime.start(spec, {"n": 0, "kept": []})
    assert runtime.tick(spec, run_id).output == {"n": length + 1}
    assert len(loads) <= 2, "a pause is seen by the revision of the next commit"


@pytest.mark.parametrize("stores", ["memory", "sqlite"], indirect=True)
def test_no_record_is_copied_member_by_member(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> Any:
        raise AssertionError("a deep copy was made")

    ledger, heard = ObservableLedgerStore(stores.ledger), []
    ledger.subscribe(heard.append)
    runtime = Runtime(run_store=stores.runs, ledger_store=ledger, effect_handlers={OUT: act})
    spec = chain(5)
    for name in ("copy.deepcopy", "copy.copy", "dataclasses.asdict"):
        monkeypatch.setattr(name, refused)
    run_id = runtime.start(spec, {"n": 0, "kept": []})
    assert runtime.tick(spec, run_id).output == {"n": 6}
    assert heard == stores.ledger.list(run_id)


@pytest.mark.parametrize("stores", ["memory", "sqlite"], indirect=True)
def test_whole_states_are_written_on_the_way(stores: Stores) -> None:
    runtime, spec = over(stores, config=RuntimeConfig(record_traces=False)), chain(60, grows=1000)
    run_id = runtime.start(spec, {"n": 0, "kept": []})
    runtime.tick(spec, run_id, max_steps=50)
    seen = runtime.get_state(run_id)
    assert seen.vars["n"] == len(seen.vars["kept"]) == 50
    for seq in range(1, 101):  # two records a step; STARTED changes nothing
        past = runtime.journal.state_at(run_id, seq)
        assert past is not None
        assert past.vars["n"] == len(past.vars["kept"]) == seq // 2
    assert runtime.tick(spec, run_id).output == {"n": 61}


@pytest.mark.parametrize("stores", ["memory", "sqlite"], indirect=True)
def test_a_tick_that_ends_by_its_steps_writes_its_last_step_and_its_traces_as_one(stores: Stores) -> None:
    runtime, spec = over(stores), chain(4)
    run_id = runtime.start(spec, {"n": 0, "kept": []})
    runtime.tick(spec, run_id, max_steps=2)
    found = runtime.journal.load(run_id)
    assert found is not None
    assert found.revision == 4  # made; STARTED; outcome and STARTED; outcome and traces
    assert [len(trace["steps"]) for trace in found.run.vars["_runtime"]["node_traces"].values()] == [2]
    assert runtime.journal.state_at(run_id, 4) == found.run
    assert runtime.tick(spec, run_id).output == {"n": 5}


@pytest.mark.parametrize("interruption", ["pause", "cancel"])
def test_an_outcome_is_kept_when_a_pause_or_cancel_comes_before_it_is_written(
    stores: Stores, interruption: str
) -> None:
    acts: list[int] = []
    interruptions = [interruption]

    def handler(run: RunState, effect: Effect) -> EffectOutcome:
        acts.append(effect.payload["n"])
        return act(run, effect)

    def interrupt(run: RunState) -> None:
        if len(acts) == 2 and interruptions:
            interruptions.clear()
            (runtime.pause_run if interruption == "pause" else runtime.cancel_run)(run.run_id)

    runtime, spec = over(stores, handler), chain(4, interrupt)
    run_id = runtime.start(spec, {"n": 0, "kept": []})
    run = runtime.tick(spec, run_id)
    assert run.status is (RunStatus.WAITING if interruption == "pause" else RunStatus.CANCELLED)
    told = [(r["status"], r["effect"]["payload"].get("n")) for r in runtime.get_ledger(run_id) if r["effect"]]
    assert ("completed", 2) in told
    assert ("started", 3) not in told
    if interruption == "pause":
        runtime.resume_run(run_id)
        assert runtime.tick(spec, run_id).output == {"n": 5}
        assert acts == [1, 2, 3, 4]


@pytest.mark.parametrize("error", [ValueError("bad"), KeyboardInterrupt()], ids=["bug", "signal"])
def test_an_outcome_is_written_when_the_next_node_raises(stores: Stores, error: BaseException) -> None:
    def broken(run: RunState) -> None:
        run.vars["last"]["n"] = "spoiled"
        raise error

    runtime, spec = over(stores), chain(3, broken)
    run_id = runtime.start(spec, {"n": 0, "kept": []})
    with pytest.raises(type(error)):
        runtime.tick(spec, run_id)
    assert [record["status"] for record in runtime.get_ledger(run_id)] == ["started", "completed"]
    assert runtime.get_state(run_id).vars["last"]["n"] == 1
    assert runtime.get_state(run_id).vars["n"] == 1
    assert runtime.tick(chain(3), run_id).output == {"n": 4}


def test_an_outcome_is_written_when_the_next_effect_is_not_json(stores: Stores) -> None:
    spec = flow(
        "a",
        a=ask_for("a", OUT, {"kind": "outside", "n": 1}, "b", "last"),
        b=ask_for("b", OUT, {"kind": "outside", "n": float("inf")}, "c", "last"),
        c=end("c"),
    )
    runtime = over(stores, config=RuntimeConfig(node_errors="fail"))
    run = runtime.tick(spec, runtime.start(spec, {}))
    assert run.status is RunStatus.FAILED
    assert "payload.n" in (run.error or "")
    statuses = [record["status"] for record in runtime.get_ledger(run.run_id)]
    assert statuses == ["started", "completed", "failed", "completed"]
    assert run.vars["last"]["n"] == 1


@pytest.mark.parametrize("stores", ["memory", "sqlite"], indirect=True)
def test_a_second_driver_leaves_an_outcome_alone_that_is_not_written_yet(stores: Stores) -> None:
    acts: list[int] = []
    others: list[RunState] = []

    def handler(run: RunState, effect: Effect) -> EffectOutcome:
        acts.append(effect.payload["n"])
        return act(run, effect)

    def meanwhile(run: RunState) -> None:
        if threading.current_thread() is main and len(acts) == 1:
            second = threading.Thread(target=lambda: others.append(runtime.tick(spec, run.run_id)))
            second.start()
            second.join(60)

    main = threading.current_thread()
    runtime, spec = over(stores, handler), chain(3, meanwhile)
    run = runtime.tick(spec, runtime.start(spec, {"n": 0, "kept": []}))
    assert run.output == {"n": 4}
    assert acts == [1, 2, 3]
    assert [other.status for other in others] == [RunStatus.RUNNING]


def test_values_of_a_record_are_fixed_when_its_step_is_taken(stores: Stores) -> None:
    shared: dict[str, Any] = {"n": 1}

    def handler(run: RunState, effect: Effect) -> EffectOutcome:
        return EffectOutcome.completed(shared)

    spec = flow(
        "a",
        a=ask_for("a", OUT, lambda run: {"list": run.vars["list"]}, "b"),
        b=move("b", "c", lambda vars: (vars["list"].append(2), shared.update(n=2))),
        c=ask_for("c", OUT, lambda run: {"list": run.vars["list"]}, "d"),
        d=end("d"),
    )
    runtime = over(stores, handler, config=RuntimeConfig(record_visits=True))
    run = runtime.tick(spec, runtime.start(spec, {"list": [1]}))
    done = [r for r in runtime.get_ledger(run.run_id) if r["effect"] and r["status"] == "completed"][:2]
    assert [record["effect"]["payload"] for record in done] == [{"list": [1]}, {"list": [1, 2]}]
    assert [record["result"] for record in done] == [{"n": 1}, {"n": 2}]


@pytest.mark.parametrize("stores", ["memory", "sqlite"], indirect=True)
def test_a_state_held_back_does_not_read_later_variables(stores: Stores) -> None:
    """The journal is told that a step was held back, whatever the run's variables are by then."""
    run = RunState("r", "w", RunStatus.RUNNING, "a", vars={"n": 1, "text": "x" * 20})
    revision = stores.journal.commit(StepCommit(run, None))
    past = replace(run, vars={"n": "later"}, current_node="b")
    for number in range(600):  # enough for whole states on the way
        ops = (["set", ["n"], number], ["set", ["text"], "y" * 40])
        revision = stores.journal.commit(StepCommit(past, revision, (), ops, held_back=True))
    found = stores.journal.load("r")
    assert found is not None
    assert found.run.vars == {"n": 599, "text": "y" * 40}
    assert found.run.current_node == "b"


@pytest.mark.parametrize("asks", [True, False])
def test_a_node_that_never_asks_is_not_waited_for(stores: Stores, asks: bool) -> None:
    seen: list[int] = []

    def slow(run: RunState, context: Any) -> StepPlan:
        seen.append(len(runtime.get_ledger(run.run_id)))
        return StepPlan("b", next_node="c")

    if not asks:
        slow.asks = False  # type: ignore[attr-defined]
    spec = flow("a", a=ask_for("a", OUT, {"kind": "outside", "n": 1}, "b"), b=slow, c=end("c"))
    runtime = over(stores)
    assert runtime.tick(spec, runtime.start(spec)).status is RunStatus.COMPLETED
    assert seen == [1 if asks and stores.journal.atomic else 2]
