"""A date on a node is chosen in the browser's own field, and kept in the form that it had."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from browser.app import App
from browser.documents import EXEC_IN, EXEC_OUT, document, node, pins, put
from browser.hand import Hand

pytestmark = pytest.mark.browser


def dated(flow_id: str) -> dict[str, Any]:
    """A flow with a date that is not set, one with a zone, and one that is a text."""
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT]),
        node("free", "format_date", 0, 120, label="Free"),
        node("zone", "format_date", 0, 300, label="Zoned", pinDefaults={"date": "2030-01-31T09:00+02:00"}),
        node("word", "format_date", 0, 480, label="Word", pinDefaults={"date": "tomorrow"}),
        node("end", "on_flow_end", 420, 0, label="End", inputs=[EXEC_IN, *pins(("day", "string"))]),
    ]
    return document(flow_id, "Dated", nodes, ["start.exec-out > end.exec-in", "free.text > end.day"])


def chosen(hand: Hand, title: str) -> Locator:
    """Enter the date of a node; return the field that then stands there."""
    hand.field(title, "date").click()
    field = hand.node(title).locator("input.is-date")
    expect(field).to_be_focused()
    return field


def kept(hand: Hand, node_id: str) -> Any:
    nodes = hand.flow()["nodes"]
    data = next(each["data"] for each in nodes if each["id"] == node_id)
    return data.get("pinDefaults", {}).get("date")


def test_a_date_is_written_with_the_keyboard_emptied_and_taken_back(app: App, page: Page) -> None:
    put(app, dated("dated-a"))
    hand = Hand(page).open_flow("dated-a")
    field = chosen(hand, "Free")
    expect(field).to_have_attribute("type", "datetime-local")
    hand.type("01312030")
    hand.keys("ArrowRight")
    hand.type("0900AM")
    hand.until(lambda: kept(hand, "free") == "2030-01-31T09:00", "the date is kept")
    hand.keys("Enter")
    expect(page.locator("input.is-date")).to_have_count(0)
    expect(hand.node("Free")).to_be_focused()
    expect(hand.field("Free", "date")).to_have_text("2030-01-31T09:00")
    chosen(hand, "Free").fill("")
    hand.until(lambda: kept(hand, "free") is None, "an emptied one is unset")
    hand.keys("Escape", "Control+z")
    hand.until(lambda: kept(hand, "free") == "2030-01-31T09:00", "and comes back")


def test_a_zone_stays_and_what_is_no_date_is_edited_as_a_text(app: App, page: Page) -> None:
    put(app, dated("dated-b"))
    hand = Hand(page).open_flow("dated-b")
    chosen(hand, "Zoned").fill("2031-02-01T10:30")
    hand.until(lambda: kept(hand, "zone") == "2031-02-01T10:30+02:00", "its zone is kept")
    hand.field("Word", "date").click()
    hand.type("!")
    hand.until(lambda: "!" in str(kept(hand, "word")), "a text is a text")
    expect(page.locator("input.is-date")).to_have_count(0)


def test_an_expression_begins_in_the_field_of_a_date(app: App, page: Page) -> None:
    put(app, dated("dated-c"))
    hand = Hand(page).open_flow("dated-c")
    chosen(hand, "Free")
    hand.type("=day")
    expect(hand.field("Free", "date")).to_have_text("= day")
    hand.keys("Escape")
    expect(hand.field("Free", "date")).to_have_text("= day")
    hand.field("Free", "date").click()
    expect(page.locator("input.is-date")).to_have_count(0)
