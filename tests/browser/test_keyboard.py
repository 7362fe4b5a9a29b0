"""The way through the editor by keys: regions, lists, dialogs give the keyboard back, words are said."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser.hand import Hand

pytestmark = pytest.mark.browser


def region(hand: Hand) -> str:
    """The region that has the keyboard."""
    return str(
        hand.page.evaluate(
            """() => {
                const names = {".bar": "bar", ".rail": "rail", "#palette": "palette",
                               ".editor-tools": "tools", "flow-canvas": "canvas", "#side": "side"};
                for (const [query, name] of Object.entries(names))
                    if (document.querySelector(query).contains(document.activeElement)) return name;
                return "";
            }"""
        )
    )


def test_f6_goes_round_the_regions_and_back(hand: Hand) -> None:
    forward = []
    for _ in range(2):
        forward.append(region(hand))
        hand.keys("F6")
    assert forward == ["canvas", "side"], "past the last region the key is the browser's"
    hand.canvas.focus()
    back = []
    for _ in range(5):
        hand.keys("Shift+F6")
        back.append(region(hand))
    assert back == ["tools", "palette", "rail", "bar", "bar"]


def test_the_palette_is_one_stop_and_arrows_walk_it(hand: Hand) -> None:
    page = hand.page
    page.locator("#palette-search").focus()
    hand.type("ask")
    hand.keys("ArrowDown")
    expect(page.locator(".palette-row").first).to_be_focused()
    hand.keys("Enter")
    expect(hand.node("Ask User")).to_be_focused()
    stops = page.locator("#palette-list [tabindex='0']")
    expect(stops).to_have_count(1)


def test_what_opens_gives_the_keyboard_back(hand: Hand) -> None:
    page = hand.page
    hand.node("Say").locator(".fc-title").click()
    hand.keys("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_be_visible()
    hand.keys("Escape")
    expect(dialog).to_be_hidden()
    expect(hand.node("Say")).to_be_focused()
    hand.keys("w")
    expect(hand.quick_add).to_be_visible()
    hand.keys("Escape")
    expect(hand.node("Say")).to_be_focused()
    hand.keys("e")
    expect(hand.setting("level")).to_be_focused()
    hand.keys("Escape")
    expect(hand.node("Say")).to_be_focused()


def test_letters_act_on_the_canvas_and_nowhere_else(hand: Hand) -> None:
    page = hand.page
    page.get_by_label("Name of the flow").click()
    hand.keys("End")
    hand.type(" arw1?]")
    expect(page.get_by_label("Name of the flow")).to_have_value("Ask keys arw1?]")
    expect(hand.quick_add).to_be_hidden()
    expect(page.locator("#side")).to_be_visible()
    assert "run=" not in page.url


def test_tabs_follow_the_arrows(hand: Hand) -> None:
    page = hand.page
    page.get_by_role("tab", name="Node").focus()
    hand.keys("ArrowRight")
    expect(page.get_by_role("tab", name="Run")).to_be_focused()
    expect(page.get_by_role("tabpanel", name="Run")).to_be_visible()
    hand.keys("ArrowLeft", "ArrowLeft")
    expect(page.get_by_role("tab", name="Problems")).to_be_focused()


def test_a_key_goes_through_the_tabs_and_leaves_the_keyboard_where_it_is(hand: Hand) -> None:
    page = hand.page
    for tab in ("Run", "Problems", "Node"):
        hand.keys("`")
        expect(page.get_by_role("tab", name=tab).first).to_have_attribute("aria-selected", "true")
        expect(page.locator("#editor-voice")).to_contain_text(tab)
        expect(hand.canvas).to_be_focused()
    hand.keys("]")
    expect(page.locator("#side")).to_be_hidden()
    hand.keys("`")
    expect(page.locator("#pane-node")).to_be_visible()


def test_changes_and_runs_are_said(hand: Hand) -> None:
    page = hand.page
    hand.node("End").locator(".fc-title").click()
    hand.keys("Delete")
    expect(page.locator("#editor-voice")).to_have_text("Removed 1 node")
    hand.keys("Control+z")
    hand.keys("r")
    expect(page.locator("#editor-alarm")).to_contain_text("The run asks: Tea or coffee?")
    expect(page.get_by_role("group", name="Ask, asks a person")).to_be_visible()
    page.locator(".ask-card").get_by_role("button", name="Tea").click()
    expect(page.locator("#editor-voice")).to_contain_text("The run is over: Done")


def test_the_menu_of_the_canvas_offers_what_the_keys_do(hand: Hand) -> None:
    page = hand.page
    menu = page.get_by_role("menu", name="Canvas")
    hand.node("Say").locator(".fc-title").click(button="right")
    expect(menu.get_by_role("menuitem").first).to_be_focused()
    hand.keys("ArrowDown", "Enter")
    hand.type("Tell")
    hand.keys("Enter")
    expect(hand.node("Tell")).to_be_visible()
    hand.node("Tell").locator(".fc-title").click(button="right")
    expect(menu.get_by_role("menuitem").first).to_be_focused()
    hand.keys("Escape")
    expect(menu).to_be_hidden()
    hand.node("Tell").locator(".fc-title").click(button="right")
    menu.get_by_role("menuitem", name="Delete").click()
    expect(hand.node("Tell")).to_have_count(0)
    page.mouse.click(*hand.spot(0.5, 0.85), button="right")
    menu.get_by_role("menuitem", name="Add a node").click()
    hand.choose("concat")
    expect(hand.node("Concat")).to_be_focused()


def test_several_nodes_are_selected_by_keys_and_act_together(hand: Hand) -> None:
    hand.node("Ask").focus()
    hand.keys("Shift+Enter", "ArrowRight", "Shift+Enter", "ArrowRight")
    expect(hand.node("End")).to_be_focused()
    assert hand.look("selection")["nodes"] == ["ask", "say"]
    hand.keys("Shift+Enter", "Shift+Enter")
    assert hand.look("selection")["nodes"] == ["ask", "say"]
    hand.keys("Control+d")
    hand.until(lambda: len(hand.look("nodes")) == 6, "both are duplicated")
    hand.keys("Control+z", "Escape", "Escape", "ArrowLeft", "ArrowRight")
    assert len(hand.look("selection")["nodes"]) == 1
