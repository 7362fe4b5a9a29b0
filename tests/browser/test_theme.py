"""The theme switch: as the system, light, dark, high contrast, and round again, kept without a flash."""

from __future__ import annotations

import base64

import pytest
from playwright.sync_api import Browser, Page, StorageState, expect

from browser.app import App
from browser.documents import asking, put
from browser.hand import Hand

pytestmark = pytest.mark.browser
BRIGHTEST = """async (png) => {
    const bytes = Uint8Array.from(atob(png), (sign) => sign.charCodeAt(0));
    const picture = await createImageBitmap(new Blob([bytes], {type: "image/png"}));
    const pen = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
    pen.drawImage(picture, 0, 0);
    return Math.max(...pen.getImageData(0, 0, picture.width, picture.height).data.filter((_, at) => at % 4 === 0));
}"""


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


def test_with_forced_colours_the_ground_of_the_canvas_is_that_of_the_theme(
    chromium: Browser, app: App, signed_in: StorageState
) -> None:
    """The system replaces colours of text: one that was read from a text would make all of the canvas black."""
    put(app, asking("forced"))
    profile = chromium.new_context(
        forced_colors="active", color_scheme="light", storage_state=signed_in, base_url=app.url
    )
    page = profile.new_page()
    hand = Hand(page).open_flow("forced")
    box = hand.canvas.bounding_box()
    assert box is not None
    corner = {"x": box["x"] + 8, "y": box["y"] + 8, "width": 24, "height": 24}
    image = base64.b64encode(page.screenshot(clip=corner)).decode()  # type: ignore[arg-type]
    brightest = page.evaluate(BRIGHTEST, image)
    profile.close()
    assert brightest > 200, "the ground is dark, under nodes that are white"
