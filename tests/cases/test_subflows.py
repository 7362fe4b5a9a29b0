"""Flows that call flows: what goes in, what comes out, waits three floors down, a flow that calls itself."""

import pytest

from abstractruntime.visualflow_compiler import compile_visualflow_tree, lower_tree
from drive import Host, end, flow, node, play, start


def calling(name: str, child: str) -> dict[str, object]:
    return flow(
        name,
        {
            "start": start("who"),
            "call": node("subflow", ins=["exec-in", "who"], outs=["exec-out", "answer"], subflowId=child),
            "text": node("concat", ins=["a", "b"], pins={"a": name}, concatConfig={"separator": "/"}),
            "end": end("answer"),
        },
        """
        start -> call, call -> end, start.who -> call.who, call.answer -> text.b, text.result -> end.answer
        """,
    )


ASKING = flow(
    "asking",
    {
        "start": start("who"),
        "question": node("concat", ins=["a", "b"], pins={"a": "Hello"}),
        "ask": node("ask_user"),
        "end": end("answer"),
    },
    """
    start -> ask, ask -> end, start.who -> question.b, question.result -> ask.prompt
    ask.response -> end.answer
    """,
)
TREE = (calling("one", "two"), calling("two", "three"), calling("three", "asking"), ASKING)


def test_a_question_three_floors_down_is_answered_and_the_answer_comes_up(store: str) -> None:
    played = Host(*TREE, store=store).play({"who": "Ada"}, ["hi"])
    assert played.asked == ["Hello Ada"]
    assert played.output == {"answer": "one/two/three/hi", "success": True}
    assert len({record["run_id"] for record in played.tree()}) == 4


FACTORIAL = flow(
    "factorial",
    {
        "start": start("n|number"),
        "small": node("compare", pins={"b": 1, "op": "<="}),
        "if": node("if"),
        "one": end(value=1),
        "less": node("subtract", pins={"b": 1}),
        "call": node(
            "subflow", ins=["exec-in", "n|number"], outs=["exec-out", "value"], subflowId="factorial"
        ),
        "product": node("multiply"),
        "end": end("value"),
    },
    """
    start -> if, if:true -> one, if:false -> call, call -> end
    start.n -> small.a, small.result -> if.condition, start.n -> less.a, less.result -> call.n
    call.value -> product.a, start.n -> product.b, product.result -> end.value
    """,
)


def test_a_flow_may_call_itself() -> None:
    assert play(FACTORIAL, vars={"n": 5}).output == {"value": 120, "success": True}


def test_a_child_has_variables_of_its_own() -> None:
    child = flow(
        "child",
        {"start": start(), "x": node("get_var", pins={"name": "x"}), "end": end("x")},
        "start -> end, x.value -> end.x",
    )
    parent = flow(
        "parent",
        {
            "start": start(),
            "keep": node("set_var", pins={"name": "x", "value": 1}),
            "call": node("subflow", outs=["exec-out", "x"], subflowId="child"),
            "end": end("x"),
        },
        "start -> keep, keep -> call, call -> end, call.x -> end.x",
    )
    assert play(parent, child).output == {"x": None, "success": True}


def test_each_flow_of_a_tree_is_compiled_once_and_missing_ones_are_told() -> None:
    flows = {each["id"]: each for each in (*TREE, FACTORIAL)}
    assert list(compile_visualflow_tree(root_id="one", flows_by_id=flows)) == [
        "one",
        "two",
        "three",
        "asking",
    ]
    assert list(compile_visualflow_tree(root_id="factorial", flows_by_id=flows)) == ["factorial"]
    assert compile_visualflow_tree(flows_by_id={}) == {}
    del flows["three"]
    tree = lower_tree("one", flows)
    assert list(tree.programs) == ["one", "two"]
    assert [(each.flow_id, each.node_id, each.named) for each in tree.missing] == [("two", "call", "three")]
    with pytest.raises(KeyError):
        compile_visualflow_tree(root_id="nobody", flows_by_id=flows)


def test_workflow_ids_can_be_renamed_and_calls_follow() -> None:
    flows = {each["id"]: each for each in TREE}
    tree = lower_tree("one", flows, rename=lambda flow_id: f"pack@1:{flow_id}")
    assert list(tree.programs) == ["pack@1:one", "pack@1:two", "pack@1:three", "pack@1:asking"]
    assert tree.programs["pack@1:one"].ops["call"].data["subflowId"] == "pack@1:two"
    assert tree.programs["pack@1:one"].flow_id == "one"
    assert tree.root == "pack@1:one"
