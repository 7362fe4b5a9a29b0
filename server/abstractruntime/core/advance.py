"""One step: ask the node what comes next, carry it out, write it down.

A step ends in one commit that holds its records and the changed state, so a record that says
"completed" implies the advanced run. Before an external effect is called, a commit says STARTED; it
also claims the step, because only one driver can make it. Where the step before has been held back
(see `Held.hold_back`), it is in that same commit: a chain of external effects has one commit a step.

What an exception of a node does is decided here too. By default it leaves `tick` and the run stays
RUNNING at that node, with nothing of the step written; with `RuntimeConfig(node_errors="fail")` the
run ends as FAILED and its last records name the node. The same holds for values that are not JSON.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from time import perf_counter
from typing import Any

from ..evidence.capture import capture, capture_again
from ..storage.codec import sealed
from .boundary import guarded
from .effects import Deed, EffectOutcome, execute, sets_aside
from .engine import Engine, StepServices
from .errors import KernelError, NotDurable, StaleRevision, in_short
from .held import Held
from .jsonsafe import check
from .limits import count_tokens
from .models import (
    Effect,
    EffectType,
    RunStatus,
    StepPlan,
    StepRecord,
    StepStatus,
    wait_json,
)
from .parking import ask_first, put_off
from .plans import unfit
from .policy import (
    StepsOwnPolicy,
    count_visit,
    ensure_call_ids,
    forget_attempts,
    named_key,
    visit_key,
    visits_before,
)
from .recorded import permit
from .records import (
    STATUS_KEY_PREFIX,
    completion_record,
    failure_of,
    failure_record,
    is_told,
    recap_records,
    status_record,
    visit_record,
    without_text,
)
from .spec import WorkflowSpec
from .traces import LATE_ROOM, late_trace, trace_entry
from .vars import done_before, set_result
from .waits import listen, open_mail

log = logging.getLogger("abstractruntime")
_KNOWN_AS = (
    ("record.effect.payload", "payload"),
    ("record.result.output", "output"),
    ("run.output", "output"),
)
_MOST_TRACES = 400  # kept back at most, should a run never rest


class DrivenElsewhere(Exception):
    """Another thread of this runtime is carrying out this very step, or another owner drives the run."""


def advance(engine: Engine, held: Held, workflow: WorkflowSpec) -> bool:
    """Take one step of a RUNNING run; return whether the run now rests."""
    node_id = held.run.current_node
    began = engine.now() if engine.config.record_visits else ""
    try:
        plan = _ask(engine, held, workflow)
        if plan is None:
            return True
        if plan.failure is not None:
            return _fail(engine, held, plan, plan.failure)
        if plan.complete_output is not None:
            return _finish(engine, held, plan, plan.complete_output, began)
        if plan.effect is None:
            return _move(engine, held, plan, began)
        return _perform(engine, held, plan, plan.effect)
    except NotDurable as bad:
        held.flush()
        named = NotDurable(f"Node '{node_id}' of workflow '{workflow.workflow_id}': {bad}", _path_of(bad))
        if engine.config.node_errors == "raise":
            raise named from bad
        return _fail_node(engine, held, named)


def _path_of(bad: NotDurable) -> str:
    """Return the path of a value as its node knows it, not where it was to be written."""
    for stored, known in _KNOWN_AS:
        if bad.path.startswith(stored):
            return known + bad.path.removeprefix(stored)
    return bad.path


def _ask(engine: Engine, held: Held, workflow: WorkflowSpec) -> StepPlan | None:
    """Return the node's plan; None when its exception has ended the run."""
    run = held.run
    node_id = run.current_node
    node = workflow.nodes.get(node_id)
    if not getattr(node, "asks", node is not None):
        held.flush()
    plan: Any
    if node is not None:
        plan, error = guarded(node, run, engine.context)
    else:
        plan, error = guarded(workflow.get_node, node_id)  # says that there is none
    error = unfit(plan, node_id) if error is None else error
    if error is None:
        told: StepPlan = plan
        return told
    log.error(
        "Node %s of workflow %s in run %s raised %r",
        run.current_node,
        workflow.workflow_id,
        run.run_id,
        error,
        exc_info=error,
    )
    held.flush()
    if engine.config.node_errors == "raise":
        raise error
    _fail_node(engine, held, error)
    return None


def _fail_node(engine: Engine, held: Held, error: Exception) -> bool:
    """End the run because its node could not be carried out; drop what the node had changed."""
    fresh = Held.load(engine.journal, held.run.run_id)
    if fresh.revision != held.revision:
        raise StaleRevision(f"Run {held.run.run_id} was changed by somebody else")
    code = error.code if isinstance(error, KernelError) else "node.error"
    message = in_short(str(error) or type(error).__name__)
    if not isinstance(error, KernelError):
        message = f"Node '{held.run.current_node}' failed: {type(error).__name__}: {message}"
    node_id = fresh.run.current_node
    held.run, fresh.traces = fresh.run, held.traces
    failure = {"code": code, "message": message, "node_id": node_id}
    return _end_failed(engine, fresh, node_id, failure, None)


def _fail(engine: Engine, held: Held, plan: StepPlan, failure: dict[str, Any]) -> bool:
    note = plan.note if engine.config.record_visits else None
    told = _recap(engine, held, plan, engine.now())
    return _end_failed(engine, held, plan.node_id, {"node_id": plan.node_id, **failure}, note, told)


def _recap(engine: Engine, held: Held, plan: StepPlan, now: str) -> list[StepRecord]:
    config = engine.config
    return recap_records(held.run, plan, config.visit_limit, now=now) if config.record_visits else []


def _end_failed(
    engine: Engine,
    held: Held,
    node_id: str,
    failure: dict[str, Any],
    note: dict[str, Any] | None,
    told: Sequence[StepRecord] = (),
) -> bool:
    run, now = held.run, engine.now()
    run.status = RunStatus.FAILED
    run.error = str(failure.get("message") or "unknown error")
    run.updated_at = now
    held.keep_traces()
    records = [failure_record(run, node_id, failure, now=now, note=note), status_record(run, now=now)]
    held.write([*told, *records], durable=True)
    return True


def _finish(engine: Engine, held: Held, plan: StepPlan, output: dict[str, Any], began: str) -> bool:
    run, now = held.run, engine.now()
    run.status = RunStatus.COMPLETED
    run.output = output
    run.updated_at = now
    held.keep_traces()
    records = [completion_record(run, plan.node_id, output, now=now), status_record(run, now=now)]
    if _is_told(engine, plan):
        limit = engine.config.visit_limit
        records.insert(0, visit_record(run, plan, now=now, started_at=began, limit=limit))
    held.write([*_recap(engine, held, plan, now), *records], durable=True)
    return True


def _is_told(engine: Engine, plan: StepPlan) -> bool:
    """Say whether a step is a visit that the ledger tells of."""
    return engine.config.record_visits and plan.note != {}


def _move(engine: Engine, held: Held, plan: StepPlan, began: str) -> bool:
    run, now = held.run, engine.now()
    # The second half of a visit that asked for an effect closes what the effect's records have opened.
    limit = engine.config.visit_limit if run.current_node == plan.node_id else 0
    run.current_node = str(plan.next_node)
    run.updated_at = now
    records = []
    if _is_told(engine, plan) and is_told(plan, limit):
        records.append(visit_record(run, plan, now=now, started_at=began, limit=limit))
    if held.reaches_out:
        held.hold_back(records)
    else:
        held.write(records)
    return False


def _perform(engine: Engine, held: Held, plan: StepPlan, effect: Effect) -> bool:
    run = held.run
    is_first = held.replays is not False and not held.is_untouched
    policy_key = (
        engine.policy.idempotency_key(run=run, node_id=plan.node_id, effect=effect)
        if plan.key is None
        else named_key(plan.key, effect)
    )
    is_known = plan.key is not None and visits_before(run.vars, plan.node_id, policy_key) > 0
    if plan.key is not None:
        held.flush()
        key, prior = policy_key, engine.journal.find_completed(run.run_id, policy_key)
        prior = prior or done_before(run.vars, policy_key)
    elif held.replays is False:
        key, prior = visit_key(policy_key, visits_before(run.vars, plan.node_id, policy_key) + 1), None
    else:
        key, prior = _earlier_result(engine, held, plan.node_id, policy_key)
    if effect.type is EffectType.TOOL_CALLS:
        effect = ensure_call_ids(effect=effect, idempotency_key=key)
    handler = engine.handlers.get(effect.type)
    note = plan.note if engine.config.record_visits else None
    deed = Deed(run, plan, effect, policy_key, key, prior, handler, note, is_known, is_first)
    if prior is not None or handler is None or not handler.external(effect):
        held.flush()
        return _act(engine, held, deed)
    # One owner, and one of its threads: the claim in the store only stops who read the run before it.
    if not engine.leases.take_for(held):
        held.flush()
        raise DrivenElsewhere
    token = (run.run_id, key)
    if token in engine.in_flight:
        held.flush()
        raise DrivenElsewhere
    engine.in_flight.add(token)
    held.reaches_out = True
    deed.let_go = partial(engine.in_flight.discard, token)
    try:
        return _act(engine, held, deed)
    finally:
        if not deed.is_held_back:
            deed.let_go()


def _act(engine: Engine, held: Held, deed: Deed) -> bool:
    """Get the outcome, from the ledger or from the handler, and settle it."""
    plans = held.plans_retries
    services = StepServices(engine, held.run, deed.plan.node_id, deed.key, plans, deed.is_first)
    begun = perf_counter()
    if deed.prior is not None:
        outcome, deed.now = EffectOutcome.completed(deed.prior["result"]), engine.now()
        _repeat(deed, services)
    elif (asked := permit(engine.journal, deed)) is not None:
        return ask_first(engine, held, deed, asked)
    else:
        write, sleep = partial(_write_records, engine, held, deed), None if plans else engine.sleep
        retry = deed.plan.retry
        policy = engine.policy if retry is None else StepsOwnPolicy(engine.policy, retry)
        outcome = execute(deed, services, policy, write=write, sleep=sleep)
    if deed.effect.type is EffectType.TOOL_CALLS and outcome.status == "completed":
        outcome = _take_evidence(engine, deed, outcome)
    if outcome.status in ("failed", "put_off"):
        services.forget()
    deed.ms = int((perf_counter() - begun) * 1e6 + 0.5) / 1000  # milliseconds with three digits
    try:
        if outcome.status == "put_off":
            return put_off(engine, held, deed, outcome)
        rests = _settle(engine, held, deed, outcome, services)
    except StaleRevision:
        # What changes runs together with its record is not kept without them: the step is taken again.
        if deed.external and not services.changes_runs:
            held.keep_outcome(deed.records)
        raise
    except NotDurable as bad:
        return _refuse_outcome(engine, held, deed, outcome, bad)
    services.wake()
    return rests


def _take_evidence(engine: Engine, deed: Deed, outcome: EffectOutcome) -> EffectOutcome:
    """Keep what tools have brought in; the record and the run get what is left of their results."""
    run, node_id, store = deed.run, deed.plan.node_id, engine.artifacts
    if deed.prior is not None or deed.recorded is not None:
        if not deed.is_known:
            capture_again(run, store, node_id=node_id, results=outcome.result, now=deed.now)
        return outcome
    calls = deed.effect.payload.get("tool_calls")
    result = capture(
        run, store, node_id=node_id, tool_calls=calls, results=outcome.result, key=deed.key, now=deed.now
    )
    if result is outcome.result:
        return outcome
    deed.records[-1] = without_text(deed.records[-1])
    deed.records[-1].result = result
    return EffectOutcome.completed(result)


def _repeat(deed: Deed, services: StepServices) -> None:
    """Have the changes made again that belong to a result found in the ledger."""
    if deed.handler is None or not deed.handler.repeats or deed.is_known:
        return
    plan, effect = deed.plan, deed.effect
    outcome, error = guarded(deed.handler.call, deed.run, effect, plan.next_node, services)
    if outcome is None or outcome.status != "completed":
        services.forget()
        why = error or (outcome.error if outcome is not None else None)
        log.warning(
            "What %s of node %s changed in run %s could not be looked at again: %s",
            effect.type.value,
            plan.node_id,
            deed.run.run_id,
            why,
        )


def _write_records(engine: Engine, held: Held, deed: Deed, records: Sequence[StepRecord]) -> None:
    """Commit records before an effect acts; raise DrivenElsewhere if it may not, its lease being lost.

    The last of them may tell of an attempt that failed: it was made, whoever has changed the run meanwhile.
    """
    try:
        held.write_records(records)
    except StaleRevision:
        if deed.external and records[-1].status is StepStatus.FAILED:
            held.keep_outcome(records)
        raise
    if deed.external and not engine.leases.confirm(held.run.run_id):
        raise DrivenElsewhere


def _earlier_result(
    engine: Engine, held: Held, node_id: str, policy_key: str
) -> tuple[str, dict[str, Any] | None]:
    """Return this visit's key, and the result that a step lost in a crash left in the ledger.

    Only the first effect after loading can have one: later ones follow a commit of this driver. A
    finished run that its host has set back uses the plain keys and finds all its results.
    """
    run_id = held.run.run_id
    if held.is_untouched:
        held.replays = False
    elif held.replays is None:
        held.replays = engine.journal.find_completed(run_id, f"{STATUS_KEY_PREFIX}completed") is not None
    key = policy_key
    if not held.replays:
        key = visit_key(policy_key, visits_before(held.run.vars, node_id, policy_key) + 1)
    return key, None if held.is_untouched else engine.journal.find_completed(run_id, key)


def _settle(engine: Engine, held: Held, deed: Deed, outcome: EffectOutcome, services: StepServices) -> bool:
    """Put the outcome into the run and commit it with its records and what is staged."""
    run, plan, now, others = held.run, deed.plan, deed.now, services.others()
    run.updated_at = now
    forget_attempts(run.vars)
    if engine.config.record_traces:
        _trace(held, deed, outcome)
        if outcome.status != "completed" or not plan.next_node or len(held.traces) > _MOST_TRACES:
            held.keep_traces()
    if outcome.status == "failed" and plan.failure_key and plan.next_node:
        count_visit(run.vars, plan.node_id, deed.policy_key)
        set_result(run.vars, plan.failure_key, failure_of(deed.records, outcome.error, outcome.result))
        run.current_node = plan.next_node
        held.write(deed.records, others=others)
        return False
    if outcome.status == "failed":
        run.status = RunStatus.FAILED
        run.error = outcome.error or "unknown error"
        held.write([*deed.records, status_record(run, now=now)], durable=True)
        return True
    held.change(services.changes)
    count_visit(run.vars, plan.node_id, deed.policy_key)
    if outcome.wait is not None and sets_aside(plan, outcome.wait):
        set_result(run.vars, str(plan.aside_key), wait_json(outcome.wait))
        run.current_node = str(plan.next_node)
        held.write(deed.records, durable=True, others=others)
        return False
    if outcome.wait is not None:
        if plan.failure_key:
            outcome.wait.details = {**(outcome.wait.details or {}), "failure_key": plan.failure_key}
        run.status = RunStatus.WAITING
        run.waiting = outcome.wait
        listening = listen(run)
        mail = open_mail(run, now=now)
        held.write([*deed.records, *mail], durable=True, others=others, listening=listening)
        return run.status is not RunStatus.RUNNING
    if deed.effect.type is EffectType.LLM_CALL:
        count_tokens(run.vars, outcome.result)
    if outcome.result is not None and deed.effect.result_key:
        set_result(run.vars, deed.effect.result_key, outcome.result)
    if plan.next_node:
        run.current_node = plan.next_node
        if deed.external and not held.replays and not others:
            deed.is_held_back = held.hold_back(deed.records, deed.let_go)
        else:
            held.write(deed.records, others=others)
        return False
    run.status = RunStatus.COMPLETED
    run.output = {"success": True, "result": outcome.result}
    held.write([*deed.records, status_record(run, now=now)], durable=True, others=others)
    return True


def _trace(held: Held, deed: Deed, outcome: EffectOutcome) -> None:
    if outcome.status != "failed" and deed.records:
        try:
            last = deed.records[-1] = sealed(deed.records[-1])
            if len(last.text) <= LATE_ROOM:
                held.traces.append(late_trace(deed.plan.node_id, last, deed.ms, deed.now, deed.key))
                return
        except NotDurable as bad:
            log.debug("The commit of this step will be refused: %s", bad)
    entry = trace_entry(
        deed.plan.node_id,
        deed.effect,
        key=deed.key,
        status=outcome.status,
        result=outcome.result,
        error=outcome.error,
        wait=outcome.wait,
        reused=deed.prior is not None,
        ms=deed.ms,
        now=deed.now,
    )
    held.traces.append(entry)


def _refuse_outcome(engine: Engine, held: Held, deed: Deed, outcome: EffectOutcome, bad: NotDurable) -> bool:
    """Fail the run if the handler's result is not JSON; otherwise the node is to blame."""
    try:
        check(outcome.result, "result")
        if outcome.wait is not None:
            check(wait_json(outcome.wait), "wait")
    except NotDurable as culprit:
        told = f"the handler of {deed.effect.type.value} returned a value that is not JSON: {culprit}"
    else:
        if deed.external:
            held.keep_outcome(deed.records)
        raise bad
    error = f"Effect failed after 1 attempts: {told}"
    fresh = Held.load(engine.journal, held.run.run_id)
    run = held.run = fresh.run
    for entry in held.traces[-1:]:  # this effect's own: what it holds cannot be kept either
        if isinstance(entry, dict):
            entry.pop("result", None)
            entry.pop("wait", None)
            entry.update(status="failed", error=error)
    fresh.traces = held.traces
    fresh.keep_traces()
    if deed.records:
        last = deed.records[-1] = without_text(deed.records[-1])
        last.status, last.result, last.error = StepStatus.FAILED, None, error
    run.status = RunStatus.FAILED
    run.error = error
    run.updated_at = deed.now
    fresh.write([*deed.records, status_record(run, now=deed.now)], durable=True)
    return True
