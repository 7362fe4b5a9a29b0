"""A node that runs a flow is bound to a version of it: in runs, in packed flows, and when the version is gone."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from web.conftest import Client
from web.documents import calling, end, flow, hello, node, start, wire


def saying(word: str) -> dict[str, Any]:
    """A flow that gives a word."""
    last = end("greeting")
    last["data"]["pinDefaults"] = {"greeting": word}
    return flow("say", [start(), last], [("start", "end")])


def bound(version: Any, flow_id: str = "parent") -> dict[str, Any]:
    document = calling("say", flow_id)
    document["nodes"][1]["data"]["subflowVersion"] = version
    return document


def save(client: Client, document: dict[str, Any]) -> None:
    """Keep a flow, new or over what is there."""
    address = f"/api/flows/{document['id']}"
    held = {"If-Match": "*"} if client.get(address).status_code == 200 else {}
    answer = client.put(address, json=document, headers=held)
    assert answer.status_code in (200, 201), answer.text


def name(client: Client, flow_id: str, word: str) -> int:
    answer = client.post(f"/api/flows/{flow_id}/versions", json={"name": word})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["number"])


def said(client: Client, flow_id: str = "parent", *, draft: bool = True) -> Any:
    body = {"flow_id": flow_id, "inputs": {}, "draft": draft}
    run_id = client.post("/api/runs", json=body).json()["run_id"]
    return client.until(run_id, "completed")["output"]["output"]["greeting"]


def problems(client: Client, document: dict[str, Any]) -> list[tuple[str, str]]:
    answer = client.post(f"/api/flows/{document['id']}/validate", json=document).json()["problems"]
    return [(each["code"], each["severity"]) for each in answer]


def say_twice(client: Client) -> int:
    """Keep `say` as a version that gives one, and as a draft that gives two."""
    save(client, saying("one"))
    number = name(client, "say", "first")
    save(client, saying("two"))
    return number


def test_a_run_takes_the_version_that_a_node_is_bound_to(client: Client) -> None:
    number = say_twice(client)
    for version in (str(number), number):
        save(client, bound(version))
        assert said(client) == "one"
        assert said(client, draft=False) == "one"
    save(client, bound(""))
    assert said(client) == "two"


def test_a_node_may_follow_the_published_version(client: Client) -> None:
    say_twice(client)
    save(client, bound("published"))
    assert client.post("/api/runs", json={"flow_id": "parent", "draft": True}).status_code == 422
    for word in ("three", "four"):
        save(client, saying(word))
        client.put("/api/flows/say/published", json={})
        save(client, saying("draft"))
        assert said(client) == word


def test_both_versions_of_a_flow_run_side_by_side(client: Client) -> None:
    number = say_twice(client)
    nodes = [
        start(),
        node("old", "subflow", subflowId="say", subflowVersion=str(number)),
        node("new", "subflow", subflowId="say"),
        end("old", "new"),
    ]
    ways = [
        ("start", "old"),
        ("old", "new"),
        ("new", "end"),
        ("old.output", "end.old"),
        ("new.output", "end.new"),
    ]
    save(client, flow("both", nodes, ways))
    run_id = client.launch("both")
    output = client.until(run_id, "completed")["output"]
    assert (output["old"]["greeting"], output["new"]["greeting"]) == ("one", "two")


def test_a_run_of_a_bound_version_belongs_to_its_flow(client: Client) -> None:
    number = say_twice(client)
    save(client, bound(str(number)))
    run_id = client.launch("parent")
    client.until(run_id, "completed")
    called = client.records(run_id)
    inner = {each["run_id"] for each in called if each["run_id"] != run_id}
    assert client.get(f"/api/runs/{run_id}").json()["flow_id"] == "parent"
    assert client.get(f"/api/runs/{run_id}/flow").json() == bound(str(number))
    assert [client.get(f"/api/runs/{each}").json()["flow_id"] for each in inner] == ["say"]
    assert [client.get(f"/api/runs/{each}/flow").json() for each in inner] == [saying("one")]


def test_a_version_inside_a_version_counts(client: Client) -> None:
    first = say_twice(client)
    save(client, bound(str(first), "middle"))
    middle = name(client, "middle", "bound to one")
    save(client, bound("", "middle"))
    outer = calling("middle", "outer")
    outer["nodes"][1]["data"]["subflowVersion"] = str(middle)
    save(client, outer)
    run_id = client.launch("outer")
    output = client.until(run_id, "completed")["output"]["output"]
    assert output["output"]["greeting"] == "one"


def test_a_version_that_is_gone_is_a_problem_with_a_way_out(client: Client) -> None:
    save(client, saying("one"))
    document = bound("77")
    assert ("flow.version_missing", "error") in problems(client, document)
    assert ("flow.version_missing", "error") in problems(client, bound("published"))
    assert ("flow.version_missing", "error") in problems(client, bound("today"))
    save(client, document)
    answer = client.post("/api/runs", json={"flow_id": "parent", "draft": True})
    assert answer.status_code == 422
    assert "no version 77" in answer.json()["detail"]
    found = client.post("/api/flows/parent/validate", json=document).json()["problems"]
    fix = next(each["fix"] for each in found if each["code"] == "flow.version_missing")
    assert fix["changes"] == [{"op": "set", "node": "call", "path": "subflowVersion"}]
    assert problems(client, bound("")) == problems(client, calling("say"))


def test_a_bound_node_that_no_run_comes_to_is_a_risk(client: Client) -> None:
    save(client, saying("one"))
    document = bound("77")
    document["edges"] = [wire("start", "end")]
    assert ("flow.version_missing", "risk") in problems(client, document)


def packed(client: Client, flow_id: str) -> dict[str, Any]:
    answer = client.get(f"/api/flows/{flow_id}/bundle")
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return {
            each: json.loads(archive.read(each)) for each in archive.namelist() if each.startswith("flows/")
        }


def test_a_bundle_holds_the_version_as_a_flow_and_runs_elsewhere(client: Client) -> None:
    number = say_twice(client)
    save(client, bound(str(number)))
    flows = packed(client, "parent")
    key = f"say.v{number}"
    assert set(flows) == {"flows/parent.json", f"flows/{key}.json"}
    data = flows["flows/parent.json"]["nodes"][1]["data"]
    assert (data["subflowId"], "subflowVersion" in data) == (key, False)
    content = client.get("/api/flows/parent/bundle").content
    assert content == client.get("/api/flows/parent/bundle").content
    for flow_id in ("parent", "say"):
        client.delete(f"/api/flows/{flow_id}")
    answer = client.post("/api/imports", files={"file": ("x.flow", content, "application/zip")})
    assert answer.status_code == 201, answer.text
    assert said(client) == "one"


def test_a_bundle_of_a_version_that_is_gone_is_refused(client: Client) -> None:
    save(client, saying("one"))
    save(client, bound("9"))
    answer = client.get("/api/flows/parent/bundle")
    assert answer.status_code == 422
    assert "no version 9" in answer.json()["detail"]


def test_the_inspector_offers_the_versions_that_stay(client: Client) -> None:
    number = say_twice(client)
    save(client, hello())
    element = bound(str(number))["nodes"][1]
    body = {"node": element, "wired": [], "flow_id": "parent"}
    html = client.post("/editor/inspector", json=body).text
    assert f'<option value="{number}" selected>{number} · first</option>' in html
    assert "(there is none yet)" in html
    element["data"]["subflowVersion"] = "99"
    html = client.post("/editor/inspector", json=body).text
    assert '<option value="99" selected>99 (not kept any more)</option>' in html


def test_each_call_of_a_loop_can_be_stepped_into(client: Client) -> None:
    save(client, hello())
    call = node("call", "subflow", subflowId="hello")
    loop = node("loop", "for", pinDefaults={"start": 0, "end": 3, "step": 1})
    ways = [("start", "loop"), ("loop.loop", "call"), ("loop.done", "end")]
    save(client, flow("turns", [start(), loop, call, end()], ways))
    run_id = client.launch("turns")
    client.until(run_id, "completed")
    called = [each["run_id"] for each in client.records(run_id) if each["run_id"] != run_id]
    turns = list(dict.fromkeys(called))
    assert len(turns) == 3
    for visit, inner in enumerate(turns, 1):
        asked = {"flow_id": "turns", "node": call, "wired": [], "tab": "data", "visit": visit}
        html = client.post("/editor/inspector", json=asked).text
        address = html.split('<a class="button small" href="')[1].split('"')[0].replace("&amp;", "&")
        assert address.startswith("/flows/hello?")
        assert f"run={inner}" in address
        assert 'aria-label="You are here"' in client.get(address).text
