"""Every page at the width of a phone and of a desk: nothing sticks out, nothing is refused."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.documents import asking, node, put, start, ticking
from browser.hand import Hand
from browser.watch import Watch

pytestmark = pytest.mark.browser
SIZES = {"small phone": (320, 640), "phone": (390, 844), "desk": (1440, 900)}


@pytest.fixture(scope="module")
def places(app: App) -> list[str]:
    """The addresses of all kinds of pages, with something on each."""
    long = asking("phone", choices=("A rather long answer that goes on", "Another long answer", "No"))
    long["name"] = "A flow with a name that is longer than a phone is wide, by far"
    waiting = start(app, put(app, long))
    done = start(app, put(app, ticking("ticks", 3)))
    failing = asking("fails")
    failing["nodes"][2] = node("say", "parse_json", 600, 0, label="Say")
    put(app, failing)
    pages = [
        "/",
        "/gallery",
        "/schedules",
        "/outbox",
        "/bundles",
        "/settings/models",
        "/settings/tools",
        "/flows",
        "/flows?q=nothing",
        "/runs",
        "/inbox",
        "/nodes",
        "/nodes/ask_user",
        "/missing",
    ]
    pages += [f"/runs/{waiting}", f"/runs/{done}", f"/inbox/{waiting}", f"/inbox/{done}"]
    return [*pages, "/flows/phone/run", "/flows/phone", f"/flows/ticks?run={done}", "/flows/fails"]


@pytest.mark.parametrize("size", SIZES)
def test_no_page_scrolls_sideways(page: Page, places: list[str], watch: Watch, size: str) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    watch.expected_statuses.add(404)
    for place in places:
        page.goto(place)
        expect(page.locator("main, .editor").first).to_be_visible()
        wide = page.evaluate("[document.scrollingElement.scrollWidth, innerWidth]")
        assert wide[0] <= wide[1], f"{place} is {wide[0]} px wide on a screen of {wide[1]} px"


def test_the_login_page_fits_a_phone(app: App, page: Page) -> None:
    page.context.clear_cookies()
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/login")
    expect(page.get_by_role("heading").first).to_be_visible()
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("width", "height"), [(390, 844), (768, 1024)])
def test_the_editor_on_a_phone_or_tablet_shows_the_flow_and_answers(
    app: App, page: Page, width: int, height: int
) -> None:
    page.set_viewport_size({"width": width, "height": height})
    put(app, asking("pocket"))
    hand = Hand(page).open_flow("pocket")
    expect(hand.node("Start")).to_be_in_viewport()
    page.get_by_role("button", name="Run", exact=True).click()
    card = page.locator(".ask-card")
    expect(card).to_be_in_viewport()
    expect(hand.node("Ask")).to_be_in_viewport()
    canvas, side = hand.canvas.bounding_box(), page.locator("#side").bounding_box()
    assert canvas is not None
    assert side is not None
    assert canvas["y"] + canvas["height"] <= side["y"] + 1, "the panel stands below the canvas, not over it"
    card.get_by_role("button", name="Tea").click()
    hand.expect_run("Done")


def test_at_four_times_the_size_nothing_stands_still_over_the_page(page: Page, places: list[str]) -> None:
    page.set_viewport_size({"width": 320, "height": 256})
    for place in ("/runs", "/flows", places[-3]):
        page.goto(place)
        expect(page.locator("main, .editor").first).to_be_visible()
        stuck = page.evaluate(
            "[...document.querySelectorAll('body *')].filter((each) => each.checkVisibility()"
            " && ['fixed', 'sticky'].includes(getComputedStyle(each).position)"
            " && each.getBoundingClientRect().bottom > 0).map((each) => each.className)"
        )
        assert stuck == [], place


def test_the_browser_takes_the_manifest(page: Page, places: list[str]) -> None:
    """It is fetched with the session, under the policy of the page."""
    page.goto(places[0])
    found = page.context.new_cdp_session(page).send("Page.getAppManifest")
    assert found["errors"] == []
    assert '"start_url":"/start"' in found["data"]


@pytest.mark.parametrize("width", [1440, 1024, 834, 390])
def test_the_acts_of_a_starter_flow_stand_in_one_row(app: App, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/gallery")
    page.get_by_role(
        "button", name="Open a copy of Fork playground"
    ).click()  # a flow that is held has one act more
    page.goto("/gallery")
    expect(page.get_by_role("link", name="Open Fork playground")).to_be_visible()
    rows = page.locator(".starter .acts").evaluate_all(
        "all => all.map(acts => new Set([...acts.querySelectorAll('.button')].map(each => Math.round(each.getBoundingClientRect().top))).size)"
    )
    assert set(rows) == {1}
