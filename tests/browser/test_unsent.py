"""Answers that are given while the server is away: kept, told, sent when it is back, refused when somebody was first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from browser.app import App
from browser.conftest import PATIENCE_MS
from browser.demo import answer
from browser.documents import asking, put, start
from browser.watch import Watch

pytestmark = pytest.mark.browser
BANNER = "Reading only; 1 answer will be sent later"


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[App]:
    """An installation that this test may stop."""
    installation = App(tmp_path).start()
    yield installation
    installation.stop()


@pytest.fixture
def profile(chromium: Browser, alone: App) -> Iterator[BrowserContext]:
    made = chromium.new_context(base_url=alone.url, viewport={"width": 390, "height": 844})
    made.set_default_timeout(PATIENCE_MS)
    page = made.new_page()
    page.goto(alone.link)
    page.wait_for_url(lambda url: "/login" not in url)
    page.close()
    yield made
    made.close()


@pytest.fixture
def asked(alone: App) -> list[str]:
    """Two runs that ask."""
    put(alone, asking("drink"))
    return [start(alone, "drink") for _ in range(2)]


def question(profile: BrowserContext, run: str) -> Page:
    page = profile.new_page()
    page.goto(f"/inbox/{run}")
    expect(page.get_by_role("button", name="Tea")).to_be_visible()
    return page


def test_answers_wait_until_the_server_is_back(
    alone: App, profile: BrowserContext, asked: list[str], watch: Watch
) -> None:
    first, second = (question(profile, run) for run in asked)
    alone.kill()
    first.get_by_role("button", name="Tea").click()
    banner = first.locator(".unsent")
    expect(banner).to_contain_text(BANNER)
    expect(banner.get_by_role("listitem")).to_contain_text("“Tea” to “Tea or coffee?”")
    expect(first.get_by_role("button", name="Tea", exact=True)).to_be_hidden()
    second.get_by_role("textbox").fill("Cocoa, please")
    second.get_by_role("button", name="Send answer").click()
    expect(second.locator(".unsent")).to_contain_text("Reading only; 2 answers will be sent later")
    expect(first.locator(".unsent")).to_contain_text("2 answers"), "every tab tells"
    alone.start()
    for page in (first, second):
        expect(page.locator(".unsent")).to_have_count(0)
        expect(page.get_by_role("button", name="Tea", exact=True)).to_have_count(0)
    with alone.client() as client:
        for run, said in zip(asked, ("Tea", "Cocoa, please"), strict=True):
            told = client.get(f"/api/runs/{run}").json()
            assert told["output"]["drink"] == said


def test_an_answer_is_taken_back_and_a_late_one_is_told(
    alone: App, profile: BrowserContext, asked: list[str]
) -> None:
    page = question(profile, asked[0])
    alone.kill()
    page.get_by_role("textbox").fill("Cocoa")
    page.get_by_role("button", name="Send answer").click()
    page.get_by_role("button", name="Take back").click()
    expect(page.locator(".unsent")).to_have_count(0)
    expect(page.get_by_role("textbox")).to_have_value("Cocoa")
    page.get_by_role("button", name="Send answer").click()
    expect(page.locator(".unsent")).to_contain_text(BANNER)
    page.goto("about:blank")  # the tab is away while somebody else answers
    alone.start()
    answer(alone, asked[0], "Coffee")
    page.goto("/runs")
    expect(page.locator(".unsent")).to_contain_text("Not recorded")
    expect(page.locator(".unsent")).to_contain_text("“Cocoa” to “Tea or coffee?”. ")
    page.get_by_role("button", name="Close").click()
    expect(page.locator(".unsent")).to_have_count(0)
