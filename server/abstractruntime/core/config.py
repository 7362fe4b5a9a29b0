"""What a host may set about a runtime."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from .vars import DEFAULT_MAX_TOKENS

DEFAULT_RECOMMENDED_MAX_INPUT_TOKENS = -1

# Room left between prompt and answer for what a model's chat template adds.
_INPUT_MARGIN_TOKENS = 256


@dataclass(frozen=True)
class RuntimeConfig:
    """Limits that new runs start with, and how the engine tells its story.

    `record_visits` adds a ledger record for every visit of a node, so that a reader of the ledger
    sees pure steps too. With a `visit_limit`, a node that was visited that often and asks for no
    effects is told of every hundredth time only, and once more when the run ends; what the run's variables were at each of
    these steps is kept all the same. `record_traces` keeps the newest effect steps of each node in the run's
    variables; without it `Runtime.get_node_traces` reads them from the ledger. `node_errors` says
    what an exception in a node's code does: "raise" lets it leave `tick` and the run stays RUNNING
    at that node, "fail" ends the run as FAILED with a record that names the node.

    `lease_s` is how many seconds after its last sign of life another process may take a run over
    from its driver; 0 takes no leases. `heartbeat` has a thread give that sign.

    `grounding` has models told date, time and country: "system" in the system prompt, "user_turn" before
    the user's words. It is off unless wanted: small models answer worse with it.
    """

    max_iterations: int = 25
    warn_iterations_pct: int = 80
    max_tokens: int | None = None
    max_output_tokens: int | None = None
    max_input_tokens: int | None = None
    warn_tokens_pct: int = 80
    max_history_messages: int = -1
    provider: str | None = None
    model: str | None = None
    model_capabilities: dict[str, Any] = field(default_factory=dict)
    record_visits: bool = False
    visit_limit: int = 0  # 0: none
    record_traces: bool = True
    node_errors: Literal["raise", "fail"] = "raise"
    lease_s: float = 30.0
    heartbeat: bool = True
    grounding: Literal["off", "system", "user_turn"] = "off"

    def to_limits_dict(self) -> dict[str, Any]:
        """Return the `_limits` that a new run starts with."""
        capable = self.model_capabilities
        max_tokens = self.max_tokens
        if max_tokens is None:
            max_tokens = capable.get("max_tokens") or DEFAULT_MAX_TOKENS
        max_output = self.max_output_tokens
        if max_output is None:
            max_output = capable.get("max_output_tokens")
        return {
            "max_iterations": self.max_iterations,
            "current_iteration": 0,
            "max_tokens": max_tokens,
            "max_output_tokens": max_output,
            "max_input_tokens": self._input_limit(max_tokens, max_output),
            "estimated_tokens_used": 0,
            "max_history_messages": self.max_history_messages,
            "warn_iterations_pct": self.warn_iterations_pct,
            "warn_tokens_pct": self.warn_tokens_pct,
        }

    def _input_limit(self, max_tokens: int, max_output: int | None) -> int | None:
        wanted: Any = self.max_input_tokens
        if wanted is None or max_output is None:
            return wanted if wanted is None else _whole(wanted, wanted)
        room = max(0, int(max_tokens) - int(max_output) - _INPUT_MARGIN_TOKENS)
        return max(0, min(_whole(wanted, room), room))

    def with_capabilities(self, capabilities: dict[str, Any]) -> RuntimeConfig:
        """Return a copy for a model with these capabilities; they replace the former ones."""
        return replace(self, model_capabilities=dict(capabilities))


def _whole(value: Any, otherwise: int) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return otherwise
