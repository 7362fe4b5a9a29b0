"""How much of its budget a run has used. Limits warn; only nodes act on them."""

from __future__ import annotations

from typing import Any

from .models import LimitWarning
from .vars import DEFAULT_MAX_TOKENS, ensure_limits

SETTABLE = frozenset(
    {
        "max_iterations",
        "max_tokens",
        "max_output_tokens",
        "max_input_tokens",
        "max_history_messages",
        "warn_iterations_pct",
        "warn_tokens_pct",
        "estimated_tokens_used",
        "current_iteration",
    }
)
_MAX_ITERATIONS = 25
_WARN_PCT = 80


def limit_status(vars: dict[str, Any]) -> dict[str, Any]:
    """Return what is used of each limit, in numbers and percent."""
    limits = ensure_limits(vars)
    turns, most_turns = (
        _number(limits, "current_iteration", 0),
        _number(limits, "max_iterations", _MAX_ITERATIONS),
    )
    used, most = (
        _number(limits, "estimated_tokens_used", 0),
        _number(limits, "max_tokens", DEFAULT_MAX_TOKENS),
    )
    turns_pct, used_pct = _percent(turns, most_turns), _percent(used, most)
    return {
        "iterations": {
            "current": turns,
            "max": most_turns,
            "pct": turns_pct,
            "warning": turns_pct >= _number(limits, "warn_iterations_pct", _WARN_PCT),
        },
        "tokens": {
            "estimated_used": used,
            "max": most,
            "max_input_tokens": limits.get("max_input_tokens"),
            "max_output_tokens": limits.get("max_output_tokens"),
            "pct": used_pct,
            "warning": used_pct >= _number(limits, "warn_tokens_pct", _WARN_PCT),
        },
        "history": {"max_messages": _number(limits, "max_history_messages", -1)},
    }


def limit_warnings(vars: dict[str, Any]) -> list[LimitWarning]:
    """Return the limits that are near or exceeded; unused tokens never warn."""
    status = limit_status(vars)
    warnings = [_warning("iterations", status["iterations"], status["iterations"]["current"])]
    if status["tokens"]["estimated_used"] > 0:
        warnings.append(_warning("tokens", status["tokens"], status["tokens"]["estimated_used"]))
    return [warning for warning in warnings if warning is not None]


def _warning(kind: str, row: dict[str, Any], current: float) -> LimitWarning | None:
    if current >= row["max"]:
        return LimitWarning(kind, "exceeded", current, row["max"])
    return LimitWarning(kind, "warning", current, row["max"]) if row["warning"] else None


def set_limits(vars: dict[str, Any], updates: dict[str, Any]) -> None:
    """Change the limits that may be changed; other keys are ignored."""
    limits = ensure_limits(vars)
    for key, value in updates.items():
        if key in SETTABLE:
            limits[key] = value


def count_tokens(vars: dict[str, Any], result: Any) -> None:
    """Note how many tokens the last model call took in, where its result says so: of several attempts, the last."""
    known = result if isinstance(result, dict) else {}
    metadata = known.get("metadata")
    attempts = metadata.get("attempts") if isinstance(metadata, dict) else None
    last = attempts[-1] if isinstance(attempts, list) and attempts else known
    usage = last.get("usage") if isinstance(last, dict) else None
    if not isinstance(usage, dict):
        return
    for key in ("input_tokens", "prompt_tokens", "total_tokens"):
        count = usage.get(key)
        if count is not None:
            if isinstance(count, int | float) and not isinstance(count, bool):
                ensure_limits(vars)["estimated_tokens_used"] = int(count)
            return


def _number(limits: dict[str, Any], key: str, default: float) -> float:
    value = limits.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else default


def _percent(current: float, most: float) -> float:
    if most > 0:
        return round(current / most * 100, 1)
    # Nothing is allowed (0): anything, even nothing, is all of it.
    return 100.0
