"""The form that starts a run in the editor: examples are kept, chosen, renamed and deleted; the start as an API call."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.documents import EXEC_IN, EXEC_OUT, document, node, pins, put
from browser.hand import Hand
from browser.watch import Watch

pytestmark = pytest.mark.browser


def taking() -> dict[str, Any]:
    """A flow that takes words and a number."""
    taken = pins(("words", "string"), ("amount", "number"))
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT, *taken]),
        node("end", "on_flow_end", 400, 0, label="End", inputs=[EXEC_IN, *taken]),
    ]
    wires = ["start.exec-out > end.exec-in", "start.words > end.words", "start.amount > end.amount"]
    return document("taking", "Taking", nodes, wires)


def test_examples_are_kept_with_the_flow_and_a_call_is_copied(app: App, page: Page, watch: Watch) -> None:
    put(app, taking())
    watch.over(page)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    hand = Hand(page).open_flow("taking")
    page.locator("#run-button").click()
    pane = page.locator("#pane-run")
    pane.get_by_label("words").fill("many")
    pane.get_by_label("amount").fill("500")
    pane.get_by_label("Keep these values as an example").fill("A large order")
    pane.get_by_role("button", name="Keep", exact=True).click()
    expect(pane.get_by_label("Example", exact=True)).to_have_value("A large order")
    expect(hand.saved).to_be_visible()
    with app.client() as client:
        kept = client.get("/api/flows/taking").json()["examples"]
    assert kept == [{"name": "A large order", "inputs": {"words": "many", "amount": 500}}]

    pane.get_by_role("button", name="Copy as API call").click()
    expect(pane.locator(".run-call")).to_contain_text("$FLOWSTUDIO_TOKEN")
    assert '"amount": 500' in page.evaluate("navigator.clipboard.readText()")

    hand.open_flow("taking")
    page.locator("#run-button").click()
    expect(pane.get_by_label("amount")).to_have_value("")
    pane.get_by_label("Example", exact=True).select_option("A large order")
    expect(pane.get_by_label("amount")).to_have_value("500")
    pane.get_by_label("Keep these values as an example").fill("Huge")
    pane.get_by_role("button", name="Rename").click()
    expect(pane.get_by_label("Example", exact=True)).to_have_value("Huge")
    pane.get_by_role("button", name="Delete").click()
    expect(pane.get_by_label("Example", exact=True)).to_be_hidden()
    expect(hand.saved).to_be_visible()
    with app.client() as client:
        assert "examples" not in client.get("/api/flows/taking").json()
    page.goto("/flows/taking/versions")
    expect(page.locator(".edit-rows")).to_contain_text("Rename the example “A large order” to “Huge”")
