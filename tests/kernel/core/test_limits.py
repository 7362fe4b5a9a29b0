"""How near a run is to its limits."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime import Runtime
from abstractruntime.core import LimitWarning
from abstractruntime.testing.flows import end, flow

SPEC = flow("a", a=end("a"))


def started(runtime: Runtime, **limits: Any) -> str:
    run_id = runtime.start(SPEC)
    runtime.update_limits(run_id, limits)
    return run_id


def test_the_status_of_limits(runtime: Runtime) -> None:
    run_id = started(runtime, current_iteration=20, estimated_tokens_used=16384, max_output_tokens=5)
    assert runtime.get_limit_status(run_id) == {
        "iterations": {"current": 20, "max": 25, "pct": 80.0, "warning": True},
        "tokens": {
            "estimated_used": 16384,
            "max": 32768,
            "max_input_tokens": None,
            "max_output_tokens": 5,
            "pct": 50.0,
            "warning": False,
        },
        "history": {"max_messages": -1},
    }


@pytest.mark.parametrize(
    ("limits", "warnings"),
    [
        ({}, []),
        ({"current_iteration": 19}, []),
        ({"current_iteration": 20}, [LimitWarning("iterations", "warning", 20, 25)]),
        ({"current_iteration": 25}, [LimitWarning("iterations", "exceeded", 25, 25)]),
        ({"max_iterations": 0}, [LimitWarning("iterations", "exceeded", 0, 0)]),
        (
            {"estimated_tokens_used": 80, "max_tokens": 100},
            [LimitWarning("tokens", "warning", 80, 100)],
        ),
        ({"estimated_tokens_used": 101, "max_tokens": 100}, [LimitWarning("tokens", "exceeded", 101, 100)]),
        ({"estimated_tokens_used": 0, "max_tokens": 0}, []),
        (
            {"current_iteration": 13, "warn_iterations_pct": 50},
            [LimitWarning("iterations", "warning", 13, 25)],
        ),
    ],
)
def test_warnings(runtime: Runtime, limits: dict[str, Any], warnings: list[LimitWarning]) -> None:
    run = runtime.get_state(started(runtime, **limits))
    assert runtime.check_limits(run) == warnings


def test_only_limits_can_be_updated(runtime: Runtime) -> None:
    run_id = started(runtime, max_iterations=3, nonsense=1)
    limits = runtime.get_state(run_id).vars["_limits"]
    assert limits["max_iterations"] == 3
    assert "nonsense" not in limits
    with pytest.raises(KeyError):
        runtime.update_limits("nobody", {})


def test_the_percentage_of_a_warning() -> None:
    assert LimitWarning("iterations", "warning", 20, 25).pct == 80.0
    assert LimitWarning("tokens", "exceeded", 1, 0).pct == 0.0
