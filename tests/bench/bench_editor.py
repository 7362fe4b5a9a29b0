"""What a person waits for in the editor of the real app, with flows of 200, 1,000 and 5,000 nodes.

    python tests/bench/bench_editor.py [--n 200,1000,5000] [--reps 3] [--tries 100]

Each round opens the flow in a profile of its own (nothing cached) and does by mouse and keys what the rows of
`shared/design/editor.md` 3.19 name: open, pan, select all, nudge all, the whole flow in view. Then letters are typed
into the quick add at 15 a second, the first one while it opens, and those that are lost are counted. Medians of the
rounds, with the goal of the row beside them.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "server"), str(Path(__file__).resolve().parents[1])]

from playwright.sync_api import Browser, Page, StorageState, sync_playwright  # noqa: E402 - the path comes first

from browser.app import BROWSER_FLAGS, App, chromium_path  # noqa: E402
from browser.demo import large  # noqa: E402
from browser.documents import put  # noqa: E402
from browser.hand import Hand  # noqa: E402

GOALS = {
    "open to usable, ms": {200: "1,000", 1000: "2,000"},
    "pan frame p50, ms": {1000: "17"},
    "pan frame p95, ms": {1000: "33"},
    "select all, ms": {1000: "150"},
    "nudge all, ms": {1000: "100"},
    "elements when fitted": {1000: "3,000"},
    "scripts, KB": {200: "250"},
    "requests": {200: "15"},
}
RECORD = """() => {
    window.stamps = [];
    const tick = (now) => { window.stamps.push(now); window.ticking = requestAnimationFrame(tick); };
    window.ticking = requestAnimationFrame(tick);
}"""
# From a key's event to the frame after the one that follows it.
KEY = """() => { window.took = null; addEventListener("keydown", (event) => {
    if (["Control", "Shift", "Alt"].includes(event.key)) return;
    const from = event.timeStamp;
    requestAnimationFrame(() => requestAnimationFrame((now) => { window.took = now - from; }));
}, {capture: true}); }"""
FETCHED = """() => { const all = performance.getEntriesByType("resource");
    const scripts = all.filter((each) => each.name.includes(".js"));
    return [all.length + 1, scripts.reduce((sum, each) => sum + each.encodedBodySize, 0) / 1024]; }"""
WORD = "xylophonequartz"  # nothing is called that, so that no row moves under the field


def opened(page: Page, url: str) -> dict[str, float]:
    """Go to the flow; from the wish to nodes drawn and a key that is heard."""
    start = time.perf_counter()
    page.goto(url, wait_until="commit")
    hand = Hand(page)
    hand.at_rest()
    page.locator(".fc-node").first.wait_for()
    hand.keys("2")
    took = (time.perf_counter() - start) * 1000
    page.wait_for_load_state("networkidle")
    requests, scripts = page.evaluate(FETCHED)
    return {"open to usable, ms": took, "requests": requests, "scripts, KB": scripts}


def panned(page: Page) -> dict[str, float]:
    """Pan for two seconds with the space bar held; the times between frames."""
    hand = Hand(page)
    hand.keys("0")
    hand.at_rest()
    x, y = hand.spot(0.5, 0.5)
    page.keyboard.down("Space")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 8, y, steps=3)
    page.evaluate(RECORD)
    start = time.monotonic()
    while (t := time.monotonic() - start) < 2:
        page.mouse.move(x - 300 * math.sin(math.pi * t), y - 180 * math.sin(1.5 * math.pi * t))
        time.sleep(0.006)
    stamps = page.evaluate("() => { cancelAnimationFrame(window.ticking); return window.stamps; }")
    page.mouse.up()
    page.keyboard.up("Space")
    gaps = sorted(b - a for a, b in pairwise(stamps))
    return {"pan frame p50, ms": gaps[len(gaps) // 2], "pan frame p95, ms": gaps[int(len(gaps) * 0.95)]}


def pressed(page: Page, name: str) -> float:
    """Press a key; ms from its event until what it did is drawn."""
    page.evaluate("window.took = null")
    page.keyboard.press(name)
    Hand(page).until(lambda: page.evaluate("window.took !== null"), f"{name} was heard")
    return float(page.evaluate("window.took"))


def handled(page: Page) -> dict[str, float]:
    """Select all, nudge all, and the whole flow in view."""
    hand = Hand(page)
    page.evaluate(KEY)
    hand.canvas.focus()
    found = {"select all, ms": pressed(page, "Control+a")}
    found["nudge all, ms"] = statistics.median(pressed(page, "ArrowRight") for _ in range(5))
    hand.keys("Escape", "1")
    hand.at_rest()
    page.wait_for_timeout(2000)  # nodes that cannot be seen leave after a moment
    found["elements when fitted"] = page.evaluate("document.querySelectorAll('*').length")
    return found


def lost(page: Page, tries: int) -> int:
    """Open the quick add and type 15 letters, 15 a second, over and over; count the letters that are missing."""
    hand = Hand(page)
    missing = 0
    for _ in range(tries):
        hand.canvas.focus()
        page.keyboard.press("a")
        for letter in WORD:
            page.keyboard.press(letter)
            time.sleep(1 / 15)
        missing += len(WORD) - len(hand.quick_add.locator("input").input_value())
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
    return missing


def fresh(browser: Browser, app: App, state: StorageState) -> Page:
    """A tab of a profile that has kept nothing."""
    profile = browser.new_context(
        base_url=app.url,
        storage_state=state,
        viewport={"width": 1440, "height": 900},
        reduced_motion="reduce",
    )
    return profile.new_page()


def measure(new: Callable[[], Page], flow_id: str) -> dict[str, float]:
    """One round with one flow."""
    page = new()
    found = opened(page, f"/flows/{flow_id}") | panned(page) | handled(page)
    page.context.close()
    return found


def table(n: int, found: dict[str, float]) -> str:
    """The rows of one size."""
    lines = [f"\n{n} nodes", f"  {'':24}{'measured':>10}{'goal':>10}"]
    lines += [f"  {row:24}{value:10.1f}{GOALS[row].get(n, '–'):>10}" for row, value in found.items()]
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--n", default="200,1000,5000")
    options.add_argument("--reps", type=int, default=3)
    options.add_argument("--tries", type=int, default=100)
    asked = options.parse_args()
    path = chromium_path()
    if path is None:
        sys.exit("no Chromium on this machine")
    app = App(Path(tempfile.mkdtemp())).start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=BROWSER_FLAGS)
            first = browser.new_page()
            first.goto(app.link)
            first.wait_for_url(lambda url: "/login" not in url)
            run(browser, app, first.context.storage_state(), asked)
    finally:
        app.stop()


def run(browser: Browser, app: App, state: StorageState, asked: Any) -> None:
    """All sizes, then the letters."""
    for n in (int(each) for each in asked.n.split(",")):
        flow = large(n) | {"id": f"large-{n}"}
        put(app, flow)
        rounds = [measure(lambda: fresh(browser, app, state), f"large-{n}") for _ in range(asked.reps)]
        print(
            table(n, {row: statistics.median(each[row] for each in rounds) for row in rounds[0]}), flush=True
        )
    page = fresh(browser, app, state)
    page.goto("/flows/large-200" if "200" in asked.n.split(",") else f"/flows/large-{asked.n.split(',')[0]}")
    Hand(page).at_rest()
    print(f"\nletters lost in the quick add: {lost(page, asked.tries)} of {asked.tries * len(WORD)}")


if __name__ == "__main__":
    main()
