"""Ctrl+K and Ctrl+F: when nothing is called that, what is called nearly so, a step of that name, all flows."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.documents import asking, put
from browser.hand import Hand

pytestmark = pytest.mark.browser


def rows(page: Page) -> list[str]:
    return page.locator(".chooser-name").all_inner_texts()


def test_a_slip_of_the_keys_still_finds(hand: Hand) -> None:
    hand.keys("Control+k")
    hand.type("anwser usr")
    expect(hand.page.locator(".chooser-row").first).to_contain_text("Add Answer User")
    expect(hand.page.locator(".chooser-row").first).to_contain_text("Did you mean this?")
    hand.keys("Enter")
    assert "Answer User" in hand.titles()


def test_what_is_missing_is_made_under_the_name_that_was_searched(hand: Hand) -> None:
    hand.keys("Control+k")
    hand.type("Weigh the parcel")
    name = "Add a step called “Weigh the parcel”"
    expect(hand.page.locator(".chooser-row").filter(has_text=name)).to_be_visible()
    while hand.page.locator(".chooser-row[aria-selected=true] .chooser-name").inner_text() != name:
        hand.keys("ArrowDown")
    hand.keys("Enter")
    expect(hand.page.get_by_role("combobox", name="What should “Weigh the parcel” do?")).to_be_focused()
    hand.choose("ask user")
    assert "Weigh the parcel" in hand.titles()
    assert (
        next(each for each in hand.look("nodes") if each["title"] == "Weigh the parcel")["type"] == "ask_user"
    )


def test_words_of_another_flow_are_found_and_lead_to_their_node(app: App, page: Page) -> None:
    other = asking("elsewhere")
    other["nodes"][2]["data"]["pinDefaults"] = {"message": "The quay is closed"}
    put(app, other)
    put(app, asking("here"))
    hand = Hand(page).open_flow("here")
    hand.keys("Control+k")
    hand.type("quay closed")
    row = page.locator(".chooser-row").filter(has_text="in all flows")
    expect(row).to_be_visible()
    row.click()
    page.get_by_role("link", name="Ask elsewhere").click()
    hand.at_rest()
    assert hand.look("selection.nodes") == ["say"]
    expect(hand.node("Say")).to_be_in_viewport()


def test_notes_and_groups_are_found_by_their_words_and_lead_to_themselves(app: App, page: Page) -> None:
    flow = asking("marked")
    where = {"x": 5200, "y": 3000, "w": 240, "h": 96, "tone": "blue"}
    flow["nodes"][0]["data"]["canvas"] = {
        "notes": {"n1": {**where, "text": "**Before the harbour opens**\n\nRing the pilot first."}},
        "groups": {"g1": {"title": "Winter season", "tone": "green"}},
        "group": "g1",
    }
    put(app, flow)
    hand = Hand(page).open_flow("marked")
    hand.keys("Control+k")
    hand.type("pilot first")
    row = page.locator(".chooser-row").first
    expect(row).to_contain_text("Before the harbour opens")
    expect(row).to_contain_text("Note: Ring the pilot first.")
    expect(page.locator(".chooser-row").filter(has_text="canvas")).to_have_count(0)
    hand.keys("Enter")
    note = page.locator("[data-mark=n1]")
    expect(note).to_be_focused()
    expect(note).to_be_in_viewport()
    hand.keys("Control+f")
    hand.type("winter season")
    expect(page.locator(".chooser-row").first).to_contain_text("Group of 1")
    hand.keys("Enter")
    hand.until(lambda: hand.look("selection.nodes") == ["start"], "the nodes of the group are selected")
    expect(hand.node("Start")).to_be_in_viewport()
