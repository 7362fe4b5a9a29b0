"""A listener in a scope in which no step can tell it anything is told, and only then."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime.visualflow_compiler import check
from drive import end, flow, node, start

Document = dict[str, Any]


def told(listener: Document, wires: str = "hear -> say", **more: Document) -> list[Any]:
    nodes = {"start": start(), "ring": node("emit_event", pins={"name": "bell", "scope": "run"})}
    nodes |= {"end": end(), "hear": listener, "say": node("answer_user"), **more}
    document = flow("f", nodes, f"start -> ring, ring -> end, {wires}")
    return [each for each in check(document) if each.code == "event.never_heard"]


@pytest.mark.parametrize("scope", ["workflow", "run"])
def test_a_listener_that_shares_no_scope_with_a_step_is_told(scope: str) -> None:
    for listener in (
        node("on_event", eventConfig={"name": "bell", "scope": scope}),
        node("on_event", eventConfig={"name": "bell"}, pins={"scope": scope.upper()}),
    ):
        (found,) = told(listener)
        assert (found.severity, found.node, found.pin) == ("risk", "hear", "scope")
        assert f"'{scope}'" in found.message
        assert found.fix is not None
    elsewhere = node("emit_event", pins={"name": "bell", "scope": "session"})
    assert len(told(listener, "hear -> say, say -> tell", tell=elsewhere)) == 1
    assert [each.fix for each in told(node("on_event", pinExpressions={"scope": f"'{scope}'"}))] == [None]


@pytest.mark.parametrize("scope", ["session", "global", "town", "", None])
def test_a_listener_in_another_scope_is_not_told(scope: str | None) -> None:
    assert told(node("on_event", eventConfig={"name": "bell", "scope": scope})) == []
    assert told(node("on_event", eventConfig={"scope": "run"}, pins={"scope": scope})) == []


def test_a_listener_whose_scope_only_a_run_knows_is_not_told() -> None:
    assert told(node("on_event", pinExpressions={"scope": "vars['scope']"})) == []


@pytest.mark.parametrize("pins", [{"name": "bell", "scope": "workflow"}, {"name": "bell", "scope": None}])
def test_a_listener_that_hears_itself_beside_other_runs_is_not_told(pins: dict[str, Any]) -> None:
    listener = node("on_event", eventConfig={"name": "bell", "scope": "workflow"})
    tell = node("emit_event", pins=pins)
    found = told(listener, "hear -> say, say -> tell", tell=tell)
    assert len(found) == (0 if pins["scope"] else 1)
    assert told(listener, "hear -> say", tell=tell) != []


def test_what_a_listener_tells_in_its_own_run_it_does_not_hear() -> None:
    listener = node("on_event", eventConfig={"name": "bell", "scope": "run"})
    tell = node("emit_event", pins={"name": "bell", "scope": "run"})
    assert len(told(listener, "hear -> tell", tell=tell)) == 1
