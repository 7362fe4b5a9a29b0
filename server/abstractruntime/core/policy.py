"""How often an effect is tried, how long to wait in between, and what makes two requests one.

An idempotency key is a digest of run, node, effect type and payload. Node ids repeat when a flow
loops, so visits are counted in `vars["_runtime"]["visits"]`, in the commit that ends the visit: the
first use of a key keeps it, the n-th is `visit_key(key, n)`. A node that has asked for more than 64
different things is counted as a whole from then on, so that the count does not grow with the run.
What must not make a difference is left out of tool calls: ids that a model invents at each attempt.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from .errors import NotDurable
from .jsonsafe import check, quoted_ascii, text_maker
from .models import Effect, EffectType, Retry, RunState
from .tracked import tracked_at
from .vars import get_namespace, get_runtime

LONGEST_ASKED_S = (
    3600.0  # a server may ask for any pause: one that has lost its clock must not hold a run for days
)
_CALL_IDS = ("call_id", "id", "runtime_call_id", "model_call_id", "idempotency_key")
_KEY_LENGTH = 32
_COUNTED_KEYS = 64
_COUNTED_LENGTH = 16


class EffectPolicy(Protocol):
    """What the engine asks about an effect before it carries it out."""

    def max_attempts(self, effect: Effect) -> int:
        """Return how often to try at most."""
        ...

    def backoff_seconds(self, *, effect: Effect, attempt: int) -> float:
        """Return how long to wait after the failed attempt with this number (from 1)."""
        ...

    def idempotency_key(self, *, run: RunState, node_id: str, effect: Effect) -> str:
        """Return the key under which the result may be reused."""
        ...


@dataclass
class DefaultEffectPolicy:
    """Try once unless told otherwise per effect type; wait twice as long each time.

    `jitter` spreads planned retries: by so much of the pause, earlier or later (see `planned_pause`).
    """

    default_max_attempts: int = 1
    default_backoff_base: float = 1.0
    default_backoff_max: float = 60.0
    effect_max_attempts: dict[str, int] = field(default_factory=dict)
    jitter: float = 0.0

    def max_attempts(self, effect: Effect) -> int:
        """Return the attempts for the effect's type, else the default."""
        return self.effect_max_attempts.get(effect.type._value_, self.default_max_attempts)

    def backoff_seconds(self, *, effect: Effect, attempt: int) -> float:
        """Return base, 2 base, 4 base, up to the maximum."""
        return min(self.default_backoff_base * 2.0 ** (attempt - 1), self.default_backoff_max)

    def is_retryable(self, *, effect: Effect, error: str) -> bool:
        """Say whether a failure with this text may be tried again; for subclasses, yes here."""
        return True

    def idempotency_key(self, *, run: RunState, node_id: str, effect: Effect) -> str:
        """Return the digest of run, node, effect type and payload."""
        return compute_idempotency_key(run_id=run.run_id, node_id=node_id, effect=effect)


class RetryPolicy(DefaultEffectPolicy):
    """Try model calls and tool calls several times, all else once."""

    def __init__(
        self,
        *,
        llm_max_attempts: int = 3,
        tool_max_attempts: int = 2,
        backoff_base: float = 1.0,
        backoff_max: float = 30.0,
        jitter: float = 0.1,
    ) -> None:
        super().__init__(
            default_max_attempts=1,
            default_backoff_base=backoff_base,
            default_backoff_max=backoff_max,
            effect_max_attempts={
                EffectType.LLM_CALL.value: llm_max_attempts,
                EffectType.TOOL_CALLS.value: tool_max_attempts,
            },
            jitter=jitter,
        )


@dataclass(frozen=True)
class StepsOwnPolicy:
    """The runtime's policy, but for the number of attempts and the pauses, which a step has its own of."""

    base: EffectPolicy
    retry: Retry

    @property
    def jitter(self) -> float:
        """Return the spread of the runtime's policy."""
        return float(getattr(self.base, "jitter", 0.0))

    def max_attempts(self, effect: Effect) -> int:
        """Return the attempts of the step."""
        return self.retry.attempts

    def backoff_seconds(self, *, effect: Effect, attempt: int) -> float:
        """Return the step's pause, 2 pauses, 4 pauses, up to its longest."""
        return min(self.retry.pause * 2.0 ** (attempt - 1), self.retry.longest)

    def is_retryable(self, *, effect: Effect, error: str) -> bool:
        """Return what the runtime's policy says of a failure."""
        return may_help(self.base, effect, error)

    def idempotency_key(self, *, run: RunState, node_id: str, effect: Effect) -> str:
        """Return the key of the runtime's policy."""
        return self.base.idempotency_key(run=run, node_id=node_id, effect=effect)


def planned_pause(
    policy: EffectPolicy, effect: Effect, *, attempt: int, key: str, asked_s: float = 0.0
) -> float:
    """Return the seconds until a planned retry: the policy's, spread by its `jitter`, and `asked_s` at least.

    The spread follows from key and attempt, so that it is the same when the step is taken again, and
    different for runs that failed at the same moment. It only ever makes what was asked for longer.
    """
    pause = policy.backoff_seconds(effect=effect, attempt=attempt)
    jitter = min(max(float(getattr(policy, "jitter", 0.0)), 0.0), 1.0)
    lot = int(_digest(f"{key}:retry:{attempt}")[:8], 16) / 0xFFFFFFFF
    return max(pause * (1.0 + jitter * (2.0 * lot - 1.0)), asked_s * (1.0 + jitter * lot))


def asked_pause(known: Any) -> float:
    """Return the seconds for which whoever refused asked to be left alone, at most `LONGEST_ASKED_S`; else 0.

    `known` is the result of a failure, which tells of a model call `{"error": {"retry_after_s": number}}`.
    """
    error = known.get("error") if isinstance(known, dict) else None
    told = error.get("retry_after_s") if isinstance(error, dict) else None
    if isinstance(told, bool) or not isinstance(told, int | float) or not told > 0:
        return 0.0
    return min(float(told), LONGEST_ASKED_S)


def may_help(policy: EffectPolicy, effect: Effect, error: str | None) -> bool:
    """Say whether a policy lets a failure be tried again; one without `is_retryable` does."""
    ask = getattr(policy, "is_retryable", None)
    return ask is None or bool(ask(effect=effect, error=str(error)))


class NoRetryPolicy(DefaultEffectPolicy):
    """Try everything once, whatever its type: for tests and for hosts that retry by themselves."""

    def __init__(self) -> None:
        super().__init__()

    def max_attempts(self, effect: Effect) -> int:
        """Return 1."""
        return 1


_sorted_text = text_maker(ensure_ascii=True, allow_nan=True, sort_keys=True)


def compute_idempotency_key(*, run_id: str, node_id: str, effect: Effect) -> str:
    """Return 32 hex digits that are the same for the same request: run, node, effect type and payload.

    Ids of tool calls do not count, for a model gives new ones each time. Raises NotDurable, with the place, for a
    payload that is not JSON.
    """
    payload: Any = effect.payload if isinstance(effect.payload, dict) else {}
    if effect.type is EffectType.TOOL_CALLS:
        payload = _without_call_ids(payload)
    try:
        text = (
            f'{{"effect_payload":{_sorted_text(payload)},"effect_type":"{effect.type._value_}",'
            f'"node_id":{quoted_ascii(node_id)},"run_id":{quoted_ascii(run_id)}}}'
        )
    except (TypeError, ValueError, RecursionError) as bad:
        raise _unfit(node_id, effect, bad) from bad
    return _digest(text)


def _unfit(node_id: str, effect: Effect, bad: Exception) -> NotDurable:
    path = "payload"
    try:
        check(effect.payload, path)
    except NotDurable as named:
        bad, path = named, named.path
    return NotDurable(
        f"Node '{node_id}' asks for {effect.type.value} with a payload that is not JSON: {bad}", path
    )


def named_key(key: str, effect: Effect) -> str:
    """Return the key of a request that its author has named: 32 hex digits, the same in all runs."""
    return _digest(f"{effect.type.value}:{key}")


def stage_key(run_id: str, wait_key: str | None, number: int, asked_at: str) -> str:
    """Return the key under which a person is told of the n-th stage of a wait."""
    return _digest(f"{run_id}:{wait_key}:{asked_at}:stage:{number}")


def visit_key(key: str, visit: int) -> str:
    """Return the key of the n-th use of a policy key; the first keeps it."""
    return key if visit <= 1 else _digest(f"{key}:{visit}")


def visits_before(vars: dict[str, Any], node_id: str, key: str) -> int:
    """Return how often this node has ended a visit with this policy key."""
    read = dict.get  # without tracking: nothing is handed out
    space = read(vars, "_runtime")
    visits = read(space, "visits") if isinstance(space, dict) else None
    seen: Any = read(visits, node_id) if isinstance(visits, dict) else None
    if type(seen) is int:
        return seen
    seen = read(seen, key[:_COUNTED_LENGTH]) if isinstance(seen, dict) else 0
    return seen if isinstance(seen, int) else 0


def count_visit(vars: dict[str, Any], node_id: str, key: str) -> None:
    """Count the end of a visit, to be committed with the step that ends it."""
    visits: dict[str, Any] | None = tracked_at(vars, "_runtime", "visits")
    if visits is None:
        visits = get_namespace(get_runtime(vars), "visits")
    seen, short = visits.get(node_id), key[:_COUNTED_LENGTH]
    if isinstance(seen, int):
        visits[node_id] = seen + 1
    elif not isinstance(seen, dict):
        visits[node_id] = {short: 1}
    elif short in seen or len(seen) < _COUNTED_KEYS:
        seen[short] = seen.get(short, 0) + 1
    else:
        visits[node_id] = sum(seen.values()) + 1


def failed_before(vars: dict[str, Any], key: str) -> tuple[int, list[str]]:
    """Return how many attempts of this visit have failed before a planned retry, and what they said as far as it was kept."""
    space = dict.get(vars, "_runtime")
    retry: Any = dict.get(space, "retry") if isinstance(space, dict) else None
    if not isinstance(retry, dict) or dict.get(retry, "key") != key:
        return 0, []
    count, told = dict.get(retry, "attempt"), dict.get(retry, "errors")  # an older version has not kept these
    if not isinstance(count, int) or not count:
        return 0, []
    return count, [*told] if isinstance(told, list) else []


def forget_attempts(vars: dict[str, Any]) -> None:
    """Drop what `note_attempt` of `vars` kept, at the end of the visit."""
    space = dict.get(vars, "_runtime")
    if isinstance(space, dict) and "retry" in space:
        get_runtime(vars).pop("retry", None)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_KEY_LENGTH]


def _without_call_ids(payload: dict[str, Any]) -> dict[str, Any]:
    cleaned = dict(payload)
    calls = payload.get("tool_calls")
    if isinstance(calls, list):
        cleaned["tool_calls"] = [_call_content(call) if isinstance(call, dict) else call for call in calls]
    if isinstance(payload.get("allowed_tools"), list):
        cleaned["allowed_tools"] = sorted_names(payload["allowed_tools"])
    return cleaned


def _call_content(call: dict[str, Any]) -> dict[str, Any]:
    content = {key: value for key, value in call.items() if key not in _CALL_IDS}
    if isinstance(content.get("name"), str):
        content["name"] = content["name"].strip()
    content["arguments"] = _arguments(content.get("arguments"))
    if isinstance(content.get("function"), dict):
        content["function"] = _call_content(content["function"])
    return content


def _arguments(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def sorted_names(values: list[Any]) -> list[str]:
    """Return the distinct non-empty names of a list, stripped and sorted."""
    return sorted({value.strip() for value in values if isinstance(value, str) and value.strip()})


def ensure_call_ids(*, effect: Effect, idempotency_key: str) -> Effect:
    """Give every tool call an id that stays the same when the step is taken again."""
    calls = effect.payload.get("tool_calls")
    payload = dict(effect.payload)
    if isinstance(calls, list):
        payload["tool_calls"] = [
            _with_ids(call, f"rtcall_{idempotency_key}_{number}") if isinstance(call, dict) else call
            for number, call in enumerate(calls, start=1)
        ]
    if isinstance(payload.get("allowed_tools"), list):
        payload["allowed_tools"] = sorted_names(payload["allowed_tools"])
    return replace(effect, payload=payload)


def _with_ids(call: dict[str, Any], runtime_id: str) -> dict[str, Any]:
    own_id = str(call.get("runtime_call_id") or "").strip() or runtime_id
    given = call.get("call_id") if call.get("call_id") is not None else call.get("id")
    named = str(given).strip() if given is not None else ""
    filled = {**call, "runtime_call_id": own_id, "call_id": named or own_id}
    if isinstance(call.get("name"), str):
        filled["name"] = call["name"].strip()
    return filled
