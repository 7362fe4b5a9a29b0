"""A step may say how the run goes on when it fails: by a way of its own, or as if nothing had been."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime.core.effects import EffectOutcome
from abstractruntime.core.models import Effect, EffectType, RunState
from abstractruntime.core.policy import DefaultEffectPolicy
from abstractruntime.nodes.catalog import catalog
from abstractruntime.visualflow_compiler import check
from drive import Host, Played, end, flow, node, play, start

SHOW = node("answer_user")


def caught_code(**data: Any) -> dict[str, Any]:
    """A flow whose code fails for the texts in `fails`, and says so on the other way."""
    return flow(
        "caught",
        {
            "start": start("text"),
            "work": node(
                "code",
                ins=["exec-in", "text"],
                outs=["exec-out", "length"],
                codeBody="print('seen', text)\nreturn {'length': 10 / len(text)}",
                **data,
            ),
            "good": end("length"),
            "bad": end("message", "code", "whole"),
        },
        """start -> work, start.text -> work.text, work -> good, work.length -> good.length
        work:exec-error -> bad, work.error_message -> bad.message, work.error_code -> bad.code
        work.failure -> bad.whole""",
    )


def test_a_failure_leaves_by_the_way_that_is_wired_for_it() -> None:
    good = play(caught_code(onError="branch"), vars={"text": "ab"})
    assert good.output == {"length": 5.0, "success": True}
    bad = play(caught_code(onError="branch"), vars={"text": ""})
    assert bad.status == "completed"
    assert bad.output["code"] == "code.failed"
    assert "line 2" in bad.output["message"]
    assert bad.output["whole"]["node_id"] == "work"
    (told,) = bad.notes("work")
    assert (told["exit"], told["failure"]["code"]) == ("exec-error", "code.failed")
    assert told["printed"] == "seen \n"


def test_a_way_that_leads_nowhere_catches_nothing() -> None:
    document = caught_code(onError="branch")
    document["edges"] = [edge for edge in document["edges"] if edge["sourceHandle"] != "exec-error"]
    played = play(document, vars={"text": ""})
    assert (played.status, played.failure["node_id"]) == ("failed", "work")


def test_going_on_regardless_tells_that_it_failed() -> None:
    document = flow(
        "on",
        {
            "start": start(),
            "tell": node("answer_user", onError="continue"),
            "end": end("ok", "why"),
        },
        "start -> tell, tell -> end, tell.success -> end.ok, tell.error_message -> end.why",
    )

    def refuse(run: Any, effect: Any, default_next_node: Any) -> Any:
        raise ConnectionError("the line is dead")

    played = Host(document, handlers={EffectType.ANSWER_USER: refuse}).play()
    assert played.status == "completed"
    assert played.output["ok"] is False
    assert "the line is dead" in played.output["why"]
    again = Host(document).play()
    assert again.output == {"ok": True, "why": None, "success": True}


def test_a_step_that_goes_on_either_way_says_whether_it_failed() -> None:
    document = flow(
        "read",
        {
            "start": start("path"),
            "read": node("read_file", onError="continue"),
            "ask": node("if"),
            "good": end("ok"),
            "bad": end("ok", "code"),
        },
        """start -> read, start.path -> read.file_path, read -> ask, read.success -> ask.condition, ask:true -> good,
        ask:false -> bad, read.success -> good.ok, read.success -> bad.ok, read.error_code -> bad.code""",
    )
    assert [each.code for each in check(document)] == []
    told = play(document, vars={"path": "nobody.txt"})
    assert (told.output["ok"], bool(told.output["code"])) == (False, True)
    pins = catalog().cards()["error_pins"]["outputs"]["continue"]
    assert [pin["id"] for pin in pins] == ["success", "error_message", "error_code"]


def test_a_failed_effect_is_in_the_ledger_and_the_next_visit_is_a_new_one(store: str) -> None:
    document = flow(
        "again",
        {
            "start": start(),
            "loop": node("for", pins={"start": 0, "end": 2, "step": 1}),
            "child": node("subflow", subflowId="nobody", onError="branch"),
            "say": SHOW,
            "end": end("code"),
        },
        """start -> loop, loop:loop -> child, child:exec-error -> say, child.error_message -> say.message
        loop:done -> end, child.error_code -> end.code""",
    )
    played = Host(document, store=store).play()
    assert played.output == {"code": "effect.failed", "success": True}
    assert [text.split(": ")[0] for text in played.messages] == ["Effect failed after 1 attempts"] * 2
    failed = [each for each in played.records() if each["status"] == "failed"]
    assert [each["node_id"] for each in failed] == ["child", "child"]
    assert len({each["idempotency_key"] for each in failed}) == 2
    assert [note["visit"] for note in played.notes("child")] == [1, 2]


@pytest.mark.parametrize("attempts", [1, 3])
def test_a_caught_failure_tells_what_each_attempt_said(store: str, attempts: int) -> None:
    said = iter(["busy", "still busy", "x" * 500])

    def busy(run: RunState, effect: Effect) -> EffectOutcome:
        return EffectOutcome.failed(next(said))

    document = flow(
        "told",
        {
            "start": start(),
            "tell": node(
                "notify",
                outs=["exec-out", "error_attempts"],
                pins={"to": "boss", "message": "Hi"},
                onError="branch",
            ),
            "bad": end("why"),
        },
        "start -> tell, tell:exec-error -> bad, tell.error_attempts -> bad.why",
    )
    policy = DefaultEffectPolicy(effect_max_attempts={"notify": attempts}, default_backoff_base=0)
    host = Host(document, store=store, handlers={EffectType.NOTIFY: busy}, policy=policy)
    every = ["busy", "still busy", "x" * 300]
    expected = every if attempts == 3 else ["Effect failed after 1 attempts: busy"]
    assert host.play().output == {"why": expected, "success": True}


CHILD = flow(
    "child",
    {
        "start": start("n"),
        "ask": node("ask_user"),
        "fail": node("set_var", pins={"name": "_no"}),
        "end": end("n"),
    },
    "start -> ask, ask -> fail, fail -> end",
)
PARENT = flow(
    "parent",
    {
        "start": start(),
        "child": node(
            "subflow",
            ins=["exec-in", "n"],
            outs=["exec-out", "n"],
            subflowId="child",
            onError="branch",
        ),
        "end": end(),
        "bad": end("why", "code"),
    },
    """start -> child, child -> end, child:exec-error -> bad
    child.error_message -> bad.why, child.error_code -> bad.code""",
)


def test_a_failed_child_is_caught_by_its_parent_after_a_restart_too(store: str) -> None:
    played: Played = Host(PARENT, CHILD, store=store).play(answers=["go on"])
    assert played.status == "completed"
    assert played.output["code"] == "subworkflow.failed"
    assert "reserved" in played.output["why"]
    assert played.state.vars["_temp"].get("failed") in ({}, None)


def test_an_error_in_one_branch_of_parallel_may_be_caught_there() -> None:
    document = flow(
        "both",
        {
            "start": start(),
            "both": node("parallel", outs=["then:0|execution", "then:1|execution", "completed|execution"]),
            "bad": node("set_var", pins={"name": "_x"}, onError="branch"),
            "noted": node("set_var", pins={"name": "noted", "value": 1}),
            "other": node("set_var", pins={"name": "other", "value": 2}),
            "end": end("bad"),
        },
        """start -> both, both:then:0 -> bad, bad:exec-error -> noted, both:then:1 -> other
        both:completed -> end, bad.error_code -> end.bad""",
    )
    played = play(document)
    assert played.output["bad"] == "variable.reserved"
    assert (played.state.vars["noted"], played.state.vars["other"]) == (1, 2)


@pytest.mark.parametrize("choice", ["continue", "branch"])
def test_a_run_that_ends_with_a_caught_failure_says_so(choice: str) -> None:
    document = flow(
        "last",
        {
            "start": start(),
            "bad": node("set_var", pins={"name": "_x"}, onError=choice),
            "n": node("sequence"),
        },
        "start -> bad, bad:exec-error -> n" if choice == "branch" else "start -> bad",
    )
    played = play(document)
    assert played.status == "completed"
    if choice == "continue":
        assert played.output["success"] is False
        assert played.output["error_code"] == "variable.reserved"
