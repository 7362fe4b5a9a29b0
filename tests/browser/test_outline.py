"""The flow as a tree, by keyboard alone; and the field that finds nodes and does commands."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from browser.app import App
from browser.documents import EXEC_OUT, Document, asking, document, node, put
from browser.hand import Hand

pytestmark = pytest.mark.browser

VALUES = {"Ask.response > Say.message", "Ask.response > End.drink"}


def expect_lines(hand: Hand, *titles: str) -> None:
    expect(hand.page.locator(".outline-row .outline-title")).to_have_text(list(titles))


def test_the_outline_has_the_power_of_the_canvas(app: App, page: Page) -> None:
    put(app, asking("outline"))
    hand = Hand(page).open_flow("outline")
    hand.keys("v")
    tree = page.get_by_role("tree", name="Steps in the order they run")
    expect(tree.get_by_role("treeitem")).to_have_count(4)
    expect_lines(hand, "Start", "Ask", "Say", "End")
    expect(tree.get_by_role("treeitem").nth(1)).to_contain_text("Ask “Tea or coffee?”")

    hand.keys("ArrowDown", "a")
    hand.choose("if/else")
    expect(tree.get_by_role("treeitem", name="true", exact=True)).to_be_visible()
    expect_lines(hand, "Start", "Ask", "If/Else", "true", "Say", "End", "false")
    hand.keys("Control+z")
    expect_lines(hand, "Start", "Ask", "Say", "End")

    expect(tree.get_by_role("treeitem").nth(2)).to_contain_text("Say what Ask gives")
    tree.get_by_role("treeitem").nth(2).focus()
    hand.keys("Alt+ArrowUp")
    expect_lines(hand, "Start", "Say", "Ask", "End")
    moved = {"Start.exec-out > Say.exec-in", "Say.exec-out > Ask.exec-in", "Ask.exec-out > End.exec-in"}
    hand.expect_wires(*VALUES, *moved)
    hand.keys("Control+z")
    expect_lines(hand, "Start", "Ask", "Say", "End")

    tree.get_by_role("treeitem").nth(2).focus()
    hand.keys("Delete")
    expect_lines(hand, "Start", "Ask", "End")
    joined = {"Start.exec-out > Ask.exec-in", "Ask.exec-out > End.exec-in"}
    hand.expect_wires("Ask.response > End.drink", *joined)
    hand.keys("Enter")
    expect(page.locator("#pane-node :focus")).to_be_visible()
    hand.keys("Escape", "Shift+V")
    expect(tree).to_be_hidden()


def test_pins_are_opened_wired_and_unwired_in_the_outline(app: App, page: Page) -> None:
    put(app, asking("outline-pins"))
    hand = Hand(page).open_flow("outline-pins")
    before = hand.wires()
    hand.keys("v")
    tree = page.get_by_role("tree", name="Steps in the order they run")
    say = tree.get_by_role("treeitem").nth(2)
    expect(say).to_have_attribute("aria-expanded", "false")
    say.focus()
    hand.keys("ArrowRight")
    expect(say).to_have_attribute("aria-expanded", "true")
    message = tree.get_by_role("treeitem", name="message text input: from Ask · response")
    message.focus()
    hand.keys("Delete")
    assert hand.wires() == before - {"Ask.response > Say.message"}
    expect(tree.get_by_role("treeitem", name="message text input", exact=False)).to_be_focused()
    hand.keys("w")
    hand.choose("ask response")
    hand.until(lambda: hand.wires() == before, "the wire is back")
    expect(message).to_be_focused()
    hand.keys("ArrowLeft", "ArrowLeft")
    expect(message).to_be_hidden()
    expect(say).to_be_focused()

    say.hover()
    say.get_by_role("button", name="Pins: Say", exact=True).click()
    message.get_by_role("button", name="Wire: message").click()
    expect(hand.quick_add).to_be_visible()
    hand.keys("Escape")


def test_lines_are_renamed_copied_picked_and_locked_as_nodes_are(app: App, page: Page) -> None:
    put(app, asking("outline-more"))
    hand = Hand(page).open_flow("outline-more")
    hand.keys("v")
    tree = page.get_by_role("tree", name="Steps in the order they run")
    expect(tree.get_by_role("treeitem")).to_have_count(4)
    hand.keys("ArrowDown", "F2")
    page.get_by_role("dialog", name="Rename the node").get_by_label("Name").fill("Which drink?")
    hand.keys("Enter")
    expect_lines(hand, "Start", "Which drink?", "Say", "End")
    hand.keys("Shift+Enter", "ArrowDown", "Shift+Enter")
    assert set(hand.look("selection")["nodes"]) == {"ask", "say"}
    hand.keys("l", "Control+d")
    lines = ("Start", "Which drink?", "Say", "End", "Not connected", "Which drink?", "Say")
    expect_lines(hand, *lines)
    hand.keys("Control+z")
    tree.get_by_role("treeitem").nth(2).focus()
    hand.keys("Control+c", "Control+v")
    hand.until(lambda: hand.titles().count("Say") == 2, "the copy is there")
    tree.get_by_role("treeitem").nth(1).click(button="right")
    page.get_by_role("menuitem", name="Unlock the place").click()
    locked = {each["id"] for each in hand.flow()["nodes"] if each["data"].get("canvas", {}).get("locked")}
    assert "ask" not in locked
    assert "say" in locked


def test_a_step_is_moved_along_its_chain_by_pointer(app: App, page: Page) -> None:
    put(app, asking("outline-moves"))
    hand = Hand(page).open_flow("outline-moves")
    before = hand.flow()
    hand.keys("v")
    tree = page.get_by_role("tree", name="Steps in the order they run")
    tree.get_by_role("treeitem").nth(2).click()
    tree.get_by_role("button", name="More: Say").click()
    page.get_by_role("menuitem", name="Move up").click()
    expect_lines(hand, "Start", "Say", "Ask", "End")
    tree.get_by_role("treeitem").nth(1).click(button="right")
    page.get_by_role("menuitem", name="Move down").click()
    expect_lines(hand, "Start", "Ask", "Say", "End")
    hand.keys("Control+z", "Control+z")
    assert hand.flow() == before


def test_a_small_screen_shows_the_outline_first_and_runs_it(app: App, page: Page) -> None:
    put(app, asking("small"))
    page.set_viewport_size({"width": 390, "height": 844})
    hand = Hand(page).open_flow("small")
    tree = page.get_by_role("tree", name="Steps in the order they run")
    expect(tree).to_be_visible()
    page.get_by_role("button", name="Run", exact=True).click()
    expect(tree.get_by_role("treeitem").nth(1).locator(".state")).to_have_text("waiting")
    page.get_by_role("button", name="Hide the side panel", exact=True).click()
    tree.get_by_role("treeitem").nth(1).click()
    expect(hand.setting("prompt")).to_have_value("Tea or coffee?")


def nested(depth: int) -> Document:
    """Branches in branches, and a step with a long name in the innermost."""
    nodes = [node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT])]
    nodes += [node(f"if{at}", "if", 300 * at, 0, label=f"Is it more than {at}?") for at in range(1, depth)]
    nodes.append(node("last", "answer_user", 300 * depth, 0, label="Tell them: rejected"))
    ends = ["start.exec-out", *(f"{each['id']}.true" for each in nodes[1:-1])]
    wires = [f"{end} > {then['id']}.exec-in" for end, then in zip(ends, nodes[1:], strict=True)]
    return document("nested", "Branches in branches", nodes, wires)


def test_a_step_deep_inside_has_its_name_in_one_line_on_the_smallest_screen(app: App, page: Page) -> None:
    put(app, nested(5))
    page.set_viewport_size({"width": 320, "height": 640})
    Hand(page).open_flow("nested")
    row = page.locator(".outline-row").filter(has_text="Tell them: rejected").last
    expect(row).to_have_attribute("aria-level", "9")
    row.scroll_into_view_if_needed()
    name, buttons = row.locator(".outline-title"), row.locator(".outline-does")
    expect(buttons).to_have_text(["Pins", "More"])
    boxes = [each.bounding_box() for each in (name, buttons.first, buttons.last)]
    title, pins, more = (box for box in boxes if box is not None)
    assert title["height"] < 32, "the name is in one line"
    assert pins["y"] == more["y"] >= title["y"] + title["height"] - 4, (
        "the buttons stand below it, side by side"
    )
    assert more["x"] + more["width"] <= 320


def long(count: int) -> Document:
    """A chain of steps with a branch near its end."""
    nodes = [node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT])]
    for number in range(1, count):
        kind = "if" if number == count - 2 else "answer_user"
        nodes.append(
            node(f"n{number}", kind, 300 * (number % 20), 200 * (number // 20), label=f"Step {number}")
        )
    ends = [f"{each['id']}.{'true' if each['type'] == 'if' else 'exec-out'}" for each in nodes]
    wires = [f"{end} > {then['id']}.exec-in" for end, then in zip(ends, nodes[1:], strict=False)]
    return document(f"long-{count}", "A long chain", nodes, wires)


@pytest.mark.parametrize("count", [1000, 5000])
def test_of_a_long_outline_the_lines_in_view_are_there(app: App, page: Page, count: int) -> None:
    put(app, long(count))
    hand = Hand(page).open_flow(f"long-{count}")
    hand.keys("v")
    rows = page.get_by_role("tree").get_by_role("treeitem")
    first, last = rows.filter(has_text="Start"), rows.filter(has_text="leads nowhere")
    expect(first).to_be_focused()
    assert rows.count() < 150
    expect(first).to_have_attribute("aria-posinset", "1")
    expect(first).to_have_attribute("aria-setsize", str(count - 1))

    hand.keys("End")
    expect(last).to_be_focused()
    expect(last).to_be_in_viewport()
    expect(last).to_have_attribute("aria-level", "2")
    assert rows.count() < 150
    hand.keys("ArrowLeft")
    expect(rows.filter(has_text=f"Step {count - 2}")).to_have_attribute("aria-posinset", str(count - 1))
    expect(rows.filter(has_text=f"Step {count - 2}")).to_be_focused()
    page.mouse.move(700, 400)
    page.mouse.wheel(0, -1_000_000)
    expect(first).to_be_in_viewport()
    expect(rows.filter(has_text=f"Step {count - 2}")).to_be_focused()
    hand.keys("Home")
    expect(first).to_be_focused()
    hand.keys(*["ArrowDown"] * 60)
    expect(rows.filter(has_text="Step 60")).to_be_focused()
    expect(rows.filter(has_text="Step 60")).to_be_in_viewport()
    numbers = [int(each) for each in rows.locator(".outline-number").all_inner_texts()]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), (
        "none is missing, in the flow's order"
    )
    hand.keys("a")
    hand.choose("if/else")
    expect(page.locator(".outline-row[aria-selected=true]")).to_contain_text("If/Else")
    hand.keys("Delete")
    expect(rows.filter(has_text="Step 60")).to_be_focused()


def test_enter_that_comes_before_the_list_takes_its_first_row(app: App, page: Page) -> None:
    put(app, asking("hasty"))
    hand = Hand(page).open_flow("hasty")
    held: list[Route] = []
    page.route("**/api/flows", lambda route: held.append(route))
    hand.keys("Control+k")
    hand.type("select everything")
    hand.keys("Enter")
    expect(page.locator(".chooser-foot")).to_have_text("Looking…")
    hand.until(lambda: held, "the list is asked for")
    held[0].continue_()
    expect(hand.quick_add).to_be_hidden()
    assert len(hand.look("selection")["nodes"]) == 4


def test_what_is_written_is_found_and_commands_are_done_by_name(app: App, page: Page) -> None:
    put(app, asking("search"))
    put(app, asking("search-other"))
    hand = Hand(page).open_flow("search")
    field = page.get_by_role("combobox", name="Find in this flow")
    hand.keys("Control+f")
    expect(field).to_be_focused()
    hand.type("coffee?")
    expect(page.get_by_role("option", name="prompt: Tea or coffee?")).to_be_visible()
    hand.keys("Enter")
    expect(hand.node("Ask")).to_be_focused()

    hand.keys("Control+k")
    hand.type("select everything")
    expect(page.get_by_role("option", name="Select everything")).to_be_visible()
    hand.keys("Enter")
    assert len(hand.look("selection")["nodes"]) == 4
    hand.keys("Control+k")
    expect(page.get_by_role("combobox", name="Go to, or do, anything")).to_be_focused()
    hand.type("search-other")
    expect(page.get_by_role("option", name="Open this flow")).to_be_visible()
    hand.keys("Enter")
    page.wait_for_url("**/flows/search-other")
