"""Documents that mean harm, or that nobody meant: the canvas opens them, shows what it can and loses nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.documents import EXEC_IN, EXEC_OUT, Document, document, node, pins, put, start
from browser.hand import MODEL, Hand

pytestmark = pytest.mark.browser

MARKUP = [
    "<img src=x onerror=window.harmed=1>",
    "<script>window.harmed=1</script>",
    '"><svg onload=window.harmed=1>',
    "<a href='javascript:window.harmed=1' hx-get='/api/runs' hx-trigger='load'>x</a>",
    "{{ 7 * 7 }} ${window.harmed=1} </script><!--",
    "' onfocus='window.harmed=1' autofocus='",
]
START = node("s", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT])


def odd(name: str, nodes: list[Any], edges: list[Any] | None = None, **more: Any) -> Document:
    """A document that is kept as it is, however odd."""
    return {"id": name, "name": name, "nodes": nodes, "edges": edges or [], **more}


def edge(source: Any, target: Any, **more: Any) -> Document:
    return {"source": source, "sourceHandle": "exec-out", "target": target, "targetHandle": "exec-in", **more}


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


ODD = [
    odd("empty", []),
    odd("no-parts", [{}, {"id": "x"}, {"type": "if"}, {"id": 5, "type": ["if"]}], [{}, {"source": "x"}]),
    odd("two-of-one-id", [START, START, node("s", "ask_user", 300, 0)], [edge("s", "s", id="a")] * 2),
    odd(
        "wrong-kinds",
        [
            {"id": "a", "type": "ask_user", "position": "left", "data": {"pinDefaults": [1], "inputs": "x"}},
            {
                "id": "b",
                "type": "switch",
                "position": {"x": None},
                "data": {"switchConfig": {"cases": "many"}},
            },
            {"id": "c", "type": "concat", "data": {"inputs": [5, {}, {"id": "a", "type": 7}], "label": {}}},
            {
                "id": "d",
                "type": "code",
                "data": {"code": 5, "codeBody": []},
                "position": {"x": 1e300, "y": -1e300},
            },
            {"id": "e", "type": "break_object", "data": {"breakConfig": {"selectedPaths": {"a": 1}}}},
            {"id": "f", "type": "if", "data": [1]},
            {"id": "g", "type": "literal_json", "data": {"literalValue": nested(40)}},
        ],
        [edge(1, 2), edge("a", "nowhere"), edge("nowhere", "a"), {**edge("a", "b"), "sourceHandle": 5}],
    ),
    odd(
        "names-of-objects",
        [
            node("__proto__", "ask_user", 0, 0, label="One"),
            node("constructor", "set_var", 300, 0, label="Two"),
            node("toString", "__proto__", 600, 0, label="Three"),
            node("hasOwnProperty", "constructor", 900, 0, pinDefaults={"__proto__": 1, "constructor": 2}),
        ],
        [edge("__proto__", "constructor", id="__proto__"), edge("constructor", "toString", id="valueOf")],
    ),
    odd(
        "in-a-circle",
        [node(each, "set_var", 300 * n, 0) for n, each in enumerate("abc")],
        [edge("a", "b"), edge("b", "c"), edge("c", "a")],
    ),
    odd("long", [START, node("t", "literal_string", 300, 0, label="L" * 1000, literalValue="x" * 1_000_000)]),
    odd("from-the-future", [START], formatVersion=99, layers={"a": [1]}, viewport={"zoom": "big"}),
]


@pytest.mark.parametrize("flow", ODD, ids=lambda flow: str(flow["id"]))
def test_an_odd_document_opens_takes_an_edit_and_loses_nothing(app: App, page: Page, flow: Document) -> None:
    put(app, flow)
    hand = Hand(page).open_flow(str(flow["id"]))
    assert json.loads(page.evaluate(f"JSON.stringify({MODEL}.flow)")) == flow
    page.get_by_role("button", name="Add", exact=True).click()
    hand.choose("answer user")
    expect(hand.saved).to_be_visible()
    hand.until(lambda: len(saved(app, flow)["nodes"]) == len(flow["nodes"]) + 1, "the edit is saved")
    held = saved(app, flow)
    assert held["nodes"][: len(flow["nodes"])] == flow["nodes"]
    assert held["edges"][: len(flow["edges"])] == flow["edges"]
    assert {key: held[key] for key in flow if key not in ("nodes", "edges")} == {
        key: value for key, value in flow.items() if key not in ("nodes", "edges")
    }


def saved(app: App, flow: Document) -> Document:
    with app.client() as client:
        found: Document = client.get(f"/api/flows/{flow['id']}").json()
    return found


@pytest.mark.parametrize("text", MARKUP)
def test_text_is_never_markup(app: App, page: Page, text: str) -> None:
    name = f"markup-{MARKUP.index(text)}"
    nodes = [
        {**START, "data": {**START["data"], "label": text, "outputs": [EXEC_OUT, *pins((text, "string"))]}},
        node("a", "ask_user", 300, 0, label=text, pinDefaults={"prompt": text, "choices": [text, "other"]}),
        node("n", text, 300, 300, label=text, description=text),
        node("e", "on_flow_end", 600, 0, label=text, inputs=[EXEC_IN, *pins(("out", "string"))]),
    ]
    wires = ["s.exec-out > a.exec-in", "a.exec-out > e.exec-in", "a.response > e.out"]
    flow = {**document(name, text, nodes, wires), "description": text}
    put(app, flow)
    hand = Hand(page).open_flow(name)
    hand.node(text).first.click()
    expect(page.locator("#pane-node")).to_be_visible()
    run_id = start(app, name, **{text: text})
    for address in (f"/flows/{name}?run={run_id}", "/", "/flows", "/runs", f"/runs/{run_id}", "/inbox"):
        page.goto(address)
        expect(page.get_by_text(text).or_(page.locator(f"[value={quoted(text)}]")).first).to_be_attached()
        page.wait_for_timeout(150)
        assert page.evaluate("window.harmed") is None, address
    page.goto(f"/inbox/{run_id}")
    with page.expect_navigation():
        page.get_by_role("button", name=text).first.click()
    page.goto(f"/runs/{run_id}")
    expect(page.get_by_text("Done").first).to_be_visible()
    assert page.evaluate("window.harmed") is None


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
