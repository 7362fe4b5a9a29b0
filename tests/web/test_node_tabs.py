"""The inspector's tabs beside the form: what a node was given and gave, its runs, its notes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from abstractruntime.core.models import EffectType
from abstractruntime.visualflow_compiler.policies import RETRIED
from drive import flow, node
from flowstudio.ai.providers import Provider
from web.conftest import Client
from web.page import Page

LONG = 30_000


def looping() -> dict[str, Any]:
    """A loop of three turns around a step that gives values of every kind."""
    body = (
        "print('made', word)\n"
        "if '-' in word:\n"
        "    raise ValueError('below nothing')\n"
        f"return {{'rows': list(range(70)), 'long': 'x' * {LONG}, 'word': word, 'none': None, 'blank': ''}}"
    )
    nodes = {
        "start": node("on_flow_start", outs=["exec-out", "from|number"], pinDefaults={"from": 0}),
        "for": node("for", pins={"end": 3, "step": 1}),
        "word": node("concat", pins={"a": "turn"}),
        "work": node(
            "code",
            label="Work",
            ins=["exec-in", "word|string"],
            outs=["exec-out", "missed|any"],
            codeBody=body,
        ),
        "end": node("on_flow_end", ins=["exec-in"]),
    }
    wires = "start -> for, for:loop -> work, for:done -> end, start.from -> for.start, for.i -> word.b, word.result -> work.word"
    return flow("looping", nodes, wires)


@pytest.fixture
def ran(client: Client) -> str:
    """The id of a run of that flow which ended well."""
    client.save(looping())
    return done(client)


def done(client: Client, status: str = "completed", **inputs: Any) -> str:
    run_id = client.launch("looping", **inputs)
    client.until(run_id, status)
    return run_id


def look(client: Client, node_id: str, tab: str, **more: Any) -> Page:
    given = next(each for each in looping()["nodes"] if each["id"] == node_id)
    asked = {"flow_id": "looping", "node": given, "wired": ["word"], "tab": tab, **more}
    answer = client.post("/editor/inspector", json=asked)
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


def test_data_shows_what_came_in_and_out_of_the_last_visit(client: Client, ran: str) -> None:
    page = look(client, "work", "data")
    assert "3 of 3" in page.text
    assert "turn 2" in page.text
    assert "list of 70" in page.text, "a list that the record has cut says how long it was"
    assert "made turn 2" in page.text
    assert set(page.values("data-kind")) >= {"missing", "null", "empty", "plain", "json", "text"}
    assert f"/runs/{ran}" in page.html


def test_any_visit_and_no_run_can_be_chosen(client: Client, ran: str) -> None:
    assert "turn 0" in look(client, "work", "data", visit=1).text
    assert "turn 2" in look(client, "work", "data", visit=99).text
    none = look(client, "work", "data", background="none")
    assert "turn" not in none.text
    assert "No run is chosen" in none.text
    other = look(client, "work", "data", background="no-such-run")
    assert "turn 2" in other.text, "a run that is gone is as good as none chosen"


def test_a_value_node_shows_what_it_read_and_gave(client: Client, ran: str) -> None:
    page = look(client, "word", "data")
    assert "turn 2" in page.text
    assert "read by “Work”" in " ".join(page.text.split())


def test_a_computed_input_does_not_say_that_nothing_came(client: Client, ran: str) -> None:
    given = next(each for each in looping()["nodes"] if each["id"] == "work")
    given["data"]["inputs"].append({"id": "extra", "label": "extra", "type": "any"})
    asked = {"flow_id": "looping", "wired": ["word"], "tab": "data", "node": given}
    assert "computed, and not on record" not in Page(client.post("/editor/inspector", json=asked).text).text
    given["data"]["pinExpressions"] = {"extra": "word + '!'"}
    assert "computed, and not on record" in Page(client.post("/editor/inspector", json=asked).text).text


def test_before_the_first_run_an_unknown_name_is_no_mistake(client: Client) -> None:
    client.save(looping())
    given = next(each for each in looping()["nodes"] if each["id"] == "word")
    asked = {"flow_id": "looping", "node": given, "wired": [], "pin": "b"}
    page = Page(client.post("/editor/expression", json={**asked, "text": "amount + 1"}).text)
    assert "'amount' is not known here" in page.text
    assert not page.named("p", class_="is-wrong")
    wrong = Page(client.post("/editor/expression", json={**asked, "text": "amount +"}).text)
    assert wrong.named("p", class_="is-wrong")
    done(client)
    told = Page(client.post("/editor/expression", json={**asked, "text": "amount + 1"}).text)
    assert "there is no 'amount' here" in told.text


def test_a_run_that_failed_is_not_the_background_but_may_be_chosen(client: Client, ran: str) -> None:
    failed = done(client, "failed", **{"from": -1})
    assert f"/runs/{ran}" in look(client, "work", "data").html
    chosen = look(client, "work", "data", background=failed)
    assert f"/runs/{failed}" in chosen.html
    assert "below nothing" in chosen.text
    newer = done(client)
    assert f"/runs/{newer}" in look(client, "work", "data").html, "the newest that ended well"


def test_a_large_value_comes_in_parts(client: Client, ran: str) -> None:
    first = client.get("/editor/value", params={"run": ran, "node": "work", "pin": "long"})
    page = Page(first.text)
    assert "10,000 characters are left" in page.text
    start = page.values("data-start")[-1]
    rest = client.get("/editor/value", params={"run": ran, "node": "work", "pin": "long", "start": start})
    assert "30,000 characters in all" in Page(rest.text).text
    shown = [re.search(r"<pre[^>]*>([^<]*)</pre>", part.text) for part in (first, rest)]
    assert "".join(found[1] for found in shown if found) == "x" * LONG
    gone = client.get("/editor/value", params={"run": ran, "node": "work", "pin": "nothing"})
    assert "no longer holds" in gone.text


def test_runs_tell_states_attempts_and_lengths(client: Client, ran: str) -> None:
    done(client, "failed", **{"from": -1})
    page = look(client, "work", "runs")
    words = " ".join(page.text.split())
    assert "2 of 2" in words
    assert "p95" in words
    assert "below nothing" in words
    assert page.html.count("#step-") == 2
    ended = look(client, "end", "runs")
    assert "1 of 2" in " ".join(ended.text.split())
    assert "1 run did not come to this node" in ended.text
    assert "not run yet" in look(client, "work", "runs", flow_id="other").text


def test_set_up_shows_type_need_default_and_the_last_value(client: Client, ran: str) -> None:
    given = {**next(each for each in looping()["nodes"] if each["id"] == "for")}
    asked = {"flow_id": "looping", "node": given, "wired": ["start"]}
    page = Page(client.post("/editor/inspector", json=asked).text)
    words = " ".join(page.text.split())
    assert "number" in words
    assert "in the run: 3" in words
    assert "in the run: 0" in words


def test_notes_are_text_whatever_they_hold(client: Client, ran: str) -> None:
    given = node("code", canvas={"remark": "<script>alert(1)</script> & more"})
    asked = {"flow_id": "looping", "node": {"id": "n", **given}, "wired": [], "tab": "notes"}
    html = client.post("/editor/inspector", json=asked).text
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in html


def test_the_policy_shows_a_key_that_is_computed(client: Client) -> None:
    given = {"id": "n", "type": "web_request", "data": {"pinExpressions": {"key": "order"}}}
    answer = client.post(
        "/editor/inspector", json={"flow_id": "f", "node": given, "wired": [], "tab": "policy"}
    )
    assert answer.status_code == 200, answer.text
    assert 'data-path="pinExpressions.key"' in answer.text


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("web_request", "This step calls other computers, or sends notices."),
        ("tool_calls", "but where the settings want a yes for a tool"),
        ("code", "which shuts out files, network and other programs"),
        ("ask_user", "It reaches no other computer by itself"),
        ("set_var", "It touches nothing outside the run."),
    ],
)
def test_the_policy_says_what_a_step_may_do_and_what_is_kept_of_it(
    client: Client, kind: str, words: str
) -> None:
    asked = {"flow_id": "f", "node": {"id": "n", "type": kind, "data": {}}, "wired": [], "tab": "policy"}
    told = " ".join(Page(client.post("/editor/inspector", json=asked).text).text.split())
    assert words in told
    assert "What it is given and what it gives is recorded" in told
    assert ("Secrets of the server that it names are not" in told) == (kind == "web_request")


@pytest.mark.parametrize("tab", ["setup", "data", "runs", "policy", "notes", "of-no-name"])
def test_every_type_has_every_tab(client: Client, tab: str) -> None:
    for card in client.get("/api/catalog").json()["types"]:
        given = {"id": "n", "type": card["type"], "data": card["template"]}
        answer = client.post(
            "/editor/inspector", json={"flow_id": "f", "node": given, "wired": [], "tab": tab}
        )
        assert answer.status_code == 200, (card["type"], tab)
        assert answer.text.count('aria-selected="true"') == 1


def test_further_tries_are_offered_only_for_effects_that_are_tried_again(client: Client) -> None:
    handlers = client.studio.runner._runtime._engine.handlers
    for name in RETRIED:
        handler = handlers.get(EffectType(name))
        assert handler is not None, name
        assert handler.retry, f"{name}: the kernel tries it once, whatever is said"
    offered = {
        card["type"]
        for card in client.get("/api/catalog").json()["types"]
        if "First" in policy_of(client, card["type"])
    }
    assert {"notify", "llm_call", "tool_calls", "read_file"} <= offered
    assert not offered & {"ask_user", "subflow", "wait_until", "memory_note", "web_request", "if", "add"}


def test_a_key_is_offered_for_what_can_be_done_once(client: Client) -> None:
    offered = {
        card["type"]
        for card in client.get("/api/catalog").json()["types"]
        if 'data-path="policy.key"' in policy_of(client, card["type"])
    }
    assert {"notify", "llm_call", "tool_calls", "call_tool", "write_file", "emit_event"} <= offered
    assert not offered & {"ask_user", "subflow", "wait_until", "web_request", "if", "add", "set_var"}
    given = {"id": "n", **node("notify", policy={"key": 'f"{to}"'})}
    asked = {"flow_id": "f", "node": given, "wired": [], "tab": "policy"}
    page = Page(client.post("/editor/inspector", json=asked).text)
    [field] = [tag for tag in page.named("input") if tag.attributes.get("data-path") == "policy.key"]
    assert field.attributes["value"] == 'f"{to}"'


def policy_of(client: Client, kind: str) -> str:
    given = {"id": "n", "type": kind, "data": {"policy": {"retries": 2}}}
    asked = {"flow_id": "f", "node": given, "wired": [], "tab": "policy"}
    return str(client.post("/editor/inspector", json=asked).text)


def test_the_pauses_are_drawn_and_told(client: Client) -> None:
    given = node("notify", policy={"retries": 4, "pause": 2, "longest": 10})
    asked = {"flow_id": "f", "node": {"id": "n", **given}, "wired": [], "tab": "policy"}
    page = Page(client.post("/editor/inspector", json=asked).text)
    assert "2.0 s · 4.0 s · 8.0 s · 10.0 s" in page.text
    assert len([tag for tag in page.tags if tag.name == "rect"]) == 4 + 4 + 1


def test_several_nodes_show_what_they_share(client: Client) -> None:
    nodes = [
        {"id": "a", **node("notify", pins={"message": "one"}, onError="branch")},
        {"id": "b", **node("answer_user", pins={"message": "two"}, onError="branch")},
    ]
    page = Page(client.post("/editor/inspector/many", json={"nodes": nodes, "wired": [[], []]}).text)
    assert {"pinDefaults.message", "onError"} <= set(page.values("data-path"))
    assert "They differ: one, two" in page.text
    wired = Page(
        client.post("/editor/inspector/many", json={"nodes": nodes, "wired": [["message"], []]}).text
    )
    assert "onError" in wired.values("data-path")
    assert "pinDefaults.message" not in wired.values("data-path")
    odd = Page(client.post("/editor/inspector/many", json={"nodes": [*nodes, {"type": 3}], "wired": []}).text)
    assert "no setting in common" in odd.text


def test_pickers_say_what_is_not_configured_and_offer_what_is(client: Client) -> None:
    form = Page(
        client.post("/editor/inspector", json={"node": {"id": "n", **node("llm_call")}, "wired": []}).text
    )
    assert "No provider is configured" in form.text
    assert "/settings/models" in form.values("href")
    assert any(each.startswith("/editor/models?") for each in form.values("data-load"))
    none = client.get("/editor/models", params={"listed": "x"})
    assert "No model is configured" in none.text
    client.studio.ai.models.providers.put(Provider.of({"name": "pretend", "kind": "scripted"}))
    listed = Page(client.get("/editor/models", params={"listed": "x", "provider": "pretend"}).text)
    assert "1 model of pretend" in listed.text
    unknown = client.get("/editor/models", params={"listed": "x", "provider": "gone"})
    assert "There is no provider" in unknown.text
    tools = Page(client.get("/editor/tools", params={"chosen": '["calculate", "mine"]'}).text)
    deeds = ("cancel", "charge", "handbook", "order", "refund", "reserve")
    practice = [f"practice_{each}" for each in deeds]
    assert tools.values("data-tool") == ["calculate", "current_time", *practice, "mine"]
    assert [tag.attributes["data-tool"] for tag in tools.tags if "checked" in tag.attributes] == [
        "calculate",
        "mine",
    ]
    assert "Nobody offers it now" in tools.text


def test_a_long_run_does_not_hold_up_the_form(
    client: Client, ran: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = next(each for each in looping()["nodes"] if each["id"] == "for")
    asked = {"flow_id": "looping", "node": given, "wired": ["start"]}
    monkeypatch.setattr("flowstudio.runner_nodes.SHORT", 3)
    for _ in range(2):
        assert "in the run" not in client.post("/editor/inspector", json=asked).text
    look(client, "for", "data")
    assert "in the run" in client.post("/editor/inspector", json=asked).text, "it has been read meanwhile"


def test_the_policy_tab_holds_the_deadline_and_the_limits_of_a_type(client: Client) -> None:
    def tab(kind: str, **data: Any) -> str:
        asked = {"flow_id": "f", "node": {"id": "n", **node(kind, **data)}, "wired": [], "tab": "policy"}
        return str(client.post("/editor/inspector", json=asked).text)

    waits = tab("ask_user")
    assert 'data-path="onTimeout"' in waits
    for path in ("effectConfig.deadlineUnit", "pinDefaults.deadline"):
        assert f'data-path="{path}"' not in waits, "there is none to set yet"
        assert f'data-path="{path}"' in tab("ask_user", onTimeout="branch")
    assert "<code>timed_out</code> true" in waits, "help names what is written as code"
    asks = tab("web_request")
    for path in ("onError", "webConfig.retries", "pinDefaults.timeout"):
        assert f'data-path="{path}"' in asks
