"""How much is drawn from how far: names, blocks, tiles of groups; and what quick add offers by one's own habits."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.documents import document, node, put
from browser.hand import Hand

pytestmark = pytest.mark.browser
COLOURS = """([x, y, w, h]) => {
    const canvas = document.querySelector("flow-canvas .fc-far");
    const ratio = canvas.width / canvas.clientWidth;
    const copy = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height });
    const context = copy.getContext("2d", { willReadFrequently: true });
    context.drawImage(canvas, 0, 0);
    const { data } = context.getImageData(x * ratio, y * ratio, Math.max(1, w * ratio), Math.max(1, h * ratio));
    const found = [];
    for (let at = 0; at < data.length; at += 4) found.push(data.slice(at, at + 4).join(" "));
    return found;
}"""


def grouped(flow_id: str) -> dict[str, Any]:
    """Twelve texts in three rows; the first two of the first two rows are a group."""
    nodes = [
        node(f"n{number}", "concat", number % 4 * 320, number // 4 * 240, label=f"Name {number}")
        for number in range(12)
    ]
    for number in (0, 1, 4, 5):
        nodes[number]["data"]["canvas"] = {"group": "g"}
    nodes[0]["data"]["canvas"]["groups"] = {"g": {"title": "Gather", "tone": "blue"}}
    return document(flow_id, "Far", nodes, [])


def zoom_to(hand: Hand, goal: float) -> None:
    """Turn the wheel until the flow is this small."""
    hand.page.mouse.move(*hand.spot(0.5, 0.5))
    hand.page.keyboard.down("Control")
    for _ in range(80):
        zoom = hand.look("view")["zoom"]
        if abs(zoom - goal) < 0.008:
            break
        hand.page.mouse.wheel(0, max(-40.0, min(40.0, 100 * math.log(zoom / goal))))
        hand.page.wait_for_timeout(40)
    else:
        pytest.fail(f"the wheel does not come to {goal}: {zoom}")
    hand.page.keyboard.up("Control")
    hand.at_rest()


def colours(hand: Hand, x: float, y: float, w: float, h: float) -> Counter[str]:
    """The colours of the far view in a rectangle of the flow."""
    view = hand.look("view")
    area = [view["x"] + x * view["zoom"], view["y"] + y * view["zoom"], w * view["zoom"], h * view["zoom"]]
    return Counter(hand.page.evaluate(COLOURS, area))


def test_names_then_blocks_then_a_tile_for_each_group(app: App, page: Page) -> None:
    put(app, grouped("far"))
    hand = Hand(page).open_flow("far")
    far = page.locator("flow-canvas .fc-far")
    zoom_to(hand, 0.45)
    expect(far).to_be_hidden()
    expect(hand.node("Name 3").locator(".fc-title")).to_be_visible()
    for zoom in (0.36, 0.25):
        zoom_to(hand, zoom)
        expect(far).to_be_visible()
        assert len(colours(hand, 970, 10, 180, 60)) > 8, f"a name is written at {zoom}"
    zoom_to(hand, 0.18)
    assert len(colours(hand, 980, 20, 160, 40)) == 1, "a block without a name"
    inside, between = colours(hand, 30, 20, 100, 40), colours(hand, 240, 20, 40, 20)
    assert inside.most_common(1)[0][0] != between.most_common(1)[0][0], "its nodes are seen in the frame"
    zoom_to(hand, 0.12)
    inside, between = colours(hand, 10, 10, 40, 20), colours(hand, 240, 20, 40, 20)
    assert inside.most_common(1)[0][0] == between.most_common(1)[0][0], "one tile stands for the group"
    assert len(colours(hand, -10, 60, 560, 260)) > 4, "with its name"


def test_what_follows_in_ones_own_flows_is_offered_first(app: App, page: Page) -> None:
    for number in range(3):
        nodes = [node("a", "trim", 0, 0, label="Trim"), node("b", "length", 300, 0, label="Length")]
        put(app, document(f"habit-{number}", f"Habit {number}", nodes, ["a.result > b.text"]))
    put(app, document("habit-new", "New", [node("a", "trim", 0, 0, label="Trim")], []))
    with page.expect_response("**/editor/habits"):
        hand = Hand(page).open_flow("habit-new")
    hand.drag(hand.pin("Trim", "out", "result"), hand.spot(0.6, 0.6))
    first = hand.quick_add.locator(".chooser-name").first
    expect(first).to_have_text("Length")
    hand.keys("Enter")
    hand.expect_wires("Trim.result > Length.text")


def test_where_nothing_leads_to_it_what_one_uses_is_offered_first(app: App, page: Page) -> None:
    for number in range(9):
        nodes = [node("a", "trim", 0, 0, label="Trim"), node("b", "uppercase", 300, 0, label="Loud")]
        put(app, document(f"use-{number}", f"Use {number}", nodes, ["a.result > b.text"]))
    put(
        app,
        document(
            "use-new", "New", [node("a", "trim", 0, 0, label="A"), node("b", "trim", 0, 200, label="B")], []
        ),
    )
    with page.expect_response("**/editor/habits"):
        hand = Hand(page).open_flow("use-new")
    page.mouse.dblclick(*hand.spot(0.8, 0.8))
    expect(hand.quick_add).to_be_visible()
    assert "Absolute" not in hand.quick_add.locator(".chooser-name").first.inner_text()
    names = hand.quick_add.locator(".chooser-name").all_inner_texts()
    assert "Uppercase" in names[:5], names[:8]
