"""What waits for the clock: found by its keys, kept open while it renews itself, acted on."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.demo import settle
from browser.documents import put, start
from browser.hand import Hand
from drive import flow, node

pytestmark = pytest.mark.browser


def minutely(flow_id: str, name: str) -> dict[str, object]:
    nodes = {
        "when": node("on_schedule", label="Each minute", pins={"schedule": "1m"}),
        "say": node("answer_user", pins={"message": "tick"}),
    }
    return {**flow(flow_id, nodes, "when -> say"), "name": name}


def test_g_then_s_leads_to_the_schedules_and_one_is_run_now(app: App, page: Page) -> None:
    run = start(app, put(app, minutely("keyed", "Found by keys")))
    settle(app, run, "waiting")
    page.goto("/runs")
    page.keyboard.press("g")
    page.keyboard.press("s")
    expect(page).to_have_url("/schedules")
    expect(page.get_by_role("link", name="Schedules", exact=True)).to_have_attribute("aria-current", "page")
    card = page.get_by_role("region", name="Found by keys")
    expect(card).to_contain_text("Every minute")
    times = card.locator("summary").filter(has_text="The next 10 times")
    times.focus()
    page.keyboard.press("Enter")
    expect(card.locator(".schedule-ahead li")).to_have_count(10)
    card.get_by_role("button", name="Run now: ").focus()
    page.keyboard.press("Enter")
    expect(card.locator(".schedule-last li")).to_have_count(1)


def test_what_was_opened_stays_open_while_the_list_renews_itself(app: App, page: Page) -> None:
    run = start(app, put(app, minutely("opened", "Stays open")))
    settle(app, run, "waiting")
    page.goto("/schedules")
    card = page.get_by_role("region", name="Stays open")
    card.locator("summary").filter(has_text="Cancel…").click()
    with app.client() as client:
        assert client.post(f"/schedules/{run}/fire").status_code == 303
    expect(card.locator(".schedule-last li")).to_have_count(1)
    stop = card.get_by_role("button", name="Cancel the run: ")
    expect(stop).to_be_visible()
    stop.click()
    expect(page).to_have_url("/schedules")
    expect(page.get_by_role("region", name="Stays open")).to_have_count(0)
    expect(page.locator("[data-idle=opened]")).to_contain_text("Cancelled")


def test_a_schedule_leads_to_its_node_in_the_editor(app: App, hand: Hand) -> None:
    run = start(app, put(app, minutely("led", "Leads on")))
    settle(app, run, "waiting")
    hand.page.goto("/schedules")
    hand.page.get_by_role("link", name="Open flow: Leads on").click()
    hand.at_rest()
    expect(hand.page.locator("#pane-node")).to_contain_text("On Schedule")
    hand.canvas.focus()
    hand.keys("g", "s")
    expect(hand.page).to_have_url("/schedules")
