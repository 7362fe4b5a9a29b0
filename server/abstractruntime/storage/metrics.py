"""Numbers read off a ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .base import Record


def ledger_metrics(ledgers: Iterable[tuple[str, Sequence[Record]]]) -> dict[str, dict[str, int]]:
    """Return per run with completed records: steps, llm_calls, tool_calls, tokens_total."""
    found: dict[str, dict[str, int]] = {}
    for run_id, records in ledgers:
        done = [record for record in records if record.get("status") == "completed"]
        if done:
            found[run_id] = _numbers(done)
    return found


def _numbers(records: Sequence[Record]) -> dict[str, int]:
    numbers = {"steps": len(records), "llm_calls": 0, "tool_calls": 0, "tokens_total": 0}
    for record in records:
        effect, result = _object(record.get("effect")), _object(record.get("result"))
        if effect.get("type") == "llm_call":
            tokens = _object(result.get("usage")).get("total_tokens")
            numbers["llm_calls"] += 1
            numbers["tokens_total"] += tokens if isinstance(tokens, int) else 0
        elif effect.get("type") == "tool_calls":
            calls = _object(effect.get("payload")).get("tool_calls")
            numbers["tool_calls"] += len(calls) if isinstance(calls, list) else 0
    return numbers


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
