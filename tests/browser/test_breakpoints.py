"""Breakpoints of all kinds: after a step, on a wire, under a condition, at any error; listed, changed, off and on again."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.documents import put, vat
from browser.hand import Hand, middle
from browser.test_stops import chosen

pytestmark = pytest.mark.browser


def listed(hand: Hand) -> None:
    """Open the list of breakpoints as any other command."""
    hand.keys("Control+k")
    hand.page.get_by_role("combobox").last.fill("breakpoints: cond")
    hand.page.keyboard.press("Enter")
    expect(hand.page.locator(".break-card")).to_be_visible()


def test_a_breakpoint_after_a_step_with_a_condition_is_set_in_the_list(app: App, page: Page) -> None:
    put(app, vat("after"))
    hand = Hand(page).open_flow("after")
    chosen(hand, "Compute VAT")
    listed(hand)
    card = page.locator(".break-card")
    when = card.get_by_label("Only where: Before “Compute VAT”")
    expect(when).to_be_focused()
    card.get_by_label("Where: Before “Compute VAT”", exact=True).select_option("after")
    when = card.get_by_label("Only where: After “Compute VAT”")
    when.fill("value > 40 and")
    expect(card).to_contain_text("Syntax error")
    when.fill("value > 40")
    when.press("Tab")
    expect(hand.node("Compute VAT")).to_have_attribute(
        "aria-label", "Compute VAT, breakpoint after it where value > 40, selected"
    )
    expect(hand.saved).to_be_visible()
    hand.canvas.focus()
    hand.keys("r")
    hand.expect_state("Take note", "stopped")
    words = "After “Compute VAT”, where value > 40"
    expect(page.locator("#pane-run .ask-card")).to_contain_text(words)
    listed(hand)
    expect(card).to_contain_text("= true")
    page.goto("/inbox")
    expect(page.locator("main")).to_contain_text(f"Stopped at a breakpoint a{words[1:]}")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("button", name="Go on")).to_have_count(0)
    with app.client() as client:
        run = client.get("/api/runs?flow_id=after&limit=1").json()["runs"][0]
    assert run["status"] == "completed"


def test_a_breakpoint_on_a_wire_is_a_dot_that_is_turned_off_in_the_list(app: App, page: Page) -> None:
    put(app, vat("wired"))
    hand = Hand(page).open_flow("wired")
    begins, ends = (
        middle(hand.pin("Compute VAT", "out", "exec-out")),
        middle(hand.pin("Take note", "in", "exec-in")),
    )
    page.mouse.click((begins[0] + ends[0]) / 2, (begins[1] + ends[1]) / 2, button="right")
    page.get_by_role("menuitem", name="Breakpoint", exact=False).first.click()
    dot = page.locator(".fc-break")
    expect(dot).to_have_attribute("aria-label", "Breakpoint from Compute VAT to Take note: removes it")
    expect(hand.saved).to_be_visible()
    hand.keys("r")
    hand.expect_state("Take note", "stopped")
    expect(page.locator("#pane-run .ask-card")).to_contain_text(
        "On the wire from “Compute VAT” to “Take note”"
    )
    hand.keys("F8")
    hand.expect_run("Done")
    listed(hand)
    page.get_by_label("On: From “Compute VAT” to “Take note”").uncheck()
    expect(dot).to_have_attribute("aria-label", "Breakpoint from Compute VAT to Take note, off: removes it")
    expect(hand.saved).to_be_visible()
    hand.canvas.focus()
    hand.keys("r")
    hand.expect_run("Done")
    dot.click()
    expect(dot).to_have_count(0)


def test_any_error_stops_before_the_run_fails(app: App, page: Page) -> None:
    wrong = vat("wrong")
    tax = next(each for each in wrong["nodes"] if each["id"] == "note")
    tax["data"]["pinExpressions"] = {"value": "1 / 0"}
    put(app, wrong)
    hand = Hand(page).open_flow("wrong")
    listed(hand)
    page.get_by_label("Any error, before it goes its way").check()
    hand.canvas.focus()
    hand.keys("r")
    hand.expect_state("Take note", "stopped")
    hand.expect_run("Stopped")
    card = page.locator("#pane-run .ask-card")
    expect(card).to_contain_text("Stopped at an error")
    expect(card).to_contain_text("division by zero")
    card.get_by_role("button", name="Go on").click()
    hand.expect_run("Failed")
    hand.expect_state("Take note", "failed")
