"""A run at an earlier entry: a node's data, its inputs in the form and what an expression gives are those of then."""

from __future__ import annotations

import re
from typing import Any

import pytest

from drive import end, flow, node, start
from web.conftest import Client
from web.page import Page
from web.streams import events_of


def asking() -> dict[str, Any]:
    """A loop of three turns that counts in a variable, then a question, then a step that uses the answer."""
    nodes = {
        "start": start(),
        "for": node("for", pins={"start": 0, "end": 3, "step": 1}),
        "count": node("set_var", pins={"name": "turns"}),
        "ask": node("ask_user", pins={"prompt": "Tea or coffee?", "choices": ["Tea", "Coffee"]}),
        "say": node("answer_user"),
        "end": end(),
    }
    wires = (
        "start -> for, for:loop -> count, for.i -> count.value, for:done -> ask, ask -> say, "
        "ask.response -> say.message, say -> end"
    )
    return flow("asking", nodes, wires)


@pytest.fixture
def told(client: Client) -> tuple[str, list[dict[str, Any]]]:
    """A run that has ended, and its entries as the stream tells them."""
    client.save(asking())
    run_id = client.launch("asking")
    asked = client.asked(run_id)
    client.post(f"/api/prompts/{run_id}", json={"wait_key": asked["wait_key"], "response": "Tea"})
    client.until(run_id, "completed")
    lines = iter(client.get(f"/api/runs/{run_id}/events").text.splitlines())
    steps = [event.data for event in events_of(lines) if event.name == "step"]
    return run_id, steps


def look(client: Client, run_id: str, node_id: str, upto: int, **more: Any) -> Page:
    given = next(each for each in asking()["nodes"] if each["id"] == node_id)
    asked = {"flow_id": "asking", "node": given, "wired": ["value", "message"], "tab": "data"}
    asked |= {"background": run_id, "instant_run": run_id, "upto": upto, **more}
    answer = client.post("/editor/inspector", json=asked)
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


def at(
    steps: list[dict[str, Any]], node_id: str, status: str = "completed", visit: int = 1
) -> dict[str, Any]:
    found = [
        each
        for each in steps
        if (each["node_id"] or "").removesuffix("~") == node_id and each["status"] == status
    ]
    return found[visit - 1]


def test_a_node_that_was_not_reached_then_says_so(client: Client, told: tuple[str, list[Any]]) -> None:
    run_id, steps = told
    second = at(steps, "count", visit=2)
    page = look(client, run_id, "say", second["position"])
    assert "At this instant the run had not come to this node. It comes here 1 time later." in page.text
    assert f"entry {second['seq']} of {steps[-1]['seq']} · looking only" in page.text
    assert "Came out" not in page.text
    assert "looking only" not in look(client, run_id, "say", 0).text


def test_visits_that_came_later_are_not_there_yet(client: Client, told: tuple[str, list[Any]]) -> None:
    run_id, steps = told
    page = look(client, run_id, "count", at(steps, "count", visit=2)["position"])
    assert "2 of 2" in page.text
    assert "It comes here 1 more time later." in page.text
    assert "3 of 3" in look(client, run_id, "count", 0).text


def test_a_step_that_was_under_way_shows_what_it_was_asked_and_no_reply(
    client: Client, told: tuple[str, list[Any]]
) -> None:
    run_id, steps = told
    then = look(client, run_id, "ask", at(steps, "ask", "waiting")["position"])
    assert "Waiting" in then.text
    assert "nothing came" in then.html
    assert "Tea or coffee?" in then.text
    now = look(client, run_id, "ask", 0)
    assert "Done" in now.text
    assert "nothing came" not in now.html


def test_another_run_is_shown_as_it_is_now(client: Client, told: tuple[str, list[Any]]) -> None:
    run_id, steps = told
    page = look(client, run_id, "say", steps[0]["position"], instant_run="another")
    assert "looking only" not in page.text
    assert "Came out" in page.text


def test_an_expression_and_the_form_take_the_values_of_then(
    client: Client, told: tuple[str, list[Any]]
) -> None:
    run_id, steps = told
    count = next(each for each in asking()["nodes"] if each["id"] == "count")
    asked = {"flow_id": "asking", "node": count, "wired": ["value"], "pin": "name", "text": "turns + value"}
    asked |= {"background": run_id, "instant_run": run_id}

    def gives(upto: int) -> str:
        return Page(client.post("/editor/expression", json={**asked, "upto": upto}).text).text

    assert "0" in gives(at(steps, "count", visit=1)["position"])
    assert "2" in gives(at(steps, "count", visit=2)["position"])
    assert "4" in gives(0)
    form = look(client, run_id, "say", at(steps, "count")["position"], tab="setup")
    assert "in the run:" not in form.text
    assert "Tea" in look(client, run_id, "say", 0, tab="setup").text


def test_entries_are_counted_as_the_form_of_a_fork_counts_them(
    client: Client, told: tuple[str, list[Any]]
) -> None:
    run_id, steps = told
    own = [each["seq"] for each in steps if each["run_id"] == run_id]
    assert own == [*range(1, len(own) + 1)], "the stream tells every entry of the ledger"
    assert f"after entry 3 of {len(own)}" in Page(client.get(f"/runs/{run_id}/fork?seq=3").text).text


def telling() -> dict[str, Any]:
    """A loop of three turns: each tells the boss, and a check that fails at the second; the loop goes on."""
    nodes = {
        "start": start(),
        "for": node("for", pins={"start": 0, "end": 3, "step": 1}),
        "tell": node("notify", pins={"to": "boss"}),
        "check": node(
            "code",
            ins=["exec-in", "n|number"],
            outs=["exec-out"],
            codeBody="if n == 1:\n    raise ValueError('not right')\nreturn n",
            onError="continue",
        ),
        "end": end(),
    }
    wires = "start -> for, for:loop -> tell, for.i -> tell.message, tell -> check, for.i -> check.n, for:done -> end"
    return flow("telling", nodes, wires)


def test_failed_visits_are_run_again_by_a_fork_that_sends_nothing_twice(client: Client) -> None:
    document = telling()
    client.save(document)
    run_id = client.launch("telling")
    client.until(run_id, "completed")
    assert len(client.studio.outbox.notices()) == 3

    def strip(node_id: str) -> Page:
        given = next(each for each in document["nodes"] if each["id"] == node_id)
        asked = {"flow_id": "telling", "node": given, "wired": [], "tab": "data", "background": run_id}
        return Page(client.post("/editor/inspector", json=asked).text)

    assert "again…" not in strip("tell").text, "none of its visits failed"
    page = strip("check")
    assert "1 failed one again…" in page.text
    found = re.search(r'href="(/runs/[^"]*/fork\?seq=(\d+)&(?:amp;)?effects=recorded)"', page.html)
    assert found is not None
    form = client.get(found[1].replace("&amp;", "&")).text
    assert 'value="recorded" checked' in form
    answer = client.post(f"/api/runs/{run_id}/fork", json={"seq": int(found[2]), "effects": "recorded"})
    fork = answer.json()["run_id"]
    client.until(fork, "completed")
    assert len(client.studio.outbox.notices()) == 3, "what was told is not told again"


def sizing(expression: str) -> dict[str, Any]:
    """A loop of three turns in which a value node computes its input by an expression from a wire and a variable."""
    nodes = {
        "start": start(),
        "for": node("for", pins={"start": 0, "end": 3, "step": 1}),
        "count": node("set_var", pins={"name": "turns"}),
        "sum": node("add", pins={}, pinExpressions={"b": expression}),
        "keep": node("set_var", pins={"name": "kept"}),
        "end": end(),
    }
    wires = (
        "start -> for, for:loop -> count, for.i -> count.value, count -> keep, for.i -> sum.a, "
        "sum.result -> keep.value, for:done -> end"
    )
    return flow("sizing", nodes, wires)


def summed(client: Client, expression: str, **more: Any) -> Page:
    document = sizing(expression)
    client.save(document)
    run_id = client.launch("sizing")
    client.until(run_id, "completed")
    given = next(each for each in document["nodes"] if each["id"] == "sum")
    asked = {"flow_id": "sizing", "node": given, "wired": ["a"], "tab": "data", "background": run_id, **more}
    return Page(client.post("/editor/inspector", json=asked).text)


def test_a_computed_input_of_a_value_node_is_computed_again_from_the_record(client: Client) -> None:
    page = summed(client, "a * 10 + turns", visit=2)
    came = page.text.split("Came in")[1].split("Settings used")[0]
    assert "computed now, from what the run recorded" in came
    assert "11" in came
    assert "not on record" not in came


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("datetime.datetime.now().year * 0 + a", "it reads the clock, which stood otherwise then"),
        ("len('x' * 9000) * 0 + len(vars)", None),
    ],
)
def test_what_could_come_out_otherwise_is_not_computed_again(
    client: Client, expression: str, reason: str | None
) -> None:
    page = summed(client, expression)
    if reason is None:
        assert "computed now, from what the run recorded" in page.text
    else:
        assert f"computed, and not on record; it is not computed again: {reason}" in page.text
