"""Lines are added to a file of a workspace: none is lost, none is there twice, and no reader sees half of one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from abstractruntime.storage.appended import FOLDER, MOST_APPENDED
from abstractruntime.storage.workspace import Workspace, WorkspaceError
from house import ROOT

HEAD = b"who,amount\n"


def test_a_file_that_is_absent_or_empty_begins_with_the_heading(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "root")
    assert space.append("in/book.csv", b"Ana,80\n", key="1", heading=HEAD) == ("in/book.csv", 18)
    assert space.append("in/book.csv", b"Bo,7\n", key="2", heading=HEAD) == ("in/book.csv", 23)
    assert space.read("in/book.csv") == b"who,amount\nAna,80\nBo,7\n"
    space.write("empty.csv", b"")
    space.append("empty.csv", b"Ana,80\n", key="1", heading=HEAD)
    assert space.read("empty.csv") == b"who,amount\nAna,80\n"


def test_lines_are_added_behind_a_line_that_was_left_open(tmp_path: Path) -> None:
    space = Workspace(tmp_path)
    space.write("book.csv", b"who,amount\nAna,80")
    space.append("book.csv", b"Bo,7\n", key="1", heading=HEAD)
    assert space.read("book.csv") == b"who,amount\nAna,80\nBo,7\n"


def test_the_same_key_adds_once_whoever_adds_in_between(tmp_path: Path) -> None:
    space = Workspace(tmp_path)
    for key in ("1", "2", "1", "3", "2", "1"):
        space.append("book.csv", f"{key}\n".encode(), key=key)
    assert space.read("book.csv") == b"1\n2\n3\n"
    space.append("other.csv", b"1\n", key="1")
    assert space.read("other.csv") == b"1\n", "each file has its own keys"


@pytest.mark.parametrize("next_key", ["1", "2"])
def test_what_was_begun_and_not_done_is_done_when_it_is_asked_for_again(
    tmp_path: Path, next_key: str
) -> None:
    """The process stopped after the trace was written and before the file was replaced."""
    space = Workspace(tmp_path)
    space.append("book.csv", b"0\n", key="0")
    before = space.read("book.csv")
    space.append("book.csv", b"1\n", key="1")
    (tmp_path / "book.csv").write_bytes(before)
    space.append("book.csv", f"{next_key}\n".encode(), key=next_key)
    space.append("book.csv", b"1\n", key="1")
    space.append("book.csv", b"0\n", key="0")
    assert sorted(space.read("book.csv").split()) == sorted({b"0", b"1", next_key.encode()})


def test_threads_that_add_at_once_lose_nothing(tmp_path: Path) -> None:
    def add(number: int) -> None:
        Workspace(tmp_path).append("book.csv", f"{number},x\n".encode(), key=str(number), heading=HEAD)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, [*range(60), *range(60)]))
    lines = (tmp_path / "book.csv").read_bytes().splitlines(keepends=True)
    assert lines[0] == HEAD
    assert sorted(lines[1:]) == sorted(f"{number},x\n".encode() for number in range(60))


def test_processes_that_add_at_once_lose_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from abstractruntime.storage.workspace import Workspace\n"
        "for number in range(25): Workspace(Path(sys.argv[1])).append("
        "'book.csv', f'{sys.argv[2]}-{number}\\n'.encode(), key=f'{sys.argv[2]}-{number}')"
    )
    workers = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name], cwd=ROOT / "server")
        for name in "abc"
    ]
    assert [each.wait(60) for each in workers] == [0, 0, 0]
    assert len(set((tmp_path / "book.csv").read_text().split())) == 75


def test_a_file_that_cannot_be_read_or_would_grow_too_large_is_left_as_it_is(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "root")
    space.write("large.csv", b"x" * 90)
    (tmp_path / "elsewhere").write_bytes(b"mine")
    (tmp_path / "root" / "link.csv").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root" / "folder.csv").mkdir()
    for path, words in (("large.csv", "larger than"), ("link.csv", "link"), ("folder.csv", "Not a file")):
        with pytest.raises(WorkspaceError, match=words):
            space.append(path, b"more than ten bytes\n", key="1", largest=100)
    assert space.read("large.csv") == b"x" * 90
    assert (tmp_path / "elsewhere").read_bytes() == b"mine"
    space.append("large.csv", b"ten\n", key="1", largest=100)
    assert space.read("large.csv").endswith(b"x\nten\n"), "what failed can be asked for again"


def test_the_trace_is_no_file_of_the_workspace(tmp_path: Path) -> None:
    space = Workspace(tmp_path)
    space.append("book.csv", b"1\n", key="1")
    (name,) = [each.name for each in (tmp_path / FOLDER).iterdir()]
    assert [each.path for each in space.entries(".", depth=9, limit=99)[0]] == ["book.csv"]
    with pytest.raises(WorkspaceError):
        space.read(f"{FOLDER}/{name}")
    with pytest.raises(WorkspaceError):
        space.write(f"{FOLDER}/{name}", b"[]")
    with pytest.raises(WorkspaceError):
        Workspace(tmp_path, FOLDER).read(name)
    (tmp_path / FOLDER / name).write_text("damaged")
    space.append("book.csv", b"2\n", key="2")
    shutil.rmtree(tmp_path / FOLDER)
    space.append("book.csv", b"3\n", key="3")
    assert space.read("book.csv") == b"1\n2\n3\n"


def test_the_trace_keeps_the_newest_keys_only(tmp_path: Path) -> None:
    space = Workspace(tmp_path)
    space.append("book.csv", b"x\n", key="first")
    (trace,) = (tmp_path / FOLDER).iterdir()
    one = trace.read_bytes()[1:-1]
    trace.write_bytes(b"[" + b",".join([one] * MOST_APPENDED) + b"]")
    space.append("book.csv", b"y\n", key="second")
    assert trace.read_bytes().count(b'"first"') == MOST_APPENDED - 1
    assert trace.read_bytes().count(b'"second"') == 1
