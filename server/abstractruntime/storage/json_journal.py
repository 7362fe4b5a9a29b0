"""The journal over a folder of files: a commit is a line in a run's journal and its records after it."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from dataclasses import dataclass

from ..core.errors import StoreError
from ..core.jsonsafe import encode
from ..core.models import RunState, StepRecord
from .base import Checkpoint, Journal, PlacedRecord, Record, StepCommit
from .codec import encode_run, sealed
from .files import Sync
from .json_folder import JsonFolder, place_records
from .json_leases import JsonLeases
from .run_files import RunFiles
from .run_index import entry_of
from .steps import agree, brings_state, check_place, delta_text, outweigh, rests, whole_text


@dataclass(slots=True)
class _Planned:
    """A commit about to be written."""

    step: StepCommit
    files: RunFiles
    revision: int
    line: str
    records: list[str]
    chained: bool


class JsonJournal(Journal):
    """Runs and ledgers of one folder as one."""

    atomic = True

    def __init__(self, folder: JsonFolder, sync: Sync) -> None:
        self._folder = folder
        self._sync = sync
        self.leases = JsonLeases(self, folder)

    def commit(self, step: StepCommit) -> int:
        """Write a step and return the new revision."""
        return self.commit_all([step])[0]

    def commit_all(self, steps: Sequence[StepCommit]) -> list[int]:
        """Write the steps of several runs, all or none, and return the revisions."""
        ready = [
            (step, delta_text(step, at_rest=rests(step.run)), [sealed(one).text for one in step.records])
            for step in steps
        ]
        durable = any(step.durable for step in steps)
        sync = self._sync is Sync.ALWAYS or (self._sync is Sync.MARKED and durable)
        with self._folder.held():
            planned: list[_Planned] = []
            for step, delta, records in ready:
                planned.append(self._plan(step, delta, records, planned))
            touched = [one.step.run.run_id for one in planned if self._moves_row(one.step)]
            busy = touched if len(planned) == 1 else [one.step.run.run_id for one in planned]
            self._place(planned, busy)
            self._write(planned, sync=sync)
            self._follow_up(planned, {*touched}, busy)
        return [one.revision for one in planned]

    def remove(self, run_id: str, stub: tuple[RunState, StepRecord] | None = None) -> bool:
        """Remove a run and its ledger; with a stub, that is what stays of them."""
        with self._folder.held() as folder:
            folder.reserve(0, [run_id])
            found = folder.files(run_id).remove()
            folder.note_gone(run_id)
            if stub is not None:
                files, sync = folder.files(run_id), self._sync is Sync.ALWAYS
                files.save(stub[0], sync=sync)
                files.append(sealed(stub[1]).text, sync=sync)
                folder.note([entry_of(stub[0])])
            folder.done()
        return found

    def is_heavy(self, run_id: str) -> bool:
        """Say whether the next commit should bring the variables too: a whole state is due."""
        with self._folder.held() as folder:
            files = folder.files(run_id)
            return outweigh(files.weight, files.size)

    def load(self, run_id: str) -> Checkpoint | None:
        """Return the newest state with its revision."""
        if not run_id:
            return None
        with self._folder.held() as folder:
            files = folder.files(run_id)
            run = files.state()
            return None if run is None else Checkpoint(run, files.revision or 1)

    def state_at(self, run_id: str, seq: int) -> RunState | None:
        """Rebuild the state as it was right after record `seq` was committed."""
        with self._folder.held() as folder:
            return folder.files(run_id).state_at(seq)

    def begun(self, run_id: str) -> RunState | None:
        """Return the state that a run was created with."""
        with self._folder.held() as folder:
            return folder.files(run_id).begun()

    def find_completed(self, run_id: str, idempotency_key: str) -> Record | None:
        """Return the first COMPLETED record with this key and a result."""
        return find_completed(self._folder, run_id, idempotency_key)

    def tree_after(self, root_run_id: str, after: int, limit: int = 500) -> builtins.list[PlacedRecord]:
        """Return records of a run and all its descendants with `position > after`, in order."""
        with self._folder.held() as folder:
            family = folder.runs().family(root_run_id)
            place_records(folder, family)
            places = [
                (position, seq, run_id)
                for run_id in family
                for position, seq in folder.files(run_id).placed_after(after, max(limit, 0))
            ]
            return [
                PlacedRecord(position, seq, run_id, folder.files(run_id).records(seq - 1, seq)[0])
                for position, seq, run_id in sorted(places)[: max(limit, 0)]
            ]

    def with_artifacts(self) -> set[str] | None:
        """Return ids of all runs of whose state or ledger the stored text has the word `artifact`."""
        with self._folder.held() as folder:
            return {run_id for run_id in folder.runs().ids() if folder.files(run_id).has_word(b"artifact")}

    def find_waiting(self, wait_key: str, limit: int = 1000) -> builtins.list[str]:
        """Return ids of WAITING runs whose wait has this key."""
        with self._folder.held() as folder:
            return folder.runs().waiting(wait_key, limit)

    def find_listening(self, wait_key: str, limit: int = 1000) -> builtins.list[str]:
        """Return ids of runs that are not over and listen under this key."""
        with self._folder.held() as folder:
            return folder.runs().listening(wait_key, limit)

    def waiting_keys(self, prefix: str, limit: int = 15) -> builtins.list[str]:
        """Return distinct keys of open waits that begin so, sorted."""
        with self._folder.held() as folder:
            return folder.runs().waiting_keys(prefix, limit)

    def _plan(
        self, step: StepCommit, delta: str | None, records: list[str], before: Sequence[_Planned]
    ) -> _Planned:
        """Decide what a step's line in the journal says: the change, or the state where none leads to it."""
        files = self._folder.files(step.run.run_id)
        earlier = [one for one in before if one.files is files]
        known = earlier[-1].revision if earlier else files.revision
        if files.is_lost:
            files.state()  # says what is wrong
        revision = agree(step, known)
        check_place(step, len(files.ledger))
        chained = delta is not None and (bool(earlier) or files.chained)
        change = f'"delta":{delta}' if chained else f'"state":{self._state_text(step, files)}'
        return _Planned(step, files, revision, change, records, chained)

    def _state_text(self, step: StepCommit, files: RunFiles) -> str:
        if brings_state(step):
            return encode_run(step.run, known=bool(step.ops))
        return whole_text(step, files.state())

    def _place(self, planned: Sequence[_Planned], busy: Sequence[str]) -> None:
        """Give the records their positions; those that were appended outside of commits come before."""
        place_records(self._folder, [one.files.run_id for one in planned])
        position = self._folder.reserve(sum(len(one.records) for one in planned), busy)
        ends: dict[str, int] = {}
        for one in planned:
            end = ends.get(one.files.run_id, len(one.files.ledger)) + len(one.records)
            ends[one.files.run_id] = end
            head = {"revision": one.revision, "end": end, "records": len(one.records), "position": position}
            one.line = f"{encode(head)[:-1]},{one.line}}}"
            position += len(one.records)

    def _write(self, planned: Sequence[_Planned], *, sync: bool) -> None:
        """Write all or nothing."""
        promised = len(planned) > 1
        if promised:
            self._folder.promise(
                [
                    {
                        "run_id": one.files.run_id,
                        "revision": one.revision,
                        "line": one.line,
                        "records": one.records,
                    }
                    for one in planned
                ],
                sync=sync,
            )
        written: list[tuple[RunFiles, int, int]] = []
        try:
            for one in planned:
                before = (one.files, len(one.files.journal), len(one.files.ledger))
                one.files.write(one.line, one.records, sync=sync)
                written.append(before)
        except StoreError:
            for files, marks, records in reversed(written):
                files.undo(marks, records)
            if promised:
                self._folder.keep_promise()
            raise
        if promised:
            self._folder.keep_promise()

    def _moves_row(self, step: StepCommit) -> bool:
        return step.listening is not None or not self._folder.runs().goes_on(step.run)

    def _follow_up(self, planned: Sequence[_Planned], touched: set[str], busy: Sequence[str]) -> None:
        """Write checkpoints and the index; the commit stands by then."""
        with self._folder.following_up("A commit"):
            for one in planned:
                run = one.step.run
                if run.run_id in touched:
                    known = self._folder.runs().get(run.run_id)
                    listening = one.step.listening or (known.listening if known else None)
                    self._folder.note([entry_of(run, listening)])
                self._write_checkpoint(one)
            if busy:
                self._folder.done()

    def _write_checkpoint(self, one: _Planned) -> None:
        step, files = one.step, one.files
        heavy = bool(step.ops) and outweigh(files.weight, files.size, patient=step.held_back)
        if one.chained and not heavy and not rests(step.run):
            return
        if files.revision != one.revision:
            return  # a later commit of the same run follows
        run = step.run if brings_state(step) else files.state()
        if run is not None:
            files.write_checkpoint(run, one.revision, sync=self._sync is Sync.ALWAYS, by_commit=True)


def find_completed(folder: JsonFolder, run_id: str, idempotency_key: str) -> Record | None:
    """Return the first COMPLETED record with this key and a result, by the index in memory."""
    with folder.held():
        files = folder.files(run_id)
        seq = files.done.get(idempotency_key)
        return None if seq is None else files.records(seq - 1, seq)[0]
