"""Events: who waits is woken, together with the sender's step."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime import EffectType, RunStatus, Runtime, WorkflowSpec
from abstractruntime.core.errors import StaleRevision
from abstractruntime.scheduler import Scheduler, WorkflowRegistry
from abstractruntime.storage import LedgerStore, RunStore, Stores
from abstractruntime.storage.base import StepCommit
from abstractruntime.testing.clock import MovableClock
from abstractruntime.testing.flows import ask_for, branch, end, flow

from ..conftest import MakeRuntime

EMIT = EffectType.EMIT_EVENT


def listener(workflow_id: str = "listener", **payload: Any) -> WorkflowSpec:
    return flow(
        "listen",
        workflow_id,
        listen=ask_for("listen", EffectType.WAIT_EVENT, payload, "done", "event"),
        done=end("done", lambda vars: {"event": vars["event"]}),
    )


def ears() -> WorkflowSpec:
    """A listener that hears two events."""
    return flow(
        "listen",
        "ears",
        listen=ask_for("listen", EffectType.WAIT_EVENT, {"name": "bell"}, "keep", "event"),
        keep=branch(
            "keep",
            lambda vars: (
                vars["heard"].append(vars["event"]["payload"])
                or ("listen" if len(vars["heard"]) < 2 else "done")
            ),
        ),
        done=end("done", lambda vars: {"heard": vars["heard"]}),
    )


def sender(**payload: Any) -> WorkflowSpec:
    return flow(
        "emit",
        "sender",
        emit=ask_for("emit", EMIT, payload, "done", "sent"),
        done=end("done", lambda vars: {"sent": vars["sent"]}),
    )


@pytest.fixture
def registry() -> WorkflowRegistry:
    found = WorkflowRegistry()
    for spec in (listener(name="bell"), ears(), listener("all", name="*"), listener("own", wait_key="k")):
        found.register(spec)
    return found


@pytest.fixture
def runtime(make_runtime: MakeRuntime, registry: WorkflowRegistry, clock: MovableClock) -> Runtime:
    return make_runtime(workflow_registry=registry, clock=clock)


def listening(
    runtime: Runtime, registry: WorkflowRegistry, workflow_id: str = "listener", **start: Any
) -> str:
    spec = registry.get_or_raise(workflow_id)
    run_id = runtime.start(spec, **{"session_id": "s1", **start})
    assert runtime.tick(spec, run_id).status is RunStatus.WAITING
    return run_id


def emit(runtime: Runtime, **payload: Any) -> dict[str, Any]:
    spec = sender(**payload)
    run = runtime.tick(spec, runtime.start(spec, session_id="s1"))
    assert run.output is not None, run.error
    sent: dict[str, Any] = run.output["sent"]
    return sent


def test_a_listener_of_the_session_is_woken(
    runtime: Runtime, registry: WorkflowRegistry, clock: MovableClock
) -> None:
    first, second = listening(runtime, registry), listening(runtime, registry)
    other = listening(runtime, registry, session_id="s2")
    told: list[str] = []
    runtime.subscribe_runnable(told.append)
    sent = emit(runtime, name="bell", payload={"n": 1}, event_id="e1")
    assert sent == {
        "wait_key": "evt:session:s1:bell",
        "name": "bell",
        "scope": "session",
        "delivered": 2,
        "delivered_to": [first, second],
        "resumed": [{"run_id": first, "status": "running"}, {"run_id": second, "status": "running"}],
    }
    assert told == [first, second]
    assert runtime.get_state(other).status is RunStatus.WAITING
    run = runtime.tick(registry.get_or_raise("listener"), first)
    assert run.output is not None
    event = run.output["event"]
    assert event["emitter"]["workflow_id"] == "sender"
    assert event["emitter"]["node_id"] == "emit"
    del event["emitter"]
    assert event == {
        "event_id": "e1",
        "name": "bell",
        "scope": "session",
        "session_id": "s1",
        "payload": {"n": 1},
        "emitted_at": clock().isoformat(),
    }


def test_steps_of_listeners_may_be_taken_at_once(runtime: Runtime, registry: WorkflowRegistry) -> None:
    run_id = listening(runtime, registry)
    emit(runtime, name="bell", max_steps=10)
    assert runtime.get_state(run_id).status is RunStatus.COMPLETED


def test_a_listener_is_reached_though_a_read_lags_behind_the_index(
    runtime: Runtime, registry: WorkflowRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seed 1383 of the simulation lost an event so."""
    spec = registry.get_or_raise("listener")
    run_id = runtime.start(spec, session_id="s1")
    old, load = runtime.journal.load(run_id), runtime.journal.load
    runtime.tick(spec, run_id)
    lagging = [old, old]
    monkeypatch.setattr(
        runtime.journal, "load", lambda one: lagging.pop() if one == run_id and lagging else load(one)
    )
    assert emit(runtime, name="bell")["delivered_to"] == [run_id]
    assert lagging == []
    assert runtime.tick(spec, run_id).status is RunStatus.COMPLETED


def test_who_listens_to_everything_hears_it(runtime: Runtime, registry: WorkflowRegistry) -> None:
    run_id = listening(runtime, registry, "all")
    assert emit(runtime, name="anything")["delivered_to"] == [run_id]


@pytest.mark.parametrize(
    ("payload", "content"),
    [(None, {}), ("", {}), (5, {"value": 5}), ([1], {"value": [1]}), ({"a": 1}, {"a": 1})],
)
def test_what_an_event_carries_is_an_object(
    runtime: Runtime, registry: WorkflowRegistry, payload: Any, content: dict[str, Any]
) -> None:
    run_id = listening(runtime, registry)
    emit(runtime, name="bell", payload=payload)
    assert runtime.get_state(run_id).vars["event"]["payload"] == content


def test_nobody_listens(make_runtime: MakeRuntime, runtime: Runtime, registry: WorkflowRegistry) -> None:
    alone = make_runtime()
    assert emit(alone, name="bell")["delivered"] == 0, "needs no registry"
    listening(runtime, registry)
    sent = emit(runtime, name="door")
    assert (sent["delivered"], sent["resumed"]) == (0, [])
    assert sent["available_listeners_in_session"] == ["bell"]


def test_listeners_cannot_be_woken_without_a_registry(
    make_runtime: MakeRuntime, runtime: Runtime, registry: WorkflowRegistry
) -> None:
    listening(runtime, registry)
    alone, spec = make_runtime(), sender(name="bell")
    run = alone.tick(spec, alone.start(spec, session_id="s1"))
    assert run.status is RunStatus.FAILED
    assert "workflow_registry" in str(run.error)


def test_a_listener_of_an_unknown_workflow_is_skipped(runtime: Runtime, registry: WorkflowRegistry) -> None:
    run_id, other = listening(runtime, registry), listening(runtime, registry, "ears", vars={"heard": []})
    registry.unregister("listener")
    sent = emit(runtime, name="bell")
    assert sent["resumed"] == [
        {"run_id": run_id, "status": "skipped", "error": "workflow_not_registered"},
        {"run_id": other, "status": "running"},
    ]
    assert sent["delivered"] == 1
    assert runtime.get_state(run_id).status is RunStatus.WAITING


def test_a_paused_listener_gets_the_event_when_it_may_go_on(
    runtime: Runtime, registry: WorkflowRegistry
) -> None:
    spec = registry.get_or_raise("ears")
    run_id = listening(runtime, registry, "ears", vars={"heard": []})
    runtime.pause_run(run_id)
    for number in (1, 2):
        sent = emit(runtime, name="bell", payload={"n": number})
        assert (sent["delivered"], sent["resumed"]) == (0, [{"run_id": run_id, "status": "queued"}])
    assert runtime.get_state(run_id).status is RunStatus.WAITING
    told: list[str] = []
    runtime.subscribe_runnable(told.append)
    run = runtime.resume_run(run_id)
    assert (run.status, told) == (RunStatus.RUNNING, [run_id])
    run = runtime.tick(spec, run_id)
    assert run.output == {"heard": [{"n": 1}, {"n": 2}]}
    assert run.vars["_runtime"]["inbox"] == []
    kinds = [(r["effect"] or {}).get("type") for r in runtime.get_ledger(run_id)]
    assert kinds == [
        "wait_event",
        "wait_event",
        "resume",
        "wait_event",
        "wait_event",
        "resume",
        None,
        "emit_event",
    ]


def test_an_inbox_is_bounded(
    runtime: Runtime, registry: WorkflowRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("abstractruntime.core.waits.MOST_MAIL", 1)
    run_id = listening(runtime, registry)
    runtime.pause_run(run_id)
    emit(runtime, name="bell")
    full = emit(runtime, name="bell")["resumed"]
    assert full == [{"run_id": run_id, "status": "skipped", "error": "inbox_full"}]


def keeper(workflow_id: str = "keeper") -> WorkflowSpec:
    """A listener that hears three events and misses none in between."""
    heard = ears()
    listen = ask_for("listen", EffectType.WAIT_EVENT, {"name": "bell", "keeps": True}, "keep", "event")
    keep = branch(
        "keep",
        lambda vars: (
            vars["heard"].append(vars["event"]["payload"]) or ("listen" if len(vars["heard"]) < 3 else "done")
        ),
    )
    return flow("listen", workflow_id, listen=listen, keep=keep, done=heard.nodes["done"])


def test_a_busy_listener_keeps_its_events_across_a_restart(
    runtime: Runtime, registry: WorkflowRegistry, make_runtime: MakeRuntime
) -> None:
    spec = keeper()
    registry.register(spec)
    run_id = listening(runtime, registry, "keeper", vars={"heard": []})
    sent = [emit(runtime, name="bell", payload={"n": number}) for number in (1, 2, 3)]
    assert [one["delivered"] for one in sent] == [1, 0, 0]
    assert [one["resumed"][0]["status"] for one in sent] == ["running", "queued", "queued"]
    again = make_runtime(workflow_registry=registry)
    assert again.journal.find_listening("evt:session:s1:bell") == [run_id]
    run = again.tick(spec, run_id)
    assert run.output == {"heard": [{"n": 1}, {"n": 2}, {"n": 3}]}
    assert again.journal.find_listening("evt:session:s1:bell") == []
    assert emit(again, name="bell")["resumed"] == [], "a run that is over keeps nothing"


def test_a_busy_listener_has_a_bounded_inbox_and_may_be_paused(
    runtime: Runtime, registry: WorkflowRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("abstractruntime.core.waits.MOST_MAIL", 2)
    spec = keeper()
    registry.register(spec)
    run_id = listening(runtime, registry, "keeper", vars={"heard": []})
    emit(runtime, name="bell", payload={"n": 1})
    emit(runtime, name="bell", payload={"n": 2})
    runtime.pause_run(run_id)
    assert emit(runtime, name="bell", payload={"n": 3})["resumed"][0]["status"] == "queued"
    assert emit(runtime, name="bell")["resumed"][0]["error"] == "inbox_full"
    runtime.resume_run(run_id)
    assert runtime.tick(spec, run_id).output == {"heard": [{"n": 1}, {"n": 2}, {"n": 3}]}


def test_an_event_from_outside_is_kept_for_a_busy_listener(
    runtime: Runtime, registry: WorkflowRegistry
) -> None:
    spec = keeper()
    registry.register(spec)
    run_id = listening(runtime, registry, "keeper", vars={"heard": []})
    scheduler = Scheduler(runtime=runtime, registry=registry)
    told = [
        scheduler.emit_event(name="bell", payload={"n": number}, session_id="s1", max_steps=0)
        for number in (1, 2, 3)
    ]
    assert [[run.run_id for run in runs] for runs in told] == [[run_id], [], []]
    assert runtime.tick(spec, run_id).output == {"heard": [{"n": 1}, {"n": 2}, {"n": 3}]}


@pytest.mark.parametrize("stores", ["memory", "sqlite"], indirect=True)
def test_an_event_and_those_it_wakes_are_one_transaction(
    runtime: Runtime, registry: WorkflowRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = listening(runtime, registry), listening(runtime, registry)
    spec = sender(name="bell")
    run_id = runtime.start(spec, session_id="s1")
    journal = runtime.journal
    whole, calls = journal.commit_all, []

    def interrupted(steps: list[StepCommit]) -> list[int]:
        if len(steps) == 1:
            return whole(steps)
        calls.append([step.run.run_id for step in steps])
        if len(calls) == 1:
            # Somebody answers one of the listeners between reading and writing.
            runtime.resume(registry.get_or_raise("listener"), second, None, {"own": True}, max_steps=0)
        return whole(steps)

    monkeypatch.setattr(journal, "commit_all", interrupted)
    run = runtime.tick(spec, run_id)
    assert calls == [[first, second, run_id], [first, run_id]]
    assert run.output is not None
    assert run.output["sent"]["delivered_to"] == [first]
    assert runtime.get_state(second).vars["event"] == {"own": True}
    assert runtime.get_state(first).vars["event"]["name"] == "bell"
    started = [r for r in runtime.get_ledger(run_id) if r["status"] == "started"]
    assert len(started) == 1


def test_a_step_whose_listeners_never_hold_still_gives_up(
    runtime: Runtime, registry: WorkflowRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    listening(runtime, registry)
    whole = runtime.journal.commit_all

    def refused(steps: list[StepCommit]) -> list[int]:
        if len(steps) == 1:
            return whole(steps)
        raise StaleRevision("moved")

    monkeypatch.setattr(runtime.journal, "commit_all", refused)
    spec = sender(name="bell")
    run = runtime.tick(spec, runtime.start(spec, session_id="s1"))
    assert (run.status, run.current_node) == (RunStatus.RUNNING, "emit")


class PlainRuns(RunStore):
    """A host's own store that cannot be searched."""

    def __init__(self, inner: RunStore) -> None:
        self.save, self.load = inner.save, inner.load  # type: ignore[method-assign]

    def save(self, run: Any) -> None: ...

    def load(self, run_id: str) -> Any: ...


def test_events_need_a_store_that_can_be_searched(stores: Stores) -> None:
    ledger: LedgerStore = stores.ledger
    runtime = Runtime(run_store=PlainRuns(stores.runs), ledger_store=ledger)
    spec = sender(name="bell")
    run = runtime.tick(spec, runtime.start(spec))
    assert "QueryableRunStore" in str(run.error)


def test_a_listener_that_needs_more_steps_or_fails_is_announced(
    runtime: Runtime, registry: WorkflowRegistry
) -> None:
    run_id = listening(runtime, registry)
    told: list[str] = []
    runtime.subscribe_runnable(told.append)
    spec = flow("listen", "broken", **{**listener(name="bell").nodes, "done": lambda run, context: 1 / 0})  # type: ignore[dict-item,return-value]
    registry.register(spec)
    broken = listening(runtime, registry, "broken")
    assert emit(runtime, name="bell", max_steps=1)["delivered"] == 2
    assert runtime.get_state(run_id).status is RunStatus.COMPLETED
    assert told == [broken]
    assert runtime.get_state(broken).status is RunStatus.RUNNING
