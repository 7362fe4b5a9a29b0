"""A list of allowed tools that cannot be read allows none: the step fails instead of calling whatever is asked for."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime.nodes.define import NodeError
from nodes.calls import run

CALLS = {
    "tool_calls": [{"name": "delete", "arguments": {}}],
    "tool_call": {"name": "delete", "arguments": {}},
}


@pytest.mark.parametrize("odd", [None, 0, True, False, {}, {"delete": True}], ids=repr)
@pytest.mark.parametrize("kind", ["tool_calls", "call_tool"])
def test_an_allow_list_that_is_no_list_stops_the_step(kind: str, odd: Any) -> None:
    given = {**CALLS, "allowed_tools": odd}
    with pytest.raises(NodeError, match="'allowed_tools' needs a list of names") as caught:
        run(kind, given, fed=tuple(given))
    assert (caught.value.code, caught.value.pin) == ("tools.allowed", "allowed_tools")


@pytest.mark.parametrize("kind", ["tool_calls", "call_tool"])
def test_a_wire_that_brings_no_allow_list_does_not_allow_everything(kind: str) -> None:
    """Also not what the setting allows: a wired input never falls back."""
    with pytest.raises(NodeError, match="nothing"):
        run(kind, CALLS, {"effectConfig": {"allowed_tools": ["delete"]}}, fed=("allowed_tools",))


@pytest.mark.parametrize("kind", ["tool_calls", "call_tool"])
def test_without_pin_and_setting_every_tool_of_the_host_may_be_called(kind: str) -> None:
    assert "allowed_tools" not in run(kind, CALLS)["effect"]["payload"]
    assert (
        "allowed_tools" not in run(kind, CALLS, {"pinDefaults": {"allowed_tools": None}})["effect"]["payload"]
    )


@pytest.mark.parametrize(
    ("given", "names"), [([], []), ("", []), ("a", ["a"]), (["a", None, 1, "a "], ["a"])]
)
def test_names_are_read_from_lists_and_texts(given: Any, names: list[str]) -> None:
    payload = run("tool_calls", {**CALLS, "allowed_tools": given}, fed=("allowed_tools",))["effect"][
        "payload"
    ]
    assert payload["allowed_tools"] == names
