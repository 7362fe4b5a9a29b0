"""Origins: what a run is a fork of, what it has of its parent's story, and which forks there are of it.

All is read off the ledgers: the first record of a fork tells its parent and the entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from abstractruntime.core.errors import RunNotFound
from abstractruntime.core.records import FORK
from abstractruntime.storage.base import PlacedRecord, QueryableRunIndexStore, QueryableRunStore, Stores

Json = Any
MOST_RECORDS = 20_000  # of a parent's story
LOOKED_AT = 300  # runs of a flow, the newest, among which forks are looked for


@dataclass(frozen=True)
class Origin:
    """Where a fork begins: its parent, how many of the parent's entries it goes on from, and how."""

    run_id: str
    seq: int
    effects: str
    changes: tuple[Mapping[str, Json], ...]


class Origins:
    """Reads where forks come from; what was read of a run never changes, so it is remembered."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._known = lru_cache(maxsize=20_000)(self._read)

    def of(self, run_id: str) -> Origin | None:
        """Return what a run is a fork of, None for a run that is none, or has no record yet."""
        try:
            return self._known(run_id)
        except LookupError:
            return None

    def line(self, run_id: str) -> list[str]:
        """Return a run, its parent, the parent's parent and so on; a run that was deleted ends the line."""
        line = [run_id]
        while (origin := self.of(line[-1])) is not None and origin.run_id not in line:
            line.append(origin.run_id)
        return line

    def exists(self, run_id: str) -> bool:
        """Say whether a run is kept."""
        return self._stores.runs.load(run_id) is not None

    def forks(self, run_id: str) -> list[str]:
        """Return the ids of the runs that are forks of this one, the newest first."""
        run = self._stores.journal.load(run_id)
        if run is None:
            raise RunNotFound(f"There is no run {run_id!r}.")
        index = cast(QueryableRunIndexStore, self._stores.runs)
        rows = index.list_run_index(workflow_id=run.run.workflow_id, root_only=True, limit=LOOKED_AT)
        ids = [str(row["run_id"]) for row in rows]
        return [each for each in ids if (origin := self.of(each)) is not None and origin.run_id == run_id]

    def prefix(self, run_id: str) -> list[PlacedRecord]:
        """Return the records of a fork's parents that it goes on from, in order; none where they were deleted."""
        origin = self.of(run_id)
        if origin is None:
            return []
        told = self._stores.journal.tree_after(origin.run_id, 0, MOST_RECORDS)
        kept = {origin.run_id: origin.seq, **self._copied(run_id)}
        own = [placed for placed in told if placed.run_id == origin.run_id and placed.seq <= origin.seq]
        moment = own[-1].position if own else 0
        here = [
            placed
            for placed in told
            if (placed.seq <= kept[placed.run_id] if placed.run_id in kept else placed.position <= moment)
        ]
        return [*self.prefix(origin.run_id), *(placed for placed in here if not is_begin(placed.record))]

    def _copied(self, run_id: str) -> dict[str, int]:
        """Return the runs of which a fork's children are copies, and how many of their entries these go on from."""
        found: dict[str, int] = {}
        for child in cast(QueryableRunStore, self._stores.runs).list_children(parent_run_id=run_id):
            if (origin := self.of(child.run_id)) is not None:
                found |= {origin.run_id: origin.seq, **self._copied(child.run_id)}
        return found

    def _read(self, run_id: str) -> Origin | None:
        ledger: Any = self._stores.ledger
        records, _ = ledger.list_after(run_id=run_id, after=0, limit=1)
        if not records:
            raise LookupError(run_id)
        told = (records[0].get("effect") or {}) if is_begin(records[0]) else {}
        payload = told.get("payload")
        if not isinstance(payload, Mapping):
            return None
        changes = tuple(each for each in payload.get("changes") or () if isinstance(each, Mapping))
        return Origin(str(payload["run_id"]), int(payload["seq"]), str(payload.get("effects")), changes)


def is_begin(record: Mapping[str, Json]) -> bool:
    """Say whether a record is the first of a fork, which tells where it comes from."""
    effect = record.get("effect")
    return isinstance(effect, Mapping) and effect.get("type") == FORK


def is_only_begin(record: Mapping[str, Json]) -> bool:
    """Say whether a record tells of nothing but that a fork has begun: no step of it waits there."""
    return is_begin(record) and record.get("status") != "waiting"
