"""The power is cut between any two writes of a story; then it is lived to its end, and nobody can tell.

Three ways to cut: before a step's transaction, after it, and (SQLite) before any single statement. What
the disk holds at that moment is what the next process finds: for SQLite the files are copied as they
lie, so nothing that an orderly end would do helps.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.storage import Journal, Stores, open_stores, sqlite_database
from abstractruntime.storage.base import StepCommit

from .world import Ending, PowerCut, World, ending, live

TURNS = 2  # a loop has to come back to its nodes


class Cutter:
    """Counts writes and cuts the power at one of them."""

    def __init__(self, at: int | None = None, *, after: bool = False) -> None:
        self.at, self.after, self.count = at, after, 0

    def around(self, write: Callable[[], Any]) -> Any:
        """Do a write unless the power is gone before it; lose the power after it if that is wished."""
        self.count += 1
        is_it = self.at is not None and self.count >= self.at
        if is_it and not self.after:
            raise PowerCut
        result = write()
        if is_it:
            raise PowerCut
        return result

    def watch(self, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
        """Stand between the engine and its journal."""
        commit, commit_all = journal.commit, journal.commit_all

        def one(step: StepCommit) -> int:
            return int(self.around(lambda: commit(step)))

        def several(steps: list[StepCommit]) -> list[int]:
            if len(steps) == 1:  # how one backend writes a single step, which is counted already
                return commit_all(steps)
            revisions: list[int] = self.around(lambda: commit_all(steps))
            return revisions

        monkeypatch.setattr(journal, "commit", one)
        monkeypatch.setattr(journal, "commit_all", several)


def one_journal(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> Journal:
    """Have every runtime over these stores use one journal, which can be watched."""
    monkeypatch.setattr("abstractruntime.core.runtime.open_journal", lambda runs, ledger: stores.journal)
    return stores.journal


def check(got: Ending, wanted: Ending, *, repeated: int) -> None:
    """Nobody can tell that the power was cut, but for a step that was begun twice."""
    assert got.outputs == wanted.outputs
    assert got.told == wanted.told
    assert got.acts == wanted.acts
    assert wanted.starts <= got.starts <= wanted.starts + repeated


@pytest.fixture(scope="module")
def undisturbed() -> Ending:
    world, stores = World(), open_stores("memory:")
    live(stores, world, TURNS)
    assert len(world.acts) == len(set(world.acts)) == 5 * TURNS
    end = ending(stores, world)
    assert end.outputs["root"]["said"] == ["name!"] * TURNS
    assert end.outputs["root"]["subs"] == [
        [{"answer": f"child {turn}!", "acted": {"done": "child acts"}}, 1] for turn in range(TURNS)
    ]
    assert end.outputs["root"]["marks"] == ["root acts"] * TURNS
    assert end.outputs["ear"] == {"heard": list(range(TURNS))}
    return end


def count_commits(monkeypatch: pytest.MonkeyPatch) -> int:
    with monkeypatch.context() as patch:
        stores, cutter = open_stores("memory:"), Cutter()
        cutter.watch(one_journal(stores, patch), patch)
        live(stores, World(), TURNS)
    return cutter.count


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_cut_around_every_transaction_in_memory(
    undisturbed: Ending, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    commits = count_commits(monkeypatch)
    assert commits > 40
    for number in range(1, commits + 1):
        stores, world = open_stores("memory:"), World()
        with monkeypatch.context() as patch:
            Cutter(number, after=after).watch(one_journal(stores, patch), patch)
            with pytest.raises(PowerCut):
                live(stores, world, TURNS)
        live(stores, world, TURNS)
        check(ending(stores, world), undisturbed, repeated=1)
        assert len(world.acts) - len(set(world.acts)) <= 1, "only an act in doubt is repeated"


class Disk:
    """A folder with a database whose every statement can be the last."""

    def __init__(self, folder: Path, cutter: Cutter) -> None:
        self.folder, self.cutter = folder, cutter
        self.connections: list[sqlite3.Connection] = []

    def connect(self, *args: Any, **options: Any) -> sqlite3.Connection:
        """Open a connection that asks the cutter before each statement that writes."""
        disk = self

        class Wire(sqlite3.Connection):
            def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
                plain = super().execute
                if sql.startswith("PRAGMA synchronous"):
                    sql = "PRAGMA synchronous = OFF"  # the process dies here, not the machine
                if sql.lstrip()[:6].upper() in ("SELECT", "PRAGMA", "BEGIN"):
                    return plain(sql, *parameters)
                result: sqlite3.Cursor = disk.cutter.around(lambda: plain(sql, *parameters))
                return result

        made = sqlite3.Connection.__new__(Wire)
        made.__init__(*args, **options)  # type: ignore[misc]
        self.connections.append(made)
        return made

    def take_out(self, target: Path) -> None:
        """Put the files as they lie now into another folder, then end the dead process."""
        target.mkdir()
        for file in self.folder.glob("runs.db*"):
            if not file.name.endswith("-shm"):
                shutil.copy(file, target / file.name)
        for connection in self.connections:
            connection.close()


@pytest.fixture
def wired(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path, Cutter], Disk]]:
    def make(folder: Path, cutter: Cutter) -> Disk:
        disk = Disk(folder, cutter)
        monkeypatch.setattr(sqlite_database.sqlite3, "connect", disk.connect)
        return disk

    yield make
    monkeypatch.undo()


def cut_at(number: int, folder: Path, wired: Callable[[Path, Cutter], Disk]) -> tuple[World, bool]:
    """Live the story until the n-th statement; return the world then, and whether there was one."""
    folder.mkdir()
    world, cutter = World(), Cutter()
    disk = wired(folder, cutter)
    stores = open_stores(f"sqlite://{folder}/runs.db")
    cutter.at = cutter.count + number
    is_cut = False
    try:
        live(stores, world, 1)
    except PowerCut:
        is_cut = True
    disk.take_out(folder / "left")
    return world, is_cut


@pytest.mark.slow
def test_a_cut_at_every_statement_on_disk(
    tmp_path: Path, wired: Callable[[Path, Cutter], Disk], monkeypatch: pytest.MonkeyPatch
) -> None:
    calm, peace = World(), open_stores("memory:")
    live(peace, calm, 1)
    undisturbed, connect = ending(peace, calm), sqlite3.connect
    number, is_cut = 0, True
    while is_cut:
        number += 1
        folder = tmp_path / str(number)
        world, is_cut = cut_at(number, folder, wired)
        monkeypatch.setattr(sqlite_database.sqlite3, "connect", connect)
        left = open_stores(f"sqlite://{folder}/left/runs.db")
        live(left, world, 1)
        check(ending(left, world), undisturbed, repeated=1)
        assert len(world.acts) - len(set(world.acts)) <= 1, "only an act in doubt is repeated"
        left.close()
        shutil.rmtree(folder)
    assert number > 100
