"""Putting a node into a wire and taking it out again, by mouse and by keys."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.documents import asking, node, put
from browser.hand import Hand

pytestmark = pytest.mark.browser

CHAIN = {"Start.exec-out > Ask.exec-in", "Say.exec-out > End.exec-in"}
VALUES = {"Ask.response > Say.message", "Ask.response > End.drink"}
STRAIGHT = CHAIN | VALUES | {"Ask.exec-out > Say.exec-in"}


def test_a_node_dropped_on_a_wire_goes_between_and_leaves_no_gap(app: App, page: Page) -> None:
    flow = asking("splice")
    flow["nodes"].append(node("set", "set_var", 560, 320, label="Keep"))
    put(app, flow)
    hand = Hand(page).open_flow("splice")
    ask, say = hand.pin("Ask", "out", "exec-out"), hand.pin("Say", "in", "exec-in")
    a, b = ask.bounding_box(), say.bounding_box()
    assert a is not None
    assert b is not None
    title = hand.node("Keep").locator(".fc-title")
    hand.drag(title, ((a["x"] + b["x"]) / 2 + 12, a["y"] + 14), steps=12)
    between = {"Ask.exec-out > Keep.exec-in", "Keep.exec-out > Say.exec-in"}
    hand.expect_wires(*CHAIN, *VALUES, *between)
    hand.keys("Control+z")
    hand.expect_wires(*STRAIGHT)
    hand.keys("Control+Shift+z")
    hand.keys("Delete")
    hand.expect_wires(*STRAIGHT)
    expect(page.locator("#editor-voice")).to_contain_text("Removed 1 node, its wires joined")
    hand.keys("Control+z", "Shift+Delete")
    hand.expect_wires(*CHAIN, *VALUES)


def test_a_adds_after_a_step_and_into_its_wire(app: App, page: Page) -> None:
    put(app, asking("splice-keys"))
    hand = Hand(page).open_flow("splice-keys")
    hand.node("Ask").focus()
    hand.keys("a")
    hand.choose("set variable")
    added = hand.title_of(hand.look("selection")["nodes"][0])
    between = {f"Ask.exec-out > {added}.exec-in", f"{added}.exec-out > Say.exec-in"}
    hand.expect_wires(*CHAIN, *VALUES, *between)
    hand.keys("Control+z")
    hand.expect_wires(*STRAIGHT)
