"""What a person presses is kept while what it is for still comes, means what they saw when they pressed,
and goes where they are at work."""

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


def test_a_name_typed_before_its_field_has_come_is_kept(app: App, talk: str, open_tab: OpenTab) -> None:
    hand = open_tab("/flows")
    held: list[Route] = []
    hand.page.route("**/dist/part-later*", lambda route: held.append(route))
    hand.open_flow(talk)
    hand.until(lambda: held, "the part is asked for")
    hand.keys("Control+s")
    hand.type("With milk")
    hand.keys("Enter")
    expect(hand.page.get_by_role("dialog")).to_have_count(0)
    held[0].continue_()
    expect(hand.page.locator(".toast")).to_contain_text("is “With milk” now")


def test_input_typed_before_the_form_of_a_run_has_come_is_kept(app: App, open_tab: OpenTab) -> None:
    greet = flow("greet", {"start": start("name"), "end": end()}, "start -> end")
    hand = open_tab("/flows")
    held: list[Route] = []
    hand.page.route("**/dist/part-runner*", lambda route: held.append(route))
    hand.open_flow(put(app, greet))
    hand.page.wait_for_load_state("networkidle")
    assert not held, "what follows runs is asked for before there is a run"
    hand.keys("r")
    hand.until(lambda: held, "the part is asked for")
    hand.type("Ana")
    held[0].continue_()
    expect(hand.page.locator("#run-name")).to_have_value("Ana")


@pytest.fixture
def two_questions(app: App) -> str:
    nodes = {
        "start": start(),
        "tea": node("ask_user", pins={"prompt": "Tea?"}),
        "milk": node("ask_user", pins={"prompt": "Milk?"}),
        "end": end(),
    }
    for place, (node_id, each) in enumerate(nodes.items()):
        each["position"] = {"x": 260 * place, "y": 0}
        each["data"]["label"] = node_id.capitalize()
    return put(app, flow("two-questions", nodes, "start -> tea, tea -> milk, milk -> end"))


def test_a_question_does_not_take_the_form_from_somebody_who_types(
    app: App, two_questions: str, open_tab: OpenTab
) -> None:
    hand = open_tab("/flows").open_flow(two_questions)
    hand.page.get_by_role("button", name="Run", exact=True).click()
    expect(hand.page.locator("#pane-run .ask-card")).to_contain_text("Tea?")
    hand.node("Milk").locator(".fc-title").click()
    hand.page.locator("#tab-node").click()
    hand.setting("prompt").fill("Sugar")
    with app.client() as client:
        asked = client.get("/api/prompts").json()["prompts"][0]
        answer = {"wait_key": asked["wait_key"], "response": "yes"}
        assert client.post(f"/api/prompts/{asked['run_id']}", json=answer).status_code == 200
    expect(hand.page.locator("#tab-run")).to_have_attribute("data-news", "")
    hand.type(" or honey?")
    assert hand.setting("prompt").input_value() == "Sugar or honey?"
    hand.page.get_by_role("tab", name="Run, has news").click()
    expect(hand.page.locator("#pane-run .ask-card")).to_contain_text("Milk?")
    expect(hand.page.locator("#tab-run")).not_to_have_attribute("data-news", "")
