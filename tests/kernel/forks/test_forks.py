"""Forks: a new run from an instant of an old one, with something changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from abstractruntime import (
    Effect,
    HashChainedLedgerStore,
    RunState,
    RunStatus,
    Runtime,
    StepPlan,
    delete_run,
    verify_ledger_chain,
)
from abstractruntime.core import RuntimeConfig
from abstractruntime.core.errors import Conflict, NotDurable, RunNotFound, StoreError
from abstractruntime.storage import Stores
from abstractruntime.storage.artifacts import artifact_ref
from abstractruntime.testing.flows import ask_for, end, flow

from .story import ACT, ASK, Bank, asking, begun_with, family, paying, settle


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
