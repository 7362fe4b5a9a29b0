"""Installed bundles: several versions side by side, run by name, deprecated, taken away (S1)."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from web.client import AppClient
from web.conftest import Client
from web.documents import asking, calling, flow, hello, start
from web.test_bundles import export, hostile, library, zipped

Json = Any


def made(
    version: str, *documents: dict[str, Json], bundle_id: str = "greeter", entries: tuple[str, ...] = ()
) -> bytes:
    """Return a bundle of these flows; the first is the usual entry."""
    names = {each["id"]: each["name"] for each in documents}
    manifest = {
        "bundle_format_version": "1",
        "bundle_id": bundle_id,
        "bundle_version": version,
        "entrypoints": [{"flow_id": each, "name": names[each]} for each in entries or (documents[0]["id"],)],
        "flows": {each["id"]: f"flows/{each['id']}.json" for each in documents},
    }
    members = {f"flows/{each['id']}.json": json.dumps(each).encode() for each in documents}
    return zipped({"manifest.json": json.dumps(manifest).encode(), **members})


def greeting(word: str, flow_id: str = "hello") -> dict[str, Json]:
    document = hello(flow_id)
    document["nodes"][1]["data"]["pinDefaults"]["a"] = word
    return document


def install(client: Client, content: bytes, query: str = "") -> Json:
    return client.post(f"/api/bundles{query}", files={"file": ("x.flow", content, "application/zip")})


def installed(client: Client, *versions: str) -> None:
    for version in versions:
        answer = install(client, made(version, greeting(f"Hello from {version}")))
        assert answer.status_code == 201, answer.text


def begin(client: Client, ref: str, **more: Json) -> Json:
    return client.post("/api/runs", json={"bundle_ref": ref, "wait_seconds": 20, **more})


def said(answer: Json) -> str:
    assert answer.status_code == 201, answer.text
    return str(answer.json()["run"]["output"]["text"])


def folder(client: Client) -> Path:
    return Path(client.studio.settings.data / "bundles")


def test_versions_stand_side_by_side_and_the_newest_runs(client: Client) -> None:
    installed(client, "0.9.0", "0.10.0")
    row = client.get("/api/bundles").json()["bundles"][0]
    assert (row["bundle_id"], row["newest"]) == ("greeter", "0.10.0")
    assert [each["bundle_ref"] for each in row["versions"]] == ["greeter@0.10.0", "greeter@0.9.0"]
    assert row["versions"][0]["entrypoints"][0]["flow_id"] == "hello"
    assert said(begin(client, "greeter")) == "Hello from 0.10.0 world"
    assert said(begin(client, "greeter@0.9.0", inputs={"who": "!"})) == "Hello from 0.9.0 !"
    assert library(client) == {}, "the library knows nothing of it"
    assert client.get("/api/runs").json()["runs"][0]["flow_id"] == "greeter@0.9.0:hello"


def test_one_version_can_be_looked_at(client: Client) -> None:
    installed(client, "1.0.0", "2.0.0")
    content = made("1.0.0", greeting("Hello from 1.0.0"))
    page = client.get(f"/api/bundles/{quote('greeter@1.0.0')}").json()
    assert (page["bundle_ref"], page["flows"], page["size"]) == ("greeter@1.0.0", ["hello"], len(content))
    assert page["deprecated"] is None
    assert client.get("/api/bundles/greeter").json()["bundle_version"] == "2.0.0"
    for ref in ("nobody", "greeter@3", "@", "..%00", ".%2e", "greeter.flow"):
        assert AppClient.request(client, "GET", f"/api/bundles/{ref}").status_code == 404, ref
    for ref in ("%2e%2e%2fgreeter", "greeter@..%2f1.0.0", "..%5cgreeter", "..", "*"):
        for method in ("GET", "DELETE"):
            assert AppClient.request(client, method, f"/api/bundles/{ref}").status_code in (404, 405), ref
    assert "it has 2.0.0, 1.0.0" in client.get("/api/bundles/greeter@3").json()["detail"]


def test_what_a_flow_of_it_takes_is_described(client: Client) -> None:
    second = flow("second", [start("name", name="Ada")], [])
    content = made("1", greeting("Hello"), second, entries=("hello", "second"))
    assert install(client, content).status_code == 201
    schema = client.get("/api/bundles/greeter/input-schema").json()
    assert (schema["title"], schema["properties"]["who"]["default"]) == ("hello", "world")
    assert "string" in schema["properties"]["who"]["type"]
    assert schema["type"] == "object"
    other = client.get("/api/bundles/greeter@1/input-schema?flow_id=second").json()
    assert list(other["properties"]) == ["name"]
    missing = client.get("/api/bundles/greeter/input-schema?flow_id=third")
    assert (missing.status_code, missing.json()["code"]) == (404, "bundle.not_found")
    assert "hello, second" in missing.json()["detail"]


def test_an_installed_version_is_not_overwritten_by_accident(client: Client) -> None:
    content = made("1.0.0", greeting("Hello from 1.0.0"))
    first = install(client, content)
    assert (first.status_code, first.json()["state"]) == (201, "installed")
    again = install(client, content)
    assert (again.status_code, again.json()["state"]) == (200, "unchanged")
    other = made("1.0.0", greeting("Good morning"))
    refused = install(client, other)
    assert (refused.status_code, refused.json()["code"]) == (409, "bundle.installed")
    assert "overwrite=true" in refused.json()["detail"]
    assert said(begin(client, "greeter")) == "Hello from 1.0.0 world"
    replaced = install(client, other, "?overwrite=true")
    assert (replaced.status_code, replaced.json()["state"]) == (201, "replaced")
    assert said(begin(client, "greeter")) == "Good morning world"
    assert sorted(each.name for each in folder(client).iterdir()) == ["greeter@1.0.0.flow"]


def test_hostile_bundles_are_refused_before_anything_is_written(client: Client) -> None:
    client.save(hello())
    good = export(client, "hello")
    cases = {
        **hostile(good),
        "an id that is no file name": made("1.0.0", hello(), bundle_id="a b"),
        "a version that is no file name": made("1 0", hello()),
    }
    for case, content in cases.items():
        for query in ("", "?overwrite=true"):
            answer = install(client, content, query)
            assert 400 <= answer.status_code < 500, (case, answer.text)
            assert len(answer.json()["detail"]) > 10, case
            assert str(folder(client)) not in answer.text, case
        left = sorted(folder(client).iterdir()) if folder(client).exists() else []
        assert left == [], case
    assert client.get("/api/bundles").json() == {"bundles": [], "broken": []}


def test_a_file_that_is_no_bundle_is_told_and_can_be_taken_away(client: Client) -> None:
    installed(client, "1.0.0")
    (folder(client) / "odd@1.flow").write_bytes(b"no archive")
    told = client.get("/api/bundles").json()
    assert [each["file"] for each in told["broken"]] == ["odd@1.flow"]
    assert client.delete("/api/bundles/odd").json() == {"removed": 1}
    assert client.get("/api/bundles").json()["broken"] == []


def test_by_name_a_deprecated_version_is_passed_over_and_by_version_it_runs(client: Client) -> None:
    installed(client, "1.0.0", "2.0.0")
    mark = client.post("/api/bundles/greeter@2.0.0/deprecate", json={"reason": "It shouts."}).json()
    assert (mark["bundle_version"], mark["flow_id"], mark["reason"]) == ("2.0.0", "*", "It shouts.")
    assert said(begin(client, "greeter")) == "Hello from 1.0.0 world"
    named = begin(client, "greeter@2.0.0")
    assert said(named) == "Hello from 2.0.0 world"
    assert named.json()["deprecated"]["reason"] == "It shouts."
    versions = client.get("/api/bundles").json()["bundles"][0]["versions"]
    assert [each["deprecated"] and each["deprecated"]["reason"] for each in versions] == ["It shouts.", None]

    client.post("/api/bundles/greeter/deprecate", json={"reason": "Use welcome instead."})
    refused = begin(client, "greeter")
    assert (refused.status_code, refused.json()["code"]) == (409, "bundle.deprecated")
    assert "name the version: greeter@2.0.0" in refused.json()["detail"]
    installed(client, "3.0.0")
    assert begin(client, "greeter").status_code == 409, "all versions are, the later ones too"

    taken_back = client.post("/api/bundles/greeter/undeprecate").json()
    assert taken_back["removed"] is True
    assert client.post("/api/bundles/greeter/undeprecate").json()["removed"] is False
    assert said(begin(client, "greeter")) == "Hello from 3.0.0 world"


def test_one_flow_of_a_bundle_can_be_deprecated(client: Client) -> None:
    content = made("1", greeting("Hello"), greeting("Good day", "other"), entries=("hello", "other"))
    assert install(client, content).status_code == 201
    done = client.post("/api/bundles/greeter/deprecate", json={"flow_id": "other", "reason": "Too stiff"})
    assert done.json()["flow_id"] == "other"
    assert said(begin(client, "greeter")) == "Hello world"
    refused = begin(client, "greeter", flow_id="other")
    assert (refused.status_code, refused.json()["reason"]) == (409, "Too stiff")
    page = client.get("/api/bundles/greeter").json()
    assert page["deprecated"] is None
    assert [each["deprecated"] is not None for each in page["entrypoints"]] == [False, True]
    missing = client.post("/api/bundles/greeter/deprecate", json={"flow_id": "none"})
    assert missing.status_code == 404
    assert client.post("/api/bundles/nobody/deprecate").status_code == 404


def test_a_mark_goes_with_its_version_and_does_not_come_back_with_it(client: Client) -> None:
    installed(client, "1.0.0", "2.0.0")
    client.post("/api/bundles/greeter@2.0.0/deprecate", json={"reason": "old"})
    assert client.delete("/api/bundles/greeter@2.0.0").json() == {"removed": 1}
    installed(client, "2.0.0")
    assert said(begin(client, "greeter")) == "Hello from 2.0.0 world"
    client.post("/api/bundles/greeter/deprecate")
    assert client.delete("/api/bundles/greeter").json() == {"removed": 2}
    assert client.delete("/api/bundles/greeter").status_code == 404
    installed(client, "1.0.0")
    assert said(begin(client, "greeter")) == "Hello from 1.0.0 world"


def test_marks_that_cannot_be_read_are_told(client: Client) -> None:
    installed(client, "1.0.0")
    (folder(client) / "deprecated.json").write_text("{")
    answer = client.get("/api/bundles")
    assert (answer.status_code, answer.json()["code"]) == (500, "store.damaged")
    assert "deprecated.json" in answer.json()["detail"]


def test_a_run_keeps_its_program_when_its_bundle_is_replaced_or_gone(client: Client) -> None:
    client.save(asking())
    client.save(calling("asking"))
    content = export(client, "parent")
    for flow_id in ("parent", "asking"):
        client.delete(f"/api/flows/{flow_id}")
    assert install(client, content).status_code == 201
    started = begin(client, "parent")
    run_id = started.json()["run_id"]
    assert started.json()["run"]["flow_id"] == "parent@0.0.0:parent"
    prompt = client.asked(run_id)
    assert client.delete("/api/bundles/parent").json() == {"removed": 1}
    client.studio.programs.rebind()
    client.post(f"/api/prompts/{prompt['run_id']}", json={"wait_key": prompt["wait_key"], "response": "Ada"})
    client.until(run_id, "completed")
    assert client.get(f"/runs/{run_id}").status_code == 200
    assert begin(client, "parent").status_code == 404


def test_flows_of_a_bundle_call_those_of_their_version_and_none_of_the_library(client: Client) -> None:
    client.save(hello())
    caller = calling("hello")
    one = made("1", caller, greeting("One"), bundle_id="pair")
    two = made("2", caller, greeting("Two"), bundle_id="pair")
    assert [install(client, each).status_code for each in (one, two)] == [201, 201]
    for version, word in (("1", "One world"), ("2", "Two world")):
        run_id = begin(client, f"pair@{version}").json()["run_id"]
        client.until(run_id, "completed")
        assert word in json.dumps(client.get(f"/api/runs/{run_id}/ledger").json())
    alone = made("3", caller, bundle_id="pair")
    assert install(client, alone).status_code == 201
    refused = begin(client, "pair@3")
    assert (refused.status_code, refused.json()["code"]) == (422, "flow.invalid")
    assert refused.json()["problems"][0]["code"] == "flow.missing"


def test_a_flow_of_the_library_becomes_the_next_version_of_a_bundle(client: Client) -> None:
    client.save({**hello(), "name": "Say hello!"})
    first = client.post("/api/flows/hello/bundle", json={}).json()
    assert (first["bundle_ref"], first["state"]) == ("Say-hello@0.0.0", "installed")
    second = client.post("/api/flows/hello/bundle", json={}).json()
    assert second["bundle_ref"] == "Say-hello@0.0.1"
    lineage = second["metadata"]["lineage"]
    assert (lineage["origin_bundle_version"], lineage["previous_bundle_version"]) == ("0.0.0", "0.0.0")
    assert second["metadata"]["source"]["root_flow_id"] == "hello"
    named = client.post("/api/flows/hello/bundle", json={"bundle_id": "hi", "bundle_version": "2024-a"})
    assert named.json()["bundle_ref"] == "hi@2024-a"
    assert (
        client.post("/api/flows/hello/bundle", json={"bundle_id": "hi"}).json()["bundle_ref"] == "hi@2024-a.1"
    )
    taken = client.post("/api/flows/hello/bundle", json={"bundle_id": "hi", "bundle_version": "2024-a"})
    assert (taken.status_code, taken.json()["code"]) == (409, "bundle.installed")
    odd = client.post("/api/flows/hello/bundle", json={"bundle_id": "../hi"})
    assert (odd.status_code, odd.json()["code"]) in [(422, "bundle.registry"), (422, "bundle.bad_manifest")]
    assert said(begin(client, "Say-hello")) == "Hello world"
    client.save({"id": "broken", "name": "Broken", "nodes": [], "edges": []})
    assert client.post("/api/flows/broken/bundle", json={}).json()["code"] == "flow.invalid"


def test_of_versions_that_are_no_numbers_the_one_installed_last_is_the_newest(client: Client) -> None:
    client.save(hello())
    for version in ("zeta", "alpha"):
        kept = client.post("/api/flows/hello/bundle", json={"bundle_id": "hi", "bundle_version": version})
        assert kept.status_code == 201
    newest = client.get("/api/bundles/hi").json()
    assert (newest["bundle_ref"], newest["created_at"]) == (
        "hi@alpha",
        newest["metadata"]["publisher"]["published_at"],
    )
    assert newest["created_at"] > client.get("/api/bundles/hi@zeta").json()["created_at"]
    saved = next(each for each in client.get("/api/flows").json()["flows"] if each["id"] == "hello")
    assert newest["metadata"]["source"]["root_flow_updated_at"] == saved["updated_at"]
    (listed,) = client.get("/api/bundles").json()["bundles"]
    assert [each["bundle_version"] for each in listed["versions"]] == ["alpha", "zeta"]
    assert export(client, "hello") == export(client, "hello")


def test_a_run_names_a_flow_or_a_bundle(client: Client) -> None:
    installed(client, "1.0.0")
    assert client.post("/api/runs", json={}).status_code == 422
    draft = client.post("/api/runs", json={"bundle_ref": "greeter", "draft": True})
    assert (draft.status_code, draft.json()["code"]) == (422, "request.invalid")
    reserved = begin(client, "greeter", inputs={"_x": 1})
    assert (reserved.status_code, reserved.json()["code"]) == (422, "run.bad_input")


def test_bundles_are_listed_by_interface(client: Client) -> None:
    client.save({**hello(), "interfaces": ["greeter.v1"]})
    content = export(client, "hello")
    assert install(client, content).status_code == 201
    assert len(client.get("/api/bundles?interface=greeter.v1").json()["bundles"]) == 1
    assert client.get("/api/bundles?interface=other").json()["bundles"] == []


@pytest.mark.parametrize("query", ["", "?overwrite=true"])
def test_an_upload_is_a_multipart_form(client: Client, query: str) -> None:
    answer = client.post(f"/api/bundles{query}", content=b"x", headers={"Content-Type": "application/zip"})
    assert (answer.status_code, answer.json()["code"]) == (415, "request.wrong_type")


def test_the_file_that_runs_is_the_file_that_was_sent(client: Client) -> None:
    content = made("1.0.0", greeting("Hello"))
    assert install(client, content).status_code == 201
    with zipfile.ZipFile(io.BytesIO((folder(client) / "greeter@1.0.0.flow").read_bytes())) as archive:
        assert sorted(archive.namelist()) == ["flows/hello.json", "manifest.json"]
    assert (folder(client) / "greeter@1.0.0.flow").read_bytes() == content
