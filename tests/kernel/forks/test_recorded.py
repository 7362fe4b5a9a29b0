"""Forks that take their parent's replies where they ask for the same, and ask a person where they do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from abstractruntime import RunState, RunStatus, Runtime, WorkflowSpec
from abstractruntime.core.permission import NO, YES
from abstractruntime.core.recorded import request_of
from abstractruntime.storage import Stores
from abstractruntime.testing.flows import ask_for, end, flow, move
from kernel.forks.story import ACT, Bank, begun_with, family, paying, reply, settle

Json = Any


def paying_thrice() -> WorkflowSpec:
    """Pays 1, then the price, then 1 again."""
    return flow(
        "one",
        "thrice",
        one=ask_for("one", ACT, {"sum": 1}, "two", "a"),
        two=ask_for("two", ACT, lambda run: {"sum": run.vars["price"]}, "three", "b"),
        three=ask_for("three", ACT, {"sum": 1}, "done", "c"),
        done=end("done", lambda vars: {"b": vars["b"]["paid"]}),
    )


def taken(runtime: Runtime, run_id: str) -> list[Json]:
    """Return which entries of the parent a run has taken replies of."""
    return [
        record["effect"]["recorded"]["seq"]
        for record in runtime.get_ledger(run_id)
        if record["effect"] and "recorded" in record["effect"] and record["status"] == "completed"
    ]


def test_the_same_request_gets_the_parents_reply(make: Callable[..., Runtime], bank: Bank) -> None:
    runtime, spec = make(), paying()
    parent = runtime.start(spec, {"price": 5})
    runtime.tick(spec, parent)
    fork = runtime.fork(parent, 1, changes={"currency": "EUR"}, effects="recorded")
    assert begun_with(runtime, fork)["effects"] == "recorded"
    assert runtime.tick(spec, fork).output == {"paid": 10, "currency": "EUR"}
    assert [paid for _, paid in bank.asked] == [10], "nobody was paid again"
    entry = taken(runtime, fork)[0]
    assert runtime.get_ledger(parent)[entry - 1]["result"] == {"paid": 10}


def test_another_request_stops_and_asks(make: Callable[..., Runtime], bank: Bank) -> None:
    runtime, spec = make(), paying()
    parent = runtime.start(spec, {"price": 5})
    runtime.tick(spec, parent)
    fork = runtime.fork(parent, 1, changes={"price": 6}, effects="recorded")
    wait = runtime.tick(spec, fork).waiting
    assert wait is not None
    assert str(wait.prompt).startswith("The other run has no reply to this. Shall this fork really do it?")
    assert len(bank.asked) == 1
    other = runtime.fork(parent, 1, changes={"price": 6}, effects="recorded")
    runtime.tick(spec, other)
    assert runtime.resume(spec, fork, wait.wait_key, {"response": YES}).output == {
        "paid": 6,
        "currency": None,
    }
    assert runtime.resume(spec, other, None, {"response": NO}).status is RunStatus.FAILED
    assert [paid for _, paid in bank.asked] == [10, 6]


def test_each_reply_is_taken_once_and_by_its_node(make: Callable[..., Runtime], bank: Bank) -> None:
    runtime, spec = make(), paying_thrice()
    parent = runtime.start(spec, {"price": 3})
    runtime.tick(spec, parent)
    fork = runtime.fork(parent, 0, effects="recorded")
    assert runtime.tick(spec, fork).output == {"b": 3}
    nodes = [runtime.get_ledger(parent)[entry - 1]["node_id"] for entry in taken(runtime, fork)]
    assert nodes == ["one", "two", "three"]
    again = runtime.fork(parent, 0, changes={"price": 1}, effects="recorded")
    state = runtime.tick(spec, again)  # pays 1 three times, which the parent has done twice
    assert len({*taken(runtime, again)}) == 2
    assert state.waiting is not None
    assert (state.current_node, len(bank.asked)) == ("three", 3)


def test_what_was_kept_of_the_parent_serves_no_request(make: Callable[..., Runtime], bank: Bank) -> None:
    runtime, spec = make(), paying_thrice()
    parent = runtime.start(spec, {"price": 3})
    runtime.tick(spec, parent)
    first = next(
        number
        for number, record in enumerate(runtime.get_ledger(parent), start=1)
        if (record["node_id"], record["status"]) == ("one", "completed")
    )
    fork = runtime.fork(parent, first, changes={"price": 1}, effects="recorded")
    state = runtime.tick(spec, fork)
    assert state.waiting is not None, "the reply of step one belongs to what the fork has kept"
    assert [runtime.get_ledger(parent)[each - 1]["node_id"] for each in taken(runtime, fork)] == ["three"]


def test_a_failed_step_is_asked_for(make: Callable[..., Runtime], bank: Bank) -> None:
    runtime, spec = make(), paying()
    bank.is_open = False
    parent = runtime.start(spec, {"price": 5})
    assert runtime.tick(spec, parent).status is RunStatus.FAILED
    bank.is_open = True
    fork = runtime.fork(parent, effects="recorded")
    wait = runtime.tick(spec, fork).waiting
    assert wait is not None
    assert bank.asked == []


def test_what_it_starts_takes_replies_too(make: Callable[..., Runtime], bank: Bank) -> None:
    specs = family()
    runtime = make(*specs)
    parent = runtime.start(specs[0])
    settle(runtime, parent)
    assert reply(runtime, specs, parent, "yes").status is RunStatus.COMPLETED
    fork = runtime.fork(parent, 0, effects="recorded")
    settle(runtime, fork)
    assert reply(runtime, specs, fork, "yes").output == {"got": {"said": "yes", "paid": 4}, "mark": None}
    assert len(bank.asked) == 1


def test_without_the_parent_it_asks(make: Callable[..., Runtime], bank: Bank, stores: Stores) -> None:
    runtime, spec = make(), paying()
    parent = runtime.start(spec, {"price": 5})
    runtime.tick(spec, parent)
    fork = runtime.fork(parent, 1, effects="recorded")
    stores.journal.remove(parent)
    assert runtime.tick(spec, fork).waiting is not None
    assert len(bank.asked) == 1


def test_a_fork_of_a_fork_reads_the_fork(make: Callable[..., Runtime], bank: Bank) -> None:
    runtime, spec = make(), paying()
    parent = runtime.start(spec, {"price": 5})
    runtime.tick(spec, parent)
    fork = runtime.fork(parent, 1, changes={"price": 6}, effects="live")
    runtime.tick(spec, fork)
    second = runtime.fork(fork, 1, effects="recorded")
    assert runtime.tick(spec, second).output == {"paid": 6, "currency": None}
    assert [paid for _, paid in bank.asked] == [10, 6]
    live = runtime.fork(second, 1, effects="live")
    state: RunState = runtime.tick(spec, live)
    assert state.output == {"paid": 6, "currency": None}
    assert len(bank.asked) == 3, "a live fork of a recorded one is live"


def test_numbers_that_the_kernel_gives_to_calls_make_no_other_request() -> None:
    def calls(number: str, call_id: str, text: str) -> Json:
        call = {"name": "echo", "arguments": {"text": text}, "runtime_call_id": number, "call_id": call_id}
        return request_of({"tool_calls": [call]})

    assert calls("r1", "r1", "a") == calls("r2", "r2", "a")
    assert calls("r1", "c", "a") == calls("r2", "c", "a")
    assert calls("r1", "c", "a") != calls("r2", "d", "a")
    assert calls("r1", "r1", "a") != calls("r1", "r1", "b")


def test_a_step_under_way_is_taken_anew_from_the_recording(make: Callable[..., Runtime], bank: Bank) -> None:
    spec = flow(
        "pay",
        "last",
        pay=ask_for("pay", ACT, {"sum": 2}, "note", "a"),
        note=move("note", "done", lambda vars: vars.update(seen=True)),
        done=end("done", lambda vars: {"paid": vars["a"]["paid"]}),
    )
    runtime = make()
    parent = runtime.start(spec)
    runtime.tick(spec, parent)
    started = next(
        number
        for number, record in enumerate(runtime.get_ledger(parent), start=1)
        if (record["node_id"], record["status"]) == ("pay", "started")
    )
    for seq in (0, started):
        fork = runtime.fork(parent, seq, effects="recorded")
        assert runtime.tick(spec, fork).output == {"paid": 2}
    assert len(bank.asked) == 1
