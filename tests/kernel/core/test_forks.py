"""Forks: a new run from an instant of an old one, with something changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from abstractruntime import (
    Effect,
    EffectType,
    HashChainedLedgerStore,
    RunState,
    RunStatus,
    Runtime,
    StepPlan,
    WaitReason,
    WorkflowRegistry,
    WorkflowSpec,
    delete_run,
    open_stores,
    verify_ledger_chain,
)
from abstractruntime.core import RuntimeConfig
from abstractruntime.core.errors import Conflict, NotDurable, RunNotFound, StoreError
from abstractruntime.core.permission import NO, YES
from abstractruntime.core.runtime import EffectOutcome
from abstractruntime.scheduler import Driver
from abstractruntime.storage import Stores
from abstractruntime.storage.artifacts import artifact_ref
from abstractruntime.testing.flows import ask_for, end, flow, move
from abstractruntime.testing.verify import verify

ACT, ASK = EffectType.LLM_CALL, EffectType.ASK_USER


class Bank:
    """Somebody outside, who counts what is asked of them."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.is_open = True

    def __call__(self, run: RunState, effect: Effect, *, idempotency_key: str) -> EffectOutcome:
        if not self.is_open:
            return EffectOutcome.failed("closed today", retryable=False)
        self.asked.append((idempotency_key, effect.payload["sum"]))
        return EffectOutcome.completed({"paid": effect.payload["sum"]})


@pytest.fixture(params=["memory", "json", "sqlite"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    urls = {
        "memory": "memory:",
        "json": f"json://{tmp_path}/x?sync=never",
        "sqlite": f"sqlite://{tmp_path}/x.db",
    }
    opened = open_stores(urls[request.param])
    yield opened
    opened.close()


@pytest.fixture
def bank() -> Bank:
    return Bank()


@pytest.fixture
def make(stores: Stores, bank: Bank) -> Callable[..., Runtime]:
    def runtime(*specs: WorkflowSpec, **options: Any) -> Runtime:
        registry = WorkflowRegistry()
        for spec in specs:
            registry.register(spec)
        given = {"ledger_store": stores.ledger, "config": RuntimeConfig(node_errors="fail"), **options}
        return Runtime(
            run_store=stores.runs,
            effect_handlers={ACT: bank},
            workflow_registry=registry,
            artifact_store=stores.artifacts,
            **given,
        )

    return runtime


def paying() -> WorkflowSpec:
    """Doubles a price, pays it, and tells what was paid."""
    return flow(
        "double",
        "paying",
        double=move("double", "pay", lambda vars: vars.update(price=vars["price"] * 2)),
        pay=ask_for("pay", ACT, lambda run: {"sum": run.vars["price"]}, "done", "answer"),
        done=end("done", lambda vars: {"paid": vars["answer"]["paid"], "currency": vars.get("currency")}),
    )


def asking() -> WorkflowSpec:
    return flow(
        "ask",
        "asking",
        ask=ask_for("ask", ASK, lambda run: {"prompt": f"Hello {run.vars['name']}?"}, "done", "answer"),
        done=end("done", lambda vars: {"said": vars["answer"]["response"], "to": vars["name"]}),
    )


def begun_with(runtime: Runtime, run_id: str) -> dict[str, Any]:
    """Return what the first record of a fork tells."""
    record = runtime.get_ledger(run_id)[0]
    assert record["effect"]["type"] == "fork"
    told: dict[str, Any] = record["effect"]["payload"]
    return told


def test_a_fork_goes_on_from_an_entry_with_something_changed(
    make: Callable[..., Runtime], bank: Bank
) -> None:
    runtime, spec = make(), paying()
    parent = runtime.start(spec, {"price": 5}, actor_id="ana")
    runtime.tick(spec, parent)
    before = runtime.get_state(parent), runtime.get_ledger(parent)
    fork = runtime.fork(
        parent,
        1,
        changes={"price": 7, "/currency": "EUR"},
        effects="live",
        actor_id="bob",
        reason=" too dear ",
    )
    state = runtime.get_state(fork)
    assert (state.status, state.current_node, state.parent_run_id) == (RunStatus.RUNNING, "pay", None)
    assert runtime.tick(spec, fork).output == {"paid": 7, "currency": "EUR"}
    assert (runtime.get_state(parent), runtime.get_ledger(parent)) == before
    assert [paid for _, paid in bank.asked] == [10, 7]
    assert len({key for key, _ in bank.asked}) == 2
    told = begun_with(runtime, fork)
    assert told["changes"] == [{"path": "price", "value": 7}, {"path": "/currency", "value": "EUR"}]
    assert (told["run_id"], told["seq"], told["effects"], told["reason"]) == (parent, 1, "live", "too dear")
    assert runtime.get_ledger(fork)[0]["actor_id"] == "bob"


def test_entry_zero_is_before_the_first_step(make: Callable[..., Runtime]) -> None:
    runtime, spec = make(), paying()
    parent = runtime.start(spec, {"price": 5})
    runtime.tick(spec, parent)
    fork = runtime.fork(parent, 0, changes={"price": 50}, effects="live")
    assert runtime.tick(spec, fork).output == {"paid": 100, "currency": None}
    assert begun_with(runtime, fork)["hash"] is None


def test_its_own_chain_begins_with_the_hash_of_its_parents(
    make: Callable[..., Runtime], stores: Stores
) -> None:
    spec = paying()
    chained = make(ledger_store=HashChainedLedgerStore(stores.ledger))
    parent = chained.start(spec, {"price": 5})
    chained.tick(spec, parent)
    fork = chained.fork(parent, 2, effects="live")
    chained.tick(spec, fork)
    records = chained.get_ledger(parent)
    assert begun_with(chained, fork)["hash"] == records[1]["record_hash"]
    assert verify_ledger_chain(chained.get_ledger(fork))["ok"]
    assert verify_ledger_chain(records)["ok"]


def test_without_a_chain_the_hash_is_what_it_would_be(make: Callable[..., Runtime]) -> None:
    runtime, spec = make(), paying()
    parent = runtime.start(spec, {"price": 5})
    runtime.tick(spec, parent)
    first, again, other = (runtime.fork(parent, seq, effects="live") for seq in (2, 2, 1))
    hashes = [begun_with(runtime, each)["hash"] for each in (first, again, other)]
    assert hashes[0] == hashes[1] != hashes[2]
    assert len(hashes[0]) == 64


def test_a_failed_run_takes_the_failed_step_again(make: Callable[..., Runtime], bank: Bank) -> None:
    runtime, spec = make(), paying()
    bank.is_open = False
    parent = runtime.start(spec, {"price": 5})
    assert runtime.tick(spec, parent).status is RunStatus.FAILED
    bank.is_open = True
    fork = runtime.fork(parent, changes={"price": 3}, effects="live")
    assert runtime.get_state(fork).current_node == "pay"
    assert runtime.tick(spec, fork).output == {"paid": 3, "currency": None}
    assert runtime.get_state(parent).status is RunStatus.FAILED


def test_a_cancelled_run_goes_on_where_it_was(make: Callable[..., Runtime]) -> None:
    runtime, spec = make(), asking()
    parent = runtime.start(spec, {"name": "Ana"})
    runtime.tick(spec, parent)
    runtime.cancel_run(parent)
    fork = runtime.fork(parent)
    assert runtime.tick(spec, fork).status is RunStatus.WAITING


def test_at_a_question_it_is_asked_anew(make: Callable[..., Runtime]) -> None:
    runtime, spec = make(), asking()
    parent = runtime.start(spec, {"name": "Ana"})
    runtime.tick(spec, parent)
    fork = runtime.fork(parent, changes={"name": "Bob"})
    wait = runtime.tick(spec, fork).waiting
    assert wait is not None
    assert (wait.prompt, wait.wait_key) == ("Hello Bob?", f"user:{fork}:ask")
    assert runtime.resume(spec, fork, wait.wait_key, {"response": "hi"}).output == {"said": "hi", "to": "Bob"}
    assert runtime.get_state(parent).status is RunStatus.WAITING


def test_a_deadline_that_has_passed_begins_anew(make: Callable[..., Runtime]) -> None:
    spec = flow(
        "wait",
        "timed",
        wait=ask_for("wait", ASK, lambda run: {"prompt": "?", "until": run.vars["until"]}, "done", "answer"),
        done=end("done", lambda vars: {"answer": vars["answer"]}),
    )
    runtime = make()
    parent = runtime.start(spec, {"until": "2001-01-01T00:00:00Z"})
    assert runtime.tick(spec, parent).output == {"answer": {"timed_out": True}}
    fork = runtime.fork(parent, 0, changes={"until": "2999-01-01T00:00:00Z"})
    assert runtime.tick(spec, fork).status is RunStatus.WAITING
    same = runtime.fork(parent, 0)
    assert runtime.tick(spec, same).output == {"answer": {"timed_out": True}}


def test_what_was_used_of_limits_counts_on(make: Callable[..., Runtime]) -> None:
    runtime, spec = make(), paying()
    parent = runtime.start(spec, {"price": 5})
    runtime.tick(spec, parent, max_steps=1)
    runtime.update_limits(parent, {"estimated_tokens_used": 77})
    runtime.tick(spec, parent)
    fork = runtime.fork(parent)
    later = runtime.fork(fork)
    assert runtime.get_limit_status(fork) == runtime.get_limit_status(parent)
    assert begun_with(runtime, later)["run_id"] == fork


def test_what_its_author_has_named_is_not_done_again(make: Callable[..., Runtime], bank: Bank) -> None:
    def pay(run: RunState, context: Any) -> StepPlan:
        run.vars["turns"] = run.vars["turns"] + 1
        note = {"visit": run.vars["turns"], "key": "order 7"}
        asked = Effect(ACT, {"sum": 9}, "answer")
        return StepPlan("pay", effect=asked, next_node="ask", key="order 7", note=note)

    spec = flow(
        "pay",
        "named",
        pay=pay,
        ask=ask_for("ask", ASK, {"prompt": "again?"}, "pay", "said"),
    )
    runtime = make(config=RuntimeConfig(record_visits=True))
    parent = runtime.start(spec, {"turns": 0})
    runtime.tick(spec, parent)
    first = runtime.fork(parent, effects="live")
    second = runtime.fork(first, effects="live")
    delete_run(runtime_stores(runtime), parent, force=True)
    for run_id in (first, second):
        runtime.tick(spec, run_id)
        assert runtime.resume(spec, run_id, None, {"response": "yes"}).vars["answer"] == {"paid": 9}
    assert len(bank.asked) == 1


def runtime_stores(runtime: Runtime) -> Stores:
    return Stores(runtime.run_store, runtime.ledger_store, runtime.journal, artifacts=runtime.artifact_store)


def test_artifacts_outlive_the_parent(make: Callable[..., Runtime], stores: Stores) -> None:
    runtime, spec = make(), asking()
    assert stores.artifacts is not None
    parent = runtime.start(spec, {"name": "Ana"}, run_id="parent")
    kept = stores.artifacts.store_text("a letter", run_id=parent)
    lost = stores.artifacts.store_text("a draft", run_id=parent)
    runtime.tick(spec, parent)
    fork = runtime.fork(parent, changes={"letter": artifact_ref(kept.artifact_id)})
    delete_run(stores, parent, force=True)
    assert stores.artifacts.load_text(kept.artifact_id) == "a letter"
    assert stores.artifacts.load(lost.artifact_id) is None
    runtime.tick(spec, fork)
    delete_run(stores, fork, force=True)
    assert stores.artifacts.load(kept.artifact_id) is None


def family() -> tuple[WorkflowSpec, WorkflowSpec, WorkflowSpec]:
    """Return a run that waits for a child that waits for a child that asks a person and pays."""
    begin = {"async": True, "wait": True}
    start = EffectType.START_SUBWORKFLOW
    return (
        flow(
            "call",
            "top",
            call=ask_for(
                "call", start, {"workflow_id": "middle", "vars": {"name": "Ana"}, **begin}, "done", "got"
            ),
            done=end("done", lambda vars: {"got": vars["got"]["output"], "mark": vars.get("mark")}),
        ),
        flow(
            "call",
            "middle",
            call=ask_for(
                "call", start, lambda run: {"workflow_id": "low", "vars": {"n": 4}, **begin}, "done", "got"
            ),
            done=end("done", lambda vars: vars["got"]["output"]),
        ),
        flow(
            "ask",
            "low",
            ask=ask_for("ask", ASK, {"prompt": "pay?"}, "pay", "said"),
            pay=ask_for("pay", ACT, lambda run: {"sum": run.vars["n"]}, "done", "paid"),
            done=end("done", lambda vars: {"said": vars["said"]["response"], "paid": vars["paid"]["paid"]}),
        ),
    )


def settle(runtime: Runtime, run_id: str) -> RunState:
    """Drive a run and all below it until nothing moves."""
    driver = Driver(runtime=runtime, registry=runtime.workflow_registry)  # type: ignore[arg-type]
    for _ in range(6):
        for run in driver.descendants(run_id):
            if run.status is RunStatus.RUNNING:
                driver.drive(run.run_id)
    return runtime.get_state(run_id)


def asker_below(runtime: Runtime, run_id: str) -> RunState:
    driver = Driver(runtime=runtime, registry=runtime.workflow_registry)  # type: ignore[arg-type]
    return next(
        run
        for run in driver.descendants(run_id)
        if run.waiting is not None and run.waiting.reason is WaitReason.USER
    )


def reply(runtime: Runtime, specs: tuple[WorkflowSpec, ...], run_id: str, said: str) -> RunState:
    asker = asker_below(runtime, run_id)
    spec = next(each for each in specs if each.workflow_id == asker.workflow_id)
    runtime.resume(spec, asker.run_id, None, {"response": said})
    Driver(runtime=runtime, registry=runtime.workflow_registry).settle_up(runtime.get_state(asker.run_id))  # type: ignore[arg-type]
    return settle(runtime, run_id)


def test_runs_that_it_waits_for_come_along(make: Callable[..., Runtime], stores: Stores) -> None:
    specs = family()
    runtime = make(*specs)
    parent = runtime.start(specs[0], session_id=None)
    settle(runtime, parent)
    fork = runtime.fork(parent, changes={"mark": "!"})
    state = settle(runtime, fork)
    assert (state.status, state.parent_run_id) == (RunStatus.WAITING, None)
    theirs, ours = asker_below(runtime, parent), asker_below(runtime, fork)
    assert theirs.run_id != ours.run_id
    told = begun_with(runtime, ours.run_id)
    assert (told["run_id"], told["changes"]) == (theirs.run_id, [])
    assert reply(runtime, specs, fork, "forked").output == {"got": {"said": "forked", "paid": 4}, "mark": "!"}
    assert runtime.get_state(parent).status is RunStatus.WAITING
    assert verify(stores) == []
    delete_run(stores, fork)
    assert reply(runtime, specs, parent, "first").output == {
        "got": {"said": "first", "paid": 4},
        "mark": None,
    }


def test_a_run_that_failed_in_a_child_begins_there(make: Callable[..., Runtime], bank: Bank) -> None:
    specs = family()
    runtime = make(*specs)
    parent = runtime.start(specs[0])
    settle(runtime, parent)
    bank.is_open = False
    assert reply(runtime, specs, parent, "yes").status is RunStatus.FAILED
    bank.is_open = True
    fork = runtime.fork(parent, effects="live")
    assert settle(runtime, fork).output == {"got": {"said": "yes", "paid": 4}, "mark": None}


def test_a_child_that_was_over_and_not_heard_of_comes_along(make: Callable[..., Runtime]) -> None:
    specs = family()
    runtime = make(*specs)
    parent = runtime.start(specs[0])
    settle(runtime, parent)
    low = asker_below(runtime, parent)
    runtime.resume(specs[2], low.run_id, None, {"response": "yes"})  # its parent has not heard yet
    fork = runtime.fork(parent, effects="live")
    driver = Driver(runtime=runtime, registry=runtime.workflow_registry)  # type: ignore[arg-type]
    copies = driver.descendants(fork)
    assert [run.status.value for run in copies] == ["waiting", "waiting", "completed"]
    driver.settle_up(copies[2])
    assert settle(runtime, fork).output == {"got": {"said": "yes", "paid": 4}, "mark": None}


def test_at_an_entry_of_a_run_that_it_started_the_root_is_forked_at_that_moment(
    make: Callable[..., Runtime], bank: Bank
) -> None:
    specs = family()
    runtime = make(*specs)
    parent = runtime.start(specs[0])
    settle(runtime, parent)
    low = asker_below(runtime, parent)
    assert reply(runtime, specs, parent, "yes").status is RunStatus.COMPLETED
    fork = runtime.fork(
        low.run_id, 3, changes={"mark": "!"}, effects="live"
    )  # it had been answered, and not paid
    assert begun_with(runtime, fork)["run_id"] == parent
    assert settle(runtime, fork).output == {"got": {"said": "yes", "paid": 4}, "mark": "!"}
    assert len(bank.asked) == 2
    with pytest.raises(Conflict, match="fork it at an entry from 1 on, or fork its root"):
        runtime.fork(low.run_id, 0)


def test_addresses_of_events_are_the_forks_own(make: Callable[..., Runtime]) -> None:
    spec = flow(
        "hear",
        "hearing",
        hear=ask_for("hear", EffectType.WAIT_EVENT, {"name": "bell"}, "done", "heard"),
        done=end("done"),
    )
    runtime = make(spec)
    parent = runtime.start(spec, run_id="parent", session_id="parent")
    runtime.tick(spec, parent)
    other = runtime.start(spec, session_id="shared")
    runtime.tick(spec, other)
    fork, shared = runtime.fork(parent), runtime.fork(other)
    keys = [
        wait.wait_key for each in (fork, shared) if (wait := runtime.tick(spec, each).waiting) is not None
    ]
    assert keys == [f"evt:session:{fork}:bell", "evt:session:shared:bell"]


@pytest.mark.parametrize("said", [YES, NO])
def test_a_fork_may_ask_before_it_acts_outside(make: Callable[..., Runtime], bank: Bank, said: str) -> None:
    runtime, spec = make(), paying()
    parent = runtime.start(spec, {"price": 5})
    runtime.tick(spec, parent)
    fork = runtime.fork(parent, 1, changes={"price": 6})  # asks, for its parent has paid after that
    assert begun_with(runtime, fork)["effects"] == "ask"
    wait = runtime.tick(spec, fork).waiting
    assert wait is not None
    assert (wait.reason, wait.choices) == (WaitReason.USER, [YES, NO])
    assert '"sum": 6' in str(wait.prompt)
    assert len(bank.asked) == 1
    state = runtime.resume(spec, fork, wait.wait_key, {"response": said})
    if said == YES:
        assert state.output == {"paid": 6, "currency": None}
        assert len(bank.asked) == 2
    else:
        assert state.status is RunStatus.FAILED
        assert "A person did not allow it: llm_call" in str(state.error)
        assert len(bank.asked) == 1


def test_a_yes_is_for_one_effect_and_lasts_over_its_attempts(
    make: Callable[..., Runtime], bank: Bank
) -> None:
    spec = flow(
        "one",
        "twice",
        one=ask_for("one", ACT, {"sum": 1}, "two", "a"),
        two=ask_for("two", ACT, {"sum": 2}, "done", "b"),
        done=end("done"),
    )
    runtime = make()
    parent = runtime.start(spec)
    fork = runtime.fork(parent, effects="ask")
    asked = []
    state = runtime.tick(spec, fork)
    while state.waiting is not None:
        asked.append(state.waiting.wait_key)
        state = runtime.resume(spec, fork, state.waiting.wait_key, {"response": YES})
    assert state.status is RunStatus.COMPLETED
    assert len(asked) == len({*asked}) == 2
    assert [paid for _, paid in bank.asked] == [1, 2]
    assert "permitted" not in state.vars["_runtime"]


def test_what_it_starts_asks_too(make: Callable[..., Runtime], bank: Bank) -> None:
    specs = family()
    runtime = make(*specs)
    parent = runtime.start(specs[0])
    fork = runtime.fork(parent, 0, effects="ask")
    settle(runtime, fork)
    reply(runtime, specs, fork, "yes")
    assert bank.asked == []
    assert reply(runtime, specs, fork, YES).output == {"got": {"said": "yes", "paid": 4}, "mark": None}


def test_a_fork_is_live_where_nothing_was_done_outside_later(make: Callable[..., Runtime]) -> None:
    runtime, spec = make(), paying()
    parent = runtime.start(spec, {"price": 5})
    runtime.tick(spec, parent)
    assert begun_with(runtime, runtime.fork(parent, 3))["effects"] == "live"
    assert begun_with(runtime, runtime.fork(parent, 1))["effects"] == "ask"


def test_what_cannot_be_forked_or_changed_is_refused_with_the_reason(
    make: Callable[..., Runtime], stores: Stores
) -> None:
    runtime, spec = make(), paying()
    parent = runtime.start(spec, {"price": 5})
    runtime.tick(spec, parent)
    count = len(runtime.get_ledger(parent))
    with pytest.raises(RunNotFound):
        runtime.fork("nobody", 1)
    for seq in (-1, count + 1, True):
        with pytest.raises(Conflict, match=f"has {count} entries"):
            runtime.fork(parent, seq)
    with pytest.raises(Conflict, match=r"'a\.b' cannot be changed: Missing key 'a'"):
        runtime.fork(parent, 1, changes={"a.b": 1})
    with pytest.raises(Conflict, match=r"'_runtime\.x' cannot be changed"):
        runtime.fork(parent, 1, changes={"_runtime.x": 1})
    with pytest.raises(NotDurable, match="price"):
        runtime.fork(parent, 1, changes={"price": object()})
    assert [row["run_id"] for row in stores.runs.list_run_index()] == [parent]  # type: ignore[attr-defined]


def test_it_is_there_whole_or_not_at_all(
    make: Callable[..., Runtime], stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    specs = family()
    runtime = make(*specs)
    parent = runtime.start(specs[0])
    settle(runtime, parent)

    def full(steps: Any) -> list[int]:
        raise StoreError("no room")

    monkeypatch.setattr(runtime.journal, "commit_all", full)
    with pytest.raises(StoreError):
        runtime.fork(parent)
    monkeypatch.undo()
    rows = stores.runs.list_run_index()  # type: ignore[attr-defined]
    assert len(rows) == 3
