"""Taking flows away and back: export, delete, import, run again; delete and undo."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.documents import EXEC_IN, EXEC_OUT, Document, asking, document, node, pins, put
from browser.hand import Hand

pytestmark = pytest.mark.browser


def child() -> Document:
    """A flow that greets by name."""
    nodes = [
        node("start", "on_flow_start", 0, 0, outputs=[EXEC_OUT, *pins(("who", "string"))]),
        node("text", "concat", 0, 160, pinDefaults={"a": "Hello"}),
        node("end", "on_flow_end", 420, 0, inputs=[EXEC_IN, *pins(("greeting", "string"))]),
    ]
    wires = ["start.exec-out > end.exec-in", "start.who > text.b", "text.result > end.greeting"]
    return document("greet", "Greet somebody", nodes, wires)


def parent() -> Document:
    """A flow that is to run the other one, not told which yet."""
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT]),
        node("call", "subflow", 320, 0, label="Call", subflowId=""),
        node("end", "on_flow_end", 760, 0, label="End", inputs=[EXEC_IN, *pins(("said", "string"))]),
    ]
    return document(
        "welcome", "Welcome", nodes, ["start.exec-out > call.exec-in", "call.exec-out > end.exec-in"]
    )


def remove(page: Page, name: str) -> None:
    """Delete a flow from the list."""
    page.get_by_label(f"More about {name}").click()
    page.get_by_role("button", name="Delete").locator("visible=true").click()
    expect(page.get_by_role("link", name=name, exact=True)).to_have_count(0)


def test_a_flow_leaves_and_comes_back_with_its_subflow(app: App, page: Page, tmp_path: Path) -> None:
    put(app, child())
    put(app, parent())
    hand = Hand(page).open_flow("welcome")
    choose_subflow(hand)
    run_and_expect(hand, "Hello Ana")

    with page.expect_download() as download:
        page.get_by_role("link", name="Export").click()
    carried = tmp_path / download.value.suggested_filename
    assert carried.suffix == ".flow"
    download.value.save_as(carried)
    saved = hand.flow()

    page.goto("/flows")
    remove(page, "Welcome")
    remove(page, "Greet somebody")
    assert list(app.flows.glob("*greet*")) == [], "the file is gone"
    page.get_by_role("button", name="Import").first.click()
    page.locator("#import input[type=file]").set_input_files(carried)
    page.wait_for_url("**/flows/welcome")
    hand.at_rest()
    assert hand.flow() == saved
    run_and_expect(hand, "Hello Ana")


def choose_subflow(hand: Hand) -> None:
    """Say in the inspector which flow to run; its parameters and results become pins."""
    hand.node("Call").locator(".fc-title").click()
    hand.setting("Flow").select_option(label="Greet somebody")
    expect(hand.pin("Call", "in", "who")).to_be_visible()
    hand.field("Call", "who").fill("Ana")
    hand.drag(hand.pin("Call", "out", "greeting"), hand.pin("End", "in", "said"))
    hand.expect_wires(
        "Start.exec-out > Call.exec-in", "Call.exec-out > End.exec-in", "Call.greeting > End.said"
    )


def run_and_expect(hand: Hand, said: str) -> None:
    """Run the flow on the page and read its result."""
    hand.page.get_by_role("button", name="Run", exact=True).click()
    hand.expect_run("Done")
    assert json.loads(hand.output())["said"] == said


def test_a_deleted_flow_comes_back_by_undo(app: App, page: Page) -> None:
    flow = asking("gone")
    put(app, flow)
    page.goto("/flows")
    remove(page, "Ask gone")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("link", name="Ask gone", exact=True)).to_be_visible()
    with app.client() as client:
        assert client.get("/api/flows/gone").json() == flow


def test_an_import_says_what_it_reaches_before_anybody_runs_it(app: App, page: Page, tmp_path: Path) -> None:
    nodes = [
        node("start", "on_flow_start", 0, 0, outputs=[EXEC_OUT]),
        node("sum", "code", 300, 0, code="def transform(_input):\n    return {}"),
    ]
    put(app, document("risky", "Risky", nodes, ["start.exec-out > sum.exec-in"]))
    carried = tmp_path / "risky.flow"
    with app.client() as client:
        carried.write_bytes(client.get("/api/flows/risky/bundle").content)
        client.delete("/api/flows/risky")
    page.goto("/flows")
    page.get_by_role("button", name="Import").first.click()
    page.locator("#import input[type=file]").set_input_files(carried)
    told = page.locator("#import-dialog")
    expect(told).to_contain_text("runs code in the sandbox (1 node)")
    with app.client() as client:
        assert client.get("/api/runs?flow_id=risky").json()["runs"] == []
    told.get_by_role("link", name="Look at it").click()
    page.wait_for_url("**/flows/risky")
    Hand(page).at_rest()
