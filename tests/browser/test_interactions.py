"""The canvas interactions of the editor's design (3.7) that no other journey goes through: each by mouse and by keys."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.documents import EXEC_IN, EXEC_OUT, Document, document, node, put
from browser.hand import Hand

pytestmark = pytest.mark.browser


def forking(flow_id: str) -> Document:
    """A step, a branch, and a step on each side of it."""
    nodes = [
        node("start", "on_flow_start", 0, 100, label="Start", outputs=[EXEC_OUT]),
        node("if", "if", 320, 100, label="Which?"),
        node("yes", "answer_user", 640, 0, label="Yes"),
        node("no", "answer_user", 640, 260, label="No"),
        node("end", "on_flow_end", 960, 0, label="End", inputs=[EXEC_IN]),
    ]
    wires = [
        "start.exec-out > if.exec-in",
        "if.true > yes.exec-in",
        "if.false > no.exec-in",
        "yes.exec-out > end.exec-in",
    ]
    return document(flow_id, "Forking", nodes, wires)


@pytest.fixture
def hand(app: App, page: Page) -> Hand:
    put(app, forking("forking"))
    return Hand(page).open_flow("forking")


def selected(hand: Hand) -> list[str]:
    return sorted(hand.look("selection")["nodes"])


def test_arrows_go_to_the_nearest_node_and_with_ctrl_along_the_flow(hand: Hand) -> None:
    hand.node("Start").locator(".fc-title").click()
    hand.keys("ArrowRight")
    assert selected(hand) == ["if"]
    hand.keys("Control+ArrowRight")
    assert selected(hand) == ["yes"]
    hand.keys("Control+ArrowDown")
    assert selected(hand) == ["no"], "the other branch"
    hand.keys("Control+ArrowUp", "Control+ArrowRight")
    assert selected(hand) == ["end"]
    hand.keys("Control+ArrowLeft", "Control+ArrowLeft", "Control+ArrowLeft")
    assert selected(hand) == ["start"]


def test_tab_goes_through_the_pins_of_a_node_and_on(hand: Hand) -> None:
    hand.node("Which?").locator(".fc-title").click()
    seen = []
    for _ in range(8):
        hand.keys("Tab")
        at = hand.page.evaluate(
            "(() => { const at = document.activeElement; return [at.dataset.side ?? '', at.dataset.pin ?? ''].join(' '); })()"
        )
        seen.append(at)
    for pin in ("in exec-in", "in condition", "out true", "out false"):
        assert pin in seen, seen


def test_a_double_click_on_empty_canvas_and_a_key_add_a_node(hand: Hand) -> None:
    hand.page.mouse.dblclick(*hand.spot(0.5, 0.85))
    hand.choose("delay")
    assert "Delay" in hand.titles()
    hand.keys("Control+z")
    hand.node("Yes").locator(".fc-title").click()
    hand.keys("a")
    hand.choose("delay")
    assert {"Yes.exec-out > Delay.exec-in", "Delay.exec-out > End.exec-in"} <= hand.wires()
    hand.keys("Control+z")


def test_the_view_is_set_by_keys(hand: Hand) -> None:
    zoom = hand.page.locator("[data-tool=zoom-reset]")
    hand.canvas.focus()
    hand.keys("0")
    expect(zoom).to_have_text("100%")
    hand.keys("+")
    hand.until(lambda: int(zoom.inner_text().rstrip("%")) > 100, "nearer")
    hand.keys("-", "-")
    hand.until(lambda: int(zoom.inner_text().rstrip("%")) < 100, "farther")
    hand.node("Start").locator(".fc-title").click()
    hand.keys("2")
    expect(hand.node("Start")).to_be_in_viewport(ratio=1)
    hand.keys("1")
    for title in ("Start", "Which?", "No", "End"):
        expect(hand.node(title)).to_be_in_viewport(ratio=0.99)


def test_a_box_is_drawn_round_nodes_and_shift_adds_to_what_is_selected(hand: Hand) -> None:
    hand.keys("1")
    hand.at_rest()
    yes, end = hand.node("Yes").bounding_box(), hand.node("End").bounding_box()
    assert yes is not None
    assert end is not None
    hand.drag((yes["x"] - 12, yes["y"] - 12), (end["x"] + end["width"] + 8, yes["y"] + 12))
    assert selected(hand) == ["end", "yes"]
    hand.node("No").locator(".fc-title").click(modifiers=["Shift"])
    assert selected(hand) == ["end", "no", "yes"]
    hand.keys("Control+d")
    assert hand.titles().count("Yes") == 2
    hand.keys("Control+z", "Escape", "Escape")
    assert selected(hand) == []
