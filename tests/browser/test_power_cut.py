"""The server is killed with a tab open: the tab is right again without a reload."""

from __future__ import annotations

import re
import time
from collections import Counter
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from browser.app import App
from browser.conftest import OpenTab
from browser.documents import asking, ledger, put, start, ticking
from browser.hand import Hand
from browser.watch import Watch

pytestmark = pytest.mark.browser
RIGHT_AGAIN_SECONDS = 5.0
SHOWN = 400  # steps that the page lists at most


def cut_and_restart(app: App, hand: Hand) -> float:
    """Kill the server, start it on the same port, see the tab's line come back in the time that is
    allowed; return the moment when the server answered again."""
    app.kill()
    line = hand.page.locator("#stream-state")
    expect(line).to_have_attribute("data-state", re.compile("catching-up|offline"))
    app.start()
    back = time.monotonic()
    expect(line).to_have_attribute("data-state", re.compile("live|over"))
    assert time.monotonic() - back < RIGHT_AGAIN_SECONDS
    return back


def visits(app: App, run_id: str) -> list[str]:
    """The ids of the nodes that the ledger says were visited, in order."""
    done = [each for each in ledger(app, run_id) if each["status"] == "completed" and not each.get("effect")]
    return [each["node_id"] for each in done if "visit" in each["result"]]


def said(app: App, run_id: str) -> list[str]:
    """What the run said to people, by its completed effects."""
    records = [each for each in ledger(app, run_id) if each["status"] == "completed"]
    effects = [each["effect"] for each in records if (each.get("effect") or {}).get("type") == "answer_user"]
    return [effect["payload"]["message"] for effect in effects]


def expect_same_story(hand: Hand, app: App, run_id: str) -> None:
    """The page's list of steps becomes the end of the ledger's, line by line, in the time that is allowed."""
    names = {each["id"]: each["title"] for each in hand.look("nodes")}

    def is_told() -> bool:
        return hand.steps() == [names[each] for each in visits(app, run_id)][-SHOWN:]

    hand.until(is_told, "the page lists the steps as the ledger has them", RIGHT_AGAIN_SECONDS)


def test_a_run_is_found_although_the_first_question_for_it_was_lost(
    app: App, page: Page, watch: Watch
) -> None:
    watch.is_line_cut = True
    start(app, put(app, asking("late")))
    lost: list[str] = []

    def lose_one(route: Route) -> None:
        lost.append(route.request.url)
        route.abort()

    page.route("**/api/runs?**", lose_one, times=1)
    hand = Hand(page).open_flow("late")
    hand.expect_state("Ask", "waiting")
    assert len(lost) == 1


def test_while_a_run_waits(app: App, open_tab: OpenTab, watch: Watch) -> None:
    watch.is_line_cut = True
    run_id = start(app, put(app, asking("waits")))
    hand = open_tab(f"/flows/waits?run={run_id}")
    hand.expect_state("Ask", "waiting")
    expect(hand.page.locator(".ask-card")).to_be_visible()
    back = cut_and_restart(app, hand)
    hand.expect_state("Ask", "waiting")
    expect(hand.page.locator(".ask-card")).to_have_count(1)
    assert hand.steps() == ["Start", "Ask"]
    assert time.monotonic() - back < RIGHT_AGAIN_SECONDS
    hand.page.locator(".ask-card").get_by_role("button", name="Coffee").click()
    hand.expect_run("Done")
    expect_same_story(hand, app, run_id)
    assert said(app, run_id) == ["Coffee"]


@pytest.mark.parametrize("pause", [0.2, 0], ids=["with waits", "without a rest"])
def test_while_a_run_is_running(app: App, open_tab: OpenTab, watch: Watch, pause: float) -> None:
    watch.is_line_cut = True
    turns = 14 if pause else 1200  # more than a quick server has done before it is killed
    flow_id = put(app, ticking("loop", turns, pause))
    hand = open_tab(f"/flows/{flow_id}")
    hand.at_rest()
    hand.page.get_by_role("button", name="Run", exact=True).click()
    hand.until(lambda: len(hand.steps()) > 9, "the run is on its way")
    run_id = hand.run_line()
    cut_and_restart(app, hand)
    hand.expect_run("Done")
    expect_same_story(hand, app, run_id)
    assert said(app, run_id) == [f"tick {number}" for number in range(turns)]
    assert acted(app, run_id) == {"answer_user": turns}, "no effect is repeated"


def acted(app: App, run_id: str) -> dict[str, int]:
    """How many different effects of a kind were completed; one that was twice counts as a fault."""
    keys: Counter[tuple[str, Any]] = Counter()
    for each in ledger(app, run_id):
        kind = (each.get("effect") or {}).get("type")
        if kind == "answer_user" and each["status"] == "completed":
            keys[kind, each["idempotency_key"]] += 1
    assert set(keys.values()) == {1}, keys
    return Counter(kind for kind, _ in keys)


def test_what_was_edited_without_a_server_is_there_again(app: App, open_tab: OpenTab, watch: Watch) -> None:
    watch.is_line_cut = True
    put(app, asking("away"))
    hand = open_tab("/flows/away")
    hand.at_rest()
    app.kill()
    hand.field("Ask", "prompt").fill("Written in the dark?")
    hand.page.goto("about:blank")
    app.start()
    hand.page.goto(f"{app.url}/flows/away")
    hand.at_rest()
    expect(hand.field("Ask", "prompt")).to_have_text("Written in the dark?")
    expect(hand.saved).to_be_visible()
    with app.client() as client:
        nodes = client.get("/api/flows/away").json()["nodes"]
    assert (
        next(n for n in nodes if n["type"] == "ask_user")["data"]["pinDefaults"]["prompt"]
        == "Written in the dark?"
    )


def test_a_hidden_tab_gives_its_line_back_and_catches_up(app: App, open_tab: OpenTab) -> None:
    flow_id = put(app, asking("hidden"))
    run_id = start(app, flow_id)
    hand = open_tab("/flows")
    hand.page.clock.install()
    hand.page.goto(f"/flows/{flow_id}?run={run_id}")
    hand.expect_state("Ask", "waiting")
    hide(hand, "hidden")
    hand.page.clock.fast_forward(25_000)
    with app.client() as client:
        wait_key = client.get(f"/api/runs/{run_id}").json()["waiting"]["wait_key"]
        body = {"wait_key": wait_key, "response": "Coffee"}
        assert client.post(f"/api/prompts/{run_id}", json=body).status_code == 200
        hand.until(lambda: client.get(f"/api/runs/{run_id}").json()["status"] == "completed", "it is over")
    hand.expect_state("Ask", "waiting")
    hide(hand, "visible")
    hand.expect_state("End", "done")
    expect_same_story(hand, app, run_id)


def hide(hand: Hand, state: str) -> None:
    """Tell the page that it is seen, or not; a browser without windows never does."""
    hand.page.evaluate(
        """state => {
            Object.defineProperty(document, "visibilityState", {value: state, configurable: true});
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        state,
    )
