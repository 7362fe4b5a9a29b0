"""Flows that call themselves and each other, and what parameters are given."""

from __future__ import annotations

from typing import Any

from drive import Host, end, flow, node, play, start


def descending(flow_id: str, child: str, *, asks: bool = False) -> dict[str, Any]:
    """A flow that counts down by calling a flow, asks at the bottom, and counts the floors on the way up."""
    return flow(
        flow_id,
        {
            "start": start("n|number"),
            "bottom": node("compare", pins={"b": 0, "op": "<="}),
            "if": node("if"),
            "ask": node("ask_user" if asks else "answer_user", pins={"prompt": "Deep?", "message": "here"}),
            "floor": end(depth=0),
            "less": node("subtract", pins={"b": 1}),
            "call": node(
                "subflow", ins=["exec-in", "n|number"], outs=["exec-out", "depth|number"], subflowId=child
            ),
            "more": node("add", pins={"b": 1}),
            "end": end("depth"),
        },
        """start -> if, start.n -> bottom.a, bottom.result -> if.condition
        if:true -> ask, ask -> floor, if:false -> call, call -> end
        start.n -> less.a, less.result -> call.n, call.depth -> more.a, more.result -> end.depth""",
    )


def test_fifty_floors_down_and_up_again(store: str) -> None:
    played = Host(descending("down", "down", asks=True), store=store).play({"n": 50}, ["yes"])
    assert played.asked == ["Deep?"]
    assert played.output == {"depth": 50, "success": True}
    assert len({record["run_id"] for record in played.tree()}) == 51


def test_two_flows_may_call_each_other() -> None:
    played = play(descending("one", "two"), descending("two", "one"), vars={"n": 7})
    assert played.output == {"depth": 7, "success": True}


def test_a_flow_that_never_stops_calling_itself_fails() -> None:
    endless = flow(
        "endless",
        {"start": start(), "call": node("subflow", subflowId="endless"), "end": end()},
        "start -> call, call -> end",
    )
    played = play(endless)
    assert played.status == "failed"
    assert "levels deep: does it start itself?" in str(played.error)


def test_null_that_is_given_beats_the_default_of_a_parameter() -> None:
    document = flow(
        "given",
        {"start": start(who="world"), "get": node("get_var", pins={"name": "who"}), "end": end("pin", "var")},
        "start -> end, start.who -> end.pin, get.value -> end.var",
    )
    for given, expected in (({}, "world"), ({"who": None}, None), ({"who": "Ada"}, "Ada")):
        assert play(document, vars=given).output == {"pin": expected, "var": expected, "success": True}
