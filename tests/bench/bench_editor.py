"""What a person waits for in the editor of the real app, with flows of 200, 1,000 and 5,000 nodes: one table.

    python tests/bench/bench_editor.py [--n 200,1000,5000] [--reps 3] [--tries 100] [--entries 10000]

The table of `docs/performance.md` ("The editor"): its first line names the machine and the load before and after. Each round opens the flow in a profile of its own (nothing cached) and does by mouse and keys what the rows of
`shared/design/editor.md` 3.19 name: open, pan, select all, nudge all, the whole flow in view, and the outline. Then a run
of many entries is gone through by its slider, a story is watched from ledger to pixel (`bench_live.py`), and letters are typed
into the quick add at 15 a second, the first one while it opens, and those that are lost are counted. Medians of the
rounds, with the goal of the row beside them.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "server"), str(Path(__file__).resolve().parents[1])]

from bench_live import measure as watched  # noqa: E402
from playwright.sync_api import Browser, Page, StorageState, sync_playwright  # noqa: E402 - the path comes first

from browser.app import BROWSER_FLAGS, App, chromium_path  # noqa: E402
from browser.demo import large  # noqa: E402
from browser.documents import put, start, ticking  # noqa: E402
from browser.hand import Hand  # noqa: E402

GOALS = {
    "open to usable, ms": "1,000 at 200; 2,000 at 1,000",
    "pan frame p50, ms": "17 at 1,000",
    "pan frame p95, ms": "33 at 1,000",
    "select all, ms": "150 at 1,000",
    "nudge all, ms": "100 at 1,000",
    "elements when fitted": "3,000 at 1,000",
    "scripts, KB": "250",
    "requests": "15",
    "outline: opened, ms": "–",
    "outline: to its last line, ms": "–",
    "outline: lines that are elements": "–",
}
SCRUB = """async (tries) => {
    const slider = document.querySelector(".scrub-slider"), took = [];
    const frame = () => new Promise((go) => requestAnimationFrame(go));
    for (let at = 0; at < tries; at++) {
        slider.value = String(1 + Math.floor(((at * 0.618) % 1) * (slider.max - 1)));
        const from = performance.now();
        slider.dispatchEvent(new Event("input"));
        const script = performance.now() - from;
        await frame();
        await frame();
        took.push([performance.now() - from, script]);
    }
    return took;
}"""
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


def listed(page: Page) -> dict[str, float]:
    """The outline: shown, and led to its last line."""
    hand = Hand(page)
    hand.canvas.focus()
    rows = page.locator(".outline-row")
    began = time.perf_counter()
    hand.keys("v")
    rows.first.wait_for()
    found = {"outline: opened, ms": (time.perf_counter() - began) * 1000}
    found["outline: to its last line, ms"] = pressed(page, "End")
    return found | {"outline: lines that are elements": rows.count()}


def scrubbed(
    new: Callable[[], Page], app: App, entries: int, tries: int = 60
) -> tuple[int, list[float], list[float]]:
    """A run of so many entries at least; the ms from a move of the slider until the canvas shows that entry, and those
    of the script in it."""
    put(app, ticking("scrubbed", entries // 2))
    run = start(app, "scrubbed")
    with app.client() as client:
        while client.get(f"/api/runs/{run}").json()["status"] not in ("completed", "failed"):
            time.sleep(1)
    page = new()
    page.goto(f"/flows/scrubbed?run={run}")
    hand = Hand(page)
    hand.at_rest()
    slider = page.locator(".scrub-slider")
    hand.until(lambda: int(slider.get_attribute("max") or 0) >= entries, "all entries have come", 120)
    count = int(slider.get_attribute("max") or 0)
    took = page.evaluate(SCRUB, tries)
    page.context.close()
    return count, sorted(each[0] for each in took), sorted(each[1] for each in took)


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
    found = opened(page, f"/flows/{flow_id}") | panned(page) | handled(page) | listed(page)
    page.context.close()
    return found


def table(found: dict[int, dict[str, float]]) -> str:
    """One row for each thing, one column for each size."""
    sizes = list(found)
    lines = [f"| | {' | '.join(f'{n:,} nodes' for n in sizes)} | goal |", "|---" * (len(sizes) + 2) + "|"]
    for row, goal in GOALS.items():
        lines.append(f"| {row} | {' | '.join(f'{found[n][row]:,.0f}' for n in sizes)} | {goal} |")
    return "\n".join(lines)


def machine(browser: Browser) -> str:
    """What it was measured on."""
    cpus = Path("/proc/cpuinfo").read_text("utf-8") if Path("/proc/cpuinfo").exists() else ""
    name = next((row.split(":")[1].strip() for row in cpus.splitlines() if row.startswith("model name")), "?")
    return f"{os.cpu_count()} cores of {name}, {platform.system()}, headless Chromium {browser.version} without a graphics card"


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--n", default="200,1000,5000")
    options.add_argument("--reps", type=int, default=3)
    options.add_argument("--tries", type=int, default=100)
    options.add_argument("--entries", type=int, default=10_000)
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
            told = measured(browser, app, first.context.storage_state(), asked)
    finally:
        app.stop()
    cuts = statistics.quantiles(watched(60), n=20)
    print(f"{told}\n| ledger entry to pixel, p50; p95, ms | {cuts[9]:.0f}; {cuts[18]:.0f} | 100; 250 |")


def measured(browser: Browser, app: App, state: StorageState, asked: Any) -> str:
    """All sizes, then what does not depend on them; the report."""
    found: dict[int, dict[str, float]] = {}
    before = os.getloadavg()[0]
    for n in (int(each) for each in asked.n.split(",")):
        put(app, large(n) | {"id": f"large-{n}"})
        rounds = [measure(lambda: fresh(browser, app, state), f"large-{n}") for _ in range(asked.reps)]
        found[n] = {row: statistics.median(each[row] for each in rounds) for row in rounds[0]}
        print(f"{n} nodes: done", file=sys.stderr, flush=True)
    entries, took, script = scrubbed(lambda: fresh(browser, app, state), app, asked.entries)
    page = fresh(browser, app, state)
    page.goto(f"/flows/large-{next(iter(found))}")
    Hand(page).at_rest()
    missing = lost(page, asked.tries)
    load = f"load {before:.1f} before, {os.getloadavg()[0]:.1f} after"
    return "\n".join(
        [
            f"{machine(browser)}; {load}; medians of {asked.reps}\n",
            table(found),
            "\n| | measured | goal |\n|---|---|---|",
            f"| letters lost in the quick add at 15 a second | {missing} of {asked.tries * len(WORD):,} | 0 |",
            f"| any entry of {entries:,} shown by the slider, p50; p95, ms (script alone, p50) "
            f"| {took[len(took) // 2]:.0f}; {took[int(len(took) * 0.95)]:.0f} ({script[len(script) // 2]:.0f}) | 100 |",
        ]
    )


if __name__ == "__main__":
    main()
