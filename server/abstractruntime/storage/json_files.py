"""The JSON backend: runs and ledgers as files that people can read, for one machine.

    run_<run_id>.json        the state at parks, ends and now and then: UTF-8, indented
    ledger_<run_id>.jsonl    one record a line
    journal_<run_id>.jsonl   what each step of the engine changed; with it, steps are atomic and every
                             past state can be rebuilt

A run store and a ledger store on the same folder have a journal together. Several processes may
share the folder. Which writes reach the disk at once is said by `sync`, see `storage/files.py`.
"""

from __future__ import annotations

import builtins
import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..core.clock import instant_micros
from ..core.errors import InvalidId, StoreDamaged
from ..core.models import RunState, RunStatus, StepRecord, WaitReason
from ..core.vars import listening_key
from .anchors import Anchors, FileAnchors
from .artifact_files import FileArtifactStore
from .base import Capability, Journal, LedgerStore, Record, RunStore, Stores
from .codec import encode_run, sealed
from .commands import JsonFileCommandCursorStore, JsonlCommandStore
from .files import Sync, sync_option
from .json_folder import JsonFolder, folder_at
from .json_journal import JsonJournal, find_completed
from .metrics import ledger_metrics
from .run_index import RunIndex, entry_of
from .snapshots import JsonSnapshotStore

__all__ = ["CAPABILITIES", "JsonFileRunStore", "JsonJournal", "JsonlLedgerStore"]

CAPABILITIES = frozenset({Capability.QUERY, Capability.INDEX, Capability.JOURNAL, Capability.LEASE})
log = logging.getLogger(__name__)


def open(url: str) -> Stores:
    """Open the stores of `json:///absolute/folder` or `json:relative/folder`, perhaps with `?sync=marked`."""
    rest, _, options = url.partition(":")[2].partition("?")
    path = "/" + rest.lstrip("/") if rest.startswith("///") else rest
    if path in ("", "/") or path.startswith("//"):
        raise ValueError(f"{url!r} names no folder. Write json:///absolute/folder or json:relative/folder.")
    sync = sync_option(url, options, Sync.ALWAYS)
    runs, ledger = JsonFileRunStore(path, sync=sync), JsonlLedgerStore(path, sync=sync)
    return Stores(
        runs,
        ledger,
        JsonJournal(runs.folder, sync),
        CAPABILITIES,
        {"folder": runs.folder, "closers": (runs.folder.close,)},
        artifacts=FileArtifactStore(path, sync=sync),
        snapshots=JsonSnapshotStore(path, sync=sync),
        commands=JsonlCommandStore(path, sync=sync),
        cursors=JsonFileCommandCursorStore(Path(path) / "command_cursor.json", sync=sync),
    )


class JsonFileRunStore(RunStore):
    """Keeps runs in a folder, a file each."""

    def __init__(self, base_dir: str | os.PathLike[str], *, sync: Sync | str = Sync.ALWAYS) -> None:
        self.folder = folder_at(base_dir)
        self.sync = Sync(sync)

    def save(self, run: RunState) -> None:
        """Store the whole checkpoint, whatever was there; raise NotDurable if it is not JSON."""
        if not run.run_id:
            raise InvalidId("A run needs a run_id to be saved.")
        encode_run(run)
        with self.folder.held() as folder:
            files = folder.files(run.run_id)
            known = folder.runs().get(run.run_id)
            folder.reserve(0, [run.run_id])
            files.save(run, sync=self.sync is Sync.ALWAYS)
            listening = known.listening if known else listening_key(run.vars)
            with folder.following_up("A run"):
                folder.note([entry_of(run, listening)])
                folder.done()

    def load(self, run_id: str) -> RunState | None:
        """Return the newest state, or None for an unknown id.

        Raises CheckpointDamaged (a ValueError) if it cannot be read nor made again from the journal,
        InvalidId for an id that looks like a path.
        """
        if not run_id:
            return None
        with self.folder.held() as folder:
            return folder.files(run_id).state()

    def list_runs(
        self,
        *,
        status: RunStatus | None = None,
        wait_reason: WaitReason | None = None,
        workflow_id: str | None = None,
        limit: int = 100,
    ) -> list[RunState]:
        """Return matching runs, newest `updated_at` first."""
        wanted = {"status": status, "wait_reason": wait_reason, "workflow_id": workflow_id}
        with self.folder.held() as folder:
            return _states(folder, _fresh(folder).newest(wanted)[: max(limit, 0)])

    def list_run_index(
        self,
        *,
        status: RunStatus | None = None,
        workflow_id: str | None = None,
        session_id: str | None = None,
        root_only: bool = False,
        limit: int = 100,
    ) -> list[dict[str, Any]]:
        """Return identifying columns of matching runs, newest first, without reading checkpoints."""
        wanted = {"status": status, "workflow_id": workflow_id, "session_id": session_id}
        with self.folder.held() as folder:
            index = _fresh(folder)
            found = index.newest(wanted, root_only=root_only)[: max(limit, 0)]
            return [dict(known.row) for one in found if (known := index.get(one)) is not None]

    def list_due_wait_until(self, *, now_iso: str, limit: int = 100) -> list[RunState]:
        """Return runs whose moment has come, earliest first."""
        now = instant_micros(now_iso)
        with self.folder.held() as folder:
            return _states(folder, folder.runs().due(now, limit))

    def perhaps_stranded(self) -> list[str]:
        """Return ids of runs that wait for a child and have one that is over, by index."""
        with self.folder.held() as folder:
            return folder.runs().perhaps_stranded()

    def list_children(self, *, parent_run_id: str, status: RunStatus | None = None) -> list[RunState]:
        """Return the direct children of a run, by their ids."""
        with self.folder.held() as folder:
            found = _states(folder, sorted(folder.runs().children(parent_run_id)))
        return [run for run in found if status is None or run.status == status]

    def journal_with(self, ledger: LedgerStore) -> Journal | None:
        """Return the journal over this store and a ledger in the same folder."""
        same = isinstance(ledger, JsonlLedgerStore) and ledger.folder is self.folder
        return JsonJournal(self.folder, self.sync) if same else None


class JsonlLedgerStore(LedgerStore):
    """Keeps ledgers in a folder, a file each."""

    def __init__(self, base_dir: str | os.PathLike[str], *, sync: Sync | str = Sync.ALWAYS) -> None:
        self.folder = folder_at(base_dir)
        self.sync = Sync(sync)

    def append(self, record: StepRecord) -> None:
        """Add one record at the end of its run's ledger; raise NotDurable, InvalidId, StoreFull."""
        if not record.run_id:
            raise InvalidId("A record needs a run_id to be appended.")
        text = sealed(record).text
        with self.folder.held() as folder:
            folder.files(record.run_id).append(text, sync=self.sync is Sync.ALWAYS)

    def append_if(self, record: StepRecord, follows: int | None) -> bool:
        """Add one record unless the ledger ends elsewhere than at `follows`; say whether it was added."""
        with self.folder.held() as folder:
            if follows is not None and len(folder.files(record.run_id).ledger) != follows:
                return False
            self.append(record)
        return True

    def anchors(self) -> Anchors:
        """Return where the lengths and heads of chains are kept."""
        return FileAnchors(self.folder.path, sync=self.sync is Sync.ALWAYS)

    def list(self, run_id: str) -> builtins.list[Record]:
        """Return all records of a run in the order of appending; raise StoreDamaged naming the line."""
        return self.list_after(run_id=run_id, after=0, limit=_ALL)[0]

    def find_completed(self, run_id: str, idempotency_key: str) -> Record | None:
        """Return the first COMPLETED record with this key and a result."""
        return find_completed(self.folder, run_id, idempotency_key) if run_id else None

    def list_after(self, *, run_id: str, after: int, limit: int = 1000) -> tuple[builtins.list[Record], int]:
        """Return records with seq > after, and the seq to go on from."""
        if not run_id:
            return [], after
        start = max(after, 0)
        with self.folder.held() as folder:
            records = folder.files(run_id).records(start, start + max(limit, 0))
        return records, start + len(records) if records else after

    def count(self, run_id: str) -> int:
        """Return the number of records of a run."""
        if not run_id:
            return 0
        with self.folder.held() as folder:
            return len(folder.files(run_id).ledger)

    def count_many(self, run_ids: Iterable[str]) -> dict[str, int]:
        """Return the number of records of each run that has any."""
        return {run_id: found for run_id in run_ids if (found := self.count(run_id))}

    def metrics_many(self, run_ids: Iterable[str]) -> dict[str, dict[str, int]]:
        """Return steps, model calls, tool calls and tokens of each run with completed records."""
        return ledger_metrics((run_id, self.list(run_id)) for run_id in run_ids)


_ALL = 2**62


def _fresh(folder: JsonFolder) -> RunIndex:
    """Return the index with the times of the last steps of those that run just now."""
    index = folder.runs()
    for run_id in index.newest({"status": RunStatus.RUNNING}):
        try:
            at = folder.files(run_id).updated_at
        except StoreDamaged:
            continue  # told by whoever reads its state
        known = index.get(run_id)
        if at and known is not None and at > str(known.row["updated_at"]):
            index.touch(run_id, at)
    return index


def _states(folder: JsonFolder, run_ids: Iterable[str]) -> list[RunState]:
    """Read runs for a list; one that is damaged is logged and left out, so that the others go on."""
    states: list[RunState] = []
    for run_id in run_ids:
        try:
            state = folder.files(run_id).state()
        except StoreDamaged as error:
            log.error("Run %s is left out of a list: %s", run_id, error)
            continue
        if state is not None:
            states.append(state)
    return states
