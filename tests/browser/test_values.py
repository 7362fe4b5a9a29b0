"""What a run shows on the canvas beside the states of its steps."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.documents import put, ticking
from browser.hand import Hand

pytestmark = pytest.mark.browser


def test_value_nodes_show_what_they_gave(app: App, page: Page) -> None:
    put(app, ticking("values", 2))
    hand = Hand(page).open_flow("values")
    hand.keys("r")
    hand.expect_run("Done")
    hand.expect_state("Text", "done")
    expect(hand.node("Text").locator(".fc-note")).to_have_text("tick 1")
    hand.node("Text").locator(".fc-title").click()
    expect(page.locator("#pane-node .value-line")).to_contain_text("tick 1")
