"""A bank that counts what is asked of it, and flows for forks: one that pays, one that asks, a family of three."""

from __future__ import annotations

from typing import Any

from abstractruntime import Effect, EffectType, RunState, RunStatus, Runtime, WaitReason, WorkflowSpec
from abstractruntime.core.runtime import EffectOutcome
from abstractruntime.scheduler import Driver
from abstractruntime.testing.flows import ask_for, end, flow, move

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
