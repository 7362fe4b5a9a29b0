"""Questions: answered in another tab, by two tabs at once, and on a page without script."""

from __future__ import annotations

import json
import re
import sys

import pytest
from playwright.sync_api import Browser, StorageState, expect

from browser.app import App
from browser.conftest import OpenTab
from browser.demo import using
from browser.documents import asking, ledger, put, start, thinking
from browser.hand import Hand
from browser.watch import Watch

pytestmark = pytest.mark.browser


def open_waiting(app: App, open_tab: OpenTab, flow_id: str) -> Hand:
    """Start a run of an asking flow and show it in the editor."""
    run_id = start(app, put(app, asking(flow_id)))
    hand = open_tab(f"/flows/{flow_id}?run={run_id}")
    hand.expect_state("Ask", "waiting")
    expect(hand.page.locator(".ask-card")).to_be_visible()
    return hand


def test_a_page_without_script_answers_and_the_other_tab_follows(
    app: App, open_tab: OpenTab, chromium: Browser, signed_in: StorageState, watch: Watch
) -> None:
    first = open_waiting(app, open_tab, "plain")
    plain = chromium.new_context(java_script_enabled=False, storage_state=signed_in, base_url=app.url)
    page = watch.over(plain.new_page())
    page.goto("/inbox")
    page.get_by_role("link", name="Tea or coffee?").click()
    expect(page.get_by_role("heading", name="Tea or coffee?")).to_be_visible()
    page.get_by_label("Or in your own words").fill("Water, please")
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_role("heading", name="Recorded")).to_be_visible()

    first.expect_run("Done")
    first.expect_state("Ask", "done")
    expect(first.page.locator(".ask-card")).to_have_count(0)
    assert '"drink": "Water, please"' in first.output()
    assert first.steps() == ["Start", "Ask", "Say", "End"]
    plain.close()


def test_of_two_tabs_one_wins_and_the_other_is_told(app: App, open_tab: OpenTab, watch: Watch) -> None:
    watch.expected_statuses.add(409)
    first = open_waiting(app, open_tab, "both")
    run_id = first.run_line()
    second = open_tab(f"/inbox/{run_id}")
    # The second tab's answer goes out while the first tab's is on its way.
    held = hold_answer(first)
    first.page.locator(".ask-card").get_by_role("button", name="Tea").click()
    first.until(lambda: held, "the first answer is on its way")
    second.page.get_by_role("button", name="Coffee").click()
    expect(second.page.get_by_role("heading", name="Recorded")).to_be_visible()
    held[0].continue_()

    said = first.page.locator(".ask-late")
    expect(said).to_contain_text("Already answered by you")
    expect(said).to_contain_text("Coffee")
    first.expect_run("Done")
    assert '"drink": "Coffee"' in first.output()
    answers = [each for each in ledger(app, run_id) if (each.get("effect") or {}).get("type") == "resume"]
    assert len(answers) == 1, "one answer is written down, the other is not"


def hold_answer(hand: Hand) -> list:
    """Hold the tab's answer back on the line; it appears in the list."""
    held: list = []
    hand.page.route("**/api/prompts/*", lambda route: held.append(route))
    return held


def test_a_late_answer_on_the_prompt_page_is_kept_and_told(app: App, open_tab: OpenTab, watch: Watch) -> None:
    watch.expected_statuses.add(409)
    first = open_waiting(app, open_tab, "late")
    late = open_tab(f"/inbox/{first.run_line()}")
    late.page.route("**/inbox/*/open*", lambda route: route.abort())
    late.page.get_by_label("Or in your own words").fill("Juice")
    first.page.locator(".ask-card").get_by_role("button", name="Tea").click()
    first.expect_run("Done")
    late.page.get_by_role("button", name="Send answer").click()
    expect(late.page.get_by_role("heading", name="Already answered")).to_be_visible()
    expect(late.page.locator(".receipt")).to_contain_text("by you at")
    expect(late.page.locator(".receipt textarea")).to_have_value("Juice")
    expect(late.page.locator(".said")).to_have_text("Tea")


def test_a_call_of_a_tool_is_seen_changed_and_allowed_in_the_side_panel(
    app: App, open_tab: OpenTab, watch: Watch
) -> None:
    watch.expected_statuses.add(422)
    clock = {"id": "time", "command": f"{sys.executable} -m mcp_server_time"}
    with app.client() as client:
        assert client.post("/settings/tools", data=clock).status_code == 303
    run_id = start(app, put(app, using()))
    hand = open_tab(f"/flows/book-a-call?run={run_id}")
    card = hand.page.locator(".ask-card")
    written = card.get_by_label("time__convert_time with these arguments")
    expect(written).to_have_value(re.compile('"time": "16:30"'))
    written.fill('{"time": 1630}')
    card.get_by_role("button", name="Approve").click()
    said = card.locator(".field-wrong")
    expect(said).to_contain_text("do not fit the tool time__convert_time")
    expect(said).to_contain_text("1630 is not of type 'string'")
    expect(written).to_have_value('{"time": 1630}')
    told = {"source_timezone": "Europe/Paris", "time": "16:45", "target_timezone": "America/New_York"}
    written.fill(json.dumps(told))
    card.get_by_role("button", name="Approve").click()
    hand.expect_run("Done")
    assert "T16:45:00" in hand.output()


def test_a_call_of_a_tool_is_refused_with_a_reason(app: App, open_tab: OpenTab) -> None:
    run_id = start(app, put(app, using("no-call")))
    hand = open_tab(f"/flows/no-call?run={run_id}")
    card = hand.page.locator(".ask-card")
    card.get_by_label("Or say why not").fill("not on a Sunday")
    card.get_by_role("button", name="Send answer").click()
    hand.expect_run("Done")
    assert "Not approved: not on a Sunday" in hand.output()


def test_a_failed_run_is_taken_up_again_in_the_editor(app: App, open_tab: OpenTab) -> None:
    model = {"name": "late", "kind": "openai", "base_url": "http://127.0.0.1:9/v1", "model": "m"}
    with app.client() as client:
        assert client.post("/settings/models", data=model).status_code == 303
    run_id = start(app, put(app, thinking("late")))
    hand = open_tab(f"/flows/thinking?run={run_id}")
    hand.expect_run("Failed")
    with app.client() as client:
        assert client.post("/settings/models", data={"name": "late", "kind": "scripted"}).status_code == 303
    hand.page.get_by_role("button", name="Try again from here").click()
    hand.expect_run("Done")
    assert hand.run_line() == run_id
    assert ledger(app, run_id)
