"""Drawing a flow from an empty canvas and running it: once with the mouse, once by keyboard alone."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Locator, Page, expect

from browser.app import App
from browser.documents import EXEC_OUT, document, node, put
from browser.hand import Hand

pytestmark = pytest.mark.browser


def new_flow(page: Page) -> Hand:
    """Make a flow from the list of flows and empty its canvas."""
    page.goto("/flows")
    page.get_by_role("button", name="New flow").first.click()
    page.wait_for_url("**/flows/*")
    hand = Hand(page)
    hand.at_rest()
    return hand


def test_with_the_mouse(page: Page) -> None:
    hand = new_flow(page)
    hand.node("On Flow Start").click()
    hand.keys("Delete")
    expect(page.locator("#canvas-note")).to_contain_text("An empty flow")
    draw_by_mouse(hand)
    page.get_by_label("Name of the flow").fill("Drinks")
    page.get_by_role("button", name="Run", exact=True).click()

    hand.expect_state("On Flow Start", "done")
    hand.expect_state("What to drink", "waiting")
    hand.expect_run("Waiting")
    assert hand.steps() == ["On Flow Start", "What to drink"]
    ask = page.locator(".ask-card")
    expect(ask).to_contain_text("Tea or coffee?")
    ask.get_by_role("button", name="Coffee").click()

    hand.expect_run("Done")
    for title in ("On Flow Start", "What to drink", "Answer User", "On Flow End"):
        hand.expect_state(title, "done")
    assert hand.steps() == ["On Flow Start", "What to drink", "Answer User", "On Flow End"]
    assert json.loads(hand.output())["drink"] == "Coffee please"
    expect(ask).to_have_count(0)


def draw_by_mouse(hand: Hand) -> None:
    """Draw ask - answer - end with a text between, every part by another gesture."""
    page = hand.page
    page.mouse.dblclick(*hand.spot(0.1, 0.3))
    hand.choose("flow start")
    hand.drag(hand.pin("On Flow Start", "out", "exec-out"), hand.spot(0.4, 0.32))
    expect(page.locator(".chooser-row").first).to_be_visible()
    offered = page.locator(".chooser-name").all_inner_texts()
    assert "Ask User" in offered
    assert "Add" not in offered, "a number cannot follow a step"
    hand.choose("ask user")
    hand.field("Ask User", "prompt").fill("Tea or coffee?")
    hand.node("Ask User").locator(".fc-title").dblclick()
    hand.type("What to drink")
    hand.keys("Enter")
    hand.setting("choices").fill("Tea\nCoffee")

    hand.drag(hand.pin("What to drink", "out", "response"), hand.spot(0.4, 0.62))
    hand.choose("concat")
    hand.field("Concat", "b").fill("please")
    hand.drag(hand.pin("What to drink", "out", "exec-out"), hand.spot(0.8, 0.32))
    hand.choose("answer user")
    hand.drag(hand.pin("Concat", "out", "result"), hand.pin("Answer User", "in", "message"))
    place_end(hand)
    hand.expect_wires(
        "On Flow Start.exec-out > What to drink.exec-in",
        "What to drink.response > Concat.a",
        "What to drink.exec-out > Answer User.exec-in",
        "Concat.result > Answer User.message",
        "Answer User.exec-out > On Flow End.exec-in",
        "Concat.result > On Flow End.drink",
    )


def place_end(hand: Hand) -> None:
    """Drag the end out of the palette, wire it, and name the pin that the wire has made."""
    page = hand.page
    card = page.locator("#palette-list").get_by_role("button", name="On Flow End")
    hand.drag(card, hand.spot(0.75, 0.7))
    end = hand.node("On Flow End")
    expect(end).to_be_visible()
    hand.drag(hand.pin("Answer User", "out", "exec-out"), hand.pin("On Flow End", "in", "exec-in"))
    hand.drag(hand.pin("Concat", "out", "result"), end.locator(".fc-grow"))
    end.locator(".fc-title").click()
    name = page.locator("#pane-node .own-pin [data-do=pin-rename]").first
    name.fill("drink")
    name.press("Enter")
    expect(hand.pin("On Flow End", "in", "drink")).to_be_visible()


def test_by_keyboard_alone(page: Page) -> None:
    page.goto("/flows")
    tab_to(page, page.get_by_role("button", name="New flow").first)
    page.keyboard.press("Enter")
    page.wait_for_url("**/flows/*")
    hand = Hand(page)
    hand.at_rest()
    expect(hand.canvas).to_be_focused()
    draw_by_keys(hand)
    hand.expect_wires(
        "On Flow Start.exec-out > Favourite.exec-in",
        "Favourite.exec-out > Answer User.exec-in",
        "Favourite.response > Answer User.message",
        "Answer User.exec-out > On Flow End.exec-in",
        "Favourite.response > On Flow End.colour",
    )

    hand.keys("r")
    hand.expect_state("Favourite", "waiting")
    expect(page.locator(".ask-card")).to_be_visible()
    hand.keys("F6")
    expect(page.locator(".ask-choices button").first).to_be_focused()
    hand.keys("Tab", "Enter")
    hand.expect_run("Done")
    assert json.loads(hand.output())["colour"] == "Blue"
    assert hand.steps() == ["On Flow Start", "Favourite", "Answer User", "On Flow End"]


def test_a_second_way_on_from_a_step_goes_through_a_sequence(app: App, page: Page) -> None:
    """What was wired stays and runs first; one undo takes the sequence away."""
    say = [
        node(name.lower(), "answer_user", 320, y, label=name, pinDefaults={"message": name})
        for y, name in ((0, "First"), (200, "Second"), (400, "Third"))
    ]
    start = node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT])
    put(app, document("ways", "Ways", [start, *say], ["start.exec-out > first.exec-in"]))
    hand = Hand(page).open_flow("ways")
    before = hand.flow()
    hand.drag(hand.pin("Start", "out", "exec-out"), hand.pin("Second", "in", "exec-in"))
    two = (
        "Start.exec-out > Sequence.exec-in",
        "Sequence.then:0 > First.exec-in",
        "Sequence.then:1 > Second.exec-in",
    )
    hand.expect_wires(*two)
    expect(page.locator(".toast")).to_contain_text("A Sequence leads to both now")
    hand.keys("Control+z")
    assert hand.flow() == before, "the sequence, its wires and the room for it are one step"
    hand.keys("Control+Shift+z")
    hand.expect_wires(*two)

    hand.keys("1")
    hand.pin("Start", "out", "exec-out").focus()
    hand.keys("w")
    hand.choose("third")
    hand.expect_wires(*two, "Sequence.then:2 > Third.exec-in")
    hand.keys("r")
    hand.expect_run("Done")
    assert [name for name in hand.steps() if name != "Sequence"] == ["Start", "First", "Second", "Third"]


def test_a_wire_let_go_on_a_node_takes_its_pin_or_asks_which(app: App, page: Page) -> None:
    nodes = [
        node("text", "literal_string", 0, 0, label="Text", literalValue="x"),
        node("join", "concat", 320, 0, label="Join"),
    ]
    put(app, document("bodies", "Bodies", nodes, []))
    hand = Hand(page).open_flow("bodies")
    hand.drag(hand.pin("Text", "out", "value"), hand.node("Join").locator(".fc-title"))
    expect(hand.quick_add).to_be_visible()
    assert page.locator(".chooser-name").all_inner_texts() == ["a", "b"]
    hand.keys("Escape")
    hand.expect_wires()
    hand.drag(hand.pin("Text", "out", "value"), hand.node("Join").locator(".fc-title"))
    hand.keys("ArrowDown", "Enter")
    hand.expect_wires("Text.value > Join.b")
    hand.drag(hand.pin("Text", "out", "value"), hand.node("Join").locator(".fc-title"))
    hand.expect_wires("Text.value > Join.b", "Text.value > Join.a")
    expect(hand.quick_add).to_be_hidden()
    hand.keys("Control+z")
    hand.expect_wires("Text.value > Join.b")


def counting(app: App, flow_id: str) -> None:
    """A flow that says one thing, then another; neither repeats."""
    say = [
        node(name.lower(), "answer_user", x, 0, label=name, pinDefaults={"message": name})
        for x, name in ((280, "First"), (620, "Second"), (960, "Third"))
    ]
    start = node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT])
    wires = ("start > first", "first > second", "second > third")
    ways = [f"{a}.exec-out > {b}.exec-in" for a, b in (wire.split(" > ") for wire in wires)]
    put(app, document(flow_id, "Counting", [start, *say], ways))


LOOPED = (
    "Start.exec-out > While.exec-in",
    "While.loop > First.exec-in",
    "First.exec-out > Second.exec-in",
    "While.done > Third.exec-in",
)


def test_a_wire_drawn_back_is_refused_and_a_key_makes_a_while_of_it(app: App, page: Page) -> None:
    counting(app, "back")
    hand = Hand(page).open_flow("back")
    before = hand.flow()
    hand.drag(hand.pin("Second", "out", "exec-out"), hand.node("First").locator(".fc-title"))
    expect(page.locator(".toast")).to_contain_text("This would run in a circle")
    assert hand.flow() == before
    hand.keys("Control+.")
    expect(hand.node("While")).to_be_visible()
    hand.expect_wires(*LOOPED)
    expect(page.locator(".toast").last).to_contain_text("for as long as its condition holds")
    expect(hand.setting("condition")).to_be_focused()
    hand.keys("Escape", "Control+z")
    assert hand.flow() == before


def test_by_keyboard_a_step_before_is_offered_last_and_refused_alike(app: App, page: Page) -> None:
    counting(app, "keys-back")
    hand = Hand(page).open_flow("keys-back")
    hand.pin("Second", "out", "exec-out").focus()
    hand.keys("w")
    assert page.locator(".chooser-name").all_inner_texts() == ["Third", "First"]
    hand.choose("first")
    page.locator(".toast").get_by_role("button", name="Make it a While").click()
    expect(hand.node("While")).to_be_visible()
    hand.expect_wires(*LOOPED)


def draw_by_keys(hand: Hand) -> None:
    """Draw ask - answer - end; no pointer is touched."""
    page = hand.page
    hand.keys("ArrowRight")
    expect(hand.node("On Flow Start")).to_be_focused()
    hand.keys("a")
    hand.choose("ask user")
    expect(hand.node("Ask User")).to_be_focused()
    hand.keys("F2")
    hand.type("Favourite")
    hand.keys("Enter")
    expect(hand.node("Favourite")).to_be_focused()
    tab_to(page, hand.field("Favourite", "prompt"))
    hand.type("Which colour?")
    hand.keys("Escape")
    tab_to(page, hand.field("Favourite", "choices"))
    hand.keys("Enter")
    expect(hand.setting("choices")).to_be_focused()
    hand.type("Red")
    hand.keys("Enter")
    hand.type("Blue")
    hand.keys("Escape")
    expect(hand.node("Favourite")).to_be_focused()

    hand.keys("a")
    hand.choose("answer user")
    hand.keys("a")
    hand.choose("flow end")
    tab_to(page, page.get_by_role("button", name="Add pin: an input"))
    hand.keys("Enter")
    hand.keys("Escape", "e")
    tab_to(page, page.locator("#pane-node .own-pin [data-do=pin-rename]").first)
    hand.keys("Control+a")
    hand.type("colour")
    hand.keys("Enter")
    expect(hand.pin("On Flow End", "in", "colour")).to_be_visible()
    hand.keys("Escape", "Control+ArrowLeft", "Control+ArrowLeft")
    expect(hand.node("Favourite")).to_be_focused()
    for goal in ("answer message", "end colour"):
        tab_to(page, hand.pin("Favourite", "out", "response"))
        hand.keys("w")
        hand.choose(goal)
        expect(hand.node("Favourite")).to_be_focused()


def tab_to(page: Page, goal: Locator, most: int = 60) -> None:
    """Press Tab until something has the keyboard."""
    for _ in range(most):
        if goal.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{most} times Tab do not lead to {goal}")
