"""What a person presses is kept while the editor comes, and means what they saw when they pressed."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route, expect

from browser.app import App
from browser.conftest import OpenTab
from browser.documents import put
from browser.hand import Hand
from drive import end, flow, node, start

pytestmark = pytest.mark.browser
# The view moves between the press and the canvas's own look at it, as it does when a run is followed.
MOVES_UNDER_THE_PRESS = """() => {
    const canvas = document.querySelector("flow-canvas");
    const move = () => {
        const zoom = new KeyboardEvent("keydown", {key: "+", bubbles: true, cancelable: true});
        canvas.dispatchEvent(zoom);
        window.moved = zoom.defaultPrevented;
    };
    window.addEventListener("pointerdown", move, {capture: true, once: true});
}"""


@pytest.fixture
def talk(app: App) -> str:
    nodes = {"start": start(), "say": node("answer_user", pins={"message": "Hello"}), "end": end()}
    nodes["say"]["data"]["label"] = "Say"
    nodes["end"]["position"] = {"x": 600, "y": 0}
    return put(app, flow("talk", nodes, "start -> say, say -> end"))


def held_back(open_tab: OpenTab, flow_id: str) -> tuple[Hand, list[Route]]:
    """The editor's page while its flow is still on the way."""
    hand = open_tab("/flows")
    held: list[Route] = []
    hand.page.route(f"**/api/flows/{flow_id}", lambda route: held.append(route))
    hand.page.goto(f"/flows/{flow_id}")
    hand.until(lambda: held, "the flow is asked for")
    expect(hand.canvas).not_to_have_class("fc")
    return hand, held


def test_run_pressed_before_the_flow_has_come_runs_it(talk: str, open_tab: OpenTab) -> None:
    hand, held = held_back(open_tab, talk)
    hand.page.get_by_role("button", name="Run", exact=True).click()
    held[0].continue_()
    hand.expect_run("Done")
    assert len(hand.steps()) >= 3


def test_keys_and_a_name_given_before_the_flow_has_come_are_done_in_their_order(
    talk: str, open_tab: OpenTab
) -> None:
    hand, held = held_back(open_tab, talk)
    hand.page.get_by_label("Name of the flow").fill("Talk to me")
    hand.page.get_by_role("button", name="Fit the whole flow").focus()
    hand.page.keyboard.press("Control+f")
    hand.type("say")
    held[0].continue_()
    hand.at_rest()
    expect(hand.quick_add.get_by_role("combobox")).to_have_value("say")
    hand.until(lambda: hand.flow()["name"] == "Talk to me", "the flow has the name")


def test_a_press_while_the_view_moves_means_what_was_seen(talk: str, open_tab: OpenTab) -> None:
    hand = open_tab("/flows").open_flow(talk)
    zoom = hand.look("view")["zoom"]
    hand.page.evaluate(MOVES_UNDER_THE_PRESS)
    hand.node("Say").locator(".fc-title").click()
    assert hand.page.evaluate("window.moved") is True
    expect(hand.page.locator("#pane-node .inspector")).to_have_count(1)
    expect(hand.page.locator(".fc-node[data-selected] .fc-title")).to_have_text("Say")
    assert hand.look("view")["zoom"] == zoom
