"""Each example of each node type is true: it is help for people and a test at once."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from abstractruntime.core.models import EffectType
from abstractruntime.nodes.catalog import catalog
from abstractruntime.nodes.define import Ask, Call, Effect, Example, NodeType, Pin, action, effect, pure
from abstractruntime.testing.examples import check_example, example_call, examples_of
from nodes.calls import call_of

TYPES = sorted(catalog(), key=lambda kind: kind.name)
CASES = [
    pytest.param(kind, example, id=f"{kind.name}-{number}")
    for kind in TYPES
    for number, example in enumerate(kind.examples)
]


@pytest.mark.parametrize(("kind", "example"), CASES)
def test_an_example_is_true(kind: NodeType, example: Example) -> None:
    check_example(kind, example)


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_a_type_shows_a_normal_use_and_an_edge(kind: NodeType) -> None:
    assert len(kind.examples) >= 2, f"{kind.name} needs at least two examples"
    assert any(example.error is None for example in kind.examples)


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind.once], ids=lambda kind: kind.name)
def test_a_drawn_value_is_the_same_when_the_step_is_repeated(kind: NodeType) -> None:
    for example in kind.examples:
        if example.error is None:
            assert kind.run(example_call(kind, example)) == kind.run(example_call(kind, example))


@pytest.mark.parametrize(
    "kind", [kind for kind in TYPES if kind.once and "chance" in kind.keywords], ids=lambda kind: kind.name
)
def test_the_first_example_of_what_is_drawn_shows_chance(kind: NodeType) -> None:
    first = kind.examples[0]
    drawn = [kind.run(call_of(kind, first.inputs, first.data, seed=seed)) for seed in range(20)]
    assert any(each != dict(first.outputs) for each in drawn)


MAIL = Effect(EffectType.WEB_REQUEST, {"url": "http://a.test"})


def adds(call: Call) -> Any:
    """Add one, and keep it."""
    call.vars["last"] = call.inputs["n"] + 1
    return {"result": call.vars["last"]}


def asks(call: Call) -> Any:
    """Ask the world and keep a word."""
    return Ask(MAIL, {"word": call.inputs["n"]})


def settles(reply: Any, call: Call) -> Any:
    return {"result": f"{reply['text']} {call.kept['word']}"}


def spoils(call: Call) -> Any:
    """Change what it was given."""
    call.inputs["n"] = 0
    return {"result": 0}


def trips(call: Call) -> Any:
    """Fail by accident."""
    return {"result": call.inputs["missing"]}


N, RESULT = (Pin("n", "any", 1),), (Pin("result", "any"),)
ASKED = {"effect": {"type": "web_request", "payload": {"url": "http://a.test"}}}


def module_of(make: Any, run: Any, *examples: Example, **more: Any) -> ModuleType:
    """A package's module that declares one node type, "probe"."""
    module = ModuleType("probes")
    declare = make("probe", family="math", inputs=N, outputs=RESULT, examples=examples, **more)
    module.probe = declare(run)  # type: ignore[attr-defined]
    return module


@pytest.mark.parametrize(
    ("make", "run", "example", "more", "message"),
    [
        (action, adds, Example({"n": 1}, {"result": 3}), {}, "'result' is 2, not 3"),
        (action, adds, Example({}, {"result": 2}, vars_after={"last": 3}), {}, "the variables are {'last': 2}, not"),
        (action, adds, Example({"n": 1}, {}), {}, "gives ['result'] too, which the example's outputs do not tell"),
        (action, adds, Example({}, {"result": 2, "sum": 2}), {}, "'sum' should be 2, but is not among"),
        (action, adds, Example({}, error="no way"), {}, "expected the error 'no way', but got {'result': 2}"),
        (action, trips, Example({}, error="missing"), {}, "raised KeyError('missing'): a node tells"),
        (action, spoils, Example({}, {"result": 0}), {}, "the node changed what it was given"),
        (pure, lambda call: {"total": 2}, Example({}, {"total": 2}), {}, "the outputs are ['total'], not ['result']"),
        (pure, lambda call: {"result": {1}}, Example({}, {"result": {1}}), {}, "is not JSON"),
        (effect, asks, Example({}, {"effect": {"type": "web_request", "payload": {}}}), {}, "'effect' is {'type'"),
        (
            effect,
            asks,
            Example({"n": "you"}, {**ASKED, "settled": {"result": "hi"}}, reply={"text": "hi"}),
            {"settle": settles},
            "'settled' is {'result': 'hi you'}, not {'result': 'hi'}",
        ),
    ],
    ids=lambda value: value.__name__ if callable(value) else None,
)  # fmt: skip
def test_an_example_that_is_not_true_is_told_with_its_type_and_number(
    make: Any, run: Any, example: Example, more: dict[str, Any], message: str
) -> None:
    run.__doc__ = run.__doc__ or "Probe."
    module = module_of(make, run, Example(), replace(example, note="second"), **more)
    with pytest.raises(AssertionError) as caught:
        examples_of(module)[1]()
    assert str(caught.value).startswith("probe, example 2 (second): ")
    assert message in str(caught.value)


def test_a_package_may_ask_keep_and_run_code() -> None:
    asking = Example({"n": "you"}, {**ASKED, "settled": {"result": "hi you"}}, reply={"text": "hi"})
    (check,) = examples_of(module_of(effect, asks, asking, settle=settles))
    check()
    body = {"codeBody": "return n + 1", "inputs": [{"id": "n", "type": "number"}]}
    code = catalog().get("code")
    assert code is not None
    (check,) = examples_of(module_of(action, code.run, Example({"n": 1}, {"result": 2}, data=body)))
    check()
