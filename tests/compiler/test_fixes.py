"""With its fix applied a problem is gone, for every code that `docs/problems.md` says has one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.nodes.catalog import catalog
from abstractruntime.visualflow_compiler import check, load_visualflow_json, migrate
from compiler.changes import applied
from compiler.tiny import TINY
from drive import end, flow, node, start
from flowstudio.library_changes import ChangeError, apply_all

Document = dict[str, Any]
PAGE = Path(__file__).resolve().parents[2] / "docs" / "problems.md"
BEGIN, FINISH = node("begin", outs=["exec-out", "x|string", "n|number"]), node("finish", ins=["exec-in", "r"])


def small(nodes: dict[str, Document], wires: str, *edges: dict[str, Any], **rest: Any) -> Document:
    document = flow("f", {"start": BEGIN, **nodes}, wires, **rest)
    document["edges"] += [{"id": f"odd{place}", **edge} for place, edge in enumerate(edges)]
    return document


def wire(source: str, out: str, target: str, into: str) -> dict[str, Any]:
    return {"source": source, "sourceHandle": out, "target": target, "targetHandle": into}


def looped_tools(key: str | None) -> dict[str, Any]:
    policy = {} if key is None else {"policy": {"key": key}}
    nodes = {"start": start(), "each": node("loop"), "do": node("tool_calls", **policy)}
    return flow("f", nodes, "start -> each, each:loop -> do")


N = {"n": node("note")}
KEY = "start::exec-out"
# code -> documents that have the problem
MENDED: dict[str, list[Document]] = {
    "flow.no_entry": [flow("f", {"v": node("number"), "start": node("number")}, "")],
    "flow.entry_replaced": [small(N, "start -> n", entryNode="nobody")],
    "flow.start_passed": [small({**N, "end": FINISH}, "start -> n", entryNode="end")],
    "flow.interface": [
        flow("f", {"start": start(), "end": end("r")}, "start -> end", interfaces=["abstractcode.agent.v1"])
    ],
    "flow.missing": [small({"n": node("calls", call={"flow": "othr"})}, "start -> n")],
    "flow.calls_itself": [],
    "node.unknown_type": [small({"n": node("nott"), "v": node("numbr")}, "start -> n, v.value -> n.text")],
    "node.unreachable": [small(N, "")],
    "node.unread": [small({"v": node("number"), **N}, "start -> n")],
    "step.unread": [
        small({"n": node("look"), "m": node("note")}, "start -> n, n -> m"),
        small({"n": node("look"), "m": node("look"), "o": node("note")}, "start -> n, n -> m, m -> o"),
    ],
    "node.disabled": [
        small({"n": node("note", disabled=True), "m": node("note")}, "start -> n, n -> m"),
        flow("f", {"start": {**start(), "data": {**start()["data"], "disabled": True}}}, ""),
    ],
    "node.stray_execution_pin": [
        small({"v": node("number", outs=["exec-out", "value"]), **N}, "start -> n, v.value -> n.text")
    ],
    "node.renamed": [small({"n": node("remark"), "m": node("memo")}, "start -> n, n -> m")],
    "node.upgraded": [small({"p": node("price", cents=4), **N}, "start -> n, p.value -> n.size")],
    "pin.renamed": [
        small({"n": node("note", pins={"words": "hi"})}, "start -> n"),
        small({"n": node("note"), "m": node("note")}, "start -> n, n -> m, n.told -> m.body"),
    ],
    "ask.no_prompt": [
        flow("f", {"start": start(), "a": node("ask_user", pins={"prompt": " "})}, "start -> a")
    ],
    "wait.stage": [
        flow("f", {"start": start(), "a": node("ask_user", effectConfig=stages)}, "start -> a")
        for stages in (
            {"remindEvery": 0.5},
            {"remindEvery": 1},
            {"passOnAfter": 3, "passOnTo": "Bo", "remindEvery": 1},
        )
    ],
    "event.never_heard": [
        flow("f", {"start": start(), "n": node("answer_user"), "h": node("on_event", **scope)}, "h -> n")
        for scope in ({"eventConfig": {"name": "n", "scope": "run"}}, {"pins": {"scope": "workflow"}})
    ],
    "event.unknown_scope": [
        flow(
            "f",
            {"start": start(), "a": node("emit_event", pins={"name": "n", "scope": "town"})},
            "start -> a",
        )
    ],
    "schedule.no_zone": [
        flow("f", {"s": node("on_schedule", pins={"schedule": when})}, "")
        for when in ("0 7 * * *", "@daily", "2030-01-31T09:00")
    ],
    "for.no_step": [
        flow("f", {"start": start(), "a": node("for", pins={"end": 3, "step": 0})}, "start -> a")
    ],
    "code.permissions": [
        flow(
            "f",
            {"start": start(), "a": node("code", pins={"permissions": "full_access"}, codeBody="return {}")},
            "start -> a",
        )
    ],
    "media.not_text": [
        flow(
            "f",
            {
                "start": start(),
                "a": node(
                    "llm_call", effectConfig={"output": "image"}, pins={"outputs": {"tts": {"voice": "a"}}}
                ),
            },
            "start -> a",
        )
    ],
    "model.binding": [
        flow(
            "f",
            {"start": start(), "a": node(name, pins={"prompt_cache_binding": {"key": "k"}})},
            "start -> a",
        )
        for name in ("llm_call", "agent")
    ],
    "models.route": [
        flow(
            "f",
            {"start": start(), "v": node("provider_models", **data), "end": end("r")},
            "start -> end, v.models -> end.r",
        )
        for data in (
            {"providerModelsConfig": {"provider": "p", "capabilityRoute": "vision"}},
            {"pinDefaults": {"capability_route": "vision"}},
        )
    ],
    "pin.choice": [
        flow("f", {"start": start(), "a": node("answer_user", pins={"level": "eror"})}, "start -> a")
    ],
    "pin.value": [
        small({"n": node("note", pins={"size": "big"})}, "start -> n"),
        flow("f", {"start": start(), "a": node("llm_call", pins={"include_context": [1]})}, "start -> a"),
    ],
    "pin.type": [small({"l": node("list2"), **N}, "start -> n, l.result -> n.size")],
    "pin.unknown_input": [small(N, "start -> n, start.x -> n.colour")],
    "pin.unknown_output": [small(N, "start -> n, start.z -> n.text")],
    "pin.never_set": [small({**N, "lost": node("note")}, "start -> n, lost.said -> n.text")],
    "field.choice": [
        small({"n": node("note", noteConfig={"tone": "knd"})}, "start -> n"),
        small({"n": node("note", noteConfig={"tone": "very loud"})}, "start -> n"),
    ],
    "expression.value": [
        small({"n": node("note", pinExpressions={"text": " "})}, "start -> n"),
        small({"n": node("note", pinExpressions=[])}, "start -> n"),
    ],
    "expression.unknown_pin": [small({"n": node("note", pinExpressions={"a.b": "1"})}, "start -> n")],
    "expression.wired": [
        small({"n": node("note", pinExpressions={"text": "1"})}, "start -> n, start.x -> n.text")
    ],
    "policy.value": [
        flow("f", {"start": start(), "a": node("notify", policy={"retries": -1})}, "start -> a"),
        flow("f", {"start": start(), "a": node("notify", policy=[])}, "start -> a"),
    ],
    "policy.no_effect": [small({"n": node("note", policy={"retries": 2})}, "start -> n")],
    "effect.no_key": [looped_tools(None)],
    "ask.no_deadline": [
        flow("f", {"start": start(), "a": node("ask_user"), "b": node("ask_user")}, "start -> a, a -> b")
    ],
    "model.thinking": [
        flow("f", {"start": start(), "a": node("llm_call", effectConfig={"thinking": "hard"})}, "start -> a")
    ],
    "wait.no_deadline": [flow("f", {"start": start(), "w": node("wait_event")}, "start -> w")],
    "effect.same_key": [looped_tools("'paid'")],
    "pinned.misfit": [
        small(
            {"n": node("note", canvas={"pinned": {"outputs": {"said": "x"}, "exit": "gone"}})}, "start -> n"
        )
    ],
    "failure.unwired": [small({"n": node("note", onError="branch")}, "start -> n")],
    "edge.dangling": [small(N, "start -> n", wire("n", "said", "gone", "text"))],
    "edge.ignored": [
        small(N, "start -> n", wire("n", "said", "start", "exec-in"), wire("n", "", "n", "text"))
    ],
    "edge.vanished_pin": [small({"w": node("ways", ways=["a"]), **N}, "start -> w, w:way:gone -> n")],
    "edge.duplicate_exit": [small({**N, "m": node("note")}, "start -> n, start -> m")],
    "edge.duplicate_input": [small(N, "start -> n, start.x -> n.text, start.n -> n.text")],
    "edge.unknown_exit": [
        small({**N, "m": node("note")}, "start -> n, n:odd -> m"),
        small({**N, "m": node("note")}, "start -> n, n:exec-error -> m"),
    ],
    "data.cycle": [
        small(
            {"a": node("join2"), "b": node("join2"), **N},
            "start -> n, a.result -> b.a, a.result -> b.b, b.result -> a.a, b.result -> n.text",
        )
    ],
    "exec.endless": [small({**N, "m": node("note")}, "start -> n, n -> m, m -> n")],
    "route.invalid": [
        small({"n": node("note", inputRouteOverrides={"a.b": {"no::x": {}}})}, "start -> n"),
        small({"n": node("note", inputRouteOverrides=7)}, "start -> n"),
        small({"n": node("note", inputRouteOverrides={"text": {KEY: {}}})}, "start -> n"),
        small({"n": node("note", entryRoutes=[{"key": "no"}])}, "start -> n"),
    ],
}
del MENDED["flow.calls_itself"]  # has no fix: whether to call is the author's to say
CASES = [(code, place) for code, documents in MENDED.items() for place in range(len(documents))]


def problems(document: Document, code: str) -> list[Any]:
    types = catalog() if any(each["type"].startswith("on_") for each in document["nodes"]) else TINY
    return [problem for problem in check(document, types, {"f", "other"}) if problem.code == code]


@pytest.mark.parametrize(("code", "place"), CASES)
def test_a_fix_makes_its_problem_vanish(code: str, place: int) -> None:
    document = MENDED[code][place]
    before = json.dumps(document)
    found = problems(document, code)
    assert found, code
    for problem in found:
        assert problem.fix is not None
        assert problem.fix["label"]
        assert json.loads(json.dumps(problem.fix)) == problem.fix
        mended = applied(document, problem.fix["changes"])
        left = [(each.node, each.pin, each.message) for each in problems(mended, code)]
        assert (problem.node, problem.pin, problem.message) not in left
    assert json.dumps(document) == before
    for _ in range(20):  # one after the other: nothing but the last of them was in the way of the rest
        left = problems(document, code)
        if not left:
            break
        document = applied(document, left[0].fix["changes"])
    assert problems(document, code) == []


def namesake(*ids: str | None) -> Document:
    """A flow whose wires have these ids, in turn: the first two are good, the others are not."""
    nodes = {"a": node("note"), "e": node("note")}
    document = small(nodes, "start -> a, a -> e, start.x -> e.zz, start.n -> e.zz2")
    for edge, name in zip(document["edges"], ids, strict=True):
        del edge["id"]
        edge |= {} if name is None else {"id": name}
    return document


@pytest.mark.parametrize(
    "ids",
    [
        ("edge-3", "b", None, "d"),
        (None, None, None, None),
        ("w", "w", "w", "w"),
        ("~2", "~3", "", "~2"),
        ("w~1", "w", "w", None),
        ("w", "b", "w", "d"),
        ("w", None, "w", None),
    ],
)
def test_a_fix_removes_its_own_wire_and_no_other_of_its_name(ids: tuple[str | None, ...]) -> None:
    document = namesake(*ids)
    wanted = [edge for edge in document["edges"] if not edge["targetHandle"].startswith("zz")]
    for pin in ("zz", "zz2"):
        (found,) = [each for each in problems(document, "pin.unknown_input") if each.pin == pin]
        mended = applied(document, found.fix["changes"])
        assert [edge for edge in document["edges"] if edge["targetHandle"] != pin] == mended["edges"]
        assert apply_all(document, found.fix["changes"])[0]["edges"] == mended["edges"]
        document = mended
    assert document["edges"] == wanted


NAMES = json.loads((PAGE.parents[1] / "static" / "island" / "test" / "wire_names.json").read_text("utf-8"))


@pytest.mark.parametrize("case", NAMES, ids=lambda case: str(case["ids"]))
def test_wires_have_the_names_that_the_editor_gives_them(case: dict[str, Any]) -> None:
    edges = [wire("start", "x", "n", "text") | ({} if name is None else {"id": name}) for name in case["ids"]]
    read = load_visualflow_json({"id": "f", "nodes": [], "edges": edges}).edges
    assert [edge.id for edge in read] == case["names"]


def test_a_fix_of_several_wires_of_one_name_removes_them_all() -> None:
    nodes = {"a": node("join2"), "b": node("join2"), **N}
    wires = "start -> n, a.result -> b.a, a.result -> b.b, b.result -> a.a, b.result -> n.text"
    for name in ({}, {"id": "w"}):
        document = small(nodes, wires)
        for edge in document["edges"]:
            del edge["id"]
            edge |= name
        while left := problems(document, "data.cycle"):
            document = applied(document, left[0].fix["changes"])
        assert {"n"} == {edge["target"] for edge in document["edges"] if edge["source"] != "a"} - {"a"}
        assert document["edges"][0]["target"] == "n"


def test_wires_without_ids_are_brought_up_to_date_where_they_stand() -> None:
    document = small(
        {"n": node("note"), "m": node("note")}, "start -> n, n -> m, n.told -> m.body, start.x -> n.body"
    )
    for edge in document["edges"]:
        del edge["id"]
    while left := problems(document, "pin.renamed"):
        document = applied(document, left[0].fix["changes"])
    assert document["edges"] == migrate(document, TINY)[0].to_json()["edges"]
    assert [edge["targetHandle"] for edge in document["edges"]] == ["exec-in", "exec-in", "text", "text"]


def test_a_place_counts_only_for_a_wire_of_that_name() -> None:
    document = namesake("a", "b", None, "d")
    (found,) = [each for each in problems(document, "pin.unknown_input") if each.pin == "zz"]
    later = {**document, "edges": document["edges"][1:]}  # since the check another wire was taken away
    with pytest.raises(ChangeError, match="no wire"):
        apply_all(later, found.fix["changes"])


def test_the_page_says_which_problems_have_a_fix() -> None:
    rows = re.findall(r"^\| `([a-z_.]+)`[ *]*\|.*\| (fix|) ?\|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert len(rows) > 30
    of_the_library = {"flow.version_missing"}  # found above the compiler; mended in tests/web/test_links.py
    assert {code for code, mark in rows if mark} == set(MENDED) | of_the_library


def test_all_notes_of_an_old_flow_applied_are_the_migrated_flow() -> None:
    old = small(
        {
            "n": node("remark", pins={"words": "a"}, tone="kind"),
            "m": node("memo"),
            "p": node("price", cents=1),
        },
        "start -> n, n -> m, n.told -> m.words, p.value -> m.size",
    )
    document = old
    for _ in range(10):
        found = [note for note in check(document, TINY) if note.fix and note.severity == "note"]
        if not found:
            break
        document = applied(document, found[0].fix["changes"])
    today = migrate(old, TINY)[0].to_json()
    assert document["nodes"] == today["nodes"]
    assert {json.dumps(edge, sort_keys=True) for edge in document["edges"]} == {
        json.dumps(edge, sort_keys=True) for edge in today["edges"]
    }


def test_an_effect_in_a_loop_wants_a_key() -> None:
    def looped(**pins: Any) -> Document:
        return small({"loop": node("repeat"), "pay": node("pay", pins=pins), "end": FINISH}, WAY)

    WAY = "start -> loop, loop:body -> pay, loop:after -> end"
    (found,) = problems(looped(), "effect.no_key")
    assert (found.severity, found.node, found.pin) == ("risk", "pay", "order")
    assert problems(looped(order="o-1"), "effect.no_key") == []
    wired = small(
        {"loop": node("repeat"), "pay": node("pay")},
        "start -> loop, loop:body -> pay, loop.turn -> pay.order",
    )
    assert problems(wired, "effect.no_key") == []
    once = small({"loop": node("repeat"), "pay": node("pay")}, "start -> loop, loop:after -> pay")
    assert problems(once, "effect.no_key") == []


def test_a_flow_that_calls_itself_whatever_happens_is_a_risk() -> None:
    again = node("calls", call={"flow": "f"})
    (found,) = problems(small({"n": node("note"), "c": again}, "start -> n, n -> c"), "flow.calls_itself")
    assert (found.severity, found.node) == ("risk", "c")
    both = small({"p": node("pick"), "c": again, "d": again}, "start -> p, p:left -> c, p:right -> d")
    assert len(problems(both, "flow.calls_itself")) == 1
    one = small({"p": node("pick"), "c": again}, "start -> p, p:left -> c")
    assert problems(one, "flow.calls_itself") == []
    other = small({"c": node("calls", call={"flow": "other"})}, "start -> c")
    assert problems(other, "flow.calls_itself") == []


def test_values_and_steps_that_nothing_reads_are_notes() -> None:
    document = flow(
        "f",
        {
            "start": start(),
            "end": end(),
            "flag": node("bool_var", literalValue={"name": "ready", "default": True}),
            "sum": node("add"),
        },
        "start -> end",
    )
    assert [each.node for each in problems(document, "node.unread")] == ["sum"]
