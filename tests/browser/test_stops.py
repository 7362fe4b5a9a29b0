"""Breakpoints and stepping by keys: stop, look, step over and into, run to a node, also after a power cut."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.documents import EXEC_IN, EXEC_OUT, Document, document, ledger, node, put, vat
from browser.hand import Hand
from browser.watch import Watch

pytestmark = pytest.mark.browser


def calling(flow_id: str, called: str) -> Document:
    """Run another flow, then take note."""
    call = node("call", "subflow", 320, 0, label="Call", subflowId=called)
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT]),
        call,
        node("note", "set_var", 640, 0, label="Take note", pinDefaults={"name": "seen", "value": 1}),
        node("end", "on_flow_end", 960, 0, label="End", inputs=[EXEC_IN]),
    ]
    wires = [
        "start.exec-out > call.exec-in",
        "call.exec-out > note.exec-in",
        "note.exec-out > end.exec-in",
    ]
    return document(flow_id, "Outer", nodes, wires)


def chosen(hand: Hand, title: str) -> None:
    hand.node(title).locator(".fc-title").click()


def test_a_run_stops_at_a_breakpoint_and_is_led_on_by_keys(app: App, page: Page) -> None:
    put(app, vat("vat"))
    hand = Hand(page).open_flow("vat")
    chosen(hand, "Twice")
    hand.keys("b")
    expect(page.locator(".toast")).to_contain_text("A value is computed when a step reads it")
    chosen(hand, "Compute VAT")
    hand.keys("b")
    expect(hand.node("Compute VAT")).to_have_attribute("aria-label", "Compute VAT, breakpoint, selected")
    expect(hand.saved).to_be_visible()
    hand.keys("r")
    hand.expect_state("Compute VAT", "stopped")
    hand.expect_run("Stopped")
    card = page.locator("#pane-run .ask-card")
    expect(card).to_contain_text("Stopped at a breakpoint")
    expect(card).to_contain_text("Before “Compute VAT”")
    expect(page.locator("#editor-alarm")).to_have_text(
        "Stopped before “Compute VAT”. F8 goes on, F10 steps over."
    )
    page.locator("#tab-node").click()
    page.get_by_role("tab", name="Data").click()
    expect(page.locator("#pane-node")).to_contain_text("42")
    hand.canvas.focus()
    hand.keys("F10")
    hand.expect_state("Take note", "stopped")
    hand.expect_state("Compute VAT", "done")
    chosen(hand, "End")
    hand.keys("Control+Enter")
    hand.expect_state("End", "stopped")
    hand.keys("F8")
    hand.expect_run("Done")
    assert "42" in hand.output()
    said = [
        each["effect"]["payload"]["payload"]["response"]
        for each in ledger(app, hand.run_line())
        if (each["effect"] or {}).get("type") == "resume"
    ]
    assert said == ["Step over", "Go on", "Go on"]


def test_ctrl_enter_and_f10_begin_a_run_and_a_breakpoint_that_changes_counts(app: App, page: Page) -> None:
    put(app, vat("begins"))
    hand = Hand(page).open_flow("begins")
    chosen(hand, "Compute VAT")
    hand.keys("Control+Enter")
    hand.expect_state("Compute VAT", "stopped")
    chosen(hand, "End")
    hand.keys("b")
    expect(hand.saved).to_be_visible()
    hand.keys("F8")
    hand.expect_state("End", "stopped")
    hand.keys("F8")
    hand.expect_run("Done")
    hand.keys("b", "F10")
    hand.expect_state("Start", "stopped")
    hand.keys("F8")
    hand.expect_run("Done")


def test_f11_steps_into_a_subflow_and_is_the_browsers_else(app: App, page: Page) -> None:
    put(app, vat("inner"))
    put(app, calling("outer", "inner"))
    hand = Hand(page).open_flow("outer")
    chosen(hand, "Call")
    left = (
        "addEventListener('keydown', (event) => (document.title = `${event.key} ${event.defaultPrevented}`))"
    )
    page.evaluate(left)
    hand.keys("F11")
    expect(page).to_have_title("F11 false")
    hand.keys("Control+Enter")
    hand.expect_state("Call", "stopped")
    expect(page.locator("#pane-run .ask-card").get_by_role("button", name="Step into")).to_be_visible()
    hand.keys("F11")
    expect(page).to_have_title("F11 true")
    card = page.locator("#pane-run .ask-card")
    expect(card).to_contain_text("“start” of inner")
    for node_id in ("tax", "note", "end"):
        hand.keys("F10")
        expect(card).to_contain_text(f"“{node_id}” of inner")
    hand.keys("F10")
    hand.expect_state("Take note", "stopped")
    card.get_by_role("button", name="Go on").click()
    hand.expect_run("Done")


def test_a_stop_outlives_a_power_cut_and_goes_on_from_the_inbox(app: App, page: Page, watch: Watch) -> None:
    watch.is_line_cut = True
    put(app, vat("cut"))
    hand = Hand(page).open_flow("cut")
    chosen(hand, "Take note")
    page.keyboard.press("Control+k")
    hand.type("Run to the selected")
    hand.keys("Enter")
    hand.expect_state("Take note", "stopped")
    app.kill()
    app.start()
    page.goto("/inbox")
    row = page.locator("[data-prompt-row]").filter(has_text="Take note")
    expect(row).to_contain_text("Stopped before “Take note”, to which it was to run")
    row.get_by_role("button", name="Go on").click()
    expect(row).to_have_count(0)
    hand.open_flow("cut")
    expect(hand.node("Take note")).to_be_visible()
