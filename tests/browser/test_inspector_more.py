"""Further tries, pickers, and several nodes at once, in the browser."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from browser.app import App
from browser.documents import EXEC_IN, EXEC_OUT, document, node, put
from browser.hand import Hand
from browser.watch import Watch

pytestmark = pytest.mark.browser


def three(flow_id: str) -> dict[str, Any]:
    """A flow of two notices and a question to a model."""
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT]),
        node("a", "notify", 260, 0, label="First", pinDefaults={"message": "one"}),
        node("b", "notify", 520, 0, label="Second", pinDefaults={"message": "two"}),
        node("ask", "llm_call", 780, 0, label="Think", pinDefaults={"prompt": "Say hello"}),
        node("end", "on_flow_end", 1100, 0, label="End", inputs=[EXEC_IN]),
    ]
    chain = ["start", "a", "b", "ask", "end"]
    wires = [f"{one}.exec-out > {two}.exec-in" for one, two in pairwise(chain)]
    return document(flow_id, "Three", nodes, wires)


def data_of(hand: Hand, node_id: str) -> dict[str, Any]:
    return dict(next(each for each in hand.flow()["nodes"] if each["id"] == node_id)["data"])


def test_further_tries_are_set_and_drawn(app: App, page: Page) -> None:
    put(app, three("more-a"))
    hand = Hand(page).open_flow("more-a")
    hand.node("First").locator(".fc-title").click()
    page.locator("#node-tab-policy").click()
    retries = page.get_by_label("Retries", exact=True)
    retries.fill("3")
    hand.keys("Tab")
    expect(page.locator("#pane-node .backoff figcaption")).to_contain_text("1.0 s · 2.0 s · 4.0 s")
    page.get_by_label("First pause").fill("0,5")
    hand.keys("Enter")
    expect(page.locator("#pane-node .backoff figcaption")).to_contain_text("500 ms · 1.0 s · 2.0 s")
    assert data_of(hand, "a")["policy"] == {"retries": 3, "pause": 0.5}
    retries.fill("99")
    hand.keys("Tab")
    expect(page.locator("#pane-node .row-problem")).to_contain_text("must be a whole number from 0 to 10")


def test_pickers_tell_what_there_is(app: App, page: Page) -> None:
    put(app, three("more-b"))
    hand = Hand(page).open_flow("more-b")
    hand.node("Think").locator(".fc-title").click()
    pane = page.locator("#pane-node")
    expect(pane).to_contain_text("No provider is configured")
    expect(pane.get_by_role("link", name="Add a provider in the settings")).to_have_attribute(
        "href", "/settings/models"
    )
    pane.get_by_label("calculate").check()
    hand.until(lambda: "calculate" in str(data_of(hand, "ask")), "the tool is chosen")
    name = pane.get_by_label("A tool by its name")
    name.fill("search")
    hand.keys("Enter")
    expect(pane.locator('[data-tool="search"]')).to_be_checked()
    assert data_of(hand, "ask")["pinDefaults"]["tools"] == ["calculate", "search"]
    with app.client() as client:
        made = client.post(
            "/settings/models", data={"name": "pretend", "kind": "scripted"}, follow_redirects=False
        )
        assert made.status_code in (200, 303), made.text
    hand.node("First").locator(".fc-title").click()
    hand.node("Think").locator(".fc-title").click()
    pane.get_by_label("provider", exact=True).select_option("pretend")
    expect(pane).to_contain_text("1 model of pretend")
    assert data_of(hand, "ask")["pinDefaults"]["provider"] == "pretend"


def test_several_nodes_are_edited_together(app: App, page: Page) -> None:
    put(app, three("more-c"))
    hand = Hand(page).open_flow("more-c")
    hand.node("First").locator(".fc-title").click()
    hand.node("Second").locator(".fc-title").click(modifiers=["Shift"])
    pane = page.locator("#pane-node")
    expect(pane).to_contain_text("2 nodes selected")
    expect(pane).to_contain_text("They differ: one, two")
    pane.get_by_label("message", exact=True).fill("Both of you")
    hand.keys("Tab")
    assert [data_of(hand, each)["pinDefaults"]["message"] for each in "ab"] == ["Both of you"] * 2
    expect(pane).not_to_contain_text("They differ: one, two")
    pane.get_by_label("When it fails").select_option("continue")
    assert [data_of(hand, each)["onError"] for each in "ab"] == ["continue"] * 2
    hand.keys("Escape", "Control+z", "Control+z")
    assert [data_of(hand, each)["pinDefaults"]["message"] for each in "ab"] == ["one", "two"]
    assert [data_of(hand, each).get("onError") for each in "ab"] == [None, None]


def test_a_form_that_is_refused_late_leaves_alone_what_is_shown_by_then(
    app: App, page: Page, watch: Watch
) -> None:
    watch.expected_statuses.add(409)
    put(app, three("more-d"))
    hand = Hand(page).open_flow("more-d")
    held: list[Route] = []
    page.route("**/editor/inspector", lambda route: held.append(route))
    hand.node("First").locator(".fc-title").click()
    hand.until(lambda: held, "the form is asked for")
    hand.keys("Escape")
    pane = page.locator("#pane-node")
    expect(pane).to_contain_text("Nothing selected")
    with page.expect_response("**/editor/inspector"):
        held[0].fulfill(status=409, content_type="text/plain", body="This was said of another node.")
    page.wait_for_timeout(100)
    expect(pane).to_contain_text("Nothing selected")
    expect(pane).not_to_contain_text("another node")
    page.unroute("**/editor/inspector")
    hand.node("Second").locator(".fc-title").click()
    expect(hand.setting("message")).to_have_value("two")


def test_the_form_of_an_unknown_type_begins_where_enter_changes_nothing(app: App, page: Page) -> None:
    flow = three("more-e")
    flow["nodes"][1] = node("a", "zx_unheard_of", 260, 0, label="First")
    put(app, flow)
    page.set_viewport_size({"width": 390, "height": 844})
    hand = Hand(page).open_flow("more-e")
    page.get_by_role("treeitem").filter(has_text="First").first.focus()
    hand.keys("Enter")
    expect(page.locator("#pane-node [data-new-type]")).to_be_focused()
    hand.keys("Enter")
    page.wait_for_timeout(200)
    kept = next(each for each in hand.flow()["nodes"] if each["id"] == "a")
    assert kept["data"]["nodeType"] == "zx_unheard_of"
