"""The library keeps flows whole, refuses what it cannot keep, and never touches what it cannot read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abstractruntime.core.errors import StoreDamaged
from abstractruntime.workflow_bundle import is_flow_id
from flowstudio import library_files as library_module
from flowstudio.library import BadDocument, FlowExists, FlowLibrary, FlowNotFound, StaleFlow
from flowstudio.library_files import PLAN
from flowstudio.library_ids import BadFlowId
from flowstudio.library_text import BadText, read_json, revision_of, write_document

SERVER = str(Path(__file__).resolve().parents[2] / "server")
FLOW: dict[str, Any] = {"id": "f1", "name": "First", "nodes": [], "edges": []}


@pytest.fixture
def library(tmp_path: Path) -> FlowLibrary:
    return FlowLibrary(tmp_path / "flows")


def files(library: FlowLibrary) -> list[str]:
    return sorted(os.listdir(library.folder)) if library.folder.exists() else []


def test_what_is_kept_comes_back_whole(library: FlowLibrary) -> None:
    document = {
        "zeta": {"b": 1, "a": [None, 1.5, "é\n"]},
        "edges": [{"target": "b", "source": "a", "id": "e", "mine": True}],
        "nodes": [
            {"data": {"x": 1, "nodeType": "t", "pinDefaults": {"z": 1, "a": 2}}, "type": "t", "id": "a"}
        ],
        "id": "f1",
        "futureField": 7,
    }
    kept = library.put("f1", document)
    held, revision = library.get("f1")
    assert held == document
    assert (kept.created, kept.revision) == (True, revision)


def test_files_are_pretty_with_known_keys_first(library: FlowLibrary) -> None:
    library.put("f1", {"zeta": 1, "nodes": [{"data": {}, "id": "a"}], "name": "n", "id": "f1"})
    text = (library.folder / "f1.json").read_text("utf-8")
    assert text == (
        '{\n  "id": "f1",\n  "name": "n",\n  "nodes": [\n    {\n      "id": "a",\n      "data": {}\n    }\n  ],\n'
        '  "zeta": 1\n}\n'
    )
    assert write_document(json.loads(text)).decode() == text, "writing again changes nothing"


def test_a_stale_save_is_refused_with_the_newer_document(library: FlowLibrary) -> None:
    first = library.put("f1", FLOW).revision
    second = library.put("f1", {**FLOW, "name": "Second"}, if_match=first).revision
    with pytest.raises(StaleFlow) as told:
        library.put("f1", {**FLOW, "name": "Third"}, if_match=first)
    assert (told.value.document, told.value.revision) == ({**FLOW, "name": "Second"}, second)
    with pytest.raises(StaleFlow):
        library.delete("f1", if_match=first)
    assert library.get("f1")[0]["name"] == "Second"
    library.delete("f1", if_match=second)
    with pytest.raises(FlowNotFound):
        library.get("f1")
    with pytest.raises(StaleFlow) as gone:
        library.put("f1", FLOW, if_match=second)
    assert gone.value.document is None


def test_creating_what_exists_is_refused(library: FlowLibrary) -> None:
    library.put("f1", FLOW)
    with pytest.raises(FlowExists):
        library.put("f1", {**FLOW, "name": "Other"})
    assert library.get("f1")[0]["name"] == "First"


def test_the_same_content_is_not_written_again(library: FlowLibrary) -> None:
    revision = library.put("f1", FLOW).revision
    before = (library.folder / "f1.json").stat().st_mtime_ns
    assert library.put("f1", dict(reversed(FLOW.items())), if_match=revision).revision == revision
    assert (library.folder / "f1.json").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "flow_id",
    [
        "../evil",
        "a/b",
        "..",
        ".hidden",
        "con",
        "NUL.x",
        "a\\b",
        "x" * 300,
        "ünï",
        "a b",
        "-x",
        "C:",
        "a\nb",
        " ",
    ],
)
def test_no_id_leaves_the_folder(library: FlowLibrary, flow_id: str) -> None:
    library.folder.mkdir(parents=True)
    if not flow_id.strip():
        with pytest.raises(BadDocument):
            library.put(flow_id, {**FLOW, "id": flow_id})
        return
    if not is_flow_id(flow_id):
        for create in (library.put, lambda key, body: library.put_all({key: body})):
            with pytest.raises(BadFlowId):
                create(flow_id, {**FLOW, "id": flow_id})
        assert files(library) == []
        (library.folder / "held.json").write_text(json.dumps({**FLOW, "id": flow_id}), "utf-8")
        library.put(flow_id, {**FLOW, "id": flow_id, "name": "Saved"}, if_match="*")
    else:
        library.put(flow_id, {**FLOW, "id": flow_id})
    assert library.get(flow_id)[0]["id"] == flow_id
    (name,) = files(library)
    assert name.endswith(".json")
    assert "/" not in name
    assert sorted(os.listdir(library.folder.parent)) == ["flows"]
    library.delete(flow_id)
    assert files(library) == []


def test_ids_that_differ_in_case_only_have_two_files(library: FlowLibrary) -> None:
    library.put("flow", {**FLOW, "id": "flow"})
    library.put("FLOW", {**FLOW, "id": "FLOW"})
    assert len({name.lower() for name in files(library)}) == 2
    assert {entry.id for entry in library.entries()} == {"flow", "FLOW"}


def test_a_flow_is_found_by_the_id_inside_and_stays_in_its_file(library: FlowLibrary) -> None:
    library.folder.mkdir(parents=True)
    (library.folder / "Order intake.json").write_text(json.dumps(FLOW))
    revision = library.get("f1")[1]
    library.put("f1", {**FLOW, "name": "New"}, if_match=revision)
    assert files(library) == ["Order intake.json"]
    assert json.loads((library.folder / "Order intake.json").read_text())["name"] == "New"


BROKEN = {
    "half.json": '{"id": "half", "nodes": [',
    "list.json": "[]",
    "noid.json": "{}",
    "nan.json": '{"id": "x", "v": NaN}',
    "digits.json": '{"id": "x", "v": ' + "9" * 5000 + "}",
    "twice.json": '{"id": "x", "id": "y"}',
    "nodes.json": '{"id": "x", "nodes": {}}',
    "node.json": '{"id": "x", "nodes": [3]}',
}


def test_files_that_cannot_be_read_are_named_and_left_alone(library: FlowLibrary) -> None:
    library.folder.mkdir(parents=True)
    for name, text in BROKEN.items():
        (library.folder / name).write_text(text)
    (library.folder / "bytes.json").write_bytes(b"\xff\xfe")
    (library.folder / "link.json").symlink_to("half.json")
    (library.folder / "notes.txt").write_text("not a flow")
    library.put("half", {**FLOW, "id": "half"})
    assert (library.folder / "half.json").read_text() == BROKEN["half.json"]
    assert library.get("half")[0]["id"] == "half"
    told = {broken.file: broken.reason for broken in library.broken()}
    assert set(told) == {*BROKEN, "bytes.json", "link.json"}
    assert all(told.values())
    assert [entry.id for entry in library.entries()] == ["half"]


def test_two_files_with_one_id_are_told(library: FlowLibrary) -> None:
    library.folder.mkdir(parents=True)
    (library.folder / "a.json").write_text(json.dumps({**FLOW, "name": "A"}))
    (library.folder / "b.json").write_text(json.dumps({**FLOW, "name": "B"}))
    assert library.get("f1")[0]["name"] == "A"
    (broken,) = library.broken()
    assert broken.file == "b.json"
    assert "a.json" in broken.reason


def test_edits_of_other_programs_are_noticed(library: FlowLibrary) -> None:
    revision = library.put("f1", FLOW).revision
    library.entries()
    (library.folder / "f1.json").write_text(json.dumps({**FLOW, "name": "From outside"}))
    assert library.entries()[0].name == "From outside"
    with pytest.raises(StaleFlow):
        library.put("f1", {**FLOW, "name": "Mine"}, if_match=revision)
    (library.folder / "f1.json").unlink()
    assert library.entries() == []


def test_a_failed_write_leaves_the_old_flow(library: FlowLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    revision = library.put("f1", FLOW).revision

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(library_module.os, name, full)
            with pytest.raises(OSError, match="No space"):
                library.put("f1", {**FLOW, "name": "New"}, if_match=revision)
        assert library.get("f1") == (FLOW, revision)
        assert files(library) == ["f1.json"], "no rubbish stays behind"


def test_several_flows_are_kept_together_or_not_at_all(
    library: FlowLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.put("f2", {**FLOW, "id": "f2", "name": "Old"})
    new = {f"f{n}": {**FLOW, "id": f"f{n}", "name": "New"} for n in (1, 2, 3)}
    with pytest.raises(FlowExists):
        library.put_all(new)
    assert files(library) == ["f2.json"]
    replace, count = os.replace, 0

    def third_fails(source: str, target: str) -> None:
        nonlocal count
        count += 1
        if count == 3:
            raise OSError(5, "Input/output error")
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(library_module.os, "replace", third_fails)
        with pytest.raises(OSError, match="Input"):
            library.put_all(new, replace=True)
    assert files(library) == ["f2.json"]
    assert library.get("f2")[0]["name"] == "Old"
    library.put_all(new, replace=True)
    assert {entry.name for entry in library.entries()} == {"New"}


CUT = """
import os, sys
from pathlib import Path
from flowstudio.library import FlowLibrary
folder, cut = Path(sys.argv[1]), int(sys.argv[2])
library, done = FlowLibrary(folder), 0

def counted(real):
    def call(*args, **options):
        global done
        if done == cut:
            os._exit(9)
        done += 1
        return real(*args, **options)
    return call

os.replace, os.unlink = counted(os.replace), counted(os.unlink)
flow = {"nodes": [], "edges": [], "name": "New"}
library.put_all({f"f{n}": {**flow, "id": f"f{n}"} for n in (1, 2, 3)}, replace=True)
"""


def test_a_cut_between_any_two_moves_leaves_all_or_nothing(tmp_path: Path) -> None:
    seen, cut, code = [], 0, 9
    while code:
        folder = tmp_path / str(cut)
        FlowLibrary(folder).put("f2", {**FLOW, "id": "f2", "name": "Old"})
        command = [sys.executable, "-c", CUT, str(folder), str(cut)]
        code = subprocess.run(command, env={**os.environ, "PYTHONPATH": SERVER}, check=False).returncode
        assert code in (0, 9)
        after = FlowLibrary(folder)
        told = [(entry.id, entry.name) for entry in after.entries()]
        assert told in ([("f2", "Old")], [(f"f{n}", "New") for n in (1, 2, 3)]), f"cut {cut}"
        assert not (folder / PLAN).exists()
        assert not after.broken()
        seen.append(told[0][1])
        cut += 1
    assert seen[0] == "Old"
    assert seen.count("New") >= 4, "each of the moves was cut"


@pytest.mark.parametrize("plan", ['{"../out.json": "a"}', '{"a": "/etc/x"}', "[1]", "no"])
def test_a_plan_that_is_not_ours_is_refused(tmp_path: Path, plan: str) -> None:
    (tmp_path / "a").write_text("{}")
    (tmp_path / PLAN).write_text(plan)
    with pytest.raises(StoreDamaged, match="not a plan"):
        FlowLibrary(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == [PLAN, "a"]


def test_of_many_savers_each_revision_is_used_once(library: FlowLibrary) -> None:
    revision = library.put("f1", FLOW).revision
    won: list[int] = []

    def save(number: int) -> None:
        try:
            library.put("f1", {**FLOW, "name": f"by {number}"}, if_match=revision)
            won.append(number)
        except StaleFlow:
            pass

    threads = [Thread(target=save, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert library.get("f1")[0]["name"] == f"by {won[0]}"


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "not JSON"),
        (b'{"a": 1', "line 1, column"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "Infinity"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": {"b": 1, "b": 2}}', "'b' appears twice"),
        (b'{"a": ["\\ud800"]}', "a[0]"),
        (b'{"\\udfff": 1}', "surrogate"),
        (b'{"a": ' + b"9" * 5000 + b"}", "more digits"),
        (b"[" * 70 + b"]" * 70, "deeper"),
        (b"[" * 100_000 + b"]" * 100_000, "deeper"),
        (b"\xff", "UTF-8"),
    ],
)
def test_text_that_no_store_can_keep_is_refused_with_its_place(raw: bytes, says: str) -> None:
    with pytest.raises(BadText) as told:
        read_json(raw)
    assert says in str(told.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text(), json_values, max_size=6))
def test_any_json_object_survives_writing_and_reading(extra: dict[str, Any]) -> None:
    document = {**extra, "id": "x"}
    text = write_document(document)
    again = read_json(text)
    assert again == document
    assert revision_of(again) == revision_of(document)
    assert write_document(again) == text
