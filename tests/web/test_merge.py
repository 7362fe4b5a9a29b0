"""Two people's changes of one flow are merged per node and field; what both changed is asked."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest

from flowstudio.library_compare import compare
from flowstudio.library_merge import Merged, merge
from flowstudio.library_text import revision_of
from web.conftest import Client

Json = Any


def wire(name: str, source: str, pin: str, target: str, into: str) -> dict[str, Json]:
    return {"id": name, "source": source, "sourceHandle": pin, "target": target, "targetHandle": into}


BASE: dict[str, Json] = {
    "id": "f",
    "name": "Order",
    "nodes": [
        {
            "id": "a",
            "position": {"x": 0, "y": 0},
            "data": {"label": "Ask", "pinDefaults": {"p": "1", "q": "2"}},
        },
        {
            "id": "b",
            "position": {"x": 300, "y": 0},
            "data": {"label": "Say", "inputs": [{"id": "in", "type": "any"}]},
        },
    ],
    "edges": [wire("e1", "a", "exec-out", "b", "exec-in")],
}


def changed(**places: Json) -> dict[str, Json]:
    """The base with values put at places: `a__data__label="x"`; `name="y"` is the flow's."""
    document = copy.deepcopy(BASE)
    for place, value in places.items():
        first, *rest = place.split("__")
        here: Json = document
        if rest:
            here = next(node for node in document["nodes"] if node["id"] == first)
            for key in rest[:-1]:
                here = here[key]
            first = rest[-1]
        here[first] = value
    return document


def with_more(nodes: list[Json] = [], edges: list[Json] = []) -> dict[str, Json]:  # noqa: B006 (only read)
    document = copy.deepcopy(BASE)
    document["nodes"] += copy.deepcopy(nodes)
    document["edges"] += copy.deepcopy(edges)
    return document


def without(name: str) -> dict[str, Json]:
    document = copy.deepcopy(BASE)
    document["nodes"] = [node for node in document["nodes"] if node["id"] != name]
    document["edges"] = [e for e in document["edges"] if name not in (e["source"], e["target"])]
    return document


def clean(found: Merged) -> dict[str, Json]:
    assert found.clashes == ()
    return found.document


def test_different_fields_of_one_node_are_both_taken() -> None:
    mine = changed(a__data__pinDefaults={"p": "mine", "q": "2"}, a__position={"x": 50, "y": 0})
    theirs = changed(a__data__pinDefaults={"p": "1", "q": "theirs"}, a__data__label="Question", name="Orders")
    merged = clean(merge(BASE, mine, theirs))
    assert merged == changed(
        a__data__pinDefaults={"p": "mine", "q": "theirs"},
        a__data__label="Question",
        a__position={"x": 50, "y": 0},
        name="Orders",
    )
    assert list(merged) == list(theirs), "keys stand as theirs has them"


def test_the_same_field_is_asked_and_the_choice_stands() -> None:
    mine, theirs = (
        changed(a__data__label="Mine", name="Mine"),
        changed(a__data__label="Theirs", name="Theirs"),
    )
    found = merge(BASE, mine, theirs)
    assert [(c.node, c.title, c.field, c.base, c.mine, c.theirs) for c in found.clashes] == [
        ("a", "Theirs", "name", "Ask", "Mine", "Theirs"),
        ("", "The flow", "name", "Order", "Mine", "Theirs"),
    ]
    choices = {found.clashes[0].id: "theirs", found.clashes[1].id: "mine"}
    assert clean(merge(BASE, mine, theirs, choices)) == changed(a__data__label="Theirs", name="Mine")


def test_what_both_did_alike_is_no_conflict() -> None:
    both = changed(a__data__label="Same")
    assert clean(merge(BASE, both, copy.deepcopy(both))) == both
    assert clean(merge(BASE, without("b"), without("b"))) == without("b")


def test_a_place_of_a_node_is_one_value() -> None:
    found = merge(BASE, changed(a__position={"x": 9, "y": 0}), changed(a__position={"x": 0, "y": 9}))
    assert [clash.field for clash in found.clashes] == ["position"]


def test_pins_are_merged_by_their_ids() -> None:
    pin = {"id": "in", "type": "any"}
    mine = changed(b__data__inputs=[pin, {"id": "mine", "type": "string"}])
    theirs = changed(b__data__inputs=[{"id": "theirs", "type": "number"}, {**pin, "type": "object"}])
    merged = clean(merge(BASE, mine, theirs))
    assert [each["id"] for each in merged["nodes"][1]["data"]["inputs"]] == ["theirs", "in", "mine"]
    assert merged["nodes"][1]["data"]["inputs"][1]["type"] == "object"


def test_a_node_that_one_removed_and_the_other_left_alone_goes() -> None:
    assert clean(merge(BASE, without("b"), changed(name="New"))) == {**without("b"), "name": "New"}
    assert clean(merge(BASE, changed(name="New"), without("b"))) == {**without("b"), "name": "New"}


@pytest.mark.parametrize("mine_removes", [True, False])
def test_a_node_that_one_removed_and_the_other_changed_is_asked(mine_removes: bool) -> None:
    edited = changed(b__data__label="Kept")
    sides = (without("b"), edited) if mine_removes else (edited, without("b"))
    found = merge(BASE, *sides)
    assert [(c.field, c.has_mine, c.has_theirs) for c in found.clashes] == [
        ("the node", not mine_removes, mine_removes)
    ]
    keep = {found.clashes[0].id: "theirs" if mine_removes else "mine"}
    assert [node["id"] for node in clean(merge(BASE, *sides, keep))["nodes"]] == ["a", "b"]
    drop = {found.clashes[0].id: "mine" if mine_removes else "theirs"}
    assert clean(merge(BASE, *sides, drop)) == without("b"), "no wire leads to what is gone"


def test_a_node_that_one_removed_and_the_other_wired_is_asked() -> None:
    more = with_more([{"id": "c", "data": {}}], [wire("e2", "b", "out", "c", "x")])
    found = merge(BASE, more, without("b"))
    assert [(clash.node, clash.field) for clash in found.clashes] == [("b", "the node")]
    kept = clean(merge(BASE, more, without("b"), {found.clashes[0].id: "mine"}))
    assert sorted(node["id"] for node in kept["nodes"]) == ["a", "b", "c"]
    assert sorted(edge["id"] for edge in kept["edges"]) == ["e1", "e2"], "its wires are back with it"
    gone = clean(merge(BASE, more, without("b"), {found.clashes[0].id: "theirs"}))
    assert gone["edges"] == []


def test_nodes_added_under_one_id_are_two_nodes() -> None:
    mine = with_more(
        [{"id": "node-1", "data": {"label": "Mine"}}], [wire("edge-1", "node-1", "out", "b", "in")]
    )
    theirs = with_more(
        [{"id": "node-1", "data": {"label": "Theirs"}}], [wire("edge-1", "a", "out", "node-1", "x")]
    )
    merged = clean(merge(BASE, mine, theirs))
    labels = {node["id"]: node["data"]["label"] for node in merged["nodes"]}
    assert labels == {"a": "Ask", "b": "Say", "node-1": "Theirs", "node-2": "Mine"}
    ends = {(e["id"], e["source"], e["target"]) for e in merged["edges"]}
    assert ends == {("e1", "a", "b"), ("edge-1", "a", "node-1"), ("edge-2", "node-2", "b")}


def test_two_wires_into_one_input_are_asked() -> None:
    mine = with_more([{"id": "m", "data": {"label": "M"}}], [wire("w", "m", "out", "b", "in")])
    theirs = with_more([{"id": "t", "data": {"label": "T"}}], [wire("w", "t", "out", "b", "in")])
    found = merge(BASE, mine, theirs)
    assert [(c.field, c.mine, c.theirs) for c in found.clashes] == [("wire in", "from M, out", "from T, out")]
    for word, source in (("mine", "m"), ("theirs", "t")):
        edges = clean(merge(BASE, mine, theirs, {found.clashes[0].id: word}))["edges"]
        assert [edge["source"] for edge in edges if edge["targetHandle"] == "in"] == [source]


def random_document(dice: random.Random) -> dict[str, Json]:
    document = copy.deepcopy(BASE)
    for _ in range(dice.randint(0, 5)):
        node = dice.choice(document["nodes"]) if document["nodes"] else None
        act = dice.randint(0, 4)
        if act == 0:
            document["nodes"].append(
                {"id": f"node-{dice.randint(1, 4)}x{len(document['nodes'])}", "data": {}}
            )
        elif act == 1 and node:
            document["nodes"].remove(node)
            gone = node["id"]
            document["edges"] = [e for e in document["edges"] if gone not in (e["source"], e["target"])]
        elif act == 2 and node:
            node["data"][dice.choice("xyz")] = dice.choice([1, "t", None, [1]])
        elif act == 3 and len(document["nodes"]) > 1:
            one, two = dice.sample(document["nodes"], 2)
            document["edges"].append(wire(f"edge-{dice.randint(1, 9)}", one["id"], "o", two["id"], "exec-in"))
        else:
            document[dice.choice(["name", "extra"])] = dice.choice(["one", "two"])
    return document


def test_any_two_documents_merge_and_nothing_that_one_side_did_is_lost() -> None:
    for seed in range(400):
        dice = random.Random(seed)
        mine, theirs = random_document(dice), random_document(dice)
        assert compare(merge(BASE, mine, BASE).document, mine).is_empty, seed
        assert compare(merge(BASE, BASE, theirs).document, theirs).is_empty, seed
        found = merge(BASE, mine, theirs)
        for word, side in (("mine", mine), ("theirs", theirs)):
            merged = merge(BASE, mine, theirs, {clash.id: word for clash in found.clashes})
            assert not [c for c in merged.clashes if c.id in {clash.id for clash in found.clashes}], seed
            names = {node["id"] for node in merged.document["nodes"]}
            assert all(e["source"] in names and e["target"] in names for e in merged.document["edges"]), seed
            added = {node["id"] for node in side["nodes"]} - {node["id"] for node in BASE["nodes"]}
            assert len([name for name in names if name in added]) >= len(added) - 0, (seed, word)


def test_a_stale_save_is_merged_over_http(client: Client) -> None:
    client.save(BASE)
    theirs, mine = changed(name="Theirs"), changed(name="Mine", a__data__label="Question")
    first = f'"{revision_of(BASE)}"'
    body = {
        "document": theirs,
        "commands": [
            {"how": "do", "label": "Rename", "changes": [{"op": "flow", "path": "name", "value": "Theirs"}]}
        ],
    }
    assert client.post("/api/flows/f/edits", json=body, headers={"If-Match": first}).status_code == 200
    stale = client.post("/api/flows/f/edits", json={"document": mine}, headers={"If-Match": first})
    assert stale.status_code == 412

    ask = {"base": revision_of(BASE), "document": mine}
    found = client.post("/api/flows/f/merge", json=ask).json()
    assert (found["revision"], [row["label"] for row in found["edits"]]) == (revision_of(theirs), ["Rename"])
    (clash,) = found["clashes"]
    assert (clash["title"], clash["mine"], clash["theirs"]) == ("The flow", "Mine", "Theirs")
    kept = client.get("/api/flows/f/versions").json()["versions"][0]
    assert (kept["why"], client.get(f"/api/flows/f/versions/{kept['number']}").json()) == ("merge", mine)

    settled = client.post("/api/flows/f/merge", json={**ask, "choices": {clash["id"]: "theirs"}}).json()
    assert settled["clashes"] == []
    assert settled["document"] == changed(name="Theirs", a__data__label="Question")
    assert settled["changes"] == [{"op": "replace", "node": settled["document"]["nodes"][0]}]
    assert client.get("/api/flows/f").json() == theirs, "merging saves nothing"
    unknown = client.post("/api/flows/f/merge", json={"base": "x", "document": mine})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "edit.not_found")
    assert client.post("/api/flows/f/merge", json={"base": "x"}).json()["code"] == "flow.malformed"


def test_what_another_program_wrote_meanwhile_is_merged_too(client: Client) -> None:
    client.save(BASE)
    path = client.studio.library.path_of("f")
    path.write_text(path.read_text("utf-8").replace('"name": "Order"', '"name": "By hand"'), "utf-8")
    mine = changed(a__data__label="Question")
    found = client.post("/api/flows/f/merge", json={"base": revision_of(BASE), "document": mine}).json()
    assert found["clashes"] == []
    assert found["document"] == changed(a__data__label="Question", name="By hand")
    assert [row["after"] for row in found["edits"]] == [found["revision"]]
