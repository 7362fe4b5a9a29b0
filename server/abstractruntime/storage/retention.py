"""Removing what is no longer wanted: one run with all that belongs to it, or all runs of some age.

A removed run is gone: state, ledger, history, snapshots, its anchor, and the artifacts that belong to
it unless a run that stays points to them. A pruned run leaves a stub: who it was, how it ended, and
one record that stands for its ledger with the hash of the last one, so that the chain still verifies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..core.clock import instant_micros, utc_now_iso
from ..core.errors import Conflict, RunNotFound, StoreDamaged
from ..core.models import RunState, RunStatus, StepRecord, StepStatus
from .artifact_contract import REF_KEY, is_artifact_ref
from .base import Stores
from .codec import record_json, resealed, run_json
from .ledger_chain import PRUNED
from .wrapping import layers

_ALL = 1_000_000


@dataclass(frozen=True)
class Removed:
    """What was removed, or would be: ids of runs, and how many of the rest."""

    runs: tuple[str, ...] = ()
    records: int = 0
    snapshots: int = 0
    artifacts: int = 0


def delete_run(stores: Stores, run_id: str, *, include_subruns: bool = True, force: bool = False) -> Removed:
    """Remove a run, and its descendants with `include_subruns`, for good.

    Raises RunNotFound, Conflict while one of them is not over (unless `force`), StoreError where a store
    cannot remove.
    """
    root = stores.runs.load(run_id)
    if root is None:
        raise RunNotFound(f"Unknown run_id: {run_id}")
    family = _family(stores, root) if include_subruns else [root]
    going = [run.run_id for run in family if not RunStatus(run.status).is_over]
    if going and not force:
        raise Conflict(f"Run '{going[0]}' is not over; cancel it first, or delete it by force.")
    return _remove(stores, family, stubs=False)


def prune(stores: Stores, *, before: datetime | str, limit: int = 1000, dry_run: bool = False) -> Removed:
    """Leave only stubs of root runs that were over before a moment, and of their descendants.

    A family with a member that still goes on, or that changed later, stays. At most `limit` families;
    stubs stay as they are. With `dry_run` nothing is removed, and the runs that would be are returned.
    """
    moment = instant_micros(before)
    index: Any = stores.runs
    found: list[RunState] = []
    families = 0
    for status in (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED):
        for row in reversed(index.list_run_index(status=status, root_only=True, limit=_ALL)):
            if families >= limit or instant_micros(row["updated_at"]) >= moment:
                break
            root = stores.runs.load(row["run_id"])
            if root is None or is_stub(root):
                continue
            family = _family(stores, root)
            if all(
                RunStatus(run.status).is_over and instant_micros(run.updated_at) < moment for run in family
            ):
                found += family
                families += 1
    if dry_run:
        records = sum(len(stores.ledger.list(run.run_id)) for run in found)
        return Removed(tuple(run.run_id for run in found), records)
    return _remove(stores, found, stubs=True)


def is_stub(run: RunState) -> bool:
    """Say whether a run was pruned."""
    space = run.vars.get("_runtime")
    return isinstance(space, dict) and "pruned" in space


def _remove(stores: Stores, family: list[RunState], *, stubs: bool) -> Removed:
    """Remove runs, children before parents, so that what a crash leaves can be found and removed again."""
    records = snapshots = artifacts = 0
    doomed = {run.run_id for run in family}
    needed = _needed_by_others(stores, family, doomed)
    for run in reversed(family):
        ledger = stores.ledger.list(run.run_id)
        records += len(ledger)
        if stores.artifacts is not None:
            for one in stores.artifacts.list_by_run(run.run_id):
                artifacts += one.artifact_id not in needed and stores.artifacts.delete(one.artifact_id)
        if stores.snapshots is not None:
            for kept in stores.snapshots.list(run_id=run.run_id, limit=_ALL):
                snapshots += stores.snapshots.delete(kept.snapshot_id)
        stores.journal.remove(run.run_id, _stub(run, ledger) if stubs else None)
        if not stubs:
            _drop_anchor(stores, run.run_id)
    if stores.artifacts is not None and artifacts:
        stores.artifacts.gc(dry_run=False)
    return Removed(tuple(run.run_id for run in family), records, snapshots, artifacts)


def _stub(run: RunState, ledger: list[dict[str, Any]]) -> tuple[RunState, StepRecord]:
    """Return what stays of a run: its columns, and one record for its whole ledger."""
    note = {"at": utc_now_iso(), "records": len(ledger)}
    stub = RunState(**{name: getattr(run, name) for name in RunState.__dataclass_fields__})
    stub.vars, stub.output = {"_runtime": {"pruned": note}}, None
    head = ledger[-1] if ledger else {}
    record = StepRecord(
        run.run_id, "pruned", str(head.get("node_id") or run.current_node), StepStatus.COMPLETED
    )
    record.started_at = str(ledger[0].get("started_at") if ledger else run.created_at)
    record.ended_at = head.get("ended_at") or run.updated_at
    record.record_hash = head.get("record_hash")
    return stub, resealed(record, {**record_json(record), PRUNED: max(len(ledger), 1)})


def _drop_anchor(stores: Stores, run_id: str) -> None:
    _, store = layers(stores.ledger)
    kept = getattr(store, "anchors", None)
    if kept is not None:
        kept().drop(run_id)


def _family(stores: Stores, root: RunState) -> list[RunState]:
    """Return a run and its descendants, parents before children."""
    ask: Any = getattr(stores.runs, "list_children", None)
    family = {root.run_id: root}
    for run in _growing(family):
        for child in ask(parent_run_id=run.run_id) if ask is not None else ():
            family.setdefault(child.run_id, child)
    return [*family.values()]


def _growing(family: dict[str, RunState]) -> Iterator[RunState]:
    done = 0
    while done < len(family):
        yield [*family.values()][done]
        done += 1


def _needed_by_others(stores: Stores, family: list[RunState], doomed: set[str]) -> set[str]:
    """Return ids of artifacts that the runs above point to: results of subruns are handed upwards."""
    needed: set[str] = set()
    for run in family:
        above, seen = run.parent_run_id, set(doomed)
        while above and above not in seen:
            seen.add(above)
            try:
                parent = stores.runs.load(above)
            except StoreDamaged:
                break
            if parent is None:
                break
            needed |= {*_pointed_to([run_json(parent), stores.ledger.list(above)])}
            above = parent.parent_run_id
    return needed


def _pointed_to(values: Iterable[Any]) -> Iterator[str]:
    pending = [*values]
    while pending:
        value = pending.pop()
        if is_artifact_ref(value):
            yield str(value[REF_KEY])
        if isinstance(value, dict):
            if isinstance(value.get("artifact_id"), str):
                yield value["artifact_id"]
            pending += value.values()
        elif isinstance(value, list):
            pending += value
