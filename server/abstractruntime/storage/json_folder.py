"""A folder of runs and ledgers in files, shared by threads and processes.

One lock for the folder; whoever holds it first finishes what a dead holder left (`busy` in the lock
file). The columns that queries need are followed in memory from `index.jsonl`, which is made again
from the runs when the machine has been started anew or when files came or went behind our back.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from threading import Lock
from typing import Any
from weakref import WeakValueDictionary

from ..core.errors import StoreDamaged, StoreFull
from ..core.jsonsafe import decode
from ..core.models import RunState
from ..core.vars import listening_key
from .files import FolderLock, id_from, made_folder, read_if_there, removed, told, write_whole
from .placing import Timed, in_turn
from .run_files import RunFiles
from .run_index import Entry, RunIndex, entry_of
from .shared_log import SharedLog

log = logging.getLogger(__name__)
_MOST_RUNS = 1_000  # followed at a time
_BOOT = Path("/proc/sys/kernel/random/boot_id")

_FOLDERS: WeakValueDictionary[Path, JsonFolder] = WeakValueDictionary()
_FOLDERS_LOCK = Lock()


def folder_at(path: str | os.PathLike[str]) -> JsonFolder:
    """Return the folder at a path, one object per process; raise StoreError when it cannot be used."""
    where = made_folder(path).resolve()
    with _FOLDERS_LOCK:
        found = _FOLDERS.get(where)
        if found is None:
            found = _FOLDERS[where] = JsonFolder(where)
        return found


class JsonFolder:
    """The runs of a folder; everything but `held` needs it to be held."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.index = RunIndex()
        self._lock = FolderLock(path / ".lock")
        self._log = SharedLog(path / "index.jsonl")
        self._pending = path / "pending.json"
        self._runs: OrderedDict[str, RunFiles] = OrderedDict()
        self._entries = 0
        self._compared = False
        self._boot = _boot_id()
        self._position = 0
        self._owed: list[str] = []  # runs that stay busy, because there was no room to finish them
        self._unnoted: set[str] = set()  # those whose rows are in memory only

    @contextmanager
    def held(self) -> Iterator[JsonFolder]:
        """Hold the folder, after whatever a crash left half-done was finished or taken back."""
        with self._lock:
            state = self._read_lock()
            self._position = int(state.get("position") or 0)
            told, self._owed = self._owed, []
            if state.get("boot") != self._boot:
                self._begin_anew()
            elif state.get("busy"):
                self._recover(state["busy"], told)
            yield self

    def files(self, run_id: str) -> RunFiles:
        """Return the files of a run as they are now; raise InvalidId, StoreDamaged."""
        self._follow()  # a run may have been deleted, and another begun under its id
        found = self._runs.pop(run_id, None) or RunFiles(self.path, run_id)
        self._runs[run_id] = found
        while len(self._runs) > _MOST_RUNS:
            self._runs.popitem(last=False)
        found.refresh()
        return found

    def runs(self) -> RunIndex:
        """Return the index of runs as it is now."""
        self._follow()
        while not self._compared:
            self._compared = True
            self._compare()
        return self.index

    def reserve(self, count: int, busy: Iterable[str] = ()) -> int:
        """Return the first of so many new positions; note which runs change in more than their own files."""
        first = self._position + 1
        self._position += count
        self._write_lock([*dict.fromkeys([*self._owed, *busy])])
        return first

    def done(self) -> None:
        """Note that all which was busy is written."""
        self._write_lock(self._owed)

    @contextmanager
    def following_up(self, what: str) -> Iterator[None]:
        """Write what is stored already once more where it is found faster; a full disk loses nothing.

        What cannot be written is finished by the next holder of the folder, because the lock file names
        the runs that are busy.
        """
        try:
            yield
        except StoreFull as error:
            log.warning("%s is stored, its checkpoint or index is not yet: %s", what, error)

    def note(self, entries: Iterable[Entry]) -> None:
        """Add the columns of runs to the index."""
        self._log.add(asdict(entry) for entry in entries)

    def note_gone(self, run_id: str) -> None:
        """Take a run out of the index."""
        self._runs.pop(run_id, None)
        self._log.add([{"gone": run_id}])

    def promise(self, steps: list[dict[str, Any]], *, sync: bool) -> None:
        """Write down the changes of several runs before any is made, so that a crash leaves all or none."""
        write_whole(self._pending, json.dumps(steps, ensure_ascii=False).encode(), sync=sync)

    def keep_promise(self) -> None:
        """Forget the changes that were written down: they are made, or taken back."""
        removed(self._pending)

    def close(self) -> None:
        """Let go of files; the folder can be used again."""
        with self._lock:
            self._log.close()
            self._runs.clear()

    def _follow(self) -> None:
        anew, entries = self._log.news()
        if anew:
            self.index, self._entries, self._compared = RunIndex(), 0, False
        self._entries += len(entries)
        for entry in entries:
            if "gone" in entry:
                self.index.drop(str(entry["gone"]))
                self._runs.pop(str(entry["gone"]), None)
            else:
                self.index.put(Entry(**entry))

    def _compare(self) -> None:
        """Take in runs whose files came, and drop those whose files went, while nobody looked."""
        self._follow()
        with told(self.path):
            there = {id_from(path.stem.partition("_")[2]) for path in self.path.glob("run_*.json")}
            there |= {id_from(path.stem.partition("_")[2]) for path in self.path.glob("journal_*.jsonl")}
        known = {*self.index.ids()}
        self.note(entry for run in self._iter_all_runs(sorted(there - known)) if (entry := _entry(run)))
        for run_id in sorted(known - there):
            self._log.add([{"gone": run_id}])
        self._follow()
        if self._entries > 2 * len(self.index) + 1000:
            kept = [self.index.get(one) for one in self.index.ids()]
            self._log.replace(asdict(one) for one in kept if one is not None)

    def _iter_all_runs(self, run_ids: Iterable[str]) -> Iterator[RunState]:
        """Read runs one by one; one that is damaged is logged and left out."""
        for run_id in run_ids:
            try:
                run = self.files(run_id).state()
            except StoreDamaged as error:
                log.error("Run %s is left out of lists: %s", run_id, error)
                continue
            if run is not None:
                yield run

    def _recover(self, busy: list[str], told: list[str]) -> None:
        """Finish what a holder began that died or found no room: the promise it gave, and the index.

        While there is no room the rows are known in memory only, in every process that looks, and the
        lock file goes on saying so: a full disk keeps nobody from reading. `told` was logged already.
        """
        if busy != told:
            log.warning("%s: finishing what was left half-done.", self.path)
        self._finish_promise()
        self._follow()
        rows = [
            row
            for run in self._iter_all_runs(busy)
            if (row := _entry(run)) != self.index.get(run.run_id) or run.run_id in self._unnoted
        ]
        self._unnoted.update(row.row["run_id"] for row in rows)
        try:
            if rows:
                self.note(rows)
            self._unnoted.clear()
            self.done()
        except StoreFull as error:
            for row in rows:
                self.index.put(row)
            self._owed = [*busy]
            if busy != told:
                log.error("%s: %s", self.path, error)

    def _begin_anew(self) -> None:
        """After a start of the machine: nothing in the index is sure, and positions are counted again."""
        self._finish_promise()
        self._log.replace([])
        self._compared = False
        for path in self.path.glob("journal_*.jsonl"):
            run_id = id_from(path.stem.partition("_")[2])
            try:
                marks = self.files(run_id).marks
            except StoreDamaged as error:
                log.error("Run %s is damaged: %s", run_id, error)
                continue
            ends = [mark.position + mark.end - mark.start for mark in marks]
            self._position = max(self._position, max(ends, default=0))
        self.runs()
        self.done()

    def _finish_promise(self) -> None:
        body = read_if_there(self._pending)
        if body is None:
            return
        try:
            steps = decode(body.decode())
        except ValueError as error:
            raise StoreDamaged(
                f"{self._pending} cannot be read; move it away to go on without it."
            ) from error
        for step in steps:
            files = self.files(step["run_id"])
            if (files.revision or 0) < step["revision"]:
                files.write(step["line"], step["records"], sync=True)
        self.keep_promise()

    def _read_lock(self) -> dict[str, Any]:
        with told(self.path):
            body = os.pread(self._lock.handle, 1 << 20, 0)
        try:
            found = decode(body.decode())
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def _write_lock(self, busy: list[str]) -> None:
        state = {"boot": self._boot, "position": self._position, "busy": busy}
        body = json.dumps(state).encode()
        with told(self.path):
            os.pwrite(self._lock.handle, body.ljust(256), 0)
            os.ftruncate(self._lock.handle, max(len(body), 256))


def place_records(folder: JsonFolder, run_ids: Iterable[str]) -> None:
    """Give records that were appended outside of commits their positions, by time."""
    fresh: list[Timed] = []
    for run_id in run_ids:
        files = folder.files(run_id)
        count = files.unplaced()
        first = len(files.ledger) - count
        fresh += [
            (str(record.get("ended_at") or record.get("started_at") or ""), run_id, seq)
            for seq, record in enumerate(files.records(first, first + count), first + 1)
        ]
    if not fresh:
        return
    position = folder.reserve(len(fresh))
    for run_id, group in groupby(in_turn(fresh), key=lambda one: one[1]):
        seqs = [seq for _, _, seq in group]
        line = {"end": seqs[-1], "records": len(seqs), "position": position}
        folder.files(run_id).write(line, (), sync=False)
        position += len(seqs)


def _entry(run: RunState) -> Entry:
    return entry_of(run, listening_key(run.vars))


def _boot_id() -> str:
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return f"about {round((time.time() - time.monotonic()) / 600)}"
