"""A flow is read once for all that is made of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.nodes.catalog import catalog
from abstractruntime.visualflow_compiler import check, lower_tree, open_flow, opened, renamed
from drive import end, flow, node, start
from flowstudio.library import FlowLibrary
from flowstudio.programs import Programs

CHILD = flow("child", {"start": start("n"), "end": end("n")}, "start -> end, start.n -> end.n")
ROOT = flow(
    "root",
    {
        "start": start(),
        "call": node("subflow", subflowId="child"),
        "end": end(),
        "bell": node("on_event", pins={"name": "rung"}),
        "heard": node("subflow", subflowId="root"),
    },
    "start -> call, call -> end, bell -> heard",
)
FLOWS = {"root": ROOT, "child": CHILD}


def test_a_start_reads_each_flow_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    plain = opened.load_visualflow_json

    def counted(source: Any, **how: bool) -> Any:
        flow_ = plain(source, **how)
        read.append(flow_.id)
        return flow_

    monkeypatch.setattr(opened, "load_visualflow_json", counted)
    (tmp_path / "flows").mkdir()
    (tmp_path / "programs").mkdir()
    library = FlowLibrary(tmp_path / "flows")
    for document in FLOWS.values():
        library.put(document["id"], document)
    programs = Programs(tmp_path / "programs", library, catalog())
    root = programs.keep("root")
    assert sorted(read) == ["child", "root"]
    assert [each.split("@")[0] for each in programs.listeners(root)] == ["visual_event_listener_root_bell"]
    assert programs.keep("root") == root
    assert len(read) == 2


def test_a_renamed_program_is_the_one_that_is_lowered_under_that_name() -> None:
    def rename(name: str) -> str:
        return f"{name}@7"

    plain, named = lower_tree("root", FLOWS), lower_tree("root", FLOWS, rename=rename)
    assert {rename(key): renamed(each, catalog(), rename) for key, each in plain.programs.items()} == (
        named.programs
    )


def test_the_problems_of_a_document_are_found_without_a_copy_and_without_a_change_of_it(
    tmp_path: Path,
) -> None:
    programs = Programs(tmp_path / "programs", FlowLibrary(tmp_path / "flows"), catalog())
    old = {**ROOT["nodes"][1], "id": "old", "type": "agent", "data": {"pinDefaults": {"task": "do it"}}}
    document = json.loads(json.dumps({**ROOT, "nodes": [*ROOT["nodes"], old, {"id": "y"}, 7], "x": [1]}))
    before = json.dumps(document)
    told = programs.problems("root", document)
    assert {"pin.renamed", "flow.missing", "node.malformed"} <= {each["code"] for each in told}
    assert json.dumps(document) == before
    assert open_flow(document, own=True).flow.raw is document
    assert open_flow(document).flow.raw is not document


@pytest.mark.parametrize("nodes", [7, True, None, {}, "nodes", {"a": 1}])
def test_a_document_whose_nodes_are_no_list_is_told(tmp_path: Path, nodes: Any) -> None:
    programs = Programs(tmp_path / "programs", FlowLibrary(tmp_path / "flows"), catalog())
    codes = [each["code"] for each in programs.problems("root", {"nodes": nodes})]
    assert codes == [*(["flow.nodes"] if nodes is not None else []), "flow.no_entry"]


def test_the_problems_of_a_flow_that_is_open_are_those_of_its_check() -> None:
    assert open_flow(ROOT).problems(FLOWS) == check(ROOT, flows=FLOWS)
