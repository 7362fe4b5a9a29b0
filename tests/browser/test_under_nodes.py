"""What stands under a node and on its wires: what is wrong with a fix, what is waited for, what was used, what went on."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.documents import asking, node, put, ticking
from browser.hand import Hand
from drive import end, flow, start
from drive import node as step
from web.moody import MoodyModel

pytestmark = pytest.mark.browser


@pytest.fixture
def moody(app: App) -> Iterator[MoodyModel]:
    """A model of the installation that does as it is told."""
    made = MoodyModel()
    given = {"kind": "openai", "name": "mine", "base_url": made.url, "model": "m", "timeout_s": "5"}
    with app.client() as client:
        assert client.post("/settings/models", data=given, follow_redirects=False).status_code == 303
    yield made
    made.close()


def test_what_is_wrong_stands_under_its_node_and_a_key_mends_it(app: App, page: Page) -> None:
    flow_ = asking("under")
    flow_["nodes"].append(node("alone", "answer_user", 0, 300, label="Alone"))
    flow_["nodes"][2]["data"]["disabled"] = True
    put(app, flow_)
    hand = Hand(page).open_flow("under")
    expect(hand.node("Alone").locator(".fc-wrong")).to_have_count(0)
    hand.node("Alone").locator(".fc-title").click()
    expect(hand.node("Alone").locator(".fc-wrong")).to_be_visible()
    say = hand.node("Say")
    expect(say.locator(".fc-wrong")).to_have_count(0)
    say.locator(".fc-title").click()
    expect(say.locator(".fc-wrong")).to_contain_text("disabled")
    fix = say.get_by_role("button", name="Fix: Enable it")
    for _ in range(12):
        hand.keys("Tab")
        if fix.evaluate("(each) => each === document.activeElement"):
            break
    expect(fix).to_be_focused()
    hand.keys("Enter")
    expect(say.locator(".fc-foot")).to_have_count(0)
    assert (
        next(each for each in hand.flow()["nodes"] if each["id"] == "say")["data"].get("disabled") is not True
    )


def test_an_attempt_that_is_planned_counts_down_and_is_made_now(
    app: App, page: Page, moody: MoodyModel
) -> None:
    asks = step("llm_call", pins={"prompt": "first"}, policy={"retries": 4, "pause": 1})
    asks["data"]["label"] = "Ask it"
    nodes = {"start": start(), "ask": asks, "end": end("said")}
    put(app, flow("hurried", nodes, "start -> ask, ask -> end, ask.response -> end.said"))
    moody.mood = "limits"
    hand = Hand(page).open_flow("hurried")
    hand.keys("r")
    hand.expect_state("Ask it", "retry")
    note = hand.node("Ask it").locator(".fc-note")
    expect(note).to_contain_text("attempt 2 of 5 in 1:")
    before = note.inner_text()
    hand.until(lambda: note.inner_text() != before, "a second less")
    page.reload()
    hand.expect_state("Ask it", "retry")
    moody.mood = "good"
    hand.node("Ask it").get_by_role("button", name="Make the next attempt now").click()
    hand.expect_run("Done")
    hand.expect_state("Ask it", "done")
    expect(note).to_have_text("42 tokens")


def test_what_went_over_a_wire_stands_on_it_and_the_keyboard_comes_to_it(app: App, page: Page) -> None:
    put(app, ticking("values", 2))
    hand = Hand(page).open_flow("values")
    hand.keys("r")
    hand.expect_run("Done")
    hand.canvas.focus()
    hand.keys("0")
    expect(page.locator(".fc-value").get_by_text("tick 1")).to_be_visible()
    expect(page.locator(".fc-value").get_by_text("2×")).to_be_visible()
    for _ in range(3):
        hand.keys("-")
    expect(page.locator(".fc-value").get_by_text("tick 1")).to_have_count(0)
    expect(page.locator(".fc-value").get_by_text("2×")).to_be_visible()
    hand.pin("Text", "out", "result").focus()
    hand.keys("Alt+ArrowRight")
    assert len(hand.look("selection.wires")) == 1
    hand.canvas.focus()
    hand.keys(" ")
    expect(page.get_by_role("dialog", name="Text · result")).to_contain_text("tick 1")


def test_a_way_not_taken_and_one_that_failed_are_told_apart(app: App, page: Page) -> None:
    nodes = {
        "start": start(),
        "if": step("if", pins={"condition": True}),
        "no": step("answer_user", pins={"message": "no"}),
        "stop": step("stop_with_error", pins={"message": "not today"}),
    }
    document = flow("ways", nodes, "start -> if, if:true -> stop, if:false -> no")
    for number, each in enumerate(document["nodes"]):
        each["position"] = {"x": 300 * number, "y": 160 * (number == 2)}
    put(app, document)
    hand = Hand(page).open_flow("ways")
    hand.keys("r")
    hand.expect_run("Failed")
    wires = {each["target"]: each["id"] for each in hand.look("wires")}
    line = {name: page.locator(f'.fc-wire[data-edge-id="{key}"]') for name, key in wires.items()}
    expect(line["stop"]).to_have_attribute("data-run", "failed")
    assert (line["stop"].get_attribute("marker-end") or "").endswith("-cross)")
    expect(line["no"]).to_have_attribute("data-run", "skipped")
    expect(page.locator(".fc-node[data-node-id=no]")).to_have_attribute(
        "aria-label", "Answer User, not taken"
    )


def test_why_a_step_failed_is_told_in_some_lines_that_lie_on_no_node(app: App, page: Page) -> None:
    long = "The supplier has not confirmed the order; " * 5
    nodes = {
        "start": start(),
        "stop": step("stop_with_error", pins={"message": long}),
        "far": step("answer_user", pins={"message": "far"}),
    }
    document = flow("cause", nodes, "start -> stop")
    for number, each in enumerate(document["nodes"]):
        each["position"] = {"x": 300 * min(number, 1), "y": 400 * (number == 2)}
    put(app, document)
    hand = Hand(page).open_flow("cause")
    hand.keys("r")
    hand.expect_run("Failed")
    page.mouse.move(2, 2)
    note = hand.node("Fail").locator(".fc-note")
    expect(note).to_have_css("-webkit-line-clamp", "3")
    expect(note).to_have_text(long.strip())
    high = "(each) => each.scrollHeight > each.clientHeight"
    assert note.evaluate(high)
    hand.node("Fail").locator(".fc-title").hover()
    expect(note).not_to_have_css("-webkit-line-clamp", "3")
    assert not note.evaluate(high)
    page.mouse.move(2, 2)
    below = next(each for each in hand.look("nodes") if each["id"] == "far")
    hand.node("Answer User").locator(".fc-title").click()
    steps = round((below["y"] - 8 - _end_of(hand, "stop") - 24) / 8)
    hand.keys(*["Shift+ArrowUp"] * steps)
    hand.canvas.focus()
    hand.keys("Escape")
    expect(note).to_have_css("-webkit-line-clamp", "1")
    hand.node("Answer User").locator(".fc-title").click()
    hand.keys(*["Shift+ArrowUp"] * 2)
    expect(note).to_be_hidden()
    hand.node("Fail").locator(".fc-title").hover()
    expect(note).to_be_visible()


def _end_of(hand: Hand, node_id: str) -> float:
    box = next(each for each in hand.look("nodes") if each["id"] == node_id)
    return float(box["y"] + box["h"])


def test_what_is_on_wires_keeps_to_the_room_there_is(app: App, page: Page) -> None:
    """A value is cut where the next node begins."""
    document = flow(
        "roomy",
        {
            "start": start(),
            "text": step("string_template", pins={"template": "a text that has many words"}),
            "say": step("answer_user"),
            "end": end(),
        },
        "start -> say, say -> end, text.result -> say.message",
    )
    places = {"start": (0, 0), "text": (0, 160), "say": (360, 0), "end": (720, 0)}
    for each in document["nodes"]:
        each["position"] = dict(zip("xy", places[each["id"]], strict=True))
    put(app, document)
    hand = Hand(page).open_flow("roomy")
    hand.keys("r")
    hand.expect_run("Done")
    hand.canvas.focus()
    hand.keys("0")
    value = page.locator(".fc-value")
    expect(value).to_have_text(re.compile("^a text.*…$"))
    edge = "(each) => each.getBoundingClientRect()"
    say = hand.node("Answer User")
    assert value.evaluate(f"{edge}.right") <= say.evaluate(f"{edge}.left")


def test_where_the_name_of_a_hidden_wire_stands_no_value_does(app: App, page: Page) -> None:
    nodes = {
        "start": start(),
        "text": step("string_template", pins={"template": "words"}),
        "say": step("answer_user"),
        "again": step("answer_user"),
    }
    wires = "start -> say, say -> again, text.result -> say.message, text.result -> again.message"
    document = flow("named", nodes, wires)
    places = {"start": (0, 0), "text": (0, 160), "say": (400, 0), "again": (800, 0)}
    for each in document["nodes"]:
        each["position"] = dict(zip("xy", places[each["id"]], strict=True))
    put(app, document)
    hand = Hand(page).open_flow("named")
    hand.keys("r")
    hand.expect_run("Done")
    hand.canvas.focus()
    hand.keys("0")
    expect(page.locator(".fc-value")).to_have_text("words")
    key = '["text","result","message"]'
    document["nodes"][3]["data"]["canvas"] = {"tags": {key: "words"}}
    put(app, document)
    hand.open_flow("named")
    hand.keys("r")
    hand.expect_run("Done")
    hand.canvas.focus()
    hand.keys("0")
    expect(page.locator(".fc-tag")).to_have_count(2)
    expect(page.locator(".fc-value")).to_have_count(0)
