"""The past of a flow in the editor: undo behind a reload and a restart, tabs that follow each other."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.conftest import OpenTab
from browser.documents import asking, put
from browser.hand import Hand
from browser.watch import Watch

pytestmark = pytest.mark.browser


def saved(app: App, flow_id: str) -> dict[str, Any]:
    with app.client() as client:
        return dict(client.get(f"/api/flows/{flow_id}").json())


def rows(app: App, flow_id: str) -> list[dict[str, Any]]:
    with app.client() as client:
        return list(client.get(f"/api/flows/{flow_id}/edits").json()["edits"])


def can_undo(hand: Hand) -> None:
    expect(hand.page.get_by_role("button", name="Undo")).to_be_enabled()


def test_undo_reaches_behind_a_reload_and_a_restart(app: App, page: Page, watch: Watch) -> None:
    watch.is_line_cut = True
    put(app, asking("past"))
    first = app.flows.joinpath("past.json").read_bytes()
    hand = Hand(page).open_flow("past")
    hand.field("Ask", "prompt").fill("Milk?")
    hand.node("Say").locator(".fc-title").click()
    hand.keys("Delete")
    hand.node("End").locator(".fc-title").click()
    hand.keys("Shift+ArrowDown", "Shift+ArrowDown")
    expect(hand.saved).to_be_visible()
    last = app.flows.joinpath("past.json").read_bytes()

    page.reload()
    hand.at_rest()
    can_undo(hand)
    hand.canvas.focus()
    hand.keys("Control+z", "Control+z")
    expect(hand.node("Say")).to_be_visible()
    expect(hand.saved).to_be_visible()

    app.kill()
    app.start()
    page.reload()
    hand.at_rest()
    can_undo(hand)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    expect(hand.saved).to_be_visible()
    hand.until(
        lambda: app.flows.joinpath("past.json").read_bytes() == first, "the file is the same to the byte"
    )
    assert [row["how"] for row in rows(app, "past")][-3:] == ["undo"] * 3

    page.reload()
    hand.at_rest()
    expect(page.get_by_role("button", name="Redo")).to_be_enabled()
    hand.canvas.focus()
    hand.keys("Control+Shift+z", "Control+Shift+z", "Control+Shift+z")
    expect(hand.saved).to_be_visible()
    hand.until(lambda: app.flows.joinpath("past.json").read_bytes() == last, "redone to the same end")


def test_typing_is_one_step_and_a_rest_begins_another(app: App, page: Page, watch: Watch) -> None:
    put(app, asking("typing"))
    hand = Hand(page).open_flow("typing")
    name = page.get_by_label("Name of the flow")
    name.click()
    name.press("End")
    hand.page.keyboard.type(" one", delay=40)
    expect(hand.saved).to_be_visible()
    hand.page.wait_for_timeout(1100)
    hand.page.keyboard.type(" two", delay=40)
    expect(hand.saved).to_be_visible()
    before = asking("typing")["name"]
    hand.canvas.focus()
    hand.keys("Control+z")
    expect(name).to_have_value(f"{before} one")
    hand.keys("Control+z")
    expect(name).to_have_value(before)
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()


def test_a_tab_without_changes_follows_the_other_and_undoes_what_it_did(
    app: App, open_tab: OpenTab, watch: Watch
) -> None:
    put(app, asking("both"))
    first, second = open_tab("/flows/both"), open_tab("/flows/both")
    second.at_rest()
    second.page.wait_for_timeout(2500)  # its part for following has come
    first.at_rest()
    first.field("Ask", "prompt").fill("From the first tab")
    expect(first.saved).to_be_visible()
    expect(second.field("Ask", "prompt")).to_have_text("From the first tab")
    expect(second.page.locator("#conflict")).to_be_hidden()

    second.node("End").locator(".fc-title").click()
    second.keys("Delete")
    expect(second.saved).to_be_visible()
    expect(first.node("End")).to_have_count(0)
    second.canvas.focus()
    second.keys("Control+z", "Control+z")
    expect(first.field("Ask", "prompt")).not_to_have_text("From the first tab")
    expect(first.node("End")).to_be_visible()
    expect(second.saved).to_be_visible()
    assert saved(app, "both") == asking("both")
    assert [row["how"] for row in rows(app, "both")] == ["do", "do", "undo", "undo"]
