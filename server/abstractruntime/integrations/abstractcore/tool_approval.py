"""Tool calls that a person has to allow first.

What a policy lets pass runs at once. A batch with one call that asks waits as a whole, so that the
calls keep their order: the executor answers `approval_required`, and the run waits for a person. The
answer is `{"approved": true}`, `{"approved": false, "reason"}`, `{"approved_ids": [...]}`, and may bring
`{"arguments": {runtime_call_id: {...}}}` that a person has edited.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .tool_executors import ToolExecutor
from .tool_results import ToolCall, ToolResult, tool_result

APPROVAL_REQUIRED = "approval_required"
DENIED = "Denied by user"
AUTO_APPROVED = frozenset(
    {
        "list_files",
        "skim_folders",
        "search_files",
        "analyze_code",
        "skim_files",
        "read_file",
        "open_attachment",
        "web_search",
        "fetch_url",
    }
)
MUST_ASK = frozenset({"write_file", "edit_file", "execute_command", "send_email", "send_whatsapp_message"})
YES = frozenset({"approve", "approved", "yes", "allow", "ok", "true"})
NO = frozenset({"deny", "denied", "no", "reject", "false"})


class ToolApprovalPolicy:
    """Which tools run unasked: those named so, and by default the ones that only read. The rest ask."""

    def __init__(
        self,
        *,
        auto_approve_tools: Iterable[str] | None = None,
        require_approval_tools: Iterable[str] | None = None,
    ) -> None:
        self._free = frozenset(AUTO_APPROVED if auto_approve_tools is None else auto_approve_tools)
        self._asks = frozenset(MUST_ASK if require_approval_tools is None else require_approval_tools)

    def requires_approval(self, calls: Iterable[Mapping[str, Any]]) -> bool:
        """Say whether one of the calls has to be allowed."""
        return any(self.asks(str(call.get("name") or "")) for call in calls)

    def asks(self, name: str) -> bool:
        """Say whether a tool of this name has to be allowed; a tool in neither list has to be."""
        return name in self._asks or name not in self._free

    def reason(self, calls: Iterable[Mapping[str, Any]]) -> str:
        """Return what a person is told of why these calls ask, beside their names; mostly nothing."""
        return ""

    def describe(self) -> dict[str, Any]:
        """Return both lists, sorted."""
        return {"auto_approve_tools": sorted(self._free), "require_approval_tools": sorted(self._asks)}


class ApprovalToolExecutor:
    """Asks a person before the calls that its policy does not let pass."""

    delegates = False

    def __init__(
        self,
        *,
        delegate: ToolExecutor,
        policy: ToolApprovalPolicy | None = None,
        wait_key_factory: Callable[[], str] | None = None,
    ) -> None:
        self._delegate = delegate
        self.policy = policy or ToolApprovalPolicy()
        self._wait_key = wait_key_factory

    def set_timeout_s(self, timeout_s: float | None) -> None:
        """Pass the limit on to the executor that does the work."""
        setter = getattr(self._delegate, "set_timeout_s", None)
        if callable(setter):
            setter(timeout_s)

    def execute(self, *, tool_calls: list[ToolCall]) -> dict[str, Any]:
        """Run a batch that needs nobody; else return `approval_required`. An empty batch only tells the mode."""
        if tool_calls and not self.policy.requires_approval(tool_calls):
            return self._delegate.execute(tool_calls=tool_calls)
        return self.ask(tool_calls=tool_calls)

    def ask(self, *, tool_calls: list[ToolCall]) -> dict[str, Any]:
        """Return `approval_required` for calls, whatever the policy says of them, and why where it tells."""
        asked: dict[str, Any] = {
            "mode": APPROVAL_REQUIRED,
            "wait_reason": "user",
            "tool_calls": [dict(call) for call in tool_calls],
            "details": {"kind": "tool_approval", "policy": self.policy.describe()},
        }
        asked["wait_key"] = self._wait_key() if self._wait_key else _stable_key(tool_calls)
        asked["reason"] = self.policy.reason(tool_calls)
        return asked

    def described(self, name: str) -> dict[str, Any] | None:
        """Ask the executor that does the work what a tool is now; None where it does not tell."""
        describe = getattr(self._delegate, "described", None)
        found: dict[str, Any] | None = describe(name) if callable(describe) else None
        return found

    def may_repeat(self, name: str) -> bool:
        """Ask the executor that does the work."""
        ask = getattr(self._delegate, "may_repeat", None)
        return ask is None or bool(ask(name))

    def execute_approved(self, *, tool_calls: list[ToolCall]) -> dict[str, Any]:
        """Run calls that a person has allowed."""
        return self._delegate.execute(tool_calls=tool_calls)


def _stable_key(calls: list[ToolCall]) -> str:
    """Return the same key when the same step asks again: the calls' own ids tell visits apart."""
    text = json.dumps(calls, sort_keys=True, default=str)
    return f"tool_approval:{hashlib.sha256(text.encode()).hexdigest()[:32]}"


@dataclass(frozen=True)
class Decision:
    """What a person said of a batch: which calls may run, with which arguments, and why not the others."""

    allowed: frozenset[str] | None  # ids; None means all
    reason: str = ""
    arguments: dict[str, dict[str, Any]] = field(default_factory=dict)

    def allows(self, call: Mapping[str, Any]) -> bool:
        """Say whether a call may run."""
        return self.allowed is None or not self.allowed.isdisjoint(
            {str(call.get("runtime_call_id")), str(call.get("call_id"))}
        )

    def edited(self, call: ToolCall) -> ToolCall:
        """Return a call with the arguments that the person wrote, if any."""
        for key in ("runtime_call_id", "call_id"):
            if str(call.get(key)) in self.arguments:
                return {**call, "arguments": self.arguments[str(call[key])]}
        return call

    def refusal(self, call: ToolCall) -> ToolResult:
        """Return the failed result of a call that may not run."""
        return tool_result(call, error=f"Not approved: {self.reason}" if self.reason else DENIED)


def read_decision(payload: Any) -> Decision | None:
    """Return what a resume payload decides; None when it decides nothing."""
    if not isinstance(payload, Mapping):
        return None
    edits = payload.get("arguments")
    arguments = (
        {str(key): dict(value) for key, value in edits.items() if isinstance(value, Mapping)}
        if isinstance(edits, Mapping)
        else {}
    )
    reason = str(payload.get("reason") or "").strip()
    ids = payload.get("approved_ids")
    if isinstance(ids, list):
        return Decision(frozenset(str(each) for each in ids), reason, arguments)
    said = payload.get("approved")
    if not isinstance(said, bool):
        said = _word(payload.get("response"))
    if said is None:
        return None
    return Decision(None if said else frozenset(), reason, arguments)


def _word(answer: Any) -> bool | None:
    word = answer.strip().lower() if isinstance(answer, str) else ""
    return True if word in YES else False if word in NO else None
