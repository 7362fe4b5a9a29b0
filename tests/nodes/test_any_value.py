"""No value that JSON can hold makes a node do anything but answer or explain itself."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abstractruntime.nodes.catalog import catalog
from abstractruntime.nodes.define import Call, NodeError, NodeType
from nodes.calls import call_of, is_json, told

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


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind.settle], ids=lambda kind: kind.name)
@settings(max_examples=8, deadline=None)
@given(JSON)
def test_any_reply_can_be_read(kind: NodeType, reply: Any) -> None:
    assert kind.settle is not None
    settled = told(kind.settle(copy.deepcopy(reply), call_of(kind)))
    assert isinstance(settled, dict)
    assert is_json(settled)
