"""Each example of each node type is true: it is help for people and a test at once."""

from __future__ import annotations

import copy

import pytest

from abstractruntime.nodes.catalog import catalog
from abstractruntime.nodes.define import Ask, Example, NodeError, NodeType
from abstractruntime.nodes.pins import pins_of
from nodes.calls import example_call, is_json, told

TYPES = sorted(catalog(), key=lambda kind: kind.name)
CASES = [
    pytest.param(kind, example, id=f"{kind.name}-{number}")
    for kind in TYPES
    for number, example in enumerate(kind.examples)
]


@pytest.mark.parametrize(("kind", "example"), CASES)
def test_an_example_is_true(kind: NodeType, example: Example) -> None:
    call = example_call(kind, example)
    before = copy.deepcopy((call.inputs, call.data, call.frame, call.ambient))
    if example.error is not None:
        with pytest.raises(NodeError) as caught:
            kind.run(call)
        assert example.error in str(caught.value)
        assert caught.value.code
    else:
        answer = kind.run(call)
        result = told(answer)
        if kind.settle is not None and example.reply is not None:
            call.kept = answer.keep if isinstance(answer, Ask) else {}
            settled = told(kind.settle(example.reply, call))
            result = {**result, "settled": settled}
        expected = dict(example.outputs)
        assert {key: result.get(key) for key in expected} == expected
        assert set(result) <= set(expected) | _unfixed(kind)
        assert is_json(result)
    if example.vars_after is not None:
        assert call.vars == example.vars_after
    assert (call.inputs, call.data, call.frame, call.ambient) == before, "the node changed what it was given"


def _unfixed(kind: NodeType) -> set[str]:
    """Outputs that differ from machine to machine and so cannot stand in an example."""
    return {pin.id for pin in kind.outputs if pin.id == "locale"} | (
        {"execution"} if kind.family == "code" else set()
    )


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_a_type_shows_a_normal_use_and_an_edge(kind: NodeType) -> None:
    assert len(kind.examples) >= 2, f"{kind.name} needs at least two examples"
    assert any(example.error is None for example in kind.examples)


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind.kind == "pure"], ids=lambda kind: kind.name)
def test_a_value_node_gives_the_pins_it_declares(kind: NodeType) -> None:
    for example in kind.examples:
        if example.error is None:
            call = example_call(kind, example)
            result = kind.run(call)
            declared = {pin.id for pin in pins_of(kind, call.data)[1]}
            assert set(result) == declared


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind.once], ids=lambda kind: kind.name)
def test_a_drawn_value_is_the_same_when_the_step_is_repeated(kind: NodeType) -> None:
    for example in kind.examples:
        if example.error is None:
            assert kind.run(example_call(kind, example)) == kind.run(example_call(kind, example))
