"""Forks of runs that wait for others, and forks that ask before they act outside."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from abstractruntime import (
    EffectType,
    RunStatus,
    Runtime,
    WaitReason,
    delete_run,
)
from abstractruntime.core.errors import Conflict
from abstractruntime.core.permission import NO, YES
from abstractruntime.scheduler import Driver
from abstractruntime.storage import Stores
from abstractruntime.testing.flows import ask_for, end, flow
from abstractruntime.testing.verify import verify

from .story import ACT, Bank, asker_below, begun_with, family, paying, reply, settle


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
