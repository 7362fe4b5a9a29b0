"""Pins that are seldom needed: folded away until they are used, and never out of reach."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.documents import EXEC_OUT, document, node, pins, put
from browser.hand import Hand

pytestmark = pytest.mark.browser


def opened(page: Page, app: App, flow_id: str) -> Hand:
    """Open a flow with a model beside a start that gives a text and a number."""
    outputs = [EXEC_OUT, *pins(("words", "string"), ("number", "number"))]
    start = node("start", "on_flow_start", 0, 0, label="Start", outputs=outputs)
    call = node(
        "ask", "llm_call", 400, 0, label="Model", pinDefaults={"provider": "p", "model": "m", "prompt": "Hi"}
    )
    put(app, document(flow_id, "Fold", [start, call], ["start.exec-out > ask.exec-in"]))
    return Hand(page).open_flow(flow_id)


def in_view(hand: Hand) -> list[str]:
    """The inputs that the node shows."""
    found: list[str] = (
        hand.node("Model").locator(".fc-pin.is-in").evaluate_all("all => all.map((each) => each.dataset.pin)")
    )
    return found


def test_a_press_shows_all_pins_for_good_and_undo_takes_it_back(page: Page, app: App) -> None:
    hand = opened(page, app, "fold-press")
    assert "temperature" not in in_view(hand)
    row = hand.node("Model").locator(".fc-fold")
    expect(row).to_have_text("+ 10 more")
    expect(row).to_have_attribute("aria-expanded", "false")
    row.click()
    expect(hand.pin("Model", "in", "temperature")).to_be_visible()
    expect(row).to_be_focused()
    expect(row).to_have_attribute("aria-expanded", "true")
    hand.at_rest()
    page.reload()
    hand.at_rest()
    expect(hand.pin("Model", "in", "temperature")).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_be_enabled()
    hand.keys("Control+z")
    expect(hand.pin("Model", "in", "temperature")).to_have_count(0)
    hand.node("Model").locator(".fc-title").click()
    hand.keys("u")
    expect(hand.pin("Model", "out", "meta")).to_be_visible()
    hand.keys("u")
    expect(hand.pin("Model", "out", "meta")).to_have_count(0)


def test_what_stands_below_makes_room_in_the_same_step_of_undo(page: Page, app: App) -> None:
    nodes = [
        node("ask", "llm_call", 0, 0, label="Model"),
        node("below", "answer_user", 40, 230, label="Below"),
    ]
    put(app, document("fold-room", "Room", nodes, []))
    hand = Hand(page).open_flow("fold-room")
    hand.node("Model").locator(".fc-title").click()
    hand.keys("u")
    hand.at_rest()
    after = {each["id"]: each for each in hand.look("nodes")}
    assert after["below"]["y"] >= after["ask"]["h"] > 230
    hand.keys("Control+z")
    hand.at_rest()
    assert next(each["y"] for each in hand.look("nodes") if each["id"] == "below") == 230
    expect(hand.pin("Model", "in", "temperature")).to_have_count(0)


def test_the_keyboard_goes_through_the_pins_in_view_and_the_row(page: Page, app: App) -> None:
    hand = opened(page, app, "fold-keys")
    hand.node("Model").locator(".fc-title").click()
    hand.keys("Tab")
    met = []
    for _ in range(30):
        kind = page.evaluate(
            "() => [document.activeElement.className, document.activeElement.dataset.pin ?? '']"
        )
        met.append(kind)
        if "fc-fold" in kind[0]:
            break
        hand.keys("Tab")
    else:
        pytest.fail(f"Tab does not come to the row: {met}")
    assert not {"temperature", "seed"} & {pin for _, pin in met}
    hand.keys("Enter")
    expect(hand.pin("Model", "in", "temperature")).to_be_visible()
    expect(hand.node("Model").locator(".fc-fold")).to_be_focused()


def test_a_wire_let_go_on_the_node_reaches_a_pin_that_is_folded_away(page: Page, app: App) -> None:
    hand = opened(page, app, "fold-wire")
    hand.drag(hand.pin("Start", "out", "number"), hand.node("Model").locator(".fc-fold"))
    rows = page.locator(".chooser-row .chooser-name")
    expect(rows.first).to_be_visible()
    offered = rows.all_inner_texts()
    assert offered.index("max_in_tokens") > offered.index("prompt"), "what is in view comes first"
    hand.choose("seed")
    hand.expect_wires("Start.exec-out > Model.exec-in", "Start.number > Model.seed")
    expect(hand.pin("Model", "in", "seed")).to_be_visible()
    assert "temperature" not in in_view(hand), "the others stay away"
    # Taken off and put back, in one hand: the pin stays while the wire hangs on the pointer.
    at = hand.pin("Model", "in", "seed").bounding_box()
    assert at is not None
    x, y = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 60, y + 60, steps=4)
    expect(hand.pin("Model", "in", "seed")).to_be_visible()
    page.mouse.move(x, y, steps=4)
    page.mouse.up()
    hand.expect_wires("Start.exec-out > Model.exec-in", "Start.number > Model.seed")


def test_a_field_that_is_emptied_stays_until_it_is_left(page: Page, app: App) -> None:
    hand = opened(page, app, "fold-field")
    hand.node("Model").locator(".fc-fold").click()
    field = hand.field("Model", "temperature")
    field.click()
    hand.type("0.5")
    expect(field).to_have_text("0.5")
    expect(field).to_be_focused()
    hand.node("Model").locator(".fc-fold").click()
    expect(field).to_have_text("0.5")
    field.click()
    hand.keys("Control+a", "Delete")
    expect(field).to_be_focused()
    hand.type("0.25")
    expect(field).to_have_text("0.25")
    hand.keys("Control+a", "Delete")
    hand.node("Model").locator(".fc-title").click()
    expect(field).to_have_count(0)
