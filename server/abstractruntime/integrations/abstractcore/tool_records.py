"""What has become of each call of a batch, written down call by call.

A batch is one effect: without this, a crash in the middle of three calls would make all three again. Before a
call its STARTED is in the ledger, right after it its result, under the key of the visit and the call's place, the
same when the step is taken again. A call with a result is not made again; of one that was begun and has
none nobody knows whether it was carried out. A single call needs no records of its own: those of its step tell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...core.effects import EffectOutcome
from ...core.models import RunState, StepRecord, StepStatus
from ...storage.base import LedgerStore
from .tool_results import ToolCall, ToolResult, json_safe

TOOL_CALL = "tool_call"
OUTCOME_UNKNOWN = (
    "It is not known whether '{name}' was carried out: the server stopped in the middle of the call. See whether "
    "it was; if not, call it again."
)


UNKNOWN = {"carried_out": "unknown"}


class CallRecords:
    """The records of the calls of one run's batch; writes nothing without a ledger or for a single call.

    `was_begun` says of the visit whether it was begun before. With `keeps_failed` a call that has failed is
    not made again either.
    """

    def __init__(
        self,
        ledger: LedgerStore | None,
        run: RunState,
        calls: list[ToolCall],
        visit_key: str | None,
        was_begun: Callable[[], bool],
        keeps_failed: bool,
    ) -> None:
        self._was_begun, self._keeps_failed = was_begun, keeps_failed
        self._ledger = ledger if len(calls) > 1 and visit_key else None
        self._run = run
        self._keys = {id(call): f"{TOOL_CALL}:{visit_key}:{place}" for place, call in enumerate(calls, 1)}
        self._begun = self._read()

    @property
    def are_kept(self) -> bool:
        """Whether calls are written down one by one."""
        return self._ledger is not None

    def result_of(self, call: ToolCall) -> ToolResult | None:
        """Return the result that a call has had already."""
        record = self._begun.get(self._keys[id(call)])
        told = (record or {}).get("result")
        result = told.get(TOOL_CALL) if isinstance(told, dict) else None
        if not isinstance(result, dict) or not (self._keeps_failed or result.get("success") is True):
            return None
        return dict(result)

    def was_begun(self, call: ToolCall) -> bool:
        """Say whether a call was begun before, and nobody knows how it ended."""
        if self._ledger is None:
            return self._was_begun()
        record = self._begun.get(self._keys[id(call)])
        return record is not None and record.get("status") == StepStatus.STARTED.value

    def begin(self, calls: list[ToolCall]) -> None:
        """Write that calls are about to be made."""
        for call in calls:
            self._write(call, StepStatus.STARTED, None)

    def end(self, call: ToolCall, result: ToolResult) -> None:
        """Write what a call came to."""
        self._write(call, StepStatus.COMPLETED, {TOOL_CALL: result})

    def _write(self, call: ToolCall, status: StepStatus, result: dict[str, Any] | None) -> None:
        if self._ledger is None:
            return
        asked = {key: json_safe(call.get(key)) for key in ("name", "arguments", "call_id", "runtime_call_id")}
        record = StepRecord.start(
            run=self._run, node_id=self._run.current_node, effect=None, idempotency_key=self._keys[id(call)]
        )
        record.effect = {"type": TOOL_CALL, "payload": asked, "result_key": None}
        if status is StepStatus.COMPLETED:
            record.finish_success(result)
        self._ledger.append(record)

    def _read(self) -> dict[str, dict[str, Any]]:
        """Return the newest record of each call that was begun before."""
        if self._ledger is None:
            return {}
        keys = set(self._keys.values())
        return {
            str(record.get("idempotency_key")): record
            for record in self._ledger.list(self._run.run_id)
            if record.get("idempotency_key") in keys
        }


def may_repeat(tools: Any, name: str) -> bool:
    """Say whether an executor lets a call be made again of which nobody knows how it ended; not told: yes."""
    ask = getattr(tools, "may_repeat", None)
    return ask is None or bool(ask(name))


def failed_by_its_calls(outcome: EffectOutcome, tools: Any) -> EffectOutcome:
    """Return the failure of an effect that is to fail with its calls, or its outcome when all went well.

    Trying again by itself may help where each failed call certainly was not carried out, or may be repeated.
    """
    results = outcome.result.get("results") if isinstance(outcome.result, dict) else None
    failed = [each for each in results or () if isinstance(each, dict) and each.get("success") is not True]
    if outcome.status != "completed" or not failed:
        return outcome
    told = "; ".join(f"Tool '{each.get('name')}' failed: {each.get('error')}" for each in failed)
    return EffectOutcome.failed(told, retryable=all(_may_pass(each, tools) for each in failed))


def _may_pass(result: ToolResult, tools: Any) -> bool:
    was_not = (result.get("meta") or {}).get("carried_out") == "no"
    return was_not or may_repeat(tools, str(result.get("name")))
