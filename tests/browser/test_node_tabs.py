"""The tabs of a node in the inspector, by mouse and by keyboard; what happens when a step fails."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.documents import EXEC_IN, EXEC_OUT, document, node, pins, put
from browser.hand import Hand

pytestmark = pytest.mark.browser


def dividing(flow_id: str) -> dict[str, Any]:
    """A flow whose step fails when it is asked to divide by nothing."""
    work = node(
        "work",
        "code",
        300,
        0,
        label="Work",
        inputs=[EXEC_IN, *pins(("share", "number"))],
        outputs=[EXEC_OUT, *pins(("output", "any"))],
    )
    work["data"]["codeBody"] = "return {'part': 100 / share, 'long': 'ab' * 20000}"
    nodes = [
        node(
            "start",
            "on_flow_start",
            0,
            0,
            label="Start",
            outputs=[EXEC_OUT, *pins(("share", "number"))],
            pinDefaults={"share": 4},
        ),
        work,
        node("end", "on_flow_end", 640, 0, label="End", inputs=[EXEC_IN, *pins(("part", "any"))]),
    ]
    wires = [
        "start.exec-out > work.exec-in",
        "start.share > work.share",
        "work.exec-out > end.exec-in",
        "work.part > end.part",
    ]
    return document(flow_id, "Dividing", nodes, wires)


def run(app: App, flow_id: str, share: float, status: str) -> str:
    """Run a flow to its end and return the run's id."""
    with app.client() as client:
        started = client.post("/api/runs", json={"flow_id": flow_id, "inputs": {"share": share}})
        run_id = str(started.json()["run_id"])
        for _ in range(400):
            if client.get(f"/api/runs/{run_id}").json()["status"] == status:
                return run_id
    raise AssertionError(f"{run_id} is not {status}")


def tab(page: Page, name: str) -> Any:
    return page.locator("#pane-node").get_by_role("tab", name=name, exact=True)


def test_data_and_runs_are_read_from_runs_that_were(app: App, page: Page) -> None:
    put(app, dividing("tabs-a"))
    good = run(app, "tabs-a", 5, "completed")
    bad = run(app, "tabs-a", 0, "failed")
    hand = Hand(page).open_flow("tabs-a")
    hand.node("Work").locator(".fc-title").click()
    pane = page.locator("#pane-node")
    expect(pane).to_contain_text("in the run: 5")
    tab(page, "Data").click()
    expect(pane.get_by_role("region", name="Came in")).to_contain_text("5")
    expect(pane.get_by_role("region", name="Came out")).to_contain_text("20.0")
    pane.get_by_role("button", name="Show it whole").click()
    expect(pane).to_contain_text("20,000 characters are left")
    pane.get_by_role("button", name="Show more").click()
    expect(pane).to_contain_text("40,000 characters in all")
    pane.get_by_label("Values of").select_option(bad)
    expect(pane).to_contain_text("division by zero")
    hand.node("End").locator(".fc-title").click()
    expect(pane).to_contain_text("did not come to this node")
    hand.node("Work").locator(".fc-title").click()
    pane.get_by_label("Values of").select_option("")
    expect(pane).to_contain_text("20.0")
    tab(page, "Runs").click()
    expect(pane).to_contain_text("2 of 2")
    pane.locator(".node-runs a").last.click()
    page.wait_for_url(f"**/runs/{good}*")
    expect(page.locator(f"[id='{page.url.partition('#')[2]}']")).to_contain_text("Work")


def test_tabs_go_by_keyboard_and_a_run_brings_its_values(app: App, page: Page) -> None:
    put(app, dividing("tabs-b"))
    hand = Hand(page).open_flow("tabs-b")
    hand.node("Work").locator(".fc-title").click()
    tab(page, "Set-up").focus()
    hand.keys("ArrowRight")
    expect(tab(page, "Data")).to_be_focused()
    expect(tab(page, "Data")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#pane-node")).to_contain_text("No data")
    hand.keys("ArrowLeft", "ArrowLeft")
    expect(tab(page, "Notes")).to_be_focused()
    notes = page.get_by_label("Notes about this node")
    notes.fill("Ask <b>Ana</b> first.")
    hand.until(lambda: "Ana" in str(hand.flow()), "the note is in the document")
    read = page.get_by_role("region", name="As it reads")
    expect(read).to_contain_text("Ask <b>Ana</b> first.")
    notes.fill("Ask **Ana**, see [the page](https://wiki.test/x).")
    expect(read.locator("strong")).to_have_text("Ana")
    expect(read.get_by_role("link", name="the page")).to_have_attribute("href", "https://wiki.test/x")
    notes.fill("Ask <b>Ana</b> first.")
    expect(read.locator("b, strong")).to_have_count(0)
    page.get_by_label("Owner").fill("Ana, finance")
    hand.until(
        lambda: hand.flow()["nodes"][1]["data"]["canvas"].get("owner") == "Ana, finance", "so is the owner"
    )
    hand.node("Start").locator(".fc-title").click()
    hand.node("Work").locator(".fc-title").click()
    expect(notes).to_have_value("Ask <b>Ana</b> first.")
    expect(page.get_by_label("Owner")).to_have_value("Ana, finance")
    expect(read).to_contain_text("Ask <b>Ana</b> first.")
    tab(page, "Data").click()
    hand.keys("Escape", "r")
    page.locator("#pane-run").get_by_role("button", name="Run", exact=False).first.click()
    hand.expect_run("Done")
    page.locator("#tab-node").click()
    expect(page.locator("#pane-node")).to_contain_text("25.0")


def test_what_happens_when_a_step_fails(app: App, page: Page) -> None:
    put(app, dividing("tabs-c"))
    hand = Hand(page).open_flow("tabs-c")
    hand.node("Work").locator(".fc-title").click()
    tab(page, "Policy").click()
    fails = page.get_by_label("When it fails")
    words = ["Stop: the run fails", "Branch: go on by “On error”", "Continue as if it had not failed"]
    expect(fails.locator("option")).to_have_text(words)
    fails.select_option("branch")
    way = hand.pin("Work", "out", "exec-error")
    expect(way).to_be_visible()
    hand.drag(way, hand.spot(0.6, 0.75))
    hand.choose("answer")
    wired = [wire for wire in hand.look("wires") if wire["sourcePin"] == "exec-error"]
    assert len(wired) == 1
    expect(hand.saved).to_be_visible()
    run(app, "tabs-c", 0, "completed")
    hand.node("Work").locator(".fc-title").click()
    tab(page, "Data").click()
    expect(page.locator("#pane-node")).to_contain_text("division by zero")
    expect(page.locator("#pane-node .visit-head")).to_contain_text("Failed, went on")


def test_the_panel_is_made_wide_enough_for_both_sides(app: App, page: Page) -> None:
    put(app, dividing("tabs-d"))
    run(app, "tabs-d", 5, "completed")
    hand = Hand(page).open_flow("tabs-d")
    hand.node("Work").locator(".fc-title").click()
    tab(page, "Data").click()
    sides = [page.get_by_role("region", name=name) for name in ("Came in", "Came out")]
    expect(sides[1]).to_be_visible()

    def beside() -> bool:
        left, right = (each.bounding_box() for each in sides)
        return bool(left and right and right["x"] > left["x"] + 50)

    assert not beside()
    handle = page.get_by_role("separator", name="Width of the side panel")
    hand.drag(handle, (760, 400))
    hand.until(beside, "both stand side by side")
    handle.focus()
    hand.keys("End")
    expect(handle).to_have_attribute("aria-valuenow", "300")
    hand.keys("ArrowLeft", "ArrowLeft")
    expect(handle).to_have_attribute("aria-valuenow", "340")
    hand.keys("Home")
    hand.open_flow("tabs-d")
    expect(handle).to_have_attribute("aria-valuenow", "720")


def ended(client: httpx.Client, run_id: str) -> None:
    """Wait until a run has ended well."""
    deadline = time.monotonic() + 60
    while client.get(f"/api/runs/{run_id}").json()["status"] != "completed":
        assert time.monotonic() < deadline, f"{run_id} does not end"
        time.sleep(0.1)


def tabled(flow_id: str) -> dict[str, Any]:
    """A flow whose step makes a list of objects."""
    body = "return {'rows': [{'name': who, 'n': 1}, {'name': 'Cy', 'n': 2}]}"
    ins, outs = [EXEC_IN, *pins(("who", "string"))], [EXEC_OUT, *pins(("rows", "array"))]
    begins = [EXEC_OUT, *pins(("who", "string"))]
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=begins, pinDefaults={"who": "Ada"}),
        node("work", "code", 300, 0, label="Work", inputs=ins, outputs=outs, codeBody=body),
        node("end", "on_flow_end", 640, 0, label="End", inputs=[EXEC_IN, *pins(("all", "array"))]),
    ]
    wires = ["start.exec-out > work.exec-in", "start.who > work.who", "work.exec-out > end.exec-in"]
    return document(flow_id, "Tabled", nodes, wires)


def test_data_is_searched_copied_by_its_path_and_wired_from(app: App, page: Page) -> None:
    put(app, tabled("tabled"))
    with app.client() as client:
        for who in ("Ada", "Bea"):
            body = {"flow_id": "tabled", "inputs": {"who": who}}
            run_id = str(client.post("/api/runs", json=body).json()["run_id"])
            ended(client, run_id)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    hand = Hand(page).open_flow("tabled")
    hand.node("Work").locator(".fc-head").click(position={"x": 60, "y": 8})
    panel = page.locator("#pane-node")
    panel.get_by_role("tab", name="Data").click()
    table = panel.get_by_role("group", name="rows as a table")
    expect(table.get_by_role("row")).to_have_count(3)
    expect(panel).to_contain_text("Differs from the run before: 1 place")
    panel.get_by_placeholder("Search these values").fill("cy")
    expect(table.get_by_role("row")).to_have_count(2)
    expect(panel.locator("[data-found]")).to_have_text("1 value holds it")
    came_in = panel.get_by_role("region", name="Came in")
    expect(came_in.locator(".datum", has_text="who")).to_be_hidden()
    panel.get_by_title('Copy the path rows[1]["name"]').click()
    hand.until(
        lambda: page.evaluate("navigator.clipboard.readText()") == 'rows[1]["name"]', "the path is copied"
    )
    panel.get_by_placeholder("Search these values").fill("")
    panel.get_by_role("button", name="Wire rows from here").click()
    hand.keys("Enter")
    hand.until(lambda: "Work.rows > End.all" in hand.wires(), "it is wired")
