"""`flowstudio merge` as git's merge driver: per node and field, and a file that always opens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flowstudio.__main__ import main
from flowstudio.library_text import read_json, write_document
from web.documents import hello, node

Json = Any
Git = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """A repository with a flow in it and the driver set up, as docs/editor-history.md says."""
    where = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    who = ("-c", "user.name=Ana", "-c", "user.email=ana@example.org", "-c", "init.defaultBranch=main")

    def run(*words: str, fails: bool = False) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["git", *who, *words], cwd=tmp_path, env=where, capture_output=True, text=True, check=False
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done

    run("init", "-q")
    run("config", "merge.flowstudio.driver", f'"{sys.executable}" -m flowstudio merge %O %A %B --name %P')
    (tmp_path / ".gitattributes").write_text("*.json merge=flowstudio\n")
    keep(tmp_path, hello())
    run("add", ".")
    run("commit", "-qm", "begin")
    return run


def keep(folder: Path, document: dict[str, Json]) -> None:
    (folder / "hello.json").write_bytes(write_document(document))


def kept(folder: Path) -> dict[str, Json]:
    document: dict[str, Json] = read_json((folder / "hello.json").read_bytes())
    return document


def changed(edit: Callable[[dict[str, Json]], None]) -> dict[str, Json]:
    document = hello()
    edit({each["id"]: each["data"] for each in document["nodes"]})
    return document


def branch(git: Git, folder: Path, theirs: dict[str, Json], ours: dict[str, Json]) -> None:
    git("checkout", "-qb", "other")
    keep(folder, theirs)
    git("commit", "-qam", "theirs")
    git("checkout", "-q", "main")
    keep(folder, ours)
    git("commit", "-qam", "ours")


def test_git_merges_changes_of_one_node(git: Git, tmp_path: Path) -> None:
    theirs = changed(lambda nodes: nodes["greet"].update(label="Say hello"))
    ours = changed(lambda nodes: nodes["greet"]["pinDefaults"].update(a="Goodbye"))
    ours["nodes"].append(node("idle", "concat"))
    branch(git, tmp_path, theirs, ours)
    git("merge", "-q", "other")
    data = {each["id"]: each["data"] for each in kept(tmp_path)["nodes"]}
    assert (data["greet"]["label"], data["greet"]["pinDefaults"]["a"]) == ("Say hello", "Goodbye")
    assert "idle" in data
    assert (tmp_path / "hello.json").read_bytes() == write_document(kept(tmp_path)), "it is canonical"


def test_what_both_changed_is_told_and_the_file_still_opens(git: Git, tmp_path: Path) -> None:
    theirs = changed(lambda nodes: nodes["greet"]["pinDefaults"].update(a="Servus"))
    ours = changed(lambda nodes: nodes["greet"]["pinDefaults"].update(a="Goodbye"))
    branch(git, tmp_path, theirs, ours)
    done = git("merge", "other", fails=True)
    assert 'greet (greet), a: "Goodbye" here, "Servus" there; ours stands' in done.stderr + done.stdout
    assert "hello.json" in done.stderr + done.stdout
    assert kept(tmp_path) == read_json(write_document(ours))
    assert "UU hello.json" in git("status", "--porcelain").stdout


def test_a_flow_that_both_added_is_merged_without_a_base(git: Git, tmp_path: Path) -> None:
    git("checkout", "-qb", "other")
    (tmp_path / "new.json").write_bytes(write_document({**hello(), "id": "new", "name": "One"}))
    git("add", ".")
    git("commit", "-qm", "theirs")
    git("checkout", "-q", "main")
    (tmp_path / "new.json").write_bytes(write_document({**hello(), "id": "new", "name": "Two"}))
    git("add", ".")
    git("commit", "-qm", "ours")
    done = git("merge", "other", fails=True)
    assert 'The flow, name: "Two" here, "One" there' in done.stderr + done.stdout


@pytest.mark.parametrize("take", ["ours", "theirs"])
def test_one_side_can_be_taken_for_all(tmp_path: Path, take: str) -> None:
    sides = {"base": hello(), "ours": hello(), "theirs": hello()}
    sides["ours"]["nodes"][1]["data"]["pinDefaults"]["a"] = "Goodbye"
    sides["theirs"]["nodes"][1]["data"]["pinDefaults"]["a"] = "Servus"
    files = [tmp_path / name for name in sides]
    for file in files:
        file.write_bytes(write_document(sides[file.name]))
    assert main(["merge", *map(str, files), "--take", take]) == 0
    assert read_json(files[1].read_bytes()) == read_json(write_document(sides[take]))


@pytest.mark.parametrize("broken", ["base", "ours", "theirs"])
@pytest.mark.parametrize("text", ["{", "[]", '{"nodes": 3}'])
def test_what_is_no_flow_is_left_alone(
    tmp_path: Path, broken: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {name: tmp_path / name for name in ("base", "ours", "theirs")}
    for file in files.values():
        file.write_text(json.dumps(hello()))
    files[broken].write_text(text)
    before = {name: file.read_bytes() for name, file in files.items()}
    assert main(["merge", *map(str, files.values())]) == 2
    assert "cannot be read as a flow" in capsys.readouterr().err
    assert {name: file.read_bytes() for name, file in files.items()} == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["base", "ours", "theirs"]
