"""A look at a value where it is: at a pin by `Space`, at a pin or wire under a pointer that rests."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from browser.app import App
from browser.documents import asking, put
from browser.hand import Hand, middle

pytestmark = pytest.mark.browser


def test_space_on_a_pin_shows_its_value_and_gives_the_keyboard_back(
    app: App, page: Page, context: BrowserContext
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    put(app, asking("peek"))
    hand = Hand(page).open_flow("peek")
    message = hand.pin("Say", "in", "message")
    look = page.get_by_role("dialog", name="Say · message")
    hand.node("Say").focus()
    message.focus()
    hand.keys(" ")
    expect(look).to_contain_text("No run is on the canvas")
    hand.keys("Escape")
    expect(look).to_be_hidden()
    expect(message).to_be_focused()
    hand.node("Ask").focus()
    hand.pin("Ask", "in", "prompt").focus()
    hand.keys(" ")
    expect(page.get_by_role("dialog", name="Ask · prompt: Tea or coffee?")).to_contain_text("As it is set.")
    hand.keys("Escape", "r")
    page.get_by_role("button", name="Tea", exact=True).click()
    hand.expect_run("Done")
    hand.node("Say").focus()
    message.focus()
    hand.keys(" ")
    expect(look).to_contain_text("text, 3 characters")
    expect(look).to_contain_text("Given by Ask in this run, last.")
    expect(look.get_by_role("button", name="Copy")).to_be_focused()
    hand.keys("Enter")
    hand.until(lambda: page.evaluate("navigator.clipboard.readText()") == "Tea", "the value is copied")
    hand.keys("Tab", "Enter")
    expect(look).to_be_hidden()
    expect(page.locator("#pane-node").get_by_role("tab", name="Data")).to_have_attribute(
        "aria-selected", "true"
    )


def test_a_pointer_that_rests_sees_the_value_and_nothing_without_one(app: App, page: Page) -> None:
    put(app, asking("rest"))
    hand = Hand(page).open_flow("rest")
    look = page.get_by_role("dialog", name="Ask · response")
    pin = middle(hand.pin("Ask", "out", "response"))
    page.mouse.move(*pin)
    page.wait_for_timeout(700)
    expect(look).to_be_hidden()
    page.mouse.move(*hand.spot(0.5, 0.9))
    hand.keys("r")
    page.get_by_role("button", name="Coffee", exact=True).click()
    hand.expect_run("Done")
    page.mouse.move(*pin)
    expect(look).to_contain_text("Coffee")
    box = look.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 30, box["y"] + 20)
    page.wait_for_timeout(500)
    expect(look).to_be_visible()
    hand.keys("Escape")
    expect(look).to_be_hidden()
    page.mouse.move(*pin)
    expect(look).to_be_visible()
    page.mouse.move(*hand.spot(0.5, 0.9))
    expect(look).to_be_hidden()
