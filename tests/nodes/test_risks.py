"""What a declaration says of settings that run and may hurt: a clock without a zone, tools without a list."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime.visualflow_compiler import check
from drive import flow, node, start
from nodes.calls import codes


@pytest.mark.parametrize(
    "when", ["0 7 * * 1-5", "@daily", "@weekly", "* * * * 1", "0 */2 * * *", " 2030-01-31T09:00 "]
)
def test_a_schedule_that_goes_by_a_clock_wants_a_zone(when: str) -> None:
    assert codes("on_schedule", {"pinDefaults": {"schedule": when}}) == ["schedule.no_zone"]
    assert codes("on_schedule", {"eventConfig": {"schedule": when}}) == ["schedule.no_zone"]
    for zone in ("Europe/Paris", "UTC"):
        assert (
            codes("on_schedule", {"pinDefaults": {"schedule": when}, "eventConfig": {"timeZone": zone}}) == []
        )


@pytest.mark.parametrize(
    "when", ["15s", "1d", "@hourly", "*/5 * * * *", "2030-01-31T09:00Z", "2030-01-31T09:00+02:00"]
)
def test_a_schedule_that_is_the_same_in_every_zone_wants_none(when: str) -> None:
    assert codes("on_schedule", {"pinDefaults": {"schedule": when}}) == []


def risks(*wires: str, **data: Any) -> list[str]:
    nodes = {"start": start("may"), "do": node("tool_calls", **data)}
    return [each.code for each in check(flow("f", nodes, ",".join(["start -> do", *wires])))]


def test_calls_of_tools_want_a_list_of_those_that_may_be_called() -> None:
    assert risks() == ["tools.no_allow_list"]
    assert risks(pins={"allowed_tools": None}) == ["tools.no_allow_list"]
    assert risks(pins={"allowed_tools": []}) == []
    assert risks(effectConfig={"allowed_tools": ["add"]}) == []
    assert "tools.no_allow_list" not in risks(effectConfig={"allowedTools": ["add"]})
    assert risks("start.may -> do.allowed_tools") == []
