"""A key that is written into a node stays in the page: neither the clipboard nor an exported file has it."""

from __future__ import annotations

import io
import zipfile

import pytest
from playwright.sync_api import BrowserContext, expect

from browser.app import App
from browser.conftest import OpenTab
from browser.documents import document, node, put
from browser.hand import Hand

pytestmark = pytest.mark.browser
KEY = "sk-written-by-hand-1234"


def calling(app: App, flow_id: str) -> None:
    web = node(
        "web",
        "web_request",
        0,
        200,
        label="Call",
        pinDefaults={"headers": {"Authorization": f"Bearer {KEY}"}},
    )
    text = node(
        "text", "string_template", 320, 200, label="Letter", pinDefaults={"template": f"use {KEY} for it"}
    )
    put(app, document(flow_id, "Keys", [node("start", "on_flow_start", 0, 0, label="Begin"), web, text], []))


def clipboard(hand: Hand) -> str:
    return str(hand.page.evaluate("navigator.clipboard.readText()"))


def test_a_written_key_does_not_get_onto_the_clipboard(
    app: App, context: BrowserContext, open_tab: OpenTab
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    calling(app, "keyed")
    put(app, document("there", "There", [node("start", "on_flow_start", 0, 0, label="Begin")], []))
    first = open_tab("/flows/keyed")
    first.at_rest()
    first.node("Call").locator(".fc-title").click()
    first.keys("Control+a", "Control+c")
    expect(first.page.locator(".toast")).to_contain_text("without the keys written into them")
    text = clipboard(first)
    assert KEY not in text
    assert "Bearer [key left out: Authorization]" in text
    first.keys("Control+v")
    first.until(lambda: len(first.look("nodes")) == 6, "they are pasted")
    whole = str(first.page.evaluate("JSON.stringify(document.querySelector('flow-canvas').model.flow)"))
    assert whole.count(KEY) == 4, "in the page that copied, what is pasted is whole"

    second = open_tab("/flows/there")
    second.at_rest()
    second.canvas.focus()
    second.keys("Control+v")
    shown = second.page.get_by_role("dialog", name="Paste 3 nodes from elsewhere?")
    expect(shown).to_contain_text(
        "Keys were left out, to be written again: Call (Authorization), Letter (template)"
    )
    second.keys("Enter")
    second.page.get_by_role("button", name="Run: 2 errors", exact=True).click()
    expect(second.page.locator("#pane-problems")).to_contain_text(
        "has a hole in 'headers': the key 'Authorization' was left out"
    )


def test_neither_has_the_text_of_the_flow_nor_an_exported_file(
    app: App, context: BrowserContext, open_tab: OpenTab
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    calling(app, "texted")
    hand = open_tab("/flows/texted")
    hand.at_rest()
    hand.canvas.focus()
    hand.keys("v", "v")
    text = hand.page.get_by_role("textbox", name="Flow as text")
    text.click()
    hand.keys("Control+a", "Control+c")
    hand.until(lambda: "[key left out: Authorization]" in clipboard(hand), "the text is on the clipboard")
    assert KEY not in clipboard(hand)
    with app.client() as client:
        packed = client.get("/api/flows/texted/bundle").content
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert KEY.encode() not in b"".join(archive.read(name) for name in archive.namelist())
