"""Several ways lead to one step: by wires alone, by inputs that depend on the way, and spelled out."""

from __future__ import annotations

from typing import Any

import pytest

from drive import Host, end, flow, node, play, start


def meeting(spelled: bool, **data: Any) -> dict[str, Any]:
    """Two branches meet; what is told depends on the way, by overrides or by nodes that spell it out."""
    way = ["no::exec-out", "yes::exec-out"]
    nodes = {
        "start": start("go|boolean", "other"),
        "if": node("if"),
        "yes": node("set_var", pins={"name": "way", "value": "said yes"}),
        "no": node("set_var", pins={"name": "way", "value": "said no"}),
        "ask": node("ask_user"),
        "end": end("answer", "which", "from"),
    }
    wires = """start -> if, start.go -> if.condition, if:true -> yes, if:false -> no
    ask -> end, ask.response -> end.answer"""
    if spelled:
        nodes["join"] = node("join_exec", entryRoutes=[{"key": key} for key in way])
        nodes["mux"] = node("path_mux", pins={"fallback": "neither"})
        wires += """
        yes -> join, no -> join, join -> ask, join.which -> mux.select
        no.value -> mux.in0, yes.value -> mux.in1, mux.out -> ask.prompt
        join.which -> end.which, join.from -> end.from"""
    else:
        sources = {"no::exec-out": "no", "yes::exec-out": "yes"}
        routed = {key: {"sourceNodeId": source, "sourceHandle": "value"} for key, source in sources.items()}
        nodes["ask"]["data"]["inputRouteOverrides"] = {"prompt": routed}
        wires += "\nyes -> ask, no -> ask, start.other -> ask.prompt"
    return flow("meeting", nodes, wires)


@pytest.mark.parametrize("spelled", [False, True], ids=["by overrides", "spelled out"])
@pytest.mark.parametrize("go", [True, False])
def test_an_input_follows_the_way_also_after_a_restart(spelled: bool, go: bool, store: str) -> None:
    played = Host(meeting(spelled), store=store).play({"go": go}, ["fine"])
    assert played.asked == ["said yes" if go else "said no"]
    assert played.output["answer"] == "fine"
    if spelled:
        assert (played.output["which"], played.output["from"]) == ((1, "yes") if go else (0, "no"))


def test_ways_that_are_listed_in_no_order_are_counted_as_they_are_wired() -> None:
    document = meeting(True)
    join = next(each for each in document["nodes"] if each["id"] == "join")
    del join["data"]["entryRoutes"]
    assert play(document, vars={"go": True}, answers=["x"]).output["which"] == 0


def test_many_steps_may_lead_to_one() -> None:
    document = flow(
        "many",
        {
            "start": start("n|number"),
            "switch": node(
                "switch", switchConfig={"cases": [{"id": str(i), "value": str(i)} for i in range(5)]}
            ),
            **{f"s{i}": node("set_var", pins={"name": "x", "value": i}) for i in range(5)},
            "end": end("x"),
            "get": node("get_var", pins={"name": "x"}),
        },
        "start -> switch, start.n -> switch.value, get.value -> end.x\n"
        + "\n".join(f"switch:case:{i} -> s{i}, s{i} -> end" for i in range(5)),
    )
    assert [play(document, vars={"n": n}).output["x"] for n in range(5)] == [0, 1, 2, 3, 4]
