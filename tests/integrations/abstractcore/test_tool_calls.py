"""TOOL_CALLS: one result for each call, in order; what may not run fails alone; a person may be asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from abstractruntime import RunStatus, Runtime, StepPlan, WaitReason, WorkflowSpec
from abstractruntime.core.models import EffectType
from abstractruntime.integrations.abstractcore import (
    ApprovalToolExecutor,
    MappingToolExecutor,
    PassthroughToolExecutor,
    ToolApprovalPolicy,
)
from abstractruntime.integrations.abstractcore.effect_handlers import make_tool_calls_handler
from abstractruntime.integrations.abstractcore.session_attachments import store_session_attachment
from abstractruntime.storage import open_stores
from abstractruntime.storage.artifacts import InMemoryArtifactStore
from integrations.abstractcore.scripted import a_run, call, result_of, tool_effect


class Tools:
    """Two tools that keep what they were called with."""

    def __init__(self) -> None:
        self.done: list[Any] = []
        self.executor = MappingToolExecutor({"say": self.say, "read_file": self.read_file})

    def say(self, text: str) -> str:
        self.done.append(text)
        return text.upper()

    def read_file(self, file_path: str) -> str:
        self.done.append(file_path)
        return Path(file_path).read_text(encoding="utf-8")


@pytest.fixture
def tools() -> Tools:
    return Tools()


def test_each_call_has_a_result_in_its_place(tools: Tools) -> None:
    handler = make_tool_calls_handler(tools=tools.executor)
    effect = tool_effect(
        call("say", "1", text="a"),
        "no object",
        call("nope", "2"),
        {"name": "say", "arguments": "{", "call_id": "3"},
        call("say", "4", text="b"),
        allowed_tools=["say", "nope"],
    )
    result = result_of(handler(a_run(), effect, "next"))
    assert result["mode"] == "executed"
    assert [(each["success"], each["output"]) for each in result["results"]] == [
        (True, "A"),
        (False, None),
        (False, None),
        (False, None),
        (True, "B"),
    ]
    errors = [each["error"] for each in result["results"]]
    assert errors[1] == "Invalid tool call (expected an object)"
    assert errors[2] == "Tool 'nope' not found"
    assert "not JSON" in errors[3]
    assert result["results"][0]["runtime_call_id"] == "rt-1"


def test_tools_that_are_not_allowed_are_not_called(tools: Tools) -> None:
    handler = make_tool_calls_handler(tools=tools.executor)
    result = result_of(handler(a_run(), tool_effect(call("say", text="x"), allowed_tools=[]), None))
    assert result["results"][0]["error"] == "Tool 'say' is not allowed for this node"
    assert tools.done == []


def test_what_the_effect_cannot_do_without() -> None:
    no_list = make_tool_calls_handler(tools=PassthroughToolExecutor())(
        a_run(), tool_effect().__class__(EffectType.TOOL_CALLS, {}, None), None
    )
    assert no_list.status == "failed"
    assert "payload.tool_calls" in str(no_list.error)
    nobody = make_tool_calls_handler()(a_run(), tool_effect(call("say", text="x")), None)
    assert nobody.status == "failed"
    assert "ToolExecutor" in str(nobody.error)


class Promises:
    """An executor that does not keep its promise."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def execute(self, *, tool_calls: list[Any]) -> Any:
        if not tool_calls:
            return {"mode": "executed", "results": []}
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize("answer", [RuntimeError("gone"), None, {"mode": "executed"}, {"results": 3}])
def test_a_broken_executor_fails_the_effect(answer: Any) -> None:
    outcome = make_tool_calls_handler(tools=Promises(answer))(a_run(), tool_effect(call("say")), None)
    assert outcome.status == "failed"
    assert "The tool executor failed" in str(outcome.error)


def test_a_missing_result_is_told() -> None:
    executor = Promises({"mode": "executed", "results": [{"success": True, "output": 1}]})
    result = result_of(
        make_tool_calls_handler(tools=executor)(a_run(), tool_effect(call("a"), call("b")), None)
    )
    assert result["results"][1]["error"] == "Missing tool result"


def test_who_delegates_makes_the_run_wait_with_what_is_known() -> None:
    handler = make_tool_calls_handler(tools=PassthroughToolExecutor())
    effect = tool_effect(
        call("say", "1", text="a"),
        call("secret", "2", key="k"),
        call("say", "3", text="b"),
        allowed_tools=["say"],
    )
    run = a_run()
    outcome = handler(run, effect, "next")
    assert outcome.status == "waiting"
    wait = outcome.wait
    assert wait is not None
    assert wait.reason is WaitReason.EVENT
    assert wait.wait_key == f"tool_calls:{run.run_id}:ask"
    assert (wait.resume_to_node, wait.result_key) == ("next", "results")
    details = wait.details or {}
    assert [each["call_id"] for each in details["tool_calls"]] == ["1", "3"]
    assert details["original_call_count"] == 3
    assert details["blocked_by_index"]["1"]["error"] == "Tool 'secret' is not allowed for this node"
    assert "arguments" not in details["tool_calls_for_evidence"][1]


def test_paths_stay_in_the_workspace(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "ws").mkdir()
    (tmp_path / "ws" / "a.txt").write_text("inside", encoding="utf-8")
    (tmp_path / "b.txt").write_text("outside", encoding="utf-8")
    (tmp_path / "ws" / "link").symlink_to(tmp_path / "b.txt")
    handler = make_tool_calls_handler(tools=tools.executor)
    run = a_run({"workspace_root": str(tmp_path / "ws")})
    paths = ["a.txt", "@a.txt", "ws/a.txt", "../b.txt", str(tmp_path / "b.txt"), "link"]
    effect = tool_effect(*(call("read_file", str(n), path=path) for n, path in enumerate(paths)))
    results = result_of(handler(run, effect, None))["results"]
    assert [each["output"] for each in results] == ["inside"] * 3 + [None] * 3
    assert all("escapes workspace_root" in each["error"] for each in results[3:])
    assert tools.done == [str(tmp_path / "ws" / "a.txt")] * 3


def test_a_file_that_was_read_can_be_opened_again(tools: Tools, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("one\ntwo\n", encoding="utf-8")
    store = InMemoryArtifactStore()
    handler = make_tool_calls_handler(tools=tools.executor, artifact_store=store)
    run = a_run(session_id="s 1")
    assert result_of(handler(run, tool_effect(call("read_file", file_path=str(file))), None))["results"][0][
        "success"
    ]
    file.unlink()
    again = result_of(handler(run, tool_effect(call("read_file", file_path=str(file))), None))["results"][0]
    assert again["success"] is True
    assert again["output"]["content_text"] == "one\ntwo"
    opened = result_of(
        handler(run, tool_effect(call("open_attachment", handle="notes.txt", start_line=2)), None)
    )
    assert opened["results"][0]["output"]["rendered"].endswith("\n\n2: two")
    missing = result_of(handler(run, tool_effect(call("open_attachment", handle="n.txt")), None))["results"][
        0
    ]
    assert missing["error"] == "attachment not found"
    assert missing["output"]["suggestions"][0]["handle"] == str(file)


def test_an_opened_picture_goes_with_the_next_model_call() -> None:
    store = InMemoryArtifactStore()
    held = store_session_attachment(
        artifact_store=store, session_id="s", content=b"\x89PNG", path="a/p.png", content_type="image/png"
    )
    handler = make_tool_calls_handler(tools=PassthroughToolExecutor(), artifact_store=store)
    run = a_run(session_id="s")
    result_of(handler(run, tool_effect(call("open_attachment", artifact_id=held.artifact_id)), None))
    assert run.vars["_runtime"]["pending_media"] == [
        {
            "$artifact": held.artifact_id,
            "filename": "p.png",
            "source_path": "a/p.png",
            "content_type": "image/png",
        }
    ]


def test_a_large_output_is_kept_apart_and_a_huge_one_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABSTRACTRUNTIME_MAX_INLINE_BYTES", "100")
    store = InMemoryArtifactStore()
    executor = MappingToolExecutor({"long": lambda: "x" * 500, "huge": lambda: "x" * (17 * 1024 * 1024)})
    handler = make_tool_calls_handler(tools=executor, artifact_store=store)
    long, huge = result_of(handler(a_run(), tool_effect(call("long"), call("huge")), None))["results"]
    assert store.load_text(long["output"]["$artifact"]) == "x" * 500
    assert long["meta"]["offloaded"] is True
    assert huge["success"] is False
    assert "returned 17,825,794 bytes" in huge["error"]


# ---- allowed by a person -------------------------------------------------------------------------


def approving(tools: Tools, url: str = "memory:") -> tuple[Runtime, WorkflowSpec]:
    policy = ToolApprovalPolicy(auto_approve_tools=["read_file"])
    executor = ApprovalToolExecutor(delegate=tools.executor, policy=policy)
    stores = open_stores(url)
    handlers = {EffectType.TOOL_CALLS: make_tool_calls_handler(tools=executor)}
    runtime = Runtime(run_store=stores.runs, ledger_store=stores.ledger, effect_handlers=handlers)
    effect = tool_effect(call("say", "1", text="a"), call("say", "2", text="b"))
    spec = WorkflowSpec(
        workflow_id="w",
        entry_node="ask",
        nodes={
            "ask": lambda run, ctx: StepPlan("ask", effect=effect, next_node="end"),
            "end": lambda run, ctx: StepPlan(
                "end", complete_output={"results": run.vars["results"]["results"]}
            ),
        },
    )
    return runtime, spec


@pytest.mark.parametrize(
    ("answer", "acted", "errors"),
    [
        ({"approved": True}, ["a", "b"], [None, None]),
        ({"response": "Approve"}, ["a", "b"], [None, None]),
        ({"approved": False}, [], ["Denied by user"] * 2),
        ({"approved": False, "reason": "too loud"}, [], ["Not approved: too loud"] * 2),
        ({"approved_ids": ["rt-2"]}, ["b"], ["Denied by user", None]),
        ({"approved": True, "arguments": {"rt-1": {"text": "c"}}}, ["c", "b"], [None, None]),
    ],
)
def test_a_person_decides(
    tools: Tools, tmp_path: Path, answer: dict[str, Any], acted: list[str], errors: list[Any]
) -> None:
    url = f"sqlite://{tmp_path}/runs.db"
    runtime, spec = approving(tools, url)
    run_id = runtime.start(spec)
    waiting = runtime.tick(spec, run_id).waiting
    assert waiting is not None
    assert waiting.reason is WaitReason.USER
    assert (waiting.prompt, waiting.choices) == ("May the flow use say?", ["Approve", "Deny"])
    assert tools.done == []

    runtime, spec = approving(tools, url)  # the process was restarted between question and answer
    done = runtime.resume(spec, run_id, waiting.wait_key, answer)
    assert done.status is RunStatus.COMPLETED, done.error
    assert tools.done == acted
    assert done.output is not None
    assert [each["error"] for each in done.output["results"]] == errors
    assert "tool_approval" not in done.vars["_runtime"]
    records = [
        each for each in runtime.get_ledger(run_id) if (each["effect"] or {}).get("type") == "tool_calls"
    ]
    assert [each["status"] for each in records] == ["started", "waiting", "started", "completed"]


def test_an_answer_that_decides_nothing_asks_again(tools: Tools) -> None:
    runtime, spec = approving(tools)
    run_id = runtime.start(spec)
    first = runtime.tick(spec, run_id).waiting
    assert first is not None
    again = runtime.resume(spec, run_id, first.wait_key, {"response": "perhaps"})
    assert again.status is RunStatus.WAITING
    assert tools.done == []


@pytest.mark.parametrize(
    ("answer", "acted", "errors"),
    [({"approved": True}, ["a", "b"], [None, None]), ({"approved": False}, [], ["Denied by user"] * 2)],
)
def test_a_host_may_bring_who_carries_out_what_is_allowed(
    tools: Tools, answer: dict[str, Any], acted: list[str], errors: list[Any]
) -> None:
    """The calls are handed over for approval; whoever the runtime is given later carries them out."""
    stores = open_stores("memory:")
    passing = PassthroughToolExecutor(mode="approval_required")
    handlers = {EffectType.TOOL_CALLS: make_tool_calls_handler(tools=passing)}
    runtime = Runtime(run_store=stores.runs, ledger_store=stores.ledger, effect_handlers=handlers)
    runtime.set_tool_executor_for_resume(tools.executor)
    _, spec = approving(tools)
    run_id = runtime.start(spec)
    waiting = runtime.tick(spec, run_id).waiting
    assert waiting is not None
    assert tools.done == []
    done = runtime.resume(spec, run_id, waiting.wait_key, answer)
    assert tools.done == acted
    assert done.output is not None
    assert [each["error"] for each in done.output["results"]] == errors


def test_a_runtime_without_a_handler_of_tools_takes_no_executor(tools: Tools) -> None:
    stores = open_stores("memory:")
    runtime = Runtime(run_store=stores.runs, ledger_store=stores.ledger)
    with pytest.raises(TypeError, match="give it build_effect_handlers"):
        runtime.set_tool_executor_for_resume(tools.executor)


def test_results_that_were_brought_instead_are_taken(tools: Tools) -> None:
    runtime, spec = approving(tools)
    run_id = runtime.start(spec)
    waiting = runtime.tick(spec, run_id).waiting
    assert waiting is not None
    brought = {"mode": "executed", "results": [{"output": "elsewhere"}]}
    done = runtime.resume(spec, run_id, waiting.wait_key, brought)
    assert done.output == {"results": brought["results"]}
    assert tools.done == []


def test_calls_that_need_nobody_run_at_once(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x", encoding="utf-8")
    policy = ToolApprovalPolicy(auto_approve_tools=["read_file"])
    executor = ApprovalToolExecutor(delegate=tools.executor, policy=policy)
    handler = make_tool_calls_handler(tools=executor)
    result = result_of(handler(a_run(), tool_effect(call("read_file", file_path=str(tmp_path / "a"))), None))
    assert result["results"][0]["output"] == "x"
    assert executor.execute(tool_calls=[])["mode"] == "approval_required"
