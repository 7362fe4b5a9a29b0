"""Editing without fear: undo to the byte, text on the clipboard, saving by itself, two tabs at once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from browser.app import App
from browser.conftest import OpenTab
from browser.documents import asking, document, node, put, start
from browser.hand import Hand
from browser.watch import Watch

pytestmark = pytest.mark.browser


def text_of(hand: Hand) -> str:
    """The document on the canvas, key order included."""
    return str(hand.page.evaluate("JSON.stringify(document.querySelector('flow-canvas').model.flow)"))


def saved(app: App, flow_id: str) -> dict[str, Any]:
    with app.client() as client:
        return dict(client.get(f"/api/flows/{flow_id}").json())


def test_undo_leads_back_to_the_same_bytes(app: App, page: Page) -> None:
    flow = asking("undo") | {"unknown": {"kept": [1, None]}}
    flow["nodes"][1]["extra"] = {"z": 1, "a": 2}
    put(app, flow)
    hand = Hand(page).open_flow("undo")
    first = text_of(hand)
    steps = edit_much(hand)
    last = text_of(hand)
    assert json.loads(last) != json.loads(first)

    undo, redo = page.get_by_role("button", name="Undo"), page.get_by_role("button", name="Redo")
    for _ in range(steps):
        undo.click()
    expect(undo).to_be_disabled()
    assert text_of(hand) == first
    for _ in range(steps):
        redo.click()
    expect(redo).to_be_disabled()
    assert text_of(hand) == last
    hand.canvas.click(position={"x": 8, "y": 8})
    for _ in range(steps):
        hand.keys("Control+z")
    assert text_of(hand) == first
    expect(hand.saved).to_be_visible()
    assert saved(app, "undo") == flow


def edit_much(hand: Hand) -> int:
    """Change the flow in every way; return how many steps of undo that makes."""
    say = hand.node("Say").locator(".fc-title")
    x, y = (say.bounding_box() or {}).get("x", 0.0), (say.bounding_box() or {}).get("y", 0.0)
    hand.drag(say, (x + 60, y + 150))
    hand.field("Ask", "prompt").fill("Milk or sugar?")
    hand.keys("Escape", "F2")
    hand.type("Question")
    hand.keys("Enter")
    hand.keys("Control+d")
    hand.keys("Shift+ArrowDown", "Shift+ArrowDown", "Shift+ArrowLeft")
    hand.node("Say").locator(".fc-title").click()
    hand.keys("Delete")
    hand.drag(hand.pin("Start", "out", "exec-out"), hand.spot(0.3, 0.85))
    hand.choose("if")
    hand.page.get_by_label("Name of the flow").fill("Changed")
    hand.canvas.focus()
    hand.keys("Control+a", "Delete")
    return 9


def test_nodes_travel_as_text_between_flows(app: App, context: BrowserContext, open_tab: OpenTab) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    put(app, asking("from"))
    put(app, document("to", "To", [node("start", "on_flow_start", 0, 0, label="Begin")], []))
    first = open_tab("/flows/from")
    first.at_rest()
    first.node("Ask").locator(".fc-title").click()
    first.page.keyboard.down("Shift")
    first.node("Say").locator(".fc-title").click()
    first.page.keyboard.up("Shift")
    first.keys("Control+c")
    copied = first.page.evaluate("navigator.clipboard.readText()")
    assert {each["id"] for each in json.loads(copied)["nodes"]} == {"ask", "say"}

    second = open_tab("/flows/to")
    second.at_rest()
    second.canvas.focus()
    second.keys("Control+v")
    expect(second.node("Ask")).to_be_visible()
    assert second.titles() == ["Ask", "Begin", "Say"]
    second.expect_wires("Ask.exec-out > Say.exec-in", "Ask.response > Say.message")
    second.keys("Control+v")
    assert second.titles() == ["Ask", "Ask", "Begin", "Say", "Say"]
    expect(second.saved).to_be_visible()
    assert len({each["id"] for each in saved(app, "to")["nodes"]}) == 5


def test_what_comes_from_elsewhere_is_shown_before_it_is_pasted(
    app: App, context: BrowserContext, page: Page
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    put(app, document("guest", "Guest", [node("start", "on_flow_start", 0, 0, label="Begin")], []))
    hand = Hand(page).open_flow("guest")
    code = node("c", "code", 0, 0, label="Their code")
    letter = {"nodes": [code, node("w", "web_request", 300, 0), node("f", "fax", 600, 0)], "edges": []}
    page.evaluate("text => navigator.clipboard.writeText(text)", json.dumps(letter))
    hand.canvas.focus()
    hand.keys("Control+v")
    shown = page.get_by_role("dialog", name="Paste 3 nodes from elsewhere?")
    expect(shown).to_contain_text("Code of theirs: Their code")
    expect(shown).to_contain_text("Speaks to other computers: Web Request")
    expect(shown).to_contain_text("Not known here: fax")
    hand.keys("Escape")
    expect(shown).to_be_hidden()
    assert hand.titles() == ["Begin"]
    hand.keys("Control+v", "Enter")
    hand.until(lambda: len(hand.look("nodes")) == 4, "they are pasted")
    hand.keys("Control+c", "Control+v")
    hand.until(lambda: len(hand.look("nodes")) == 7, "what was copied here needs no look")
    page.evaluate("navigator.clipboard.writeText('{ no nodes }')")
    hand.keys("Control+v")
    expect(shown).to_be_hidden()
    hand.canvas.press("Escape")
    page.mouse.click(*hand.spot(0.5, 0.9), button="right")
    page.get_by_role("menuitem", name="Paste").click()
    expect(page.locator(".toast")).to_contain_text("The clipboard holds no nodes.")


def test_saving_needs_nobody_and_a_reload_keeps_all(app: App, page: Page, watch: Watch) -> None:
    put(app, asking("keep"))
    hand = Hand(page).open_flow("keep")
    hand.field("Ask", "prompt").fill("Still there?")
    expect(hand.saved).to_be_visible()
    hand.node("End").locator(".fc-title").click()
    hand.keys("Delete")
    page.reload()
    hand.at_rest()
    assert hand.titles() == ["Ask", "Say", "Start"], "what was changed a moment before leaving is kept too"
    expect(hand.field("Ask", "prompt")).to_have_text("Still there?")


def test_a_text_on_a_node_shows_its_beginning_when_one_has_typed(app: App, page: Page) -> None:
    put(app, asking("long"))
    hand = Hand(page).open_flow("long")
    prompt = hand.field("Ask", "prompt")
    prompt.click()
    hand.keys("Control+a")
    hand.type("What would you like to drink with your lunch today?")
    assert prompt.evaluate("field => field.scrollLeft") > 0, "one sees what one types"
    hand.keys("Tab")
    expect(prompt).not_to_be_focused()
    assert prompt.evaluate("field => field.scrollLeft") == 0


def test_two_tabs_change_one_flow_and_nothing_is_lost(app: App, open_tab: OpenTab, watch: Watch) -> None:
    watch.expected_statuses.add(412)
    watch.is_line_cut = True
    put(app, asking("shared"))
    first, second = open_tab("/flows/shared"), open_tab("/flows/shared")
    second.at_rest()
    second.page.route("**/edits*", lambda route: route.abort())  # it neither hears of the first nor saves
    first.at_rest()
    first.field("Ask", "prompt").fill("From the first tab")
    expect(first.saved).to_be_visible()

    second.node("End").locator(".fc-title").click()
    second.keys("F2")
    second.type("From the second tab")
    second.keys("Enter")
    expect(second.page.locator("#save-state")).to_have_text("Not saved: trying again")
    second.page.unroute_all()
    expect(second.field("Ask", "prompt")).to_have_text("From the first tab")
    expect(second.node("From the second tab")).to_be_visible()
    expect(second.page.locator("#conflict")).to_be_hidden()
    expect(second.saved).to_be_visible()
    assert saved(app, "shared") == second.flow(), "what each tab changed stands, nobody was asked"
    second.canvas.focus()
    second.keys("Control+z")
    expect(second.node("End")).to_be_visible()
    expect(second.field("Ask", "prompt")).to_have_text("From the first tab")
    expect(first.field("Ask", "prompt")).to_have_text("From the first tab")
    expect(second.saved).to_be_visible()


def test_what_both_changed_is_shown_side_by_side_and_chosen(
    app: App, open_tab: OpenTab, watch: Watch
) -> None:
    watch.expected_statuses.add(412)
    put(app, asking("mine"))
    hand = open_tab("/flows/mine")
    hand.at_rest()
    hand.page.route("**/edits?*", lambda route: route.abort())  # it does not hear of the other
    watch.is_line_cut = True
    other = asking("mine")
    other["name"] = "Named elsewhere"
    other["nodes"][1]["data"]["pinDefaults"]["prompt"] = "Theirs"
    put(app, other)
    hand.field("Ask", "prompt").fill("Mine")
    bar = hand.page.locator("#conflict")
    expect(bar).to_contain_text("One place was changed here and elsewhere")
    choice = bar.get_by_role("group", name="Ask: prompt")
    expect(choice.get_by_role("radio", name="Mine")).to_be_checked()
    expect(choice).to_contain_text("Theirs")
    choice.get_by_role("radio", name="Mine").focus()
    hand.keys("ArrowRight")
    expect(choice.get_by_role("radio", name="Theirs")).to_be_checked()
    hand.keys("ArrowLeft", "Tab", "Enter")
    expect(bar).to_be_hidden()
    expect(hand.saved).to_be_visible()
    merged = saved(app, "mine")
    assert (merged["name"], prompt_of(merged)) == ("Named elsewhere", "Mine")
    hand.canvas.focus()
    hand.keys("Control+z")
    expect(hand.field("Ask", "prompt")).to_have_text("Theirs")
    expect(hand.saved).to_be_visible()
    assert saved(app, "mine") == other, "theirs is one undo away"
    with app.client() as client:
        kept = client.get("/api/flows/mine/versions").json()["versions"]
        mine = next(each for each in kept if each["why"] == "merge")
        assert prompt_of(client.get(f"/api/flows/mine/versions/{mine['number']}").json()) == "Mine"


def prompt_of(flow: dict[str, Any]) -> str:
    return str(flow["nodes"][1]["data"]["pinDefaults"]["prompt"])


def test_an_edit_while_the_server_is_away_is_saved_later(app: App, open_tab: OpenTab, watch: Watch) -> None:
    watch.is_line_cut = True
    put(app, asking("away"))
    hand = open_tab("/flows/away")
    hand.at_rest()
    app.kill()
    hand.field("Ask", "prompt").fill("Written without a server")
    expect(hand.page.locator("#save-state")).to_have_text("Not saved: trying again")
    app.start()
    expect(hand.saved).to_be_visible()
    assert saved(app, "away")["nodes"][1]["data"]["pinDefaults"]["prompt"] == "Written without a server"
    assert start(app, "away")


def test_what_could_not_be_saved_waits_in_the_browser(app: App, open_tab: OpenTab, watch: Watch) -> None:
    watch.is_line_cut = True
    put(app, asking("draft"))
    hand = open_tab("/flows/draft")
    hand.at_rest()
    app.kill()
    hand.field("Ask", "prompt").fill("Not yet saved")
    expect(hand.page.locator("#save-state")).to_have_text("Not saved: trying again")
    hand.page.close()
    app.start()
    other = asking("draft")
    other["name"] = "Changed by somebody else"
    put(app, other)

    again = open_tab("/flows/draft")
    again.at_rest()
    bar = again.page.locator("#conflict")
    expect(bar).to_contain_text("could not be saved")
    bar.get_by_role("button", name="Bring them in").click()
    expect(again.field("Ask", "prompt")).to_have_text("Not yet saved")
    expect(again.page.get_by_label("Name of the flow")).to_have_value("Changed by somebody else")
    expect(again.saved).to_be_visible()
    again.canvas.focus()
    again.keys("Control+z")
    expect(again.field("Ask", "prompt")).to_have_text("Tea or coffee?")
    expect(again.saved).to_be_visible()
    assert saved(app, "draft") == other
