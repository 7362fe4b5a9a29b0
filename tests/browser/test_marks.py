"""Notes and groups: written, moved, coloured and taken away, by mouse and by keys, and kept in the file."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.documents import asking, put
from browser.hand import Hand

pytestmark = pytest.mark.browser

MARKDOWN = "# Why we ask\n\n- **tea** first\n- <img src=x onerror=alert(1)> [site](https://example.org) [bad](javascript:alert(1))"


def marks(hand: Hand, node: int) -> dict[str, Any]:
    return dict(hand.flow()["nodes"][node]["data"].get("canvas", {}))


def test_a_note_is_markdown_and_never_markup(app: App, page: Page) -> None:
    put(app, asking("note"))
    hand = Hand(page).open_flow("note")
    page.mouse.move(*hand.spot(0.3, 0.75))
    hand.keys("n")
    field = page.get_by_label("Text of the note, Markdown")
    expect(field).to_be_focused()
    field.fill(MARKDOWN)
    hand.keys("Escape")
    note = page.get_by_role("note", name="Note: # Why we ask")
    expect(note).to_be_focused()
    expect(note.locator("h1")).to_have_text("Why we ask")
    expect(note.locator("strong")).to_have_text("tea")
    expect(note.locator("img")).to_have_count(0)
    expect(note).to_contain_text("<img src=x onerror=alert(1)>")
    expect(note.locator("a[href]")).to_have_count(1)

    kept = marks(hand, 0)["notes"]["note-1"]
    hand.keys("Shift+ArrowRight", "c", "Alt+ArrowDown")
    moved = marks(hand, 0)["notes"]["note-1"]
    assert moved == kept | {"x": kept["x"] + 8, "tone": "blue", "h": kept["h"] + 8}
    box = note.bounding_box()
    assert box is not None
    hand.drag((box["x"] + 60, box["y"] + 60), (box["x"] + 140, box["y"] + 60))
    assert marks(hand, 0)["notes"]["note-1"]["x"] > moved["x"]
    expect(hand.saved).to_be_visible()
    page.reload()
    expect(note.locator("h1")).to_have_text("Why we ask")
    note.focus()
    hand.keys("Delete")
    expect(note).to_have_count(0)
    assert hand.flow() == asking("note")
    hand.keys("Control+z")
    expect(note).to_be_visible()


def test_a_note_stands_where_there_is_room_and_is_as_high_as_its_text(app: App, page: Page) -> None:
    put(app, asking("roomy-note"))
    hand = Hand(page).open_flow("roomy-note")
    field = page.get_by_label("Text of the note, Markdown")
    hand.node("Ask").locator(".fc-title").hover()
    hand.keys("n")
    expect(field).to_be_focused()
    hand.keys("Escape")
    _lies_on_nothing(hand)
    hand.node("Say").locator(".fc-title").click()
    hand.keys("n")
    field.fill("word " * 120)
    assert field.evaluate("(each) => each.scrollHeight - each.clientHeight") <= 0
    hand.keys("Escape")
    _lies_on_nothing(hand)
    note = page.get_by_role("note", name="Note: word")
    assert not note.locator(".fc-note-words").evaluate("(each) => each.scrollHeight > each.clientHeight")
    high = marks(hand, 0)["notes"]["note-2"]["h"]
    hand.keys("Alt+ArrowUp")
    assert marks(hand, 0)["notes"]["note-2"]["h"] == high, "no smaller than its text"
    hand.keys("Enter")
    field.fill("short")
    hand.keys("Escape")
    assert marks(hand, 0)["notes"]["note-2"]["h"] < high


def test_a_note_asked_for_from_afar_brings_the_view_near(app: App, page: Page) -> None:
    put(app, asking("far-note"))
    hand = Hand(page).open_flow("far-note")
    hand.canvas.focus()
    hand.keys("0", *["-"] * 6)
    expect(hand.canvas).to_have_attribute("data-far", "")
    hand.keys("n")
    expect(hand.canvas).not_to_have_attribute("data-far", "")
    expect(page.get_by_label("Text of the note, Markdown")).to_be_focused()
    hand.type("near")
    hand.keys("Escape")
    expect(page.get_by_role("note", name="Note: near")).to_be_in_viewport()
    _lies_on_nothing(hand)


def _lies_on_nothing(hand: Hand) -> None:
    boxes = [(each["x"], each["y"], each["w"], each["h"]) for each in hand.look("nodes")]
    notes = [tuple(each[key] for key in "xywh") for each in marks(hand, 0)["notes"].values()]
    for x, y, w, h in notes:
        for a, b, c, d in [*boxes, *(each for each in notes if each != (x, y, w, h))]:
            assert x + w <= a or a + c <= x or y + h <= b or b + d <= y


def test_a_note_that_was_cut_elsewhere_says_so(app: App, page: Page) -> None:
    made = asking("cut-note")
    long = {"x": 0, "y": -200, "w": 240, "h": 56, "text": "word " * 100, "tone": "blue"}
    made["nodes"][0]["data"]["canvas"] = {"notes": {"n1": long}}
    put(app, made)
    hand = Hand(page).open_flow("cut-note")
    note = page.get_by_role("note", name="Note: word")
    expect(note).to_have_attribute("data-cut", "")
    note.focus()
    assert not note.locator(".fc-note-words").evaluate("(each) => each.scrollHeight > each.clientHeight")
    assert marks(hand, 0)["notes"]["n1"] == long


def test_a_group_holds_its_nodes_and_moves_them(app: App, page: Page) -> None:
    put(app, asking("group"))
    hand = Hand(page).open_flow("group")
    hand.node("Ask").locator(".fc-title").click()
    hand.node("Say").locator(".fc-title").click(modifiers=["Shift"])
    hand.keys("Control+g")
    expect(page.get_by_label("Name of the group")).to_be_focused()
    hand.type("Small talk")
    hand.keys("Enter")
    head = page.get_by_role("group", name="Group: Small talk, 2 nodes")
    expect(head).to_be_focused()
    before = {node["title"]: node["x"] for node in hand.look("nodes")}
    hand.drag(head, (hand.spot(0.5, 0.8)[0], hand.spot(0.5, 0.8)[1]))
    after = {node["title"]: node["x"] for node in hand.look("nodes")}
    assert after["Say"] - before["Say"] == after["Ask"] - before["Ask"]
    assert after["Start"] == before["Start"]
    head.focus()
    hand.keys("c")
    assert marks(hand, 1)["groups"]["group-1"] == {"title": "Small talk", "tone": "green"}
    hand.keys("Delete")
    expect(head).to_have_count(0)
    assert all("canvas" not in node["data"] for node in hand.flow()["nodes"])


def test_a_wire_is_led_through_points_that_move_with_its_end(app: App, page: Page) -> None:
    put(app, asking("reroute"))
    hand = Hand(page).open_flow("reroute")
    start, end = (
        hand.pin("Ask", "out", "exec-out").bounding_box(),
        hand.pin("Say", "in", "exec-in").bounding_box(),
    )
    assert start is not None
    assert end is not None
    x, y = (start["x"] + end["x"] + end["width"]) / 2, start["y"] + start["height"] / 2
    page.mouse.dblclick(x, y)
    knots = page.locator(".fc-knots")
    expect(knots).to_have_count(1)
    hand.drag((x, y), (x, y + 120))
    led = marks(hand, 2)["wires"]
    [(key, [point])] = led.items()
    assert key == '["ask","exec-out","exec-in"]'
    hand.keys("Control+a", "Shift+ArrowDown")
    assert marks(hand, 2)["wires"] == led, "the point keeps its distance from the node"
    hand.keys("Control+z")
    expect(hand.saved).to_be_visible()
    page.reload()
    hand.at_rest()
    assert marks(hand, 2)["wires"][key] == [point]
    spot = knots.bounding_box()  # the view holds the point, too, so it is not where it was
    assert spot is not None
    page.mouse.dblclick(spot["x"] + spot["width"] / 2, spot["y"] + spot["height"] / 2)
    expect(knots).to_have_count(0)
    assert hand.flow() == asking("reroute")


def test_a_folded_group_is_one_tile_that_its_wires_hang_on(app: App, page: Page) -> None:
    flow = asking("fold")
    for index in (1, 2):
        flow["nodes"][index]["data"]["canvas"] = {"group": "talk"}
    flow["nodes"][1]["data"]["canvas"]["groups"] = {"talk": {"title": "Talk", "tone": "blue"}}
    put(app, flow)
    hand = Hand(page).open_flow("fold")
    head = page.get_by_role("group", name="Group: Talk, 2 nodes")
    expect(head).to_have_attribute("aria-expanded", "true")
    head.locator(".fc-group-fold").click()
    expect(head).to_have_attribute("aria-expanded", "false")
    expect(hand.node("Ask")).to_have_count(0)
    expect(hand.node("Start")).to_be_visible()
    expect(page.locator(".fc-wire[d^=M]")).to_have_count(3)
    assert len(hand.wires()) == 5
    hand.keys("Control+f")
    hand.type("Tea or coffee")
    expect(page.locator('[role="option"][data-id="node ask"]')).to_be_visible()
    hand.keys("Enter")
    expect(hand.node("Ask")).to_be_focused()
    expect(head).to_have_attribute("aria-expanded", "true")
    head.focus()
    hand.keys("Enter")
    expect(hand.node("Say")).to_have_count(0)
    hand.keys("Control+z", "Control+z", "Control+z")
    assert hand.flow() == flow


def test_bookmarks_are_walked_through(app: App, page: Page) -> None:
    put(app, asking("bookmarks"))
    hand = Hand(page).open_flow("bookmarks")
    for title in ("Ask", "End"):
        hand.node(title).focus()
        hand.keys("Shift+Enter", "Shift+B", "Shift+Enter")
    expect(page.locator(".fc-node[data-bookmark]")).to_have_count(2)
    assert marks(hand, 3) == {"bookmark": True}
    for title in ("Ask", "End", "Ask"):
        hand.keys("Control+b")
        expect(hand.node(title)).to_be_focused()
    hand.keys("Shift+B", "Control+b", "Shift+B")
    hand.until(lambda: hand.flow() == asking("bookmarks"), "no bookmark is left")
