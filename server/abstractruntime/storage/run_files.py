"""The three files of one run, used under the lock of their folder.

    ledger_<run>.jsonl    the records, as published: one compact JSON object a line
    journal_<run>.jsonl   what each commit changed: its revision, its records, the delta or the state
    run_<run>.json        the state now and then, as published, with its revision as `$revision`

A commit appends to the journal and then to the ledger. Its records make it count: a journal line
whose records are missing was not committed and is taken back. The state is then what the journal
says; the checkpoint spares folding from the beginning and is made again when it cannot be read. A
plain save has no delta: its checkpoint is all there is, so a damaged one is an error.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.errors import CheckpointDamaged, LedgerBroken, StoreDamaged
from ..core.jsonsafe import decode
from ..core.models import RunState
from .base import Record
from .codec import run_from_json, run_json
from .files import name_for, read_if_there, removed, told, write_whole
from .line_file import LineFile
from .steps import apply_change

log = logging.getLogger(__name__)
REVISION, RECORDS = "$revision", "$records"


@dataclass(slots=True)
class Mark:
    """A journal line: a commit (`kind` delta or state), a plain save, or records put in their place."""

    kind: str
    revision: int  # 0: none of its own
    start: int  # records of the run before it
    end: int  # and with it
    position: int  # of its first record
    weight: int


class RunFiles:
    """One run as its files tell it; `refresh` before looking."""

    def __init__(self, folder: Path, run_id: str) -> None:
        name = name_for(run_id, "run")
        self.run_id = run_id
        self.ledger = LineFile(folder / f"ledger_{name}.jsonl")
        self.journal = LineFile(folder / f"journal_{name}.jsonl")
        self.checkpoint = folder / f"run_{name}.json"
        self.marks: list[Mark] = []
        self.done: dict[str, int] = {}
        self.weight = 0  # characters of deltas since the checkpoint
        self.size = 0  # characters of the checkpoint
        self._signature: tuple[int, int, int] | None = None
        self.updated_at: str | None = None  # of the last commit
        self._saved: int | None = None  # revision of the checkpoint; 0: written by somebody else

    @property
    def is_lost(self) -> bool:
        """Whether there is a checkpoint that cannot be read, and nothing to make it again from."""
        unreadable = self._signature is not None and self._saved is None
        return unreadable and (not self._last() or self._newest().kind == "plain")

    @property
    def revision(self) -> int | None:
        """The revision the run stands at, None if it is not stored."""
        last = self._last()
        if self._saved is None:
            return last or None
        return max(last, self._saved) if self._saved else last + 1

    @property
    def chained(self) -> bool:
        """Whether the next change can be told as a delta: the journal leads up to here."""
        return bool(self._last()) and self.revision == self._last() and self._newest().kind != "plain"

    def refresh(self) -> None:
        """Take in what other processes wrote, and take back what a crash left half-written."""
        anew, records = self.ledger.refresh()
        if anew:
            self.done = {}
        first = len(self.ledger) - len(records)
        for seq, record in enumerate(records, first + 1):
            self._note_result(record, seq)
        anew, lines = self.journal.refresh()
        if anew:
            self.marks, self.weight = [], 0
        for number, line in enumerate(lines, len(self.journal) - len(lines)):
            self._take(line, number)
        if self._look_at_checkpoint() or lines or anew:
            saved = self._saved or 0
            self.weight = sum(mark.weight for mark in self.marks if mark.revision > saved)
        self._take_back()

    def state(self) -> RunState | None:
        """Return the newest state, None if no run is stored; StoreDamaged if it cannot be told."""
        if self.is_lost:
            raise CheckpointDamaged(f"The checkpoint {self.checkpoint} cannot be read; {_WHAT_TO_DO}.")
        if self._saved is None:
            if not self._last():
                return None
            if self._signature is not None:
                log.error("%s cannot be read; the state is made again from the journal.", self.checkpoint)
            return self.state_at_mark(len(self.marks) - 1)
        saved = self._read_checkpoint()
        if not self._saved or self._saved >= self._last():
            return saved
        later = [index for index, mark in enumerate(self.marks) if mark.revision > self._saved]
        return self._fold(saved, later)

    def state_at(self, seq: int) -> RunState | None:
        """Rebuild the state as it was right after record `seq` was committed; None where nothing leads there."""
        if not 1 <= seq <= len(self.ledger):
            return None
        index = max(
            (i for i, mark in enumerate(self.marks) if mark.revision and mark.start < seq), default=-1
        )
        return None if index < 0 else self.state_at_mark(index)

    def begun(self) -> RunState | None:
        """Return the state that the run was created with; None where the journal does not begin with it."""
        first = next((i for i, mark in enumerate(self.marks) if mark.revision), -1)
        return self.state_at_mark(first) if first >= 0 and self.marks[first].revision == 1 else None

    def state_at_mark(self, index: int) -> RunState | None:
        """Rebuild the state after a journal line."""
        start = index
        while start >= 0 and self.marks[start].kind != "state":
            if self.marks[start].kind == "plain":
                same = start == index and self.marks[index].revision == self._saved
                return self._read_checkpoint() if same else None
            start -= 1
        if start < 0:
            return None
        steps = [i for i in range(start, index + 1) if self.marks[i].revision]
        return self._fold(None, steps)

    def records(self, start: int, end: int) -> list[Record]:
        """Return records `start + 1` to `end`."""
        return self.ledger.read(start, end)

    def placed_after(self, position: int, limit: int) -> list[tuple[int, int]]:
        """Return (position, seq) of the first records after a position."""
        found: list[tuple[int, int]] = []
        for mark in self.marks:
            last = mark.position + mark.end - mark.start - 1
            if mark.end == mark.start or last <= position:
                continue
            found += [
                (mark.position + number, mark.start + number + 1)
                for number in range(mark.end - mark.start)
                if mark.position + number > position
            ]
            if len(found) >= limit:
                break
        return found[:limit]

    def unplaced(self) -> int:
        """Return how many records at the end have no position yet: appended outside of commits."""
        return len(self.ledger) - (self.marks[-1].end if self.marks else 0)

    def write(self, line: dict[str, Any] | str, records: Sequence[str], *, sync: bool) -> None:
        """Append to journal and ledger; raise StoreFull or StoreError with both as they were."""
        before = len(self.journal)
        text = line if isinstance(line, str) else json.dumps(line, separators=(",", ":"))
        self.journal.append([text], sync=sync)
        with contextlib.ExitStack() as unless_written:
            unless_written.callback(self.journal.cut, before)
            if records:
                self.ledger.append(records, sync=sync)
            unless_written.pop_all()
        for seq, record in enumerate(records, len(self.ledger) - len(records) + 1):
            self._note_result(decode(record), seq)
        self._take(decode(text), before)
        self.weight += self.marks[-1].weight

    def undo(self, marks: int, records: int) -> None:
        """Take back all lines after these."""
        self.journal.cut(marks)
        self.ledger.cut(records)
        self.done = {key: seq for key, seq in self.done.items() if seq <= records}
        del self.marks[marks:]
        saved = self._saved or 0
        self.weight = sum(mark.weight for mark in self.marks if mark.revision > saved)

    def append(self, record: str, *, sync: bool) -> None:
        """Append a record outside of any commit."""
        self.ledger.append([record], sync=sync)
        self._note_result(decode(record), len(self.ledger))

    def write_checkpoint(self, run: RunState, revision: int, *, sync: bool, by_commit: bool = False) -> None:
        """Replace the checkpoint; that of a commit says which records it includes."""
        extra = {REVISION: revision, **({RECORDS: len(self.ledger)} if by_commit else {})}
        body = json.dumps({**run_json(run), **extra}, indent=2, ensure_ascii=False)
        write_whole(self.checkpoint, body.encode(), sync=sync)
        self._look_at_checkpoint(revision)
        self.weight = 0

    def save(self, run: RunState, *, sync: bool) -> None:
        """Store a state as a revision of its own, outside of any commit."""
        revision, before = (self.revision or 0) + 1, len(self.marks)
        if self._last():
            line = {"revision": revision, "end": len(self.ledger), "records": 0, "position": 0, "plain": True}
            self.write(line, (), sync=sync)
        with contextlib.ExitStack() as unless_written:
            unless_written.callback(self.undo, before, len(self.ledger))
            self.write_checkpoint(run, revision, sync=sync)
            unless_written.pop_all()

    def has_word(self, word: bytes) -> bool:
        """Say whether a word is anywhere in the three files."""
        paths = (self.checkpoint, self.journal.path, self.ledger.path)
        return any(word in (read_if_there(path) or b"") for path in paths)

    def remove(self) -> bool:
        """Remove all three files; say whether there was one."""
        found = [removed(path) for path in (self.checkpoint, self.journal.path, self.ledger.path)]
        return any(found)

    def _last(self) -> int:
        """The revision of the last commit or plain save in the journal, 0 without one."""
        return self._newest().revision

    def _newest(self) -> Mark:
        for mark in reversed(self.marks):
            if mark.revision:
                return mark
        return _NOTHING

    def _take(self, line: dict[str, Any], number: int) -> None:
        kind = next((kind for kind in ("delta", "state", "plain") if kind in line), "placed")
        try:
            end, count, position = int(line["end"]), int(line["records"]), int(line["position"])
            revision = int(line.get("revision", 0))
        except (KeyError, TypeError, ValueError):
            raise StoreDamaged(f"Line {number + 1} of {self.journal.path} is not a commit.") from None
        if kind in ("delta", "state"):
            self.updated_at = line[kind].get("at") or line[kind].get("updated_at")
        self.marks.append(Mark(kind, revision, end - count, end, position, self.journal.length(number)))

    def _take_back(self) -> None:
        """Take back what a crash left half-written: a commit without its records, a save without its state."""
        while self.marks:
            mark = self.marks[-1]
            if mark.end > len(self.ledger):
                what = "a commit whose records are missing"
            elif mark.kind == "plain" and mark.revision > self._stored_revision(mark):
                what = "a save that never reached its file"
            else:
                return
            log.warning("Run %s: %s is taken back.", self.run_id, what)
            self.undo(len(self.marks) - 1, mark.start)

    def _stored_revision(self, mark: Mark) -> int:
        """The revision of the checkpoint, as far as a save is in doubt."""
        if self._signature is None:
            return 0
        return self._saved or mark.revision

    def _look_at_checkpoint(self, revision: int | None = None) -> bool:
        """Learn the checkpoint's revision if the file is another one than before; say whether it is."""
        with told(self.checkpoint):
            try:
                there = self.checkpoint.stat()
            except FileNotFoundError:
                was, self._signature, self._saved, self.size = self._signature, None, None, 0
                return was is not None
        signature = (there.st_ino, there.st_size, there.st_mtime_ns)
        if signature == self._signature:
            return False
        self._signature, self.size = signature, there.st_size
        if revision is None:
            found = self._checkpoint_object()
            kept = None if found is None else found.get(REVISION, 0)
            if found is not None and int(found.get(RECORDS) or 0) > len(self.ledger):
                kept = None  # ahead of its ledger: power was cut before the records reached the disk
            revision = kept if kept is None or type(kept) is int else 0
        self._saved = revision
        return True

    def _checkpoint_object(self) -> dict[str, Any] | None:
        """Read the checkpoint; None if it is missing or is not the state of a run."""
        body = read_if_there(self.checkpoint)
        try:
            found = decode((body or b"").decode())
            if isinstance(found, dict) and found.get("run_id") == self.run_id:
                run_from_json(found)
                return found
        except (ValueError, TypeError, KeyError):
            pass
        return None

    def _read_checkpoint(self) -> RunState:
        found = self._checkpoint_object()
        if found is None:
            raise CheckpointDamaged(f"The checkpoint {self.checkpoint} cannot be read; {_WHAT_TO_DO}.")
        return run_from_json(found)

    def _fold(self, run: RunState | None, marks: Sequence[int]) -> RunState:
        """Apply journal lines to a state, or begin with the state on the first of them."""
        lines = self.journal.read(marks[0], marks[-1] + 1)
        try:
            for index in marks:
                line = lines[index - marks[0]]
                if "state" in line:
                    run = run_from_json(line["state"])
                elif run is not None:
                    apply_change(run, line["delta"])
        except LedgerBroken as error:
            raise StoreDamaged(f"The history in {self.journal.path} does not fit: {error}") from error
        except (ValueError, TypeError, KeyError) as error:
            raise StoreDamaged(f"The history in {self.journal.path} cannot be read: {error!r}.") from error
        if run is None:
            raise StoreDamaged(f"The history in {self.journal.path} does not begin with a state.")
        return run

    def _note_result(self, record: Record, seq: int) -> None:
        key = record.get("idempotency_key")
        if key and record.get("status") == "completed":
            self.done.setdefault(key, seq)


_WHAT_TO_DO = "restore the file, or save the run again"
_NOTHING = Mark("none", 0, 0, 0, 0, 0)
