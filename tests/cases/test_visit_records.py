"""What the ledger says of each visit, and how little of it and of the run's memory a step writes."""

import json
from typing import Any

from abstractruntime import RunStatus
from drive import Host, end, flow, node, play, start


def test_a_visit_tells_its_outputs_its_exit_and_the_values_it_read() -> None:
    document = flow(
        "told",
        {
            "start": start("n|number"),
            "more": node("add", pins={"b": 1}),
            "if": node("if"),
            "big": node("compare", pins={"b": 1, "op": ">"}),
            "keep": node("set_var", pins={"name": "n"}),
        },
        "start -> if, if:true -> keep, start.n -> more.a, more.result -> big.a, big.result -> if.condition\n"
        "more.result -> keep.value",
    )
    played = play(document, vars={"n": 1})
    (decided,) = played.notes("if")
    assert decided["exit"] == "true"
    assert decided["outputs"]["branch"] == "true"
    assert decided["values"] == {"more": {"result": 2}, "big": {"result": True}}
    assert played.notes("keep")[0]["outputs"] == {"value": 2}


def test_large_values_are_cut_in_the_record_and_whole_in_the_run() -> None:
    long = "x" * 1_000_000
    document = flow(
        "large", {"start": start("t", "l"), "end": end("t", "l")}, "start -> end, start.t -> end.t"
    )
    played = play(document, vars={"t": long, "l": [*range(10_000), {"deep": [[[[[[[[1]]]]]]]]}]})
    assert played.output["t"] == long
    visits = [record for record in played.records() if "visit" in (record.get("result") or {})]
    assert len(visits) == 2
    for record in visits:
        assert len(json.dumps(record)) < 20_000
    assert "1,000,000 characters" in json.dumps(visits)
    assert "9,951 more items" in json.dumps(visits)


LONG_LOOP = flow(
    "long",
    {
        "start": start("items"),
        "each": node("loop"),
        "text": node("concat", ins=["a"]),
        "keep": node("set_var", pins={"name": "last"}),
        "end": end("count"),
    },
    """
    start -> each, each:loop -> keep, each:done -> end, start.items -> each.items
    each.item -> text.a, text.result -> keep.value, each.total -> end.count
    """,
)


def test_a_turn_writes_as_much_after_a_thousand_turns_as_at_first() -> None:
    host = Host(LONG_LOOP)
    root = host.start({"items": [f"item {number:05}" for number in range(1_000)]})
    sizes = []
    commit = host.runtime.journal.commit

    def measured(step):  # type: ignore[no-untyped-def]
        sizes.append(len(json.dumps(list(step.ops or ()))))
        return commit(step)

    host.runtime.journal.commit = measured  # type: ignore[method-assign]
    assert host.drive(root, 5_000).output == {"count": 1_000, "success": True}
    turns = sizes[4:-2]
    assert len(turns) >= 1_990
    assert max(turns) < 600
    assert max(turns[-20:]) <= max(turns[:20]) + 40


def _visits(host: Host, root: str, node_id: str) -> list[dict[str, Any]]:
    told = [record["result"] for record in host.runtime.get_ledger(root) if record["node_id"] == node_id]
    return [result["visit"] for result in told if "visit" in (result or {})]


def test_past_the_limit_every_hundredth_visit_is_told_and_the_last(store: str) -> None:
    host = Host(LONG_LOOP, store=store, visit_limit=30)
    root = host.start({"items": list(range(345))})
    state = host.drive(root, 5_000)
    assert state.output == {"count": 345, "success": True}

    kept = _visits(host, root, "keep")
    assert [each["visit"] for each in kept] == [*range(1, 31), 100, 200, 300, 345]
    assert [each.get("summary") for each in kept[30:]] == [
        {"first": 31, "last": 100},
        {"first": 101, "last": 200},
        {"first": 201, "last": 300},
        {"first": 301, "last": 345},
    ]
    assert kept[-1]["outputs"] == {"value": "344"}
    assert [each["visit"] for each in _visits(host, root, "each")] == [*range(1, 31), 100, 200, 300, 346]
    assert [each["visit"] for each in _visits(host, root, "end")] == [1]
    assert len(host.runtime.get_ledger(root)) < 80

    host.restart()
    journal = host.runtime.journal
    last = [placed.seq for placed in journal.tree_after(root, 0, 100) if placed.record["node_id"] == "keep"]
    assert journal.state_at(root, last[-2]).vars["last"] == "299", (
        "what was not told can be rebuilt all the same"
    )


def test_a_run_that_fails_past_the_limit_tells_how_often_it_came_there() -> None:
    document = flow(
        "failing",
        {
            "start": start("items"),
            "each": node("loop"),
            "keep": node("set_var", pins={"name": "last"}),
            "last": node("compare", pins={"op": "==", "b": 40}),
            "if": node("if"),
            "fail": node("stop_with_error", pins={"message": "enough"}),
        },
        """
        start -> each, each:loop -> keep, keep -> if, if:true -> fail, start.items -> each.items
        each.item -> keep.value, each.item -> last.a, last.result -> if.condition
        """,
    )
    host = Host(document, visit_limit=10)
    root = host.start({"items": list(range(1, 100))})
    assert host.drive(root, 5_000).status is RunStatus.FAILED
    assert [each["visit"] for each in _visits(host, root, "keep")] == [*range(1, 11), 40]
    assert _visits(host, root, "keep")[-1]["summary"] == {"first": 11, "last": 40}


def test_a_visit_that_asked_something_of_the_world_is_always_told() -> None:
    document = flow(
        "telling",
        {"start": start("items"), "each": node("loop"), "say": node("answer_user"), "end": end("count")},
        "start -> each, each:loop -> say, each:done -> end, start.items -> each.items\n"
        "each.item -> say.message, each.total -> end.count",
    )
    host = Host(document, visit_limit=10)
    root = host.start({"items": [f"item {number}" for number in range(25)]})
    assert host.drive(root, 5_000).output == {"count": 25, "success": True}
    said = _visits(host, root, "say")
    assert [each["visit"] for each in said if "next_node" in each] == list(range(1, 26))
    assert not [each for each in said if "summary" in each]
    assert [each["visit"] for each in _visits(host, root, "each")] == [*range(1, 11), 26]
