"""A model's words as they come: in the editor's run pane and on the run's page, before the call is over."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from browser.app import App
from browser.conftest import OpenTab
from browser.documents import put
from drive import end, flow, node, start

pytestmark = pytest.mark.browser
ASKED = " ".join(f"w{number}" for number in range(120))  # some seconds at the pace of the model in the box


@pytest.fixture
def talking(app: App) -> str:
    """A flow whose model, the one in the box, says back what it was asked."""
    with app.client() as client:
        given = {"name": "scripted", "kind": "scripted"}
        assert client.post("/settings/models", data=given, follow_redirects=False).status_code == 303
    nodes = {"start": start(), "talk": node("llm_call", pins={"prompt": ASKED}), "end": end("said")}
    nodes["talk"]["data"]["label"] = "Talk"
    return put(app, flow("talking", nodes, "start -> talk, talk -> end, talk.response -> end.said"))


def number_of(words: Locator) -> int:
    """The last word that is shown whole."""
    found = re.findall(r"w(\d+) ", words.text_content() or "")
    return int(found[-1]) if found else -1


def test_words_arrive_in_the_run_pane_before_the_end_and_survive_a_reload(
    talking: str, open_tab: OpenTab
) -> None:
    hand = open_tab(f"/flows/{talking}")
    hand.page.get_by_role("button", name="Run", exact=True).click()
    words = hand.page.locator("#pane-run .act-gist[data-words]")
    expect(words).to_contain_text("w3 ")
    before = number_of(words)
    hand.until(lambda: number_of(words) > before, "more words")
    hand.expect_state("Talk", "running")
    hand.page.reload()
    expect(words).to_contain_text("w8 ")
    hand.expect_state("Talk", "running")
    after = number_of(words)
    hand.until(lambda: number_of(words) > after, "more words after the reload")
    hand.expect_run("Done")
    expect(words).to_have_count(0)
    row = hand.page.locator("#pane-run .act-row").filter(has_text="Talk")
    expect(row).to_contain_text("response: (scripted model) You said: w0")


def test_words_arrive_on_the_page_of_the_run(app: App, talking: str, open_tab: OpenTab) -> None:
    with app.client() as client:
        run_id = client.post("/api/runs", json={"flow_id": talking}).json()["run_id"]
    hand = open_tab(f"/runs/{run_id}")
    words = hand.page.locator(".step .gist[data-words]")
    expect(words).to_contain_text("w3 ")
    hand.page.reload()
    expect(words).to_contain_text(re.compile(r"w\d+ "))
    expect(hand.page.locator(".run-title .state")).to_have_text("Done")
    expect(words).to_have_count(0)
