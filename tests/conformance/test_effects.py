"""Every built-in effect, on every backend: the cases declared beside its handler, and what all promise."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from abstractruntime import (
    Effect,
    EffectType,
    InMemoryArtifactStore,
    RunState,
    RunStatus,
    Runtime,
    WorkflowRegistry,
    WorkflowSpec,
)
from abstractruntime.core.effects import EffectOutcome, HandlerTable, Services
from abstractruntime.effects import built_in, modules
from abstractruntime.storage import Stores, open_stores
from abstractruntime.storage.backends import BACKENDS
from abstractruntime.testing.flows import ask_for, end, flow

# Effects whose handler the host brings: models, tools, and a knowledge graph.
HOST_WIRED = {
    EffectType.READ_PDF,
    EffectType.WRITE_PDF,
    EffectType.IMPORT_FILE,
    EffectType.EXPORT_ARTIFACT,
    EffectType.READ_ARTIFACT,
    EffectType.LLM_CALL,
    EffectType.MODEL_RESIDENCY,
    EffectType.TOOL_CALLS,
    EffectType.MEMORY_KG_ASSERT,
    EffectType.MEMORY_KG_QUERY,
    EffectType.MEMORY_KG_RESOLVE,
    EffectType.WEB_REQUEST,
    EffectType.NOTIFY,
}

Case = tuple[EffectType, dict[str, Any], str | None, str, Any]
CASES: list[Case] = [
    case for name in modules() for case in import_module(f"abstractruntime.effects.{name}").CASES
]
IDS = [f"{case[0].value}-{number}" for number, case in enumerate(CASES)]
STATUS = {"completed": "completed", "waiting": "waiting", "failed": "failed"}


@pytest.fixture(params=sorted(BACKENDS))
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    urls = {
        "json": f"json:///{tmp_path}/runs?sync=never",
        "memory": "memory:",
        "sqlite": f"sqlite:///{tmp_path}/runs.db",
    }
    opened = open_stores(urls[request.param])
    yield opened
    opened.close()


def runtime_over(stores: Stores) -> Runtime:
    return Runtime(
        run_store=stores.runs,
        ledger_store=stores.ledger,
        workflow_registry=WorkflowRegistry(),
        artifact_store=InMemoryArtifactStore(),
    )


def asking(case: Case) -> WorkflowSpec:
    effect_type, payload, next_node, _, _ = case
    node = ask_for("node-1", effect_type, payload, next_node, "result")
    return flow("node-1", **{"node-1": node, "next": end("next"), "other": end("other")})


def contains(whole: Any, part: Any) -> bool:
    """Say whether every key of `part` is in `whole` with that value."""
    return isinstance(whole, dict) and all(whole.get(key) == value for key, value in part.items())


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_case_has_the_outcome_that_is_declared(stores: Stores, case: Case) -> None:
    effect_type, _, next_node, status, expected = case
    runtime, spec = runtime_over(stores), asking(case)
    runtime.start(spec, run_id="run-1")
    run = runtime.tick(spec, "run-1", max_steps=1)
    started, outcome = runtime.get_ledger("run-1")[:2]
    assert (started["status"], outcome["status"]) == ("started", STATUS[status])
    assert started["effect"]["type"] == effect_type.value
    if status == "completed":
        assert contains(outcome["result"], expected)
        assert run.vars["result"] == outcome["result"]
        assert run.status is (RunStatus.RUNNING if next_node else RunStatus.COMPLETED)
    elif status == "waiting":
        assert contains(outcome["result"]["wait"], expected)
        assert run.status is RunStatus.WAITING
    else:
        assert expected in outcome["error"]
        assert run.status is RunStatus.FAILED


@pytest.mark.parametrize("case", [case for case in CASES if case[3] == "failed"])
def test_a_failure_names_the_effect_and_the_node(stores: Stores, case: Case) -> None:
    runtime, spec = runtime_over(stores), asking(case)
    run = runtime.tick(spec, runtime.start(spec))
    assert case[0].value in str(run.error)
    failed = runtime.get_ledger(run.run_id)[1]
    assert (failed["node_id"], failed["effect"]["type"]) == ("node-1", case[0].value)


@pytest.mark.parametrize("case", [case for case in CASES if case[3] == "completed"])
def test_asked_twice_with_one_key_it_acts_once(stores: Stores, case: Case) -> None:
    runtime, spec = runtime_over(stores), asking(case)
    runtime.start(spec, run_id="run-1")
    run = runtime.tick(spec, "run-1")
    told = len(runtime.get_ledger("run-1"))
    first = runtime.get_ledger("run-1")[1]["result"]
    run.status, run.current_node, run.output = RunStatus.RUNNING, "node-1", None
    stores.runs.save(run)
    again = runtime_over(stores).tick(spec, "run-1")
    started = [r for r in runtime.get_ledger("run-1")[told:] if r["status"] == "started"]
    assert (started, again.vars["result"]) == ([], first)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_handler_leaves_the_run_alone_and_answers_in_json(stores: Stores, case: Case) -> None:
    outcomes: list[EffectOutcome] = []
    table, runtime, spec = built_in(), runtime_over(stores), asking(case)
    handler = table[case[0]]

    def watched(run: RunState, effect: Effect, next_node: str | None, services: Services) -> EffectOutcome:
        before, payload = copy.deepcopy(run), copy.deepcopy(effect.payload)
        outcome = handler.call(run, effect, next_node, services)
        assert (run, effect.payload) == (before, payload)
        outcomes.append(outcome)
        return outcome

    watching = type(handler)(watched, handler.external, handler.retry)
    runtime._engine.handlers = HandlerTable({**table, case[0]: watching})
    runtime.tick(spec, runtime.start(spec, run_id="run-1"), max_steps=1)
    assert json.loads(json.dumps(outcomes[0].result)) == outcomes[0].result


def test_every_effect_has_a_handler_or_is_the_hosts() -> None:
    handled = set(built_in())
    assert handled | HOST_WIRED == set(EffectType)
    assert handled & HOST_WIRED == set()


def test_every_handler_has_cases() -> None:
    assert {case[0] for case in CASES} == set(built_in())
