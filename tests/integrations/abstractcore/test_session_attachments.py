"""The files of a session: listed, opened by id or by name, kept when they are read, shown once (kernel contract 9.7)."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from reportlab.pdfgen import canvas

from abstractruntime import InMemoryRunStore, RunState, RunStatus
from abstractruntime.integrations.abstractcore import MappingToolExecutor, PassthroughToolExecutor
from abstractruntime.integrations.abstractcore.effect_handlers import make_tool_calls_handler
from abstractruntime.integrations.abstractcore.session_attachments import (
    dedup_messages_view,
    execute_open_attachment,
    list_session_attachments,
    render_active_attachments_system_message,
    render_session_attachments_system_message,
    store_session_attachment,
)
from abstractruntime.memory.owners import new_owner
from abstractruntime.storage import open_stores
from abstractruntime.storage.artifacts import InMemoryArtifactStore
from abstractruntime.storage.base import Journal, LedgerStore, RunStore
from flowstudio.outside.pdf import pdf_text
from integrations.abstractcore.optional import core
from integrations.abstractcore.scripted import a_run, call, result_of, tool_effect

PDF = "application/pdf"


def pdf(*pages: str) -> bytes:
    body = io.BytesIO()
    paper = canvas.Canvas(body)
    for text in pages:
        paper.drawString(72, 700, text)
        paper.showPage()
    paper.save()
    return body.getvalue()


class Shelf:
    """A store with a session's files."""

    def __init__(self) -> None:
        self.store = InMemoryArtifactStore()

    def put(self, path: str, content: str | bytes, kind: str = "text/plain", session: str = "s") -> str:
        body = content.encode() if isinstance(content, str) else content
        held = store_session_attachment(
            artifact_store=self.store, session_id=session, content=body, path=path, content_type=kind
        )
        return held.artifact_id

    def open(self, **asked: Any) -> tuple[bool, Any, str | None]:
        return execute_open_attachment(**{"artifact_store": self.store, "session_id": "s", **asked})

    def text(self, **asked: Any) -> str:
        is_open, output, error = self.open(**asked)
        assert is_open, error
        return str(output["content_text"])


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def numbered(count: int) -> str:
    return "".join(f"line {number}\n" for number in range(1, count + 1))


# ---- listed --------------------------------------------------------------------------------------


def test_a_session_lists_its_own_files_newest_first(shelf: Shelf) -> None:
    ids = [shelf.put(f"docs/{name}.txt", name) for name in "abc"]
    shelf.put("docs/d.txt", "d", session="another")
    assert shelf.put("docs/c.txt", "c") == ids[2], "the same bytes at the same path are one attachment"
    rows = list_session_attachments(artifact_store=shelf.store, session_id="s", limit=2)
    assert [each["handle"] for each in rows] == ["docs/c.txt", "docs/b.txt"]
    assert {*rows[0]} == {
        "handle",
        "artifact_id",
        "filename",
        "sha256",
        "content_type",
        "size_bytes",
        "created_at",
        "tags",
    }
    assert (rows[0]["artifact_id"], rows[0]["filename"], rows[0]["size_bytes"]) == (ids[2], "c.txt", 1)
    assert rows[0]["tags"]["kind"] == "attachment"


@pytest.mark.parametrize("most", [30, 80, 200, 4000])
def test_what_the_model_is_told_of_files_is_never_longer_than_it_may_be(shelf: Shelf, most: int) -> None:
    for number in range(30):
        shelf.put(f"folder/file-{number}.txt", str(number))
    rows = list_session_attachments(artifact_store=shelf.store, session_id="s", limit=30)
    stored = render_session_attachments_system_message(rows, max_chars=most)
    active = render_active_attachments_system_message(
        [f"@/desk/folder/{n}.png" for n in range(30)], max_chars=most
    )
    assert stored.startswith("Stored session attachments")
    assert active.startswith("Active attachments")
    assert max(len(stored), len(active)) <= most
    assert "/desk" not in active
    assert "@" not in active


def test_the_model_is_told_how_to_open_a_file_where_it_can(shelf: Shelf) -> None:
    rows = [{"handle": "a.txt", "artifact_id": "1", "sha256": "f" * 64}]
    assert "open_attachment" in render_session_attachments_system_message(rows)
    assert "open_attachment" not in render_session_attachments_system_message(
        rows, include_open_attachment_hint=False
    )
    many = [{**rows[0], "handle": f"{number}.txt"} for number in range(25)]
    assert render_session_attachments_system_message(many).count("\n- ") == 21
    assert "... and 5 more" in render_session_attachments_system_message(many)
    assert render_session_attachments_system_message([]) == ""


# ---- opened --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"session_id": "", "handle": "a.txt"}, "session_id is required"),
        ({}, "missing artifact_id/handle"),
        ({"handle": "z.txt"}, "attachment not found"),
        ({"artifact_id": "0" * 32}, "attachment not found"),
        ({"handle": "same.txt"}, "multiple matches"),
        ({"handle": "a.txt", "expected_sha256": "00"}, "the attachment has changed"),
    ],
)
def test_what_cannot_be_opened_says_why(shelf: Shelf, asked: dict[str, Any], error: str) -> None:
    for path in ("a.txt", "x/same.txt", "y/same.txt", *(f"more/{n}.txt" for n in range(9))):
        shelf.put(path, path)
    is_open, output, told = shelf.open(**asked)
    assert not is_open
    assert str(told).startswith(error)
    if error == "attachment not found":
        assert len(output["suggestions"]) == 5
    if error == "multiple matches":
        assert {each["handle"] for each in output["candidates"]} == {"x/same.txt", "y/same.txt"}


def test_a_file_is_found_by_id_by_path_by_name_and_by_the_end_of_its_path(shelf: Shelf) -> None:
    held = shelf.put("/desk/docs/a.txt", "first")
    shelf.put("b.txt", "second")
    shelf.put("other/b.txt", "other")
    shelf.put("other/c.txt", "third")
    for asked in (
        {"artifact_id": held},
        {"artifact_id": "a.txt"},
        {"handle": "/desk/docs/a.txt"},
        {"handle": "@a.txt"},
        {"handle": "docs/a.txt"},
    ):
        assert shelf.text(**asked) == "first", asked
    assert shelf.text(handle="b.txt") == "second", "a whole path goes before a name"
    assert shelf.text(handle="/elsewhere/other/c.txt") == "third"
    shelf.put("b.txt", "newer")
    assert shelf.text(handle="b.txt") == "newer"


def test_lines_are_numbered_and_cut(shelf: Shelf) -> None:
    held = shelf.put("long.txt", numbered(9000))  # no small file: more than 50,000 bytes
    is_open, output, _ = shelf.open(handle="long.txt", start_line=8999)
    assert is_open
    sha = output["sha256"]
    assert output["rendered"] == (
        f"Attachment: long.txt (id={held}, sha={sha}, lines 8999-9000)\n\n8999: line 8999\n9000: line 9000"
    )
    assert (output["start_line"], output["end_line"], output["truncated"]) == (8999, 9000, False)
    assert shelf.open(handle="long.txt")[1]["truncated"] is True
    assert len(shelf.open(handle="long.txt")[1]["rendered"]) < 8200
    for most in (0, -1):
        assert shelf.text(handle="long.txt", max_chars=most) == numbered(9000).rstrip()


@pytest.mark.parametrize(
    ("asked", "last"),
    [
        ({}, 1500),
        ({"end_line": 20}, 1500),
        ({"end_line": 21}, 21),
        ({"start_line": 2, "end_line": 20}, 20),
        ({"end_line": 20, "max_chars": 7999}, 20),
    ],
)
def test_the_first_lines_of_a_small_file_are_all_of_it(
    shelf: Shelf, asked: dict[str, Any], last: int
) -> None:
    shelf.put("small.txt", numbered(1500))
    assert shelf.open(handle="small.txt", **asked)[1]["end_line"] == last


def test_the_text_of_a_pdf_is_read_by_abstractcore(shelf: Shelf) -> None:
    core("media.processors.pdf_processor")
    shelf.put("tea.pdf", pdf("The tea is green.", "The second page."), PDF)
    _, output, _ = shelf.open(handle="tea.pdf")
    assert "1: The tea is green." in output["rendered"]
    assert output["content_text"].endswith("The second page.")
    assert (output["derived_from_content_type"], output["derived_text_content_type"]) == (PDF, "text/plain")
    assert "media" not in output


@pytest.mark.parametrize(
    ("body", "reason"), [(b"%PDF-junk", "cannot be read"), (pdf(""), "they may be pictures")]
)
@pytest.mark.parametrize("by", ["abstractcore", "us"])
def test_a_pdf_without_a_text_goes_to_the_model_as_it_is(
    shelf: Shelf, body: bytes, reason: str, by: str
) -> None:
    if by == "abstractcore":
        core("media.processors.pdf_processor")
    held = shelf.put("a/scan.pdf", body, PDF)
    is_open, output, _ = shelf.open(handle="scan.pdf", **({"read_pdf": pdf_text} if by == "us" else {}))
    assert is_open
    assert reason in output["derived_error"]
    assert output["media"] == [
        {"$artifact": held, "filename": "scan.pdf", "source_path": "a/scan.pdf", "content_type": PDF}
    ]


def test_a_tool_call_opens_a_pdf_by_the_reader_that_the_host_gives(shelf: Shelf) -> None:
    shelf.put("tea.pdf", pdf("The tea is green."), PDF)
    handler = make_tool_calls_handler(
        tools=PassthroughToolExecutor(), artifact_store=shelf.store, read_pdf=pdf_text
    )
    run = a_run(session_id="s")
    asked = call("open_attachment", path="tea.pdf", max_chars=0)
    [opened] = result_of(handler(run, tool_effect(asked), None))["results"]
    assert opened["output"]["content_text"] == "The tea is green."
    assert "pending_media" not in run.vars.get("_runtime", {})


# ---- kept ----------------------------------------------------------------------------------------


def test_the_first_file_that_is_read_makes_the_run_that_owns_it(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one", encoding="utf-8")
    runs = InMemoryRunStore()
    executor = MappingToolExecutor({"read_file": lambda file_path: Path(file_path).read_text("utf-8")})
    handler = make_tool_calls_handler(tools=executor, artifact_store=shelf.store, run_store=runs)
    reading = tool_effect(call("read_file", file_path=str(tmp_path / "a.txt")))
    handler(a_run(), reading, None)
    handler(a_run(session_id="s"), tool_effect(call("read_file", file_path="missing")), None)
    assert runs.load("session_memory_s") is None, (
        "a run without a session, and a call that failed, keep no file"
    )
    handler(a_run(session_id="s"), reading, None)
    owner = runs.load("session_memory_s")
    assert owner is not None
    assert (owner.workflow_id, owner.status, owner.current_node, owner.session_id) == (
        "__session_memory__",
        RunStatus.COMPLETED,
        "done",
        "s",
    )
    assert owner.output == {"messages": []}
    [held] = shelf.store.search(run_id=owner.run_id)
    assert held.tags["source"] == "read_file"

    owner.vars["_runtime"]["memory_spans"] = [{"kind": "memory_note", "artifact_id": "kept"}]
    runs.save(owner)
    handler(a_run(session_id="s"), reading, None)
    again = runs.load("session_memory_s")
    assert again is not None
    assert again.vars["_runtime"]["memory_spans"], "what the session remembers stays"


class SomebodyElseIsFaster(RunStore):
    """A run store into which another process writes the owner of a session right after it was not there."""

    def __init__(self, url: str) -> None:
        self.stores, self.elsewhere = open_stores(url), open_stores(url)

    def save(self, run: RunState) -> None:
        self.stores.runs.save(run)

    def load(self, run_id: str) -> RunState | None:
        found = self.stores.runs.load(run_id)
        if found is None:
            theirs = new_owner(run_id, "__session_memory__", now="2026-01-01T00:00:00+00:00", session_id="s")
            theirs.vars["_runtime"]["memory_spans"] = [{"kind": "memory_note", "artifact_id": "theirs"}]
            self.elsewhere.runs.save(theirs)
        return found

    def journal_with(self, ledger: LedgerStore) -> Journal | None:
        return self.stores.runs.journal_with(ledger)


@pytest.mark.parametrize("kind", ["sqlite", "json"])
def test_of_two_processes_that_make_the_owner_of_a_session_the_first_ones_stays(
    shelf: Shelf, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "a.txt").write_text("one", encoding="utf-8")
    runs = SomebodyElseIsFaster(f"{kind}://{tmp_path}/runs.db")
    executor = MappingToolExecutor({"read_file": lambda file_path: Path(file_path).read_text("utf-8")})
    handler = make_tool_calls_handler(
        tools=executor, artifact_store=shelf.store, run_store=runs, ledger_store=runs.stores.ledger
    )
    reading = tool_effect(call("read_file", file_path=str(tmp_path / "a.txt")))
    assert result_of(handler(a_run(session_id="s"), reading, None))["results"][0]["success"] is True
    owner = runs.load("session_memory_s")
    assert owner is not None
    assert owner.vars["_runtime"]["memory_spans"] == [{"kind": "memory_note", "artifact_id": "theirs"}]
    [held] = shelf.store.search(run_id=owner.run_id)
    assert held.tags["kind"] == "attachment"


def test_a_long_file_is_named_in_place_of_its_text(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ABSTRACTRUNTIME_MAX_INLINE_BYTES", "100")
    file = tmp_path / "long.txt"
    file.write_text(numbered(50), encoding="utf-8")
    executor = MappingToolExecutor({"read_file": lambda file_path: Path(file_path).read_text("utf-8")})
    handler = make_tool_calls_handler(tools=executor, artifact_store=shelf.store)
    run, reading = a_run(session_id="s"), tool_effect(call("read_file", file_path=str(file)))
    [read] = result_of(handler(run, reading, None))["results"]
    [held] = list_session_attachments(artifact_store=shelf.store, session_id="s")
    assert held["artifact_id"] in read["output"]["rendered"]
    assert "open_attachment" in read["output"]["rendered"]
    file.unlink()
    [kept] = result_of(handler(run, reading, None))["results"]
    assert kept["output"]["artifact_id"] == held["artifact_id"]
    assert "line 7" not in str(kept["output"]), "found again, it is as long as it was"


def test_a_picture_in_place_of_a_file_that_may_not_be_read_goes_with_the_next_model_call(
    shelf: Shelf, tmp_path: Path
) -> None:
    held = shelf.put("/photos/p.png", b"\x89PNG", "image/png")
    handler = make_tool_calls_handler(tools=MappingToolExecutor({}), artifact_store=shelf.store)
    run = a_run({"workspace_root": str(tmp_path)}, session_id="s")
    [read] = result_of(handler(run, tool_effect(call("read_file", file_path="/photos/p.png")), None))[
        "results"
    ]
    assert read["success"] is True
    assert [each["$artifact"] for each in run.vars["_runtime"]["pending_media"]] == [held]


# ---- shown once ----------------------------------------------------------------------------------

READ = "[read_file]: File: docs/a.txt (2 lines)\n1: one\n2: two"
OPENED = "[open_attachment]: Attachment: a.txt (id=7f, sha=ab, lines 1-2)\n\n1: one\n2: two"


@pytest.mark.parametrize(
    ("answer", "hint"),
    [(READ, "handle='docs/a.txt'"), (OPENED, "artifact_id='7f'")],
    ids=["read_file", "open_attachment"],
)
def test_what_a_model_has_read_is_not_shown_to_it_again(answer: str, hint: str) -> None:
    told = [{"role": "tool", "content": answer}, {"role": "user", "content": answer}]
    view = dedup_messages_view([*told, *told])
    assert view[:2] == told, "the first stays whole"
    assert "(duplicate)" in view[2]["content"]
    assert f"open_attachment({hint})" in view[2]["content"]
    assert "1: one" not in view[2]["content"]
    assert view[3] == told[1], "what people say is left alone"
    other = {"role": "tool", "content": answer.replace("two", "2")}
    changed = [told[0], other, told[0]]
    assert dedup_messages_view(changed) == changed, (
        "a text that has changed, also back, is shown as it is now"
    )
    assert told[0]["content"] == answer, "the messages themselves stay as they are"


def test_a_duplicate_names_the_attachment_that_holds_the_file() -> None:
    told = {"role": "tool", "content": READ}
    held = [{"handle": "docs/a.txt", "artifact_id": "7f"}]
    assert "artifact_id='7f'" in dedup_messages_view([told, told], session_attachments=held)[1]["content"]
