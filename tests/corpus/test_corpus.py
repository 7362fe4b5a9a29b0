"""Every real document opens, is written back without loss, and is checked; those we can run end as golden.

Where an outcome differs because a fault of the reference is fixed, `docs/compatibility.md` has a row that
says so; the rows are read from there.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.core.errors import InvalidFlow
from abstractruntime.visualflow_compiler import check, flow_text, load_visualflow_json, migrate
from compiler.changes import applied
from corpus.golden_run import Outcome, needed, run_golden
from corpus.real import documents, small_documents
from drive import Host

PAGE = Path(__file__).resolve().parents[2] / "docs" / "compatibility.md"
ABSENT = pytest.param(
    "", marks=pytest.mark.skip(reason="no corpus beside the checkout: set FLOWSTUDIO_SHARED")
)
IDS = sorted(documents()) or [ABSENT]
# What differs by rule from the reference; docs/compatibility.md says why.
_NO_AGENT = re.compile(r"Workflow '(visual_react_agent_.*)' not found in registry")
_NO_MODEL = (
    "No model is configured: choose a provider and a model at this node, or give the server a default model "
    "(FlowStudio: page Settings, under Models)."
)
NO_MESSAGE = "answer_user requires payload.message"
NO_MODEL = "Agent node missing provider/model configuration"
OTHER_WAY = "the same, by another way"
ENDLESS = ("stopped_steps_limit", "stopped_time_limit")


def exceptions() -> dict[tuple[str, str], str]:
    """Return (flow, section) -> expected value of the rows of docs/compatibility.md."""
    rows = re.findall(
        r"^\| `([^`]+)` \| (\w+) \| [^|]* \| `([^`]*)` \|", PAGE.read_text("utf-8"), re.MULTILINE
    )
    return {(flow_id, section): value for flow_id, section, value in rows}


@pytest.mark.parametrize("flow_id", IDS)
def test_a_document_comes_back_without_loss_and_is_checked(flow_id: str, flows: dict[str, Any]) -> None:
    document = flows[flow_id]
    flow = load_visualflow_json(documents()[flow_id])
    assert flow.to_json() == document
    assert json.loads(flow_text(flow)) == document
    assert flow.warnings == []
    once, _ = migrate(flow)
    assert migrate(once.to_json())[0].to_json() == once.to_json()
    for problem in check(flow, flows=flows):
        assert problem.severity in ("error", "risk", "note")
        assert problem.message
        assert problem.node is None or flow.node(problem.node) is not None
        json.dumps(problem.to_json())


@pytest.mark.parametrize("flow_id", IDS)
def test_every_fix_that_a_real_flow_is_offered_mends_it(flow_id: str, flows: dict[str, Any]) -> None:
    document = flows[flow_id]
    offered = {}
    for problem in check(document, flows=flows):
        if problem.fix is not None:
            offered.setdefault((problem.code, problem.node), problem)
    for problem in offered.values():
        mended = applied(document, (problem.fix or {})["changes"])
        left = [(each.code, each.node, each.pin, each.message) for each in check(mended, flows=flows)]
        assert (problem.code, problem.node, problem.pin, problem.message) not in left


def test_one_real_flow_passes_over_its_start(flows: dict[str, Any]) -> None:
    """Visualflow.md, section 5, row 22: the editor saved its end as the entry."""
    told = {
        flow_id: [each.node for each in check(document) if each.code == "flow.start_passed"]
        for flow_id, document in flows.items()
    }
    assert {flow_id: nodes for flow_id, nodes in told.items() if nodes} == {"53d568fc": ["node-1"]}


def test_the_corpus_is_whole(flows: dict[str, Any]) -> None:
    assert len(flows) == 70


def test_every_document_can_be_run(flows: dict[str, Any]) -> None:
    unable = {}
    for flow_id in flows:
        try:
            needed(flow_id, flows)
        except InvalidFlow as refusal:
            unable[flow_id] = [problem.message for problem in refusal.problems]
    assert unable == {}


@pytest.mark.parametrize("section", ["bare", "stub"])
@pytest.mark.parametrize("flow_id", IDS)
def test_a_run_ends_as_the_golden_record_says(
    flow_id: str, section: str, flows: dict[str, Any], golden: dict[str, Any]
) -> None:
    record = golden[flow_id] if section == "bare" else golden[flow_id].get("stub", {})
    record = {**record, **record.get("recommended", {})}
    outcome = run_golden(flow_id, flows, record.get("inputs", {}), stub=section == "stub")
    known = exceptions().get((flow_id, section))
    if "node_order" not in record:
        assert outcome.status in ("completed", "failed"), "the reference could not compile it"
    elif known is not None and known.startswith("failed at "):
        assert (outcome.status, outcome.failed_node) == ("failed", known.removeprefix("failed at "))
    elif NO_MESSAGE in (record.get("error") or ""):
        order = collapsed(record["node_order"])
        assert outcome.node_order[: len(order)] == order
        assert len(outcome.node_order) > len(order)
    elif record.get("flow_error") == NO_MODEL:
        assert (outcome.status, outcome.failed_node) == ("failed", record["flow_error_node"])
    elif record["status"] == "completed" and record.get("ok") is False and "node" in record["output"]:
        _failed_at(outcome, record)
    elif record["status"] in ENDLESS:
        assert outcome.status == "stopped"
        order = collapsed(record["node_order"])
        assert outcome.node_order[: len(order)] == order
    elif known == OTHER_WAY:
        assert (outcome.status, outcome.output) == (record["status"], record["output"])
        assert (outcome.waits, outcome.messages) == (record["waits"], record["user_messages"])
        assert outcome.node_order != collapsed(record["node_order"])
    else:
        _same(outcome, record, known)


def _same(outcome: Outcome, record: dict[str, Any], known: str | None) -> None:
    assert outcome.status == record["status"]
    assert outcome.output == (json.loads(known) if known else record["output"])
    assert outcome.node_order[:250] == collapsed(record["node_order"])[: len(outcome.node_order)]
    assert outcome.waits == record["waits"]
    if not known:
        assert outcome.messages == record["user_messages"]
    _same_error(outcome, record.get("error"))


def _same_error(outcome: Outcome, said: str | None) -> None:
    """The same fault in the same words; ours says how often it was tried in the ledger, and what to do besides."""
    if said is None:
        assert (outcome.error, outcome.unwired) == (None, None)
        return
    fault = re.sub(r"^(?:Subworkflow '[^']*' failed: |Effect failed after \d+ attempts: )*", "", said)
    unwired = (
        fault.removeprefix("No effect handler registered for ") if fault.startswith("No effect") else None
    )
    ours = outcome.error or ""
    if unwired == "llm_call" and outcome.unwired is None:
        assert ours.endswith(_NO_MODEL)
    elif agent := _NO_AGENT.match(fault):
        assert f"workflow '{agent[1]}'" in ours or ours.endswith(_NO_MODEL)
    else:
        assert fault.lower() in ours.lower().replace("'", "")
        assert outcome.unwired == unwired


def collapsed(order: list[str]) -> list[str]:
    """Leave out what the reference counts twice: an agent's own run, and a node that asks again in one visit."""
    seen: list[str] = []
    for node_id in order:
        if not node_id.startswith("agent:") and (not seen or seen[-1] != node_id):
            seen.append(node_id)
    return seen


def _failed_at(outcome: Outcome, record: dict[str, Any]) -> None:
    """The one error rule: what the reference completed with `success: false` has failed."""
    assert outcome.status == "failed"
    assert outcome.failed_node == record["output"]["node"]
    assert outcome.output is None
    assert outcome.waits == record["waits"]


def test_every_row_of_the_page_is_about_a_document(flows: dict[str, Any]) -> None:
    rows = exceptions()
    assert rows
    for flow_id, _ in rows:
        assert flow_id in flows


@pytest.mark.parametrize("case_id", sorted(small_documents()) or [ABSENT])
def test_a_small_document_reaches_its_recommended_result(case_id: str) -> None:
    case = small_documents()[case_id]
    wanted = case["recommended"]
    if isinstance(wanted, str):
        wanted = case[wanted.removeprefix("same as ")]
    if wanted["status"] == "compile_error":
        with pytest.raises(InvalidFlow):
            Host(case["flow"], *case["subflows"])
        return
    played = Host(case["flow"], *case["subflows"]).play(case["vars"], case["answers"])
    assert played.status == wanted["status"]
    if "output" in wanted:
        assert played.output == wanted["output"]
    assert played.messages == wanted.get("messages", played.messages)
    assert played.asked == wanted.get("asked", played.asked)
    if wanted["status"] == "failed":
        said = case["upstream_0_4_1"].get("output", {}) or {}
        text = said.get("error") or wanted["note"].split(", ")[-1]
        assert text.removeprefix("Runtime error: ").lower() in (played.error or "").lower()
