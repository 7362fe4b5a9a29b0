"""Wires go in right angles, round what stands in their way, and over one another by bridges."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.documents import EXEC_OUT, document, node, pins, put
from browser.hand import Hand

pytestmark = pytest.mark.browser

SAMPLED = """path => { const far = path.getTotalLength();
    return Array.from({length: 200}, (_, i) => { const {x, y} = path.getPointAtLength(far * i / 199); return [x, y]; }); }"""
STRAIGHT = re.compile(r"L([-\d.]+) ([-\d.]+)")


def walled(flow_id: str) -> dict[str, Any]:
    """A wire of control with a node in its way, and one of a value that has to cross it."""
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start"),
        node("wall", "ask_user", 300, -40, label="Wall"),
        node("ask", "ask_user", 720, 0, label="Ask"),
        node("when", "system_datetime", 0, -260, label="Clock"),
        node("keep", "set_var", 720, 260, label="Keep"),
    ]
    wires = ["start.exec-out > ask.exec-in", "when.iso > keep.value", "ask.exec-out > keep.exec-in"]
    return document(flow_id, "Walled", nodes, wires)


def path_of(page: Page, wire: str) -> str:
    return page.locator(f'.fc-wire[data-edge-id="{wire}"]').get_attribute("d") or ""


def through(hand: Hand, wire: str) -> set[str]:
    """The nodes that a drawn wire runs through, by title."""
    points = hand.page.locator(f'.fc-wire[data-edge-id="{wire}"]').evaluate(SAMPLED)
    return {
        box["title"]
        for box in hand.look("nodes")
        for x, y in points
        if box["x"] + 3 < x < box["x"] + box["w"] - 3 and box["y"] + 3 < y < box["y"] + box["h"] - 3
    }


def test_a_wire_goes_in_right_angles_round_what_stands_in_its_way(app: App, page: Page) -> None:
    put(app, walled("walled"))
    hand = Hand(page).open_flow("walled")
    drawn = path_of(page, "e0")
    corners = [(float(x), float(y)) for x, y in STRAIGHT.findall(drawn)]
    assert len(corners) >= 4, drawn
    assert through(hand, "e0") == set()
    assert through(hand, "e2") == set(), "back to what lies behind, round both ends"
    # Dragged aside, the node leaves the wire as it is; let go, it leaves the way free.
    box = hand.node("Wall").locator(".fc-title").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(box["x"] + 20, box["y"] + 380, steps=8)
    assert path_of(page, "e0") == drawn
    page.mouse.up()
    hand.at_rest()
    assert re.fullmatch(r"M\S+ \S+L\S+ \S+", path_of(page, "e0")), path_of(page, "e0")
    hand.keys("Control+z")
    hand.at_rest()
    assert path_of(page, "e0") == drawn


def test_values_pass_under_control_by_a_bridge(app: App, page: Page) -> None:
    put(app, walled("bridge"))
    hand = Hand(page).open_flow("bridge")
    hand.keys("1")
    hand.at_rest()
    expect(page.locator(".fc-bridges")).to_have_attribute("d", re.compile("^M"))
    order = page.locator(".fc-wires > *").evaluate_all(
        "all => all.map(each => each.getAttribute('class') || (each.querySelector('.is-exec') ? 'control' : 'values'))"
    )
    assert order.index("values") < order.index("fc-bridges") < order.index("control")


def test_wires_are_curves_for_those_who_want_them_and_stay_so(app: App, page: Page) -> None:
    put(app, walled("curves"))
    hand = Hand(page).open_flow("curves")
    angles = path_of(page, "e1")
    hand.keys("Control+k")
    hand.choose("draw wires as curves")
    hand.until(lambda: path_of(page, "e1") != angles, "it is a curve")
    curve = path_of(page, "e1")
    assert through(hand, "e0") == set(), "curves go round, too"
    hand.open_flow("curves")
    hand.until(lambda: path_of(page, "e1") == curve, "the browser has kept it")
    hand.canvas.click(button="right", position={"x": 40, "y": 300})
    page.get_by_role("menuitem", name="Draw wires in right angles").click()
    hand.until(lambda: path_of(page, "e1") == angles, "back again")


def test_the_steps_alone_are_drawn_for_who_wants_to_see_the_order(app: App, page: Page) -> None:
    put(app, walled("alone"))
    hand = Hand(page).open_flow("alone")
    value, step = (page.locator(f'.fc-node[data-node-id="{name}"]') for name in ("when", "ask"))
    wire, control = (page.locator(f'.fc-wire[data-edge-id="{name}"]') for name in ("e1", "e0"))
    hand.keys("1", "Control+k")
    hand.choose("show the steps alone")
    expect(value).to_be_hidden()
    assert wire.evaluate("each => getComputedStyle(each).visibility") == "hidden"
    assert control.evaluate("each => getComputedStyle(each).visibility") == "visible"
    expect(step).to_be_visible()
    hand.canvas.click(position={"x": 40, "y": 300})
    hand.keys("Control+a")
    expect(value).to_be_visible()
    hand.keys("Escape")
    expect(value).to_be_hidden()
    hand.canvas.click(button="right", position={"x": 40, "y": 300})
    page.get_by_role("menuitem", name="Show values too").click()
    expect(value).to_be_visible()
    assert wire.evaluate("each => getComputedStyle(each).visibility") == "visible"


def test_a_wire_is_led_across_and_down_through_its_points(app: App, page: Page) -> None:
    put(app, walled("led"))
    hand = Hand(page).open_flow("led")
    x, y = page.locator('.fc-wire[data-edge-id="e0"]').evaluate(SAMPLED)[100]
    at = hand.look(f"toPage({{x: {x}, y: {y}}})")
    place = (at["x"], at["y"])
    page.mouse.dblclick(*place)
    expect(page.locator(".fc-knots")).to_have_count(1)
    hand.drag(place, (place[0] + 24, place[1] + 240))
    hand.at_rest()
    left, top = next(iter(hand.flow()["nodes"][2]["data"]["canvas"]["wires"].values()))[0]
    assert top > y + 150
    drawn = page.locator('.fc-wire[data-edge-id="e0"]').evaluate(SAMPLED)
    assert min(abs(px - left - 720) + abs(py - top) for px, py in drawn) < 6, "through its point"
    page.mouse.click(place[0] + 24, place[1] + 240)
    assert hand.look("selection")["wires"] == ["e0"]


def test_a_number_that_becomes_a_text_says_so_on_its_wire(app: App, page: Page) -> None:
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT, *pins(("amount", "number"))]),
        node("say", "answer_user", 480, 0, label="Say"),
    ]
    put(app, document("lozenge", "Lozenge", nodes, ["start.exec-out > say.exec-in"]))
    hand = Hand(page).open_flow("lozenge")
    out, into = hand.pin("Start", "out", "amount"), hand.pin("Say", "in", "message")
    a, b = out.bounding_box(), into.bounding_box()
    assert a is not None
    assert b is not None
    page.mouse.move(a["x"] + 12, a["y"] + 12)
    page.mouse.down()
    page.mouse.move(b["x"] + 12, b["y"] + 12, steps=6)
    expect(page.locator(".fc-hint")).to_have_text("number → text: adds as text")
    page.mouse.up()
    wires = {"Start.exec-out > Say.exec-in", "Start.amount > Say.message"}
    hand.expect_wires(*wires)
    lozenge = page.get_by_role("button", name="As text, from Start to Say: takes the wire off")
    expect(lozenge).to_have_text("as text")
    lozenge.click()
    hand.expect_wires("Start.exec-out > Say.exec-in")
    expect(lozenge).to_have_count(0)
    page.locator(".toast").get_by_role("button", name="Undo").click()
    hand.expect_wires(*wires)
    expect(lozenge).to_be_visible()


def test_what_says_as_text_lies_on_no_node(app: App, page: Page) -> None:
    """The lozenge goes along its wire to where there is room."""
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT, *pins(("amount", "number"))]),
        node("join", "concat", 296, 560, label="Join"),
        node("left", "answer_user", 0, 256, label="Left"),
        node("right", "answer_user", 296, 256, label="Right"),
    ]
    put(app, document("between", "Between", nodes, ["start.amount > join.a"]))
    hand = Hand(page).open_flow("between")
    lozenge = page.locator(".fc-lozenge")
    expect(lozenge).to_be_visible()
    box = lozenge.bounding_box()
    assert box is not None
    for title in ("Left", "Right"):
        body = hand.node(title).bounding_box()
        assert body is not None
        assert box["y"] + box["height"] < body["y"] or box["y"] > body["y"] + body["height"]
