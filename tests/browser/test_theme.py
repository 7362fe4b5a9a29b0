"""The theme switch: as the system, light, dark, high contrast, and round again, kept without a flash."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.documents import asking, put
from browser.hand import Hand

pytestmark = pytest.mark.browser


def test_high_contrast_is_one_of_the_themes(app: App, page: Page) -> None:
    put(app, asking("theme"))
    hand = Hand(page).open_flow("theme")
    switch, root = page.get_by_role("button", name="Theme", exact=True), page.locator("html")
    for theme in ("light", "dark", "contrast"):
        switch.click()
        expect(root).to_have_attribute("data-theme", theme)
    expect(hand.canvas).to_have_css("background-color", "rgb(0, 0, 0)")
    page.reload()
    expect(root).to_have_attribute("data-theme", "contrast")
    hand.at_rest()
    expect(hand.node("Ask").locator(".fc-title")).to_have_css("color", "rgb(255, 255, 255)")
    switch.click()
    expect(root).not_to_have_attribute("data-theme", "contrast")
