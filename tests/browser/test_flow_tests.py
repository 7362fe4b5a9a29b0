"""A finished run becomes a test in three clicks, or by `T`; the list plays it, and says where a changed flow parts."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.documents import asking, put, ticking
from browser.hand import Hand

pytestmark = pytest.mark.browser


def finished(app: App, page: Page, flow_id: str) -> Hand:
    put(app, ticking(flow_id, 2))
    hand = Hand(page).open_flow(flow_id)
    page.get_by_role("button", name="Run", exact=True).click()
    hand.expect_run("Done")
    return hand


def test_from_run_to_test_it_takes_two_clicks(app: App, page: Page) -> None:
    finished(app, page, "clicks")
    page.locator("#pane-run").get_by_role("button", name="Save as test…").click()
    expect(page.get_by_label("Name")).not_to_have_value("")
    page.get_by_role("button", name="Save test").click()
    expect(page.locator(".test-rows li")).to_contain_text("Passed")
    expect(page.get_by_text("1 of 1 test passed")).to_be_visible()


def test_the_same_by_keys_and_the_test_tells_where_the_changed_flow_parts(app: App, page: Page) -> None:
    hand = finished(app, page, "by-keys")
    hand.canvas.focus()
    hand.keys("t")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("Two ticks")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Two ticks")).to_be_visible()
    put(app, ticking("by-keys", 3))
    page.get_by_role("button", name="Run all").click()
    row = page.locator(".test-rows li")
    expect(row).to_contain_text("Failed")
    row.get_by_role("link", name="Look at Two ticks").click()
    expect(page.get_by_role("heading", name="differences")).to_be_visible()
    page.get_by_role("button", name="This is right: update the expectation").click()
    expect(page.get_by_text("The flow does what it did in the recorded run.")).to_be_visible()
    page.get_by_role("button", name="Remove", exact=True).click()
    page.get_by_role("button", name="Remove the test").click()
    expect(page.get_by_role("heading", name="Turn a real run into a test")).to_be_visible()


def test_t_on_the_page_of_a_run_and_without_a_run_in_the_editor(app: App, page: Page) -> None:
    hand = finished(app, page, "pages")
    run = page.locator("#pane-run").get_by_role("link", name="Open the run's own page")
    run.click()
    expect(page.get_by_role("link", name="Save as test…")).to_be_visible()
    hand.at_rest()
    page.keyboard.press("t")
    expect(page.get_by_role("heading", name="Save this run as a test")).to_be_visible()
    put(app, asking("no-run"))
    hand.open_flow("no-run")
    hand.canvas.focus()
    hand.keys("t")
    expect(page.get_by_role("heading", name="Turn a real run into a test")).to_be_visible()
    expect(page.get_by_role("link", name="Run the flow")).to_be_visible()
