"""Every flow of the gallery does what its sample says (docs/samples.md), through restarts."""

from __future__ import annotations

import inspect
import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.core.models import EffectType, RunState, RunStatus
from abstractruntime.integrations.abstractcore.llm_call import make_llm_call_handler
from abstractruntime.nodes.catalog import catalog
from abstractruntime.testing.verify import verify
from abstractruntime.visualflow_compiler.validate import check
from drive import NOBODY, Host, Played
from flowstudio.ai.scripted import ScriptedModel
from flowstudio.outside.outbox import Outbox
from flowstudio.outside.practice import HOST, Practice
from flowstudio.outside.retries import NodesOwnPolicy
from flowstudio.outside.web import WebRequest
from house import ROOT

FLOWS = ROOT / "flows"
SAMPLES = {file.stem: json.loads(file.read_bytes()) for file in sorted((FLOWS / "samples").glob("*.json"))}
CASES = [
    pytest.param(flow_id, case, id=f"{flow_id}-{case['name'].replace(' ', '-')}")
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


class Fragile(Host):
    """A host that is killed after every step: all that a run has is what was stored."""

    kills = 0

    def drive(self, run_id: str, max_steps: int = 1) -> RunState:
        while True:
            run = super().drive(run_id, 1)
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


def host_of(flow_id: str, case: Mapping[str, Any], folder: Path, kind: type[Host] = Host) -> Host:
    shop = Practice(folder / "practice.json")
    handlers = {
        EffectType.WEB_REQUEST: WebRequest(inside={HOST: lambda: shop}),
        EffectType.NOTIFY: Outbox(folder / "outbox"),
        EffectType.LLM_CALL: make_llm_call_handler(llm=ScriptedModel(case.get("model", []))),
    }
    host = kind(
        *needed(flow_id), store=f"sqlite:///{folder}/runs.db", handlers=handlers, policy=NodesOwnPolicy()
    )
    host.outbox = Outbox(folder / "outbox", now=host.clock)  # type: ignore[attr-defined]
    handlers[EffectType.NOTIFY] = host.outbox  # type: ignore[attr-defined]
    return host


def play(host: Host, case: Mapping[str, Any]) -> Played:
    if "turns" not in case:
        answers = [NOBODY if each is None else each for each in case.get("answers", ())]
        return host.play(case.get("inputs"), answers)
    played = Played(host, host.start(case.get("inputs")))
    for _ in range(case["turns"]):
        run = host.drive(played.root)
        assert run.waiting is not None, run.error
        assert run.waiting.until
        host.clock.move(to=run.waiting.until)
        host.restart()
    host.drive(played.root)
    played.state = host.runtime.get_state(played.root)
    return played


@pytest.mark.parametrize(("flow_id", "case"), CASES)
def test_a_flow_survives_a_kill_after_every_step(flow_id: str, case: dict[str, Any], tmp_path: Path) -> None:
    """Same end, same words, and every call to the world made as often as in a run that nobody kills."""
    ends, acts = [], []
    for kind in (Host, Fragile):
        folder = tmp_path / kind.__name__
        folder.mkdir()
        host = host_of(flow_id, case, folder, kind)
        counted = {each: Counted(handler) for each, handler in (host.handlers or {}).items()}
        host.handlers = counted
        host.restart()
        played = play(host, case)
        notices = host.outbox.notices()  # type: ignore[attr-defined]
        told = sorted(notice["message"] for notice in notices)
        asked = (played.asked, played.messages, played.waits)
        ends.append((played.status, played.output, played.error, played.visits, told, asked))
        acts.append({each.value: sorted(Counter(handler.keys).values()) for each, handler in counted.items()})
        assert played.status == case["expect"].get("status", "completed"), played.error
        assert verify(host.stores) == []
    assert ends[0] == ends[1]
    assert acts[0] == acts[1]
    assert isinstance(host, Fragile)
    assert host.kills >= len(played.visits) - len(played.waits) - 1


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
        notices = host.outbox.notices()  # type: ignore[attr-defined]
        assert sorted(notice["message"] for notice in notices) == sorted(expect["notices"])
    if "taken" in expect:
        books = json.loads((tmp_path / "practice.json").read_bytes())["books"]
        step = {"reserve": 1, "cancel": -1}
        taken: dict[str, int] = {}
        for entry in books:
            taken[entry["item"]] = taken.get(entry["item"], 0) + step[entry["action"]]
        assert taken == expect["taken"]
    assert played.state.status in (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.WAITING)


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
