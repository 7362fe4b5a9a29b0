"""Number nodes beyond their examples: whole numbers, limits, chance."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractruntime.nodes.define import NodeError
from nodes.calls import run

WHOLE = st.integers(-(10**20), 10**20)
ANY = WHOLE | st.floats(-1e100, 1e100)


@given(WHOLE, WHOLE)
def test_whole_numbers_stay_whole(a: int, b: int) -> None:
    assert run("add", {"a": a, "b": b}) == {"result": a + b}
    assert run("subtract", {"a": str(a), "b": b}) == {"result": a - b}
    assert run("multiply", {"a": a, "b": b}) == {"result": a * b}
    for name in ("add", "subtract", "multiply", "abs"):
        assert isinstance(run(name, {"a": a, "b": b, "value": a})["result"], int)


@given(ANY, ANY.filter(bool))
def test_quotient_and_rest_give_the_number_back(a: float, b: float) -> None:
    if isinstance(a, int) and isinstance(b, int):
        rest = run("modulo", {"a": a, "b": b})["result"]
        exact = run("divide", {"a": a - rest, "b": b})["result"]
        assert isinstance(exact, int)
        assert exact * b + rest == a
        assert rest == 0 or (rest > 0) == (b > 0)
    else:
        with_point = run("divide", {"a": a, "b": b}) if abs(b) > 1e-100 else {"result": 0.0}
        assert math.isfinite(with_point["result"])


@given(st.integers(-5000, 5000), st.integers(-5000, 5000))
def test_a_power_is_a_number_or_refused_at_once(base: int, exp: int) -> None:
    if not base and exp < 0:
        return
    try:
        result = run("power", {"base": base, "exp": exp})["result"]
    except NodeError:
        assert abs(base) > 1
        assert abs(exp) * math.log2(abs(base)) > 1000
        return
    assert math.isfinite(result)


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("add", {"a": 10**308, "b": 10**308 * 9}),
        ("multiply", {"a": 1e200, "b": 1e200}),
        ("divide", {"a": 1e300, "b": 1e-300}),
        ("divide", {"a": 10**400, "b": 3}),
        ("power", {"base": 2.5, "exp": 10_000}),
        ("power", {"base": -7, "exp": 10**18}),
    ],
)
def test_what_json_cannot_hold_is_refused(name: str, inputs: dict[str, object]) -> None:
    with pytest.raises(NodeError, match="too large") as caught:
        run(name, inputs)
    assert caught.value.code == "math.too_large"


def test_zero_has_no_negative_power() -> None:
    with pytest.raises(NodeError, match="no negative power"):
        run("power", {"base": 0, "exp": -1})


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [
        (0.5, 0, 0),
        (1.5, 0, 2),
        (-2.5, 0, -2),
        (2.675, 2, 2.67),
        (1e300, 400, 1e300),
        (7, 3, 7),
        (149, -2, 100),
    ],
)
def test_rounding(value: float, decimals: int, expected: float) -> None:
    result = run("round", {"value": value, "decimals": decimals})["result"]
    assert result == expected
    assert isinstance(result, int) == (decimals <= 0 or isinstance(value, int))


@given(st.integers(-1000, 1000), st.integers(-1000, 1000), st.integers(0, 99))
def test_a_drawn_number_lies_between_its_limits(low: int, high: int, seed: int) -> None:
    drawn = run("random_int", {"min": low, "max": high}, seed=seed)["result"]
    assert min(low, high) <= drawn <= max(low, high)
    with_point = run("random_float", {"min": low, "max": high}, seed=seed)["result"]
    assert min(low, high) <= with_point <= max(low, high)


def test_chance_reaches_both_limits_and_differs_from_visit_to_visit() -> None:
    drawn = {run("random_int", {"min": 1, "max": 3}, seed=seed)["result"] for seed in range(60)}
    assert drawn == {1, 2, 3}
    assert len({run("random_float", seed=seed)["result"] for seed in range(20)}) == 20


def test_limits_that_are_no_numbers_count_as_the_defaults() -> None:
    drawn = {run("random_int", {"min": "low", "max": None}, seed=seed)["result"] for seed in range(300)}
    assert 0 <= min(drawn) < 20
    assert 80 < max(drawn) <= 100
