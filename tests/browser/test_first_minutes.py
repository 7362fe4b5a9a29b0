"""The first five minutes of a newcomer: from the printed link to a finished run, with the network away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.app import App
from browser.conftest import PATIENCE_MS
from browser.documents import ledger
from browser.hand import Hand
from browser.watch import Watch

pytestmark = pytest.mark.browser
PROMISE_S = 30


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[App]:
    """An installation of this test alone: its link is good once, and nothing has run."""
    installation = App(tmp_path).start()
    yield installation
    installation.stop()


@pytest.fixture
def door(chromium: Browser, fresh: App, watch: Watch) -> Iterator[Page]:
    """A tab of a browser that reaches this machine only."""
    profile = chromium.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    profile.set_default_timeout(PATIENCE_MS)
    profile.route(lambda url: not url.startswith(fresh.url), lambda route: route.abort())
    yield watch.over(profile.new_page())
    profile.close()


def test_a_newcomer_sees_a_finished_run(fresh: App, door: Page) -> None:
    """Two clicks or fewer, one word; the promise is 30 s, of which the flow waits 10 by itself."""
    began = time.monotonic()
    door.goto(fresh.link)
    door.get_by_role("button", name="Run the 20-second demo").click()
    hand = Hand(door)
    question = door.locator(".ask-card")
    expect(question).to_contain_text("name")
    question.get_by_role("textbox").fill("Ana")
    door.keyboard.press("Enter")
    expect(question).to_be_hidden()
    hand.at_rest()
    expect(door.locator("#pane-run .run-head .state")).to_have_text("Done", timeout=PROMISE_S * 1000)
    assert "Ana" in hand.output()
    expect(door.locator("#pane-run .activity")).not_to_contain_text("waiting")
    assert time.monotonic() - began < PROMISE_S
    assert len(ledger(fresh, hand.run_line())) > 4


def test_the_server_is_restarted_by_a_button_while_the_demo_waits(
    fresh: App, door: Page, watch: Watch
) -> None:
    door.goto(fresh.link)
    door.get_by_role("button", name="Run the 20-second demo").click()
    hand = Hand(door)
    question = door.locator(".ask-card")
    question.get_by_role("textbox").fill("Ana")
    door.keyboard.press("Enter")
    expect(question).to_be_hidden()
    watch.is_line_cut = True
    door.locator("#coach").get_by_role("button", name="Restart the server").click()
    head = door.locator("#pane-run .run-head")
    expect(head.locator(".away")).to_contain_text("nothing repeated", timeout=PROMISE_S * 1000)
    expect(head.locator(".state")).to_have_text("Done", timeout=PROMISE_S * 1000)
    assert "Ana" in hand.output()
    kinds = [record["status"] for record in ledger(fresh, hand.run_line())]
    assert kinds.count("waiting") == 2, "each was asked once"
    assert fresh.process is not None
    assert fresh.process.poll() is None, "it is the same process"


def test_the_same_by_keyboard_alone_and_on_to_a_flow_of_ones_own(fresh: App, door: Page) -> None:
    door.goto(fresh.link)
    start = door.get_by_role("button", name="Run the 20-second demo")
    expect(start).to_be_visible()
    tab_to(door, "Run the 20-second demo")
    door.keyboard.press("Enter")
    expect(door.locator(".ask-card")).to_be_visible()
    door.locator("flow-canvas").focus()
    tab_to_field(door)
    door.keyboard.type("Ben")
    door.keyboard.press("Enter")
    expect(door.locator("#pane-run .run-head .state")).to_have_text("Done", timeout=PROMISE_S * 1000)
    door.goto(fresh.url + "/")
    steps = door.get_by_role("listitem").filter(has_text=": done")
    expect(steps).to_have_count(2)
    tab_to(door, "New flow")
    door.keyboard.press("Enter")
    hand = Hand(door)
    hand.at_rest()
    hand.keys("ArrowRight", "a")
    hand.choose("answer user")
    assert "Answer User" in hand.titles()
    hand.keys("r")
    hand.expect_run("Done")


def test_an_empty_flow_shows_where_the_first_step_goes(fresh: App, door: Page) -> None:
    door.goto(fresh.link)
    door.get_by_role("button", name="Make a flow").click()
    hand = Hand(door)
    hand.at_rest()
    ghost = door.get_by_role("button", name="What happens first?")
    ghost.click()
    hand.choose("ask user")
    assert hand.wires() == {"On Flow Start.exec-out > Ask User.exec-in"}
    expect(ghost).to_be_hidden()
    hand.keys("Control+z")
    expect(ghost).to_be_visible()
    ghost.focus()
    hand.keys("Enter")
    hand.choose("delay")
    assert len(hand.wires()) == 1
    expect(ghost).to_be_hidden()


def test_an_empty_flow_offers_the_starters_that_are_like_what_is_typed(fresh: App, door: Page) -> None:
    door.goto(fresh.link)
    with door.expect_response("**/editor/habits"):
        door.get_by_role("button", name="Make a flow").click()
    hand = Hand(door)
    hand.at_rest()
    door.get_by_role("button", name="What happens first?").click()
    starters = hand.quick_add.get_by_role("option").filter(has_text="starter")
    expect(starters).to_have_count(0)
    hand.type("ask")
    expect(hand.quick_add.get_by_role("option").first).to_contain_text("Ask User")
    expect(starters).to_have_count(3)
    for _ in "ask":
        hand.keys("Backspace")
    hand.type("expense deadline")
    expect(starters).to_have_count(1)
    hand.keys("Enter")
    door.wait_for_url("**/flows/expense-approval*")
    hand.at_rest()
    expect(door.locator("#flow-name")).to_have_value("Expense approval with a deadline")


def test_the_place_of_the_first_step_is_in_view_on_a_phone(fresh: App, door: Page) -> None:
    door.set_viewport_size({"width": 320, "height": 640})
    door.goto(fresh.link)
    door.get_by_role("button", name="Make a flow").click()
    hand = Hand(door)
    hand.at_rest()
    expect(door.get_by_role("tree")).to_be_visible()
    hand.keys("Shift+V")
    expect(hand.node("On Flow Start")).to_be_in_viewport(ratio=1)
    expect(door.get_by_role("button", name="What happens first?")).to_be_in_viewport(ratio=1)
    expect(door.locator("[data-tool=zoom-reset]")).to_have_text("100%")


def test_the_gallery_runs_and_copies(fresh: App, door: Page) -> None:
    door.goto(fresh.link)
    door.get_by_role("link", name="Browse starter flows").click()
    cards = door.locator("[data-starter]")
    expect(cards).to_have_count(14)
    door.get_by_role("link", name="Uses a model").click()
    expect(cards).to_have_count(2)
    door.get_by_role("link", name="All", exact=True).click()
    door.get_by_role("button", name="Run Fork playground").click()
    hand = Hand(door)
    hand.at_rest()
    hand.expect_run("Failed")
    door.goto(fresh.url + "/gallery")
    door.get_by_role("button", name="Open a copy of Fork playground").click()
    hand.at_rest()
    expect(door.locator("#flow-name")).to_have_value("Fork playground (copy)")


def tab_to(page: Page, name: str) -> None:
    """Go by Tab until the focus is on what has this text; fail when the page has been gone through."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if name in page.evaluate("document.activeElement?.textContent ?? ''"):
            return
    raise AssertionError(f"Tab never reaches {name!r}")


def tab_to_field(page: Page) -> None:
    """Go by Tab to the field of the question."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("Boolean(document.activeElement?.closest('.ask-card'))"):
            return
    raise AssertionError("Tab never reaches the question")


def test_a_recorded_run_is_watched_from_its_first_entry_on(fresh: App, door: Page) -> None:
    door.goto(fresh.link)
    door.get_by_role("link", name="Runs").first.click()
    door.get_by_role("button", name="Watch a recorded run").click()
    words = door.locator(".scrub .words")
    expect(words).to_contain_text("entry 1 of")
    expect(door.locator("#pane-run .run-head .state")).to_have_text("Done")
    assert "entry=" not in door.url
    door.get_by_role("slider", name="Entry of the run that is shown").press("ArrowRight")
    expect(words).to_contain_text("entry 2 of")
    door.get_by_role("region", name="Canvas").get_by_role("button", name="Back to now").click()
    expect(words).to_contain_text("Now, after")
    door.locator("#pane-run .run-head").get_by_role("link").first.click()
    expect(door.locator(".run-line")).to_contain_text("Recording")
