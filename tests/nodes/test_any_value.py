"""No value that JSON can hold makes a node do anything but answer or explain itself."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abstractruntime.nodes.catalog import catalog
from abstractruntime.nodes.define import Call, NodeError, NodeType
from abstractruntime.nodes.pins import pins_of
from abstractruntime.testing.examples import call_of, is_json, told

# Code nodes run in another process: their own tests feed them.
TYPES = sorted((kind for kind in catalog() if kind.family != "code"), key=lambda kind: kind.name)

WORDS = st.sampled_from(
    [
        "",
        " ",
        "a",
        "a.b",
        "a[0]",
        'a["x.y"]',
        "[",
        "_x",
        "0",
        "-1",
        "1e999",
        "nan",
        "true",
        "off",
        "é\n",
        "{{a}}",
        "{a}",
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS
    | st.text(max_size=12)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


def _attempt(kind: NodeType, call: Call) -> Any:
    try:
        return kind.run(call)
    except NodeError as problem:
        return problem


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_node_answers_or_explains_itself(kind: NodeType, data: st.DataObject) -> None:
    pins = [pin.id for pin in kind.inputs if not pin.is_exec]
    inputs: dict[str, Any] = {}
    for pin in [*pins, "extra"]:
        if data.draw(st.booleans(), label=f"{pin} given"):
            inputs[pin] = data.draw(JSON, label=pin)
    held = data.draw(st.dictionaries(st.sampled_from(["a", "x", "_x"]), JSON, max_size=3), label="vars")
    call = call_of(kind, inputs, vars=held, ambient=data.draw(JSON, label="ambient"), fed=tuple(inputs))
    before = copy.deepcopy((call.inputs, call.data, call.frame, call.ambient))
    result = _attempt(kind, call)
    if isinstance(result, NodeError):
        assert result.code
        assert 0 < len(str(result)) < 400, "an error is for people"
    else:
        assert is_json(told(result))
    assert (call.inputs, call.data, call.frame, call.ambient) == before
    assert is_json(call.vars)
    if kind.kind != "action":
        assert call.vars == held


ODD: list[Any] = [
    None, True, False, 0, -1, 2.5, 10**20, 1e300, "", " ", "a", "7", "2.5", "-1", "true", "1e999", "../a", "{{a}}",
    [], [None], ["a", 1], [[]], {}, {"a": None}, {"id": 1, "": [{}]},
]  # fmt: skip


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_one_odd_value_beside_good_ones_is_answered_or_explained(kind: NodeType) -> None:
    """What an example says works, with one input at a time made odd: so what is read last is reached too."""
    for example in kind.examples:
        if example.error:
            continue
        takes = [pin.id for pin in pins_of(kind, example.data)[0] if not pin.is_exec]
        for pin in dict.fromkeys([*takes, *example.inputs]):
            for odd in ODD:
                call = call_of(
                    kind,
                    {**example.inputs, pin: odd},
                    example.data,
                    vars=example.vars,
                    frame=example.frame,
                    ambient=example.ambient,
                    fed=tuple({**example.inputs, pin: odd}),
                )
                before = copy.deepcopy((call.inputs, call.data))
                result = _attempt(kind, call)
                if isinstance(result, NodeError):
                    assert result.code
                    assert 0 < len(str(result)) < 400, (pin, odd)
                else:
                    assert is_json(told(result)), (pin, odd)
                assert (call.inputs, call.data) == before, (pin, odd)


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind.settle], ids=lambda kind: kind.name)
@settings(max_examples=8, deadline=None)
@given(JSON)
def test_any_reply_can_be_read(kind: NodeType, reply: Any) -> None:
    assert kind.settle is not None
    settled = told(kind.settle(copy.deepcopy(reply), call_of(kind)))
    assert isinstance(settled, dict)
    assert is_json(settled)
