"""Wires behind names, and the signs in a node's header: by mouse and by keys."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.documents import EXEC_OUT, asking, document, node, put
from browser.hand import Hand

pytestmark = pytest.mark.browser


def drawn(hand: Hand) -> int:
    """How many wires have a line on the canvas."""
    return sum(bool(path.get_attribute("d")) for path in hand.page.locator(".fc-wire").all())


def test_a_wire_goes_behind_a_name_and_the_name_leads_to_its_other_end(app: App, page: Page) -> None:
    put(app, asking("tags"))
    hand = Hand(page).open_flow("tags")
    whole = drawn(hand)
    hand.node("Say").locator(".fc-head").click(position={"x": 60, "y": 8})
    hand.keys("h")
    tags = page.locator(".fc-tag")
    expect(tags).to_have_count(2)
    assert drawn(hand) == whole - 1
    page.get_by_role("button", name="response: comes from Ask").click()
    expect(hand.pin("Ask", "out", "response")).to_be_focused()
    hand.keys("Shift+H")
    expect(hand.pin("Say", "in", "message")).to_be_focused()
    expect(hand.saved).to_be_visible()
    page.reload()
    hand.at_rest()
    expect(tags).to_have_count(2)
    assert "Ask.response > Say.message" in hand.wires()
    hand.node("Say").focus()
    hand.keys("ArrowLeft", "ArrowRight", "h")
    expect(tags).to_have_count(0)
    assert drawn(hand) == whole
    hand.keys("Control+z")
    expect(tags).to_have_count(2)


def test_the_two_names_of_a_short_wire_lie_neither_on_each_other_nor_on_a_node(app: App, page: Page) -> None:
    nodes = [
        node("a", "trim", 0, 0, label="A name that is long"),
        node("b", "length", 320, 0, label="Length"),
    ]
    put(app, document("near", "Near", nodes, ["a.result > b.text"]))
    hand = Hand(page).open_flow("near")
    hand.canvas.focus()
    hand.keys("Control+a", "h")
    out, into = page.locator(".fc-tag[data-side=out]"), page.locator(".fc-tag[data-side=in]")
    expect(out).to_have_text("A name that is long")
    boxes = [
        each.bounding_box() for each in (hand.node("A name that is long"), out, into, hand.node("Length"))
    ]
    first, left, right, last = (box for box in boxes if box is not None)
    assert first["x"] + first["width"] <= left["x"] + 1
    assert left["x"] + left["width"] <= right["x"]
    assert right["x"] + right["width"] <= last["x"] + 1
    expect(out).to_have_attribute("title", re.compile("^A name that is long"))


def test_what_is_set_for_a_node_stands_in_its_header_and_in_its_name(app: App, page: Page) -> None:
    web = node("ask", "web_request", 320, 0, label="Fetch", webConfig={"retries": 3}, onError="branch")
    put(
        app,
        document(
            "chips",
            "Chips",
            [node("start", "on_flow_start", 0, 0, label="Start"), web],
            ["start.exec-out > ask.exec-in"],
        ),
    )
    hand = Hand(page).open_flow("chips")
    chips = hand.node("Fetch").locator(".fc-chips")
    expect(chips).to_have_text("3")
    expect(chips.locator(".icon")).to_have_count(3)
    name = hand.node("Fetch").get_attribute("aria-label")
    assert name is not None
    assert "3 retries" in name
    assert "On error" in name
    assert "leaves this machine" in name
    expect(hand.node("Start").locator(".fc-chips")).to_be_hidden()


def test_many_signs_leave_a_long_title_room_and_the_state_its_place(app: App, page: Page) -> None:
    """What has no room is counted as `+n`, and is in the words; the title ends before the signs."""
    title = "Fetch the newest rates of exchange for all the currencies"
    marks = {
        "pinned": {"outputs": {"status": 200}},
        "breakpoint": {"off": True},
        "remark": "why",
        "own": "another-flow",
    }
    web = node(
        "ask",
        "web_request",
        320,
        0,
        label=title,
        webConfig={"retries": 3, "secretHeaders": "Authorization: SHOP"},
        onError="continue",
        pinDefaults={"url": "https://example.org", "timeout": 5},
        policy={"key": "vars['day']"},
        canvas=marks,
    )
    start = node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT])
    put(app, document("signs", "Signs", [start, web], ["start.exec-out > ask.exec-in"]))
    hand = Hand(page).open_flow("signs")
    shown = hand.node(title)
    chips = shown.locator(".fc-chips")
    expect(chips).to_contain_text("+2")
    for words in ("3 retries", "needs a secret", "leaves this machine", "note: why"):
        assert words in str(chips.get_attribute("title")), words
        assert words in str(shown.get_attribute("aria-label")), words
    hand.keys("r")
    hand.expect_state(title, "done")
    signs = """(title) => { const range = document.createRange(); range.setStart(title.firstChild, 0);
        range.setEnd(title.firstChild, 12); return [range, title, ...title.parentNode.querySelectorAll(".fc-chips, .fc-sign")]
        .flatMap((each) => { const { left, right } = each.getBoundingClientRect(); return [left, right]; }); }"""
    _, twelve, _, end, chips_from, chips_to, sign_from, sign_to = shown.locator(".fc-title").evaluate(signs)
    assert twelve <= end <= chips_from < chips_to <= sign_from < sign_to


def test_a_named_wire_gets_another_name_by_keys_and_by_the_mouse(app: App, page: Page) -> None:
    put(app, asking("renames"))
    hand = Hand(page).open_flow("renames")
    hand.node("Say").locator(".fc-head").click(position={"x": 60, "y": 8})
    hand.keys("h")
    expect(page.get_by_role("button", name="response: comes from Ask")).to_be_visible()
    hand.pin("Ask", "out", "response").focus()
    hand.keys("F2")
    field = page.get_by_role("dialog", name="Rename the wire").get_by_label("Name")
    expect(field).to_be_focused()
    field.fill("drink chosen")
    field.press("Enter")
    expect(hand.pin("Ask", "out", "response")).to_be_focused()
    expect(page.locator(".fc-tag")).to_have_text(["drink chosen", "drink chosen"])
    page.get_by_role("button", name="drink chosen: comes from Ask").click(button="right")
    field.fill("drink")
    page.get_by_role("button", name="Rename", exact=True).click()
    expect(page.locator(".fc-tag")).to_have_text(["drink", "drink"])
    hand.keys("Control+z")
    expect(page.locator(".fc-tag")).to_have_text(["drink chosen", "drink chosen"])


def test_a_secret_that_the_server_has_not_is_said_when_its_name_is_written(app: App, page: Page) -> None:
    web = node("ask", "web_request", 320, 0, label="Fetch")
    put(app, document("secret", "Secret", [node("start", "on_flow_start", 0, 0, label="Start"), web], []))
    hand = Hand(page).open_flow("secret")
    hand.node("Fetch").locator(".fc-title").click()
    field = hand.setting("Secret headers")
    field.fill("Authorization: Bearer OTHER")
    hand.keys("Tab")
    said = page.locator("#pane-node .picker-state").filter(has_text="This server has no secrets")
    expect(said).to_contain_text("OTHER is not set here.")
    expect(field).to_have_value("Authorization: Bearer OTHER")
