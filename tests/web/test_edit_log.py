"""The edit log: every change is a row, undo reaches behind a restart, log and file never disagree."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.core.errors import StoreDamaged
from flowstudio import library_files, library_log
from flowstudio.library import FlowLibrary
from flowstudio.library_changes import ChangeError, apply_all, same_value
from flowstudio.library_difference import changes_to
from flowstudio.library_edits import Command, Edit
from flowstudio.library_log import OUTSIDE, EditLog
from flowstudio.library_text import revision_of
from flowstudio.settings import Settings
from web.conftest import Client, open_client
from web.documents import hello

SERVER = str(Path(__file__).resolve().parents[2] / "server")
FLOW: dict[str, Any] = {"id": "f", "name": "A", "nodes": [{"id": "n", "data": {"x": 1}}], "edges": []}
Change = dict[str, Any]


def rename(name: str) -> Change:
    return {"op": "flow", "path": "name", "value": name}


def do(name: str, *, joins: bool = False) -> dict[str, Any]:
    return {"how": "do", "label": f"Rename to {name}", "changes": [rename(name)], "joins": joins}


def save(
    client: Client, document: dict[str, Any], revision: str, *commands: dict[str, Any]
) -> dict[str, Any]:
    answer = client.post(
        f"/api/flows/{document['id']}/edits",
        json={"document": document, "commands": list(commands)},
        headers={"If-Match": f'"{revision}"'},
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_save_tells_what_was_done_and_undo_survives_a_restart(settings: Settings) -> None:
    with open_client(settings) as client:
        client.save(FLOW)
        revision = revision_of(FLOW)
        saved = save(client, {**FLOW, "name": "AB"}, revision, do("AB"))
        assert (saved["seq"], saved["is_told"]) == (1, True)
        saved = save(client, {**FLOW, "name": "ABC"}, saved["revision"], do("ABC", joins=True))
        saved = save(client, {**FLOW, "name": "Z"}, saved["revision"], do("Z"))
        saved = save(client, {**FLOW, "name": "ABC"}, saved["revision"], {"how": "undo"})
        assert saved["seq"] == 4
    with open_client(settings) as client:
        page = client.get("/api/flows/f/edits/steps").json()
        assert [(step["label"], len(step["changes"])) for step in page["done"]] == [("Rename to ABC", 2)]
        assert [step["label"] for step in page["undone"]] == ["Rename to Z"]
        assert (page["seq"], page["more"]) == (4, 0)
        (typing,) = page["done"]
        document, revision = client.studio.library.get("f")
        assert apply_all(document, typing["undo"])[0] == FLOW, "typing is one step, two rows or not"
        saved = save(client, FLOW, revision, {"how": "undo"})
        assert client.get("/api/flows/f").json() == FLOW
        hows = [row["how"] for row in client.get("/api/flows/f/edits").json()["edits"]]
        assert hows == ["do", "do", "do", "undo", "undo"], "nothing is ever taken out of the log"


def test_any_point_can_be_gone_back_to_also_one_that_was_undone(client: Client) -> None:
    client.save(FLOW)
    revision = revision_of(FLOW)
    for commands, name in (((do("B"),), "B"), (({"how": "undo"},), "A"), ((do("C"),), "C")):
        revision = save(client, {**FLOW, "name": name}, revision, *commands)["revision"]
    assert [client.get(f"/api/flows/f/edits/{seq}").json()["name"] for seq in range(4)] == list("ABAC")
    back = client.post("/api/flows/f/edits/1/restore").json()
    assert (back["seq"], client.get("/api/flows/f").json()["name"]) == (4, "B")
    row = client.get("/api/flows/f/edits?after=3").json()["edits"][0]
    assert (row["label"], row["how"]) == ("Back to after “Rename to B”", "do")
    stale = client.post("/api/flows/f/edits/0/restore", headers={"If-Match": '"old"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "flow.stale")
    for seq in (9, 99999999999):
        missing = client.get(f"/api/flows/f/edits/{seq}")
        assert (missing.status_code, missing.json()["code"]) == (404, "edit.not_found")
    assert client.get("/api/flows/f/edits?after=9").json()["code"] == "edit.not_found"


def test_commands_that_lead_elsewhere_are_not_believed(client: Client) -> None:
    client.save(FLOW)
    saved = save(client, {**FLOW, "name": "True"}, revision_of(FLOW), do("Lie"))
    assert saved["is_told"] is False
    (row,) = client.get("/api/flows/f/edits").json()["edits"]
    assert row["changes"] == [{"op": "replace", "flow": {**FLOW, "name": "True", "nodes": []}}]
    assert client.get("/api/flows/f").json()["name"] == "True", "the document counts"
    undo = save(client, {**FLOW, "name": "True"}, saved["revision"], {"how": "redo"})
    assert undo["is_told"] is False


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"document": FLOW, "commands": [{"how": "fly"}]}, 422, "flow.malformed"),
        ({"document": FLOW, "commands": {}}, 422, "flow.malformed"),
        ({"document": FLOW, "commands": [{"changes": [1]}]}, 422, "flow.malformed"),
        ({"commands": []}, 422, "flow.malformed"),
        ({"document": {**FLOW, "id": "g"}, "commands": []}, 422, "flow.malformed"),
        ({"document": {**FLOW, "nodes": 1}, "commands": []}, 422, "flow.malformed"),
    ],
)
def test_a_wrong_edit_changes_nothing(client: Client, body: Any, status: int, code: str) -> None:
    client.save(FLOW)
    answer = client.post("/api/flows/f/edits", json=body, headers={"If-Match": f'"{revision_of(FLOW)}"'})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert client.get("/api/flows/f/edits").json()["edits"] == []
    assert client.post("/api/flows/f/edits", json=body).json()["code"] == "revision.required"


def test_what_other_programs_and_clients_do_is_a_row_too(client: Client) -> None:
    client.save(hello())
    path = client.studio.library.path_of("hello")
    path.write_text(path.read_text("utf-8").replace('"name": "hello"', '"name": "By hand"'), "utf-8")
    document, revision = client.studio.library.get("hello")
    tag = {"If-Match": f'"{revision}"'}
    assert client.put("/api/flows/hello", json={**document, "name": "By API"}, headers=tag).status_code == 200
    rows = client.get("/api/flows/hello/edits").json()["edits"]
    assert [(row["label"], row["actor"]) for row in rows] == [(OUTSIDE, ""), ("Save", "the API")]
    assert client.get("/api/flows/hello/edits/0").json() == hello()
    assert client.get("/api/flows/hello/edits/1").json()["name"] == "By hand"


def test_the_log_keeps_the_newest_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library_log, "MOST_ROWS", 20)
    monkeypatch.setattr(library_log, "SLACK", 5)
    log = EditLog(tmp_path / "edits.sqlite")
    library = FlowLibrary(tmp_path / "flows", log)
    revision = library.put("f", FLOW).revision
    for number in range(60):
        edit = Edit("me", commands=(Command("do", "Rename", (rename(str(number)),)),))
        revision = library.put("f", {**FLOW, "name": str(number)}, if_match=revision, edit=edit).revision
    rows = log.newest("f", limit=100)
    assert 20 <= len(rows) <= 25
    assert rows[0].seq == 60
    oldest = log.document_after("f", rows[-1].seq - 1)
    assert oldest is not None
    assert int(oldest["name"]) == rows[-1].seq - 2
    assert log.document_after("f", 3) is None
    monkeypatch.setattr(library_log, "MOST_BYTES", 500)
    library.put("f", {**FLOW, "name": "last"}, if_match=revision)
    assert 0 < len(log.newest("f")) < 10, "many heavy changes are bounded by their weight"
    log.close()


def test_a_file_that_is_no_log_is_named(tmp_path: Path) -> None:
    (tmp_path / "edits.sqlite").write_bytes(b"not a database at all, and long enough to be looked at" * 40)
    with pytest.raises(StoreDamaged, match=r"edits\.sqlite"):
        EditLog(tmp_path / "edits.sqlite")


def test_a_file_that_cannot_be_written_leaves_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = EditLog(tmp_path / "edits.sqlite")
    library = FlowLibrary(tmp_path / "flows", log)
    revision = library.put("f", FLOW).revision
    edit = Edit("me", commands=(Command("do", "Rename", (rename("B"),)),))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(library_files.os, "replace", full)
        with pytest.raises(OSError, match="No space"):
            library.put("f", {**FLOW, "name": "B"}, if_match=revision, edit=edit)
    assert (log.last("f"), log.head("f"), library.get("f")[0]) == (0, FLOW, FLOW)
    assert library.put("f", {**FLOW, "name": "B"}, if_match=revision, edit=edit).is_told
    assert log.last("f") == 1
    log.close()


CUT = """
import os, sys
from pathlib import Path
from flowstudio.library import FlowLibrary
from flowstudio.library_edits import Command, Edit
from flowstudio.library_log import EditLog
folder, cut = Path(sys.argv[1]), int(sys.argv[2])
log = EditLog(folder / "edits.sqlite")
library, done = FlowLibrary(folder / "flows", log), 0

def count():
    global done
    if done == cut:
        os._exit(9)
    done += 1

class Counted:
    in_transaction = False
    def __init__(self, db):
        self.db = db
    def execute(self, words, *values):
        if words == "COMMIT":
            count()
        found = self.db.execute(words, *values)
        if words == "COMMIT":
            count()
        return found

log.db = Counted(log.db)
real = os.replace
def replace(*names):
    count()
    real(*names)
    count()
os.replace = replace
held, revision = library.get("f")
change = {"op": "flow", "path": "name", "value": "New"}
library.put("f", {**held, "name": "New"}, if_match=revision, edit=Edit("me", commands=(Command("do", "Rename", (change,)),)))
os._exit(0)
"""


def test_a_cut_at_any_point_of_a_save_leaves_file_and_log_agreeing(tmp_path: Path) -> None:
    seen, cut, code = [], 0, 9
    while code:
        folder = tmp_path / str(cut)
        log = EditLog(folder / "edits.sqlite")
        FlowLibrary(folder / "flows", log).put("f", FLOW)
        log.close()
        command = [sys.executable, "-c", CUT, str(folder), str(cut)]
        code = subprocess.run(command, env={**os.environ, "PYTHONPATH": SERVER}, check=False).returncode
        assert code in (0, 9)
        log = EditLog(folder / "edits.sqlite")
        document, revision = FlowLibrary(folder / "flows", log).get("f")
        assert log.head("f") == document, f"cut {cut}"
        rows = log.newest("f")
        assert (document["name"], len(rows)) in (("A", 0), ("New", 1)), f"cut {cut}"
        assert all(row.after == revision for row in rows)
        assert log.document_after("f", 0) == FLOW
        log.close()
        seen.append(document["name"])
        cut += 1
    assert seen == sorted(seen), "once saved, saved"
    assert seen.count("A") >= 3
    assert seen.count("New") >= 3


@pytest.mark.parametrize(
    "after",
    [
        FLOW,
        {**FLOW, "nodes": []},
        {
            **FLOW,
            "nodes": [{"id": "m"}, *FLOW["nodes"]],
            "edges": [{"id": "e", "source": "m", "target": "n"}],
        },
        {**FLOW, "nodes": [{"data": {"x": 1}, "id": "n"}]},
        {"name": "A", "id": "f", "nodes": FLOW["nodes"], "edges": [], "extra": None},
        {**FLOW, "nodes": [{"id": "b"}, {"id": "a"}, {"type": "no id"}]},
        {
            **FLOW,
            "edges": [{"id": "e", "source": "x", "target": "y"}, {"id": "e", "source": "x", "target": "y"}],
        },
    ],
)
def test_changes_lead_from_any_document_to_any_other_and_back(after: dict[str, Any]) -> None:
    changes = changes_to(FLOW, after)
    there, undo = apply_all(FLOW, changes)
    assert repr(there) == repr(after), "order of keys and rows included"
    assert repr(apply_all(there, undo)[0]) == repr(FLOW)
    assert (changes == []) == (after is FLOW)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"op": "remove", "node": "x"}, "no node 'x'"),
        ({"op": "add", "node": {"id": "n"}}, "already has"),
        ({"op": "add", "node": {"id": " "}}, "without an id"),
        ({"op": "move", "node": "n", "x": True, "y": 1}, "Cannot move"),
        ({"op": "connect", "edge": {"source": "n", "target": "x"}}, "target 'x'"),
        ({"op": "disconnect", "edge": "e"}, "no wire 'e'"),
        ({"op": "flow", "path": "nodes", "value": []}, "not set by hand"),
        ({"op": "set", "node": "n", "path": "", "value": 1}, "is empty"),
        ({"op": "set", "node": "n", "path": [], "value": 1}, "is empty"),
        ({"op": "whole", "document": []}, "is an object"),
        ({"op": "jump"}, "no change 'jump'"),
    ],
)
def test_a_change_that_does_not_fit_names_the_place(change: Change, words: str) -> None:
    with pytest.raises(ChangeError, match=words):
        apply_all(FLOW, [change])


def test_values_are_compared_as_browsers_write_them() -> None:
    assert same_value({"a": [1.0, "x"]}, {"a": [1, "x"]})
    assert not same_value({"a": 1}, {"a": True})
    assert not same_value({"a": 0}, {"a": None})
