"""What is durable, and what is said about what is not."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict
from enum import Enum
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractruntime.core.errors import NotDurable
from abstractruntime.core.jsonsafe import DEPTH_LIMIT, check, decode, encode, encode_apart, isolated
from abstractruntime.core.models import StepRecord, StepStatus
from abstractruntime.storage.codec import SealedRecord, encode_record, record_json


class Colour(str, Enum):
    RED = "red"


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def test_text_is_compact_and_keeps_every_sign() -> None:
    assert encode({"a": [1, 2.5, None, True], "ü": "🙂"}) == '{"a":[1,2.5,null,true],"ü":"🙂"}'
    assert encode({"c": Colour.RED, "t": (1, 2)}) == '{"c":"red","t":[1,2]}'


@given(st.recursive(st.one_of(st.none(), st.text(), st.integers(), st.booleans(), st.floats()), st.lists))
def test_what_is_written_is_what_the_standard_encoder_writes_or_is_refused(value: Any) -> None:
    try:
        text = encode(value)
    except NotDurable:
        flat = json.dumps(value)
        assert "NaN" in flat or "Infinity" in flat or "\\ud" in flat or "[" * DEPTH_LIMIT in flat
    else:
        assert decode(text) == value


@pytest.mark.parametrize(
    ("value", "path", "message"),
    [
        ({"a": {"b": {1, 2}}}, "vars.a.b", "vars.a.b is of type set"),
        ({"a": [0, float("nan")]}, "vars.a[1]", "vars.a[1] is nan"),
        (float("inf"), "vars", "vars is inf"),
        ({"a": {3: 1}}, "vars.a", "vars.a has the key 3 (int); keys must be text"),
        ({"a": {None: 1}}, "vars.a", "vars.a has the key None (NoneType)"),
        ({"odd.key": b"x"}, 'vars["odd.key"]', 'vars["odd.key"] is of type bytes'),
        ({"a": "ok \ud83d"}, "vars.a", "character 3 is half of a surrogate pair"),
        ("\udc00", "vars", "half of a surrogate pair"),
        ({"a\ud83d": 1}, "vars", "half of a surrogate pair"),
        ({"n": 10**5000}, "vars.n", "too many digits"),
        ({"deep": nested(DEPTH_LIMIT + 1)}, "vars.deep[0][0]", "nested deeper than 200 levels"),
        ({"deep": nested(100_000)}, "vars.deep[0][0]", "nested deeper than 200 levels"),
    ],
)
def test_a_refusal_names_the_place(value: Any, path: str, message: str) -> None:
    for write in (encode, partial(encode_apart, most=100_000), partial(encode_apart, most=0)):
        with pytest.raises(NotDurable) as caught:
            write(value)
        assert caught.value.path == path
    assert message in str(caught.value)
    assert isinstance(caught.value, TypeError)


def test_a_value_that_contains_itself_is_refused() -> None:
    loop: dict[str, Any] = {"a": []}
    loop["a"].append(loop)
    with pytest.raises(NotDurable, match=r"vars\.a\[0\] contains itself"):
        check(loop)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"a": [{"b": (1, True, None, 2.5)}], "ü": "🙂"},
        {"deep": nested(DEPTH_LIMIT - 1)},
        {"wide": [[] for _ in range(2 * DEPTH_LIMIT)]},
        {"c": Colour.RED},
    ],
)
def test_a_copy_is_what_a_restart_would_find(value: Any) -> None:
    text, copy = encode_apart(value, most=100_000)
    assert text == encode(value)
    assert encode(copy) == text
    assert encode_apart(value, most=len(text) - 1) == (text, None)
    if value.get("a"):
        value["a"][0]["b"] = 0
        assert encode(copy) == text


def test_the_same_value_twice_is_no_loop() -> None:
    shared = {"x": 1}
    assert encode({"a": shared, "b": [shared]}) == '{"a":{"x":1},"b":[{"x":1}]}'


def test_where_and_inside_name_the_value_and_count_as_depth() -> None:
    with pytest.raises(NotDurable, match=r"^effect\.payload\.items\[2\] is of type object"):
        encode({"items": [1, 2, object()]}, "effect", ["payload"])
    with pytest.raises(NotDurable, match="nested deeper"):
        encode(1, "vars", ["x"] * (DEPTH_LIMIT + 1))
    assert encode(nested(DEPTH_LIMIT - 1)).count("[") == DEPTH_LIMIT - 1


def test_a_copy_is_isolated_and_plain() -> None:
    source = {"a": (1, [2]), "c": Colour.RED}
    copied = isolated(source)
    assert copied == {"a": [1, [2]], "c": "red"}
    assert type(copied["c"]) is str


def test_reading_refuses_what_is_not_json() -> None:
    for text in ("NaN", '{"a": Infinity}', "{", ""):
        with pytest.raises(ValueError):  # noqa: PT011  # the json module's own words differ
            decode(text)


def test_a_sealed_record_is_read_from_its_text() -> None:
    text = encode_record(
        StepRecord("r", "s", "n", StepStatus.COMPLETED, result={"a": [1]}, idempotency_key="k")
    )
    record = SealedRecord.of(text, "r", StepStatus.COMPLETED, "k", None)
    assert (record.status, record.done_key) == (StepStatus.COMPLETED, "k")
    assert (record.step_id, record.result, record.attempt) == ("s", {"a": [1]}, 1)
    assert record_json(record) == json.loads(text) == json.loads(encode_record(record))
    assert asdict(record)["result"] == {"a": [1]}
    assert copy.deepcopy(record) == record
    record = SealedRecord.of(text, "r", StepStatus.COMPLETED, "k", None)
    record.prev_hash = "linked"  # what was put there stays
    assert (record.node_id, record.prev_hash) == ("n", "linked")
    assert SealedRecord.of(text, "r", StepStatus.STARTED, "k", None).done_key is None
