"""Flows use files, PDF files and artifacts within the server's workspace, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from abstractruntime.core.models import Effect, EffectType, RunState, RunStatus
from abstractruntime.storage.artifacts import InMemoryArtifactStore
from drive import Host, end, flow, node
from flowstudio.outside.workspace import WorkspaceFolder


@pytest.fixture
def space(tmp_path: Path) -> WorkspaceFolder:
    return WorkspaceFolder(tmp_path / "workspace", InMemoryArtifactStore())


def played(space: WorkspaceFolder, kind: str, vars: dict[str, Any] | None = None, **pins: Any) -> Any:
    """Run a flow of one file node and return what it gave, or the error."""
    document = flow(
        "f",
        {"n": node(kind, pins=pins), "end": end("out", "ok")},
        "n -> end, n.output -> end.out",
        entryNode="n",
    )
    run = Host(document, handlers=space.handlers()).play(vars)
    return run.output["out"] if run.status == "completed" else run.error


def test_a_file_is_written_read_and_listed(space: WorkspaceFolder) -> None:
    wrote = played(space, "write_file", file_path="out/prices.json", content={"tea": 3})
    assert wrote == {"bytes": 15, "file_path": "out/prices.json"}
    assert (space.root / "out" / "prices.json").read_text() == '{\n  "tea": 3\n}\n'
    assert played(space, "read_file", file_path="out/prices.json")["content"] == {"tea": 3}
    played(space, "write_file", file_path="out/notes.txt", content="[no json")
    assert played(space, "read_file", file_path="out/notes.txt")["content"] == "[no json"
    listed = played(space, "list_folder_files", folder_path=".", recursive=True, extensions=["json"])
    assert (listed["files"], listed["count"], listed["truncated"]) == (["out/prices.json"], 1, False)
    folders = played(space, "list_folder_files", folder_path=".", include_directories=True)
    assert [(each["path"], each["kind"]) for each in folders["entries"]] == [("out", "folder")]


def test_what_cannot_be_read_says_why(space: WorkspaceFolder) -> None:
    assert "File not found: no.txt" in played(space, "read_file", file_path="no.txt")
    assert "leads out of the workspace" in played(space, "read_file", file_path="../../etc/passwd")
    assert "is not relative" in played(space, "write_file", file_path="/tmp-elsewhere", content="x")
    space.root.mkdir(exist_ok=True)
    (space.root / "bad.json").write_text("{")
    (space.root / "latin.txt").write_bytes(b"caf\xe9")
    assert "Invalid JSON in 'bad.json'" in played(space, "read_file", file_path="bad.json")
    assert "Cannot read 'latin.txt' as UTF-8" in played(space, "read_file", file_path="latin.txt")


def test_a_run_keeps_to_a_folder_below_the_workspace(space: WorkspaceFolder) -> None:
    played(space, "write_file", file_path="team/a.txt", content="mine")
    for root in ("team", str(space.root.resolve() / "team")):
        assert played(space, "read_file", {"workspace_root": root}, file_path="a.txt")["content"] == "mine"
    for root in ("/etc", "..", str(space.root.parent)):
        error = played(space, "read_file", {"workspace_root": root}, file_path="passwd")
        assert "outside this server's workspace" in error or "leads out" in error
    run = RunState("r", "w", RunStatus.RUNNING, "n", vars={"workspace_root": 7})
    with pytest.raises(ValueError, match="must be a text"):
        space.of(run)


def test_a_pdf_is_written_and_read_back(space: WorkspaceFolder) -> None:
    text = "# Prices\n\nTea & cake <b>cost</b> 3 €.\n\n- one\n- two\n\n```\nx = 1\n```\n"
    wrote = played(space, "write_pdf", file_path="a.pdf", content=text, title="Café")
    body = (space.root / "a.pdf").read_bytes()
    assert body.startswith(b"%PDF")
    assert wrote["bytes"] == len(body)
    again = played(space, "write_pdf", file_path="b.pdf", content=text, title="Café")
    assert again["sha256"] == wrote["sha256"], "the same text gives the same bytes"
    read = played(space, "read_pdf", file_path="a.pdf")
    for words in ("Café", "Prices", "Tea & cake <b>cost</b> 3 €.", "two", "x = 1"):
        assert words in read["content"]
    assert (read["pages"], read["processed_pages"], read["truncated"]) == (1, 1, False)
    assert read["metadata"]["title"] == "Café"
    short = played(space, "read_pdf", file_path="a.pdf", max_chars=4)
    assert (len(short["content"]), short["truncated"]) == (4, True)


def test_a_table_is_a_table_in_a_pdf(space: WorkspaceFolder) -> None:
    table = "Before\n| name | said |\n| --- | :-: |\n| A\\|B | <b>yes & no |\n| C |\nAfter"
    played(space, "write_pdf", file_path="t.pdf", content=table)
    read = played(space, "read_pdf", file_path="t.pdf")["content"]
    assert [line.strip() for line in read.splitlines() if line.strip()] == [
        "Before",
        "name",
        "said",
        "A|B",
        "<b>yes & no",
        "C",
        "After",
    ]
    rows = "\n".join(f"| {number} | {'word ' * 20}|" for number in range(200))
    played(space, "write_pdf", file_path="long.pdf", content=f"| number | words |\n|--|--|\n{rows}")
    long = played(space, "read_pdf", file_path="long.pdf")
    assert long["pages"] > 1
    assert long["content"].count("number") == long["pages"], "the head stands on each page"
    for odd in (
        "|",
        "| --- |",
        "|a|\n|b|c|",
        "|" * 50,
        f"|a|{'long ' * 9_000}|",
        "| h |\n" * 90 + "|--|",
        f"|{'h' * 9_999}|\n|-|\n|a|",
    ):
        assert played(space, "write_pdf", file_path="odd.pdf", content=odd)["bytes"] > 0


def test_a_pdf_that_cannot_be_made_or_read_says_why(space: WorkspaceFolder) -> None:
    assert "no sign for: 日 本" in played(space, "write_pdf", file_path="a.pdf", content="日本")
    played(space, "write_file", file_path="not.pdf", content="hello")
    assert "cannot be read as a PDF" in played(space, "read_pdf", file_path="not.pdf")
    played(space, "write_pdf", file_path="one.pdf", content="one page")
    assert "there is no page 3" in played(space, "read_pdf", file_path="one.pdf", page_start=3)


def test_a_file_becomes_an_artifact_and_a_file_again(space: WorkspaceFolder) -> None:
    played(space, "write_file", file_path="in/a.txt", content="Hello")
    kept = played(space, "import_workspace_file", file_path="in/a.txt", modality="text")
    assert (kept["content_type"], kept["size_bytes"], kept["source_path"]) == ("text/plain", 5, "in/a.txt")
    read = played(space, "read_artifact", artifact=kept["artifact_ref"])
    assert (read["text"], read["content_family"], read["filename"]) == ("Hello", "text", "a.txt")
    out = played(space, "export_artifact", artifact=kept["artifact"], file_path="out/b.txt")
    assert (out["bytes"], (space.root / "out" / "b.txt").read_text()) == (5, "Hello")
    assert "no artifact 'none'" in played(space, "read_artifact", artifact="none")
    assert "Invalid artifact_id" in played(space, "read_artifact", artifact="../x")


@pytest.mark.parametrize(
    ("content", "kind", "family", "is_cut"),
    [
        (b'{"a": 1}', "application/json", "json", False),
        (b"{broken", "application/json", "text", False),
        (b"\x00\x01", "application/octet-stream", "binary", False),
        (b"\x00" * 200_000, "image/png", "binary", True),
        (b"a" * 300_000, "application/x-thing", "text", True),
        (b"a" * 300_000, "text/plain", "text", False),
    ],
)
def test_an_artifact_is_shown_as_what_it_is(
    space: WorkspaceFolder, content: bytes, kind: str, family: str, is_cut: bool
) -> None:
    made = space.artifacts.store(content, content_type=kind)
    read = played(space, "read_artifact", artifact=made.artifact_id)
    assert (read["content_family"], read["truncated"], read["is_binary"]) == (
        family,
        is_cut,
        family == "binary",
    )
    assert read["content"] is not None


def test_a_line_is_added_to_a_file_and_a_repeated_step_adds_none(space: WorkspaceFolder) -> None:
    added = played(space, "append_file", file_path="log.csv", content="Ana,80", heading="who,amount")
    assert added == {"bytes": 18, "file_path": "log.csv"}
    played(space, "append_file", file_path="log.csv", content="Ana,80", heading="who,amount")
    assert (space.root / "log.csv").read_text() == "who,amount\nAna,80\nAna,80\n", (
        "another run is another line"
    )
    append = space.handlers()[EffectType.APPEND_FILE]
    run = RunState("r", "w", RunStatus.RUNNING, "n")
    asked = Effect(EffectType.APPEND_FILE, {"file_path": "log.csv", "content": "Bo,7\n"})
    for _ in range(2):
        assert append(run, asked, idempotency_key="r-1").status == "completed"
    assert (space.root / "log.csv").read_text().count("Bo,7") == 1
    (space.root / "a.csv").mkdir()
    assert "append_file: Not a file: a.csv" in played(space, "append_file", file_path="a.csv", content="x")
