"""Node types are found by being there; their cards say all that a browser needs."""

import json

import pytest

from abstractruntime.nodes.catalog import Catalog, catalog, new_data
from abstractruntime.nodes.define import Grow, NodeType, Pin, pure
from abstractruntime.nodes.pins import PIN_TYPES, may_flow, next_name, pins_of
from compiler.tiny import TINY, branches, note


def test_every_declaration_of_the_package_is_found() -> None:
    names = {kind.name for kind in catalog()}
    assert {"on_flow_start", "on_flow_end", "ask_user", "if", "while", "concat", "code", "subflow"} <= names
    assert catalog() is catalog()


def test_names_are_resolved_by_old_names_and_guessed() -> None:
    assert TINY.get("remark") is None
    assert TINY.resolve("remark") is note
    assert "memo" in TINY
    assert TINY.nearest("Note") == "note"
    assert TINY.nearest("remarks") == "note"
    assert TINY.nearest("zzz") is None


def test_two_types_of_one_name_are_refused() -> None:
    @pure("memo", family="text")
    def other(call: object) -> dict[str, object]:
        """Other."""
        return {}

    assert isinstance(other, NodeType)
    with pytest.raises(ValueError, match="Two node types are called 'memo'"):
        Catalog([note, other])
    with pytest.raises(ValueError, match="in no known family"):
        Catalog([_lost()])


def _lost() -> NodeType:
    @pure("lost", family="nowhere")
    def lost(call: object) -> dict[str, object]:
        """Lost."""
        return {}

    return lost


def test_cards_are_json_with_a_digest_that_follows_them() -> None:
    cards = catalog().cards()
    again = json.loads(json.dumps(cards))
    assert again == cards
    assert len(cards["digest"]) == 64
    assert Catalog(catalog()).cards()["digest"] == cards["digest"]
    assert TINY.cards()["digest"] != cards["digest"]
    assert [family["order"] for family in cards["families"]] == list(range(len(cards["families"])))


def test_in_a_group_what_does_something_comes_before_what_only_computes() -> None:
    """The palette opens with Delay and On Schedule, not with the parsing of dates."""
    order: dict[str, list[bool]] = {}
    for card in catalog().cards()["types"]:
        order.setdefault(card["family"], []).append(card["kind"] == "pure")
    assert list(order) == [family["id"] for family in catalog().cards()["families"]]
    assert {True, False} == set(order["events"])
    assert all(pure == sorted(pure) for pure in order.values())


def test_a_card_shows_pins_fields_and_the_data_of_a_new_node() -> None:
    card = next(card for card in TINY.cards()["types"] if card["type"] == "note")
    assert card["summary"] == "Note a text."
    text, size = card["inputs"][1:]
    assert "default" not in text
    assert size["default"] == 1
    assert card["fields"][0]["label"] == "tone"
    assert card["template"]["nodeType"] == "note"
    assert [pin["id"] for pin in card["template"]["inputs"]] == ["exec-in", "text", "size"]
    grown = next(card for card in TINY.cards()["types"] if card["type"] == "branches")
    assert [pin["id"] for pin in grown["outputs"]] == ["then:0", "then:1"]
    assert grown["grows"] == {
        "side": "outputs",
        "names": "then",
        "least": 2,
        "type": "execution",
        "description": "One of the branches.",
    }


def test_every_new_node_can_be_drawn() -> None:
    for kind in catalog():
        inputs, outputs = pins_of(kind, new_data(kind))
        for pin in (*inputs, *outputs):
            assert pin.type in PIN_TYPES, (kind.name, pin.id)
        for group in (inputs, outputs):
            assert len({pin.id for pin in group}) == len(group), kind.name


@pytest.mark.parametrize(
    ("source", "target", "allowed"),
    [
        ("string", "string", True),
        ("any", "array", True),
        ("boolean", "any", True),
        ("execution", "execution", True),
        ("execution", "any", False),
        ("any", "execution", False),
        ("tools", "array", True),
        ("array", "tools", True),
        ("assertions", "array", True),
        ("array", "assertions", True),
        ("assertions", "object", True),
        ("object", "assertions", True),
        ("assertion", "object", True),
        ("object", "assertion", True),
        ("memory", "object", True),
        ("object", "memory", True),
        ("array", "object", True),
        ("tools", "object", True),
        ("object", "array", False),
        ("object", "tools", False),
        ("number", "string", True),
        ("string", "number", False),
        ("boolean", "string", True),
        ("string", "boolean", False),
        ("number", "boolean", False),
        ("provider", "string", True),
        ("string", "model", True),
        ("string", "provider", True),
        ("provider", "model", False),
        ("json_schema", "object", True),
        ("object", "json_schema", True),
        ("workspace_file", "string", True),
        ("string", "workspace_folder", True),
        ("artifact_image", "artifact", True),
        ("artifact", "artifact_image", False),
        ("artifact_image", "artifact_audio", False),
        ("artifacts_image", "artifacts", True),
        ("provider_text", "provider", True),
        ("provider", "provider_image", True),
        ("provider_text", "provider_image", False),
        ("model_text", "model", True),
        ("model_text", "string", False),
        ("agent", "string", False),
    ],
)
def test_what_flows_into_what(source: str, target: str, allowed: bool) -> None:
    assert may_flow(source, target) is allowed


# The table of the contract (visualflow.md 1.7) for the types of February: what a value may flow into besides its own.
FEBRUARY = {
    "string": {"provider", "model"},
    "number": {"string"},
    "boolean": {"string"},
    "object": {"assertions", "assertion", "memory"},
    "array": {"tools", "assertions", "object"},
    "tools": {"array", "object"},
    "provider": {"string"},
    "model": {"string"},
    "agent": set(),
    "memory": {"object"},
    "assertion": {"object"},
    "assertions": {"array", "object"},
}


def test_nothing_else_flows() -> None:
    """Every pair of types, both ways; `any` meets all but execution, which meets itself alone."""
    for source, into in FEBRUARY.items():
        found = {target for target in FEBRUARY if may_flow(source, target)}
        assert found == {source, *into}, source
        assert may_flow(source, "any")
        assert may_flow("any", source)
        assert not may_flow(source, "execution")
        assert not may_flow("execution", source)


def test_growing_pins_get_the_next_free_name() -> None:
    letters, then = Grow("inputs", "letters"), Grow("outputs", "then")
    assert next_name(letters, ["a", "c"]) == "b"
    assert next_name(letters, [chr(97 + number) for number in range(26)]) == "p26"
    assert next_name(then, ["then:0", "completed"]) == "then:1"


def test_saved_pins_count_where_the_declaration_lets_them() -> None:
    saved = {"outputs": [{"id": "then:3", "type": "execution"}, "junk", {"type": "string"}]}
    assert [pin.id for pin in pins_of(branches, saved)[1]] == ["then:3"]
    fixed = {"inputs": [{"id": "mine", "type": "string"}]}
    assert [pin.id for pin in pins_of(note, fixed)[0]] == ["exec-in", "text", "size"]
    assert pins_of(note, {})[0][1] == Pin("text", "string", was=("words", "body"))
