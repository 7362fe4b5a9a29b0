"""Documents with anything anywhere: they are read, checked and refused, and nothing else happens.

Every node type is in the document, so the shapes, checks and seeds of all declarations are tried too.
"""

import copy
import json
import random
from typing import Any

import pytest

from abstractruntime.core.errors import InvalidFlow
from abstractruntime.nodes.catalog import catalog, new_data
from abstractruntime.visualflow_compiler import check, compile_program, load_visualflow_json
from abstractruntime.visualflow_compiler.tree import lower_tree

JUNK: list[Any] = [
    None, True, 0, -1, 1.5, 10**30, "", "x", "exec-in", "then:9999999999", "é" * 3, "a.b[", "{{", "x" * 5_000,
    [], [[]], [None], ["x", 1, {}], {}, {"id": 1}, {"": ""}, {"value": {"value": 1}},
    [{"id": "exec-in"}, {"id": 5}, 7], [{"id": "a", "value": []}, {"id": None}],
]  # fmt: skip


def everything() -> dict[str, Any]:
    nodes, edges = [], []
    before = ""
    for number, kind in enumerate(catalog()):
        node_id = f"n{number}"
        data = json.loads(json.dumps(new_data(kind)))
        nodes.append({"id": node_id, "type": kind.name, "position": {"x": 0, "y": 0}, "data": data})
        if kind.is_exec:
            exits = [pin["id"] for pin in data["outputs"] if pin["type"] == "execution"]
            if before and any(pin["id"] == "exec-in" for pin in data["inputs"]):
                source, handle = before.split("|")
                ends = {
                    "source": source,
                    "sourceHandle": handle,
                    "target": node_id,
                    "targetHandle": "exec-in",
                }
                edges.append({"id": f"x{number}", **ends})
            before = f"{node_id}|{exits[-1]}" if exits else before
        for other, pin in enumerate(data["inputs"]):
            if pin["type"] != "execution" and number > 2:
                ends = {"source": f"n{number - 1 - other % 2}", "sourceHandle": "result"}
                edges.append(
                    {"id": f"d{number}-{other}", **ends, "target": node_id, "targetHandle": pin["id"]}
                )
    return {"id": "everything", "nodes": nodes, "edges": edges, "entryNode": "n0"}


def spots(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    places = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in places:
        found.append((value, key))
        spots(each, found)
    return found


def damaged(document: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    broken = copy.deepcopy(document)
    for _ in range(draw.randint(1, 40)):
        places = spots(broken, [])
        if not places:
            break
        holder, key = draw.choice(places)
        if isinstance(holder, dict) and draw.random() < 0.2:
            del holder[key]
        elif isinstance(holder, dict) and draw.random() < 0.2:
            holder[draw.choice(["pinDefaults", "inputs", "outputs", "switchConfig", "x"])] = copy.deepcopy(
                draw.choice(JUNK)
            )
        else:
            holder[key] = copy.deepcopy(draw.choice(JUNK))
    return broken


def test_a_flow_of_every_node_type_is_checked() -> None:
    problems = check(everything())
    assert {problem.code for problem in problems}.isdisjoint(
        {"node.unknown_type", "node.settings", "flow.no_entry"}
    )


@pytest.mark.parametrize("seed", range(60))
def test_nothing_but_a_refusal_comes_of_a_damaged_document(seed: int) -> None:
    draw = random.Random(seed)
    document = damaged(everything(), draw)
    text = json.dumps(document)
    try:
        flow = load_visualflow_json(document)
    except InvalidFlow:
        assert not str(document.get("id") or "").strip() or not isinstance(document["id"], str)
        return
    assert json.loads(json.dumps(flow.to_json())) == json.loads(text)
    for problem in check(flow, flows={"other"}):
        assert problem.message
        json.dumps(problem.to_json())
    refused: list[Any] = []
    try:
        json.dumps(compile_program(flow).to_json())
        lower_tree(None, {flow.id: flow})
    except InvalidFlow as refusal:
        refused += refusal.problems
        assert_told(refused)


def assert_told(refused: list[Any]) -> None:
    assert refused
    assert all(problem.message and problem.severity == "error" for problem in refused)
