"""Cards are what the browser knows of node types; pins agree with the published node catalog.

`DIFFERENT` is the written table of what differs from `contract/node_catalog.json`, with reasons.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.nodes.catalog import catalog
from abstractruntime.nodes.define import EXEC_IN, EXEC_OUT, NodeType
from abstractruntime.nodes.families import BY_ID
from abstractruntime.nodes.pins import PIN_TYPES, next_name, pins_of

TYPES = sorted(catalog(), key=lambda kind: kind.name)
CARDS = {card["type"]: card for card in catalog().cards()["types"]}

# The way in and the one way out mean the same at every step: begin it, and go on when it is done.
PLAIN = {EXEC_IN.id, EXEC_OUT.id}

# (type, pin, what) -> reason
DIFFERENT = {
    ("emit_event", "name", "default"): "the catalog names the setting that is read, which is no value",
    ("tool_calls", "allowed_tools", "default"): "the catalog names the setting that is read",
    ("memory_kg_query", "limit", "default"): "the store's own limit, which is no value of the pin",
    ("llm_call", "tools", "default"): "the catalog names the setting that is read",
    ("agent", "tools", "default"): "the catalog names the setting that is read",
    (
        "model_residency",
        "operation",
        "default",
    ): "the catalog names two that differ; ours asks and changes nothing",
}
# Published outputs that are the whole reply, read through the rule for `result`.
WHOLE = {("wait_until", "result")}
# Words of the catalog that are no single pin: groups of pins, media of a later release.
GROUPS = {"memory pins", "output/outputs", "outputs/resources/artifact_id/artifact_ref"}
# Pins whose type follows a setting of the node: the catalog shows the most general one.
FOLLOWS_SETTINGS = {("var_decl", "value")}


def test_cards_are_json_and_change_with_their_digest() -> None:
    cards = catalog().cards()
    assert json.loads(json.dumps(cards, allow_nan=False)) == cards
    assert len(cards["digest"]) == 64
    assert {card["type"] for card in cards["types"]} == {kind.name for kind in TYPES}


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_what_is_folded_away_is_there_and_can_be_done_without(kind: NodeType) -> None:
    pins = {pin.id: pin for pin in (*kind.inputs, *kind.outputs) if not pin.hidden}
    assert len(set(kind.seldom)) == len(kind.seldom), "each is named once"
    assert set(kind.seldom) <= set(pins)
    for name in kind.seldom:
        assert not pins[name].is_exec, "the way of steps is always seen"
        assert not pins[name].required, "what a node needs is always seen"
    assert CARDS[kind.name]["seldom"] == list(kind.seldom)
    assert len(pins) <= 8 or kind.grows or kind.seldom, "so many pins at once are hard to read"


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind.sentence], ids=lambda kind: kind.name)
def test_a_sentence_speaks_of_what_the_node_has(kind: NodeType) -> None:
    every = [kind.template, *(example.data for example in kind.examples)]
    every += [kind.template | {field.path: each} for field in kind.fields for each in field.choices]
    shaped = {pin.id for data in every for pin in pins_of(kind, data)[0] if not pin.hidden}
    there = shaped | {field.path for field in kind.fields}
    rest = re.sub(r"\{([^{}|]+)(\|name|\|unit)?\}", lambda found: f"<{found[1]}>", kind.sentence)
    named = re.findall(r"<([^<>]+)>", rest)
    assert named, "it says something of the node's values"
    assert set(named) <= there
    assert not set("{}|") & set(rest)
    assert not set("[]") & set(re.sub(r"\[[^\[\]]*<[^\[\]]*\]", "", rest)), (
        "each [...] holds a value, and none another"
    )
    assert CARDS[kind.name]["sentence"] == kind.sentence


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_a_card_helps_a_person(kind: NodeType) -> None:
    card = CARDS[kind.name]
    assert card["summary"].endswith((".", "!"))
    assert len(card["summary"]) <= 110
    assert card["family"] in BY_ID
    assert not kind.palette or len(kind.keywords) >= 2, "search needs other words for it"
    assert not kind.palette or kind.label not in {
        other.label for other in TYPES if other is not kind and other.palette
    }
    for pin in (*kind.inputs, *kind.outputs):
        assert pin.type in PIN_TYPES, f"unknown pin type '{pin.type}'"
        assert pin.description or pin.hidden or pin.id in PLAIN, pin.id
    for field in kind.fields:
        assert field.description
        assert field.label


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_widgets_of_a_card_have_their_template(kind: NodeType) -> None:
    folder = Path(__file__).resolve().parents[2] / "templates" / "widgets"
    named = {each.widget for each in (*kind.inputs, *kind.fields) if each.widget}
    missing = {widget for widget in named if not (folder / f"{widget}.html").is_file()}
    assert not missing


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_pins_that_follow_settings_are_described_too(kind: NodeType) -> None:
    """All but those that an author named freely: what these are, the author says."""
    named = kind.saved_pins or (kind.grows is not None and kind.grows.names == "free")
    for data in (CARDS[kind.name]["template"], *(example.data for example in kind.examples)):
        declared = {pin.id for pin in (*kind.inputs, *kind.outputs)}
        for pin in (*pins_of(kind, data)[0], *pins_of(kind, data)[1]):
            if pin.id in declared or not named:
                assert pin.description or pin.hidden or pin.id in PLAIN, pin.id


SHAPED = [kind for kind in TYPES if kind.shape is not None]


@pytest.mark.parametrize("kind", SHAPED, ids=lambda kind: kind.name)
def test_a_card_says_what_the_pins_are_that_settings_bring(kind: NodeType) -> None:
    """The canvas has the document's pins and the card, nothing else: from them it must have the words of each pin."""
    words = CARDS[kind.name]["words"]
    for example in kind.examples:
        for side, place in (("inputs", 0), ("outputs", 1)):
            known = {pin["id"] for pin in CARDS[kind.name][side]}
            for pin in pins_of(kind, example.data)[place]:
                if pin.id not in known and not pin.hidden:
                    assert words[side].get(pin.id, words[side].get("")) == pin.description, pin.id


def test_words_of_pins_that_are_all_alike_are_said_once() -> None:
    assert CARDS["switch"]["words"] == {
        "inputs": {},
        "outputs": {"": "Taken when the value has the same text as this case."},
    }
    assert set(CARDS["ask_user"]["words"]["outputs"]) == {"timeout", "timed_out"}
    assert CARDS["concat"]["words"] == {"inputs": {}, "outputs": {}}


GROWING = [kind for kind in TYPES if kind.grows is not None and kind.grows.names != "free"]


@pytest.mark.parametrize("kind", GROWING, ids=lambda kind: kind.name)
def test_an_added_pin_has_the_words_of_its_kind_or_of_its_author(kind: NodeType) -> None:
    grow = kind.grows
    assert grow is not None
    assert grow.description
    side = 0 if grow.side == "inputs" else 1
    name = next_name(grow, [pin.id for pin in (*kind.inputs, *kind.outputs)])
    row = {"id": name, "label": name, "type": grow.type}
    for own, shown in (({}, grow.description), ({"description": "Mine."}, "Mine.")):
        pins = pins_of(kind, {grow.side: [{**row, **own}]})[side]
        assert [pin.description for pin in pins if pin.id == name] == [shown]


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_a_new_node_is_sound(kind: NodeType) -> None:
    """What is dropped on the canvas has the declared pins and no error of its own."""
    data = CARDS[kind.name]["template"]
    inputs, outputs = pins_of(kind, data)
    assert [pin["id"] for pin in data["inputs"]] == [pin.id for pin in inputs if not pin.hidden]
    assert [pin["id"] for pin in data["outputs"]] == [pin.id for pin in outputs if not pin.hidden]
    assert set(data.get("pinDefaults", {})) <= {pin.id for pin in inputs}
    found = kind.check(data) if kind.check else []
    assert [each.code for each in found if each.severity == "error"] == []


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_checks_shapes_and_seeds_bear_what_a_document_may_hold(kind: NodeType) -> None:
    for data in _odd_documents(kind):
        pins_of(kind, data)
        for reader in (kind.check, kind.seed):
            if reader is not None:
                json.dumps(reader(data), default=repr)


def _odd_documents(kind: NodeType) -> Iterator[dict[str, Any]]:
    odd: tuple[Any, ...] = (None, 7, "text", [], [None, 3, {"id": 5}], {}, {"name": 3, "cases": "x"}, True)
    groups = {field.path.split(".")[0] for field in kind.fields}
    for key in {*groups, "pinDefaults", "inputs", "outputs", "literalValue"}:
        for value in odd:
            yield {key: value}
    for value in odd:
        yield {"pinDefaults": {pin.id: value for pin in kind.inputs}}
        yield {field.path.split(".")[0]: {field.path.split(".")[-1]: value} for field in kind.fields}


@pytest.fixture(scope="session")
def published(shared: Path) -> dict[str, dict[str, Any]]:
    """The published node catalog by type."""
    nodes = json.loads((shared / "contract" / "node_catalog.json").read_text(encoding="utf-8"))["nodes"]
    return {node["type"]: node for node in nodes}


# What the published catalog does not have: kinds of our own.
OWN = {
    "add_to_date",
    "append_file",
    "compensate",
    "date_difference",
    "format_date",
    "hash",
    "match_text",
    "notify",
    "number_from_text",
    "on_error",
    "parse_date",
    "parse_table",
    "stop_with_error",
    "table_of_results",
    "web_request",
    "write_table",
}
SHARED = [kind for kind in TYPES if kind.name not in OWN]


def test_our_own_kinds_are_listed_and_no_others(published: dict[str, dict[str, Any]]) -> None:
    assert {kind.name for kind in TYPES} - set(published) == OWN


@pytest.mark.parametrize("kind", SHARED, ids=lambda kind: kind.name)
def test_pins_agree_with_the_published_catalog(kind: NodeType, published: dict[str, dict[str, Any]]) -> None:
    contract = published[kind.name]
    differences = {
        (kind.name, pin, what)
        for side in ("inputs", "outputs")
        for pin, what in _differences(kind, contract[side], side)
    }
    written = {key for key in DIFFERENT if key[0] == kind.name}
    assert differences == written


def _differences(kind: NodeType, pins: list[dict[str, Any]], side: str) -> Iterator[tuple[str, str]]:
    ours = {pin.id: pin for pin in (kind.inputs if side == "inputs" else kind.outputs)}
    for pin in pins:
        mine = ours.get(pin["id"])
        if mine is None:
            yield pin["id"], "pin"
            continue
        if mine.type != pin["type"] and (kind.name, mine.id) not in FOLLOWS_SETTINGS:
            yield mine.id, "type"
        if "default" in pin and (not mine.has_default or mine.default != pin["default"]):
            yield mine.id, "default"


@pytest.mark.parametrize("kind", SHARED, ids=lambda kind: kind.name)
def test_hidden_words_of_the_published_catalog_are_known(
    kind: NodeType, published: dict[str, dict[str, Any]]
) -> None:
    contract = published[kind.name]
    known = {name for pin in (*kind.inputs, *kind.outputs) for name in (pin.id, *pin.was)}
    missing = {*contract.get("hidden_inputs", {}), *contract.get("runtime_only_outputs", {})} - known
    assert missing - GROUPS == {name for kind_name, name in WHOLE if kind_name == kind.name}
