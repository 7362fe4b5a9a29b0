"""Arranging a flow, and locking what is to stay."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from browser.app import App
from browser.documents import asking, put
from browser.hand import Hand

pytestmark = pytest.mark.browser


def places(hand: Hand) -> dict[str, tuple[float, float]]:
    return {node["title"]: (node["x"], node["y"]) for node in hand.look("nodes")}


def test_a_heap_is_arranged_in_one_step_and_locked_nodes_stay(app: App, page: Page) -> None:
    flow = asking("tidy")
    for index, node in enumerate(flow["nodes"]):
        node["position"] = {"x": 40 * index, "y": 24 * index}
    put(app, flow)
    hand = Hand(page).open_flow("tidy")
    heap = places(hand)
    hand.keys("Control+Shift+l")
    hand.until(lambda: places(hand) != heap, "the flow is arranged")
    row = places(hand)
    assert row["Start"][0] < row["Ask"][0] < row["Say"][0] < row["End"][0]
    hand.keys("Control+z")
    assert places(hand) == heap

    hand.node("End").focus()
    hand.keys("Shift+Enter", "l")
    assert hand.flow()["nodes"][3]["data"]["canvas"] == {"locked": True}
    hand.keys("Shift+ArrowRight")
    assert places(hand)["End"] == heap["End"]
    hand.keys("Control+a", "Control+Shift+l")
    hand.until(lambda: places(hand) != heap, "the others are arranged")
    assert places(hand)["End"] == heap["End"]
