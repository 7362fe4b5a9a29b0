"""A failed run goes on as a fork with one value changed: by the mouse in three clicks, by keys, and while scrubbing."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.demo import failing, settle
from browser.documents import EXEC_OUT, asking, document, node, pins, put, start
from browser.hand import Hand
from browser.watch import Watch

pytestmark = pytest.mark.browser

GOOD = '[{"order": 17, "lines": 3'


def fork_of(page: Page) -> str:
    page.wait_for_url(re.compile(r"/runs/[^/]+$"))
    return page.url.rsplit("/", 1)[1]


def test_from_a_failed_node_to_a_running_fork_in_three_clicks(app: App, page: Page) -> None:
    put(app, failing())
    run = start(app, "import-orders")
    settle(app, run, "failed")
    page.goto(f"/runs/{run}")
    page.get_by_role("link", name="Change something first").click()
    expect(page.get_by_role("heading", name="Change something, and go on from here")).to_be_visible()
    form = page.locator("[data-fork-form]")
    expect(form).to_contain_text("Next comes")
    form.get_by_label("text", exact=True).fill(GOOD)
    form.get_by_role("button", name="Start fork").click()
    fork = fork_of(page)
    assert fork != run
    expect(page.locator(".run-title .state")).to_have_text("Done")
    expect(page.locator(".from-run")).to_contain_text(f"run {run[:13]}")
    reused = page.locator("[data-steps] > [data-state=reused]")
    expect(reused.first).to_be_visible()
    expect(page.locator("#run-canvas [data-instead=reused]").first).to_be_visible()
    page.locator(".from-run a").click()
    page.wait_for_url(f"**/runs/{run}")
    expect(page.locator(".fork-list a").first).to_have_attribute("href", f"/runs/{fork}")
    page.get_by_role("link", name=f"Compare with run {fork[:13]}").click()
    expect(page.get_by_role("row", name=re.compile("Read the orders.*the first difference"))).to_be_visible()


def test_by_keys_from_the_step_that_has_the_keyboard(app: App, page: Page) -> None:
    put(app, failing())
    run = start(app, "import-orders")
    settle(app, run, "failed")
    page.goto(f"/runs/{run}")
    expect(page.locator("[data-fork]")).to_have_attribute("data-key", "F")
    page.locator("[data-steps] summary").first.focus()
    page.keyboard.press("g")
    page.keyboard.press("f")
    page.wait_for_url("**/flows")
    page.goto(f"/runs/{run}")
    expect(page.locator("[data-fork]")).to_have_attribute("data-key", "F")
    page.locator("[data-steps] summary").first.focus()
    page.keyboard.press("f")
    page.wait_for_url(re.compile(r"/fork\?seq=1$"))
    field = page.locator("[data-fork-form]").get_by_label("text", exact=True)
    field.focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(GOOD)
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == "Start fork":
            break
    page.keyboard.press("Enter")
    assert fork_of(page) != run


def test_the_editor_forks_the_entry_that_it_shows_beside_its_canvas(app: App, page: Page) -> None:
    put(app, asking("forked"))
    hand = Hand(page).open_flow("forked")
    hand.keys("f")
    expect(page.locator("#editor-alarm")).to_contain_text("There is no run on the canvas to fork")
    hand.keys("r")
    hand.expect_state("Ask", "waiting")
    page.get_by_role("button", name="Tea", exact=True).click()
    hand.expect_run("Done")
    first = page.url
    hand.canvas.focus()
    hand.keys(*[","] * 8)
    strip = page.get_by_role("region", name="The run, entry by entry")
    expect(strip).to_contain_text("entry 3 of 11 · Ask, waiting")
    strip.get_by_role("button", name="Fork here").click()
    form = page.locator("#pane-run [data-fork-form]")
    expect(form).to_contain_text(
        "after entry 1 of 11: at entry 3 a step was under way, and it is taken anew. Next comes Ask"
    )
    title, tabs = page.get_by_role("heading", name="Change something, and go on"), page.locator("#tab-run")
    top, tab = title.bounding_box(), tabs.bounding_box()
    assert top
    assert tab
    assert top["y"] >= tab["y"] + tab["height"], "the form opens at its heading"
    page.keyboard.press("Escape")
    expect(form).to_have_count(0)
    expect(hand.canvas).to_be_focused()
    hand.keys("f")
    expect(form).to_be_visible()
    form.get_by_role("button", name="Start fork").click()
    hand.until(lambda: page.url != first, "the fork is on the canvas")
    hand.expect_state("Ask", "waiting")
    expect(hand.node("Start")).to_have_attribute("data-instead", "reused")
    expect(hand.node("Start")).to_have_attribute("aria-label", re.compile(", reused"))
    page.get_by_role("button", name="Coffee", exact=True).click()
    hand.expect_run("Done")


def test_the_run_on_the_canvas_is_the_one_that_the_panel_shows(app: App, page: Page) -> None:
    put(app, {**failing(), "id": "never-good"})
    hand = Hand(page).open_flow("never-good")
    hand.keys("r")
    page.get_by_role("button", name="Run with these").click()
    hand.expect_run("Failed")
    hand.node("Read the orders").locator(".fc-title").click()
    page.locator("#tab-node").click()
    pane = page.locator("#pane-node")
    pane.get_by_role("tab", name="Data").click()
    run = page.url.split("run=")[1]
    chosen = pane.get_by_label("Values of")
    expect(chosen).to_have_value(run)
    expect(pane.get_by_role("region", name="Came in")).to_contain_text('"order": 17')
    chosen.select_option("")
    expect(pane).to_contain_text("No run of this flow has ended well yet")
    chosen.select_option("none")
    page.reload()
    hand.expect_run("Failed")
    hand.node("Read the orders").locator(".fc-title").click()
    page.locator("#tab-node").click()
    pane.get_by_role("tab", name="Data").click()
    expect(chosen).to_have_value(run)
    page.locator("#tab-run").click()
    page.get_by_role("button", name="Take the run off the canvas").click()
    page.locator("#tab-node").click()
    expect(chosen).to_have_value("none")


def test_what_is_no_json_is_told_where_it_stands(app: App, page: Page, watch: Watch) -> None:
    watch.expected_statuses.add(422)
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT]),
        node("set", "set_var", 280, 0, label="Set", pinDefaults={"name": "list", "value": [1, 2]}),
        node("count", "set_var", 420, 0, label="Count", pinDefaults={"name": "count", "value": 1}),
        node("ask", "ask_user", 560, 0, label="Ask", pinDefaults={"prompt": "Well?"}),
    ]
    wires = ["start.exec-out > set.exec-in", "set.exec-out > count.exec-in", "count.exec-out > ask.exec-in"]
    put(app, document("typed", "Typed", nodes, wires))
    hand = Hand(page).open_flow("typed")
    hand.keys("r")
    hand.expect_state("Ask", "waiting")
    hand.canvas.focus()
    hand.keys("f")
    form = page.locator("#pane-run [data-fork-form]")
    form.locator("summary", has_text="Variables").click()
    short = form.get_by_label("count JSON").bounding_box()
    assert short
    assert short["height"] < 40, "a value of one line has a field of one line"
    form.get_by_label("list JSON").fill("[1,\n 2,, 3]")
    form.get_by_role("button", name="Start fork").click()
    expect(form.get_by_label("list JSON")).to_be_focused()
    expect(form).to_contain_text("at line 2, column 4")
    form.get_by_label("list JSON").fill("[1, 2, 3]")
    page.keyboard.press("ControlOrMeta+Enter")
    expect(form).to_have_count(0)
    hand.expect_state("Ask", "waiting")


def deciding() -> dict[str, Any]:
    """Say yes to small amounts, ask nobody, and no to others."""
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT, *pins(("amount", "number"))]),
        node("small", "compare", 260, 160, label="Small?", pinDefaults={"op": "<", "b": 100}),
        node("if", "if", 520, 0, label="Decide"),
        node("yes", "answer_user", 800, -120, label="Say yes", pinDefaults={"message": "Yes"}),
        node("no", "answer_user", 800, 160, label="Say no", pinDefaults={"message": "No"}),
    ]
    wires = [
        "start.exec-out > if.exec-in",
        "start.amount > small.a",
        "small.result > if.condition",
        "if.true > yes.exec-in",
        "if.false > no.exec-in",
    ]
    return document("deciding", "Deciding", nodes, wires)


def test_two_runs_are_compared_on_the_canvas_and_in_a_table(app: App, page: Page, watch: Watch) -> None:
    put(app, deciding())
    runs = [start(app, "deciding", amount=amount) for amount in (20, 500)]
    for each in runs:
        settle(app, each, "completed")
    watch.over(page)
    page.goto(f"/runs/{runs[1]}")
    page.get_by_role("link", name="Compare with another run").click()
    first = page.locator("#first-difference")
    expect(first).to_contain_text("Start")
    hand = Hand(page)
    hand.at_rest()
    expect(hand.node("Start")).to_have_attribute("data-diff", "changed")
    expect(hand.node("Start")).to_contain_text("First difference")
    expect(hand.node("Say yes")).to_have_attribute("data-diff", "removed")
    expect(hand.node("Say yes")).to_contain_text("Only in the first")
    expect(hand.node("Say no")).to_contain_text("Only in the second")
    expect(first).to_have_attribute("data-here", "")
    page.keyboard.press("j")
    expect(page.locator(".compare tr[data-node=if]")).to_be_focused()
    hand.until(lambda: hand.look("selection.nodes") == ["if"], "the canvas shows the next difference")
    page.keyboard.press("k")
    expect(first).to_be_focused()
    page.set_viewport_size({"width": 390, "height": 844})
    sides = first.locator("td")
    boxes = [sides.nth(at).bounding_box() for at in range(2)]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[1]["y"] >= boxes[0]["y"] + boxes[0]["height"], "the second run stands under the first"
    assert boxes[1]["x"] + boxes[1]["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
