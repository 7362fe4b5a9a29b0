"""A small world that a power cut can stop at any moment, and the story that is lived in it.

The story has what can go wrong: questions, an answer shown, effects in the outside world, three of them
in a row, a node that changes the variables before it asks for one, a child run that asks too, an event with a listener, a loop over all of these and a wait for a moment. The outside
world keeps a list of acts by idempotency key, like a bank that knows its transfers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from abstractruntime import (
    Effect,
    EffectType,
    RunState,
    RunStatus,
    Runtime,
    Scheduler,
    StepPlan,
    WaitReason,
    WorkflowRegistry,
    WorkflowSpec,
)
from abstractruntime.core import RuntimeConfig
from abstractruntime.core.runtime import EffectOutcome
from abstractruntime.storage import Stores
from abstractruntime.testing.clock import MovableClock
from abstractruntime.testing.flows import ask_for, branch, end, flow, move

ACT, ASK = EffectType.LLM_CALL, EffectType.ASK_USER
SESSION = "session-1"
MOST_TURNS = 300


class PowerCut(BaseException):
    """The lights go out; nothing in the process may catch it."""


@dataclass
class World:
    """What lies outside the program: other people's systems, the time."""

    acts: list[tuple[str, str]] = field(default_factory=list)
    clock: MovableClock = field(default_factory=MovableClock)

    def act(self, run: RunState, effect: Effect, *, idempotency_key: str) -> EffectOutcome:
        """Do something that cannot be undone, and tell who asks again what came of it."""
        what = str(effect.payload["what"])
        self.acts.append((idempotency_key, what))
        return EffectOutcome.completed({"done": what})


def root_flow(turns: int) -> WorkflowSpec:
    return flow(
        "ask",
        "root",
        ask=ask_for("ask", ASK, {"prompt": "name"}, "note", "answer"),
        note=move("note", "show", lambda vars: vars["said"].append(vars["answer"]["response"])),
        show=ask_for("show", EffectType.ANSWER_USER, {"message": "thanks"}, "act", "shown"),
        act=ask_for("act", ACT, {"what": "root acts"}, "mark", "acted"),
        mark=mark_and_act,
        check=ask_for("check", ACT, lambda run: {"what": f"marks {run.vars['marks']}"}, "call", "checked"),
        call=ask_for(
            "call",
            EffectType.START_SUBWORKFLOW,
            lambda run: {
                "workflow_id": "child",
                "async": True,
                "wait": True,
                "vars": {"turn": run.vars["turn"]},
            },
            "emit",
            "sub",
        ),
        emit=ask_for(
            "emit",
            EffectType.EMIT_EVENT,
            lambda run: {"name": "bell", "payload": {"turn": run.vars["turn"]}},
            "turn",
            "sent",
        ),
        turn=move("turn", "again", end_of_turn),
        again=branch("again", lambda vars: "ask" if vars["turn"] < turns else "sleep"),
        sleep=ask_for("sleep", EffectType.WAIT_UNTIL, {"until": "2026-01-02T00:00:00Z"}, "done"),
        done=end("done", lambda vars: {name: vars[name] for name in ("said", "subs", "marks")}),
    )


def mark_and_act(run: RunState, context: Any) -> StepPlan:
    """Change the variables, the last result too, before asking: not before the step is this may be seen."""
    run.vars["marks"].append(run.vars["acted"]["done"])
    run.vars["acted"]["done"] = "seen"
    return StepPlan("mark", effect=Effect(ACT, {"what": "root marks"}, "marked"), next_node="check")


def end_of_turn(vars: dict[str, Any]) -> None:
    vars["turn"] += 1
    vars["subs"].append([vars["sub"]["output"], vars["sent"]["delivered"]])


def child_flow() -> WorkflowSpec:
    return flow(
        "ask",
        "child",
        ask=ask_for("ask", ASK, lambda run: {"prompt": f"child {run.vars['turn']}"}, "act", "answer"),
        act=ask_for("act", ACT, {"what": "child acts"}, "done", "acted"),
        done=end("done", lambda vars: {"answer": vars["answer"]["response"], "acted": vars["acted"]}),
    )


def listener_flow(turns: int) -> WorkflowSpec:
    return flow(
        "listen",
        "listener",
        listen=ask_for("listen", EffectType.WAIT_EVENT, {"name": "bell"}, "act", "event"),
        act=ask_for(
            "act", ACT, lambda run: {"what": f"heard {run.vars['event']['payload']}"}, "keep", "acted"
        ),
        keep=move("keep", "again", lambda vars: vars["heard"].append(vars["event"]["payload"]["turn"])),
        again=branch("again", lambda vars: "listen" if len(vars["heard"]) < turns else "done"),
        done=end("done", lambda vars: {"heard": vars["heard"]}),
    )


def live(stores: Stores, world: World, turns: int) -> None:
    """Live the story to its end, from wherever the stores say it is; a restart takes a minute.

    In that time the leases of whoever was cut off run out: the dead process is this one.
    """
    world.clock.advance(60)
    registry = WorkflowRegistry()
    for spec in (root_flow(turns), child_flow(), listener_flow(turns)):
        registry.register(spec)
    runtime = Runtime(
        run_store=stores.runs,
        ledger_store=stores.ledger,
        effect_handlers={ACT: world.act},
        workflow_registry=registry,
        config=RuntimeConfig(record_visits=True, heartbeat=False),
        clock=world.clock,
    )
    keeper = Scheduler(runtime=runtime, registry=registry, takes_over=True, clock=world.clock)
    begin(runtime, registry)
    for _ in range(MOST_TURNS):
        keeper.recover()
        keeper.poll_once()
        assert keeper.stats.errors == []
        waiting = keeper.find_waiting_runs()
        if not waiting and not keeper.orphans():
            return
        for run in waiting:
            answer(runtime, registry, run, world)
    raise AssertionError("the story does not come to its end")


def begin(runtime: Runtime, registry: WorkflowRegistry) -> None:
    """Start the listener, let it listen, start the root; whatever of this has not been done yet."""
    listener = registry.get_or_raise("listener")
    if runtime.journal.load("ear") is None:
        runtime.start(listener, {"heard": []}, session_id=SESSION, run_id="ear")
    if runtime.journal.load("root") is None:
        runtime.tick(listener, "ear")
        given: dict[str, Any] = {"turn": 0, "said": [], "subs": [], "marks": []}
        runtime.start(registry.get_or_raise("root"), given, session_id=SESSION, run_id="root")


def answer(runtime: Runtime, registry: WorkflowRegistry, run: RunState, world: World) -> None:
    """Be the people and the time."""
    wait = run.waiting
    assert wait is not None
    if wait.reason is WaitReason.USER:
        spec = registry.get_or_raise(run.workflow_id)
        steps = 1 if run.run_id == "root" else 0  # 1: the answer shares the commit of the step after it
        runtime.resume(spec, run.run_id, wait.wait_key, {"response": f"{wait.prompt}!"}, max_steps=steps)
    elif wait.reason is WaitReason.UNTIL:
        world.clock.advance(24 * 3600)


@dataclass(frozen=True)
class Ending:
    """How a story ended: what each run gave, and what its ledger says was done."""

    outputs: dict[str, Any]
    told: dict[str, list[tuple[str, str, str | None]]]
    acts: tuple[tuple[str, str], ...]
    starts: int


def ending(stores: Stores, world: World) -> Ending:
    """Look at what is left when all is over."""
    runs = stores.runs.list_runs(limit=100)  # type: ignore[attr-defined]
    assert {run.status for run in runs} == {RunStatus.COMPLETED}
    told, starts = {}, 0
    for run in runs:
        records = stores.ledger.list(run.run_id)
        starts += sum(record["status"] == "started" for record in records)
        told[run.run_id] = [
            (record["node_id"], record["status"], (record["effect"] or {}).get("type"))
            for record in records
            if record["status"] != "started"
        ]
    outputs = {run.run_id: run.output for run in runs}
    return Ending(outputs, told, tuple(sorted(set(world.acts))), starts)
