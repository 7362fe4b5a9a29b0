"""`D` disables nodes: they are drawn so, the problems say it, runs go past them, and one undo takes it back."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.documents import put, vat
from browser.hand import Hand

pytestmark = pytest.mark.browser


def test_a_disabled_node_is_drawn_so_told_and_passed_over(app: App, page: Page) -> None:
    put(app, vat("vat"))
    hand = Hand(page).open_flow("vat")
    hand.node("Take note").locator(".fc-title").click()
    hand.keys("d")
    node = hand.node("Take note")
    expect(node).to_have_attribute("aria-label", "Take note, disabled, a note, selected")
    expect(node.locator(".fc-note")).to_have_text("disabled")
    page.locator("#tab-problems").click()
    expect(page.locator("#pane-problems")).to_contain_text("is disabled: control goes past it by 'exec-out'")
    hand.canvas.focus()
    hand.keys("r")
    hand.expect_run("Done")
    assert "42" in hand.output()
    expect(node).not_to_have_attribute("data-state", "done")
    hand.expect_state("End", "done")
    hand.canvas.focus()
    hand.keys("v")
    line = page.get_by_role("treeitem").filter(has_text="Take note")
    expect(line).to_contain_text("disabled")
    line.focus()
    hand.keys("d")
    expect(line).not_to_contain_text("disabled")
    hand.keys("Control+z")
    expect(line).to_contain_text("disabled")


def test_a_start_cannot_be_disabled_and_a_value_node_gives_way_to_the_inputs_own_value(
    app: App, page: Page
) -> None:
    flow = vat("values")
    flow["nodes"][2]["data"]["pinDefaults"]["value"] = 7
    put(app, flow)
    hand = Hand(page).open_flow("values")
    hand.node("Start").locator(".fc-title").click()
    hand.keys("d")
    expect(page.locator(".toast")).to_contain_text("The flow begins with “Start”: it cannot be passed over.")
    hand.node("Twice").locator(".fc-title").click()
    page.keyboard.press("Control+k")
    hand.type("Disable")
    hand.keys("Enter")
    expect(hand.node("Twice").locator(".fc-note")).to_have_text("disabled")
    hand.canvas.focus()
    hand.keys("r")
    hand.expect_run("Done")
    assert "7" in hand.output()
    assert "42" not in hand.output()
