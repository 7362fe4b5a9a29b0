"""What model calls have used: tokens and cost, read off the ledger.

Each attempt that was answered counts, whatever became of its call; each record counts once, so that nothing
is lost with a crash, and nothing counts twice after one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any, Protocol

from abstractruntime.core.models import EffectType

_MOST_KEPT = 10_000  # runs whose numbers are remembered; those of others are read again
_PAGE = 1000
_ENDED = ("completed", "failed")


class Ledger(Protocol):
    """A ledger that is read page by page, as those of `open_stores` are."""

    def list_after(self, *, run_id: str, after: int, limit: int = 1000) -> tuple[list[dict[str, Any]], int]:
        """Return records with seq > after, and the seq to go on from."""
        ...


@dataclass(frozen=True)
class Used:
    """Calls that were answered, their tokens, and what they cost by the providers' prices."""

    calls: int = 0
    tokens: int = 0
    cost: float = 0.0

    def __add__(self, other: Used) -> Used:
        return Used(self.calls + other.calls, self.tokens + other.tokens, round(self.cost + other.cost, 6))


NOTHING = Used()


def used_by(record: Mapping[str, Any]) -> Used:
    """Return what the attempts of a model call used, of a record that ends it; unknown numbers are 0."""
    effect, result = record.get("effect"), record.get("result")
    if not isinstance(effect, Mapping) or effect.get("type") != EffectType.LLM_CALL.value:
        return NOTHING
    if record.get("status") not in _ENDED or not isinstance(result, Mapping) or "recorded" in effect:
        return NOTHING  # nobody was asked: a fork has taken the reply that its parent got
    usage, metadata = result.get("usage") or {}, result.get("metadata") or {}
    attempts = metadata.get("attempts")
    calls = len(attempts) if isinstance(attempts, list) else int(record["status"] == "completed")
    return Used(calls, int(usage.get("total_tokens") or 0), float(metadata.get("cost") or 0))


class UsedByRuns:
    """Adds up what runs have used. Safe to call from several threads; a record is read once."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known: OrderedDict[str, tuple[int, Used]] = OrderedDict()  # up to which seq, and how much
        self._lock = Lock()

    def of(self, run_ids: Iterable[str]) -> Used:
        """Return what these runs have used together."""
        return sum(map(self._one, run_ids), NOTHING)

    def told(self, run_ids: Iterable[str]) -> dict[str, Any]:
        """Return the same as `calls`, `tokens` and `cost`."""
        return asdict(self.of(run_ids))

    def _one(self, run_id: str) -> Used:
        with self._lock:
            after, used = self._known.get(run_id, (0, NOTHING))
        while True:
            records, after = self._ledger.list_after(run_id=run_id, after=after, limit=_PAGE)
            used = sum(map(used_by, records), used)
            if len(records) < _PAGE:
                break
        with self._lock:
            self._known[run_id] = max(self._known.get(run_id, (0, NOTHING)), (after, used), key=_place)
            self._known.move_to_end(run_id)
            while len(self._known) > _MOST_KEPT:
                self._known.popitem(last=False)
        return used


def _place(known: tuple[int, Used]) -> int:
    return known[0]
