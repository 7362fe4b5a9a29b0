"""Every flow of the gallery does what its sample says (docs/samples.md), through restarts."""

from __future__ import annotations

import inspect
import json
import os
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.core.models import EffectType, RunState, RunStatus, WaitReason
from abstractruntime.core.waits import deadline_of
from abstractruntime.integrations.abstractcore.llm_call import make_llm_call_handler
from abstractruntime.integrations.abstractcore.react_agent import react_agent_workflow
from abstractruntime.integrations.abstractcore.tool_calls import make_tool_calls_handler
from abstractruntime.nodes.agent_work import agent_workflow
from abstractruntime.nodes.catalog import catalog
from abstractruntime.testing.verify import verify
from abstractruntime.visualflow_compiler.validate import check
from drive import NOBODY, Host, Played
from flowstudio.ai.keys import KeyStore
from flowstudio.ai.scripted import ScriptedModel
from flowstudio.ai.tools import Tools
from flowstudio.gallery import put_sample_files
from flowstudio.outside.outbox import Outbox
from flowstudio.outside.practice import HOST, Practice
from flowstudio.outside.retries import NodesOwnPolicy
from flowstudio.outside.web import WebRequest
from flowstudio.outside.workspace import WorkspaceFolder
from house import ROOT

FLOWS = ROOT / "flows"
BEGIN = datetime(2030, 1, 1, tzinfo=UTC)  # where the clock of a host stands
SAMPLES = {file.stem: json.loads(file.read_bytes()) for file in sorted((FLOWS / "samples").glob("*.json"))}
CASES = [
    pytest.param(
        flow_id,
        case,
        id=f"{flow_id}-{case['name'].replace(' ', '-')}",
        marks=[pytest.mark.slow] if "kill_every" in case else [],
    )
    for flow_id, sample in SAMPLES.items()
    for case in sample["cases"]
]


def document(flow_id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FLOWS / f"{flow_id}.json").read_bytes())
    return found


def needed(flow_id: str) -> list[dict[str, Any]]:
    """Return a flow and the flows that its nodes name."""
    found = [document(flow_id)]
    for each in found:  # grows while we read
        names = [node["data"].get("subflowId") for node in each["nodes"]]
        found += [document(name) for name in names if name and name not in [one["id"] for one in found]]
    return found


def model_of(flow_id: str, case: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rules of the scripted model: those of the case, else those of the sample."""
    found: list[dict[str, Any]] = case.get("model") or SAMPLES.get(flow_id, {}).get("model", [])
    return found


class Stage(Host):
    """A host with all that a flow of the gallery may ask for; an event comes after some days."""

    outbox: Outbox
    tools: Tools
    event_after: float | None = None

    def restart(self) -> None:
        super().restart()
        for flow_id, node_id in self.agents:
            name = agent_workflow(flow_id, node_id)
            self.registry.specs[name] = react_agent_workflow(name, self.tools.specs)

    agents: tuple[tuple[str, str], ...] = ()

    def drive(self, run_id: str, max_steps: int = 2_000) -> RunState:
        while True:
            run = super().drive(run_id, max_steps)
            if run.status is not RunStatus.RUNNING:
                return run

    def _first(self, children: list[RunState]) -> RunState:  # type: ignore[override]
        if self.event_after is not None and self.clock.moment >= BEGIN + timedelta(days=self.event_after):
            heard = [each for each in children if each.waiting and each.waiting.reason is WaitReason.EVENT]
            if heard:
                return heard[0]
        return super()._first(children)


class Present:
    """A store of a host as it is open now, whatever restarts there were."""

    def __init__(self, host: Host, name: str) -> None:
        self._host, self._name = host, name

    def __getattr__(self, name: str) -> Any:
        return getattr(getattr(self._host.stores, self._name), name)


class Fragile(Stage):
    """A host that is killed after every step, or after some: all that a run has is what was stored."""

    kills = 0
    every = 1

    def drive(self, run_id: str, max_steps: int = 1) -> RunState:
        while True:
            run = Host.drive(self, run_id, self.every)
            if run.status is not RunStatus.RUNNING:
                return run
            self.restart()
            self.kills += 1


class Counted:
    """A handler that counts how often it acts, and under which keys."""

    external = True

    def __init__(self, handler: Callable[..., Any]) -> None:
        self.handler = handler
        self.keys: list[str] = []

    def __call__(self, run: Any, effect: Any, next_node: Any = None, *, idempotency_key: str = "") -> Any:
        self.keys.append(idempotency_key)
        takes = inspect.signature(self.handler).parameters.values()
        places = [each for each in takes if each.kind is each.POSITIONAL_OR_KEYWORD]
        more = {"idempotency_key": idempotency_key} if "idempotency_key" in [p.name for p in takes] else {}
        return self.handler(*(run, effect, next_node)[: len(places)], **more)


def host_of(flow_id: str, case: Mapping[str, Any], folder: Path, kind: type[Stage] = Stage) -> Stage:
    shop, workspace = Practice(folder / "practice.json"), folder / "workspace"
    put_sample_files(FLOWS, workspace)
    for path, text in case.get("files", {}).items():
        (workspace / path).write_text(text, encoding="utf-8")
    for file in workspace.rglob("*.*"):
        os.utime(file, (BEGIN.timestamp(), BEGIN.timestamp()))
    handlers: dict[EffectType, Any] = {
        EffectType.WEB_REQUEST: WebRequest(inside={HOST: lambda: shop}),
        EffectType.LLM_CALL: make_llm_call_handler(llm=ScriptedModel(model_of(flow_id, case))),
    }
    found = needed(flow_id)
    host = kind(*found, store=f"sqlite:///{folder}/runs.db", handlers=handlers, policy=NodesOwnPolicy())
    host.outbox = Outbox(folder / "outbox", now=host.clock)
    host.tools = Tools(folder, KeyStore(folder), practice=shop)
    host.event_after = case.get("event_after")
    if isinstance(host, Fragile):
        host.every = case.get("kill_every", 1)
    host.agents = tuple(
        (flow["id"], node["id"]) for flow in found for node in flow["nodes"] if node["type"] == "agent"
    )
    handlers[EffectType.NOTIFY] = host.outbox
    handlers[EffectType.TOOL_CALLS] = make_tool_calls_handler(
        tools=host.tools.executor, run_store=Present(host, "runs"), ledger_store=Present(host, "ledger")
    )
    handlers |= WorkspaceFolder(workspace, host.artifacts).handlers()
    host.handlers = handlers
    host.restart()
    return host


def books_in(folder: Path) -> list[dict[str, Any]]:
    """Return the entries of the practice shop's books."""
    file = folder / "practice.json"
    found: list[dict[str, Any]] = json.loads(file.read_bytes())["books"] if file.is_file() else []
    return found


def play(host: Stage, case: Mapping[str, Any]) -> Played:
    if "turns" not in case:
        answers = [NOBODY if each is None else each for each in case.get("answers", ())]
        return host.play(case.get("inputs"), answers)
    played = Played(host, host.start(case.get("inputs")))
    for _ in range(case["turns"]):
        run = host.drive(played.root)
        assert run.waiting is not None, run.error
        assert run.waiting.until
        host.clock.move(to=deadline_of(run.waiting))
        host.restart()
    host.drive(played.root)
    played.state = host.runtime.get_state(played.root)
    return played


@pytest.mark.parametrize(("flow_id", "case"), CASES)
def test_a_flow_survives_a_kill_after_every_step(flow_id: str, case: dict[str, Any], tmp_path: Path) -> None:
    """Same end, same words, and every call to the world made as often as in a run that nobody kills."""
    ends, acts = [], []
    for kind in (Stage, Fragile):
        folder = tmp_path / kind.__name__
        folder.mkdir()
        host = host_of(flow_id, case, folder, kind)
        counted = {each: Counted(handler) for each, handler in (host.handlers or {}).items()}
        host.handlers = counted
        host.restart()
        played = play(host, case)
        notices = host.outbox.notices()
        told = sorted(notice["message"] for notice in notices)
        asked = (played.asked, played.messages, played.waits)
        ends.append((played.status, played.output, played.error, played.visits, told, asked))
        acts.append({each.value: sorted(Counter(handler.keys).values()) for each, handler in counted.items()})
        assert played.status == case["expect"].get("status", "completed"), played.error
        assert verify(host.stores) == []
    assert ends[0] == ends[1]
    assert acts[0] == acts[1]
    assert isinstance(host, Fragile)
    assert host.kills >= (len(played.visits) - len(played.waits) - 1) // host.every


@pytest.mark.parametrize(("flow_id", "case"), CASES)
def test_a_sample_has_its_expected_result(
    flow_id: str, case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = host_of(flow_id, case, tmp_path)
    played, expect = play(host, case), case["expect"]
    assert played.status == expect.get("status", "completed"), played.error
    if "error" in expect:
        assert expect["error"] in str(played.error)
    for what in ("output", "messages", "asked"):
        if what in expect:
            assert getattr(played, what) == expect[what]
    if "last" in expect:
        assert played.visits[-1] == expect["last"]
    if "notices" in expect:
        notices = host.outbox.notices()
        assert sorted(notice["message"] for notice in notices) == sorted(expect["notices"])
    for path, text in expect.get("written", {}).items():
        assert (tmp_path / "workspace" / path).read_text(encoding="utf-8") == text
    for path, count in expect.get("lines", {}).items():
        assert (tmp_path / "workspace" / path).read_text(encoding="utf-8").count("\n") == count
    if "refunds" in expect:
        assert [entry["key"] for entry in books_in(tmp_path) if entry["action"] == "refund"] == expect[
            "refunds"
        ]
    if "taken" in expect:
        books = books_in(tmp_path)
        step = {"reserve": 1, "cancel": -1}
        taken: dict[str, int] = {}
        for entry in books:
            taken[entry["item"]] = taken.get(entry["item"], 0) + step[entry["action"]]
        assert taken == expect["taken"]
    assert played.state.status in (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.WAITING)


def test_a_book_of_approvals_that_cannot_be_read_is_never_written_over(tmp_path: Path) -> None:
    host = host_of("expense-approval", {}, tmp_path)
    book = tmp_path / "workspace" / "approved.csv"
    book.write_bytes("who,amount,purpose\nZoé,90,Lamp".encode("latin-1"))
    assert host.play({"amount": 80}).status == "completed"
    assert book.read_bytes() == b"who,amount,purpose\nZo\xe9,90,Lamp\nAna,80,New chair\n"
    book.rename(tmp_path / "kept.csv")
    book.symlink_to(tmp_path / "kept.csv")
    before = book.read_bytes()
    played = host.play({"amount": 80})
    assert played.status == "failed"
    assert "append_file: 'approved.csv' leads through a link" in str(played.error)
    assert book.read_bytes() == before


def test_two_approvals_at_the_same_instant_both_have_their_row(tmp_path: Path) -> None:
    (tmp_path / "workspace").mkdir()
    names = [f"person {number}" for number in range(6)]
    hosts = {}
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "workspace").symlink_to(tmp_path / "workspace")
        hosts[name] = host_of("expense-approval", {}, tmp_path / name)

    def approve(name: str) -> str:
        return str(hosts[name].play({"amount": 80, "who": name}).status)

    with ThreadPoolExecutor(len(names)) as pool:
        assert set(pool.map(approve, names)) == {"completed"}
    lines = (tmp_path / "workspace" / "approved.csv").read_text().splitlines()
    assert lines[0] == "who,amount,purpose"
    assert sorted(lines[1:]) == [f"{name},80,New chair" for name in names]


@pytest.mark.parametrize("flow_id", SAMPLES)
def test_a_flow_opens_without_a_problem_with_words_at_its_steps_and_a_note(flow_id: str) -> None:
    found = document(flow_id)
    known = {each["id"]: each for each in needed(flow_id)}
    assert [each.message for each in check(found, flows=set(known))] == []
    for each in found["nodes"]:
        kind = catalog().get(each["type"])
        assert kind is not None
        assert each["data"]["label"].strip() not in ("", kind.label), (
            f"{each['id']} does not say what it does"
        )
    marks = [each["data"].get("canvas", {}) for each in found["nodes"]]
    notes = [note for each in marks for note in each.get("notes", {}).values()]
    sample = SAMPLES[flow_id]
    assert sample["learn"] in " ".join(note["text"] for note in notes)
    assert found["description"].strip()


def test_the_gallery_is_whole() -> None:
    assert set(SAMPLES) <= {file.stem for file in FLOWS.glob("*.json")}
    orders = sorted(sample["order"] for sample in SAMPLES.values() if sample["order"] is not None)
    assert orders == list(range(1, 15))
    for sample in SAMPLES.values():
        assert sample["problem"]
        assert sample["learn"]
        assert all(case["expect"] for case in sample["cases"])
