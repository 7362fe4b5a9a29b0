"""The run's own page: its flow drawn with the run on it, its steps in a list, both live."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.conftest import OpenTab
from browser.documents import asking, put, start, ticking
from browser.hand import Hand
from browser.watch import Watch

pytestmark = pytest.mark.browser
SHIFTS = """window.shifted = 0; new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({type: "layout-shift", buffered: true});"""


def test_the_page_draws_the_run_and_follows_it(app: App, open_tab: OpenTab) -> None:
    run_id = start(app, put(app, asking("drawn")))
    hand = open_tab(f"/runs/{run_id}")
    hand.expect_state("Ask", "waiting")
    expect(hand.node("Say")).not_to_have_attribute("data-state", re.compile("."))
    hand.page.get_by_role("button", name="Coffee").click()
    for title in ("Start", "Ask", "Say", "End"):
        hand.expect_state(title, "done")
    expect(hand.page.locator(".run-title .state")).to_have_text("Done")
    expect(hand.page.locator("[data-steps] > .step")).to_have_count(4)

    hand.node("Say").locator(".fc-title").click()
    step = hand.page.locator("[data-steps] > .step").filter(has_text="Say")
    expect(step.locator("details")).to_have_attribute("open", "")
    before = hand.flow()
    hand.keys("Delete", "a")
    assert hand.flow() == before, "the page only shows"
    hand.page.reload()
    hand.expect_state("End", "done")


def test_the_flow_is_drawn_as_the_run_has_it(app: App, open_tab: OpenTab) -> None:
    run_id = start(app, put(app, asking("old")))
    changed = asking("old")
    changed["nodes"][1]["data"]["label"] = "Ask again"
    put(app, changed)
    hand = open_tab(f"/runs/{run_id}")
    hand.expect_state("Ask", "waiting")
    with app.client() as client:
        revision = client.get("/api/flows/old").headers["ETag"]
        assert client.delete("/api/flows/old", headers={"If-Match": revision}).status_code == 204
    hand.page.reload()
    hand.expect_state("Ask", "waiting")


def test_the_page_is_right_again_after_a_power_cut(app: App, open_tab: OpenTab, watch: Watch) -> None:
    watch.is_line_cut = True
    run_id = start(app, put(app, ticking("cut", 12, 0.2)))
    hand = open_tab(f"/runs/{run_id}")
    steps = hand.page.locator("[data-steps] > .step")
    expect(steps.nth(8)).to_be_visible()
    app.kill()
    expect(hand.page.locator("#stream-state")).to_have_attribute(
        "data-state", re.compile("catching-up|offline")
    )
    app.start()
    expect(hand.page.locator(".run-title .state")).to_have_text("Done")
    expect(steps).to_have_count(1 + 12 * 3 + 1 + 1)
    hand.expect_state("End", "done")
    assert hand.look("run('say')")["visits"] == 12


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_moves_under_the_hand_while_the_page_comes_to_rest(
    app: App, page: Page, watch: Watch, width: int
) -> None:
    """Cumulative layout shift; 0.1 is where the Web Vitals begin to call it bad."""
    run_id = start(app, put(app, ticking(f"still-{width}", 3)))
    page.set_viewport_size({"width": width, "height": 860})
    page.add_init_script(SHIFTS)
    hand = Hand(page)
    page.goto(f"/runs/{run_id}")
    expect(page.locator(".run-title .state")).to_have_text("Done")
    page.goto(f"/runs/{run_id}")  # once more: now nothing comes but what the page is made of
    hand.at_rest()
    expect(page.locator("main time").first).to_have_attribute("title", re.compile(r"\d"))
    assert page.evaluate("window.shifted") < 0.1


def test_the_number_of_questions_follows_though_the_page_goes_without_htmx(app: App, page: Page) -> None:
    page.goto(f"/runs/{start(app, put(app, ticking('ticks-on', 3)))}")
    expect(page.locator(".count-slot")).to_have_count(1)
    before = page.locator(".count-slot").inner_text()
    start(app, put(app, asking("asks-meanwhile")))
    expect(page.locator(".count-slot")).not_to_have_text(before, timeout=9000)
