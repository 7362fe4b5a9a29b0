"""The canvas by fingers: what a mouse does by keys and by its second button, a finger does by resting and tapping."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, CDPSession, Page, StorageState, expect

from browser.app import App
from browser.documents import asking, node, put
from browser.hand import Hand, Place, middle
from browser.watch import Watch

pytestmark = pytest.mark.browser
REST_MS = 700


class Finger:
    """One finger on a page, or two."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.line: CDPSession = page.context.new_cdp_session(page)

    def send(self, kind: str, *places: Place) -> None:
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        self.line.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def tap(self, place: Place, rest_ms: int = 30) -> None:
        self.send("touchStart", place)
        self.page.wait_for_timeout(rest_ms)
        self.send("touchEnd")

    def drag(self, start: Place, end: Place, rest_ms: int) -> None:
        self.send("touchStart", start)
        self.page.wait_for_timeout(rest_ms)
        for part in range(1, 7):
            self.send("touchMove", tuple(a + (b - a) * part / 6 for a, b in zip(start, end, strict=True)))  # type: ignore[arg-type]
        self.send("touchEnd")


@pytest.fixture
def touched(chromium: Browser, app: App, signed_in: StorageState) -> Iterator[tuple[Hand, Finger]]:
    profile = chromium.new_context(
        viewport={"width": 1280, "height": 800}, has_touch=True, storage_state=signed_in, base_url=app.url
    )
    watch = Watch()
    page = watch.over(profile.new_page())
    flow = asking("touched")
    flow["nodes"].append(node("free", "concat", 280, 260, label="Free"))
    put(app, flow)
    hand = Hand(page).open_flow("touched")
    yield hand, Finger(page)
    profile.close()
    assert not watch.faults, watch.faults


def title(hand: Hand, name: str) -> Place:
    return middle(hand.node(name).locator(".fc-title"))


def test_a_finger_picks_several_nodes_and_a_bar_acts_on_them(touched: tuple[Hand, Finger]) -> None:
    hand, finger = touched
    page = hand.page
    bar = page.get_by_role("toolbar", name="The selection")
    finger.tap(title(hand, "Ask"), REST_MS)
    expect(bar).to_contain_text("1 node")
    expect(bar.get_by_role("button", name="Select more")).to_have_attribute("aria-pressed", "true")
    finger.tap(title(hand, "Free"))
    expect(bar).to_contain_text("2 nodes")
    finger.tap(title(hand, "Ask"))
    expect(bar).to_contain_text("1 node")
    assert hand.look("selection")["nodes"] == ["free"]
    bar.get_by_role("button", name="More", exact=True).tap()
    page.get_by_role("menuitem", name="Duplicate").tap()
    hand.until(lambda: hand.titles().count("Free") == 2, "the copy is there")
    bar.get_by_role("button", name="Remove").tap()
    hand.until(lambda: hand.titles().count("Free") == 1, "the copy is gone")
    expect(bar).to_be_hidden()
    finger.tap(title(hand, "Ask"))
    assert hand.look("selection")["nodes"] == ["ask"], "picking ended with the selection"


def test_a_finger_wires_unwires_and_moves(touched: tuple[Hand, Finger]) -> None:
    hand, finger = touched
    before = hand.wires()
    finger.tap(middle(hand.pin("Ask", "out", "response")))
    finger.tap(middle(hand.pin("Free", "in", "a")))
    hand.until(lambda: hand.wires() == before | {"Ask.response > Free.a"}, "tap and tap make a wire")
    a, b = middle(hand.pin("Start", "out", "exec-out")), middle(hand.pin("Ask", "in", "exec-in"))
    finger.tap(((a[0] + b[0]) / 2, (a[1] + b[1]) / 2))
    bar = hand.page.get_by_role("toolbar", name="The selection")
    expect(bar).to_contain_text("1 wire")
    bar.get_by_role("button", name="Remove").tap()
    hand.until(lambda: "Start.exec-out > Ask.exec-in" not in hand.wires(), "the wire is off")
    x, y = title(hand, "Free")
    view = hand.look("view")
    finger.drag((x, y), (x + 60, y + 60), 320)
    hand.until(lambda: title(hand, "Free") != (x, y), "it moved")
    assert hand.look("view") == view, "the view did not"
    finger.drag((x - 250, y + 60), (x - 200, y + 90), 0)
    hand.until(lambda: hand.look("view")["x"] > view["x"], "a finger on empty canvas moves the view")


def test_a_finger_that_rests_on_the_canvas_gets_the_menu(touched: tuple[Hand, Finger]) -> None:
    hand, finger = touched
    finger.tap(hand.spot(0.1, 0.85), REST_MS)
    menu = hand.page.get_by_role("menu", name="Canvas")
    expect(menu.get_by_role("menuitem", name="Arrange the flow")).to_be_visible()
    menu.get_by_role("menuitem", name="Add a node").tap()
    hand.type("trim")
    hand.keys("Enter")
    hand.until(lambda: "Trim" in hand.titles(), "it is added there")
