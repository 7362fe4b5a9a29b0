"""What is wrong is shown where it is; every real flow opens and is saved back whole."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.documents import EXEC_OUT, asking, document, node, put
from browser.hand import Hand

pytestmark = pytest.mark.browser


def test_problems_are_shown_and_mended(app: App, page: Page) -> None:
    flow = asking("broken")
    flow["edges"].append(
        {"id": "loose", "source": "ask", "sourceHandle": "response", "target": "gone", "targetHandle": "a"}
    )
    put(app, flow)
    hand = Hand(page).open_flow("broken")
    opener = page.locator("#problems-button")
    expect(opener).to_have_text("1 remark")
    opener.click()
    first = page.locator(".problem").first
    expect(first).to_contain_text("gone")
    fix = first.locator(".button")
    expect(fix).to_be_visible()
    fix.click()
    expect(opener).to_be_hidden()
    expect(page.locator("#pane-problems")).to_contain_text("No problems")
    assert all(edge["id"] != "loose" for edge in hand.flow()["edges"])


def test_a_problem_says_why_and_one_key_takes_its_fix(app: App, page: Page) -> None:
    flow = asking("why")
    flow["edges"].append(
        {"id": "loose", "source": "ask", "sourceHandle": "response", "target": "gone", "targetHandle": "a"}
    )
    flow["nodes"].append(node("alone", "answer_user", 0, 300, label="Alone"))
    put(app, flow)
    hand = Hand(page).open_flow("why")
    page.locator("#problems-button").click()
    rows = page.locator(".problem")
    expect(rows).to_have_count(2)
    first = rows.first
    expect(first.locator("code")).to_be_hidden()
    first.get_by_text("Why?").click()
    expect(first.locator("code")).to_have_text("edge.dangling")
    expect(first).to_contain_text("a wire leads to a node that does not exist", ignore_case=True)
    expect(first).to_contain_text("What to do: remove the wire")
    hand.canvas.focus()
    hand.keys("Control+.")
    expect(page.locator(".toast")).to_contain_text("Remove the wire")
    expect(rows).to_have_count(1)
    hand.node("Start").locator(".fc-title").click()
    hand.keys("Control+.")
    expect(page.locator(".toast").last).to_contain_text("Nothing is wrong here")
    hand.node("Alone").locator(".fc-title").click()
    hand.keys("Control+.")
    expect(page.locator("#pane-problems")).to_contain_text("No problems")
    assert "Alone" not in hand.titles()
    hand.keys("Control+z")
    assert "Alone" in hand.titles()


def test_an_unknown_type_opens_and_names_the_nearest(app: App, page: Page) -> None:
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT]),
        node("odd", "ask_usr", 300, 0, label="Odd one", pinDefaults={"prompt": "?"}, mystery=[1]),
    ]
    flow = document("odd", "Odd", nodes, ["start.exec-out > odd.exec-in"])
    put(app, flow)
    hand = Hand(page).open_flow("odd")
    odd = hand.node("Odd one")
    expect(odd).to_have_attribute("data-problem", "error")
    run = page.get_by_role("button", name="Run: 1 error", exact=True)
    expect(run).to_be_enabled()
    expect(run).to_have_attribute("title", "1 error has to be mended before this flow can run.")
    run.click()
    expect(page.locator("#pane-problems")).to_contain_text("ask_usr")
    expect(page.locator(".toast")).to_contain_text("before this flow can run")
    odd.locator(".fc-title").click()
    pane = page.locator("#pane-node")
    expect(pane).to_contain_text("ask_usr")
    pane.get_by_role("button", name="Use Ask User").click()
    expect(odd).not_to_have_attribute("data-problem", "error")
    expect(page.get_by_role("button", name="Run", exact=True)).to_have_text("Run")
    assert next(each for each in hand.look("nodes") if each["id"] == "odd")["type"] == "ask_user"
    assert hand.flow()["nodes"][1]["data"]["mystery"] == [1]
    hand.expect_wires("Start.exec-out > Odd one.exec-in")


def test_an_unknown_type_is_replaced_by_any_type_and_comes_back(app: App, page: Page) -> None:
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT]),
        node("odd", "telefax", 300, 0, label="Fax", pinDefaults={"message": "Hi"}, mystery=[1]),
    ]
    put(app, document("fax", "Fax", nodes, ["start.exec-out > odd.exec-in"]))
    hand = Hand(page).open_flow("fax")
    before = hand.flow()
    fax = hand.node("Fax")
    fax.locator(".fc-title").click()
    pane = page.locator("#pane-node")
    choice = pane.get_by_label("By a known type")
    expect(choice).to_be_visible()
    assert choice.locator("optgroup").count() > 5
    pane.get_by_role("button", name="Replace", exact=True).click()
    expect(choice).to_be_focused()
    choice.select_option(label="Ask User")
    assert hand.flow() == before  # neither choosing alone nor replacing by nothing changes it
    pane.get_by_role("button", name="Replace", exact=True).click()
    expect(fax).not_to_have_attribute("data-problem", "error")
    after = hand.flow()["nodes"][1]
    assert after["type"] == "ask_user"
    assert (after["data"]["pinDefaults"], after["data"]["mystery"]) == ({"message": "Hi"}, [1])
    hand.expect_wires("Start.exec-out > Fax.exec-in")
    hand.keys("Control+z")
    assert hand.flow() == before
    hand.expect_wires("Start.exec-out > Fax.exec-in")


def test_kinds_of_problems_differ_by_more_than_their_colour(app: App, page: Page) -> None:
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT]),
        node("odd", "telefax", 300, 0, label="Fax"),
        node("alone", "answer_user", 300, 300, label="Alone"),
    ]
    put(app, document("kinds", "Kinds", nodes, ["start.exec-out > odd.exec-in"]))
    hand = Hand(page).open_flow("kinds")
    seen = "(badge) => [getComputedStyle(badge, '::before').content, getComputedStyle(badge).borderRadius]"
    looks = []
    for title, word in (("Fax", "error"), ("Alone", "note")):
        expect(hand.node(title)).to_have_attribute("data-problem", word)
        expect(hand.node(title)).to_have_accessible_name(re.compile(rf", an? {word}\b"))
        looks.append(hand.node(title).locator(".fc-badge").evaluate(seen))
    assert looks[0][0] != looks[1][0]
    assert looks[0][1] != looks[1][1]
    hand.keys("v")
    lines = page.get_by_role("treeitem")
    signs = [
        lines.filter(has_text=title).locator(".outline-problem use").get_attribute("href")
        for title in ("Fax", "Alone")
    ]
    assert signs[0] != signs[1]


def test_every_flow_of_the_corpus_opens_and_is_kept_whole(app: App, page: Page, shared: Path) -> None:
    hand = Hand(page)
    files = sorted((shared / "corpus" / "flows").glob("*.json"))
    assert files
    with app.client() as client:
        for file in files:
            flow = json.loads(file.read_text("utf-8"))
            put(app, flow)
            hand.open_flow(flow["id"])
            held = hand.flow()
            assert held == flow, file.name
            revision = client.get(f"/api/flows/{flow['id']}").headers["ETag"]
            back = client.put(f"/api/flows/{flow['id']}", json=held, headers={"If-Match": revision})
            assert back.status_code == 200, file.name
            assert client.get(f"/api/flows/{flow['id']}").json() == flow, file.name


def test_an_old_flow_is_brought_up_to_date_by_a_button_and_only_then(app: App, page: Page) -> None:
    flow = asking("old")
    flow["nodes"].append(node("sub", "subflow", 600, 300, label="Old call", flowId="old"))
    put(app, flow)
    hand = Hand(page).open_flow("old")
    bar = page.locator("#upgrade")
    expect(bar).to_contain_text("1 thing is written as in an older version")
    bar.locator("summary").click()
    expect(bar.locator("li")).to_contain_text("Old call")
    assert hand.flow() == flow
    assert page.request.get(f"{app.url}/api/flows/old").json() == flow, "opening writes nothing"
    bar.get_by_role("button", name="Bring up to date").click()
    expect(bar).to_be_hidden()
    sub = next(each for each in hand.flow()["nodes"] if each["id"] == "sub")
    assert sub["data"]["subflowId"] == "old"
    assert "flowId" not in sub["data"]
