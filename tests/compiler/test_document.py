"""Documents are read tolerantly, refused clearly, and written back without loss."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.core.errors import InvalidFlow
from abstractruntime.visualflow_compiler import VisualFlow, flow_text, load_visualflow_json
from abstractruntime.visualflow_compiler.document import MAX_DEPTH

ODD: dict[str, Any] = {
    "zeta": {"kept": [1, 2.50, None]},
    "nodes": [
        "not a node",
        {
            "id": "a",
            "type": "note",
            "data": {"x": {"y": "é"}},
            "mood": "fine",
            "position": {"x": 1.0, "y": 2},
        },
        {"id": "b", "type": "NodeType.LLM_CALL"},
        {"id": "c", "type": {"value": "note"}, "data": None, "label": None},
        {"type": "note"},
        {"id": "d"},
        {"id": "e", "type": "note", "data": [1]},
    ],
    "edges": [
        {
            "id": "1",
            "source": " a ",
            "target": "b",
            "sourceHandle": "exec-out",
            "targetHandle": "exec-in",
            "w": 3,
        },
        {"source": "a", "target": "b", "sourceHandle": None},
        7,
        {"source": "a"},
    ],
    "id": " odd ",
    "interfaces": [" x ", "", 3],
    "entryNode": "a",
    "formatVersion": 1,
}


def test_everything_comes_back_known_or_not() -> None:
    document = copy.deepcopy(ODD)
    flow = load_visualflow_json(document)
    assert flow.to_json() == ODD
    assert document == ODD
    assert json.loads(flow_text(flow)) == ODD
    assert next(iter(flow.to_json())) == "id"


def test_what_is_no_node_or_wire_is_told_and_kept_aside() -> None:
    flow = load_visualflow_json(ODD)
    assert [node.id for node in flow.nodes] == ["a", "b", "c"]
    assert [node.type for node in flow.nodes] == ["note", "llm_call", "note"]
    assert [(edge.source, edge.source_handle, edge.target_handle) for edge in flow.edges] == [
        ("a", "exec-out", "exec-in"),
        ("a", "", ""),
    ]
    assert [problem.code for problem in flow.warnings] == ["node.malformed"] * 4 + ["edge.malformed"] * 2
    assert "Node number 5 has no id; it is ignored." in flow.warnings[1].message
    assert (flow.id, flow.interfaces, flow.entryNode) == ("odd", ["x"], "a")


@pytest.mark.parametrize(
    ("part", "named", "severity"),
    [
        ({"position": "left"}, "position", "risk"),
        ({"position": {"x": "1", "y": 2}}, "position", "risk"),
        ({"data": [1]}, "data", "error"),
        ({"data": {"pinDefaults": "text"}}, "data.pinDefaults", "error"),
        ({"data": {"inputs": {"a": 1}}}, "data.inputs", "error"),
        ({"data": {"outputs": [{"id": "ok"}, {"label": "no id"}]}}, "data.outputs[1]", "risk"),
        ({"type": 5}, "has 5 as its type, which must be text", "error"),
    ],
)
def test_a_part_of_the_wrong_kind_names_its_node_and_is_kept(
    part: dict[str, Any], named: str, severity: str
) -> None:
    document = {"id": "f", "nodes": [{"id": "a", "type": "note", **part}], "edges": []}
    flow = load_visualflow_json(document)
    [told] = flow.warnings
    assert (told.severity, told.code, told.node) == (severity, "node.malformed", "a")
    assert told.message.startswith("Node 'a'")
    assert named in told.message
    assert flow.to_json() == document


def test_interfaces_are_a_list() -> None:
    flow = load_visualflow_json({"id": "f", "interfaces": "x"})
    assert [told.code for told in flow.warnings] == ["flow.interfaces"]
    assert flow.to_json()["interfaces"] == "x"


@pytest.mark.parametrize("key", ["id", "flow_id", "workflow_id"])
def test_the_id_has_aliases(key: str) -> None:
    assert load_visualflow_json({key: " f "}).id == "f"


def test_every_form_of_source_is_read(tmp_path: Path) -> None:
    document = {"id": "f", "nodes": [], "edges": []}
    path = tmp_path / "f.json"
    path.write_text(json.dumps(document), encoding="utf-8")

    class Model:
        def model_dump(self) -> dict[str, Any]:
            return document

    text = json.dumps(document)
    for source in (document, text, text.encode(), path, Model(), load_visualflow_json(document)):
        flow = load_visualflow_json(source)
        assert isinstance(flow, VisualFlow)
        assert flow.to_json() == document


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("not json", "not valid JSON"),
        ('{"id": "f", "nodes": [}', "line 1, column 23"),
        ("[]", "VisualFlow must be a JSON object (dict)"),
        (None, "VisualFlow must be a JSON object (dict)"),
        (42, "VisualFlow must be a JSON object (dict)"),
        (b"\xff{}", "not UTF-8"),
        ({"id": "f", "x": {1}}, "not JSON"),
        ('{"id": "f", "x": NaN}', "not JSON"),
        ('{"id": "f", "x": 1e999}', "not JSON"),
        ('{"id": "f", "x": ' + "9" * 5000 + "}", "not valid JSON"),
    ],
)
def test_what_is_no_json_object_is_a_type_error(source: Any, said: str) -> None:
    with pytest.raises(TypeError) as caught:
        load_visualflow_json(source)
    assert said in str(caught.value)
    assert isinstance(caught.value, InvalidFlow)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({}, "VisualFlow missing required 'id'"),
        ({"id": "  "}, "VisualFlow missing required 'id'"),
        ({"id": 7}, "VisualFlow missing required 'id'"),
        ('{"id": "f", "x": ' + "[" * 150 + "]" * 150 + "}", "nested deeper"),
        ('{"id": "f", "x": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested deeper"),
        ('{"id": "f", "x": "\\ud800"}', "surrogate"),
    ],
)
def test_bad_documents_are_refused_with_a_clear_word(source: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        load_visualflow_json(source)


def test_depth_up_to_the_limit_is_fine() -> None:
    nested: Any = 1
    for _ in range(MAX_DEPTH - 2):
        nested = [nested]
    assert load_visualflow_json({"id": "f", "x": nested}).to_json()["x"] == nested


def test_a_circle_of_objects_is_refused() -> None:
    circle: dict[str, Any] = {"id": "f"}
    circle["self"] = circle
    with pytest.raises(TypeError, match="not JSON"):
        load_visualflow_json(circle)


def test_a_long_text_is_no_problem() -> None:
    document = {
        "id": "f",
        "nodes": [{"id": "n", "type": "note", "data": {"text": "x" * 1_000_000}}],
        "edges": [],
    }
    assert load_visualflow_json(json.dumps(document)).to_json() == document


def test_the_document_in_memory_is_not_the_callers() -> None:
    document = {"id": "f", "nodes": [{"id": "n", "type": "note", "data": {"a": [1]}}]}
    flow = load_visualflow_json(document)
    flow.nodes[0].data["a"].append(2)
    assert document["nodes"][0]["data"] == {"a": [1]}  # type: ignore[index]
