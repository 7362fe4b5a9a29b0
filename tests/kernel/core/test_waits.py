"""Answering waits, pausing, letting go, cancelling."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from abstractruntime import EffectType, RunStatus, Runtime, WaitReason, WaitState
from abstractruntime.core.errors import (
    NotDurable,
    NotWaiting,
    RunIsPaused,
    RunNotFound,
    StoreError,
    WaitKeyMismatch,
)
from abstractruntime.core.waits import answer_value
from abstractruntime.storage import ObservableLedgerStore, Stores
from abstractruntime.storage.artifacts import ArtifactMetadata, InMemoryArtifactStore, resolve_artifact
from abstractruntime.testing.flows import ask_flow, ask_for, end, flow, move

from ..conftest import MakeRuntime

ASK = ask_flow()
TERMINAL = flow(
    "ask", ask=ask_for("ask", EffectType.ASK_USER, {"prompt": "?"}, None, "got"), more=end("more", dict)
)


def asked(runtime: Runtime, spec: Any = ASK) -> str:
    run_id = runtime.start(spec)
    assert runtime.tick(spec, run_id).status is RunStatus.WAITING
    return run_id


def key_of(run_id: str) -> str:
    return f"user:{run_id}:ask"


def test_an_answer_is_stored_and_the_run_goes_on(runtime: Runtime) -> None:
    run_id = asked(runtime)
    run = runtime.resume(ASK, run_id, key_of(run_id), {"response": "yes"})
    assert (run.status, run.output, run.waiting) == (
        RunStatus.COMPLETED,
        {"answer": {"response": "yes"}},
        None,
    )
    records = runtime.get_ledger(run_id)
    assert [r["status"] for r in records] == ["started", "waiting", "completed", "completed", "completed"]
    assert records[1]["result"] == {
        "wait": {
            "reason": "user",
            "wait_key": key_of(run_id),
            "until": None,
            "resume_to_node": "done",
            "result_key": "answer",
            "prompt": "ok?",
            "choices": None,
            "allow_free_text": True,
            "details": None,
        }
    }
    assert records[2]["effect"] == {
        "type": "resume",
        "payload": {
            "wait_reason": "user",
            "wait_key": key_of(run_id),
            "resume_to_node": "done",
            "result_key": "answer",
            "payload": {"response": "yes"},
        },
        "result_key": None,
    }
    assert (records[2]["result"], records[2]["idempotency_key"]) == ({"resumed": True}, None)
    assert records[2]["node_id"] == "ask"


def test_who_answered_is_in_the_ledger(runtime: Runtime) -> None:
    run_id = asked(runtime)
    runtime.resume(ASK, run_id, None, {"response": "yes"}, max_steps=0, actor_id="bob")
    assert runtime.get_ledger(run_id)[2]["actor_id"] == "bob"


def test_everything_may_be_given_by_keyword(runtime: Runtime) -> None:
    run_id = asked(runtime)
    run = runtime.resume(workflow=ASK, run_id=run_id, wait_key=None, payload={"response": "y"}, max_steps=0)
    assert (run.status, run.current_node) == (RunStatus.RUNNING, "done")
    assert runtime.get_state(run_id) == run


def test_a_wait_that_leads_nowhere_ends_the_run(runtime: Runtime) -> None:
    run_id = asked(runtime, TERMINAL)
    run = runtime.resume(TERMINAL, run_id, None, {"response": "yes"}, max_steps=0)
    output = {"success": True, "result": {"response": "yes"}}
    assert (run.status, run.output, run.vars["got"]) == (RunStatus.COMPLETED, output, {"response": "yes"})
    resumed, completed, status = runtime.get_ledger(run_id)[2:]
    assert resumed["result"] == {"resumed": True}
    assert completed["result"] == {
        "completed": True,
        "via": "resume",
        "wait_reason": "user",
        "wait_key": key_of(run_id),
        "output": output,
    }
    assert status["idempotency_key"] == "system:terminal_status:completed"


def test_an_answer_may_send_the_run_elsewhere(runtime: Runtime) -> None:
    run_id = asked(runtime, TERMINAL)
    run = runtime.resume(TERMINAL, run_id, None, {"response": "yes"}, override_node="more")
    assert run.status is RunStatus.COMPLETED
    assert run.output is not None
    assert run.output["got"] == {"response": "yes"}
    assert runtime.get_ledger(run_id)[2]["effect"]["payload"]["resume_to_node"] == "more"


def test_answers_that_are_refused(runtime: Runtime) -> None:
    run_id = asked(runtime)
    with pytest.raises(WaitKeyMismatch, match=f"wait_key mismatch: expected '{key_of(run_id)}', got 'other'"):
        runtime.resume(ASK, run_id, "other", {})
    with pytest.raises(KeyError, match="Unknown run_id"):
        runtime.resume(ASK, "nobody", None, {})
    with pytest.raises(NotDurable, match="payload"):
        runtime.resume(ASK, run_id, None, {"response": {1}})
    with pytest.raises(ValueError, match="belongs to workflow"):
        runtime.resume(ask_flow("other"), run_id, None, {})
    assert runtime.get_state(run_id).status is RunStatus.WAITING
    assert len(runtime.get_ledger(run_id)) == 2, "nothing is written for an answer that is refused"
    runtime.resume(ASK, run_id, None, {"response": "yes"})
    with pytest.raises(ValueError, match="Run is not waiting"):
        runtime.resume(ASK, run_id, None, {})


def test_a_wait_without_a_key_takes_any(runtime: Runtime, stores: Stores) -> None:
    run = runtime.get_state(asked(runtime))
    run.waiting = WaitState(WaitReason.JOB, resume_to_node="done", result_key="answer")
    stores.runs.save(run)
    assert runtime.resume(ASK, run.run_id, "whatever", {"x": 1}).output == {"answer": {"x": 1}}


def test_of_two_who_answer_one_wins(make_runtime: MakeRuntime) -> None:
    for _ in range(10):
        run_id = asked(make_runtime())
        ready, results = threading.Barrier(2), []

        def give(name: str, run_id: str = run_id, ready: Any = ready, results: Any = results) -> None:
            runtime = make_runtime()
            ready.wait(60)
            try:
                results.append(runtime.resume(ASK, run_id, key_of(run_id), {"by": name}))
            except NotWaiting as refused:
                results.append(refused)

        threads = [threading.Thread(target=give, args=(name,)) for name in ("ann", "bob")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        won = [one for one in results if not isinstance(one, NotWaiting)]
        assert (len(results), len(won)) == (2, 1)
        assert make_runtime().get_state(run_id).output == won[0].output
        kinds = [(r["effect"] or {}).get("type") for r in make_runtime().get_ledger(run_id)]
        assert kinds == ["ask_user", "ask_user", "resume", None, "emit_event"]


# pausing


def test_a_paused_run_stands_still(runtime: Runtime) -> None:
    spec = flow("a", a=move("a", "b"), b=end("b"))
    run_id = runtime.start(spec)
    run = runtime.pause_run(run_id, reason=" lunch ")
    control = run.vars["_runtime"]["control"]
    assert (control["paused"], control["pause_reason"]) == (True, "lunch")
    assert run.waiting == WaitState(
        WaitReason.USER,
        wait_key=f"pause:{run_id}",
        resume_to_node="a",
        prompt="Paused",
        choices=None,
        allow_free_text=False,
        details={"kind": "pause"},
    )
    assert runtime.pause_run(run_id) == run, "pausing twice changes nothing"
    assert runtime.tick(spec, run_id) == run
    with pytest.raises(RunIsPaused, match="paused"):
        runtime.resume(spec, run_id, None, {})
    run = runtime.resume_run(run_id)
    control = run.vars["_runtime"]["control"]
    assert (run.status, run.current_node, run.waiting) == (RunStatus.RUNNING, "a", None)
    assert set(control) == {"paused_at", "resumed_at"}
    assert runtime.resume_run(run_id) == run
    assert runtime.tick(spec, run_id).status is RunStatus.COMPLETED
    assert len(runtime.get_ledger(run_id)) == 2, "pausing leaves no records"


def test_a_question_to_a_person_is_not_paused(runtime: Runtime) -> None:
    run_id = asked(runtime)
    before = runtime.get_state(run_id)
    assert runtime.pause_run(run_id) == before


def test_other_waits_keep_their_wait_when_paused(runtime: Runtime) -> None:
    spec = flow(
        "wait",
        wait=ask_for("wait", EffectType.WAIT_EVENT, {"wait_key": "k"}, "end", "got"),
        end=end("end", dict),
    )
    run_id = asked(runtime, spec)
    waiting = runtime.get_state(run_id).waiting
    run = runtime.pause_run(run_id)
    assert (run.waiting, run.vars["_runtime"]["control"]["paused"]) == (waiting, True)
    run = runtime.resume_run(run_id)
    assert (run.status, run.waiting) == (RunStatus.WAITING, waiting)
    assert runtime.resume(spec, run_id, "k", {"x": 1}).vars["got"] == {"x": 1}


def test_pausing_and_letting_go_of_a_run_that_is_over_change_nothing(runtime: Runtime) -> None:
    run_id = asked(runtime)
    over = runtime.cancel_run(run_id)
    assert runtime.pause_run(run_id) == over
    assert runtime.resume_run(run_id) == over
    with pytest.raises(RunNotFound):
        runtime.pause_run("nobody")


def test_who_wants_to_drive_is_told_when_a_run_can_go_on(runtime: Runtime) -> None:
    told: list[str] = []
    unsubscribe = runtime.subscribe_runnable(told.append)
    spec = flow("a", a=end("a"))
    run_id = runtime.start(spec)
    runtime.pause_run(run_id)
    runtime.resume_run(run_id)
    runtime.resume_run(run_id)
    assert told == [run_id]
    unsubscribe()
    unsubscribe()
    runtime.pause_run(run_id)
    runtime.resume_run(run_id)
    assert told == [run_id]


def test_a_subscriber_that_fails_harms_nobody(runtime: Runtime) -> None:
    told: list[str] = []
    runtime.subscribe_runnable(lambda run_id: 1 / 0)
    runtime.subscribe_runnable(told.append)
    run_id = runtime.start(flow("a", a=end("a")))
    runtime.pause_run(run_id)
    assert runtime.resume_run(run_id).status is RunStatus.RUNNING
    assert told == [run_id]


# ending from outside


def test_a_cancelled_run_says_why(runtime: Runtime) -> None:
    run_id = asked(runtime)
    run = runtime.cancel_run(run_id, reason="no longer needed")
    assert (run.status, run.error, run.waiting) == (RunStatus.CANCELLED, "no longer needed", None)
    last = runtime.get_ledger(run_id)[-1]
    assert last["idempotency_key"] == "system:terminal_status:cancelled"
    assert runtime.cancel_run(run_id) == run
    assert runtime.cancel_run(asked(runtime)).error == "Cancelled"


def test_cancelling_a_paused_run_ends_the_pause(runtime: Runtime) -> None:
    run_id = runtime.start(flow("a", a=end("a")))
    runtime.pause_run(run_id)
    run = runtime.cancel_run(run_id)
    assert run.status is RunStatus.CANCELLED
    assert "paused" not in run.vars["_runtime"]["control"]


def test_a_run_can_be_failed_from_outside(runtime: Runtime) -> None:
    run_id = asked(runtime)
    run = runtime.fail_run(run_id, error="the flow is gone", code="flow.gone")
    assert (run.status, run.error, run.waiting) == (RunStatus.FAILED, "the flow is gone", None)
    told = runtime.get_ledger(run_id)[-2]
    assert told["result"] == {"error": {"code": "flow.gone", "message": "the flow is gone", "node_id": "ask"}}
    assert runtime.fail_run(run_id, error="again") == run


# shapes of answers


def test_a_childs_output_becomes_a_tool_result() -> None:
    wait = WaitState(
        WaitReason.SUBWORKFLOW, details={"wrap_as_tool_result": True, "tool_name": "t", "call_id": "c"}
    )
    value = answer_value(wait, {"sub_run_id": "s", "output": {"answer": " 42 ", "report": "long"}})
    output = {"rendered": "42", "answer": "42", "sub_run_id": "s", "report": "long"}
    assert value == {
        "mode": "executed",
        "results": [{"call_id": "c", "name": "t", "success": True, "output": output, "error": None}],
    }
    done = {"mode": "executed", "results": []}
    assert answer_value(wait, done) is done


@pytest.mark.parametrize(
    ("child", "answer"),
    [("  text ", "text"), ({"x": "é"}, '{"x": "é"}'), ({"answer": 3}, '{"answer": 3}'), (None, "null")],
)
def test_what_a_model_reads_of_a_childs_output(child: Any, answer: str) -> None:
    wait = WaitState(WaitReason.SUBWORKFLOW, details={"wrap_as_tool_result": True})
    result = answer_value(wait, {"sub_run_id": "s", "output": child})["results"][0]
    assert (result["call_id"], result["name"]) == ("subworkflow", "start_subworkflow")
    assert result["output"] == {"rendered": answer, "answer": answer, "sub_run_id": "s"}


def test_a_failed_child_becomes_a_failed_tool_result() -> None:
    wait = WaitState(WaitReason.SUBWORKFLOW, details={"wrap_as_tool_result": True})
    for output, error in (
        ({"success": False, "error": "e"}, "e"),
        ({"success": False}, "Subworkflow failed"),
    ):
        result = answer_value(wait, {"output": output})["results"][0]
        assert (result["success"], result["output"], result["error"]) == (False, None, error)


def test_results_of_tools_fill_the_holes() -> None:
    wait = WaitState(
        WaitReason.JOB,
        details={
            "original_call_count": 4,
            "blocked_by_index": {"0": {"name": "blocked"}},
            "pre_results_by_index": {"2": {"name": "done"}},
        },
    )
    value = answer_value(wait, {"results": [{"name": "ran"}], "note": 1})
    missing = {
        "call_id": "",
        "runtime_call_id": None,
        "name": "",
        "success": False,
        "output": None,
        "error": "Missing tool result",
    }
    assert value == {
        "results": [{"name": "blocked"}, {"name": "ran"}, {"name": "done"}, missing],
        "note": 1,
        "mode": "executed",
    }
    whole = {"results": [1, 2, 3, 4]}
    assert answer_value(wait, whole) is whole


# looking on


def test_ledgers_can_be_subscribed_to(stores: Stores) -> None:
    runtime = Runtime(run_store=stores.runs, ledger_store=ObservableLedgerStore(stores.ledger))
    all_records: list[Any] = []
    of_one: list[Any] = []
    first, second = asked(runtime), runtime.start(ASK)
    runtime.subscribe_ledger(all_records.append)
    unsubscribe = runtime.subscribe_ledger(of_one.append, run_id=first)
    runtime.tick(ASK, second)
    runtime.resume(ASK, first, None, {"response": "y"}, max_steps=0)
    unsubscribe()
    runtime.tick(ASK, first)
    assert [r["status"] for r in of_one] == ["completed"]
    assert len(all_records) == 5
    assert all_records[0] == runtime.get_ledger(second)[0]


def test_a_plain_ledger_cannot_be_subscribed_to(runtime: Runtime) -> None:
    with pytest.raises(RuntimeError, match="ObservableLedgerStore"):
        runtime.subscribe_ledger(print)


def test_a_large_answer_is_in_the_run_and_a_ref_in_the_ledger(
    make_runtime: MakeRuntime, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Full(InMemoryArtifactStore):
        def store(self, content: bytes, **_: Any) -> ArtifactMetadata:
            raise StoreError("no room")

    def told(store: InMemoryArtifactStore) -> Any:
        runtime = make_runtime(artifact_store=store)
        run_id = asked(runtime)
        run = runtime.resume(ASK, run_id, None, {"response": "x" * 200, "short": 1})
        assert run.output == {"answer": {"response": "x" * 200, "short": 1}}
        return runtime.get_ledger(run_id)[2]["effect"]["payload"]["payload"]

    monkeypatch.setenv("ABSTRACTRUNTIME_MAX_INLINE_BYTES", "100")
    store = InMemoryArtifactStore()
    payload = told(store)
    found = resolve_artifact(payload["response"], store)
    assert found is not None
    assert (found.as_text(), payload["short"]) == ("x" * 200, 1)
    tags = {"source": "resume", "kind": "resume_payload", "path": "resume.payload.response"}
    assert found.metadata.tags == tags
    assert told(Full()) == {"response": "x" * 200, "short": 1}
    assert "stays in its ledger whole" in caplog.text
