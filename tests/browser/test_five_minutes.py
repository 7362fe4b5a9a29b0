"""The first five minutes by keyboard alone, and what assistive technology is told on the way.

Not one press of the mouse, and no element is given the focus by the test: what a key leads to is read off the
element that has it. *Back* is the browser's own. docs/accessibility-protocol.md tells how it was found to be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.app import App
from browser.conftest import PATIENCE_MS
from browser.hand import Hand
from browser.watch import Watch

pytestmark = pytest.mark.browser
PATIENT_MS = 30_000
LISTEN = """(() => {
    const seen = new WeakMap();
    const look = () => {
        for (const region of document.querySelectorAll("[aria-live]:not([aria-live=off]), [role=status]:not([aria-live=off]), [role=alert]")) {
            const text = region.textContent.trim().replace(/\\s+/g, " ");
            if (text && seen.get(region) !== text) told(text);
            seen.set(region, text);
        }
    };
    new MutationObserver(look).observe(document, {subtree: true, childList: true, characterData: true});
})()"""
FOCUSED = "document.activeElement === document.body ? '' : document.activeElement.getAttribute('aria-label') || document.activeElement.textContent || document.activeElement.id"


class Keys:
    """Somebody who has a keyboard alone, and hears what is said."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.hand = Hand(page)
        self.told: list[str] = []
        page.expose_function("told", lambda text: self.told.append(text))
        page.add_init_script(LISTEN)

    def at(self) -> str:
        """What has the focus."""
        return str(self.page.evaluate(FOCUSED)).strip()

    def to(self, name: str, key: str = "Tab") -> None:
        """Press a key until the focus is on what has this name."""
        for _ in range(90):
            self.page.keyboard.press(key)
            if name in self.at():
                return
        raise AssertionError(f"{key} never leads to {name!r}")

    def to_canvas(self) -> None:
        """By F6 from the panel back, or on from what stands before it."""
        key = "Shift+F6" if self.page.evaluate("Boolean(document.activeElement.closest('#side'))") else "F6"
        for _ in range(6):
            if self.page.evaluate("Boolean(document.activeElement.closest('flow-canvas'))"):
                return
            self.page.keyboard.press(key)
        raise AssertionError(f"{key} never leads to the canvas: {self.at()}")

    def hears(self, words: str) -> None:
        self.hand.until(
            lambda: any(words in each for each in self.told), f"{words!r} is said: {self.told}", 30
        )

    def is_somewhere(self) -> None:
        """The focus is on something: it was not lost with what went away."""
        self.hand.until(lambda: self.at() != "", "something has the focus")


@pytest.fixture
def keys(chromium: Browser, tmp_path_factory: pytest.TempPathFactory, watch: Watch) -> Iterator[Keys]:
    """A tab of somebody who has just installed it."""
    app = App(tmp_path_factory.mktemp("five")).start()
    profile = chromium.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    profile.set_default_timeout(PATIENCE_MS)
    page = watch.over(profile.new_page())
    keys = Keys(page)
    page.goto(app.link)
    page.wait_for_url(lambda url: "/login" not in url)
    yield keys
    profile.close()
    app.stop()


def demo_done(keys: Keys) -> None:
    """0:00 to 0:20: from the start page to an answered question."""
    page = keys.page
    keys.to("Run the 20-second demo")
    keys.hand.keys("Enter")
    keys.hears("First steps, 1 of 8")
    keys.hears("The run asks: What is your name? (F6 leads to the answer)")
    keys.hand.keys("F6")
    assert keys.at() == "Your answer"
    keys.hand.type("Ana")
    keys.hand.keys("Enter")
    expect(page.locator(".ask-card")).to_be_hidden()
    assert keys.at().startswith("Run"), "the focus stays beside where the question was"


def test_the_demo_outlives_the_server_and_is_gone_through_tested_and_forked(keys: Keys, watch: Watch) -> None:
    page, hand = keys.page, keys.hand
    demo_done(keys)
    watch.is_line_cut = True
    keys.to("Restart the server")
    hand.keys("Enter")
    head = page.locator("#pane-run .run-head")
    expect(head.locator(".away")).to_contain_text("nothing repeated", timeout=PATIENT_MS)
    expect(head.locator(".state")).to_have_text("Done", timeout=PATIENT_MS)
    keys.hears("The run is over: Done.")
    keys.hears("First steps, 2 of 8")
    keys.is_somewhere()

    keys.to_canvas()
    words = page.locator(".scrub .words")
    for _ in range(12):
        hand.keys(",")
        page.wait_for_timeout(150)  # a person listens
        if "Wait: now stop the server" in words.inner_text():
            break
    expect(words).to_contain_text("looking only")
    keys.hears("looking only")
    keys.hears("First steps, 3 of 8")  # by the keys as by the slider

    hand.keys("f")
    hand.until(lambda: page.locator(".fork-card :focus").count(), "the form of the fork has the focus")
    if keys.at().startswith("Answers"):  # they are folded where the next step does not read them
        hand.keys("Enter", "Tab")
    expect(page.locator(".fork-card textarea:focus")).to_have_value("Ana")
    hand.keys("Control+a")
    hand.type("Ben")
    before = hand.run_line()
    hand.keys("Control+Enter")
    hand.until(lambda: hand.run_line() != before, "a fork has begun")
    expect(head.locator(".state")).to_have_text("Done", timeout=PATIENT_MS)
    assert "Hello Ben!" in hand.output()

    keys.to_canvas()
    hand.keys("t")
    expect(page).to_have_url(re.compile("/tests?$"))


def test_a_flow_of_ones_own_is_drawn_mended_published_and_the_gallery_is_found(keys: Keys) -> None:
    page, hand = keys.page, keys.hand
    keys.to("Make a flow")
    hand.keys("Enter")
    hand.at_rest()
    hand.keys("ArrowRight")
    for words, title in (("ask", "Ask User"), ("delay", "Delay"), ("answer", "Answer User")):
        hand.keys("a")
        hand.choose(words)
        keys.hears(f"Added {title}, wired")
        assert title in keys.at() or title in page.locator(":focus").inner_text()
    hand.keys("r")
    keys.hears("The run asks: Please respond:")
    hand.keys("F6")
    hand.type("3")
    hand.keys("Enter")
    keys.hears("Delay: waiting")

    keys.to_canvas()
    wire_text_to_number(keys)
    keys.hears("a number is expected here")
    hand.keys("Control+.")
    hand.until(lambda: "Number From Text" in hand.titles(), "a node converts the value")
    wires = hand.wires()
    assert any(wire.startswith("Ask User.response > Number From Text") for wire in wires), wires
    assert any(wire.endswith("> Delay.duration") for wire in wires), wires

    hand.keys("Control+k")
    hand.choose("publish")
    page.wait_for_url("**/publish")
    keys.to("Publish the draft")
    hand.keys("Enter")
    expect(page.locator("main")).to_contain_text("is published, and the draft says the same")
    hand.keys("g", "f")
    page.wait_for_url("**/flows")
    keys.to("Starter flows")
    hand.keys("Enter")
    page.wait_for_url("**/gallery")
    keys.to("No key")
    hand.keys("Enter")
    expect(page.get_by_role("link", name="No key")).to_have_attribute("aria-current", "page")
    expect(page.locator("[data-starter]").first).to_be_visible()


def wire_text_to_number(keys: Keys) -> None:
    """From the answer of the question to the duration of the delay, by the list of pins."""
    hand = keys.hand
    for _ in range(8):
        if "Ask User" in keys.page.locator(":focus").inner_text():
            break
        hand.keys("ArrowLeft")
    keys.to("response, text output")
    hand.keys("w")
    hand.choose("duration")
