"""Versions, the difference on the canvas and as a list, publishing, and the text form."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from browser.app import App
from browser.documents import asking, put
from browser.hand import Hand
from browser.watch import Watch

pytestmark = pytest.mark.browser


def saved(app: App, flow_id: str) -> dict[str, Any]:
    with app.client() as client:
        return dict(client.get(f"/api/flows/{flow_id}").json())


def edit(hand: Hand, prompt: str) -> None:
    hand.field("Ask", "prompt").fill(prompt)
    expect(hand.saved).to_be_visible()


def test_a_version_is_named_compared_and_restored(app: App, page: Page, watch: Watch) -> None:
    put(app, asking("kept"))
    hand = Hand(page).open_flow("kept")
    edit(hand, "Milk?")
    page.get_by_role("link", name="Versions").click()
    page.get_by_label("Name for the draft").fill("With milk")
    page.keyboard.press("Enter")
    expect(page.get_by_text("With milk", exact=True)).to_be_visible()

    page.get_by_role("link", name="Open the draft").click()
    hand.at_rest()
    edit(hand, "Sugar?")
    hand.node("End").locator(".fc-title").click()
    hand.keys("Delete")
    hand.node("Say").locator(".fc-title").click()
    hand.keys("Shift+ArrowDown", "Shift+ArrowDown")
    expect(hand.saved).to_be_visible()
    page.goto("/flows/kept/versions")
    tools = page.locator(".version-tools :is(input, select, button)")
    boxes = [tools.nth(at).bounding_box() for at in range(tools.count())]
    assert len({(box["y"], box["height"]) for box in boxes if box}) == 1, boxes
    page.get_by_role("link", name="Compare version 2 with the draft").click()
    rows = page.locator(".diff-list .diff-rows > li")
    expect(page.locator(".diff-list")).to_contain_text("Milk?")
    expect(page.locator(".diff-list")).to_contain_text("Sugar?")
    hand.at_rest()
    expect(hand.node("Ask")).to_have_attribute("data-diff", "changed")
    expect(hand.node("End")).to_have_attribute("data-diff", "removed")
    expect(hand.node("Say")).to_have_attribute("data-diff", "moved")
    page.keyboard.press("j")
    expect(rows.first).to_be_focused()
    hand.until(lambda: hand.look("selection.nodes") == ["ask"], "the canvas shows the first change")
    page.keyboard.press("j")
    hand.until(lambda: hand.look("selection.nodes") != ["ask"], "and the next one")

    page.get_by_role("link", name="As text").click()
    expect(page.locator("[data-line=removed] del").first).to_contain_text("Milk")
    expect(page.locator("[data-line=added] ins").first).to_contain_text("Sugar")

    page.goto("/flows/kept/versions")
    expect(page.locator(".edit-rows")).to_contain_text(re.compile(r"Ask: prompt “Milk\?” → “Sugar\?”"))
    page.get_by_role("button", name="Restore version 2").click()
    expect(page.get_by_text("Version 2 again", exact=True)).to_be_visible()
    assert saved(app, "kept")["nodes"][1]["data"]["pinDefaults"]["prompt"] == "Milk?"
    hand.open_flow("kept")
    expect(page.get_by_role("button", name="Undo")).to_be_enabled()
    page.get_by_role("button", name="Undo").click()
    expect(hand.field("Ask", "prompt")).to_have_text("Sugar?")


def test_publishing_shows_the_difference_first(app: App, page: Page, watch: Watch) -> None:
    put(app, asking("live"))
    hand = Hand(page).open_flow("live")
    hand.keys("Control+k")
    hand.type("publish")
    expect(hand.quick_add).to_contain_text("Publish…")
    hand.keys("Enter")
    expect(page.get_by_role("heading", name="Publish")).to_be_visible()
    page.get_by_role("button", name="Publish the draft").click()
    expect(page.get_by_text("is published, and the draft says the same")).to_be_visible()

    hand.open_flow("live")
    edit(hand, "Cocoa?")
    page.goto("/flows/live/publish")
    expect(page.locator(".diff-list")).to_contain_text("Cocoa?")
    with app.client() as client:
        run = client.post("/api/runs", json={"flow_id": "live"}).json()["run_id"]
        hand.until(lambda: client.get(f"/api/runs/{run}").json()["prompts"], "the caller's run asks")
        asked = client.get(f"/api/runs/{run}").json()
    assert (asked["prompts"][0]["prompt"], asked["version"]) == ("Tea or coffee?", 1), (
        "callers run what is published"
    )
    hand.open_flow("live")
    page.locator("#run-button").click()
    expect(page.locator("#pane-run")).to_contain_text("Cocoa?")
    page.goto(f"/runs/{run}")
    page.get_by_role("link", name="1", exact=True).click()
    expect(page.get_by_role("heading", name="Versions of")).to_be_visible()


def test_any_change_can_be_gone_back_to_without_script(app: App, page: Page, context: BrowserContext) -> None:
    put(app, asking("plain"))
    hand = Hand(page).open_flow("plain")
    edit(hand, "One")
    hand.canvas.focus()
    hand.keys("Control+z")
    hand.node("End").locator(".fc-title").click()
    hand.keys("Delete")
    expect(hand.saved).to_be_visible()
    browser = context.browser
    assert browser is not None
    bare = browser.new_context(
        java_script_enabled=False, base_url=app.url, storage_state=context.storage_state()
    )
    plain = bare.new_page()
    plain.goto("/flows/plain/versions")
    expect(plain.locator(".edit-rows > li")).to_have_count(3)
    plain.get_by_role("button", name="Back to here, after change 1").click()
    expect(plain.locator(".edit-rows > li").first).to_contain_text("Back to after")
    assert saved(app, "plain")["nodes"][1]["data"]["pinDefaults"]["prompt"] == "One", "undone, and back"
    plain.goto("/flows/plain/diff/1..draft")
    expect(plain.locator(".diff-list")).to_contain_text("One")
    bare.close()
    expect(hand.field("Ask", "prompt")).to_have_text("One")


def test_the_text_is_a_third_editor_of_the_flow(app: App, page: Page, watch: Watch) -> None:
    put(app, asking("text"))
    hand = Hand(page).open_flow("text")
    hand.keys("v", "v")
    text = page.get_by_role("textbox", name="Flow as text")
    expect(text).to_be_focused()
    state = page.locator(".text-state")
    page.evaluate(TYPE, ["Tea or coffee?", "Water or juice?"])
    expect(hand.field("Ask", "prompt")).to_have_text("Water or juice?")
    expect(hand.saved).to_be_visible()
    assert saved(app, "text")["nodes"][1]["data"]["pinDefaults"]["prompt"] == "Water or juice?"

    page.evaluate(TYPE, ['"Water or juice?"', '"Water or juice?'])
    expect(state).to_contain_text("Line ")
    expect(state).to_contain_text("no closing quote")
    expect(text.locator(".cm-lintRange-error")).to_have_count(1)
    expect(hand.field("Ask", "prompt")).to_have_text("Water or juice?")
    hand.keys("Control+z")
    expect(state).not_to_contain_text("Line ")
    hand.keys("Control+z")
    expect(hand.field("Ask", "prompt")).to_have_text("Tea or coffee?")
    expect(text).to_contain_text("Tea or coffee?")
    hand.keys("Escape", "Shift+V", "Shift+V")
    expect(page.locator(".text-view")).to_be_hidden()
    expect(hand.saved).to_be_visible()
    assert saved(app, "text") == asking("text")


# Puts the cursor behind a text in the editor by its own search for it, and types over it.
TYPE = """([before, after]) => {
  const root = document.querySelector(".text-host").shadowRoot;
  const walk = document.createTreeWalker(root.querySelector(".cm-content"), NodeFilter.SHOW_TEXT);
  const line = [...root.querySelectorAll(".cm-line")].find((each) => each.textContent.includes(before));
  const range = document.createRange();
  let left = line.textContent.indexOf(before), size = before.length, node;
  const texts = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
  let begun = false;
  while ((node = texts.nextNode())) {
    if (!begun && left <= node.length) { range.setStart(node, left); begun = true; size += left; left = 0; }
    else if (!begun) { left -= node.length; continue; }
    if (size <= node.length) { range.setEnd(node, size); break; }
    size -= node.length;
  }
  const selection = root.getSelection ? root.getSelection() : getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
  document.execCommand("insertText", false, after);
}"""


def test_ctrl_s_names_a_version(app: App, page: Page) -> None:
    put(app, asking("named"))
    hand = Hand(page).open_flow("named")
    edit(hand, "Milk?")
    hand.node("Ask").focus()
    hand.keys("Control+s")
    dialog = page.get_by_role("dialog", name="Name this version")
    field = dialog.get_by_label("Name")
    expect(field).to_be_focused()
    assert field.input_value().strip(), "a name is offered"
    hand.keys("Escape")
    expect(dialog).to_have_count(0)
    expect(hand.node("Ask")).to_be_focused()
    hand.keys("Control+s")
    hand.type("With milk")
    hand.keys("Enter")
    expect(page.locator(".toast")).to_contain_text("is “With milk” now")
    page.get_by_role("link", name="Versions").click()
    expect(page.get_by_text("With milk", exact=True)).to_be_visible()
    with app.client() as client:
        rows = client.get("/api/flows/named/versions").json()["versions"]
        number = next(row["number"] for row in rows if row["name"] == "With milk")
        document = client.get(f"/api/flows/named/versions/{number}").json()
    assert "Milk?" in str(document)
