"""Flows over HTTP: saved whole, by revision; whatever is sent, nothing is lost and nothing breaks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from web.conftest import Client
from web.documents import asking, calling, end, flow, hello, node, start, wire


def put(client: Client, flow_id: str, body: bytes | dict[str, Any], **headers: str) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.put(
        f"/api/flows/{flow_id}", content=raw, headers={"Content-Type": "application/json", **headers}
    )


def test_a_flow_is_created_read_saved_and_deleted_by_revision(client: Client) -> None:
    made = put(client, "hello", hello(), **{"If-None-Match": "*"})
    assert made.status_code == 201
    assert made.json() == {"revision": made.json()["revision"], "problems": []}
    tag = made.headers["etag"]
    assert tag == f'"{made.json()["revision"]}"'
    read = client.get("/api/flows/hello")
    assert (read.json(), read.headers["etag"]) == (hello(), tag)
    assert client.get("/api/flows/hello", headers={"If-None-Match": tag}).status_code == 304

    saved = put(client, "hello", {**hello(), "name": "Second"}, **{"If-Match": tag})
    assert saved.status_code == 200
    stale = put(client, "hello", {**hello(), "name": "Third"}, **{"If-Match": tag})
    assert (stale.status_code, stale.json()["code"]) == (412, "flow.stale")
    assert stale.json()["document"]["name"] == "Second"
    assert f'"{stale.json()["revision"]}"' == saved.headers["etag"]

    assert client.delete("/api/flows/hello", headers={"If-Match": tag}).status_code == 412
    assert client.delete("/api/flows/hello", headers={"If-Match": saved.headers["etag"]}).status_code == 204
    assert client.get("/api/flows/hello").status_code == 404
    gone = put(client, "hello", hello(), **{"If-Match": tag})
    assert (gone.status_code, gone.json()["document"]) == (412, None)


def test_overwriting_needs_the_revision(client: Client) -> None:
    client.save(hello())
    blind = put(client, "hello", {**hello(), "name": "Blind"})
    assert (blind.status_code, blind.json()["code"]) == (428, "revision.required")
    again = put(client, "hello", {**hello(), "name": "Blind"}, **{"If-None-Match": "*"})
    assert (again.status_code, again.json()["document"]["name"]) == (412, "hello")
    assert client.get("/api/flows/hello").json() == hello()
    assert put(client, "hello", {**hello(), "name": "Known"}, **{"If-Match": "*"}).status_code == 200


def test_a_condition_may_list_revisions(client: Client) -> None:
    client.save(hello())
    tag = client.get("/api/flows/hello").headers["etag"]
    assert client.get("/api/flows/hello", headers={"If-None-Match": f'"old", {tag}'}).status_code == 304
    assert client.get("/api/flows/hello", headers={"If-None-Match": "*"}).status_code == 304
    assert client.get("/api/flows/hello", headers={"If-None-Match": '"old"'}).status_code == 200
    second = put(client, "hello", {**hello(), "name": "Second"}, **{"If-Match": f'"older", {tag}'})
    assert second.status_code == 200
    now = second.headers["etag"]
    assert put(client, "hello", hello(), **{"If-Match": f'"older", {tag}'}).status_code == 412
    assert put(client, "hello", hello(), **{"If-Match": f"W/{now}"}).status_code == 200
    assert client.delete("/api/flows/hello", headers={"If-Match": '"a", "b"'}).status_code == 412
    again = client.get("/api/flows/hello").headers["etag"]
    assert client.delete("/api/flows/hello", headers={"If-Match": f'"a", {again}'}).status_code == 204


def test_the_list_tells_what_a_page_needs(client: Client) -> None:
    client.save({**hello(), "description": "Greets.", "interfaces": ["chat"]})
    (client.studio.library.folder / "torn.json").write_text('{"id": ')
    body = client.get("/api/flows").json()
    (row,) = body["flows"]
    assert {key: row[key] for key in ("id", "name", "description", "interfaces", "node_count")} == {
        "id": "hello",
        "name": "hello",
        "description": "Greets.",
        "interfaces": ["chat"],
        "node_count": 3,
    }
    assert row["updated_at"].startswith("20")
    assert body["broken"][0]["file"] == "torn.json"
    assert "not JSON" in body["broken"][0]["reason"]


def test_validate_reads_the_document_sent_or_the_saved_one(client: Client) -> None:
    client.save(hello())
    assert client.post("/api/flows/hello/validate").json() == {"problems": []}
    broken = {**hello(), "nodes": [*hello()["nodes"], node("odd", "ask_usr")]}
    found = client.post("/api/flows/hello/validate", json=broken).json()["problems"]
    (error,) = [problem for problem in found if problem["node"] == "odd"]
    assert set(error) == {"severity", "code", "node", "pin", "message", "fix", "line"}
    assert error["node"] == "odd"
    assert "ask_user" in error["message"], "the nearest known name"
    assert client.get("/api/flows/hello").json() == hello(), "validating saves nothing"
    assert client.post("/api/flows/none/validate").status_code == 404
    fresh = client.post("/api/flows/fresh/validate", json={**broken, "id": "fresh"}).json()["problems"]
    assert [problem["node"] for problem in fresh] == [problem["node"] for problem in found]
    assert client.get("/api/flows/fresh").status_code == 404, "nor of a flow that is nowhere kept"


def test_an_old_flow_is_told_what_would_change_and_nothing_is_written(client: Client) -> None:
    old = hello()
    old["nodes"].append(node("sub", "subflow", flowId="hello"))
    client.save(old)
    told = client.post("/api/flows/hello/upgrade").json()
    assert [(each["code"], each["node"]) for each in told["differences"]] == [("node.upgraded", "sub")]
    (change,) = told["changes"]
    assert (change["op"], change["node"]["data"]["subflowId"]) == ("replace", "hello")
    assert client.post("/api/flows/hello/upgrade", json=old).json() == told
    assert client.get("/api/flows/hello").json() == old
    new = {**old, "nodes": [*old["nodes"][:-1], change["node"]]}
    assert client.post("/api/flows/hello/upgrade", json=new).json() == {"differences": [], "changes": []}
    assert client.post("/api/flows/none/upgrade").status_code == 404


def test_every_flow_of_the_corpus_is_saved_back_without_loss(client: Client, shared: Path) -> None:
    count = 0
    for file in sorted((shared / "corpus/flows").glob("*.json")):
        document = json.loads(file.read_text("utf-8"))
        made = put(client, document["id"], document)
        assert made.status_code == 201, (file.name, made.text[:300])
        read = client.get(f"/api/flows/{document['id']}")
        assert read.json() == document, file.name
        again = put(client, document["id"], read.content, **{"If-Match": read.headers["etag"]})
        assert again.headers["etag"] == made.headers["etag"], file.name
        count += 1
    assert count > 50
    assert len(client.get("/api/flows").json()["flows"]) == count


@pytest.mark.parametrize("flow_id", ["a b", "ünï", "a/b", "..%2F..%2Fevil", "x" * 150, "%00x", "con"])
def test_odd_ids_are_kept_in_the_folder(client: Client, flow_id: str) -> None:
    made = client.put(f"/api/flows/{flow_id}", json={"nodes": [], "edges": []})
    folder = client.studio.library.folder
    if made.status_code == 201:
        assert client.get(f"/api/flows/{flow_id}").status_code == 200
        assert len(client.get("/api/flows").json()["flows"]) == 1
        (file,) = folder.iterdir()
        assert file.resolve().parent == folder.resolve()
    else:
        assert 400 <= made.status_code < 500
        assert not folder.exists() or not [*folder.iterdir()]
    assert {item.name for item in folder.parent.iterdir()} <= {"data", "flows"}


MALFORMED: dict[str, tuple[bytes, int]] = {
    "no json": (b"{", 400),
    "empty": (b"", 400),
    "text": (b'"flow"', 422),
    "list": (b"[]", 422),
    "null": (b"null", 422),
    "not utf-8": (b"\xff\xfe{}", 400),
    "nan": (b'{"id": "f", "nodes": [], "x": NaN}', 400),
    "infinite": (b'{"id": "f", "nodes": [], "x": 1e999}', 422),
    "digits": (b'{"id": "f", "nodes": [], "x": ' + b"9" * 5000 + b"}", 400),
    "one key twice": (b'{"id": "f", "id": "f"}', 422),
    "half a character": (b'{"id": "f", "name": "\\ud800"}', 422),
    "too deep": (b'{"id": "f", "x": ' + b"[" * 100 + b"]" * 100 + b"}", 422),
    "far too deep": (b'{"id": "f", "x": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", 400),
    "other id": (b'{"id": "g", "nodes": []}', 422),
    "id is a number": (b'{"id": 3}', 422),
    "nodes is an object": (b'{"id": "f", "nodes": {}}', 422),
    "a node is a text": (b'{"id": "f", "nodes": ["x"]}', 422),
    "edges is a text": (b'{"id": "f", "edges": "x"}', 422),
    "an edge is null": (b'{"id": "f", "edges": [null]}', 422),
    "name is a list": (b'{"id": "f", "name": []}', 422),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_what_is_no_flow_is_refused_and_the_saved_one_stays(client: Client, case: str) -> None:
    body, status = MALFORMED[case]
    kept = {**hello("f"), "name": "Kept"}
    client.save(kept)
    tag = client.get("/api/flows/f").headers["etag"]
    answer = put(client, "f", body, **{"If-Match": tag})
    assert answer.status_code == status, answer.text
    problem = answer.json()
    codes = {400: ("request.malformed",), 422: ("request.invalid", "flow.malformed")}
    assert problem["code"] in codes[status]
    assert len(problem["detail"]) > 20
    assert client.get("/api/flows/f").json() == kept
    checked = client.post(
        "/api/flows/f/validate", content=body or b"{", headers={"Content-Type": "application/json"}
    )
    assert checked.status_code < 500
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_only_json_is_taken_for_json(client: Client, kind: str) -> None:
    answer = put(client, "f", hello("f"), **{"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (415, "request.wrong_type")


def cycle() -> dict[str, Any]:
    return flow(
        "f",
        [
            start(),
            node("a", "set_var", pinDefaults={"name": "x"}),
            node("b", "set_var", pinDefaults={"name": "y"}),
        ],
        [("start", "a"), ("a", "b"), ("b", "a")],
    )


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown type": (flow("f", [start(), node("odd", "no_such_thing")], [("start", "odd")]), "odd"),
    "two nodes with one id": ({**hello("f"), "nodes": [*hello("f")["nodes"], end("text")]}, "end"),
    "a wire from nowhere": ({**hello("f"), "edges": [*hello("f")["edges"], wire("ghost", "end")]}, "ghost"),
    "a wire to nowhere": (
        {**hello("f"), "edges": [*hello("f")["edges"], wire("greet.result", "ghost.x")]},
        "ghost",
    ),
    "a step that leads to nowhere": (
        {**hello("f"), "edges": [wire("start", "ghost")]},
        "ghost",
    ),
    "a node whose data are no object": (
        {**hello("f"), "nodes": [*hello("f")["nodes"][:-1], {**end("text"), "data": "text"}]},
        "end",
    ),
    "a node without a type": (
        {**hello("f"), "nodes": [*hello("f")["nodes"][:-1], {"id": "end"}]},
        "end",
    ),
    "no start": (flow("f", [], []), "f"),
    "a subflow that is missing": (calling("nobody", "f"), "call"),
    "control in a circle": (cycle(), "a"),
    "a format of the future": ({**hello("f"), "formatVersion": 99}, "f"),
}


IGNORED = ("a wire from nowhere", "a wire to nowhere")


@pytest.mark.parametrize("case", WRONG)
def test_a_flow_that_cannot_run_is_kept_and_says_why(client: Client, case: str) -> None:
    document, place = WRONG[case]
    made = put(client, "f", document)
    assert made.status_code == 201, made.text
    assert client.get("/api/flows/f").json() == document
    told = made.json()["problems"]
    assert told == client.post("/api/flows/f/validate").json()["problems"]
    assert any(place in (problem["node"] or "") + problem["message"] for problem in told), told
    launch = client.post("/api/runs", json={"flow_id": "f"})
    # A value that leads to nowhere is ignored, as the contract has it (visualflow.md 1.4).
    assert any(problem["severity"] == "error" for problem in told) == (case not in IGNORED)
    if case in IGNORED:
        assert launch.status_code == 201
        return
    body = launch.json()
    assert (launch.status_code, body["code"]) == (422, "flow.invalid")
    assert body["problems"]
    assert client.get("/api/runs").json()["runs"] == []


def test_a_fault_in_a_subflow_names_the_subflow(client: Client) -> None:
    client.save(flow("inner", [start(), node("odd", "no_such_thing")], [("start", "odd")]))
    client.save(calling("inner", "outer"))
    launch = client.post("/api/runs", json={"flow_id": "outer"})
    assert launch.status_code == 422
    assert "'inner'" in launch.json()["problems"][0]["message"]


@pytest.mark.slow
def test_ten_thousand_nodes_are_kept_and_checked(client: Client) -> None:
    nodes = [start(), *(node(f"n{n}", "set_var", pinDefaults={"name": "x"}) for n in range(10_000))]
    wires = [("start", "n0"), *((f"n{n}", f"n{n + 1}") for n in range(9_999))]
    document = flow("big", nodes, wires)
    made = put(client, "big", document)
    assert made.status_code == 201
    read = client.get("/api/flows/big")
    assert read.json() == document
    assert client.post("/api/runs", json={"flow_id": "big"}).status_code == 201


def test_long_texts_are_kept_whole(client: Client) -> None:
    document = {**hello("long"), "description": "é" * 1_000_000}
    assert put(client, "long", document).status_code == 201
    assert client.get("/api/flows/long").json() == document


def test_a_body_past_the_limit_is_refused(client: Client) -> None:
    huge = b'{"id": "f", "x": "' + b"x" * (17 * 1024 * 1024) + b'"}'
    answer = put(client, "f", huge)
    assert (answer.status_code, answer.json()["code"]) == (413, "request.too_large")
    inputs = {"flow_id": "f", "inputs": {"x": "x" * 1_100_000}}
    assert client.post("/api/runs", json=inputs).status_code == 413


def test_unknown_fields_survive_everywhere(client: Client) -> None:
    document = asking("f")
    document["futureThing"] = {"keep": [1, None]}
    document["nodes"][0]["futureThing"] = True
    document["nodes"][0]["data"]["futureThing"] = {"b": 1, "a": 2}
    document["edges"][0]["futureThing"] = "x"
    assert put(client, "f", document).status_code == 201
    assert client.get("/api/flows/f").json() == document
    client.asked(client.launch("f"))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"flow_id": 3}', 422),
        (b'{"flow_id": ""}', 422),
        (b'{"flow_id": "hello", "inputs": []}', 422),
        (b'{"flow_id": "hello", "surprise": 1}', 422),
        (b'{"flow_id": "hello", "inputs": {"_limits": {}}}', 422),
        (b'{"flow_id": "hello", "inputs": {"x": NaN}}', 422),
        (b'{"flow_id": "hello", "inputs": {"x": "\\ud800"}}', 422),
        (b'{"flow_id": "hello", "inputs": {"x": ' + b"[" * 5000 + b"]" * 5000 + b"}}", 422),
        (b'{"flow_id": "nobody"}', 404),
    ],
)
def test_a_launch_that_makes_no_sense_starts_nothing(client: Client, body: bytes, status: int) -> None:
    client.save(hello())
    answer = client.post("/api/runs", content=body, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.status_code == status or {answer.status_code, status} <= {400, 422}, answer.text
    assert answer.json()["code"]
    assert client.get("/api/runs").json()["runs"] == []


@pytest.mark.parametrize(
    "body", [b"{", b"{}", b'{"response": 1, "more": 2}', b'{"wait_key": 3, "response": "x"}', b"[]"]
)
def test_an_answer_that_makes_no_sense_answers_nothing(client: Client, body: bytes) -> None:
    client.save(asking())
    run_id = client.launch("asking")
    prompt = client.asked(run_id)
    answer = client.post(f"/api/prompts/{run_id}", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert client.get("/api/prompts").json()["prompts"] == [prompt]


def test_a_question_that_never_was_is_gone(client: Client) -> None:
    client.save(hello())
    run_id = client.launch("hello")
    client.until(run_id, "completed")
    answer = client.post(f"/api/prompts/{run_id}", json={"wait_key": "user:x", "response": "x"})
    assert (answer.status_code, answer.json()["code"]) == (409, "prompt.gone")
    nobody = client.post("/api/prompts/nobody", json={"wait_key": "user:x", "response": "x"})
    assert (nobody.status_code, nobody.json()["code"]) == (404, "run.not_found")


def test_the_catalog_has_a_tag_and_shapes_nodes(client: Client) -> None:
    first = client.get("/api/catalog")
    assert {"digest", "families", "pin_types", "types"} <= set(first.json())
    assert client.get("/api/catalog", headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    body = {"type": "switch", "data": {"switchConfig": {"cases": [{"id": "c1", "value": "a"}]}}}
    shaped = client.post("/api/catalog/shape", json=body)
    assert shaped.status_code == 200
    assert len(shaped.json()["outputs"]) >= 2
    odd = client.post("/api/catalog/shape", json={"type": "swich"})
    assert (odd.status_code, odd.json()["code"]) == (404, "node_type.unknown")
    assert "switch" in odd.json()["detail"]


@pytest.mark.parametrize(
    "flow_id",
    [
        *(
            "x/bundle",
            "x/edits",
            "x/versions",
            "x/edits/3",
            "a\\b",
            "x/versions/1/restore",
            "x/diff/1..2",
            "a/../b",
            "a//b",
            "/a",
            "a/",
        ),
        *(" a", "a\u202eb", "x" * 201),
    ],
)
def test_an_id_whose_address_is_not_its_own_is_refused_for_new_flows(client: Client, flow_id: str) -> None:
    document = hello(flow_id)
    answer = client.put(f"/api/flows/{quote(flow_id, safe='')}", json=document)
    assert (answer.status_code, answer.json()["code"]) == (422, "flow.bad_id")
    assert "Use letters" in answer.json()["detail"]
    assert client.get("/api/flows").json()["flows"] == []
    client.studio.library.folder.mkdir(exist_ok=True)
    (client.studio.library.folder / "held.json").write_text(json.dumps(document), "utf-8")
    held = client.studio.library.put(flow_id, {**document, "name": "Saved"}, if_match="*")
    assert held.created is False, "what was there before can still be saved"
    assert [row["name"] for row in client.get("/api/flows").json()["flows"]] == ["Saved"]


@pytest.mark.parametrize("flow_id", ["é", "日本", "x y", "CON", "bundle", "edits", "..a", "a:b", "<b>"])
def test_any_other_id_is_given_back_and_travels(client: Client, flow_id: str) -> None:
    address = f"/api/flows/{quote(flow_id, safe='')}"
    assert client.put(address, json=hello(flow_id)).status_code == 201
    assert client.get(address).json()["id"] == flow_id
    bundle = client.get(f"{address}/bundle")
    assert bundle.status_code == 200
    assert client.delete(address).status_code == 204
    back = client.post("/api/imports", files={"file": ("x.flow", bundle.content, "application/zip")})
    assert (back.status_code, back.json()["entrypoint"]) == (201, flow_id)
    assert client.get(address).json()["id"] == flow_id
    assert client.until(client.launch(flow_id), "completed")["flow_id"] == flow_id


def test_a_flow_is_created_without_an_id_of_its_own(client: Client) -> None:
    document = {key: value for key, value in hello().items() if key != "id"}
    answer = client.post("/api/flows", json={**document, "interfaces": ["a"]})
    assert answer.status_code == 201
    made = answer.json()
    place = f"/api/flows/{made['id']}"
    assert answer.headers["location"] == place
    kept = client.get(place)
    assert kept.headers["etag"] == answer.headers["etag"] == f'"{made["revision"]}"'
    assert kept.json() == {**document, "interfaces": ["a"], "id": made["id"]}
    (row,) = client.get("/api/flows").json()["flows"]
    assert (row["id"], row["node_count"], row["interfaces"]) == (made["id"], 3, ["a"])
    empty = client.post("/api/flows", json={"name": "Empty"}).json()
    assert [each["code"] for each in empty["problems"]] == ["flow.no_entry"]
    refused = client.post("/api/flows", json=hello())
    assert (refused.status_code, refused.json()["code"]) == (422, "flow.malformed")
    assert len(client.get("/api/flows").json()["flows"]) == 2


def test_a_document_is_checked_bare_or_by_its_name(client: Client) -> None:
    bare = client.post("/api/flows/new/validate", json=hello()).json()
    assert bare == {"problems": []}
    assert client.post("/api/flows/new/validate", json={"document": hello()}).json() == bare
    broken = {"document": {**hello(), "nodes": []}}
    assert client.post("/api/flows/new/validate", json=broken).json()["problems"]
