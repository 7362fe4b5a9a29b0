"""A failed run goes on with the mended flow: from the failed node in four actions and the typing, nothing done twice."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.documents import ledger, put, vat
from browser.hand import Hand

pytestmark = pytest.mark.browser


def test_from_a_failed_node_to_the_mended_run_in_four_actions_and_the_typing(app: App, page: Page) -> None:
    wrong = vat("mended")
    note = next(each for each in wrong["nodes"] if each["id"] == "note")
    note["data"]["pinDefaults"] = {"name": "_secret", "value": 1}
    put(app, wrong)
    hand = Hand(page).open_flow("mended")
    hand.keys("r")
    hand.expect_run("Failed")
    hand.expect_state("Take note", "failed")
    parent = hand.run_line()
    actions = 0

    hand.field("Take note", "name").click()
    actions += 1
    page.keyboard.press("Control+a")
    page.keyboard.type("seen")
    page.locator("#pane-run").get_by_role("button", name="Go on with the mended flow").click()
    actions += 1
    panel = page.locator("#pane-run .run-fork")
    expect(panel).to_contain_text("Reused")
    expect(panel.locator(".fork-kept")).to_contain_text("Start, Compute VAT")
    expect(panel.locator(".fork-kept")).to_contain_text("All steps that are done are unchanged.")
    panel.get_by_role("button", name="Go on", exact=True).click()
    actions += 1

    hand.expect_run("Done")
    assert actions <= 4
    fork = hand.run_line()
    assert fork != parent
    assert "42" in hand.output()
    visited = [each["node_id"] for each in ledger(app, fork) if each["effect"] is None]
    assert "tax" not in visited
    assert "note" in visited
    expect(hand.node("Compute VAT")).to_have_attribute("data-instead", "reused")


def test_a_mend_that_does_not_fit_is_refused_with_the_step_named(app: App, page: Page) -> None:
    wrong = vat("unfit")
    note = next(each for each in wrong["nodes"] if each["id"] == "note")
    note["data"]["pinDefaults"] = {"name": "_secret", "value": 1}
    put(app, wrong)
    hand = Hand(page).open_flow("unfit")
    hand.keys("r")
    hand.expect_run("Failed")
    hand.node("Take note").locator(".fc-title").click()
    hand.keys("Delete")
    page.locator("#tab-run").click()
    page.locator("#pane-run").get_by_role("button", name="Go on with the mended flow").click()
    panel = page.locator("#pane-run .run-fork")
    expect(panel.get_by_role("alert")).to_contain_text("“Take note” is gone, and the run is at it.")
    expect(panel.get_by_role("button", name="Go on", exact=True)).to_have_count(0)
