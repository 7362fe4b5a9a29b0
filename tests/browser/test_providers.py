"""A model server is kept, tested and chosen from: on the page of the settings, and in the form of a node."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from browser.app import App
from browser.documents import EXEC_IN, EXEC_OUT, document, node, put
from browser.hand import Hand
from web.moody import MoodyModel

pytestmark = pytest.mark.browser


@pytest.fixture
def server() -> Iterator[MoodyModel]:
    made = MoodyModel()
    made.offers = ["moody-small", "moody-large"]
    yield made
    made.close()


def kept(page: Page, name: str, address: str) -> Locator:
    """Fill in the form of a provider; return its card."""
    page.goto("/settings/models")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Address", exact=True).fill(address)
    page.get_by_role("button", name="Keep").click()
    return page.get_by_role("region", name=name)


def test_the_test_button_says_what_the_server_offers_and_when_it_is_gone(
    app: App, page: Page, server: MoodyModel
) -> None:
    card = kept(page, "here", server.url)
    expect(card).not_to_contain_text("It answers")
    card.get_by_role("button", name="Test").click()
    told = card.get_by_role("status")
    expect(told).to_have_text("It answers, and offers 2 models: moody-large, moody-small.")
    server.offers = ["moody-new"]
    card.get_by_role("button", name="Test").click()
    expect(told).to_have_text("It answers, and offers 1 model: moody-new.")
    server.close()
    card.get_by_role("button", name="Test").click()
    expect(told).to_contain_text("cannot be reached")
    expect(told).not_to_contain_text("It answers")


def test_a_model_is_picked_from_those_that_the_server_offers(
    app: App, page: Page, server: MoodyModel
) -> None:
    kept(page, "shop", server.url)
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT]),
        node("ask", "llm_call", 300, 0, label="Think", pinDefaults={"prompt": "Hello"}),
        node("end", "on_flow_end", 800, 0, label="End", inputs=[EXEC_IN]),
    ]
    wires = ["start.exec-out > ask.exec-in", "ask.exec-out > end.exec-in"]
    put(app, document("picked", "Picked", nodes, wires))
    hand = Hand(page).open_flow("picked")
    hand.node("Think").locator(".fc-title").click()
    pane = page.locator("#pane-node")
    pane.get_by_label("provider", exact=True).select_option("shop")
    expect(pane).to_contain_text("2 models of shop")
    field = pane.get_by_label("model", exact=True)
    offered = page.locator(f"datalist#{field.get_attribute('list')} option")
    expect(offered).to_have_count(2)
    assert [each.get_attribute("value") for each in offered.all()] == ["moody-large", "moody-small"]
    field.fill("moody-large")
    hand.keys("Tab")
    data = next(each for each in hand.flow()["nodes"] if each["id"] == "ask")["data"]
    assert (data["pinDefaults"]["provider"], data["pinDefaults"]["model"]) == ("shop", "moody-large")
    page.get_by_role("button", name="Run", exact=True).click()
    hand.expect_run("Done")
    assert server.models == ["moody-large"]
    assert server.asked == ["Hello"]
