"""Fields that hold code, JSON and schemas, by mouse and by keyboard, under the page's real content policy."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from browser.app import App
from browser.documents import EXEC_IN, EXEC_OUT, document, node, pins, put
from browser.hand import Hand

pytestmark = pytest.mark.browser

OFFERED_MS = 150  # so long an offer stands before a key takes it: a key pressed before meant something else
SCHEMA = {"type": "object", "properties": {"note": {"type": "string"}}, "required": ["note"], "title": "Kept"}


def coded(flow_id: str, body: str) -> dict[str, Any]:
    """A flow with a code node and a schema."""
    taken = [EXEC_IN, *pins(("amount", "number"), ("order", "object"))]
    code = node(
        "code", "code", 300, 0, label="Work", inputs=taken, outputs=[EXEC_OUT, *pins(("output", "any"))]
    )
    code["data"]["codeBody"] = body
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT, *pins(("amount", "number"))]),
        code,
        node("shape", "json_schema", 300, 240, label="Shape", literalValue=SCHEMA),
        node(
            "end", "on_flow_end", 640, 0, label="End", inputs=[EXEC_IN, *pins(("r", "any"), ("s", "object"))]
        ),
    ]
    wires = [
        "start.exec-out > code.exec-in",
        "start.amount > code.amount",
        "code.exec-out > end.exec-in",
        "code.output > end.r",
        "shape.value > end.s",
    ]
    return document(flow_id, "Coded", nodes, wires)


def data_of(hand: Hand, node_id: str) -> dict[str, Any]:
    found = next(each for each in hand.flow()["nodes"] if each["id"] == node_id)
    return dict(found["data"])


def editor(page: Page, label: str) -> Locator:
    """The text of a code field."""
    return page.locator("#pane-node").get_by_role("textbox", name=label, exact=True)


def open_node(page: Page, flow_id: str, title: str) -> Hand:
    hand = Hand(page).open_flow(flow_id)
    hand.node(title).locator(".fc-title").click()
    expect(page.locator("#pane-node .code-field").first).to_be_attached()
    return hand


def test_code_is_coloured_completed_and_undone(app: App, page: Page) -> None:
    put(app, coded("code-a", "return amount"))
    hand = open_node(page, "code-a", "Work")
    field = editor(page, "Code")
    field.click()
    hand.keys("Control+a")
    hand.type("return amo")
    offered = page.locator(".cm-tooltip-autocomplete")
    expect(offered).to_contain_text("amount")
    expect(offered).to_contain_text("number")
    page.wait_for_timeout(OFFERED_MS)
    hand.keys("Enter")
    hand.type(" + math.flo")
    expect(offered).to_contain_text("floor")
    page.wait_for_timeout(OFFERED_MS)
    hand.keys("Tab")
    hand.type("(2.5)")
    expect(field).to_have_text("return amount + math.floor(2.5)")
    colour = field.locator("span", has_text="return").first.evaluate("each => getComputedStyle(each).color")
    assert colour != field.evaluate("each => getComputedStyle(each).color")
    assert data_of(hand, "code")["codeBody"] == "return amount + math.floor(2.5)"
    hand.keys("Control+z")
    expect(field).to_have_text("return amount")
    assert data_of(hand, "code")["codeBody"] == "return amount"
    expect(field).to_be_focused()
    hand.keys("End")
    hand.type(" + 1")
    expect(field).to_have_text("return amount + 1")
    page.wait_for_timeout(OFFERED_MS)
    hand.keys("Escape")
    expect(hand.node("Work")).to_be_focused()


def test_the_servers_refusal_stands_at_its_line(app: App, page: Page) -> None:
    put(app, coded("code-b", "total = amount * 2\nreturn total +"))
    hand = open_node(page, "code-b", "Work")
    field = editor(page, "Code")
    marked = field.locator(".cm-lintRange-error")
    expect(marked).to_have_text("return total +")
    expect(page.locator(".row-problem")).to_contain_text("Line 2")
    field.click()
    hand.keys("Control+End")
    hand.type(" 1")
    expect(page.locator(".row-problem")).to_have_count(0)
    expect(marked).to_have_count(0)


def test_tab_goes_on_from_a_code_field(app: App, page: Page) -> None:
    put(app, coded("code-c", "return amount"))
    hand = open_node(page, "code-c", "Work")
    editor(page, "Code").click()
    hand.keys("Tab")
    expect(editor(page, "Code")).not_to_be_focused()
    assert data_of(hand, "code")["codeBody"] == "return amount"


def test_a_schema_is_a_form_with_its_text_beside_it(app: App, page: Page) -> None:
    put(app, coded("schema-a", "return amount"))
    hand = open_node(page, "schema-a", "Shape")
    pane = page.locator("#pane-node")
    pane.get_by_role("button", name="Add a field", exact=True).click()
    name = pane.get_by_label("Name of the field field_2", exact=True)
    name.fill("count")
    hand.keys("Tab")
    kind = pane.get_by_label("Kind of count", exact=True)
    expect(kind).to_be_focused()
    kind.select_option("whole number")
    pane.locator(".schema-row").nth(1).get_by_label("needed").check()
    pane.get_by_label("What count is", exact=True).fill("how many")
    hand.keys("Tab")
    expected = {
        **SCHEMA,
        "properties": {"note": {"type": "string"}, "count": {"type": "integer", "description": "how many"}},
        "required": ["note", "count"],
    }
    hand.until(lambda: data_of(hand, "shape")["literalValue"] == expected, "the schema is written")
    pane.get_by_role("button", name="Text", exact=True).click()
    field = editor(page, "Value")
    expect(field).to_contain_text('"count"')
    field.click()
    hand.keys("Control+a")
    hand.type('{"type": "object", "properties": {"only": {"type": "boolean"')
    hand.until(lambda: "only" in json.dumps(data_of(hand, "shape")), "what is typed is taken when it is JSON")
    pane.get_by_role("button", name="Form", exact=True).click()
    expect(pane.get_by_label("Kind of only", exact=True)).to_have_value("yes or no")
    pane.get_by_role("button", name="Remove only", exact=True).click()
    hand.until(lambda: data_of(hand, "shape")["literalValue"]["properties"] == {}, "the field is gone")


def test_text_that_is_no_json_is_said_and_changes_nothing(app: App, page: Page) -> None:
    put(app, coded("schema-b", "return amount"))
    hand = open_node(page, "schema-b", "Shape")
    pane = page.locator("#pane-node")
    pane.get_by_role("button", name="Text", exact=True).click()
    editor(page, "Value").click()
    hand.keys("Control+End")
    hand.type(" ,")
    expect(pane.locator(".field-wrong")).to_contain_text("This is not JSON")
    assert data_of(hand, "shape")["literalValue"] == SCHEMA
