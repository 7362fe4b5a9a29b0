"""Coach marks: they go along with a newcomer's first flow, stay out of the way, and are gone when wished."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from browser.app import App
from browser.conftest import PATIENCE_MS
from browser.hand import Hand
from browser.watch import Watch

pytestmark = pytest.mark.browser
DEMO = "Run the 20-second demo"
TOTAL = 8


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[App]:
    """An installation of this test alone, in which nothing has run."""
    installation = App(tmp_path).start()
    yield installation
    installation.stop()


@pytest.fixture
def newcomer(chromium: Browser, fresh: App, watch: Watch) -> Iterator[Hand]:
    """Somebody who has just pressed the button of the demo."""
    profile = chromium.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    profile.set_default_timeout(PATIENCE_MS)
    page = watch.over(profile.new_page())
    page.goto(fresh.link)
    page.get_by_role("button", name=DEMO).click()
    yield Hand(page)
    profile.close()


def strip(page: Page) -> Locator:
    return page.get_by_role("region", name="First steps")


def expect_mark(hand: Hand, count: str, words: str) -> None:
    expect(strip(hand.page)).to_contain_text(count)
    expect(strip(hand.page).locator("p:visible")).to_have_count(1)
    expect(strip(hand.page).locator("p:visible")).to_contain_text(words)


def test_the_marks_go_along_from_a_new_library_to_their_end(newcomer: Hand, fresh: App) -> None:
    hand, page = newcomer, newcomer.page
    expect_mark(hand, f"1 of {TOTAL}", "Type a name")
    question = page.locator(".ask-card")
    expect(question).to_have_attribute("data-coach-spot", "")
    question.get_by_role("textbox").fill("Ana")
    page.keyboard.press("Enter")
    expect_mark(hand, f"2 of {TOTAL}", "Drag the slider")
    slider = page.get_by_role("slider", name="Entry of the run that is shown")
    expect(slider.locator("xpath=..")).to_have_attribute("data-coach-spot", "")
    slider.press("Home")
    expect_mark(hand, f"3 of {TOTAL}", "Press Save as test (T)")
    hand.expect_run("Done")
    expect(page.locator("#pane-run .run-head")).to_have_attribute("data-coach-spot", "")
    page.get_by_role("button", name="Save as test…").click()
    page.wait_for_url("**/test")
    page.go_back()
    hand.at_rest()
    expect_mark(hand, f"4 of {TOTAL}", "press Fork here (F)")
    page.get_by_role("slider", name="Entry of the run that is shown").press("Home")
    page.get_by_role("button", name="Fork here").click()
    page.locator("#pane-run").get_by_role("button", name="Start fork").click()
    expect_mark(hand, f"5 of {TOTAL}", "Press a step")
    page.locator(".act-row", has_text="Ask for a name").click()
    expect_mark(hand, f"6 of {TOTAL}", "In an empty flow")
    strip(page).get_by_role("button", name="New flow").click()
    expect(page.locator("#flow-name")).to_have_value("Untitled flow")
    expect_mark(hand, f"6 of {TOTAL}", "In an empty flow")
    expect(strip(page).get_by_role("button", name="New flow")).to_be_hidden()
    hand.at_rest()
    hand.keys("a")
    hand.choose("ask user")
    expect_mark(hand, f"7 of {TOTAL}", "Drag from the arrow")
    expect(page.locator("#run-button")).to_have_attribute("data-coach-spot", "")
    hand.drag(hand.pin("Ask User", "out", "exec-out"), hand.spot(0.8, 0.7))
    hand.choose("answer user")
    assert "Ask User.exec-out > Answer User.exec-in" in hand.wires()
    hand.keys("r")
    expect_mark(hand, f"8 of {TOTAL}", "Publish")
    assert page.locator("[data-coach-spot]").count() == 1
    own = page.url
    strip(page).get_by_role("button", name="Publish…").click()
    page.wait_for_url("**/publish")
    page.get_by_role("button", name="Publish the draft").click()
    page.wait_for_url("**/versions")
    expect(page.get_by_text("is published, and the draft says the same.")).to_be_visible()
    page.goto(own)
    hand.at_rest()
    expect(strip(page)).to_have_count(0)  # that was the last of them, here
    page.goto(fresh.url + "/gallery")
    page.get_by_role("button", name="Run Hello, durable world").click()
    hand.at_rest()
    expect(strip(page)).to_have_count(0)  # and in every other flow


def test_their_words_name_the_keys_as_they_are(newcomer: Hand) -> None:
    hand, page = newcomer, newcomer.page
    for _ in range(5):
        strip(page).get_by_role("button", name="Next").click()
    expect_mark(hand, f"6 of {TOTAL}", "In an empty flow press Add (A), type")
    hand.canvas.focus()
    hand.keys("?")
    page.get_by_role("button", name="Add a node: A. Change").click()
    hand.keys("q", "Escape")
    expect_mark(hand, f"6 of {TOTAL}", "In an empty flow press Add (Q), type")
    hand.keys("?")
    page.get_by_role("switch", name="Single-letter keys act").uncheck()
    hand.keys("Escape")
    expect_mark(hand, f"6 of {TOTAL}", "In an empty flow press Add, type")


def test_they_are_reached_by_keyboard_and_hidden_for_good(newcomer: Hand, fresh: App) -> None:
    hand, page = newcomer, newcomer.page
    expect_mark(hand, f"1 of {TOTAL}", "Type a name")
    page.locator('[data-tool="add"]').focus()
    page.keyboard.press("F6")
    expect(strip(page).get_by_role("button", name="Next")).to_be_focused()
    page.keyboard.press("Enter")
    expect_mark(hand, f"2 of {TOTAL}", "Drag the slider")
    page.keyboard.press("Escape")
    expect(hand.canvas).to_be_focused()
    page.reload()
    expect_mark(hand, f"2 of {TOTAL}", "Drag the slider")
    strip(page).get_by_role("button", name="Hide for good").focus()
    page.keyboard.press("Enter")
    expect(strip(page)).to_be_hidden()
    expect(hand.canvas).to_be_focused()
    page.goto(fresh.url + "/gallery")
    page.get_by_role("button", name="Run Hello, durable world").click()
    hand.at_rest()
    expect(strip(page)).to_have_count(0)
    hand.keys("Control+k")
    hand.type("show the first steps")
    expect(page.locator(".chooser-row")).to_have_count(1)
    hand.keys("Enter")
    expect_mark(hand, f"1 of {TOTAL}", "Type a name")


def test_the_marks_are_a_flow_that_can_be_changed(newcomer: Hand) -> None:
    hand, page = newcomer, newcomer.page
    expect_mark(hand, f"1 of {TOTAL}", "Type a name")
    strip(page).get_by_role("button", name="Change what these marks say").click()
    expect(page.locator("#flow-name")).to_have_value("First steps")
    hand.at_rest()
    hand.field("It asks you", "prompt").fill("Tell it what you are called.")
    page.keyboard.press("Escape")
    expect(hand.saved).to_be_visible()
    hand.until(lambda: "what you are called" in str(hand.flow()), "the new words")
    page.reload()
    expect_mark(hand, f"1 of {TOTAL}", "Tell it what you are called.")
