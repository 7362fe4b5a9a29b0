"""Variables: names, kinds, first values, and that nobody's value changes under them."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime.nodes.define import Call, NodeError
from abstractruntime.nodes.pins import pins_of
from abstractruntime.nodes.variables import read_variable, variable_path, write_variable
from abstractruntime.testing.examples import call_of
from nodes.calls import codes, node_type, run


def act(name: str, inputs: dict[str, Any], held: dict[str, Any], data: dict[str, Any] | None = None) -> Call:
    """Run an action on variables and return the call with what it left."""
    call = call_of(node_type(name), inputs, data, vars=held)
    node_type(name).run(call)
    return call


def test_writing_a_part_leaves_other_holders_of_the_whole_alone() -> None:
    call = call_of(node_type("set_var"), {"name": "a.b.c", "value": 2}, vars={"a": {"b": {"c": 1}, "x": [0]}})
    whole, inner = call.vars["a"], call.vars["a"]["b"]
    node_type("set_var").run(call)
    assert (whole, inner) == ({"b": {"c": 1}, "x": [0]}, {"c": 1})
    assert call.vars == {"a": {"b": {"c": 2}, "x": [0]}}
    assert call.vars["a"]["x"] is whole["x"], "what is not on the way is shared"


def test_a_property_is_set_in_a_copy() -> None:
    call = call_of(
        node_type("set_var_property"), {"name": "u", "key": "a.b", "value": 2}, vars={"u": {"a": {"b": 1}}}
    )
    before = call.vars["u"]
    assert node_type("set_var_property").run(call) == {"value": {"a": {"b": 2}}}
    assert before == {"a": {"b": 1}}


@pytest.mark.parametrize("name", ["_x", "_temp.effects", '["_x"]', " _limits.max_iterations", "_"])
def test_names_of_the_system_are_not_written(name: str) -> None:
    for kind, inputs in (
        ("set_var", {"name": name, "value": 1}),
        ("set_var_property", {"name": name, "key": "a", "value": 1}),
        ("set_vars", {"updates": {"ok": 1, name: 1}}),
    ):
        call = call_of(node_type(kind), inputs, vars={"_limits": {"max_iterations": 5}})
        with pytest.raises(NodeError, match="names starting with '_' are reserved") as caught:
            node_type(kind).run(call)
        assert caught.value.code == "variable.reserved"
        assert call.vars == {"_limits": {"max_iterations": 5}}


def test_only_the_limits_of_the_system_can_be_read() -> None:
    held = {"_limits": {"max_input_tokens": 9}, "_temp": {"x": 1}, "_runtime": {}}
    assert run("get_var", {"name": "_limits.max_input_tokens"}, vars=held) == {"value": 9}
    assert run("get_var", {"name": "_temp.x"}, vars=held) == {"value": None}
    assert read_variable(held, '["_runtime"]') == (False, None)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.0", "x"),
        ("a[0]", "x"),
        (" a[-1] ", "y"),
        ('["k.k"]', 1),
        ("o.deep.er", None),
        ("", None),
        ("none", None),
    ],
)
def test_reading_by_path(name: str, expected: object) -> None:
    assert run("get_var", {"name": name}, vars={"a": ["x", "y"], "k.k": 1, "o": {}}) == {"value": expected}


def test_several_values_are_kept_together_or_not_at_all() -> None:
    held = {"l": [1], "o": {"a": 1}}
    call = call_of(node_type("set_vars"), {"updates": {"o.a": 2, "l[5]": 3}}, vars=held)
    with pytest.raises(NodeError, match="Failed to set variable 'l': There is no position 5"):
        node_type("set_vars").run(call)
    assert call.vars == held
    assert act("set_vars", {"updates": {"o.b": 2, "o.c": 3, "l[1]": 4}}, held).vars == {
        "l": [1, 4],
        "o": {"a": 1, "b": 2, "c": 3},
    }


@pytest.mark.parametrize(
    ("updates", "message"),
    [
        ("[1]", "needs an object"),
        (5, "needs an object"),
        ("{", "is no JSON"),
        ({"": 1}, "non-empty variable names"),
    ],
)
def test_updates_that_are_no_names_and_values(updates: object, message: str) -> None:
    with pytest.raises(NodeError, match=message) as caught:
        run("set_vars", {"updates": updates})
    assert caught.value.pin == "updates"


@pytest.mark.parametrize("updates", [None, "", " ", {}, "{}"])
def test_nothing_to_keep_is_no_mistake(updates: object) -> None:
    assert run("set_vars", {"updates": updates}) == {"updates": {}}


@pytest.mark.parametrize(
    ("kind", "expected"), [("boolean", False), ("number", 0), ("string", ""), ("object", None), ("any", None)]
)
def test_a_missing_value_is_empty_for_the_kind_of_its_pin(kind: str, expected: object) -> None:
    data = {"inputs": [{"id": "value", "type": kind}]}
    assert act("set_var", {"name": "x"}, {}, data).vars == {"x": expected}
    assert act("set_var", {"name": "x", "value": None}, {"x": 1}, data).vars == {"x": None}


def test_value_pins_keep_the_type_of_the_document() -> None:
    data = {"inputs": [{"id": "value", "type": "number"}], "outputs": [{"id": "value", "type": "string"}]}
    inputs, outputs = pins_of(node_type("set_var"), data)
    assert [(pin.id, pin.type) for pin in inputs] == [
        ("exec-in", "execution"),
        ("name", "string"),
        ("value", "number"),
    ]
    assert outputs[-1].type == "string"
    assert pins_of(node_type("get_var"), data)[1][0].type == "string"
    assert pins_of(node_type("var_decl"), {"literalValue": {"type": "array"}})[1][1].type == "array"
    assert pins_of(node_type("var_decl"), {"literalValue": {"type": "nonsense"}})[1][1].type == "any"


@pytest.mark.parametrize(
    ("kind", "value", "fits"),
    [
        ("number", 1.5, True),
        ("number", True, False),
        ("boolean", 1, False),
        ("string", None, False),
        ("object", [], False),
        ("array", [1], True),
        ("any", None, True),
        ("provider", "openai", True),
    ],
)
def test_a_declared_variable_has_its_kind(kind: str, value: object, fits: bool) -> None:
    data = {"literalValue": {"name": "v", "type": kind, "default": None}}
    given = run("var_decl", {}, data, vars={"v": value})["value"]
    assert (given == value) is fits


def test_the_first_value_of_a_declared_variable_is_seeded() -> None:
    seed = node_type("var_decl").seed
    flag = node_type("bool_var").seed
    assert seed is not None
    assert flag is not None
    assert seed({"literalValue": {"name": "a.b", "type": "any", "default": 5}}) == {"a.b": 5}
    assert seed({"literalValue": {"name": "n", "type": "number", "default": "no"}}) == {"n": 0}
    assert seed({"literalValue": {"name": "n", "type": "number"}}) == {}
    assert seed({"literalValue": {"name": "_n", "default": 1}}) == {}
    assert seed({"literalValue": {"name": "n[", "default": 1}}) == {}
    assert flag({"literalValue": {"name": "ready", "default": True}}) == {"ready": True}
    assert run("var_decl", {}, {"literalValue": {"name": "v", "type": "any", "default": 5}})["value"] == 5


def test_an_old_flag_is_only_a_name() -> None:
    upgrade = node_type("bool_var").upgrade
    assert upgrade is not None
    old = {"literalValue": "ready"}
    assert upgrade(old) == {"literalValue": {"name": "ready", "default": False}}
    assert old == {"literalValue": "ready"}
    new = {"literalValue": {"name": "x"}}
    assert upgrade(new) == new


def test_names_are_judged_while_they_are_written() -> None:
    assert codes("get_var", {}) == ["variable.no_name"]
    assert codes("get_var", {"pinDefaults": {"name": "_temp.x"}}) == ["variable.reserved"]
    assert codes("get_var", {"pinDefaults": {"name": "_limits.x"}}) == []
    assert codes("get_var", {"pinDefaults": {"name": "a["}}) == ["path.bad"]
    assert codes("set_var", {"pinDefaults": {"name": "_limits.x"}}) == ["variable.reserved"]
    assert codes("set_vars", {"pinDefaults": {"updates": {"a": 1, "_b": 2}}}) == ["variable.reserved"]
    assert codes("set_vars", {"pinDefaults": {"updates": "{"}}) == ["json.invalid"]
    assert codes("var_decl", {"literalValue": {"name": ""}}) == ["variable.no_name"]
    assert codes("bool_var", {"literalValue": {"name": "ok"}}) == []


def test_the_only_ways_to_variables() -> None:
    held: dict[str, Any] = {}
    write_variable(held, variable_path("a[0].b"), 1)
    assert held == {"a": [{"b": 1}]}
    assert read_variable(held, "a[0].b") == (True, 1)
    with pytest.raises(NodeError, match="Set Variable requires a non-empty variable name"):
        variable_path(" . ")
