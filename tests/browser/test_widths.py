"""What the width of the window changes: panels, the first view, and a bar in which nothing lies on anything else."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.documents import EXEC_OUT, asking, document, node, put
from browser.hand import Hand
from browser.watch import Watch

pytestmark = pytest.mark.browser
OVERLAPS = """() => {
    const shown = [...document.querySelectorAll('.bar > *, .bar > .crumbs > *')].filter((each) => {
        const box = each.getBoundingClientRect();
        return box.width > 1 && box.height > 1 && !each.classList.contains('unseen') && !each.matches('.crumbs, dialog');
    }).map((each) => [each.id || each.className || each.tagName, each.getBoundingClientRect()]);
    return shown.flatMap(([name, a], at) => shown.slice(at + 1)
        .filter(([, b]) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1)
        .map(([other]) => `${name} and ${other}`))
        .concat(shown.filter(([, a]) => a.right > innerWidth + 1).map(([name]) => `${name} is outside`));
}"""
UNDER = """() => [...document.querySelectorAll('.editor-tools button')].filter((each) => {
    const box = each.getBoundingClientRect();
    if (!box.width) return false;
    const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return !each.contains(top);
}).map((each) => each.dataset.tool)"""


def box_of(page: Page, selector: str) -> dict[str, Any]:
    box = page.locator(selector).bounding_box()
    assert box is not None, selector
    return dict(box)


def broken(app: App, flow_id: str) -> None:
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT]),
        node("odd", "ask_usr", 300, 0, label="Odd one"),
        node("join", "concat", 300, 200, label="Join"),
    ]
    put(app, document(flow_id, "A flow with two kinds of problems", nodes, ["start.exec-out > odd.exec-in"]))


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1440])
def test_run_says_why_it_does_not_and_nothing_lies_on_it(app: App, page: Page, width: int) -> None:
    broken(app, "wide")
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/flows/wide")
    run = page.get_by_role("button", name="Run: 1 error")
    expect(run).to_be_visible()
    assert page.evaluate(OVERLAPS) == []
    run.click()
    expect(page.locator("#pane-problems")).to_contain_text("ask_usr")
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    expect(page.locator(".toast").last).to_contain_text("before this flow can run")


@pytest.mark.parametrize("width", [900, 1024, 1199])
def test_between_900_and_1199_the_panel_slides_over_two_fifths_at_most(
    app: App, page: Page, width: int
) -> None:
    put(app, asking("middling"))
    page.set_viewport_size({"width": width, "height": 768})
    hand = Hand(page).open_flow("middling")
    expect(page.locator("#palette")).to_be_hidden()
    canvas = box_of(page, ".canvas-place")
    hand.node("Say").locator(".fc-title").click()
    hand.keys("e")
    expect(page.locator("#pane-node .inspector")).to_be_visible()
    panel = box_of(page, "#side")
    assert panel["width"] <= 0.4 * canvas["width"] + 1
    assert box_of(page, ".canvas-place") == canvas, "the canvas keeps its place"
    assert page.evaluate(UNDER) == []
    hand.canvas.focus()
    hand.keys("a")
    expect(page.get_by_role("combobox", name="Add a node")).to_be_focused()


@pytest.mark.parametrize("width", [600, 768, 899])
def test_between_600_and_899_the_outline_comes_first_and_the_panel_lies_below(
    app: App, page: Page, width: int
) -> None:
    put(app, asking("upright"))
    page.set_viewport_size({"width": width, "height": 1024})
    page.goto("/flows/upright")
    tree = page.get_by_role("tree")
    expect(tree).to_be_visible()
    page.get_by_role("treeitem").nth(1).click()
    expect(page.locator("#pane-node .inspector")).to_be_visible()
    side, middle = box_of(page, "#side"), box_of(page, ".editor-middle")
    assert side["width"] == middle["width"]
    assert side["y"] >= middle["y"] + middle["height"] - 1
    page.get_by_role("button", name="Outline").click()
    expect(tree).to_be_hidden()
    expect(page.locator("#canvas")).to_be_visible()


@pytest.mark.parametrize("width", [320, 390])
def test_that_nothing_is_saved_is_said_beside_the_button_not_against_it(
    app: App, page: Page, watch: Watch, width: int
) -> None:
    watch.is_line_cut = True
    put(app, asking("tunnel"))
    page.set_viewport_size({"width": width, "height": 800})
    Hand(page).open_flow("tunnel")
    page.route("**/api/flows/tunnel**", lambda route: route.abort())
    page.get_by_label("Name of the flow").fill("Written in a very long tunnel")
    state = page.locator("#save-state")
    expect(state).to_have_text("Not saved: trying again")
    said, run, name = (box_of(page, each) for each in ("#save-state", "#run-button", ".flow-name"))
    assert said["x"] + said["width"] <= run["x"] - 4
    assert name["x"] + name["width"] <= said["x"] - 4
    page.unroute_all()
