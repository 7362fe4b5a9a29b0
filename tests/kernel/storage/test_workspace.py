"""Nothing outside a workspace is read or written, whatever the path, whoever swaps folders meanwhile."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import pytest

from abstractruntime.storage.workspace import Workspace, WorkspaceError, parts_of

ESCAPES = [
    "..", "../secret", "a/../../secret", "/etc/passwd", "//etc/passwd", "~/secret", "~root/x", "@/etc/passwd",
    "@../secret", "C:/secret", "c:secret", "file:///etc/passwd", "a\\..\\secret", "..\\secret", "a\0b", "a/..",
    "./../secret", "a/./../../secret", " /etc/passwd", "\t../secret", "a/" * 40 + "x", "n" * 300,
]  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("outside")
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    (root / "a" / "inside.txt").write_text("inside")
    return root


@pytest.mark.parametrize(
    "path", [*ESCAPES, *(f"{way}/secret" for way in ESCAPES), *(f"a/{way}" for way in ESCAPES)]
)
def test_a_path_that_leads_elsewhere_is_refused(home: Path, path: str) -> None:
    space = Workspace(home)
    with pytest.raises(WorkspaceError) as refused:
        space.read(path)
    assert str(home) not in str(refused.value)
    if ".." in path.split("/"):  # what is only odd inside is a file to be made, a way out never is
        with pytest.raises(WorkspaceError) as refused:
            space.write(path, b"x")
        assert str(home) not in str(refused.value)
    else:
        with suppress(WorkspaceError):
            space.write(path, b"x")
    assert (home.parent / "secret").read_text() == "outside"
    assert not any(each.name not in ("root", "secret") for each in home.parent.iterdir())


def test_no_link_is_followed(home: Path) -> None:
    (home / "file-link").symlink_to(home.parent / "secret")
    (home / "folder-link").symlink_to(home.parent)
    (home / "a" / "back").symlink_to(home / "a" / "inside.txt")
    space = Workspace(home)
    for path in ("file-link", "folder-link/secret", "a/back"):
        with pytest.raises(WorkspaceError, match="a link"):
            space.read(path)
    with pytest.raises(WorkspaceError, match="a link"):
        space.write("folder-link/new", b"x")
    with pytest.raises(WorkspaceError, match="Not a file"):
        space.write("file-link", b"x")
    listed = [entry.path for entry in space.entries(".", depth=9, limit=99)[0]]
    assert listed == ["a", "a/inside.txt"]
    assert (home.parent / "secret").read_text() == "outside"


def test_a_folder_that_is_swapped_for_a_link_meanwhile_opens_nothing_outside(home: Path) -> None:
    outside = home.parent / "elsewhere"
    outside.mkdir()
    (outside / "inside.txt").write_text("OUTSIDE")
    done = Event()

    def swap() -> None:
        while not done.is_set():
            os.rename(home / "a", home / "b")
            try:
                os.symlink(outside, home / "a")
                os.unlink(home / "a")
            except FileExistsError:  # a write has made the folder anew
                shutil.rmtree(home / "a", ignore_errors=True)
            while (home / "b").exists():
                try:
                    os.rename(home / "b", home / "a")
                except OSError:
                    shutil.rmtree(home / "a", ignore_errors=True)

    swapper = Thread(target=swap)
    swapper.start()
    space, read, refused = Workspace(home), 0, 0
    try:
        for number in range(20_000):
            try:
                if number % 500 == 0:
                    space.write("a/new.txt", b"mine")
                assert space.read("a/inside.txt") == b"inside"
                read += 1
            except WorkspaceError:
                refused += 1
    finally:
        done.set()
        swapper.join()
    assert sorted(each.name for each in outside.iterdir()) == ["inside.txt"]
    assert (outside / "inside.txt").read_text() == "OUTSIDE"
    assert read > 0


def test_a_folder_that_is_removed_before_the_write_says_so(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space, name = Workspace(home), "abstractruntime.storage.workspace.secrets.token_hex"

    def removed(size: int) -> str:  # the last thing that is asked for before the file is made
        shutil.rmtree(home / "gone")
        return "0" * size

    monkeypatch.setattr(name, removed)
    with pytest.raises(WorkspaceError, match=r"File not found: gone/deep/a\.txt"):
        space.write("gone/deep/a.txt", b"mine")
    assert not (home / "gone").exists()


def test_a_file_is_replaced_whole_and_its_folders_are_made(home: Path) -> None:
    space = Workspace(home)
    assert space.write("new/deep/a.txt", b"one") == "new/deep/a.txt"
    assert space.write("./new//deep/a.txt", b"two") == "new/deep/a.txt"
    assert space.read("new/deep/a.txt") == b"two"
    assert [each.name for each in (home / "new" / "deep").iterdir()] == ["a.txt"]
    with pytest.raises(WorkspaceError, match="Not a file"):
        space.write("a", b"x")
    with pytest.raises(WorkspaceError, match="Not a file"):
        space.read("a")
    with pytest.raises(WorkspaceError, match="Not a file"):
        space.write("a/inside.txt/x", b"x")


def test_sizes_are_bounded_and_devices_are_no_files(home: Path) -> None:
    space = Workspace(home)
    with pytest.raises(WorkspaceError, match="larger"):
        space.read("a/inside.txt", largest=3)
    with pytest.raises(WorkspaceError, match="larger"):
        space.write("x", b"four", largest=3)
    os.mkfifo(home / "pipe")
    with pytest.raises(WorkspaceError, match="Not a file"):
        space.read("pipe")


def test_a_run_may_keep_to_a_folder_and_leave_some_paths_alone(home: Path) -> None:
    space = Workspace(home, "a", ("private",))
    assert space.read("inside.txt") == b"inside"
    space.write("private.txt", b"fine")
    for act in (lambda: space.read("private/x"), lambda: space.write("private/x", b"")):
        with pytest.raises(WorkspaceError, match="workspace_ignored_paths"):
            act()
    with pytest.raises(WorkspaceError):
        Workspace(home, "../")
    assert parts_of("@a/./b") == ("a", "b")


def test_a_long_list_is_cut_and_says_so(home: Path) -> None:
    space = Workspace(home)
    for number in range(5):
        space.write(f"many/{number}.txt", b"")
    found, was_cut = space.entries("many", depth=1, limit=3)
    assert ([entry.path for entry in found], was_cut) == (["many/0.txt", "many/1.txt", "many/2.txt"], True)
    assert space.entries("many", depth=1, limit=5)[1] is False
