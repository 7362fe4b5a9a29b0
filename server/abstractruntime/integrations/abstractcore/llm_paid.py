"""What one model call has paid for: each answer that came, also one that was of no use.

A call may be several questions (an answer was cut off, or did not fit its schema), and may fail after some
were answered. Clients note each answer as it comes; the handler of LLM_CALL puts them into its record.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from .llm_result import finish_reason_of, summed_usage, usage_of

Attempt = dict[str, Any]
_paid: ContextVar[list[Attempt] | None] = ContextVar("_paid", default=None)


@contextmanager
def paying() -> Iterator[list[Attempt]]:
    """Collect the attempts of the calls inside, in a list that grows as answers come."""
    attempts: list[Attempt] = []
    token = _paid.set(attempts)
    try:
        yield attempts
    finally:
        _paid.reset(token)


def paid_attempts() -> list[Attempt]:
    """Return the attempts of this call so far; outside of one, a list that nobody reads."""
    attempts = _paid.get()
    return [] if attempts is None else attempts


def note_attempt(*, usage: Any, model: Any = None, finish_reason: Any = None, cost: Any = None) -> None:
    """Note an answer: `usage` as the server counted it, in tokens, or None where it did not say."""
    attempts = paid_attempts()
    made: Attempt = {
        "attempt": len(attempts) + 1,
        "usage": usage_of(usage),
        "model": model if isinstance(model, str) else None,
        "finish_reason": finish_reason_of(finish_reason),
    }
    if isinstance(cost, int | float):
        made["cost"] = cost
    attempts.append(made)


def bill_of(attempts: list[Attempt]) -> dict[str, Any]:
    """Return what attempts used together, as a part of a result: `usage`, and `metadata` with each of them."""
    if not attempts:
        return {}
    metadata: dict[str, Any] = {"attempts": [dict(each) for each in attempts]}
    costs = [each["cost"] for each in attempts if "cost" in each]
    if costs:
        metadata["cost"] = round(sum(costs), 6)
    return {"usage": summed_usage(each["usage"] for each in attempts), "metadata": metadata}
