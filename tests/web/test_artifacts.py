"""What a run has kept by reference, over HTTP: listed, looked at, fetched whole and in parts; nobody else's."""

from __future__ import annotations

from pathlib import Path

import pytest

from abstractruntime.storage import ArtifactMetadata
from flowstudio.settings import Settings
from web.conftest import Client
from web.documents import hello

BODY = bytes(range(256)) * 1200  # longer than a piece that is sent


def kept(client: Client, body: bytes = BODY, kind: str = "image/png", **tags: str) -> ArtifactMetadata:
    """Keep bytes for a run of its own."""
    if not client.get("/api/flows").json()["flows"]:
        client.save(hello())
    run_id = client.launch("hello")
    client.until(run_id, "completed")
    return client.studio.artifacts.store(body, content_type=kind, run_id=run_id, tags=tags)


def place(made: ArtifactMetadata, what: str = "/content") -> str:
    return f"/api/runs/{made.run_id}/artifacts/{made.artifact_id}{what}"


def test_a_run_lists_its_artifacts_and_tells_of_each(client: Client) -> None:
    made = kept(client, filename="holiday.png")
    later = client.studio.artifacts.store_text("later", run_id=made.run_id)
    listed = client.get(f"/api/runs/{made.run_id}/artifacts").json()["artifacts"]
    assert [each["artifact_id"] for each in listed] == [later.artifact_id, made.artifact_id]
    assert client.get(place(made, "")).json() == listed[1]
    assert listed[1] == {
        "artifact_id": made.artifact_id,
        "run_id": made.run_id,
        "filename": "holiday.png",
        "content_type": "image/png",
        "size_bytes": len(BODY),
        "sha256": made.blob_id,
        "created_at": made.created_at,
        "tags": {"filename": "holiday.png"},
    }
    one = client.get(f"/api/runs/{made.run_id}/artifacts?limit=1").json()["artifacts"]
    assert [each["artifact_id"] for each in one] == [later.artifact_id]


def test_the_bytes_come_whole_in_parts_and_not_again(client: Client) -> None:
    made = kept(client)
    whole = client.get(place(made), headers={"Accept-Encoding": "gzip"})
    assert whole.content == BODY
    assert "content-encoding" not in whole.headers, "the tag and the parts are of the bytes as they are"
    tag = whole.headers["etag"]
    assert tag == f'"{made.blob_id}"'
    again = client.get(place(made), headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    for asked, part in (
        ("bytes=10-19", BODY[10:20]),
        ("bytes=300000-", BODY[300000:]),
        ("bytes=-7", BODY[-7:]),
    ):
        answer = client.get(place(made), headers={"Range": asked, "Accept-Encoding": "gzip"})
        assert (answer.status_code, answer.content) == (206, part)
        assert answer.headers["content-range"].endswith(f"/{len(BODY)}")
    same = client.get(place(made), headers={"Range": "bytes=0-1", "If-Range": tag})
    other = client.get(place(made), headers={"Range": "bytes=0-1", "If-Range": '"other"'})
    assert (same.status_code, other.status_code) == (206, 200)
    head = client.request("HEAD", place(made))
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(BODY)))


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ("bytes=307200-", 416, "range.not_satisfiable"),
        ("bytes=9-3", 416, "range.not_satisfiable"),
        ("bytes=-0", 416, "range.not_satisfiable"),
        ("bytes=0-1,5-6", 400, "range.malformed"),
        ("bytes=-", 400, "range.malformed"),
        ("lines=1-2", 400, "range.malformed"),
        ("bytes=٣-", 400, "range.malformed"),
    ],
)
def test_a_part_that_cannot_be_is_refused(client: Client, asked: str, status: int, code: str) -> None:
    answer = client.get(place(kept(client)), headers={"Range": asked.encode()})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_nothing_is_a_part_of_no_bytes(client: Client) -> None:
    made = kept(client, b"")
    assert client.get(place(made)).content == b""
    assert client.get(place(made), headers={"Range": "bytes=0-"}).status_code == 416


@pytest.mark.parametrize(
    ("kind", "tags", "sent", "called"),
    [
        ("image/png", {}, "image/png", "{id}.png"),
        ("text/plain; charset=latin-1", {}, "text/plain; charset=utf-8", "{id}.txt"),
        ("text/html", {"filename": "page.html"}, "application/octet-stream", "page.html"),
        ("image/svg+xml", {"filename": "../../a/b.svg"}, "application/octet-stream", "b.svg"),
        ("application/xhtml+xml", {"filename": "..\\..\\x"}, "application/octet-stream", "x"),
        ("text/javascript", {"filename": ".."}, "application/octet-stream", None),
        ("of a newer kind", {}, "application/octet-stream", "{id}.bin"),
    ],
)
def test_no_browser_runs_what_a_run_has_kept(
    client: Client, kind: str, tags: dict[str, str], sent: str, called: str | None
) -> None:
    made = kept(client, b"<script>alert(1)</script>", kind, **tags)
    answer = client.get(place(made))
    assert answer.headers["content-type"] == sent
    assert answer.headers["x-content-type-options"] == "nosniff"
    told = answer.headers["content-disposition"]
    assert told.startswith("attachment; ")
    if called is not None:
        assert told == f'attachment; filename="{called.format(id=made.artifact_id)}"'
    assert "/" not in told.partition("filename")[2].replace("utf-8''", "")


def test_a_name_in_any_letters_is_written_safely(client: Client) -> None:
    made = kept(client, b"x", "text/plain", filename='Grüße "1"\r\nSet-Cookie: a=b.txt')
    answer = client.get(place(made))
    assert answer.headers["content-disposition"].startswith(
        "attachment; filename*=utf-8''Gr%C3%BC%C3%9Fe%20%22"
    )
    assert "set-cookie" not in answer.headers


def test_the_artifact_of_another_run_is_not_there(client: Client) -> None:
    made, other = kept(client), kept(client, b"other")
    nobodys = client.studio.artifacts.store(b"nobody's")
    for run_id, artifact_id, code in (
        (other.run_id, made.artifact_id, "artifact.not_found"),
        (made.run_id, nobodys.artifact_id, "artifact.not_found"),
        (made.run_id, "none", "artifact.not_found"),
        (made.run_id, "..%5C..%5Ctoken", "artifact.not_found"),
        (made.run_id, "a.b", "artifact.not_found"),
        ("none", made.artifact_id, "run.not_found"),
    ):
        for what in ("", "/content"):
            answer = client.get(f"/api/runs/{run_id}/artifacts/{artifact_id}{what}")
            assert (answer.status_code, answer.json()["code"]) == (404, code)
    assert client.get("/api/runs/none/artifacts").json()["code"] == "run.not_found"


def test_bytes_that_were_altered_are_not_sent(client: Client, settings: Settings) -> None:
    made = kept(client)
    (file,) = Path(settings.data, "artifacts", "blobs").glob(f"{made.blob_id}.bin")
    file.write_bytes(BODY[:-1] + b"!")
    answer = client.get(place(made))
    assert (answer.status_code, answer.json()["code"]) == (500, "store.damaged")
    file.unlink()
    assert client.get(place(made)).json()["code"] == "store.damaged"
    assert client.get(place(made, "")).status_code == 200, "what is known of it is still there"
