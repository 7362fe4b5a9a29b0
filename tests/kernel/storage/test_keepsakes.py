"""Snapshots and commands in files: faults and other processes."""

from __future__ import annotations

import json
import logging
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.core.errors import InvalidId, StoreDamaged, StoreError
from abstractruntime.storage import line_file
from abstractruntime.storage.commands import JsonFileCommandCursorStore, JsonlCommandStore
from abstractruntime.storage.snapshots import JsonSnapshotStore, Snapshot
from abstractruntime.storage.sqlite import SqliteArtifactStore, SqliteCommandStore, SqliteDatabase
from abstractruntime.testing.keepsakes import a_command
from abstractruntime.testing.stores import a_run


def test_a_snapshot_lies_in_the_published_file(tmp_path: Path) -> None:
    store = JsonSnapshotStore(tmp_path / "new")
    made = Snapshot.from_run(run=a_run("r"), name="ü")
    store.save(made)
    text = (tmp_path / "new" / f"snapshot_{made.snapshot_id}.json").read_text(encoding="utf-8")
    assert json.loads(text) == made.to_dict()
    assert '\n  "name": "ü"' in text


@pytest.mark.parametrize("damage", ["", "{", "[]", "{}", '{"snapshot_id": "x"}'])
def test_a_snapshot_that_cannot_be_read_is_an_error_and_left_out_of_lists(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = JsonSnapshotStore(tmp_path)
    good = Snapshot.from_run(run=a_run("r"), name="good")
    store.save(good)
    (tmp_path / "snapshot_bad.json").write_text(damage)
    with pytest.raises(StoreDamaged, match="snapshot_bad"):
        store.load("bad")
    with caplog.at_level(logging.ERROR):
        assert store.list() == [good]
    assert "snapshot_bad" in caplog.text
    for path in ("../x", "a/b", ""):
        with pytest.raises(InvalidId):
            store.load(path)


def test_a_command_that_could_not_be_written_leaves_no_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = JsonlCommandStore(tmp_path)
    store.append(a_command("a"))

    def fails(*_: Any, **__: Any) -> None:
        raise StoreError("no")

    with monkeypatch.context() as patch:
        patch.setattr(line_file, "append_whole", fails)
        with pytest.raises(StoreError):
            store.append(a_command("b"))
    assert store.append(a_command("b")).seq == 2
    with (tmp_path / "commands.jsonl").open("a") as file:
        file.write('{"command_id": "torn')
    again = JsonlCommandStore(tmp_path)
    assert again.append(a_command("c")).seq == 3
    assert [one.command_id for one in store.list_after(after=0)[0]] == ["a", "b", "c"]
    (tmp_path / "commands.jsonl").write_text('{"command_id": "x", "seq": 2}\n')
    with pytest.raises(StoreDamaged, match="command 1"):
        JsonlCommandStore(tmp_path)


WRITER = """
import sys
from abstractruntime.storage.commands import JsonlCommandStore
from abstractruntime.testing.keepsakes import a_command
store = JsonlCommandStore(sys.argv[1], sync="never")
for number in range(100):
    store.append(a_command(f"both-{number}"))
    store.append(a_command(f"{sys.argv[2]}-{number}"))
"""


def test_processes_share_a_file_of_commands(tmp_path: Path) -> None:
    store = JsonlCommandStore(tmp_path)
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name]) for name in "ab"]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    found, cursor = store.list_after(after=0)
    assert [one.seq for one in found] == [*range(1, 301)]
    assert cursor == store.get_last_seq() == len({one.command_id for one in found}) == 300


@pytest.mark.parametrize("damage", ["", "{}", "[]", '{"cursor": "x"}'])
def test_a_cursor_that_cannot_be_read_begins_again_and_is_told(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = JsonFileCommandCursorStore(tmp_path / "new" / "cursor.json")
    store.save(4)
    assert set(json.loads((tmp_path / "new" / "cursor.json").read_text())) == {"cursor", "updated_at"}
    (tmp_path / "new" / "cursor.json").write_text(damage)
    assert store.load() == 0
    assert "cursor.json" in caplog.text


def test_commands_of_an_older_file_stay(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE commands (seq INTEGER PRIMARY KEY AUTOINCREMENT, command_id TEXT UNIQUE, run_id TEXT,"
        " type TEXT, payload_json TEXT, ts TEXT, client_id TEXT);"
        "INSERT INTO commands VALUES (7, 'old', 'r', 'pause', '{\"a\":1}', 'T', NULL)"
    )
    connection.close()
    database = SqliteDatabase(path)
    store = SqliteCommandStore(database)
    assert [one.payload for one in store.list_after(after=0)[0]] == [{"a": 1}]
    assert store.append(a_command("old")).seq == 7
    assert store.append(a_command("new")).seq == 8
    database.close()


def test_altered_bytes_in_a_database_are_an_error(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "x.db")
    store = SqliteArtifactStore(database)
    made = store.store(b"hello", run_id="r")
    with database.write() as connection:
        connection.execute("UPDATE blobs SET content = CAST('jello' AS BLOB)")
    with pytest.raises(StoreDamaged, match=made.artifact_id):
        store.load(made.artifact_id)
    store.store(b"hello", run_id="s")
    assert store.load_text(made.artifact_id) == "hello"
    database.close()
