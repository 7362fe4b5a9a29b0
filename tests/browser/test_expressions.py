"""An input that is computed: written, shown with its value in the last run, carried out."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.documents import EXEC_IN, EXEC_OUT, document, node, pins, put
from browser.hand import Hand

pytestmark = pytest.mark.browser


def saying(flow_id: str) -> dict[str, Any]:
    """A flow that adds two numbers and says a text."""
    amount = pins(("amount", "number"), ("name", "string"))
    nodes = [
        node(
            "start",
            "on_flow_start",
            0,
            0,
            label="Start",
            outputs=[EXEC_OUT, *amount],
            pinDefaults={"amount": 750, "name": "Ana"},
        ),
        node("sum", "add", 280, 220, label="Sum", pinDefaults={"b": 60}),
        node("say", "answer_user", 300, 0, label="Say"),
        node("end", "on_flow_end", 640, 0, label="End", inputs=[EXEC_IN, *pins(("total", "number"))]),
    ]
    wires = [
        "start.exec-out > say.exec-in",
        "say.exec-out > end.exec-in",
        "start.amount > sum.a",
        "sum.result > end.total",
    ]
    return document(flow_id, "Saying", nodes, wires)


def ended(app: App, flow_id: str) -> dict[str, Any]:
    """Run a flow with its defaults and return how it ended."""
    with app.client() as client:
        inputs = {"amount": 750, "name": "Ana"}
        started = client.post("/api/runs", json={"flow_id": flow_id, "inputs": inputs})
        assert started.status_code == 201, started.text
        for _ in range(400):
            page = dict(client.get(f"/api/runs/{started.json()['run_id']}").json())
            if page["status"] in ("completed", "failed"):
                return page
    raise AssertionError(f"{flow_id} did not end")


def test_an_expression_shows_its_value_while_one_writes_and_is_carried_out(app: App, page: Page) -> None:
    put(app, saying("expr-a"))
    ended(app, "expr-a")
    hand = Hand(page).open_flow("expr-a")
    hand.node("Sum").locator(".fc-title").click()
    pane = page.locator("#pane-node")
    pane.get_by_role("button", name="Compute b by an expression").click()
    field = pane.get_by_role("textbox", name="b", exact=True)
    expect(field).to_be_focused()
    expect(field).to_have_text("60")
    hand.keys("Control+a")
    hand.type("a * 0.2")
    result = pane.locator('[data-result-of="b"]')
    expect(result).to_contain_text("150.0")
    expect(result).to_contain_text("a number")
    expect(hand.field("Sum", "b")).to_have_text("= a * 0.2")
    hand.keys("Control+a")
    hand.type("name + amount")
    expect(result).to_contain_text("`amount` is a number, `name` is a text")
    hand.keys("Control+a")
    hand.type("f'{name}: {amt}'")
    expect(result).to_contain_text("there is no 'amt' here")
    hand.keys("Control+a")
    hand.type("name.upper()")
    expect(result).to_contain_text("It gives a text, but this input takes a number")
    hand.keys("Control+a")
    hand.type("amount +")
    expect(pane.locator(".row-problem")).to_contain_text("cannot be read")
    hand.type(" a / 2")
    expect(pane.locator(".row-problem")).to_have_count(0)
    expect(hand.saved).to_be_visible()
    assert ended(app, "expr-a")["output"]["total"] == 750 + 750 + 375
    pane.get_by_role("button", name="Compute b by an expression").click()
    expect(pane.locator("[data-expression]")).to_have_count(0)
    expect(hand.setting("b")).to_have_value("60")
    hand.keys("Escape", "Control+z")
    expect(field).to_have_text("amount + a / 2")


def test_an_expression_by_keyboard_offers_variables_and_is_kept(app: App, page: Page) -> None:
    put(app, saying("expr-b"))
    ended(app, "expr-b")
    hand = Hand(page).open_flow("expr-b")
    hand.node("Say").locator(".fc-title").click()
    pane = page.locator("#pane-node")
    toggle = pane.get_by_role("button", name="Compute message by an expression")
    toggle.focus()
    hand.keys("Enter")
    field = pane.get_by_role("textbox", name="message", exact=True)
    expect(field).to_be_focused()
    hand.type("'Dear ' + na")
    offered = page.locator(".cm-tooltip-autocomplete")
    expect(offered).to_contain_text("name")
    expect(offered).to_contain_text("variable")
    page.wait_for_timeout(150)
    hand.keys("Enter")
    expect(pane.locator('[data-result-of="message"]')).to_contain_text("Dear Ana")
    expect(hand.saved).to_be_visible()
    hand.open_flow("expr-b")
    hand.node("Say").locator(".fc-title").click()
    expect(field).to_have_text("'Dear ' + name")
    assert hand.flow()["nodes"][2]["data"]["pinExpressions"] == {"message": "'Dear ' + name"}


def test_an_expression_is_written_on_the_node_after_its_sign(app: App, page: Page) -> None:
    put(app, saying("expr-here"))
    hand = Hand(page).open_flow("expr-here")
    field = hand.field("Sum", "b")
    field.click()
    hand.keys("Control+a", "Backspace")
    hand.type("= a * 2")
    hand.keys("Escape")
    expect(field).to_have_text("= a * 2")
    expect(field).to_have_attribute("data-expression", "")
    expect(hand.saved).to_be_visible()
    assert ended(app, "expr-here")["output"]["total"] == 2250
    field.click()
    hand.keys("Control+a")
    hand.type("5")
    hand.keys("Escape")
    expect(field).to_have_text("5")
    data = next(each for each in hand.flow()["nodes"] if each["id"] == "sum")["data"]
    assert "b" not in data.get("pinExpressions", {})
    hand.keys("Control+z")
    expect(field).to_have_text("= a * 2")


def test_an_expression_for_a_list_a_switch_or_a_choice_is_read_and_written_on_the_node(
    app: App, page: Page
) -> None:
    """Where no text could be written, there is a line for it; it goes when the expression does."""
    long = "[each for each in range(amount) if each % 2 == 0 and each > 100]"
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT, *pins(("amount", "number"))]),
        node("each", "loop", 280, 0, label="Each", pinExpressions={"items": long}),
        node("if", "if", 560, 0, label="Much?", pinExpressions={"condition": "amount > 100"}),
        node("say", "answer_user", 840, 0, label="Say", pinExpressions={"level": "'warning'"}),
    ]
    wires = ["start.exec-out > each.exec-in", "each.loop > if.exec-in", "if.true > say.exec-in"]
    put(app, document("expr-any", "Any", nodes, wires))
    hand = Hand(page).open_flow("expr-any")
    items, condition, level = (
        hand.field("Each", "items"),
        hand.field("Much?", "condition"),
        hand.field("Say", "level"),
    )
    expect(items).to_have_text(f"= {long}")
    expect(items).to_have_css("text-overflow", "ellipsis")
    expect(items).to_have_attribute("title", f"= {long}")
    right = "(each) => each.getBoundingClientRect().right"
    assert items.evaluate(right) <= hand.node("Each").evaluate(right) - 8
    expect(condition).to_have_text("= amount > 100")
    expect(level).to_have_text("= 'warning'")
    condition.click()
    hand.keys("Control+a")
    hand.type("= amount > 7")
    hand.keys("Escape")
    expect(condition).to_have_text("= amount > 7")
    assert hand.flow()["nodes"][2]["data"]["pinExpressions"] == {"condition": "amount > 7"}
    condition.click()
    hand.keys("Control+a", "Backspace")
    expect(condition).to_be_focused()
    assert not hand.flow()["nodes"][2]["data"].get("pinExpressions")
    hand.keys("Escape")
    expect(condition).to_have_attribute("role", "switch")
    hand.keys("Control+z")
    expect(condition).to_have_text("= amount > 7")


def test_the_key_of_expressions_begins_one_where_a_switch_or_a_choice_is(app: App, page: Page) -> None:
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT, *pins(("amount", "number"))]),
        node("if", "if", 280, 0, label="Much?"),
        node("say", "answer_user", 560, 0, label="Say"),
    ]
    put(app, document("expr-key", "Key", nodes, ["start.exec-out > if.exec-in", "if.true > say.exec-in"]))
    hand = Hand(page).open_flow("expr-key")
    condition, level = hand.field("Much?", "condition"), hand.field("Say", "level")
    condition.focus()
    hand.keys("=")
    expect(condition).to_be_focused()
    expect(condition).to_have_attribute("role", "textbox")
    hand.keys("Escape")
    expect(condition).to_have_attribute("role", "switch")
    assert "pinExpressions" not in hand.flow()["nodes"][1]["data"]
    condition.focus()
    hand.keys("=")
    hand.type("amount > 3")
    hand.keys("Escape")
    expect(condition).to_have_text("= amount > 3")
    level.focus()
    hand.keys("=")
    hand.type("'warning'")
    hand.keys("Escape")
    expect(level).to_have_text("= 'warning'")
    data = {each["id"]: each["data"].get("pinExpressions") for each in hand.flow()["nodes"]}
    assert data == {"start": None, "if": {"condition": "amount > 3"}, "say": {"level": "'warning'"}}


def test_a_list_and_an_object_that_are_not_set_have_a_place_on_the_node(app: App, page: Page) -> None:
    """The place says which it is, leads to the inspector, and `=` begins an expression there."""
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT, *pins(("rows", "array"))]),
        node("end", "on_flow_end", 280, 0, label="End", inputs=[EXEC_IN, *pins(("all", "array"))]),
        node("keys", "break_object", 0, 240, label="Keys"),
    ]
    put(app, document("expr-unset", "Unset", nodes, ["start.exec-out > end.exec-in"]))
    hand = Hand(page).open_flow("expr-unset")
    rows, whole = hand.field("End", "all"), hand.field("Keys", "object")
    expect(rows).to_have_attribute("data-hint", "[ ]")
    expect(whole).to_have_attribute("data-hint", "{ }")
    expect(rows).to_have_accessible_name("all: not set")
    rows.focus()
    hand.keys("=")
    hand.type("vars['rows']")
    hand.keys("Escape")
    expect(rows).to_have_text("= vars['rows']")
    assert hand.flow()["nodes"][1]["data"]["pinExpressions"] == {"all": "vars['rows']"}
    whole.click()
    expect(page.locator("#pane-node").locator('[data-path="pinDefaults.object"]')).to_be_attached()
    expect(hand.node("End")).to_have_css("border-top-left-radius", "6px")
