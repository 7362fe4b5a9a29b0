"""Packing: what goes in, what is missing, the same bytes each time, never half a file."""

from __future__ import annotations

import json
import os
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.workflow_bundle import (
    WorkflowBundleError,
    inspect_workflow_bundle,
    open_workflow_bundle,
    pack_workflow_bundle,
    unpack_workflow_bundle,
)
from kernel.workflow_bundle.bundle_flows import end, flow, listener, plain, save, start, subflow


def packed(folder: Path, *documents: dict[str, Any], **more: Any) -> list[str]:
    root = save(folder, *documents)
    return pack_workflow_bundle(root_flow_json=root, out_path=folder / "out.flow", **more).flow_ids


def test_a_flow_is_packed_with_its_manifest(tmp_path: Path) -> None:
    document = plain("a", description="Greets.", interfaces=["x.v1"], updated_at="2026-01-02T03:04:05+01:00")
    root = save(tmp_path, document)
    bundle = pack_workflow_bundle(
        root_flow_json=root,
        out_path=tmp_path / "deep" / "out.flow",
        bundle_version="1.2.3",
        metadata={"k": 1},
    )
    manifest = inspect_workflow_bundle(bundle_path=bundle.path)
    assert manifest == bundle.manifest
    assert (manifest.bundle_id, manifest.bundle_version, manifest.default_entrypoint) == ("a", "1.2.3", "a")
    assert manifest.created_at == "2026-01-02T02:04:05+00:00"
    entry = manifest.entrypoints[0]
    assert (entry.flow_id, entry.name, entry.description) == ("a", "Flow a", "Greets.")
    assert (entry.interfaces, manifest.metadata) == (["x.v1"], {"k": 1})
    assert open_workflow_bundle(bundle.path).read_bytes("flows/a.json") == root.read_bytes()


def test_the_closure_follows_every_name_of_a_reference(tmp_path: Path) -> None:
    keys = ("subflowId", "flowId", "workflowId", "workflow_id")
    nodes = [start(), *(subflow(f"n{at}", f"child{at}", key) for at, key in enumerate(keys)), end()]
    root = flow("root", nodes, "start n0 n1 n2 n3 end")
    children = [plain(f"child{at}") for at in range(4)]
    assert packed(tmp_path, root, *children) == ["child0", "child1", "child2", "child3", "root"]


def test_the_closure_goes_deep_and_round(tmp_path: Path) -> None:
    a = flow("a", [start(), subflow("s", "b")], "start s")
    b = flow("b", [start(), subflow("s", "c")], "start s")
    c = flow("c", [start(), subflow("s", "a"), subflow("self", "c")], "start s self")
    assert packed(tmp_path, a, b, c, plain("unused")) == ["a", "b", "c"]


def test_listeners_and_the_main_branch_both_count(tmp_path: Path) -> None:
    """A flow without `entryNode` that has a listener keeps the subflows of its main branch."""
    nodes = [
        start(),
        subflow("s", "main"),
        listener("l"),
        subflow("t", "heard"),
        listener("l2"),
        subflow("u", "x2"),
    ]
    root = flow("root", nodes, "start s", "l t", "l2 u")
    children = [plain("main"), plain("heard"), plain("x2")]
    assert packed(tmp_path, root, *children) == ["heard", "main", "root", "x2"]
    named = flow("named", nodes, "start s", "l t", "l2 u", entryNode="l")
    assert packed(tmp_path / "named", named, *children) == ["heard", "named", "x2"]


def test_unreachable_subflows_stay_out(tmp_path: Path) -> None:
    root = flow("root", [start(), end(), subflow("lost", "nowhere")], "start end")
    assert packed(tmp_path, root) == ["root"]


def test_a_sketch_without_execution_pins_counts_as_a_whole(tmp_path: Path) -> None:
    nodes = [{"id": f"n{at}", "type": "subflow", "data": {"subflowId": f"c{at}"}} for at in range(2)]
    assert packed(tmp_path, flow("root", nodes), plain("c0"), plain("c1")) == ["c0", "c1", "root"]


def test_flows_are_found_by_the_id_inside(tmp_path: Path) -> None:
    root = save(tmp_path, flow("root", [start(), subflow("s", "child")], "start s"))
    (tmp_path / "some other name.json").write_text(json.dumps(plain("child")), encoding="utf-8")
    (tmp_path / "child.json").write_text(json.dumps(plain("not-the-child")), encoding="utf-8")
    (tmp_path / "junk.json").write_text("{", encoding="utf-8")
    bundle = pack_workflow_bundle(root_flow_json=root, out_path=tmp_path / "o.flow")
    assert bundle.manifest.flows == {"child": "flows/child.json", "root": "flows/root.json"}
    assert json.loads(open_workflow_bundle(bundle.path).read_text("flows/child.json"))["id"] == "child"


def test_two_files_for_one_flow_are_told(tmp_path: Path) -> None:
    root = save(tmp_path, flow("root", [start(), subflow("s", "child")], "start s"))
    (tmp_path / "one.json").write_text(json.dumps(plain("child")), encoding="utf-8")
    (tmp_path / "two.json").write_text(json.dumps(plain("child", description="other")), encoding="utf-8")
    with pytest.raises(WorkflowBundleError, match=r"one\.json, two\.json"):
        pack_workflow_bundle(root_flow_json=root, out_path=tmp_path / "o.flow")


def test_everything_that_is_missing_is_listed(tmp_path: Path) -> None:
    nodes = [start(), subflow("s", "gone"), subflow("t", "lost"), subflow("u", None)]
    root = save(tmp_path, flow("root", nodes, "start s t u"))
    (tmp_path / "junk.json").write_text("{", encoding="utf-8")
    with pytest.raises(WorkflowBundleError) as refusal:
        pack_workflow_bundle(root_flow_json=root, out_path=tmp_path / "o.flow")
    message = str(refusal.value)
    assert (
        "Missing referenced subflows in flows_dir: ['<missing-subflow-id:root:u>', 'gone', 'lost']" in message
    )
    assert "junk.json" in message
    assert sorted(os.listdir(tmp_path)) == ["junk.json", "root.json"]


def test_the_same_flows_give_the_same_bytes(tmp_path: Path) -> None:
    nodes = [start(), subflow("s", "b"), subflow("t", "c")]
    root = save(tmp_path / "one", flow("a", nodes, "start s t"), plain("b"), plain("c"))
    other = save(tmp_path / "two", flow("a", nodes, "start s t"), plain("c"), plain("b"))
    os.utime(other, (1, 1))
    first = pack_workflow_bundle(root_flow_json=root, out_path=tmp_path / "1.flow").path.read_bytes()
    second = pack_workflow_bundle(root_flow_json=other, out_path=tmp_path / "2.flow").path.read_bytes()
    assert first == second
    third = pack_workflow_bundle(
        root_flow_json=other, out_path=tmp_path / "3.flow", created_at="2026-05-05T00:00:00+00:00"
    )
    assert third.manifest.created_at == "2026-05-05T00:00:00+00:00"
    assert third.path.read_bytes() != first
    with zipfile.ZipFile(third.path) as held:
        assert held.namelist() == ["manifest.json", "flows/a.json", "flows/b.json", "flows/c.json"]


def test_entrypoints_are_packed_flows(tmp_path: Path) -> None:
    root = flow("root", [start(), subflow("s", "child")], "start s")
    packed(tmp_path, root, plain("child"), entrypoints=["child", "root"])
    manifest = inspect_workflow_bundle(bundle_path=tmp_path / "out.flow")
    assert [entry.flow_id for entry in manifest.entrypoints] == ["child", "root"]
    assert manifest.default_entrypoint == "root"
    packed(tmp_path, root, plain("child"), entrypoints=["child"])
    assert inspect_workflow_bundle(bundle_path=tmp_path / "out.flow").default_entrypoint == "child"
    with pytest.raises(WorkflowBundleError, match="'elsewhere' is not among the packed flows"):
        packed(tmp_path, root, plain("child"), plain("elsewhere"), entrypoints=["elsewhere"])
    with pytest.raises(WorkflowBundleError, match="default_entrypoint"):
        packed(tmp_path, root, plain("child"), default_entrypoint="child")


def test_ids_that_differ_by_case_only_live_side_by_side(tmp_path: Path) -> None:
    root = flow("a", [start(), subflow("s", "A")], "start s")
    save(tmp_path, root)
    (tmp_path / "upper.json").write_text(json.dumps(plain("A")), encoding="utf-8")
    bundle = pack_workflow_bundle(root_flow_json=tmp_path / "a.json", out_path=tmp_path / "o.flow")
    assert len({path.casefold() for path in bundle.manifest.flows.values()}) == 2
    opened = open_workflow_bundle(bundle.path)
    assert [opened.read_json(bundle.manifest.flows[each])["id"] for each in ("A", "a")] == ["A", "a"]


@pytest.mark.parametrize("flow_id", ["a b", "é", "日本", "CON", "aux.txt", "<b>", "a:b", "ends."])
def test_an_id_that_cannot_be_a_file_name_is_packed_under_a_digest(flow_id: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(json.dumps(plain(flow_id)), encoding="utf-8")
    packed = pack_workflow_bundle(root_flow_json=tmp_path / "x.json", out_path=tmp_path / "o.flow")
    path = packed.manifest.flows[flow_id]
    assert re.fullmatch(r"flows/flow-[0-9a-f]{12}\.json", path)
    assert open_workflow_bundle(packed.path).read_json(path)["id"] == flow_id


@pytest.mark.parametrize("flow_id", ["a b/c", "..", "a\\b", "a\u202eb", "a\nb", "x" * 201])
def test_an_id_that_nobody_can_read_is_told(flow_id: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(json.dumps(plain(flow_id)), encoding="utf-8")
    with pytest.raises(WorkflowBundleError, match="cannot stand in a bundle"):
        pack_workflow_bundle(root_flow_json=tmp_path / "x.json", out_path=tmp_path / "o.flow")


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"nodes": []}', "null"])
def test_a_root_that_is_no_flow_is_told(content: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(content, encoding="utf-8")
    with pytest.raises(WorkflowBundleError, match=r"x\.json"):
        pack_workflow_bundle(root_flow_json=tmp_path / "x.json", out_path=tmp_path / "o.flow")


def test_a_missing_root_or_folder_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        pack_workflow_bundle(root_flow_json=tmp_path / "x.json", out_path=tmp_path / "o.flow")
    root = save(tmp_path, plain("a"))
    with pytest.raises(FileNotFoundError):
        pack_workflow_bundle(root_flow_json=root, out_path=tmp_path / "o.flow", flows_dir=tmp_path / "no")


def test_strict_packing_refuses_flows_that_would_not_run(tmp_path: Path) -> None:
    root = save(tmp_path, flow("a", [start(), {"id": "n", "type": "no_such_node", "data": {}}], "start n"))
    assert pack_workflow_bundle(root_flow_json=root, out_path=tmp_path / "o.flow").flow_ids == ["a"]
    with pytest.raises(WorkflowBundleError, match="no_such_node"):
        pack_workflow_bundle(root_flow_json=root, out_path=tmp_path / "p.flow", strict=True)
    assert not (tmp_path / "p.flow").exists()


def test_a_failed_packing_leaves_the_old_file(tmp_path: Path) -> None:
    root = save(tmp_path, plain("a"))
    target = pack_workflow_bundle(root_flow_json=root, out_path=tmp_path / "o.flow").path
    before = target.read_bytes()
    root.write_text(json.dumps(plain("a", note="x" * (33 * 1024 * 1024))), encoding="utf-8")
    with pytest.raises(WorkflowBundleError, match="larger than 32 MiB"):
        pack_workflow_bundle(root_flow_json=root, out_path=target)
    assert target.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["a.json", "o.flow"]


def test_a_megabyte_of_one_letter_is_no_bomb(tmp_path: Path) -> None:
    assert packed(tmp_path, plain("a", note="x" * (2 * 1024 * 1024))) == ["a"]


def test_an_unpacked_bundle_is_the_same_bundle(tmp_path: Path) -> None:
    root = save(tmp_path, flow("a", [start(), subflow("s", "b")], "start s"), plain("b"))
    bundle = pack_workflow_bundle(root_flow_json=root, out_path=tmp_path / "o.flow")
    folder = unpack_workflow_bundle(bundle_path=bundle.path, out_dir=tmp_path / "x" / "y")
    assert open_workflow_bundle(folder).manifest == bundle.manifest
    assert (folder / "flows" / "a.json").read_bytes() == root.read_bytes()
    again = unpack_workflow_bundle(bundle_path=bundle.path, out_dir=folder)
    assert sorted(p.name for p in again.rglob("*.json")) == ["a.json", "b.json", "manifest.json"]
    assert sorted(os.listdir(tmp_path / "x")) == ["y"]
    with pytest.raises(FileNotFoundError):
        unpack_workflow_bundle(bundle_path=tmp_path / "no.flow", out_dir=tmp_path / "z")
    with pytest.raises(WorkflowBundleError, match="unpacked already"):
        unpack_workflow_bundle(bundle_path=folder, out_dir=tmp_path / "z")


def test_files_of_a_bundle_are_read_by_path(tmp_path: Path) -> None:
    root = save(tmp_path, plain("a"))
    bundle = open_workflow_bundle(
        pack_workflow_bundle(root_flow_json=root, out_path=tmp_path / "o.flow").path
    )
    assert bundle.read_json("flows/a.json")["id"] == "a"
    with pytest.raises(FileNotFoundError):
        bundle.read_bytes("flows/b.json")
    with pytest.raises(WorkflowBundleError):
        bundle.read_text("flows/../manifest.json")


def test_every_flow_of_the_corpus_packs(shared: Path, tmp_path: Path) -> None:
    """All that people made is packed with its subflows, read back byte for byte."""
    folder = shared / "corpus" / "flows"
    count = flows = 0
    for file in sorted(folder.glob("*.json")):
        bundle = pack_workflow_bundle(root_flow_json=file, out_path=tmp_path / f"{file.stem}.flow")
        opened = open_workflow_bundle(bundle.path)
        main = bundle.manifest.default_entrypoint
        assert main == json.loads(file.read_bytes())["id"]
        assert opened.read_bytes(bundle.manifest.flows[main]) == file.read_bytes()
        count, flows = count + 1, flows + len(bundle.flow_ids)
    print(f"\npacked {count} flows of the corpus, {flows} with their subflows")
    assert count == 70
    assert flows == 100
