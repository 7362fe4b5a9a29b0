"""What cannot be used is refused with its place, and the store is as it was, on every backend."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from abstractruntime import (
    Effect,
    EffectType,
    InMemoryArtifactStore,
    RunState,
    RunStatus,
    Runtime,
    StepPlan,
    WorkflowRegistry,
    WorkflowSpec,
)
from abstractruntime.core.errors import (
    Conflict,
    InvalidId,
    NodeNotFound,
    NotDurable,
    NotWaiting,
    RunIsPaused,
    RunNotFound,
    WaitKeyMismatch,
)
from abstractruntime.core.runtime import EffectOutcome
from abstractruntime.storage import Stores
from abstractruntime.testing.flows import ask_flow, ask_for, end, flow, move

from ..conftest import MakeRuntime

RING: list[Any] = []
RING.append(RING)
NOT_JSON: list[tuple[Any, str]] = [
    ({"x": object()}, ".x"),
    ({"list": [0, {"when": {1, 2}}]}, ".list[1].when"),
    ({"n": float("nan")}, ".n"),
    ({"deep": {"odd.key": b""}}, '.deep["odd.key"]'),
    ({"keys": {1: "one"}}, ".keys"),
    ({"text": "\ud800"}, ".text"),
    ({"ring": RING}, ".ring[0]"),
]
PLACES = [place for _, place in NOT_JSON]
ODD_IDS: list[Any] = [
    "nobody",
    "",
    " ",
    "../../etc/passwd",
    "a/b",
    "a\\b",
    "nul\x00",
    "-rf",
    "ü" * 300,
    5,
    None,
]


def all_of(stores: Stores, *run_ids: str) -> list[Any]:
    """Return all that is stored of some runs."""
    runs = [stores.journal.load(run_id) for run_id in run_ids]
    return [copy.deepcopy(run) for run in runs] + [stores.ledger.list(run_id) for run_id in run_ids]


@pytest.mark.parametrize(("value", "place"), NOT_JSON, ids=PLACES)
def test_variables_that_are_not_json_start_no_run(
    runtime: Runtime, stores: Stores, value: Any, place: str
) -> None:
    with pytest.raises(NotDurable) as refusal:
        runtime.start(ask_flow(), value, run_id="run-1")
    assert refusal.value.path == f"vars{place}"
    assert f"vars{place}" in str(refusal.value)
    assert stores.journal.load("run-1") is None


@pytest.mark.parametrize("value", ["text", ["list"], 7])
def test_variables_are_an_object(runtime: Runtime, value: Any) -> None:
    with pytest.raises(NotDurable, match=r"vars must be an object \(dict\), not "):
        runtime.start(ask_flow(), value)


@pytest.mark.parametrize(("value", "place"), NOT_JSON, ids=PLACES)
def test_what_a_node_leaves_in_the_variables(
    runtime: Runtime, stores: Stores, value: Any, place: str
) -> None:
    spec = flow("a", a=move("a", "b", lambda vars: vars.update(value)), b=end("b"))
    run_id = runtime.start(spec, {"kept": 1})
    before = all_of(stores, run_id)
    with pytest.raises(NotDurable, match="Node 'a' of workflow 'flow'") as refusal:
        runtime.tick(spec, run_id)
    assert refusal.value.path == f"vars{place}"
    assert all_of(stores, run_id) == before


@pytest.mark.parametrize(("value", "place"), NOT_JSON, ids=PLACES)
def test_an_output_that_is_not_json(runtime: Runtime, stores: Stores, value: Any, place: str) -> None:
    spec = flow("a", a=end("a", lambda vars: value))
    run_id = runtime.start(spec)
    before = all_of(stores, run_id)
    with pytest.raises(NotDurable, match="Node 'a'") as refusal:
        runtime.tick(spec, run_id)
    assert refusal.value.path == f"output{place}"
    assert all_of(stores, run_id) == before


@pytest.mark.parametrize("kind", [EffectType.ANSWER_USER, EffectType.LLM_CALL])
@pytest.mark.parametrize(("value", "place"), NOT_JSON, ids=PLACES)
def test_a_payload_that_is_not_json(
    make_runtime: MakeRuntime, stores: Stores, kind: EffectType, value: Any, place: str
) -> None:
    called = []

    def model(run: RunState, effect: Effect) -> EffectOutcome:
        called.append(effect)
        return EffectOutcome.completed({})

    runtime = make_runtime(effect_handlers={EffectType.LLM_CALL: model})
    spec = flow("a", a=ask_for("a", kind, {"message": "m", **value}, "b"), b=end("b"))
    run_id = runtime.start(spec)
    before = all_of(stores, run_id)
    with pytest.raises(NotDurable, match="Node 'a'") as refusal:
        runtime.tick(spec, run_id)
    assert refusal.value.path == f"payload{place}"
    assert called == []
    assert all_of(stores, run_id) == before


@pytest.mark.parametrize(("value", "place"), NOT_JSON, ids=PLACES)
def test_a_result_that_is_not_json_fails_its_run(
    make_runtime: MakeRuntime, stores: Stores, value: Any, place: str
) -> None:
    runtime = make_runtime(
        effect_handlers={EffectType.LLM_CALL: lambda run, effect: EffectOutcome.completed(value)}
    )
    spec = flow("a", a=ask_for("a", EffectType.LLM_CALL, {"prompt": "p"}, "b", "got"), b=end("b"))
    run = runtime.tick(spec, runtime.start(spec))
    assert run.status is RunStatus.FAILED
    assert "llm_call" in str(run.error)
    assert f"result{place}" in str(run.error)
    assert "got" not in run.vars
    assert [record["status"] for record in stores.ledger.list(run.run_id)][:2] == ["started", "failed"]


@pytest.mark.parametrize(("value", "place"), NOT_JSON, ids=PLACES)
def test_an_answer_that_is_not_json(runtime: Runtime, stores: Stores, value: Any, place: str) -> None:
    spec = ask_flow()
    run = runtime.tick(spec, runtime.start(spec))
    before = all_of(stores, run.run_id)
    assert run.waiting is not None
    with pytest.raises(NotDurable) as refusal:
        runtime.resume(spec, run.run_id, run.waiting.wait_key, value)
    assert refusal.value.path == f"payload{place}"
    assert all_of(stores, run.run_id) == before
    assert runtime.resume(spec, run.run_id, run.waiting.wait_key, "fine").status is RunStatus.COMPLETED


@pytest.mark.parametrize("run_id", ODD_IDS, ids=repr)
def test_an_unknown_run(runtime: Runtime, run_id: str) -> None:
    spec = ask_flow()
    acts: list[Callable[[], Any]] = [
        lambda: runtime.tick(spec, run_id),
        lambda: runtime.resume(spec, run_id, None, {}),
        lambda: runtime.get_state(run_id),
        lambda: runtime.cancel_run(run_id),
        lambda: runtime.pause_run(run_id),
        lambda: runtime.resume_run(run_id),
        lambda: runtime.update_limits(run_id, {"max_tokens": 1}),
        lambda: runtime.get_limit_status(run_id),
        lambda: runtime.get_node_traces(run_id),
        lambda: runtime.list_evidence(run_id),
        lambda: runtime.fail_run(run_id, error="x"),
    ]
    for act in acts:
        with pytest.raises((RunNotFound, InvalidId)) as refusal:  # files refuse what looks like a path
            act()
        assert isinstance(refusal.value, KeyError | ValueError)
    with suppress(InvalidId):
        assert runtime.get_ledger(run_id) == []


def test_an_id_that_looks_like_a_path_of_an_artifact(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(artifact_store=InMemoryArtifactStore())
    for odd in ("../x", "a/b", "", "x.y"):
        with pytest.raises(ValueError, match="artifact_id"):
            runtime.load_evidence(odd)
    rehydrate = ask_for("a", EffectType.MEMORY_REHYDRATE, {"span_ids": ["../../etc/passwd"]}, "b", "got")
    spec = flow("a", a=rehydrate, b=end("b"))
    run = runtime.tick(spec, runtime.start(spec))
    assert [row["error"] for row in run.vars["got"]["artifacts"]] == ["missing_messages"]


def test_an_answer_to_another_wait(runtime: Runtime, stores: Stores) -> None:
    spec = ask_flow()
    run = runtime.tick(spec, runtime.start(spec))
    before = all_of(stores, run.run_id)
    with pytest.raises(WaitKeyMismatch, match="wait_key mismatch: expected 'user:"):
        runtime.resume(spec, run.run_id, "another", {})
    assert all_of(stores, run.run_id) == before


def test_an_answer_to_a_run_that_does_not_wait(runtime: Runtime, stores: Stores) -> None:
    spec = ask_flow()
    fresh = runtime.start(spec)
    with pytest.raises(NotWaiting, match="Run is not waiting"):
        runtime.resume(spec, fresh, None, {})
    done = runtime.tick(spec, runtime.start(spec)).run_id
    runtime.resume(spec, done, None, "yes")
    cancelled = runtime.cancel_run(runtime.start(spec)).run_id
    before = all_of(stores, fresh, done, cancelled)
    for run_id in (fresh, done, cancelled):
        with pytest.raises(NotWaiting, match="Run is not waiting"):
            runtime.resume(spec, run_id, None, "again")
    assert all_of(stores, fresh, done, cancelled) == before


def test_an_answer_to_a_paused_run(runtime: Runtime, stores: Stores) -> None:
    spec = flow("a", a=ask_for("a", EffectType.WAIT_EVENT, {"wait_key": "k"}, "b"), b=end("b"))
    run_id = runtime.start(spec)
    runtime.tick(spec, run_id)
    runtime.pause_run(run_id)
    before = all_of(stores, run_id)
    with pytest.raises(RunIsPaused, match="paused"):
        runtime.resume(spec, run_id, "k", {})
    assert all_of(stores, run_id) == before


def test_a_workflow_that_does_not_fit_the_run(runtime: Runtime, stores: Stores) -> None:
    spec, other = ask_flow(), ask_flow("other")
    run_id = runtime.start(spec)
    runtime.tick(spec, run_id)
    before = all_of(stores, run_id)
    with pytest.raises(Conflict, match="belongs to workflow 'ask', not to 'other'"):
        runtime.resume(other, run_id, None, {})
    shrunk = WorkflowSpec("ask", "ask", {"ask": spec.nodes["ask"]})
    with pytest.raises(NodeNotFound, match="Unknown node_id 'done' in workflow 'ask'"):
        runtime.resume(shrunk, run_id, None, {})
    with pytest.raises(NodeNotFound, match="Unknown node_id 'nowhere' in workflow 'ask'"):
        runtime.resume(spec, run_id, None, {}, override_node="nowhere")
    fresh = runtime.start(spec)
    with pytest.raises(ValueError, match="belongs to workflow 'ask', not to 'other'"):
        runtime.tick(other, fresh)
    assert all_of(stores, run_id) == before
    assert runtime.resume(spec, run_id, None, {}).status is RunStatus.COMPLETED


def test_a_node_that_the_workflow_has_not(runtime: Runtime, stores: Stores) -> None:
    spec = flow("a", a=move("a", "gone"))
    run_id = runtime.start(spec)
    with pytest.raises(NodeNotFound, match="Unknown node_id 'gone' in workflow 'flow'"):
        runtime.tick(spec, run_id)
    assert runtime.get_state(run_id).current_node == "gone"
    lost = WorkflowSpec("lost", "nowhere", {})
    with pytest.raises(KeyError, match="nowhere"):
        runtime.tick(lost, runtime.start(lost))


@pytest.mark.parametrize(
    ("plan", "complaint"),
    [
        (None, "Node 'a' returned NoneType instead of a StepPlan"),
        (StepPlan("a"), "Node 'a' returned no effect and no next_node"),
        (StepPlan("a", complete_output="text"), "Node 'a' ends the run with str; an output is an object"),  # type: ignore[arg-type]
        (StepPlan("a", effect="ask_user", next_node="b"), "Node 'a' asks for str; an effect is an Effect"),  # type: ignore[arg-type]
        (
            StepPlan("a", effect=Effect("sing", {}), next_node="b"),  # type: ignore[arg-type]
            "Node 'a' asks for 'sing', which is no EffectType",
        ),
        (
            StepPlan("a", effect=Effect(EffectType.ASK_USER, "text"), next_node="b"),  # type: ignore[arg-type]
            "Node 'a' asks for ask_user with a payload of type str; a payload is an object",
        ),
        (
            StepPlan("a", effect=Effect(EffectType.ASK_USER, {"prompt": "?"}, 5), next_node="b"),  # type: ignore[arg-type]
            "Node 'a' asks for ask_user with a result_key of type int; it is a text",
        ),
    ],
)
def test_a_plan_that_is_none(runtime: Runtime, stores: Stores, plan: Any, complaint: str) -> None:
    spec = WorkflowSpec("flow", "a", {"a": lambda run, context: plan, "b": end("b")})
    run_id = runtime.start(spec)
    before = all_of(stores, run_id)
    with pytest.raises((TypeError, ValueError), match=complaint.replace("(", r"\(")):
        runtime.tick(spec, run_id)
    assert all_of(stores, run_id) == before


def test_a_child_of_an_unknown_workflow(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(workflow_registry=WorkflowRegistry())
    payload = {"workflow_id": "../nobody"}
    spec = flow("a", a=ask_for("a", EffectType.START_SUBWORKFLOW, payload, "b"), b=end("b"))
    run = runtime.tick(spec, runtime.start(spec))
    assert run.status is RunStatus.FAILED
    assert "'../nobody' not found" in str(run.error)


@pytest.mark.parametrize(
    ("kind", "what_to_do"),
    [
        (EffectType.MEMORY_KG_ASSERT, "pip install 'flowstudio[memory]'"),
        (EffectType.MEMORY_KG_QUERY, "pip install 'flowstudio[memory]'"),
        (EffectType.MEMORY_KG_RESOLVE, "pip install 'flowstudio[memory]'"),
        (EffectType.LLM_CALL, "page Settings, under Models"),
        (EffectType.TOOL_CALLS, "page Settings"),
        (EffectType.MODEL_RESIDENCY, "page Settings, under Models"),
        (EffectType.WEB_REQUEST, "flowstudio.outside.web.WebRequest()"),
        (EffectType.NOTIFY, "flowstudio.outside.outbox.Outbox(folder)"),
        (EffectType.READ_PDF, "WorkspaceFolder(root, artifacts).handlers()"),
        (EffectType.WRITE_PDF, "WorkspaceFolder(root, artifacts).handlers()"),
        (EffectType.IMPORT_FILE, "WorkspaceFolder(root, artifacts).handlers()"),
        (EffectType.EXPORT_ARTIFACT, "WorkspaceFolder(root, artifacts).handlers()"),
        (EffectType.READ_ARTIFACT, "WorkspaceFolder(root, artifacts).handlers()"),
    ],
)
def test_an_effect_that_only_a_host_can_carry_out(
    runtime: Runtime, stores: Stores, kind: EffectType, what_to_do: str
) -> None:
    spec = flow("a", a=ask_for("a", kind, {}, "b"), b=end("b"))
    run = runtime.tick(spec, runtime.start(spec))
    assert run.status is RunStatus.FAILED
    assert f"No effect handler registered for {kind.value}: the host gives one" in str(run.error)
    assert f"effect_handlers={{EffectType.{kind.name}: ...}}" in str(run.error)
    assert what_to_do in str(run.error)
    assert str(run.error).endswith(".")
    failed = stores.ledger.list(run.run_id)[1]
    assert (failed["node_id"], failed["result"]["error"]["code"]) == ("a", "effect.not_wired")
