"""An action gets another key: conflicts are told, the default is there, single letters can be off."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from browser.app import App
from browser.documents import asking, put
from browser.hand import Hand

pytestmark = pytest.mark.browser


def row(hand: Hand, action: str) -> Locator:
    """The row of an action in the list of keys."""
    name = hand.page.locator(".key-name").get_by_text(action, exact=True)
    return hand.page.locator("#keys-dialog .key-row").filter(has=name)


def key_of(hand: Hand, action: str) -> Locator:
    """What shows, and changes, the key of an action."""
    return row(hand, action).locator("button.key-set")


def test_an_action_gets_another_key_that_acts_and_is_shown_everywhere(hand: Hand) -> None:
    page = hand.page
    add = page.locator("[data-tool=add]")
    expect(add).to_have_attribute("title", "Add a node  A")
    hand.keys("?")
    key_of(hand, "Add a node").click()
    hand.keys("q")
    expect(key_of(hand, "Add a node")).to_have_text("Q")
    expect(key_of(hand, "Add a node")).to_be_focused()
    hand.keys("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
    expect(add).to_have_attribute("title", "Add a node  Q")
    hand.canvas.focus()
    hand.keys("a")
    expect(hand.quick_add).to_be_hidden()
    hand.keys("q")
    expect(hand.quick_add).to_be_visible()
    hand.keys("Escape")
    page.mouse.click(*hand.spot(0.5, 0.85), button="right")
    expect(page.get_by_role("menuitem", name="Add a node Q")).to_be_visible()
    hand.keys("Escape", "Control+k")
    hand.type("add a node")
    expect(hand.quick_add.get_by_role("option").first).to_contain_text("Q")
    hand.keys("Escape")
    page.reload()
    hand.at_rest()
    hand.keys("v")
    page.locator(".outline").get_by_role("treeitem").first.focus()
    hand.keys("q")
    expect(hand.quick_add).to_be_visible()


def test_a_key_that_another_action_has_is_named_before_it_is_taken(hand: Hand) -> None:
    page = hand.page
    hand.keys("?")
    key_of(hand, "Duplicate").focus()
    hand.keys("Enter", "Control+g")
    asked = row(hand, "Duplicate").locator(".key-ask")
    expect(asked).to_contain_text("Ctrl G is the key of “Group the selection”.")
    hand.keys("Enter")
    expect(asked).to_contain_text("Enter leads through the page: take another key.")
    hand.keys("Control+t")
    expect(asked).to_contain_text("belongs to the browser")
    hand.keys("Escape")
    expect(key_of(hand, "Duplicate")).to_have_text("Ctrl D")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    hand.keys("Enter", "Control+g", "Tab")
    expect(asked.get_by_role("button", name="Take Ctrl G")).to_be_focused()
    hand.keys("Enter")
    expect(key_of(hand, "Group the selection")).to_have_text("no key")
    expect(page.locator("#editor-voice")).to_contain_text("Group the selection has no key now.")
    hand.keys("Escape")
    hand.node("Say").locator(".fc-title").click()
    hand.keys("Control+g")
    hand.until(lambda: len(hand.look("nodes")) == 5, "the node is duplicated")
    hand.keys("?")
    row(hand, "Group the selection").get_by_role("button", name="back to").click()
    expect(key_of(hand, "Group the selection")).to_have_text("Ctrl G")
    expect(key_of(hand, "Duplicate")).to_have_text("no key")
    page.get_by_role("button", name="All keys as they were").click()
    expect(key_of(hand, "Duplicate")).to_have_text("Ctrl D")
    expect(page.get_by_role("button", name="All keys as they were")).to_be_hidden()


def test_single_letters_can_be_switched_off_on_every_page(hand: Hand) -> None:
    page = hand.page
    hand.keys("?")
    page.get_by_role("switch", name="Single-letter keys act").uncheck()
    hand.keys("Escape")
    hand.node("Say").locator(".fc-title").click()
    hand.keys("a", "w", "r", "v", "?", "2", "[", "n")
    expect(hand.quick_add).to_be_hidden()
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
    expect(page.locator(".outline")).to_be_hidden()
    assert "run=" not in page.url
    expect(page.locator("[data-tool=add]")).to_have_attribute("title", "Add a node")
    expect(hand.canvas).not_to_have_attribute("aria-description", "A adds")
    hand.keys("Control+d")
    hand.until(lambda: len(hand.look("nodes")) == 5, "keys with Ctrl act")
    page.goto("/flows")
    hand.keys("g", "r")
    expect(page).to_have_url("/flows")
    page.locator("summary[aria-label=You]").click()
    switch = page.get_by_role("switch", name="Single-letter keys")
    expect(switch).not_to_be_checked()
    switch.click()
    expect(switch).to_be_checked()
    hand.keys("Escape", "g", "r")
    expect(page).to_have_url("/runs")


def test_other_pages_show_their_keys_too(app: App, page: Page) -> None:
    page.goto("/flows")
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_contain_text("Go to Outbox")
    expect(keys).to_contain_text("Search this page")
    page.keyboard.press("g")
    page.keyboard.press("r")
    expect(page).to_have_url("/flows")
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("o")
    expect(page).to_have_url("/outbox")
    page.locator("summary[aria-label=You]").click()
    page.get_by_role("button", name="Keys", exact=True).click()
    expect(keys).to_be_visible()
    expect(keys).not_to_contain_text("Search this page")
    keys.get_by_role("button", name="Close").click()
    expect(page.locator("summary[aria-label=You]")).to_be_focused()
    expect(page.locator("details.menu[open]")).to_have_count(0)


def test_the_menu_of_the_person_leads_to_the_keys_of_the_editor(hand: Hand) -> None:
    page = hand.page
    page.locator("summary[aria-label=You]").click()
    page.get_by_role("button", name="Keys", exact=True).first.click()
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("Press a key of the list to change it.")
    hand.keys("Escape")
    expect(page.locator("summary[aria-label=You]")).to_be_focused()


@pytest.mark.parametrize("place", ["/", "/runs", "/inbox", "/nodes", "/settings", "/flows"])
def test_ctrl_k_leads_from_every_page_to_the_search_of_flows(app: App, page: Page, place: str) -> None:
    put(app, asking("sought"))
    page.goto(place)
    page.keyboard.press("Control+k")
    page.wait_for_url("**/flows*")
    search = page.get_by_placeholder("Search flows")
    expect(search).to_be_focused()
    page.keyboard.type("Ask sought")
    expect(page.locator("#flow-list")).to_contain_text("Ask sought")


def test_ctrl_k_does_not_lead_away_from_what_is_being_written(page: Page) -> None:
    page.goto("/nodes")
    field = page.get_by_placeholder("Search nodes")
    field.fill("concat")
    page.keyboard.press("Control+k")
    expect(field).to_be_focused()
    expect(field).to_have_value("concat")
    assert "/nodes" in page.url
