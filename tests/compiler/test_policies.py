"""What an author says of further tries is carried out by the kernel, and nothing is offered that would not be."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime.core.effects import EffectOutcome
from abstractruntime.core.models import EffectType
from abstractruntime.nodes.catalog import catalog
from abstractruntime.visualflow_compiler import check
from abstractruntime.visualflow_compiler.policies import can_key, can_retry, pauses, retry_of
from drive import Host, end, flow, node, start

Document = dict[str, Any]


class Flaky:
    """A far side that fails so many times before it answers."""

    def __init__(self, fails: int) -> None:
        self.fails = fails
        self.calls = 0

    def __call__(self, run: Any, effect: Any, default_next_node: Any) -> EffectOutcome:
        self.calls += 1
        if self.calls <= self.fails:
            return EffectOutcome.failed(f"busy {self.calls}")
        return EffectOutcome.completed({"delivered": True})


def telling(policy: Any, **rest: Any) -> Document:
    """A flow that sends one notice."""
    nodes = {
        "start": start(),
        "tell": node("notify", pins={"message": "hello"}, policy=policy, **rest),
        "end": end(),
    }
    return flow("telling", nodes, "start -> tell, tell -> end")


def played(policy: Any, fails: int, **rest: Any) -> tuple[Any, Flaky]:
    far = Flaky(fails)
    return Host(telling(policy, **rest), handlers={EffectType.NOTIFY: far}).play(), far


def test_a_step_is_tried_again_as_often_as_its_author_says() -> None:
    done, far = played({"retries": 3, "pause": 2}, 3)
    assert done.status == "completed"
    assert far.calls == 4


def test_without_a_policy_it_is_tried_once() -> None:
    done, far = played({}, 1)
    assert (done.status, far.calls) == ("failed", 1)


def test_too_few_tries_fail_with_the_last_reason_and_may_be_caught() -> None:
    done, far = played({"retries": 2}, 9)
    assert (done.status, far.calls) == ("failed", 3)
    assert "after 3 attempts" in str(done.error)
    assert "busy 3" in str(done.error)
    caught, far = played({"retries": 1}, 9, onError="continue")
    assert (caught.status, far.calls) == ("completed", 2)


def test_pauses_double_up_to_the_longest() -> None:
    kind = catalog().resolve("notify")
    assert kind is not None
    retry = retry_of(kind, {"policy": {"retries": 5, "pause": 2, "longest": 9}})
    assert pauses(retry) == [2, 4, 8, 9, 9]
    done, _ = played({"retries": 3, "pause": 2, "longest": 3}, 3)
    attempts = [
        record for record in done.host.stores.ledger.list(done.root) if record.get("status") == "failed"
    ]
    assert [record["attempt"] for record in attempts] == [1, 2, 3]


@pytest.mark.parametrize(
    ("policy", "codes"),
    [
        ({"retries": 99}, ["policy.value"]),
        ({"retries": 1.5}, ["policy.value"]),
        ({"retries": True, "pause": "soon", "longest": -1}, ["policy.value"] * 3),
        ([3], ["policy.value"]),
        ({"retries": 2, "pause": 0.5, "owner": "Ana"}, []),
    ],
)
def test_what_cannot_be_used_is_said_and_left_out(policy: Any, codes: list[str]) -> None:
    found = [problem for problem in check(telling(policy)) if problem.code.startswith("policy.")]
    assert [problem.code for problem in found] == codes
    assert all(problem.fix for problem in found)


def test_a_policy_on_a_node_that_is_not_tried_again_is_told() -> None:
    nodes = {"start": start(), "ask": node("ask_user", policy={"retries": 2}), "end": end()}
    found = [problem.code for problem in check(flow("f", nodes, "start -> ask, ask -> end"))]
    assert "policy.no_effect" in found


def test_what_leaves_the_house_is_tried_again_and_nothing_else() -> None:
    offered = {card["type"] for card in catalog().cards()["types"] if _retries(card["type"])}
    assert {"notify", "llm_call", "tool_calls", "read_file"} <= offered
    assert not offered & {"ask_user", "subflow", "wait_until", "memory_note"}


def _retries(name: str) -> bool:
    kind = catalog().resolve(name)
    return kind is not None and can_retry(kind)


# ---- keys ----------------------------------------------------------------------------------------


def looped(kind: str, **data: Any) -> Document:
    nodes = {"start": start(), "each": node("loop"), "do": node(kind, **data), "end": end()}
    return flow("looped", nodes, "start -> each, each:loop -> do, each:done -> end")


def keyed(document: Document) -> list[Any]:
    return [each for each in check(document) if each.code.startswith(("effect.", "policy."))]


@pytest.mark.parametrize("kind", ["tool_calls", "call_tool", "notify"])
def test_what_acts_outside_in_a_loop_wants_a_key_and_the_fix_gives_one(kind: str) -> None:
    (found,) = keyed(looped(kind))
    assert (found.severity, found.code, found.node, found.pin) == (
        "risk",
        "effect.no_key",
        "do",
        "policy.key",
    )
    assert found.fix is not None
    [change] = found.fix["changes"]
    assert (change["path"], change["value"]) == (["policy", "key"], "pins")
    assert keyed(looped(kind, policy={"key": change["value"]})) == []
    once = flow("f", {"start": start(), "do": node(kind), "end": end()}, "start -> do, do -> end")
    assert keyed(once) == []


@pytest.mark.parametrize(
    "kind", ["write_file", "llm_call", "emit_event", "answer_user", "memory_note", "ask_user"]
)
def test_what_stays_in_the_house_or_comes_out_the_same_wants_no_key_in_a_loop(kind: str) -> None:
    assert keyed(looped(kind)) == []


def test_a_key_that_is_always_the_same_is_a_risk_in_a_loop() -> None:
    for key in ("'paid'", '"paid"', "7"):
        assert [each.code for each in keyed(looped("notify", policy={"key": key}))] == ["effect.same_key"]
    for key in ("message", 'f"{to} paid"', "vars['turn']", "pins"):
        assert keyed(looped("notify", policy={"key": key})) == []
    assert keyed(telling({"key": "'paid'"})) == []


def test_a_request_that_changes_something_wants_a_key_in_a_loop_and_one_that_reads_does_not() -> None:
    assert keyed(looped("web_request")) == []
    assert keyed(looped("web_request", pins={"method": "HEAD"})) == []
    (found,) = keyed(looped("web_request", pins={"method": "POST"}))
    assert (found.code, found.pin) == ("effect.no_key", "key")
    assert keyed(looped("web_request", pins={"method": "POST", "key": "o-7"})) == []


@pytest.mark.parametrize(
    ("kind", "key", "code"),
    [
        ("notify", "", "policy.value"),
        ("notify", 7, "policy.value"),
        ("notify", "x" * 4_001, "policy.value"),
        ("ask_user", "prompt", "policy.no_effect"),
        ("web_request", "url", "policy.no_effect"),
        ("set_var", "name", "policy.no_effect"),
    ],
)
def test_a_key_that_cannot_be_used_is_told_with_its_fix(kind: str, key: Any, code: str) -> None:
    nodes = {"start": start(), "do": node(kind, policy={"key": key}), "end": end()}
    found = keyed(flow("f", nodes, "start -> do, do -> end"))
    assert [(each.code, each.pin, each.fix is not None) for each in found] == [(code, "policy.key", True)]


def test_each_effect_of_the_catalog_takes_a_key_or_is_a_wait_of_its_own() -> None:
    kinds = [catalog().resolve(card["type"]) for card in catalog().cards()["types"]]
    effects = {kind.name: kind for kind in kinds if kind is not None and kind.kind == "effect"}
    without = {name for name, kind in effects.items() if not can_key(kind) and kind.key is None}
    assert without == {"ask_user", "listen_voice", "wait_until", "wait_event", "subflow", "agent"}
    assert {name for name, kind in effects.items() if kind.key is not None} == {"web_request"}


@pytest.mark.parametrize(
    "wires",
    [
        "start -> if, if:true -> do, do -> if",
        "start -> do, do -> if, if:true -> do",
        "start -> do, do:exec-error -> rest, rest -> do",
        "start -> if, if:true -> steps, steps:then:0 -> do, steps:then:1 -> if",
        "start -> if, if:true -> all, all:then:0 -> do, all:completed -> if",
        "start -> if, if:true -> try, try:body -> do, try:done -> if",
        "start -> each, each:done -> do, do -> each",
    ],
)
def test_what_comes_again_by_plain_wires_wants_a_key_too(wires: str) -> None:
    def circle(policy: dict[str, Any]) -> Document:
        nodes = {
            "start": start(),
            "if": node("if"),
            "do": node("notify", policy=policy, onError="branch"),
            "rest": node("wait_until"),
            "steps": node("sequence", outs=["then:0", "then:1"]),
            "all": node("parallel", outs=["then:0", "then:1", "completed"]),
            "try": node("on_error"),
            "each": node("loop"),
        }
        return flow("f", nodes, wires)

    (found,) = keyed(circle({}))
    assert (found.severity, found.code, found.node) == ("risk", "effect.no_key", "do")
    assert found.fix is not None
    assert keyed(circle({"key": found.fix["changes"][0]["value"]})) == []
    assert [each.code for each in keyed(circle({"key": "'x'"}))] == ["effect.same_key"]


@pytest.mark.parametrize(
    "wires",
    [
        "start -> ask, ask -> if, if:true -> ask, if:false -> do",
        "start -> steps, steps:then:0 -> do, steps:then:1 -> ask",
        "start -> all, all:then:0 -> if, if:true -> ask, ask -> if, all:completed -> do",
        "start -> each, each:loop -> ask, ask -> each, each:done -> do",
    ],
)
def test_what_stands_behind_a_circle_comes_once(wires: str) -> None:
    nodes = {
        "start": start(),
        "ask": node("ask_user"),
        "if": node("if"),
        "do": node("notify"),
        "steps": node("sequence", outs=["then:0", "then:1"]),
        "all": node("parallel", outs=["then:0", "then:1", "completed"]),
        "each": node("loop"),
    }
    assert keyed(flow("f", nodes, wires)) == []
