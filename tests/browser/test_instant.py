"""While an earlier entry is looked at, all that is on the screen is as it was then, and says so."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.documents import answer_first, asking, put
from browser.hand import Hand
from drive import end, flow, node, start

pytestmark = pytest.mark.browser


def test_the_panels_show_the_instant_that_the_canvas_shows(app: App, page: Page) -> None:
    put(app, asking("instant"))
    hand = Hand(page).open_flow("instant")
    hand.keys("r")
    hand.expect_state("Ask", "waiting")
    answer_first(app, "Tea")
    hand.expect_run("Done")
    strip = page.get_by_role("region", name="The run, entry by entry")
    expect(strip).to_contain_text("Now, after 11 entries")
    slider = page.get_by_role("slider", name="Entry of the run that is shown")
    slider.focus()
    hand.keys("Home", "ArrowRight", "ArrowRight")
    words = "entry 3 of 11 · Ask, waiting · looking only"
    expect(strip).to_contain_text(words)
    run, then = page.locator("#pane-run"), page.locator("#pane-run .run-instant")
    expect(then).to_contain_text(words)
    expect(then.locator(".state")).to_have_text("Waiting")
    expect(then).to_contain_text("Tea or coffee?")
    expect(run.get_by_role("heading", name="Output")).to_be_hidden()
    expect(run.get_by_role("button", name="Run again")).to_be_hidden()
    expect(run.locator(".act-name")).to_have_text(["Start", "Ask"])
    hand.node("Say").locator(".fc-title").click()
    page.locator("#tab-node").click()
    data = page.locator("#pane-node")
    data.get_by_role("tab", name="Data").click()
    expect(data).to_contain_text(
        "At this instant the run had not come to this node. It comes here 1 time later."
    )
    hand.node("Ask").locator(".fc-title").click()
    expect(data).to_contain_text("entry 3 of 11 · looking only")
    expect(data.get_by_role("region", name="Came out")).to_contain_text("nothing came")
    strip.get_by_role("button", name="Back to now").click()
    expect(data).not_to_contain_text("looking only")
    expect(data.get_by_role("region", name="Came out")).to_contain_text("Tea")
    page.locator("#tab-run").click()
    expect(then).to_be_hidden()
    expect(run.locator(".run-head .state")).to_have_text("Done")
    expect(run.locator(".act-name")).to_have_text(["Start", "Ask", "Say", "End"])


def test_visits_of_a_loop_are_reached_by_keyboard_and_by_number(app: App, page: Page) -> None:
    nodes = {
        "start": start(),
        "for": node("for", pins={"start": 0, "end": 230, "step": 1}),
        "work": node(
            "code", label="Check the row", ins=["exec-in", "n|number"], outs=["exec-out", "twice|number"]
        ),
        "end": end(),
    }
    nodes["work"]["data"] |= {
        "codeBody": "if n == 7:\n    raise ValueError('not right')\nreturn {'twice': n * 2}",
        "onError": "continue",
    }
    for place, each in enumerate(nodes.values()):
        each["position"] = {"x": 300 * place, "y": 0}
    put(app, flow("strip", nodes, "start -> for, for:loop -> work, for.i -> work.n, for:done -> end"))
    hand = Hand(page).open_flow("strip")
    hand.keys("r")
    hand.expect_run("Done")
    hand.node("Check the row").locator(".fc-title").click()
    page.locator("#tab-node").click()
    data = page.locator("#pane-node")
    data.get_by_role("tab", name="Data").click()
    shown = data.get_by_role("tablist", name="Visits, one by one").locator("[aria-selected=true]")
    expect(shown).to_have_text("230")
    expect(shown).to_be_in_viewport()
    previous = data.get_by_role("button", name="Previous failed")
    previous.focus()
    hand.keys("Enter")
    expect(shown).to_have_text("8")
    expect(shown).to_have_attribute("aria-label", "Visit 8, Failed, went on")
    expect(shown.locator("svg")).to_have_count(1)
    expect(shown).to_be_in_viewport()
    shown.focus()
    hand.keys("ArrowRight")
    expect(shown).to_have_text("9")
    expect(shown).to_be_focused()
    number = data.get_by_role("spinbutton", name="Number of the visit to go to, 1 to 230")
    number.focus()
    hand.keys("ControlOrMeta+a")
    hand.type("205")
    hand.keys("Enter")
    expect(shown).to_have_text("205")
    expect(data.get_by_role("region", name="Came out")).to_contain_text("408")
    data.get_by_role("button", name="Earlier").click()
    expect(shown).to_have_text("200")
    data.get_by_role("link", name="1 failed one again…").click()
    expect(page.get_by_role("heading", name="Do again what failed")).to_be_visible()
    expect(page.locator("#pane-run").get_by_role("radio", name="Recorded")).to_be_checked()
