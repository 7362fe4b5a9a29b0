"""What the mouse does with a key held, and what the drawing shows meanwhile: unwire, duplicate, align, zoom, pan."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.documents import asking, node, put
from browser.hand import Hand, middle

pytestmark = pytest.mark.browser


@pytest.fixture
def free(app: App, page: Page) -> Hand:
    """An asking flow with a node below its question."""
    flow = asking("gestures")
    flow["nodes"].append(node("free", "set_var", 280, 260, label="Free"))
    put(app, flow)
    return Hand(page).open_flow("gestures")


def place(hand: Hand, title: str) -> tuple[float, float]:
    return next((each["x"], each["y"]) for each in hand.look("nodes") if each["title"] == title)


def test_alt_unwires_and_duplicates_each_as_one_step(free: Hand) -> None:
    hand, page = free, free.page
    wires, places = hand.wires(), [(each["x"], each["y"]) for each in hand.look("nodes")]
    page.keyboard.down("Alt")
    page.mouse.click(*middle(hand.pin("Say", "in", "message")))
    page.keyboard.up("Alt")
    assert hand.wires() == wires - {"Ask.response > Say.message"}
    hand.keys("Control+z")
    assert hand.wires() == wires
    page.keyboard.down("Alt")
    hand.drag(hand.node("Free").locator(".fc-title"), hand.spot(0.2, 0.2))
    page.keyboard.up("Alt")
    assert hand.titles().count("Free") == 2
    assert (280, 260) in {place(hand, "Free"), *((each["x"], each["y"]) for each in hand.look("nodes"))}
    hand.keys("Control+z")
    assert [(each["x"], each["y"]) for each in hand.look("nodes")] == places


def test_a_drag_shows_what_it_is_in_line_with_and_alt_leaves_the_grid(free: Hand) -> None:
    hand, page = free, free.page
    x, y = middle(hand.node("Free").locator(".fc-title"))
    guides = page.locator("flow-canvas .fc-guide:visible")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 3, y + 40, steps=3)
    expect(guides.first).to_be_visible()
    page.keyboard.down("Alt")
    page.mouse.move(x + 23, y + 57)
    expect(guides).to_have_count(0)
    page.mouse.up()
    page.keyboard.up("Alt")
    assert any(part % 8 for part in place(hand, "Free"))
    hand.keys("Control+z")
    assert place(hand, "Free") == (280, 260)


def test_wheel_keys_and_space_move_the_view(free: Hand) -> None:
    hand, page = free, free.page
    hand.canvas.focus()
    hand.keys("0")
    hand.until(lambda: hand.look("view")["zoom"] == 1, "100 %")
    page.mouse.move(*hand.spot(0.5, 0.5))
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    hand.until(lambda: hand.look("view")["zoom"] > 1.2, "nearer")
    before = hand.look("view")["x"]
    page.keyboard.down(" ")
    hand.keys("ArrowRight")
    page.keyboard.up(" ")
    hand.until(lambda: hand.look("view")["x"] == before - 80, "moved by the arrow")
    hand.keys("1")
    hand.until(lambda: hand.look("view")["zoom"] < 1, "all of it")


def test_arrows_move_the_selection_by_one_line_of_the_grid_or_by_eight(free: Hand) -> None:
    hand = free
    hand.node("Free").focus()
    hand.node("Free").locator(".fc-title").click()
    hand.keys("Shift+ArrowRight", "Shift+ArrowDown")
    assert place(hand, "Free") == (288, 268)
    hand.keys("Control+Shift+ArrowLeft", "Control+Shift+ArrowUp")
    assert place(hand, "Free") == (224, 204)


def test_a_group_is_made_of_what_was_picked_by_keys(free: Hand) -> None:
    hand, page = free, free.page
    hand.node("Ask").focus()
    hand.keys("Shift+Enter", "ArrowRight", "Shift+Enter", "Control+g")
    expect(page.locator(".fc-group-name")).to_be_focused()
    hand.type("Talk")
    hand.keys("Enter")
    head = page.get_by_role("group", name="Group: Talk, 2 nodes")
    expect(head).to_be_focused()
    hand.keys("Enter")
    expect(head).to_have_attribute("aria-expanded", "false")
    expect(hand.node("Ask")).to_be_hidden()
