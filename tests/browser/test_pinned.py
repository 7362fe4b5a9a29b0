"""Pinned outputs in the editor: taken from a run, taken for the node in trial runs, written by hand, taken back."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.documents import asking, put
from browser.hand import Hand

pytestmark = pytest.mark.browser


def pinned(hand: Hand, title: str) -> Any:
    """What is pinned to a node, in the document."""
    found = [each for each in hand.flow()["nodes"] if hand.title_of(each["id"]) == title]
    return found[0]["data"].get("canvas", {}).get("pinned")


def ran(hand: Hand, page: Page, answer: str = "Tea") -> None:
    """Run the flow to its end; it asks."""
    hand.keys("r")
    page.get_by_role("button", name=answer, exact=True).click()
    hand.expect_run("Done")


def data_of(hand: Hand, page: Page, title: str) -> Any:
    """Open the Data tab of a node."""
    hand.node(title).locator(".fc-title").click()
    page.locator("#tab-node").click()
    pane = page.locator("#pane-node")
    pane.get_by_role("tab", name="Data", exact=True).click()
    return pane


def test_by_keys_a_person_is_asked_once_and_then_pinned(app: App, page: Page) -> None:
    put(app, asking("pin-keys"))
    hand = Hand(page).open_flow("pin-keys")
    ask = hand.node("Ask")
    hand.node("Start").focus()
    hand.keys("p")
    expect(page.locator(".toast")).to_contain_text("Select the nodes")
    hand.keys("ArrowRight", "p")
    expect(page.locator(".toast").last).to_contain_text("No run is on the canvas")
    ran(hand, page)
    ask.focus()
    hand.keys("p")
    hand.until(lambda: pinned(hand, "Ask"), "it is pinned")
    assert pinned(hand, "Ask") == {"outputs": {"response": "Tea"}, "exit": "exec-out"}
    expect(ask).to_have_attribute(
        "aria-label", "Ask, outputs pinned: trial runs do not execute it, done, selected"
    )
    hand.keys("r")
    expect(ask).to_have_attribute(
        "aria-label", "Ask, outputs pinned: trial runs do not execute it, pinned, selected"
    )
    expect(ask).to_contain_text("pinned")
    hand.expect_run("Done")
    assert '"drink": "Tea"' in hand.output()
    ask.focus()
    hand.keys("p")
    hand.until(lambda: pinned(hand, "Ask") is None, "it is no longer pinned")
    hand.keys("Control+z")
    assert pinned(hand, "Ask") == {"outputs": {"response": "Tea"}, "exit": "exec-out"}
    hand.keys("Control+c", "Control+v")
    assert [
        each["data"].get("canvas") is not None for each in hand.flow()["nodes"] if each["type"] == "ask_user"
    ] == [True, True]
    hand.keys("Control+z")
    expect(hand.saved).to_be_visible()
    page.reload()
    hand.at_rest()
    assert pinned(hand, "Ask") == {"outputs": {"response": "Tea"}, "exit": "exec-out"}


def test_by_the_mouse_from_menu_and_data_tab_and_written_by_hand(app: App, page: Page) -> None:
    put(app, asking("pin-mouse"))
    hand = Hand(page).open_flow("pin-mouse")
    ran(hand, page)
    hand.node("Ask").locator(".fc-title").click(button="right")
    page.get_by_role("menuitem", name="Pin the outputs").click()
    hand.until(lambda: pinned(hand, "Ask"), "it is pinned")
    hand.node("Ask").locator(".fc-title").click(button="right")
    page.get_by_role("menuitem", name="Unpin the outputs").click()
    hand.until(lambda: pinned(hand, "Ask") is None, "it is no longer pinned")
    pane = data_of(hand, page, "Ask")
    pane.get_by_role("button", name="Pin", exact=True).click()
    field = pane.get_by_label("Pinned outputs as JSON")
    expect(field).to_have_value('{\n  "response": "Tea"\n}')
    field.fill('{"response": ')
    expect(pane).to_contain_text("This is not JSON")
    field.fill('{"response": "Cocoa"}')
    expect(pane).not_to_contain_text("This is not JSON")
    assert pinned(hand, "Ask")["outputs"] == {"response": "Cocoa"}
    field.fill("{}")
    expect(pane).to_contain_text("Write an object")
    assert pinned(hand, "Ask")["outputs"] == {"response": "Cocoa"}
    page.locator("#run-button").click()
    expect(page.locator("#pane-run .run-output")).to_contain_text("Cocoa")
    pane = data_of(hand, page, "Ask")
    expect(pane.locator(".visit-head")).to_contain_text("Pinned")
    expect(pane.get_by_role("region", name="Came in")).to_contain_text("not executed")
    pane.get_by_role("button", name="Unpin").click()
    hand.until(lambda: pinned(hand, "Ask") is None, "it is no longer pinned")


def test_without_a_run_sample_values_can_be_pinned(app: App, page: Page) -> None:
    put(app, asking("pin-sample"))
    hand = Hand(page).open_flow("pin-sample")
    pane = data_of(hand, page, "Ask")
    expect(pane.get_by_role("button", name="Choose a run")).to_have_count(0)
    pane.get_by_role("button", name="Use sample values").click()
    expect(pane.get_by_label("Pinned outputs as JSON")).to_be_visible()
    assert pinned(hand, "Ask")["exit"] == "exec-out"
    page.locator("#run-button").click()
    hand.expect_run("Done")
    pane = data_of(hand, page, "Say")
    expect(pane.locator(".visit-head")).to_contain_text("Done")
    pane.get_by_label("Values of").select_option("none")
    pane.get_by_role("button", name="Choose a run").click()
    expect(pane.get_by_label("Values of")).to_be_focused()


def test_a_node_that_gave_nothing_says_why_it_is_not_pinned(app: App, page: Page) -> None:
    put(app, asking("pin-none"))
    hand = Hand(page).open_flow("pin-none")
    ran(hand, page)
    hand.node("Start").focus()
    hand.keys("Control+a", "p")
    expect(page.locator(".toast")).to_contain_text("not pinned")
    hand.until(lambda: pinned(hand, "Ask"), "the others are pinned")


def test_the_look_at_a_value_compares_it_and_pins_it(app: App, page: Page) -> None:
    put(app, asking("pin-peek"))
    hand = Hand(page).open_flow("pin-peek")
    ran(hand, page)
    first = hand.run_line()
    hand.keys("r")
    page.get_by_role("button", name="Coffee", exact=True).click()
    expect(page.locator("#pane-run .run-output")).to_contain_text("Coffee")
    hand.node("Say").focus()
    hand.pin("Say", "in", "message").focus()
    hand.keys(" ")
    look = page.get_by_role("dialog", name="Say · message")
    expect(look.get_by_role("button", name="Copy")).to_be_focused()
    hand.keys("Tab", "Tab", "Enter")
    expect(look.get_by_label("Compared with")).to_be_focused()
    expect(look.get_by_label("Compared with")).to_have_value(first)
    expect(look).to_contain_text("response Tea Coffee")
    hand.keys("Escape")
    expect(look).to_be_hidden()
    expect(hand.pin("Say", "in", "message")).to_be_focused()
    hand.keys(" ")
    look.get_by_role("button", name="Pin", exact=True).click()
    expect(look).to_be_hidden()
    hand.until(lambda: pinned(hand, "Ask"), "the node that gave it is pinned")
    assert pinned(hand, "Ask") == {"outputs": {"response": "Coffee"}, "exit": "exec-out"}
    hand.keys("r")
    expect(hand.node("Ask")).to_contain_text("pinned")
    hand.node("Say").focus()
    hand.pin("Say", "in", "message").focus()
    hand.keys(" ")
    expect(look).to_contain_text("Pinned by Ask, so given in this run.")
    look.get_by_role("button", name="Unpin").click()
    hand.until(lambda: pinned(hand, "Ask") is None, "it is no longer pinned")


def test_what_is_pinned_to_the_start_is_not_asked_for(app: App, page: Page) -> None:
    flow = asking("pin-start")
    flow["nodes"][0]["data"]["outputs"].append({"id": "who", "label": "who", "type": "string"})
    put(app, flow)
    hand = Hand(page).open_flow("pin-start")
    page.locator("#run-button").click()
    page.locator("#pane-run").get_by_label("who").fill("Ada")
    page.locator("#pane-run").get_by_role("button", name="Run with these").click()
    page.get_by_role("button", name="Tea", exact=True).click()
    hand.expect_run("Done")
    hand.node("Start").locator(".fc-title").click()
    hand.keys("p")
    hand.until(lambda: pinned(hand, "Start"), "it is pinned")
    assert pinned(hand, "Start")["outputs"] == {"who": "Ada"}
    page.locator("#run-button").click()
    page.get_by_role("button", name="Coffee", exact=True).click()
    expect(page.locator("#pane-run .run-output")).to_contain_text("Coffee")
    expect(hand.node("Start")).to_contain_text("pinned")
