"""What a newcomer comes to after the demo: a wrong wire mended, a flow published and answered on a phone, a question to oneself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.app import App
from browser.conftest import PATIENCE_MS
from browser.documents import EXEC_IN, EXEC_OUT, Document, asking, document, node, pins, put
from browser.hand import Hand
from browser.watch import Watch

pytestmark = pytest.mark.browser


def counting(flow_id: str) -> Document:
    """Ask for a number; a delay could take it."""
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT]),
        node("ask", "ask_user", 280, 0, label="How long?"),
        node("wait", "wait_until", 720, 0, label="Wait", pinDefaults={"duration": 0}),
        node("end", "on_flow_end", 1040, 0, label="End", inputs=[EXEC_IN, *pins(("said", "string"))]),
    ]
    wires = [
        "start.exec-out > ask.exec-in",
        "ask.exec-out > wait.exec-in",
        "wait.exec-out > end.exec-in",
        "ask.response > end.said",
    ]
    return document(flow_id, "How long", nodes, wires)


def test_a_text_drawn_to_a_number_is_refused_and_one_key_mends_it(app: App, page: Page) -> None:
    put(app, counting("text-number"))
    hand = Hand(page).open_flow("text-number")
    before = hand.flow()
    wires = hand.wires()
    hand.drag(hand.pin("How long?", "out", "response"), hand.pin("Wait", "in", "duration"))
    expect(page.locator(".toast")).to_contain_text("text → number: a number is expected here.")
    expect(page.locator(".toast")).to_contain_text("Put Number From Text between")
    assert hand.flow() == before
    hand.keys("Control+.")
    expect(hand.node("Number From Text")).to_be_visible()
    put_in = {"How long?.response > Number From Text.text", "Number From Text.result > Wait.duration"}
    hand.expect_wires(*wires, *put_in)
    hand.keys("r")
    card = page.locator("#pane-run .ask-card")
    card.get_by_role("textbox").fill("0.1")
    hand.keys("Enter")
    hand.expect_run("Done")
    hand.canvas.focus()
    hand.keys("Control+z")
    assert hand.flow() == before


@pytest.fixture
def reachable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """An installation behind a proxy, so that a phone could reach it."""
    monkeypatch.setenv("FLOWSTUDIO_ORIGIN", "https://flows.example.com")
    installation = App(tmp_path).start()
    yield installation
    installation.stop()


def test_what_is_published_is_offered_to_a_phone_and_answered_there(
    chromium: Browser, reachable: App, watch: Watch
) -> None:
    put(reachable, asking("order"))
    desk = chromium.new_context(base_url=reachable.url, viewport={"width": 1440, "height": 900})
    desk.set_default_timeout(PATIENCE_MS)
    page = watch.over(desk.new_page())
    page.goto("/login" + reachable.link.partition("/login")[2])
    page.wait_for_url(lambda url: "/login" not in url)
    page.goto("/flows/order/publish")
    page.get_by_role("button", name="Publish the draft").click()
    page.goto("/flows/order/versions")
    page.get_by_role("button", name="Open it on a phone").click()
    expect(page.get_by_role("img", name="QR code of a link that signs a phone in")).to_be_visible()
    expect(page.get_by_text("https://flows.example.com/flows/order/run")).to_be_visible()

    pocket = chromium.new_context(
        base_url=reachable.url,
        viewport={"width": 390, "height": 844},
        has_touch=True,
        storage_state=desk.storage_state(),
    )
    pocket.set_default_timeout(PATIENCE_MS)
    phone = watch.over(pocket.new_page())
    phone.goto("/flows/order/run")
    phone.get_by_role("button", name="Run").last.tap()
    phone.wait_for_url("**/runs/*")
    hand = Hand(page).open_flow("order")
    hand.expect_state("Ask", "waiting")
    phone.get_by_role("button", name="Tea", exact=True).tap()
    hand.expect_state("Say", "done")
    expect(phone.get_by_text("Done").first).to_be_visible()
    pocket.close()
    desk.close()


def test_the_gallery_shows_what_needs_no_key(app: App, page: Page) -> None:
    page.goto("/gallery")
    everything = page.locator("[data-starter]").count()
    page.get_by_role("navigation", name="Which flows").get_by_role("link", name="No key").click()
    cards = page.locator("[data-starter]")
    expect(page.get_by_role("link", name="No key")).to_have_attribute("aria-current", "page")
    assert 0 < cards.count() <= everything
    for card in cards.all():
        expect(card.get_by_role("list", name="About this flow")).to_contain_text("no key")


def test_an_empty_inbox_sends_a_question_to_oneself(tmp_path: Path, chromium: Browser, watch: Watch) -> None:
    alone = App(tmp_path).start()
    profile = chromium.new_context(base_url=alone.url, viewport={"width": 1440, "height": 900})
    profile.set_default_timeout(PATIENCE_MS)
    page = watch.over(profile.new_page())
    page.goto(alone.link)
    page.wait_for_url(lambda url: "/login" not in url)
    page.goto("/inbox")
    expect(page.get_by_role("heading", name="Nothing waits for you")).to_be_visible()
    page.get_by_role("button", name="Send yourself a test question").click()
    hand = Hand(page)
    hand.at_rest()
    page.goto("/inbox")
    row = page.locator("#inbox-list .rows li").first
    row.get_by_role("link").first.click()
    page.get_by_role("textbox", name="Your answer").fill("Ana")
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_text("Your answer is written down")).to_be_visible()
    page.goto("/inbox")
    expect(page.get_by_role("region", name="Answered by you")).to_contain_text("Ana")
    profile.close()
    alone.stop()


def test_run_to_here_is_offered_where_a_node_has_no_data(app: App, page: Page) -> None:
    put(app, asking("to-here"))
    hand = Hand(page).open_flow("to-here")
    hand.node("Ask").locator(".fc-title").click()
    page.locator("#pane-node").get_by_role("tab", name="Data", exact=True).click()
    page.locator("#pane-node").get_by_role("button", name="Run to here").click()
    hand.expect_state("Ask", "stopped")
    card = page.locator("#pane-run .ask-card")
    expect(card).to_contain_text("The run is where it was to go")
    expect(card).to_contain_text("Before “Ask”")
    page.locator("#tab-node").click()
    expect(page.locator("#pane-node")).to_contain_text("Tea or coffee?")


def telling(flow_id: str) -> Document:
    """A flow that tells others of an order."""
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT]),
        node("tell", "emit_event", 320, 0, label="Tell", pinDefaults={"name": "ordered"}),
        node("end", "on_flow_end", 680, 0, label="End", inputs=[EXEC_IN]),
    ]
    return document(
        flow_id, "Telling", nodes, ["start.exec-out > tell.exec-in", "tell.exec-out > end.exec-in"]
    )


def test_an_effect_is_named_by_a_key_of_the_author(app: App, page: Page) -> None:
    put(app, telling("keyed"))
    hand = Hand(page).open_flow("keyed")
    hand.node("Tell").locator(".fc-title").click()
    page.locator("#pane-node").get_by_role("tab", name="Policy", exact=True).click()
    key = page.get_by_label("Key", exact=True)
    key.fill('f"order-{')
    hand.keys("Tab")
    page.locator("#tab-problems").click()
    expect(page.locator("#pane-problems")).to_contain_text("Tell")
    page.locator("#tab-node").click()
    key.fill('"order"')
    hand.keys("Tab")
    page.locator("#tab-problems").click()
    expect(page.locator("#pane-problems")).not_to_contain_text("Tell")
    expect(hand.saved).to_be_visible()
    tell = next(each for each in hand.flow()["nodes"] if each["id"] == "tell")
    assert tell["data"]["policy"] == {"key": '"order"'}
    hand.canvas.focus()
    hand.keys("r")
    hand.expect_run("Done")


def test_the_map_goes_by_a_key_and_nodes_are_cut_and_put_elsewhere(app: App, page: Page) -> None:
    put(app, asking("cut"))
    put(app, {"id": "cut-into", "name": "Into", "nodes": [], "edges": []})
    hand = Hand(page).open_flow("cut")
    before = hand.flow()
    shown = page.locator(".fc-map").is_visible()
    hand.canvas.focus()
    hand.keys("m")
    expect(page.locator(".fc-map")).to_be_visible(visible=not shown)
    hand.keys("m")
    expect(page.locator(".fc-map")).to_be_visible(visible=shown)

    hand.node("Say").locator(".fc-title").click()
    hand.keys("Control+x")
    assert hand.titles() == ["Ask", "End", "Start"]
    hand.keys("Control+z")
    assert hand.flow() == before
    hand.node("Say").locator(".fc-title").click()
    hand.keys("Control+x")
    expect(hand.saved).to_be_visible()
    hand.open_flow("cut-into")
    hand.canvas.focus()
    hand.keys("Control+v")
    hand.until(lambda: hand.titles() == ["Say"], "the node is in the other flow")
