"""Subflows by mouse and by keys: collapse, expand, step in and out, and a copy of one's own; the flow does
the same before and after."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.demo import OVER
from browser.documents import EXEC_IN, EXEC_OUT, Document, asking, document, node, pins, put, start
from browser.hand import Hand

pytestmark = pytest.mark.browser

CHAIN = {"Start.exec-out > Ask.exec-in", "Ask.exec-out > Say.exec-in", "Say.exec-out > End.exec-in"}
VALUES = {"Ask.response > Say.message", "Ask.response > End.drink"}


def calling(flow_id: str, called: str) -> Document:
    """A flow that calls another with a constant and gives its result."""
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT]),
        node(
            "call",
            "subflow",
            320,
            0,
            label="Ask them",
            subflowId=called,
            outputs=[EXEC_OUT, *pins(("drink", "string"))],
        ),
        node("end", "on_flow_end", 700, 0, label="End", inputs=[EXEC_IN, *pins(("drink", "string"))]),
    ]
    wires = ["start.exec-out > call.exec-in", "call.exec-out > end.exec-in", "call.drink > end.drink"]
    return document(flow_id, f"Calls {called}", nodes, wires)


def run_and_answer(app: App, flow_id: str) -> object:
    """Run over the API, answer with Tea, return the output."""
    run_id = start(app, flow_id)
    answered: set[str] = set()
    deadline = time.monotonic() + 60
    with app.client() as client:
        while (view := client.get(f"/api/runs/{run_id}").json())["status"] not in OVER:
            assert time.monotonic() < deadline, view
            for prompt in view["prompts"]:
                if prompt["wait_key"] in answered:
                    continue
                answered.add(prompt["wait_key"])
                body = {"wait_key": prompt["wait_key"], "response": "Tea"}
                client.post(f"/api/prompts/{prompt['run_id']}", json=body).raise_for_status()
            time.sleep(0.05)
    return view["output"]


def same_view(one: dict[str, float], other: dict[str, float]) -> bool:
    """Whether two views show the same; a view that rests lies on whole pixels."""
    return all(abs(one[key] - other[key]) < 1 for key in ("x", "y", "zoom"))


def select(hand: Hand, *titles: str) -> None:
    for number, title in enumerate(titles):
        hand.node(title).locator(".fc-head").click(
            modifiers=["Shift"] if number else [], position={"x": 60, "y": 8}
        )


def test_steps_become_a_subflow_and_come_back(app: App, page: Page) -> None:
    put(app, asking("collapse"))
    hand = Hand(page).open_flow("collapse")
    before = run_and_answer(app, "collapse")
    written = hand.flow()
    select(hand, "Ask", "Say")
    hand.keys("Control+e")
    expect(page.locator("flow-canvas").get_by_role("textbox", name="Name of the node")).to_be_focused()
    hand.keys("Enter")
    hand.expect_wires(
        "Start.exec-out > Ask to Say.exec-in",
        "Ask to Say.exec-out > End.exec-in",
        "Ask to Say.response > End.drink",
    )
    expect(hand.saved).to_be_visible()
    assert run_and_answer(app, "collapse") == before
    hand.keys("Control+Shift+e")
    hand.until(lambda: "Ask" in hand.titles(), "the steps are back")
    hand.expect_wires(*CHAIN, *VALUES)
    expect(hand.saved).to_be_visible()
    assert run_and_answer(app, "collapse") == before
    hand.keys("Control+z")
    assert "Ask to Say" in hand.titles()
    hand.keys("Control+z")
    hand.expect_wires(*CHAIN, *VALUES)
    assert hand.flow() == written


def test_what_cannot_be_taken_out_says_why(app: App, page: Page) -> None:
    put(app, asking("refuse"))
    hand = Hand(page).open_flow("refuse")
    select(hand, "Start", "Ask")
    hand.node("Ask").locator(".fc-title").click(button="right")
    page.get_by_role("menuitem", name="Collapse into a subflow").click()
    expect(page.locator(".toast")).to_contain_text("“Start” stays")
    hand.expect_wires(*CHAIN, *VALUES)


def test_stepping_in_shows_the_calls_own_run_and_leads_back_to_the_same_view(app: App, page: Page) -> None:
    put(app, asking("inner"))
    put(app, calling("outer", "inner"))
    hand = Hand(page).open_flow("outer")
    hand.keys("r")
    card = page.locator(".ask-card")
    expect(card).to_be_visible()
    hand.expect_state("Ask them", "waiting")
    hand.node("Ask them").locator(".fc-head").click(position={"x": 60, "y": 8})
    hand.keys("+")
    hand.at_rest()
    view = hand.look("view")
    outer = hand.run_line()
    hand.node("Ask them").focus()
    hand.keys("Enter")
    expect(page.locator("#flow-name")).to_have_value("Ask inner")
    hand.at_rest()
    hand.expect_state("Ask", "waiting")
    assert hand.run_line() != outer
    page.locator(".ask-card").get_by_role("button", name="Tea").click()
    hand.expect_run("Done")
    hand.expect_state("Say", "done")
    page.get_by_role("navigation", name="You are here").get_by_role("link", name="Calls inner").click()
    expect(page.locator("#flow-name")).to_have_value("Calls inner")
    hand.at_rest()
    hand.expect_run("Done")
    assert hand.run_line() == outer
    assert same_view(hand.look("view"), view)
    assert hand.look("selection")["nodes"] == ["call"]
    box = hand.node("Ask them").bounding_box()
    assert box is not None
    page.mouse.dblclick(box["x"] + box["width"] / 2, box["y"] + box["height"] - 6)
    expect(page.locator("#flow-name")).to_have_value("Ask inner")
    hand.at_rest()
    hand.expect_state("Ask", "done")
    page.go_back()
    expect(page.locator("#flow-name")).to_have_value("Calls inner")
    hand.at_rest()
    assert same_view(hand.look("view"), view)


def test_a_node_may_have_a_copy_of_its_own(app: App, page: Page) -> None:
    put(app, asking("shared"))
    put(app, calling("keeps", "shared"))
    hand = Hand(page).open_flow("keeps")
    hand.node("Ask them").locator(".fc-title").click(button="right")
    page.get_by_role("menuitem", name="Make it a copy of its own").click()
    hand.until(lambda: hand.flow()["nodes"][1]["data"]["subflowId"] != "shared", "it calls the copy")
    expect(hand.saved).to_be_visible()
    put(app, {**asking("shared"), "nodes": [], "edges": []})
    assert run_and_answer(app, "keeps") == {"drink": "Tea", "success": True}
    hand.node("Ask them").locator(".fc-title").click(button="right")
    page.get_by_role("menuitem", name="Follow the flow again").click()
    hand.until(lambda: hand.flow()["nodes"][1]["data"]["subflowId"] == "shared", "it follows again")
    assert "canvas" not in hand.flow()["nodes"][1]["data"]


def test_a_node_is_bound_to_a_version_in_the_inspector(app: App, page: Page) -> None:
    put(app, asking("steady", ("Tea", "Juice")))
    with app.client() as client:
        client.post("/api/flows/steady/versions", json={"name": "with juice"}).raise_for_status()
    put(app, {**asking("steady", ("Milk",)), "name": "Ask steady"})
    put(app, calling("binds", "steady"))
    hand = Hand(page).open_flow("binds")
    select(hand, "Ask them")
    which = hand.setting("Which version")
    expect(which).to_have_value("")
    before = hand.flow()
    which.select_option(label="1 · with juice")
    hand.until(lambda: hand.flow()["nodes"][1]["data"].get("subflowVersion") == "1", "it is bound")
    expect(hand.node("Ask them")).to_have_accessible_name(re.compile("bound to version 1"))
    expect(hand.saved).to_be_visible()
    page.locator("#run-button").click()
    card = page.locator(".ask-card")
    expect(card.get_by_role("button", name="Juice")).to_be_visible()
    card.get_by_role("button", name="Tea").click()
    hand.expect_run("Done")
    hand.node("Ask them").focus()
    hand.keys("Enter")
    expect(page.locator("#flow-name")).to_have_value("Ask steady")
    expect(page.get_by_role("link", name="runs version 1")).to_have_attribute(
        "href", re.compile("/diff/1..draft$")
    )
    page.go_back()
    expect(page.locator("#flow-name")).to_have_value("Calls steady")
    hand.at_rest()
    page.locator("flow-canvas").focus()
    hand.keys("Control+z")
    hand.until(
        lambda: hand.flow()["nodes"][1]["data"] == before["nodes"][1]["data"], "one step of undo frees it"
    )
