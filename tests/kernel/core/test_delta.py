"""The change that is written equals the change that was made."""

from __future__ import annotations

import copy
import json
import pickle
from operator import add
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abstractruntime.core.delta import drain, fold, is_tracked, plain, track
from abstractruntime.core.errors import LedgerBroken, NotDurable

LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.sampled_from(["", "a", "é", "b"]))
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abcd"), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = st.sampled_from("abcd")
INDEX = st.integers(-4, 4)
ALIAS = st.integers(0, 7)
ARGUMENT = st.one_of(st.tuples(st.just("value"), VALUES), st.tuples(st.just("alias"), ALIAS))
DICT_OPS = st.one_of(
    st.tuples(st.sampled_from(["set", "setdefault"]), KEYS, ARGUMENT),
    st.tuples(st.sampled_from(["del", "pop", "get", "read"]), KEYS),
    st.tuples(st.sampled_from(["update", "ior"]), st.dictionaries(KEYS, VALUES, max_size=3)),
    st.tuples(st.sampled_from(["clear", "popitem", "values", "items"])),
)
LIST_OPS = st.one_of(
    st.tuples(st.just("append"), ARGUMENT),
    st.tuples(st.just("insert"), INDEX, ARGUMENT),
    st.tuples(st.just("setitem"), INDEX, ARGUMENT),
    st.tuples(st.sampled_from(["extend", "iadd"]), st.lists(VALUES, max_size=3)),
    st.tuples(st.sampled_from(["delitem", "popat", "item"]), INDEX),
    st.tuples(st.just("setslice"), INDEX, INDEX, st.lists(VALUES, max_size=3)),
    st.tuples(st.sampled_from(["delslice", "readslice"]), INDEX, INDEX, st.sampled_from([1, 2, -1])),
    st.tuples(st.sampled_from(["reverse", "sort", "clear", "iterate", "twice"])),
    st.tuples(st.just("remove"), LEAVES),
)
STEP = st.lists(st.tuples(ALIAS, st.one_of(DICT_OPS, LIST_OPS)), max_size=8)


class Player:
    """Plays one program on a dictionary, keeping references as a node's code would."""

    def __init__(self, root: Any) -> None:
        self.root = root
        self.known: list[Any] = [root]

    def pick(self, number: int) -> Any:
        return self.known[number % len(self.known)]

    def value(self, argument: tuple[str, Any]) -> Any:
        kind, content = argument
        return copy.deepcopy(content) if kind == "value" else self.pick(content)

    def note(self, *found: Any) -> None:
        self.known += [item for item in found if isinstance(item, (dict, list))]

    def play(self, number: int, op: tuple[Any, ...]) -> str:
        target = self.pick(number)
        action = getattr(self, f"{'dict' if isinstance(target, dict) else 'list'}_{op[0]}", None)
        if action is None:
            return "no such action"
        try:
            action(target, *op[1:])
        except (KeyError, IndexError, TypeError, ValueError) as error:
            return type(error).__name__
        return "done"

    def dict_set(self, target: Any, key: str, argument: Any) -> None:
        target[key] = self.value(argument)

    def dict_setdefault(self, target: Any, key: str, argument: Any) -> None:
        self.note(target.setdefault(key, self.value(argument)))

    def dict_del(self, target: Any, key: str) -> None:
        del target[key]

    def dict_pop(self, target: Any, key: str) -> None:
        self.note(target.pop(key))

    def dict_get(self, target: Any, key: str) -> None:
        self.note(target.get(key, 1))

    def dict_read(self, target: Any, key: str) -> None:
        self.note(target[key])

    def dict_update(self, target: Any, other: dict[str, Any]) -> None:
        target.update(copy.deepcopy(other), d=1)

    def dict_ior(self, target: Any, other: dict[str, Any]) -> None:
        target |= copy.deepcopy(other)

    def dict_clear(self, target: Any) -> None:
        target.clear()

    def dict_popitem(self, target: Any) -> None:
        self.note(target.popitem()[1])

    def dict_values(self, target: Any) -> None:
        self.note(*target.values())

    def dict_items(self, target: Any) -> None:
        self.note(*[value for _, value in target.items()], *dict(target).values(), *{**target}.values())

    def list_append(self, target: Any, argument: Any) -> None:
        target.append(self.value(argument))

    def list_insert(self, target: Any, at: int, argument: Any) -> None:
        target.insert(at, self.value(argument))

    def list_setitem(self, target: Any, at: int, argument: Any) -> None:
        target[at] = self.value(argument)

    def list_extend(self, target: Any, items: list[Any]) -> None:
        target.extend(copy.deepcopy(items))

    def list_iadd(self, target: Any, items: list[Any]) -> None:
        target += copy.deepcopy(items)

    def list_delitem(self, target: Any, at: int) -> None:
        del target[at]

    def list_popat(self, target: Any, at: int) -> None:
        self.note(target.pop(at))

    def list_item(self, target: Any, at: int) -> None:
        self.note(target[at])

    def list_setslice(self, target: Any, start: int, stop: int, items: list[Any]) -> None:
        target[start:stop] = copy.deepcopy(items)

    def list_delslice(self, target: Any, start: int, stop: int, step: int) -> None:
        del target[start:stop:step]

    def list_readslice(self, target: Any, start: int, stop: int, step: int) -> None:
        self.note(*target[start:stop:step], *add(target, [0])[:1], *reversed(target))

    def list_reverse(self, target: Any) -> None:
        target.reverse()

    def list_sort(self, target: Any) -> None:
        target.sort(key=str)

    def list_clear(self, target: Any) -> None:
        target.clear()

    def list_iterate(self, target: Any) -> None:
        self.note(*target)

    def list_twice(self, target: Any) -> None:
        target *= 2

    def list_remove(self, target: Any, item: Any) -> None:
        target.remove(item)


def text(value: Any) -> str:
    """JSON with the keys in their own order, so that order is compared too."""
    return json.dumps(value)


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=4), st.lists(STEP, max_size=4))
def test_folding_what_was_drained_gives_what_a_plain_dictionary_would_hold(
    start: dict[str, Any], steps: list[Any]
) -> None:
    expected = copy.deepcopy(start)
    live = track(copy.deepcopy(start))
    durable = copy.deepcopy(start)
    for step in steps:
        one, other = Player(expected), Player(live)
        for number, op in step:
            before = text(expected)
            outcome = one.play(number, op)
            try:
                text(expected)
            except ValueError:  # it now contains itself: both refuse, the program ends here
                other.play(number, op)
                with pytest.raises(NotDurable):
                    drain(live)
                return
            assert other.play(number, op) == outcome, (op, before)
            if len(text(expected)) > 20_000:
                return
        ops = drain(live)
        assert json.loads(ops.text) == list(ops)
        durable = fold(durable, json.loads(ops.text))
        assert text(durable) == text(expected)
        expected = json.loads(text(expected))
        assert text(plain(live)) == text(live) == text(expected)
        assert live == expected
        assert list(drain(live)) == []


def test_a_change_of_one_key_is_one_small_operation() -> None:
    state = track({"n": 0, "messages": [{"text": "x" * 1000}], "deep": {"a": [{"b": 1}]}})
    state["n"] = 1
    state["messages"].append({"text": "new"})
    state["deep"]["a"][0]["b"] = 2
    assert list(drain(state)) == [
        ["set", ["n"], 1],
        ["append", ["messages"], [{"text": "new"}]],
        ["set", ["deep", "a", 0, "b"], 2],
    ]
    assert list(drain(state)) == []


def test_an_assigned_ancestor_covers_what_lies_below() -> None:
    state = track({"a": {"b": {"c": 1}}})
    state["a"]["b"]["c"] = 2
    state["a"] = {"fresh": state["a"]["b"]}
    assert list(drain(state)) == [["set", ["a"], {"fresh": {"c": 2}}]]


def test_a_value_changed_through_an_alias_is_written_as_it_is_at_the_end_of_the_step() -> None:
    state = track({})
    alias: dict[str, Any] = {}
    state["x"] = alias
    alias["k"] = 1
    state["x"]["j"] = 2
    assert list(drain(state)) == [["set", ["x"], {"k": 1, "j": 2}]]


def test_two_places_are_independent_after_the_step_as_after_a_restart() -> None:
    state = track({"a": {"n": 1}})
    state["b"] = state["a"]
    drain(state)
    state["a"]["n"] = 2
    assert state["b"] == {"n": 1}
    assert list(drain(state)) == [["set", ["a", "n"], 2]]


def test_tracked_variables_look_plain() -> None:
    state = track({"a": {"b": [1, {"c": 2}]}, "t": (1, [2])})
    state["new"] = (1, 2)
    assert isinstance(state, dict)
    assert isinstance(state["a"]["b"], list)
    assert state["a"] == {"b": [1, {"c": 2}]}
    assert json.loads(json.dumps(state)) == {"a": {"b": [1, {"c": 2}]}, "t": [1, [2]], "new": [1, 2]}
    for made in (copy.deepcopy(state["a"]), pickle.loads(pickle.dumps(state["a"]))):
        assert type(made) is dict
        assert type(made["b"]) is list
        assert made == {"b": [1, {"c": 2}]}
    assert type(copy.copy(state["a"])) is dict
    assert {**state["a"]} == (state["a"] | {}) == ({} | state["a"]) == {"b": [1, {"c": 2}]}
    assert is_tracked(state)
    assert not is_tracked(state["a"])
    assert not is_tracked({})


@pytest.mark.parametrize(
    "shallow",
    [
        dict,
        copy.copy,
        lambda d: {**d},
        lambda d: d | {},
        lambda d: {k: v for k, v in d.items()},  # noqa: C416  # the loop is what is tested
        lambda d: dict(zip(d, d.values(), strict=True)),
    ],
)
def test_a_change_inside_a_shallow_copy_is_seen(shallow: Any) -> None:
    state = track({"a": {"b": [{"c": 1}]}})
    shallow(state)["a"]["b"][0]["c"] = 2
    assert list(drain(state)) == [["set", ["a", "b", 0, "c"], 2]]


@pytest.mark.parametrize(
    "shallow", [list, copy.copy, sorted, tuple, lambda x: [*x], lambda x: x[:], lambda x: add(x, [])]
)
def test_a_change_inside_a_copied_list_is_seen(shallow: Any) -> None:
    state = track({"a": [[1]]})
    shallow(state["a"])[0].append(2)
    assert list(drain(state)) == [["append", ["a", 0], [2]]]


def test_what_cannot_be_stored_is_refused_with_its_place_and_nothing_is_forgotten() -> None:
    state = track({"a": {"list": [1]}})
    state["ok"] = 1
    state["a"]["list"].append({"when": {1, 2}})
    with pytest.raises(NotDurable) as caught:
        drain(state)
    assert caught.value.path == "vars.a.list[1].when"
    state["a"]["list"][1]["when"] = "never"
    assert sorted(map(str, drain(state))) == [
        "['append', ['a', 'list'], [{'when': 'never'}]]",
        "['set', ['ok'], 1]",
    ]


@pytest.mark.parametrize(
    "change", [lambda s: s.update({"\ud83d": 1}), lambda s: s["a"].update({"\ud83d": 1})]
)
def test_a_key_that_is_not_valid_text_is_refused(change: Any) -> None:
    state = track({"a": {}})
    change(state)
    with pytest.raises(NotDurable, match="half of a surrogate pair"):
        drain(state)


@pytest.mark.parametrize("spoil", [lambda s: s.update({3: 1}), lambda s: s["a"].update({"k": {3: 1}})])
def test_a_key_that_is_not_text_is_refused(spoil: Any) -> None:
    state = track({"a": {}})
    spoil(state)
    with pytest.raises(NotDurable, match="has the key 3 \\(int\\); keys must be text"):
        drain(state)


def test_an_operation_that_does_not_fit_is_a_broken_ledger() -> None:
    for op in (["set", ["no", "such"], 1], ["append", ["n"], [1]], ["jump", []], ["cut", ["gone"], 1]):
        with pytest.raises(LedgerBroken, match="does not fit"):
            fold({"n": 1}, [op])
