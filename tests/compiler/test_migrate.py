"""Old documents to today's words, by what the declarations say."""

import copy
from typing import Any

from abstractruntime.visualflow_compiler import load_visualflow_json, migrate
from compiler.tiny import TINY
from drive import flow, node

OLD = flow(
    "old",
    {
        "start": node("begin", outs=["exec-out", "x"]),
        "n": node(
            "remark",
            ins=["exec-in", "words|string", "size|number"],
            pins={"words": "hello", "size": 2},
            tone="kind",
        ),
        "price": node("price", cents=250),
        "ways": node("ways", ways=["a"]),
        "x": node("from_the_future", pins={"words": 1}, tone=1),
    },
    "start -> n, n -> ways, ways:way:a -> n, ways:way:gone -> n, start.x -> n.body, n.told -> x.words",
)


def test_types_pins_and_fields_get_their_new_names() -> None:
    flow_, notes = migrate(OLD, TINY)
    document = flow_.to_json()
    by_id = {each["id"]: each for each in document["nodes"]}
    data = by_id["n"]["data"]
    assert (by_id["n"]["type"], data["nodeType"]) == ("note", "note")
    assert data["pinDefaults"] == {"size": 2, "text": "hello"}
    assert data["noteConfig"] == {"tone": "kind"}
    assert "tone" not in data
    assert [pin["id"] for pin in data["inputs"]] == ["exec-in", "text", "size"]
    assert by_id["price"]["data"]["amount"] == 2.5
    wires = [(edge["sourceHandle"], edge["targetHandle"]) for edge in document["edges"]]
    assert ("x", "text") in wires
    assert ("said", "words") in wires
    assert ("way:gone", "exec-in") not in wires
    assert {note.code for note in notes} == {
        "node.renamed",
        "node.upgraded",
        "pin.renamed",
        "edge.vanished_pin",
    }


def test_migrating_again_changes_nothing() -> None:
    once, _ = migrate(OLD, TINY)
    twice, notes = migrate(once.to_json(), TINY)
    assert twice.to_json() == once.to_json()
    assert notes == []


def test_a_node_without_old_names_is_the_same_object() -> None:
    """It is not copied: in a document of a thousand nodes that would be most of the work."""
    today = {
        "formatVersion": 1,
        **flow("f", {"a": node("note", ins=["exec-in", "text"], pins={"text": "x"})}, ""),
    }
    old = {
        **today,
        "nodes": [*today["nodes"], {"id": "b", "type": "note", "data": {"pinDefaults": {"words": "x"}}}],
    }
    loaded = load_visualflow_json(old)
    migrated, notes = migrate(loaded, TINY)
    assert migrated.nodes[0] is loaded.nodes[0]
    assert migrated.nodes[1].data == {"pinDefaults": {"text": "x"}}
    assert loaded.nodes[1].data == {"pinDefaults": {"words": "x"}}
    assert [note.node for note in notes] == ["b"]


def test_two_nodes_of_one_id_keep_their_own_types() -> None:
    twins = {"id": "f", "nodes": [{"id": "a", "type": "begin"}, {"id": "a", "type": "remark"}], "edges": []}
    flow_, notes = migrate(twins, TINY)
    assert [each.type for each in flow_.nodes] == ["begin", "note"]
    assert [note.message for note in notes] == ["Node 'a': the type 'remark' is now called 'note'."]


def test_unknown_types_and_the_flow_handed_in_are_left_alone() -> None:
    before = copy.deepcopy(OLD)
    loaded = load_visualflow_json(OLD)
    migrated, _ = migrate(loaded, TINY)
    assert loaded.to_json() == before
    unknown = migrated.node("x")
    assert unknown is not None
    assert unknown.to_json() == before["nodes"][-1]


def test_todays_wire_wins_over_an_old_one() -> None:
    both = flow(
        "both",
        {"start": node("begin", outs=["exec-out", "x", "y"]), "n": node("note")},
        "start -> n, start.x -> n.words, start.y -> n.text",
    )
    migrated, _ = migrate(both, TINY)
    assert [edge.target_handle for edge in migrated.edges] == ["exec-in", "words", "text"]


def test_a_document_of_an_unknown_version_is_not_touched() -> None:
    for version in (2, 99, "x", None, True, 0):
        document: dict[str, Any] = {**OLD, "formatVersion": version}
        migrated, notes = migrate(document, TINY)
        assert migrated.to_json() == document
        assert notes == []


def test_settings_that_cannot_be_read_are_told_and_kept() -> None:
    broken = flow("f", {"p": node("price", cents="many"), "w": node("ways", ways=7)}, "")
    migrated, notes = migrate(broken, TINY)
    assert migrated.to_json() == broken
    assert [(note.severity, note.code, note.node) for note in notes] == [("risk", "node.settings", "p")]
