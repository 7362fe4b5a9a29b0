"""Quick add: no keystroke is lost, whatever the page is doing; wires are checked while they hang."""

from __future__ import annotations

import os
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.documents import asking, document, node, put
from browser.hand import Hand

pytestmark = pytest.mark.browser
TRIES = int(os.environ.get("FLOWSTUDIO_QUICK_ADD_TRIES", "20"))
KEYS_PER_SECOND = 15


def test_no_keystroke_is_lost(app: App, page: Page) -> None:
    put(app, document("typed", "Typed", [node("start", "on_flow_start", 0, 0)], []))
    hand = Hand(page).open_flow("typed")
    for number in range(TRIES):
        hand.keys("Escape", "Escape")
        page.keyboard.press("a")
        page.keyboard.type("ask user", delay=1000 / KEYS_PER_SECOND)
        page.keyboard.press("Enter")
        assert [each["type"] for each in hand.look("nodes")] == ["on_flow_start", "ask_user"], number
        hand.keys("Delete")


def test_ctrl_enter_adds_and_asks_for_the_next(app: App, page: Page) -> None:
    put(app, document("chain", "Chain", [node("start", "on_flow_start", 0, 0, label="Start")], []))
    hand = Hand(page).open_flow("chain")
    hand.node("Start").focus()
    hand.keys("a")
    hand.type("ask user")
    row = hand.quick_add.get_by_role("option").first
    expect(row.locator(".chooser-pins .pin-sign")).not_to_have_count(0)
    hand.keys("Control+Enter")
    hand.type("answer user")
    hand.keys("Control+Enter")
    hand.choose("on flow end")
    chain = ["Start", "Ask User", "Answer User", "On Flow End"]
    steps = {f"{a}.exec-out > {b}.exec-in" for a, b in pairwise(chain)}
    assert steps <= hand.wires()


def test_a_refused_wire_says_why(app: App, page: Page) -> None:
    put(app, asking("refused"))
    hand = Hand(page).open_flow("refused")
    before = hand.wires()
    hand.drag(hand.pin("Start", "out", "exec-out"), hand.pin("Say", "in", "level"))
    expect(page.locator(".toast")).to_contain_text("step")
    expect(page.locator("#editor-alarm")).not_to_be_empty()
    assert hand.wires() == before


def test_a_wire_can_be_taken_off_and_carried_elsewhere(app: App, page: Page) -> None:
    put(app, asking("carry"))
    hand = Hand(page).open_flow("carry")
    hand.drag(hand.pin("Say", "in", "message"), hand.spot(0.5, 0.9))
    assert "Ask.response > Say.message" not in hand.wires()
    hand.drag(hand.pin("End", "in", "drink"), hand.pin("Say", "in", "message"))
    assert "Ask.response > Say.message" in hand.wires()
    assert "Ask.response > End.drink" not in hand.wires()


def test_escape_closes_the_quick_add_and_changes_nothing(app: App, page: Page) -> None:
    put(app, asking("closed"))
    hand = Hand(page).open_flow("closed")
    hand.node("Ask").locator(".fc-title").click()
    hand.keys("a")
    hand.type("switch")
    hand.keys("Escape")
    expect(hand.quick_add).to_be_hidden()
    expect(hand.node("Ask")).to_be_focused()
    assert hand.titles() == ["Ask", "End", "Say", "Start"]


def test_ones_own_flow_is_added_as_a_step_with_its_pins(app: App, page: Page) -> None:
    put(app, asking("mine-inner"))
    put(app, asking("mine-outer"))
    hand = Hand(page).open_flow("mine-outer")
    before = hand.flow()
    hand.until(
        lambda: page.locator("#palette-list summary", has_text="Mine").count() == 1, "own flows are there"
    )
    page.locator("#palette-list summary", has_text="Mine").click()
    row = page.locator("#palette-list").get_by_role("button", name="Ask mine-inner", exact=True)
    row.click()
    hand.until(lambda: "Ask mine-inner" in hand.titles(), "the node is there")
    made = hand.flow()["nodes"][-1]["data"]
    assert made["subflowId"] == "mine-inner"
    assert "drink" in {pin["id"] for pin in made["outputs"]}
    expect(
        page.locator("#palette-list").get_by_role("button", name="Ask mine-outer", exact=True)
    ).to_have_count(0)
    page.locator("flow-canvas").focus()
    hand.keys("Control+z")
    assert hand.flow() == before
    hand.keys("a")
    hand.type("mine inner")
    hand.keys("Enter")
    hand.until(lambda: "Ask mine-inner" in hand.titles(), "it is there by keys too")


def test_tab_shows_an_example_of_the_row_that_is_marked(app: App, page: Page) -> None:
    put(app, document("sampled", "Sampled", [node("start", "on_flow_start", 0, 0, label="Start")], []))
    hand = Hand(page).open_flow("sampled")
    hand.keys("a")
    hand.type("add")
    first = hand.quick_add.locator(".chooser-name").first.inner_text()
    hand.keys("Tab")
    sample = page.get_by_role("region", name="Example")
    expect(sample.get_by_role("heading", level=3)).to_have_text(first)
    expect(sample).to_contain_text("This example runs as a test.")
    hand.keys("ArrowDown")
    second = hand.quick_add.locator(".chooser-name").nth(1).inner_text()
    expect(sample.get_by_role("heading", level=3)).to_have_text(second)
    expect(hand.quick_add.get_by_role("combobox")).to_be_focused()
    hand.keys("Shift+Tab")
    expect(sample).to_be_focused()
    hand.keys("Escape")
    expect(hand.quick_add.get_by_role("combobox")).to_be_focused()
    hand.keys("Tab")
    expect(sample).to_have_count(0)
    hand.quick_add.get_by_role("button", name="Tab: example").click()
    expect(sample).to_be_visible()
    hand.keys("Enter")
    expect(sample).to_have_count(0)
    hand.until(lambda: first in hand.titles() or second in hand.titles(), "what was marked is added")
    hand.keys("a", "Tab")
    expect(sample).to_be_visible()
    hand.keys("Escape")
    expect(sample).to_have_count(0)
    expect(hand.quick_add).to_be_hidden()


def test_what_was_added_lately_comes_first_also_after_a_reload(app: App, page: Page) -> None:
    put(app, document("lately", "Lately", [node("start", "on_flow_start", 0, 0, label="Start")], []))
    hand = Hand(page).open_flow("lately")
    groups = page.locator("#palette-list summary")
    expect(groups.filter(has_text="Recent")).to_have_count(0)
    for words in ("uppercase", "delay"):
        hand.keys("a")
        hand.type(words)
        hand.keys("Enter")
    hand.until(lambda: "Delay" in hand.titles(), "both are added")
    expect(hand.saved).to_be_visible()
    page.reload()
    hand.at_rest()
    expect(groups.first).to_have_text("Recent")
    rows = page.locator("#palette-list details").first.locator(".palette-row")
    expect(rows).to_have_text(["Delay", "Uppercase"])
    page.evaluate("localStorage.setItem('flowstudio recent', '{broken')")
    page.reload()
    hand.at_rest()
    expect(groups.first).not_to_have_text("Recent")
