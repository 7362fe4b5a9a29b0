"""What an author says of a step besides where control goes: how often it is tried again, and what is done once.

`node.data.policy` holds `retries` (further attempts), `pause` (seconds before the first of them, doubled for
each next one) and `longest` (seconds that no pause exceeds). They count for node types whose effect may be
carried out again (`can_retry`). `key` is an expression (decision 0028): what it gives names what the step does,
and within a run the same name is done once (decision 0036); it counts for node types whose effect has a result
of its own (`can_key`). The other keys of `policy` are kept and mean nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..core.models import EffectType
from ..nodes.define import NodeType
from .expressions import MOST
from .graph import Placed
from .problem import Problem, set_to

MOST_RETRIES = 10
MOST_SECONDS = 86_400
PAUSE = 1.0
LONGEST = 60.0
_LIMITS = {"retries": (0, MOST_RETRIES), "pause": (0, MOST_SECONDS), "longest": (0, MOST_SECONDS)}


# Effects that may be tried again when they fail; the others are the kernel's own, and succeed or will never.
RETRIED = frozenset(
    each.value
    for each in (
        EffectType.LLM_CALL,
        EffectType.TOOL_CALLS,
        EffectType.WEB_REQUEST,
        EffectType.NOTIFY,
        EffectType.MEMORY_KG_ASSERT,
        EffectType.MEMORY_KG_QUERY,
        EffectType.MEMORY_KG_RESOLVE,
        EffectType.READ_FILE,
        EffectType.WRITE_FILE,
        EffectType.APPEND_FILE,
        EffectType.LIST_FILES,
        EffectType.READ_PDF,
        EffectType.WRITE_PDF,
        EffectType.IMPORT_FILE,
        EffectType.EXPORT_ARTIFACT,
        EffectType.READ_ARTIFACT,
    )
)

KEY = "policy.key"
# Effects whose first result is the result of all that bear the same name; the others are waits, each its own.
NAMED = frozenset(EffectType) - {
    EffectType.ASK_USER,
    EffectType.WAIT_EVENT,
    EffectType.WAIT_UNTIL,
    EffectType.START_SUBWORKFLOW,
    EffectType.AWAIT_RUNS,
    EffectType.CARRY_WAIT,
}
# Effects that reach the outside and add up: asked for twice, they are there twice (docs/problems.md says why
# no others are here). Their turns in a loop should have names.
_BLIND = frozenset({EffectType.TOOL_CALLS.value, EffectType.NOTIFY.value})


def effects_of(kind: NodeType) -> frozenset[str]:
    """Return the types of the effects that a node asks for, as its examples show them."""
    shown = (example.outputs.get("effect") for example in kind.examples)
    return frozenset(str(each["type"]) for each in shown if isinstance(each, Mapping) and "type" in each)


def can_retry(kind: NodeType) -> bool:
    """Say whether the author may say how often an effect is tried; not where the type has a setting for it."""
    own = any(each.path.endswith(".retries") for each in kind.fields)
    return kind.kind == "effect" and not own and bool(effects := effects_of(kind)) and effects <= RETRIED


def can_key(kind: NodeType) -> bool:
    """Say whether the author may name what a step does; not where an input of the type does so."""
    if kind.kind != "effect" or kind.key is not None:
        return False
    effects = effects_of(kind)
    return bool(effects) and effects <= NAMED


def wants_key(kind: NodeType, data: Mapping[str, Any]) -> bool:
    """Say whether a step that is repeated in a loop should name what it does."""
    if kind.key is not None:
        return kind.safe is None or not kind.safe(data)
    return can_key(kind) and bool(effects_of(kind) & _BLIND)


def key_of(kind: NodeType, data: Mapping[str, Any]) -> str:
    """Return the expression that names what a step does, "" where there is none."""
    policy = data.get("policy")
    text = policy.get("key") if isinstance(policy, dict) and can_key(kind) else None
    return text.strip() if isinstance(text, str) and len(text) <= MOST else ""


def retry_of(kind: NodeType, data: Mapping[str, Any]) -> dict[str, float]:
    """Return `attempts`, `pause` and `longest` of a node that is tried again, {} for one that is not."""
    policy = data.get("policy")
    if not can_retry(kind) or not isinstance(policy, Mapping):
        return {}
    retries = _read(policy, "retries", 0)
    if retries < 1:
        return {}
    return {
        "attempts": int(retries) + 1,
        "pause": _read(policy, "pause", PAUSE),
        "longest": _read(policy, "longest", LONGEST),
    }


def pauses(retry: Mapping[str, float]) -> list[float]:
    """Return the seconds before each further attempt."""
    return [
        min(retry["pause"] * 2.0**number, retry["longest"])
        for number in range(int(retry.get("attempts", 1)) - 1)
    ]


def policy_problems(placed: Placed, kind: NodeType) -> Iterator[Problem]:
    """Yield what of a node's policy cannot be used, or means nothing."""
    policy, node_id = placed.node.data.get("policy"), placed.node.id
    if policy is None:
        return
    if not isinstance(policy, Mapping):
        text = f"{placed.name}: its policy is {type(policy).__name__}, not an object; it is not used."
        yield Problem("risk", "policy.value", text, node_id, "policy", set_to("Remove it", node_id, "policy"))
        return
    yield from _key_problems(placed, kind, policy)
    used = [key for key in _LIMITS if key in policy]
    if used and not can_retry(kind):
        text = f"{placed.name} is not tried again, whatever its policy says: its work is done once or not at all."
        yield Problem(
            "note", "policy.no_effect", text, node_id, "policy", set_to("Remove it", node_id, "policy")
        )
        return
    for key in used:
        low, high = _LIMITS[key]
        value = policy[key]
        if not _is_number(value) or not low <= value <= high or (key == "retries" and value != int(value)):
            what = "a whole number" if key == "retries" else "a number of seconds"
            text = (
                f"{placed.name}: `policy.{key}` must be {what} from {low} to {high:,}; the usual one is used."
            )
            usual = set_to("Use the default", node_id, ("policy", key))
            yield Problem("risk", "policy.value", text, node_id, f"policy.{key}", usual)


def _key_problems(placed: Placed, kind: NodeType, policy: Mapping[str, Any]) -> Iterator[Problem]:
    text, node_id = policy.get("key"), placed.node.id
    if text is None:
        return
    drop = set_to("Remove the key", node_id, ("policy", "key"))
    if not can_key(kind):
        own = f"its input '{kind.key}' does that" if kind.key else "each of its visits is one of its own"
        words = f"{placed.name} takes no key in its policy: {own}."
        yield Problem("note", "policy.no_effect", words, node_id, KEY, drop)
    elif not isinstance(text, str) or not text.strip() or len(text) > MOST:
        words = (
            f"{placed.name}: `policy.key` must be an expression of 1 to {MOST:,} characters; no key is used."
        )
        yield Problem("risk", "policy.value", words, node_id, KEY, drop)


def _read(policy: Mapping[str, Any], key: str, usual: float) -> float:
    value = policy.get(key, usual)
    low, high = _LIMITS[key]
    return value if _is_number(value) and low <= value <= high else usual


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
