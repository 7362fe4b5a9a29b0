"""The handler of TOOL_CALLS: plan the batch, have it carried out or wait for who does, put it together.

Every call has one result, in the order of the calls. What may not run fails by itself; the effect
fails only without an executor, without a list of calls, or when the executor breaks its promise.
(source: contract/kernel.md 9.5, contract/integrations.md 5)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from ...core.boundary import guarded
from ...core.effects import EffectOutcome
from ...core.models import Effect, RunState, WaitReason, WaitState
from ...storage.artifacts import ArtifactStore
from ...storage.base import LedgerStore, RunStore
from .attachment_calls import Attachments
from .constants import MAX_RESULT_BYTES
from .pdf_text import pdf_text
from .session_attachments import PdfReader
from .tool_approval import APPROVAL_REQUIRED, Decision, read_decision
from .tool_arguments import BadArguments, read_arguments
from .tool_executors import EXECUTED, ToolExecutor
from .tool_pins import Pins, kept_hashes
from .tool_records import OUTCOME_UNKNOWN, UNKNOWN, CallRecords, failed_by_its_calls, may_repeat
from .tool_results import MISSING_RESULT, NOT_AN_OBJECT, ToolCall, ToolResult, json_safe, tool_result
from .workspace_scoped_tools import WorkspaceScope, scoped_call

_APPROVAL_SLOT = "tool_approval"
_NO_CALLS = "tool_calls requires payload.tool_calls (a list)"
_NO_TOOLS = "No ToolExecutor is configured: give the runtime one (tool_executor=...) to carry out tool calls"
Handler = Callable[..., EffectOutcome]


@dataclass(frozen=True)
class Planned:
    """One call: who answers it. `fixed` is the result of a call that is not carried out."""

    call: ToolCall
    fixed: ToolResult | None = None
    is_own: bool = False


@dataclass
class Plan:
    """A batch in its order."""

    calls: list[Planned] = field(default_factory=list)

    @property
    def for_host(self) -> list[ToolCall]:
        """The calls that the executor is to carry out."""
        return [each.call for each in self.calls if each.fixed is None and not each.is_own]


def _no() -> bool:
    return False


def make_tool_calls_handler(
    *,
    tools: ToolExecutor | None = None,
    artifact_store: ArtifactStore | None = None,
    run_store: RunStore | None = None,
    ledger_store: LedgerStore | None = None,
    read_pdf: PdfReader = pdf_text,
) -> Handler:
    """Return the handler of TOOL_CALLS over an executor.

    With a ledger store (also one that its `take_ledger` is given later) each call of a batch has records of its own,
    and a crash in the middle repeats none that has ended. One that was begun and not ended is made again, unless the
    executor's `may_repeat(name)` says no; a single call, too. With `fail_on_error` in the payload a failed call
    fails the effect; taken again, it makes none of the calls again that have succeeded.
    With an artifact store a session has attachments; `read_pdf` makes text of a PDF, or raises ValueError.
    """
    files = Attachments(artifact_store, run_store, read_pdf, ledger_store)
    later: list[ToolExecutor] = []  # who carries out what a person allows, where `tools` cannot

    def tool_calls(
        run: RunState,
        effect: Effect,
        next_node: str | None = None,
        *,
        idempotency_key: str | None = None,
        was_begun: Callable[[], bool] = _no,
    ) -> EffectOutcome:
        """Carry out the tool calls of an effect, or wait for who does."""
        asked = effect.payload.get("tool_calls")
        if tools is None or not isinstance(asked, list):
            return EffectOutcome.failed(_NO_TOOLS if isinstance(asked, list) else _NO_CALLS)
        answered = _decision(run, asked)
        if isinstance(answered.decision, EffectOutcome):
            return answered.decision
        fails = effect.payload.get("fail_on_error") is True
        try:
            plan = _plan(run, effect, answered.calls, files)
        except ValueError as error:
            return EffectOutcome.failed(f"The workspace of the run cannot be used: {error}")
        if not plan.for_host and not any(each.is_own for each in plan.calls):
            return EffectOutcome.completed(_executed([each.fixed for each in plan.calls]))
        decision = answered.decision
        able = later[0] if later and decision is not None else tools
        decided = Plan([_decided(each, decision) for each in plan.calls])
        pins = Pins(able, decided.for_host)
        question = _question_of_changes(run, able, pins, answered.hashes, was_begun)
        if question or (decision is None and _delegates(tools, [*filter(pins.allows, plan.for_host)])):
            asking = Asking(run, effect, able, plan, pins, answered.calls, question)
            return _hand_over(asking, next_node, files, later)
        pins.keep(run)
        records = CallRecords(files.ledger, run, decided.for_host, idempotency_key, was_begun, not fails)
        done = _carry_out(run, able, decided, decision, files, records, pins)
        return failed_by_its_calls(done, able) if fails else done

    def take_executor(executor: ToolExecutor) -> None:
        later[:] = [executor]

    tool_calls.take_executor = take_executor  # type: ignore[attr-defined]
    tool_calls.take_ledger = files.take_ledger  # type: ignore[attr-defined]
    return tool_calls


def _question_of_changes(
    run: RunState,
    tools: ToolExecutor,
    pins: Pins,
    shown: Mapping[str, Any] | None,
    was_begun: Callable[[], bool],
) -> str:
    """Return what a person is to be asked because tools have changed; "" where none has, or nobody can be asked.

    `shown` are the hashes of the tools that a person has just allowed. Calls that were begun before a crash are
    not asked about: what has become of them is told first.
    """
    changed = pins.changed(kept_hashes(run) if shown is None else shown)
    if changed and hasattr(tools, "ask") and not was_begun():
        return pins.question(changed, "this run first used it" if shown is None else "you were asked")
    pins.refuse(changed)
    return ""


def _plan(run: RunState, effect: Effect, asked: list[Any], attachments: Attachments) -> Plan:
    scope = WorkspaceScope.from_input_data(run.vars)
    names = effect.payload.get("allowed_tools")
    allowed = {str(name).strip() for name in names} if isinstance(names, list) else None
    return Plan([_plan_one(run, call, allowed, scope, attachments) for call in asked])


def _plan_one(
    run: RunState,
    call: Any,
    allowed: set[str] | None,
    scope: WorkspaceScope | None,
    attachments: Attachments,
) -> Planned:
    if not isinstance(call, dict):
        return Planned({}, tool_result({}, error=NOT_AN_OBJECT))
    name = str(call.get("name") or "").strip()
    if allowed is not None and name not in allowed:
        return Planned(call, tool_result(call, error=f"Tool '{name}' is not allowed for this node"))
    try:
        call = {**call, "name": name, "arguments": read_arguments(call.get("arguments"))}
    except BadArguments as bad:
        return Planned(call, tool_result(call, error=f"Invalid arguments for tool '{name}': {bad}"))
    if attachments.owns(call):
        return Planned(call, is_own=True)
    if scope is None:
        return Planned(call)
    try:
        return Planned(scoped_call(call, scope))
    except ValueError as error:
        return Planned(call, attachments.instead_of(run, call) or tool_result(call, error=str(error)))


def _delegates(tools: ToolExecutor, calls: list[ToolCall]) -> bool:
    """Say whether somebody else carries the calls out; only an executor that does not tell is asked."""
    policy = getattr(tools, "policy", None)
    if policy is not None and hasattr(policy, "requires_approval"):
        return bool(calls) and bool(policy.requires_approval(calls))
    told = getattr(tools, "delegates", None)
    if isinstance(told, bool):
        return told
    answer, _ = guarded(tools.execute, tool_calls=[])
    return isinstance(answer, dict) and answer.get("mode", EXECUTED) != EXECUTED


# ---- carried out here --------------------------------------------------------------------------


def _carry_out(
    run: RunState,
    tools: ToolExecutor,
    plan: Plan,
    decision: Decision | None,
    attachments: Attachments,
    records: CallRecords | None = None,
    pins: Pins | None = None,
) -> EffectOutcome:
    execute = tools.execute
    if decision is not None:
        execute = getattr(tools, "execute_approved", tools.execute)
    if pins is not None:
        execute = pins.guarding(execute)
    results: list[ToolResult | None] = []
    for kind, group in groupby(plan.calls, key=_kind):
        batch = [*group]
        if kind == "fixed":
            results += [each.fixed for each in batch]
        elif kind == "own":
            results += [attachments.answer(run, each.call) for each in batch]
        elif records is not None:
            made = _recorded(run, tools, execute, [each.call for each in batch], attachments, records)
            if isinstance(made, EffectOutcome):
                return made
            results += made
        else:
            made = _batch(run, execute, [each.call for each in batch], attachments)
            if isinstance(made, EffectOutcome):
                return made
            results += made
    return EffectOutcome.completed(_executed(results))


def _batch(
    run: RunState, execute: Callable[..., Any], calls: list[ToolCall], attachments: Attachments
) -> list[ToolResult] | EffectOutcome:
    done, error = guarded(execute, tool_calls=calls)
    found = done.get("results") if error is None and isinstance(done, dict) else None
    if not isinstance(found, list):
        reason = error or f"it returned {done!r:.200} instead of results"
        return EffectOutcome.failed(f"The tool executor failed: {reason}")
    return [_answer(run, call, found, place, attachments) for place, call in enumerate(calls)]


def _recorded(
    run: RunState,
    tools: ToolExecutor,
    execute: Callable[..., Any],
    calls: list[ToolCall],
    attachments: Attachments,
    records: CallRecords,
) -> list[ToolResult] | EffectOutcome:
    """Make the calls that have not been made before; where each has records of its own, one by one."""
    known: dict[int, ToolResult] = {}
    for call in calls:
        told = records.result_of(call)
        if told is None and records.was_begun(call) and not may_repeat(tools, str(call["name"])):
            told = tool_result(call, error=OUTCOME_UNKNOWN.format(name=call["name"]), meta=UNKNOWN)
            records.end(call, told)
        if told is not None:
            known[id(call)] = told
    left = [call for call in calls if id(call) not in known]
    for group in [[call] for call in left] if records.are_kept else [left] if left else []:
        records.begin(group)
        made = _batch(run, execute, group, attachments)
        if isinstance(made, EffectOutcome):
            return made
        for call, result in zip(group, made, strict=True):
            records.end(call, result)
            known[id(call)] = result
    return [known[id(call)] for call in calls]


def _kind(planned: Planned) -> str:
    return "fixed" if planned.fixed is not None else "own" if planned.is_own else "host"


def _decided(planned: Planned, decision: Decision | None) -> Planned:
    if decision is None or planned.fixed is not None or planned.is_own:
        return planned
    if not decision.allows(planned.call):
        return Planned(planned.call, decision.refusal(planned.call))
    return Planned(decision.edited(planned.call))


def _answer(
    run: RunState, call: ToolCall, found: list[Any], number: int, attachments: Attachments
) -> ToolResult:
    if number >= len(found) or not isinstance(found[number], dict):
        return tool_result(call, error=MISSING_RESULT)
    result = json_safe(found[number])
    result = {
        **tool_result(call),
        "success": result.get("success") is True,
        "output": result.get("output"),
        "error": result.get("error"),
        **({"meta": result["meta"]} if isinstance(result.get("meta"), dict) else {}),
    }
    if not result["success"] and not result["error"]:
        result["error"] = "Tool reported failure"
    size = len(json.dumps(result["output"]))
    if size > MAX_RESULT_BYTES:
        told = (
            f"Tool '{call['name']}' returned {size:,} bytes; at most {MAX_RESULT_BYTES:,} are taken: "
            "ask it for less, or for a part"
        )
        return tool_result(call, error=told, meta=result.get("meta"))
    return attachments.after(run, call, result)


def _executed(results: list[ToolResult | None]) -> dict[str, Any]:
    return {"mode": EXECUTED, "results": results}


# ---- carried out elsewhere ---------------------------------------------------------------------


@dataclass(frozen=True)
class Asking:
    """A batch that somebody else carries out or has to allow; `question` says which tools have changed."""

    run: RunState
    effect: Effect
    tools: ToolExecutor
    plan: Plan
    pins: Pins
    calls: list[Any]
    question: str = ""

    def ask(self) -> Any:
        """Hand the calls over."""
        if self.question:
            return self.tools.ask(tool_calls=self.plan.for_host)  # type: ignore[attr-defined]
        return self.tools.execute(tool_calls=self.plan.for_host)

    def wait_key(self, named: Any) -> str:
        """Return what the answer has to name: not what answered another question about the same calls."""
        key = str(self.effect.payload.get("wait_key") or named or "")
        key = key or f"tool_calls:{self.run.run_id}:{self.run.current_node}"
        return f"{key}:{self.pins.digest()}" if self.question else key


def _hand_over(
    asking: Asking, next_node: str | None, attachments: Attachments, later: list[ToolExecutor]
) -> EffectOutcome:
    """Wait for who carries the calls out; what is known already is kept for when they come back."""
    run, effect, plan = asking.run, asking.effect, asking.plan
    if not plan.for_host:
        return _carry_out(run, asking.tools, plan, None, attachments)
    asked, error = guarded(asking.ask)
    if error is not None or not isinstance(asked, dict):
        reason = error or f"it returned {asked!r:.200}"
        return EffectOutcome.failed(f"The tool executor failed: {reason}")
    mode = str(asked.get("mode") or EXECUTED)
    if mode == EXECUTED:
        return _carry_out(run, asking.tools, plan, None, attachments)
    details: dict[str, Any] = {"mode": mode, "tool_calls": json_safe(plan.for_host)}
    if isinstance(asked.get("details"), dict):
        details["executor"] = json_safe(asked["details"])
    if len(plan.for_host) != len(plan.calls):
        details |= _holes(run, plan, attachments)
    wait = WaitState(
        reason=_reason(mode, asked.get("wait_reason")),
        wait_key=asking.wait_key(asked.get("wait_key")),
        resume_to_node=effect.payload.get("resume_to_node") or next_node,
        result_key=effect.result_key,
        details=details,
    )
    if mode == APPROVAL_REQUIRED and (later or hasattr(asking.tools, "execute_approved")):
        _ask_person(asking, wait, str(asked.get("reason") or ""))
    return EffectOutcome.waiting(wait)


def _holes(run: RunState, plan: Plan, attachments: Attachments) -> dict[str, Any]:
    """Return what the results that come back leave open: which places are answered, and how."""
    blocked, known = {}, {}
    for place, each in enumerate(plan.calls):
        if each.fixed is not None:
            blocked[str(place)] = each.fixed
        elif each.is_own:
            known[str(place)] = attachments.answer(run, each.call)
    shown = [
        {key: value for key, value in each.call.items() if each.fixed is None or key != "arguments"}
        for each in plan.calls
    ]
    return {
        "original_call_count": len(plan.calls),
        "blocked_by_index": blocked,
        "pre_results_by_index": known,
        "tool_calls_for_evidence": json_safe(shown),
    }


def _reason(mode: str, named: Any) -> WaitReason:
    try:
        return WaitReason(str(named).lower())
    except ValueError:
        return WaitReason.JOB if mode == "delegated" else WaitReason.EVENT


# ---- allowed by a person -----------------------------------------------------------------------


def _ask_person(asking: Asking, wait: WaitState, reason: str) -> None:
    """Have the answer come back to this very node, which then carries out what was allowed.

    So the calls are an effect like any other: STARTED before they act, with a key, after any restart.
    """
    node, calls = asking.run.current_node, wait.details["tool_calls"] if wait.details else []
    ids = [each.get("runtime_call_id") if isinstance(each, dict) else None for each in asking.calls]
    asked = {"node_id": node, "ids": ids, "hashes": dict(asking.pins.now)}
    wait.details = {**(wait.details or {}), "with_answer": {f"_runtime.{_APPROVAL_SLOT}_asked": asked}}
    why = " ".join(filter(None, (asking.question, reason)))
    names = ", ".join(dict.fromkeys(_names(calls)))
    wait.prompt = wait.prompt or f"{why} May the flow use {names}{' as it is now' if why else ''}?".strip()
    wait.choices = wait.choices or ["Approve", "Deny"]
    wait.resume_to_node = node
    wait.result_key = f"_runtime.{_APPROVAL_SLOT}"


@dataclass(frozen=True)
class Answered:
    """The calls of a visit, and what a person has said of them: with the ids and the hashes that were shown."""

    calls: list[Any]
    decision: Decision | EffectOutcome | None = None
    hashes: Mapping[str, Any] | None = None


def _decision(run: RunState, asked: list[Any]) -> Answered:
    """Return what a person has said of these calls, once, or the results that were brought instead.

    The calls come back with the ids that the person saw: this is another visit of the node.
    """
    space = run.vars.get("_runtime")
    if not isinstance(space, dict) or _APPROVAL_SLOT not in space:
        return Answered(asked)
    waited = space.pop(f"{_APPROVAL_SLOT}_asked", None)
    payload = space.pop(_APPROVAL_SLOT)
    if not isinstance(waited, dict) or waited.get("node_id") != run.current_node:
        return Answered(asked)
    ids = waited.get("ids")
    if not isinstance(ids, list) or len(ids) != len(asked):
        return Answered(asked)
    asked = [
        {**call, "runtime_call_id": shown} if isinstance(call, dict) else call
        for call, shown in zip(asked, ids, strict=True)
    ]
    if isinstance(payload, dict) and isinstance(payload.get("results"), list):
        return Answered(asked, EffectOutcome.completed({"mode": EXECUTED, **payload}))
    decision, shown = read_decision(payload), waited.get("hashes")
    return Answered(asked, decision, dict(shown or {}) if decision is not None else None)


def _names(calls: list[Any]) -> list[str]:
    return [str(call.get("name") or "") for call in calls if isinstance(call, dict)]
