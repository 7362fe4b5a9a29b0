"""Artifacts in a folder: the layout, what a fault does to it, and other processes."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from abstractruntime.core.errors import StoreDamaged, StoreError, StoreFull
from abstractruntime.storage import artifact_files, files
from abstractruntime.storage.artifacts import (
    FileArtifactStore,
    compute_artifact_id,
    compute_blob_id,
)


def test_ids_are_those_that_are_published() -> None:
    assert compute_artifact_id(b"hello") == "2cf24dba5fb0a30e26e83b2ac5b9e29e"
    assert compute_artifact_id(b"hello", run_id="run-1") == "17006668178249981c831cfb063b0735"
    assert compute_artifact_id(b"hello", run_id=" run-1 ") == "17006668178249981c831cfb063b0735"
    assert compute_artifact_id(b"hello", run_id="  ") == compute_artifact_id(b"hello")


def test_the_layout_is_the_published_one(tmp_path: Path) -> None:
    made = FileArtifactStore(tmp_path).store_text("hello", run_id="r", tags={"k": "ü"})
    blob = tmp_path / "artifacts" / "blobs" / f"{compute_blob_id(b'hello')}.bin"
    assert blob.read_bytes() == b"hello"
    ref = tmp_path / "artifacts" / "refs" / f"{made.artifact_id}.meta"
    assert json.loads(ref.read_text(encoding="utf-8")) == made.to_dict()
    assert list(made.to_dict()) == [
        "artifact_id",
        "content_type",
        "size_bytes",
        "created_at",
        "blob_id",
        "run_id",
        "tags",
    ]


def test_an_older_layout_is_read_listed_and_deleted(tmp_path: Path) -> None:
    old = tmp_path / "artifacts"
    old.mkdir()
    fields = {"artifact_id": "old-1", "content_type": "text/plain", "size_bytes": 3, "run_id": "r"}
    (old / "old-1.meta").write_text(json.dumps({**fields, "created_at": "2024-01-01T00:00:00+00:00"}))
    (old / "old-1.bin").write_bytes(b"old")
    store = FileArtifactStore(tmp_path)
    assert store.load_text("old-1") == "old"
    assert [one.artifact_id for one in store.list_by_run("r")] == ["old-1"]
    assert store.gc(dry_run=False)["blobs_deleted"] == 0
    assert store.delete("old-1")
    assert not store.exists("old-1")
    assert store.list_by_run("r") == []
    assert not list(old.glob("old-1.*"))


@pytest.mark.parametrize("damage", [b"", b"hell", b"hellO"])
def test_altered_bytes_are_an_error_and_storing_them_again_mends_them(
    tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    store = FileArtifactStore(tmp_path)
    made = store.store(b"hello", run_id="r")
    blob = tmp_path / "artifacts" / "blobs" / f"{made.blob_id}.bin"
    blob.write_bytes(damage)
    with pytest.raises(StoreDamaged, match=made.artifact_id):
        store.load(made.artifact_id)
    with pytest.raises(StoreDamaged, match=made.artifact_id):
        store.file_of(made.artifact_id)
    with caplog.at_level(logging.WARNING):
        other = store.store(b"hello", run_id="s")
    assert "written again" in caplog.text
    for one in (made, other):
        found = store.load(one.artifact_id)
        assert found is not None
        assert found.content == b"hello"
        assert store.file_of(one.artifact_id) == blob
    assert store.file_of("none") is None


def test_missing_bytes_are_an_error(tmp_path: Path) -> None:
    store = FileArtifactStore(tmp_path)
    made = store.store(b"hello")
    (tmp_path / "artifacts" / "blobs" / f"{made.blob_id}.bin").unlink()
    with pytest.raises(StoreDamaged, match="missing"):
        store.load(made.artifact_id)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"artifact_id": "x"}', "\xff"])
def test_damaged_metadata_are_an_error_left_out_of_lists_and_stop_gc(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = FileArtifactStore(tmp_path)
    made, good = store.store(b"hello", run_id="r"), store.store(b"good", run_id="r")
    ref = tmp_path / "artifacts" / "refs" / f"{made.artifact_id}.meta"
    ref.write_bytes(damage.encode("latin-1"))
    with pytest.raises(StoreDamaged, match="refs"):
        store.load(made.artifact_id)
    with caplog.at_level(logging.ERROR):
        assert store.list_by_run("r") == [good]
    assert made.artifact_id in caplog.text
    report = store.gc(dry_run=False)
    assert report["blobs_deleted"] == 0
    assert len(report["errors"]) == 1
    assert store.store(b"hello", run_id="r").artifact_id == made.artifact_id
    assert store.gc(dry_run=False)["errors"] == []
    assert len(store.list_by_run("r")) == 2


def test_a_crash_between_bytes_and_reference_leaves_only_unreferenced_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileArtifactStore(tmp_path)
    kept = store.store(b"kept", run_id="r")

    def dies(path: Path, body: bytes, *, sync: bool) -> None:
        if path.suffix == ".meta":
            raise StoreError("died here")
        files.write_whole(path, body, sync=sync)

    with monkeypatch.context() as patch:
        patch.setattr(artifact_files, "write_whole", dies)
        with pytest.raises(StoreError, match="died here"):
            store.store(b"half", run_id="r")
    for again in (store, FileArtifactStore(tmp_path)):
        assert again.list_by_run("r") == [kept]
        assert not again.exists(compute_artifact_id(b"half", run_id="r"))
    assert store.gc(dry_run=False)["blobs_deleted"] == 1
    assert store.load_text(kept.artifact_id) == "kept"


def test_a_run_is_listed_without_reading_other_metadata(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileArtifactStore(tmp_path, sync="never")
    for number in range(300):
        store.store(b"%d" % number, run_id=f"run-{number % 100}")
    reads: list[Path] = []

    def counted(path: Path) -> bytes | None:
        reads.append(path)
        return files.read_if_there(path)

    monkeypatch.setattr(artifact_files, "read_if_there", counted)
    again = FileArtifactStore(tmp_path)
    assert len(again.list_by_run("run-7")) == 3
    assert len(reads) == 3
    assert len(again.list_all(limit=5)) == 5
    assert len(reads) == 8


def test_the_index_is_made_again_when_it_is_lost_or_torn(tmp_path: Path) -> None:
    store = FileArtifactStore(tmp_path)
    made = [store.store(b"%d" % number, run_id="r") for number in range(3)]
    index = tmp_path / "artifacts" / "index.jsonl"
    for damage in (b"", index.read_bytes()[:-20], b"garbage\n\x00\xff", None):
        index.unlink()
        if damage is not None:
            index.write_bytes(damage)
        again = FileArtifactStore(tmp_path)
        assert again.list_by_run("r") == made[::-1]
        assert index.exists()
        assert store.list_by_run("r") == made[::-1]


def test_the_index_is_written_anew_when_most_of_it_is_outdated(tmp_path: Path) -> None:
    store = FileArtifactStore(tmp_path, sync="never")
    kept = store.store(b"kept", run_id="r")
    for number in range(600):
        store.delete(store.store(b"%d" % number, run_id="r").artifact_id)
    assert FileArtifactStore(tmp_path).list_by_run("r") == [kept]
    assert (tmp_path / "artifacts" / "index.jsonl").read_bytes().count(b"{") == 1
    assert store.list_by_run("r") == [kept]


WRITER = """
import sys
from abstractruntime.storage.artifacts import FileArtifactStore
store = FileArtifactStore(sys.argv[1], sync="never")
for number in range(40):
    made = store.store(b"%d" % (number % 7), run_id="r", tags={sys.argv[2]: "x"})
    store.store(sys.argv[2].encode() + b"%d" % number, run_id="mine" + sys.argv[2])
    if number % 10 == 0:
        store.gc(dry_run=False)
"""


def test_processes_share_a_folder(tmp_path: Path) -> None:
    store = FileArtifactStore(tmp_path, sync="never")
    store.store(b"first", run_id="r")
    assert len(store.list_by_run("r")) == 1
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name]) for name in "ab"]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert len(store.list_by_run("r")) == 8
    assert len(store.list_by_run("minea")) == len(store.list_by_run("mineb")) == 40
    for one in store.list_all():
        assert store.load(one.artifact_id) is not None
    shared = [one for one in store.list_by_run("r") if one.size_bytes == 1]
    assert all(one.tags == {"a": "x", "b": "x"} for one in shared)


def test_a_full_disk_is_told_and_nothing_is_half_written(tmp_path: Path) -> None:
    script = (
        "import resource, signal, sys\n"
        "from abstractruntime.storage.artifacts import FileArtifactStore\n"
        "from abstractruntime.core.errors import StoreFull\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "store = FileArtifactStore(sys.argv[1])\n"
        "kept = store.store(b'kept', run_id='r')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))\n"
        "try:\n"
        "    store.store(b'x' * 5000, run_id='r')\n"
        "except StoreFull as error:\n"
        "    print(error)\n"
        "assert store.list_by_run('r') == [kept]\n"
        "assert store.store(b'small', run_id='r').size_bytes == 5\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "The disk is full" in done.stdout
    assert not [path for path in (tmp_path / "artifacts").rglob("*") if path.name.endswith(".tmp")]


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "artifacts").write_text("a file")
    with pytest.raises(StoreError, match="artifacts"):
        FileArtifactStore(tmp_path)
    assert issubclass(StoreFull, StoreError)


def test_bytes_reach_the_disk_before_store_returns_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    FileArtifactStore(tmp_path, sync="never").store(b"x")
    assert synced == []
    FileArtifactStore(tmp_path, sync="marked").store(b"y")
    assert len(synced) == 4  # bytes, their folder, metadata, their folder
