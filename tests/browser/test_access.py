"""What axe cannot see of docs/accessibility.md: the ring of the focus, nothing hidden behind the bar, larger
and wider text, no motion for who wants none, room for a finger."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, StorageState, expect

from browser.app import App
from browser.demo import answer
from browser.documents import asking, put, start
from browser.hand import Hand

pytestmark = pytest.mark.browser

PAGES = (
    "/",
    "/flows",
    "/gallery",
    "/runs",
    "/inbox",
    "/schedules",
    "/outbox",
    "/bundles",
    "/nodes",
    "/settings/models",
    "/flows/reach",
)
SPACED = """* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; }
p { margin-bottom: 2em !important; }"""
SHEET = """(text) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}"""
CUT = """() => [...document.querySelectorAll("h1, h2, .button, .tabs > *")]
    .filter((each) => each.checkVisibility() && !each.matches(".unseen") && each.scrollWidth > each.clientWidth + 1)
    .map((each) => each.textContent.trim())"""
FOCUS = """() => {
    const it = document.activeElement;
    const box = it.getBoundingClientRect();
    const seen = document.elementFromPoint(box.x + box.width / 2, box.y + Math.min(box.height / 2, 12));
    const look = (each) => { const s = getComputedStyle(each); return s.outlineStyle !== "none" || s.boxShadow !== "none"; };
    const after = getComputedStyle(it, "::after");
    return {
        name: it.tagName + " " + (it.getAttribute("aria-label") || it.textContent.trim().slice(0, 30)),
        ring: look(it) || after.outlineStyle !== "none" || after.boxShadow !== "none"
            || (after.content !== "none" && parseFloat(after.borderTopWidth) >= 2)
            || (it.parentElement && look(it.parentElement)),
        covered: box.width > 0 && seen !== null && !it.contains(seen) && !seen.contains(it),
        isBody: it === document.body,
    };
}"""


@pytest.fixture(scope="module")
def waiting(app: App) -> str:
    """A flow called `reach`, and the id of a run of it that asks."""
    return start(app, put(app, asking("reach")))


@pytest.mark.parametrize("place", PAGES)
def test_the_focus_is_seen_and_nothing_lies_over_it(page: Page, waiting: str, place: str) -> None:
    page.goto(place)
    expect(page.locator("main, .editor").first).to_be_visible()
    if place == "/flows/reach":
        Hand(page).at_rest()
        page.locator(".brand").focus()
    seen = 0
    for _ in range(40):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUS)
        if at["isBody"]:
            break
        seen += 1
        assert at["ring"], f"no ring on {at['name']}"
        assert not at["covered"], f"something lies over {at['name']}"
    assert seen > 5


@pytest.mark.parametrize("sheet", [SPACED, "html { font-size: 200% }"], ids=["spaced", "twice as large"])
def test_larger_and_wider_text_loses_nothing(page: Page, waiting: str, sheet: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 900})
    for place in (*PAGES, f"/inbox/{waiting}", f"/runs/{waiting}", "/nodes/ask_user"):
        page.goto(place)
        expect(page.locator("main, .editor").first).to_be_visible()
        page.evaluate(SHEET, sheet)
        wide = page.evaluate("[document.scrollingElement.scrollWidth, innerWidth]")
        assert wide[0] <= wide[1], f"{place} is {wide[0]} px wide on a screen of {wide[1]} px"
        assert page.evaluate(CUT) == [], place


def test_who_wants_no_motion_sees_none(page: Page, waiting: str) -> None:
    page.goto(f"/flows/reach?run={waiting}")
    hand = Hand(page)
    hand.at_rest()
    hand.expect_state("Ask", "waiting")
    hand.keys("a")
    expect(hand.quick_add).to_be_visible()
    moving = page.evaluate(
        "document.getAnimations().filter((each) => each.effect.getComputedTiming().duration > 1).map((each) => each.animationName ?? each.transitionProperty)"
    )
    assert moving == []


def test_what_renews_itself_can_be_paused(app: App, page: Page) -> None:
    flow = put(app, asking("still"))
    run = start(app, flow)
    page.goto(f"/runs/{run}")
    sign, head = page.locator("#stream-state"), page.locator(".run-title")
    expect(sign).to_have_text("Live")
    page.get_by_label("You", exact=True).click()
    switch = page.get_by_role("switch", name="Live updates")
    expect(switch).to_be_checked()
    switch.click()
    expect(switch).not_to_be_checked()
    expect(sign).to_have_text("Updates are paused")
    answer(app, run, "Tea")
    page.goto("/runs")
    expect(sign).to_have_text("Updates are paused")
    rows = page.locator("#run-list [data-run]")
    before = rows.count()
    other = start(app, flow)
    page.wait_for_timeout(2_600)  # longer than the page waits before it asks again
    assert rows.count() == before
    page.get_by_label("You", exact=True).click()
    page.get_by_role("switch", name="Live updates").click()
    expect(sign).to_be_hidden()
    expect(page.locator(f"[data-run='{other}']")).to_be_visible()
    page.goto(f"/runs/{other}")
    expect(sign).to_have_text("Live")
    answer(app, other, "Coffee")
    expect(head).to_contain_text("Done")


@pytest.mark.parametrize("place", ["/inbox", "/inbox/{run}", "/runs", "/"])
def test_a_finger_has_room(
    chromium: Browser, app: App, signed_in: StorageState, waiting: str, place: str
) -> None:
    profile = chromium.new_context(
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
        storage_state=signed_in,
        base_url=app.url,
    )
    page = profile.new_page()
    page.goto(place.format(run=waiting))
    expect(page.locator("main").first).to_be_visible()
    buttons = page.locator("main .button:visible").all()
    small = {
        each.inner_text(): box for each in buttons if (box := each.bounding_box()) and box["height"] < 36
    }
    large = [each for each in buttons if (box := each.bounding_box()) and box["height"] >= 44]
    profile.close()
    assert not small
    assert large or place != "/inbox/{run}"
