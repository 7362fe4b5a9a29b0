"""Flows leave as .flow files and come back, whole or not at all."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from web.conftest import Client
from web.documents import asking, calling, flow, hello, node, start


def upload(client: Client, content: bytes, query: str = "") -> Any:
    files = {"file": ("x.flow", content, "application/zip")}
    return client.post(f"/api/imports{query}", files=files)


def export(client: Client, flow_id: str) -> bytes:
    answer = client.get(f"/api/flows/{flow_id}/bundle")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"].endswith('@0.0.0.flow"')
    return bytes(answer.content)


def zipped(entries: dict[str, bytes]) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        for name, body in entries.items():
            archive.writestr(name, body)
    return raw.getvalue()


def repacked(content: bytes, flow_id: str, body: bytes) -> bytes:
    """Return a bundle in which one flow's text is another."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    entries[f"flows/{flow_id}.json"] = body
    return zipped(entries)


def library(client: Client) -> dict[str, Any]:
    return {row["id"]: row["revision"] for row in client.get("/api/flows").json()["flows"]}


def test_a_flow_travels_with_its_subflow_and_runs_elsewhere(client: Client) -> None:
    client.save(asking())
    client.save(calling("asking"))
    before = library(client)
    content = export(client, "parent")
    for flow_id in ("parent", "asking"):
        client.delete(f"/api/flows/{flow_id}")
    assert library(client) == {}
    answer = upload(client, content)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["entrypoint"] == "parent"
    assert {(flow["id"], flow["state"]) for flow in body["flows"]} == {
        ("parent", "created"),
        ("asking", "created"),
    }
    assert library(client) == before
    run_id = client.launch("parent")
    prompt = client.asked(run_id)
    client.post(f"/api/prompts/{prompt['run_id']}", json={"wait_key": prompt["wait_key"], "response": "Ada"})
    client.until(run_id, "completed")


def test_the_same_flow_packs_to_the_same_bytes(client: Client) -> None:
    client.save(hello())
    assert export(client, "hello") == export(client, "hello")


def test_importing_what_is_there_changes_nothing(client: Client) -> None:
    client.save(hello())
    answer = upload(client, export(client, "hello"))
    assert (answer.status_code, answer.json()["flows"][0]["state"]) == (201, "unchanged")


def test_a_conflict_refuses_all_until_the_person_chooses(client: Client) -> None:
    client.save(asking())
    client.save(calling("asking"))
    content = export(client, "parent")
    tag = client.get("/api/flows/asking").headers["etag"]
    edited = {**asking(), "name": "Edited"}
    client.put("/api/flows/asking", json=edited, headers={"If-Match": tag})
    client.delete("/api/flows/parent")
    before = library(client)

    refused = upload(client, content)
    assert (refused.status_code, refused.json()["code"]) == (409, "bundle.conflict")
    assert refused.json()["flows"] == ["asking"]
    assert "on_conflict=copy" in refused.json()["detail"]
    assert library(client) == before

    copied = upload(client, content, "?on_conflict=copy").json()
    states = {flow["bundled_as"]: flow for flow in copied["flows"]}
    assert (states["parent"]["state"], states["asking"]["state"]) == ("created", "copied")
    copy_id = states["asking"]["id"]
    assert copy_id != "asking"
    assert client.get("/api/flows/asking").json() == edited
    copy = client.get(f"/api/flows/{copy_id}").json()
    assert (copy["id"], copy["name"]) == (copy_id, "asking (copy)")
    parent = client.get("/api/flows/parent").json()
    assert parent["nodes"][1]["data"]["subflowId"] == copy_id, "the copy is what the newcomer calls"

    client.delete("/api/flows/parent")
    replaced = upload(client, content, "?on_conflict=replace").json()
    assert {flow["state"] for flow in replaced["flows"]} == {"created", "replaced"}
    assert client.get("/api/flows/asking").json() == asking()
    assert upload(client, content, "?on_conflict=perhaps").status_code == 422


def hostile(good: bytes) -> dict[str, bytes]:
    manifest = {
        "bundle_format_version": "1",
        "bundle_id": "x",
        "bundle_version": "1.0.0",
        "entrypoints": [{"flow_id": "f"}],
        "flows": {"f": "flows/f.json"},
    }
    flow = json.dumps({"id": "f", "nodes": [], "edges": []}).encode()

    def bundle(flow_path: str = "flows/f.json", body: bytes = flow, **changes: Any) -> bytes:
        told = {**manifest, "flows": {"f": flow_path}, **changes}
        return zipped({"manifest.json": json.dumps(told).encode(), flow_path: body})

    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        archive.writestr("flows/f.json", b"0" * 300_000_000)
    return {
        "nothing": b"",
        "no zip": b"not a zip at all",
        "half a zip": good[: len(good) // 2],
        "no manifest": zipped({"flows/f.json": flow}),
        "a manifest that is no json": zipped({"manifest.json": b"{", "flows/f.json": flow}),
        "an id that is a path": bundle(bundle_id="../../x"),
        "a version that is a path": bundle(bundle_version="1/../.."),
        "another format": bundle(bundle_format_version="9"),
        "no entry": bundle(entrypoints=[]),
        "a path outside": bundle("../../evil.json"),
        "an absolute path": bundle("/tmp/evil.json"),
        "a drive": bundle("C:/evil.json"),
        "a flow that is missing": zipped({"manifest.json": json.dumps(manifest).encode()}),
        "a flow that is no json": bundle(body=b"{"),
        "a flow that is no flow": bundle(body=b"[]"),
        "a flow with another id": bundle(body=b'{"id": "g", "nodes": []}'),
        "a flow without a list of nodes": bundle(body=b'{"id": "f", "nodes": null}'),
        "a flow whose node is a number": bundle(body=b'{"id": "f", "nodes": [5]}'),
        "a flow with nan": bundle(body=b'{"id": "f", "nodes": [], "x": NaN}'),
        "a bomb": bomb.getvalue(),
    }


def test_hostile_bundles_are_refused_and_leave_nothing(client: Client) -> None:
    client.save(hello())
    client.save({"id": "f", "name": "Mine", "nodes": [], "edges": []})
    good = export(client, "hello")
    before, files = library(client), sorted(client.studio.library.folder.iterdir())
    for case, content in hostile(good).items():
        for choice in ("refuse", "copy", "replace"):
            answer = upload(client, content, f"?on_conflict={choice}")
            assert 400 <= answer.status_code < 500, (case, answer.status_code, answer.text)
        body = answer.json()
        assert body["code"], case
        assert len(body["detail"]) > 10, case
        assert library(client) == before, case
        assert sorted(client.studio.library.folder.iterdir()) == files, case


def test_an_import_tells_what_the_flows_reach_outside_of_a_run(client: Client) -> None:
    risky = flow(
        "risky",
        [
            start(),
            node("sum", "code", code="def transform(_input):\n    return {}"),
            node("more", "code"),
            node("ask", "web_request", pinDefaults={"url": "https://example.com"}),
            node("keep", "write_file", pinDefaults={"file_path": "a.txt"}),
            node("known", "concat"),
        ],
        [("start", "sum"), ("sum", "more"), ("more", "ask"), ("ask", "keep")],
    )
    client.save(risky)
    content = export(client, "risky")
    client.delete("/api/flows/risky")
    assert upload(client, content).json()["reaches"] == [
        {"what": "reads or writes files of the workspace", "nodes": 1},
        {"what": "runs code in the sandbox", "nodes": 2},
        {"what": "calls other computers, or sends notices", "nodes": 1},
    ]
    assert client.get("/api/runs").json()["runs"] == [], "nothing of it has run"
    client.save(hello())
    harmless = export(client, "hello")
    assert upload(client, harmless).json()["reaches"] == []


def test_all_flows_of_a_bundle_are_read_before_one_is_written(client: Client) -> None:
    client.save(asking())
    client.save(calling("asking"))
    torn = repacked(export(client, "parent"), "asking", b"{")
    for flow_id in ("parent", "asking"):
        client.delete(f"/api/flows/{flow_id}")
    answer = upload(client, torn)
    assert answer.status_code == 422
    assert "asking" in answer.json()["detail"]
    assert library(client) == {}


@pytest.mark.parametrize("kind", ["application/zip", "application/json", "text/plain"])
def test_an_import_is_a_multipart_form(client: Client, kind: str) -> None:
    answer = client.post("/api/imports", content=b"x", headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (415, "request.wrong_type")


def test_a_form_without_a_file_is_told_so(client: Client) -> None:
    answer = client.post("/api/imports", files={"note": (None, "no file here")})
    assert (answer.status_code, answer.json()["code"]) == (422, "bundle.missing")
    broken = client.post(
        "/api/imports", content=b"--x\r\nrubbish", headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert 400 <= broken.status_code < 500


def test_an_upload_past_the_limit_is_cut(client: Client) -> None:
    assert upload(client, b"x" * (21 * 1024 * 1024)).status_code == 413


def test_what_is_no_flow_file_is_called_by_its_name(client: Client) -> None:
    for sent, told in (
        ("holiday photos.flow", "holiday photos.flow"),
        ("../../etc/pass<wd>", "etc_pass_wd_"),
        ("..", "import.flow"),
    ):
        files = {"file": (sent, b"no archive", "application/zip")}
        answer = client.post("/api/imports", files=files)
        assert answer.status_code == 422, answer.text
        assert f"{told} is not a zip file" in answer.text, sent


def test_an_export_holds_no_written_keys_and_says_where_they_were(client: Client) -> None:
    document = hello("keyed")
    document["nodes"].append(
        node("call", "web_request", pinDefaults={"headers": {"Authorization": "Bearer abc-def-123"}})
    )
    document["nodes"].append(node("note", "string_template", pinDefaults={"template": "use sk-abcdefgh1234"}))
    client.save(document)
    content = export(client, "keyed")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        packed = b"".join(archive.read(name) for name in archive.namelist())
    assert b"abc-def-123" not in packed
    assert b"sk-abcdefgh1234" not in packed
    assert content == export(client, "keyed")
    held = client.get("/api/flows/keyed").json()
    assert "sk-abcdefgh1234" in json.dumps(held), "the library keeps what was written"
    client.delete("/api/flows/keyed")
    assert upload(client, content).status_code == 201
    problems = client.post("/api/flows/keyed/validate").json()["problems"]
    holes = {(each["node"], each["pin"]) for each in problems if each["code"] == "value.key_left_out"}
    assert holes == {("call", "headers"), ("note", "template")}
