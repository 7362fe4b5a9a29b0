"""Runs and time by keys: again, pause, failures, entry by entry; and every key is a command of `Ctrl+K` too."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.demo import failing
from browser.documents import answer_first, asking, put, ticking
from browser.hand import Hand

pytestmark = pytest.mark.browser


def test_a_run_is_gone_through_entry_by_entry_and_followed_again(app: App, page: Page) -> None:
    put(app, asking("entries"))
    hand = Hand(page).open_flow("entries")
    strip = page.get_by_role("region", name="The run, entry by entry")
    expect(strip).to_be_hidden()
    hand.keys(",")
    expect(page.locator("#editor-alarm")).to_have_text("There is no run on the canvas.")
    hand.keys("r")
    hand.expect_state("Ask", "waiting")
    hand.canvas.focus()
    hand.keys(",")
    expect(strip).to_contain_text("entry 2 of 3 · Ask, started · looking only")
    hand.expect_state("Ask", "running")
    hand.keys(",")
    expect(strip).to_contain_text("entry 1 of 3 · Start, done")
    expect(hand.node("Ask")).not_to_have_attribute("data-state", "running")
    expect(hand.node("Start")).to_be_focused()
    expect(page.locator("#pane-run .run-instant")).to_contain_text("The run asks something now")
    answer_first(app, "Tea")
    expect(page.locator("#pane-run .run-instant")).not_to_contain_text("The run asks something now")
    expect(hand.node("Say")).not_to_have_attribute("data-state", "done")
    strip.get_by_role("button", name="One entry of the run forward").click()
    expect(strip).to_contain_text("entry 2 of")
    strip.get_by_role("button", name="Back to now").click()
    expect(strip).to_contain_text("Now, after")
    hand.expect_state("Say", "done")
    strip.get_by_role("button", name="One entry of the run back").click()
    expect(strip).to_contain_text("looking only")
    hand.node("Ask").locator(".fc-title").click()
    hand.keys("<")
    expect(strip).to_contain_text("Ask, ")
    hand.keys(">", ">", ">", ">", ">", ">")
    expect(strip).to_contain_text("Now, after")


def test_cancel_asks_first_and_says_that_nothing_is_undone(app: App, page: Page) -> None:
    put(app, asking("cancels"))
    hand = Hand(page).open_flow("cancels")
    hand.keys("r")
    hand.expect_state("Ask", "waiting")
    cancel = page.locator("#pane-run .run-head").get_by_role("button", name="Cancel")
    dialog = page.get_by_role("dialog", name="Cancel this run?")
    cancel.click()
    expect(dialog).to_contain_text("stays done and stays in its record: steps that would undo it are not run")
    hand.keys("Escape")
    expect(dialog).to_have_count(0)
    expect(cancel).to_be_focused()
    hand.expect_state("Ask", "waiting")
    cancel.click()
    dialog.get_by_role("button", name="Keep running").click()
    hand.expect_state("Ask", "waiting")
    cancel.click()
    dialog.get_by_role("button", name="Cancel the run").click()
    hand.expect_run("Cancelled")


def test_an_address_leads_to_the_entry_that_it_names(app: App, page: Page) -> None:
    put(app, asking("named"))
    hand = Hand(page).open_flow("named")
    hand.keys("r")
    page.get_by_role("button", name="Tea", exact=True).click()
    hand.expect_run("Done")
    run = page.locator("#pane-run .run-head").get_by_role("link").get_attribute("href") or ""
    strip = page.get_by_role("region", name="The run, entry by entry")
    last = int(page.get_by_role("slider").get_attribute("max") or 0)
    for named, shown in (("3", 3), ("1", 1), ("0", 1), ("x", 1), (str(last + 7), last)):
        page.goto(f"/flows/named?run={run.rsplit('/', 1)[1]}&entry={named}")
        expect(strip).to_contain_text(f"entry {shown} of {last} · ")
        expect(strip).to_contain_text("looking only")


def test_the_slider_takes_the_canvas_back_and_escape_to_now(app: App, page: Page) -> None:
    put(app, asking("slide"))
    hand = Hand(page).open_flow("slide")
    hand.keys("r")
    page.get_by_role("button", name="Tea", exact=True).click()
    hand.expect_run("Done")
    slider = page.get_by_role("slider", name="Entry of the run that is shown")
    last = int(slider.get_attribute("max") or 0)
    assert last > 3
    expect(slider).to_have_value(str(last))
    slider.focus()
    hand.keys("Home")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(rf"entry 1 of {last} · Start, done"))
    expect(hand.node("Say")).not_to_have_attribute("data-state", "done")
    expect(page.locator(".canvas-place")).to_have_class(re.compile("is-past"))
    expect(slider).to_be_focused()
    hand.keys("ArrowRight", "ArrowRight")
    expect(slider).to_have_value("3")
    hand.keys("Escape")
    expect(slider).to_have_value(str(last))
    hand.expect_state("Say", "done")
    expect(page.locator(".canvas-place")).not_to_have_class(re.compile("is-past"))
    box = slider.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 3, box["y"] + box["height"] / 2)
    expect(slider).to_have_value("1")
    hand.canvas.focus()
    hand.keys("Escape")
    expect(slider).to_have_value(str(last))


def test_r_runs_with_the_same_input_and_shift_r_asks_for_other(app: App, page: Page) -> None:
    flow = asking("again")
    flow["nodes"][0]["data"]["outputs"].append({"id": "who", "label": "who", "type": "string"})
    put(app, flow)
    hand = Hand(page).open_flow("again")
    hand.keys("r")
    form = page.locator("#pane-run .run-start")
    form.get_by_label("who").fill("Ana")
    hand.keys("Enter")
    hand.expect_state("Ask", "waiting")
    first = hand.run_line()
    page.get_by_role("button", name="Tea", exact=True).click()
    hand.expect_run("Done")
    hand.canvas.focus()
    hand.keys("r")
    hand.until(lambda: hand.run_line() != first, "another run is on the canvas")
    with app.client() as client:
        runs = client.get("/api/runs", params={"flow_id": "again"}).json()["runs"]
    assert len(runs) == 2
    page.get_by_role("button", name="Coffee", exact=True).click()
    hand.expect_run("Done")
    hand.canvas.focus()
    hand.keys("Shift+R")
    expect(form.get_by_label("who")).to_be_focused()
    expect(form.get_by_label("who")).to_have_value("Ana")


def test_f8_holds_a_run_and_lets_it_go_on(app: App, page: Page) -> None:
    put(app, ticking("hold", 3, pause=2))
    hand = Hand(page).open_flow("hold")
    hand.keys("F8")
    expect(page.locator("#editor-alarm")).to_have_text("No run is under way here.")
    hand.keys("r")
    hand.expect_state("Pause", "waiting")
    hand.canvas.focus()
    hand.keys("F8")
    hand.expect_run("Paused")
    hand.keys("F8")
    hand.expect_run("Done")


def test_j_goes_to_what_failed(app: App, page: Page) -> None:
    put(app, failing())
    hand = Hand(page).open_flow("import-orders")
    hand.keys("j")
    expect(page.locator("#editor-alarm")).to_have_text("Nothing failed here.")
    hand.keys("r")
    page.get_by_role("button", name="Run with these").click()
    hand.expect_run("Failed")
    hand.canvas.focus()
    hand.keys("j")
    expect(page.locator(".fc-node:focus")).to_have_attribute("data-state", "failed")
    hand.keys("v")
    tree = page.get_by_role("tree", name="Steps in the order they run")
    tree.get_by_role("treeitem").first.focus()
    hand.keys("j")
    expect(tree.locator(":focus")).to_contain_text("failed")


def test_g_and_a_letter_leave_for_a_page_and_fields_keep_their_letters(hand: Hand) -> None:
    page = hand.page
    page.get_by_label("Name of the flow").focus()
    hand.keys("End", "g", "r", ",")
    expect(page.get_by_label("Name of the flow")).to_have_value("Ask keysgr,")
    expect(hand.saved).to_be_visible()
    hand.canvas.focus()
    hand.keys("g", "r")
    expect(page).to_have_url("/runs")
    page.go_back()
    hand.at_rest()
    hand.keys("Control+,")
    page.wait_for_url("**/settings**")


def test_every_key_is_a_command_too(hand: Hand) -> None:
    page = hand.page
    hand.keys("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    rows = page.locator("#keys-dialog .key-row").filter(has=page.locator("button.key-set"))
    names = [each for each in rows.locator(".key-name").all_inner_texts() if not each.startswith("On a ")]
    assert len(names) > 40
    hand.keys("Escape", "Control+k")
    offered = hand.quick_add.locator(".chooser-name")
    expect(offered.filter(has_text="Go to Inbox")).to_be_visible()
    missing = set(names) - set(offered.all_inner_texts())
    # the list itself, and the letter that begins the way to a page: the pages stand there by name
    assert missing == {"Go to, or do, anything", "Go to a page: then H, F, R, I, S, O or N"}
