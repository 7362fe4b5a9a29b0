"""Removing what is no longer wanted: one run with all that belongs to it, or all runs of some age.

A removed run is gone: state, ledger, history, snapshots, its anchor, and the artifacts that belong to
it unless a run that stays points to them: these go with the last one that does. A pruned run leaves a stub: who it was, how it ended, and
one record that stands for its ledger with the hash of the last one, so that the chain still verifies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..core.clock import instant_micros, utc_now_iso
from ..core.errors import Conflict, InvalidId, RunNotFound, StoreDamaged
from ..core.models import RunState, RunStatus, StepRecord, StepStatus
from .artifact_contract import REF_KEY, ArtifactStore, is_artifact_ref
from .base import Stores
from .codec import record_json, resealed, run_json
from .ledger_chain import PRUNED
from .wrapping import layers

OUTLIVES = "outlives_run"
"""The tag of an artifact that has stayed behind when its run was removed, for another run points to it."""
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
    records = snapshots = 0
    unshared = _unshared(stores, family)
    artifacts = sum(stores.artifacts.delete(one) for one in unshared) if stores.artifacts is not None else 0
    for run in reversed(family):
        ledger = stores.ledger.list(run.run_id)
        records += len(ledger)
        if stores.artifacts is not None:
            _let_outlive(stores.artifacts, run.run_id)
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


def _unshared(stores: Stores, family: list[RunState]) -> set[str]:
    """Return ids of the artifacts that go with runs: theirs, and those of runs gone before, that nobody else needs.

    Refs travel upwards with results, sideways with events and inputs, so every run that stays and has one is
    looked at, state and ledger, as long as there is an artifact that may go.
    """
    store = stores.artifacts
    if store is None:
        return set()
    doomed = {run.run_id for run in family}
    going = {one.artifact_id for run in family for one in store.list_by_run(run.run_id)}
    pointed = {*_pointed_to([run_json(run), stores.ledger.list(run.run_id)] for run in family)} - going
    going |= {each for each in pointed if _outlived(store, each)}
    for run_id in _others(stores, doomed) if going else ():
        with suppress(StoreDamaged):
            run = stores.runs.load(run_id)
            going.difference_update(_pointed_to([run_json(run) if run else None, stores.ledger.list(run_id)]))
        if not going:
            break
    return going


def _others(stores: Stores, doomed: set[str]) -> list[str]:
    """Return ids of the runs that stay and may point to artifacts."""
    index: Any = stores.runs
    telling = stores.journal.with_artifacts()
    rows = index.list_run_index(limit=_ALL)
    ids = [str(row["run_id"]) for row in rows if row["run_id"] not in doomed]
    return ids if telling is None else [run_id for run_id in ids if run_id in telling]


def _outlived(store: ArtifactStore, artifact_id: str) -> bool:
    """Say whether an artifact has outlived its own run, for the sake of others."""
    with suppress(InvalidId):
        known = store.get_metadata(artifact_id)
        return known is not None and OUTLIVES in known.tags
    return False


def _let_outlive(store: ArtifactStore, run_id: str) -> None:
    """Note that what is left of a run's artifacts goes with the last run that needs it."""
    for one in store.list_by_run(run_id):
        with suppress(StoreDamaged):
            found = store.load(one.artifact_id)
            if found is not None and OUTLIVES not in one.tags:
                same = {"content_type": one.content_type, "run_id": run_id, "artifact_id": one.artifact_id}
                store.store(found.content, tags={OUTLIVES: run_id}, **same)


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
