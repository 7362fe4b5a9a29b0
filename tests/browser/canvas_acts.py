"""What is done on the canvas before a picture of it is taken (see browser.shots)."""

from __future__ import annotations

from playwright.sync_api import expect

from browser.hand import Hand


def is_small(hand: Hand) -> bool:
    size = hand.page.viewport_size
    return bool(size and size["width"] < 900)


def on_canvas(hand: Hand) -> None:
    """Show the canvas: on a small screen the outline comes first."""
    hand.at_rest()
    if is_small(hand):
        expect(hand.page.get_by_role("tree")).to_be_visible()
        hand.keys("Shift+V")
        expect(hand.page.get_by_role("tree")).to_be_hidden()
        hand.at_rest()


def select_all(hand: Hand) -> None:
    on_canvas(hand)
    hand.keys("1", "Control+a")


def quick_add(hand: Hand) -> None:
    on_canvas(hand)
    hand.keys("ArrowRight", "a")
    hand.type("te")
    expect(hand.page.locator(".chooser-row").first).to_be_visible()


def touched(hand: Hand) -> None:
    """Select all, as after a touch: what a finger does about it stands over the canvas."""
    on_canvas(hand)
    hand.canvas.evaluate("canvas => canvas.toggleAttribute('data-touch', true)")
    hand.keys("Control+a")
    expect(hand.page.get_by_role("toolbar", name="The selection")).to_be_visible()


def example(hand: Hand) -> None:
    quick_add(hand)
    hand.keys("Tab")
    expect(hand.page.locator(".chooser-sample h3")).to_be_visible()


def all_pins(hand: Hand) -> None:
    """Show the pins of a node that are folded away."""
    on_canvas(hand)
    row = hand.page.locator(".fc-fold").first
    if row.get_attribute("aria-expanded") == "false":  # a photograph before may have done it
        row.press("Enter")
    expect(row).to_have_attribute("aria-expanded", "true")


def hang_a_wire(hand: Hand) -> None:
    on_canvas(hand)
    pin = hand.page.locator(".fc-pin[data-side=out]:not([data-type=execution])").first.bounding_box()
    assert pin is not None
    hand.page.mouse.move(pin["x"] + pin["width"] / 2, pin["y"] + pin["height"] / 2)
    hand.page.mouse.down()
    hand.page.mouse.move(*hand.spot(0.45, 0.8), steps=8)


def wire_list(hand: Hand) -> None:
    on_canvas(hand)
    hand.keys("ArrowRight", "w")
    expect(hand.page.locator(".chooser-row").first).to_be_visible()
