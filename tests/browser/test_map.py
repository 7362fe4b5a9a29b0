"""The map in the corner: it gives way to nodes, and opens where one points at it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from browser.app import App
from browser.demo import large
from browser.documents import Document, asking, put
from browser.hand import Hand

pytestmark = pytest.mark.browser


def width(hand: Hand) -> float:
    box = hand.page.locator(".fc-map").bounding_box()
    assert box is not None
    return box["width"]


def dense(count: int) -> Document:
    """A flow with no free place as large as the map."""
    flow = large(count)
    for each in flow["nodes"]:
        each["position"] = {"x": each["position"]["x"] * 0.8, "y": each["position"]["y"] * 0.6}
    return flow


def test_the_map_gives_way_to_nodes_and_leads_to_where_it_is_pressed(app: App, page: Page) -> None:
    put(app, dense(400))
    hand = Hand(page).open_flow("large")
    hand.until(lambda: width(hand) < 60, "it is small over nodes")
    place = page.locator(".fc-map").bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + place["width"] - 8, place["y"] + place["height"] - 8)
    hand.until(lambda: width(hand) > 150, "it opens under the pointer")
    page.mouse.move(*hand.spot(0.5, 0.1))
    hand.until(lambda: width(hand) < 60, "it is small again")
    page.mouse.move(place["x"] + place["width"] - 8, place["y"] + place["height"] - 8)
    hand.until(lambda: width(hand) > 150, "it opens once more")
    before = hand.look("view")
    page.mouse.click(place["x"] + place["width"] - 12, place["y"] + place["height"] - 12)
    hand.until(lambda: hand.look("view") != before, "the view goes there")


def test_the_map_of_a_flow_that_is_all_in_view_stays_small(app: App, page: Page) -> None:
    put(app, asking("seen"))
    hand = Hand(page).open_flow("seen")
    hand.until(lambda: width(hand) < 60, "there is nothing to tell")
    hand.canvas.focus()
    hand.keys("=", "=", "=", "=", "=")
    page.mouse.move(*hand.spot(0.5, 0.9))
    hand.until(lambda: width(hand) > 150, "there is more than one sees")


@pytest.mark.parametrize(
    ("across", "down"), [(2600, 200), (200, 1900), (900, 1100)], ids=["wide", "tall", "both"]
)
def test_where_a_whole_flow_is_in_view_no_node_lies_under_the_map(
    app: App, page: Page, across: float, down: float
) -> None:
    flow = asking("corner")
    flow["nodes"][-1]["position"] = {"x": across, "y": down}
    put(app, flow)
    page.set_viewport_size({"width": 1280, "height": 800})
    hand = Hand(page).open_flow("corner")
    hand.canvas.focus()
    hand.keys("Shift+1")
    hand.until(lambda: width(hand) < 60, "it is small")
    hand.at_rest()
    small = page.locator(".fc-map").bounding_box()
    assert small is not None
    x, y, zoom = (float(hand.look("view")[each]) for each in ("x", "y", "zoom"))
    edge = hand.canvas.bounding_box()
    assert edge is not None
    for each in hand.look("nodes"):
        right = edge["x"] + x + zoom * (each["x"] + each["w"])
        low = edge["y"] + y + zoom * (each["y"] + each["h"])
        assert right <= small["x"] or low <= small["y"], (each["id"], right, low, small)


def test_a_flow_opens_with_no_empty_room_above_it(app: App, page: Page) -> None:
    put(app, large(60))
    hand = Hand(page).open_flow("large")
    top = hand.node("Start").bounding_box()
    canvas = hand.canvas.bounding_box()
    assert top is not None
    assert canvas is not None
    assert top["y"] - canvas["y"] < 80
