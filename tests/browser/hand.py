"""A hand at mouse and keyboard in the editor, and an eye that reads the page.

Everything is done by events of the browser; the canvas's read-only `model` is only looked at.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page, expect

Place = tuple[float, float]
MODEL = "document.querySelector('flow-canvas').model"


class Hand:
    """A person in front of one tab."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.canvas = page.locator("flow-canvas")
        self.quick_add = page.locator(".chooser")
        self.saved = page.locator("#save-state[data-state=saved]")

    # ---- looking ----------------------------------------------------------------------------

    def look(self, expression: str) -> Any:
        """Read something of the canvas's model."""
        return self.page.evaluate(f"{MODEL}.{expression}")

    def until(self, condition: Callable[[], object], what: str, seconds: float = 15) -> None:
        """Wait until something is so; the page's own policy lets nobody wait inside it."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
            self.page.wait_for_timeout(20)

    def at_rest(self) -> None:
        """Wait until the canvas has drawn everything."""
        expect(self.canvas).to_have_class("fc")
        self.until(lambda: self.look("idle"), "the canvas is drawn")

    def open_flow(self, flow_id: str) -> Hand:
        """Go to a flow and wait until it is drawn."""
        self.page.goto(f"/flows/{flow_id}", wait_until="commit")
        self.at_rest()
        return self

    def node(self, title: str) -> Locator:
        """The node with this title."""
        name = self.page.get_by_text(title, exact=True).and_(self.page.locator(".fc-title"))
        return self.page.locator(".fc-node").filter(has=name)

    def pin(self, title: str, side: str, pin: str) -> Locator:
        """A pin by the side ("in" or "out") and the id that it has on a node."""
        return self.node(title).locator(f'.fc-pin[data-side="{side}"][data-pin="{pin}"]')

    def field(self, title: str, pin: str) -> Locator:
        """The field of an unwired input on a node."""
        return self.node(title).locator(f'.fc-field[data-field="{pin}"]')

    def setting(self, label: str) -> Locator:
        """A field of the inspector by its label."""
        return self.page.locator("#pane-node").get_by_label(label, exact=True)

    def title_of(self, node_id: str) -> str:
        return str(next(node["title"] for node in self.look("nodes") if node["id"] == node_id))

    def titles(self) -> list[str]:
        """The titles of all nodes."""
        return sorted(node["title"] for node in self.look("nodes"))

    def wires(self) -> set[str]:
        """All wires as `node.pin > node.pin`, nodes by title."""
        names = {node["id"]: node["title"] for node in self.look("nodes")}
        return {
            f"{names[wire['source']]}.{wire['sourcePin']} > {names[wire['target']]}.{wire['targetPin']}"
            for wire in self.look("wires")
        }

    def flow(self) -> dict[str, Any]:
        """The document as the canvas would save it."""
        return dict(self.look("flow"))

    def expect_wires(self, *wires: str) -> None:
        assert self.wires() == set(wires), sorted(self.wires())

    # ---- acting -----------------------------------------------------------------------------

    def spot(self, across: float, down: float) -> Place:
        """A place on the canvas, as shares of its width and height."""
        box = self.canvas.bounding_box()
        assert box is not None
        return box["x"] + box["width"] * across, box["y"] + box["height"] * down

    def drag(self, start: Locator | Place, end: Locator | Place, steps: int = 6) -> None:
        """Press at one place, move in a few steps, let go at another."""
        mouse = self.page.mouse
        mouse.move(*middle(start))
        mouse.down()
        mouse.move(*middle(end), steps=steps)
        mouse.up()

    def choose(self, words: str) -> None:
        """Type into the open quick add and take the first row."""
        expect(self.quick_add).to_be_visible()
        self.page.keyboard.type(words)
        self.page.keyboard.press("Enter")
        expect(self.quick_add).to_be_hidden()

    def keys(self, *names: str) -> None:
        """Press keys one after the other."""
        for name in names:
            self.page.keyboard.press(name)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    # ---- runs -------------------------------------------------------------------------------

    def run_line(self) -> str:
        """The id of the run on the canvas."""
        return str(self.page.url.split("run=")[1].split("&")[0])

    def steps(self) -> list[str]:
        """The names in the run pane's list of steps, in order."""
        return list(self.page.locator("#pane-run .activity .act-name").all_inner_texts())

    def expect_state(self, title: str, state: str) -> None:
        """Wait until the run shows a node in a state."""
        expect(self.node(title)).to_have_attribute("data-state", state)

    def expect_run(self, word: str) -> None:
        """Wait until the run pane says a word about the whole run."""
        expect(self.page.locator("#pane-run .run-head .state")).to_have_text(word)

    def output(self) -> str:
        return self.page.locator("#pane-run .run-output pre").inner_text()


def middle(place: Locator | Place) -> Place:
    """The middle of an element, or the place itself."""
    if not isinstance(place, Locator):
        return place
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    assert box is not None, f"{place} is not on the page"
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
