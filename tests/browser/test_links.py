"""Wires behind names, and the signs in a node's header: by mouse and by keys."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.documents import asking, document, node, put
from browser.hand import Hand

pytestmark = pytest.mark.browser


def drawn(hand: Hand) -> int:
    """How many wires have a line on the canvas."""
    return sum(bool(path.get_attribute("d")) for path in hand.page.locator(".fc-wire").all())


def test_a_wire_goes_behind_a_name_and_the_name_leads_to_its_other_end(app: App, page: Page) -> None:
    put(app, asking("tags"))
    hand = Hand(page).open_flow("tags")
    whole = drawn(hand)
    hand.node("Say").locator(".fc-head").click(position={"x": 60, "y": 8})
    hand.keys("h")
    tags = page.locator(".fc-tag")
    expect(tags).to_have_count(2)
    assert drawn(hand) == whole - 1
    page.get_by_role("button", name="response: comes from Ask").click()
    expect(hand.pin("Ask", "out", "response")).to_be_focused()
    hand.keys("Shift+H")
    expect(hand.pin("Say", "in", "message")).to_be_focused()
    expect(hand.saved).to_be_visible()
    page.reload()
    hand.at_rest()
    expect(tags).to_have_count(2)
    assert "Ask.response > Say.message" in hand.wires()
    hand.node("Say").focus()
    hand.keys("ArrowLeft", "ArrowRight", "h")
    expect(tags).to_have_count(0)
    assert drawn(hand) == whole
    hand.keys("Control+z")
    expect(tags).to_have_count(2)


def test_what_is_set_for_a_node_stands_in_its_header_and_in_its_name(app: App, page: Page) -> None:
    web = node("ask", "web_request", 320, 0, label="Fetch", webConfig={"retries": 3}, onError="branch")
    put(
        app,
        document(
            "chips",
            "Chips",
            [node("start", "on_flow_start", 0, 0, label="Start"), web],
            ["start.exec-out > ask.exec-in"],
        ),
    )
    hand = Hand(page).open_flow("chips")
    chips = hand.node("Fetch").locator(".fc-chips")
    expect(chips).to_have_text("3")
    expect(chips.locator(".icon")).to_have_count(3)
    name = hand.node("Fetch").get_attribute("aria-label")
    assert name is not None
    assert "3 retries" in name
    assert "On error" in name
    assert "leaves this machine" in name
    expect(hand.node("Start").locator(".fc-chips")).to_be_hidden()


def test_a_named_wire_gets_another_name_by_keys_and_by_the_mouse(app: App, page: Page) -> None:
    put(app, asking("renames"))
    hand = Hand(page).open_flow("renames")
    hand.node("Say").locator(".fc-head").click(position={"x": 60, "y": 8})
    hand.keys("h")
    expect(page.get_by_role("button", name="response: comes from Ask")).to_be_visible()
    hand.pin("Ask", "out", "response").focus()
    hand.keys("F2")
    field = page.get_by_role("dialog", name="Rename the wire").get_by_label("Name")
    expect(field).to_be_focused()
    field.fill("drink chosen")
    field.press("Enter")
    expect(hand.pin("Ask", "out", "response")).to_be_focused()
    expect(page.locator(".fc-tag")).to_have_text(["drink chosen", "drink chosen"])
    page.get_by_role("button", name="drink chosen: comes from Ask").click(button="right")
    field.fill("drink")
    page.get_by_role("button", name="Rename", exact=True).click()
    expect(page.locator(".fc-tag")).to_have_text(["drink", "drink"])
    hand.keys("Control+z")
    expect(page.locator(".fc-tag")).to_have_text(["drink chosen", "drink chosen"])
