"""The data tab of a node in a run that holds much, and the search in the data of many runs.

    python tests/bench/bench_data.py [--megabytes 10] [--runs 400] [--reps 5]

A run of so many steps, each giving a text of a million characters, is looked at in the real app: from the press on the
tab *Data* to the frame in which the values stand (first paint, `shared/design/editor.md` 3.10), with the time that the
server took of it. Then words that stand nowhere are looked for in so many runs: the time of one answer, and how many
runs it looked at.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "server"), str(Path(__file__).resolve().parents[1])]

from playwright.sync_api import Page, sync_playwright  # noqa: E402 - the path comes first

from browser.app import BROWSER_FLAGS, App, chromium_path  # noqa: E402
from browser.documents import EXEC_IN, EXEC_OUT, document, node, pins, put, start, ticking  # noqa: E402
from browser.hand import Hand  # noqa: E402

PRESS = """async () => {
    const pane = document.querySelector("#pane-node");
    const began = performance.now();
    pane.querySelector("[role=tab][data-tab=data]").click();
    while (!pane.querySelector(".data-sides")) await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    const asked = performance.getEntriesByType("resource").filter((each) => each.name.endsWith("/editor/inspector")).at(-1);
    return [performance.now() - began, asked.responseEnd - asked.requestStart];
}"""


def heavy(megabytes: int) -> dict[str, Any]:
    """A flow of steps that each give a text of a million characters."""
    body = "return {'long': 'xy' * 500000}"
    outs = [EXEC_OUT, *pins(("long", "string"))]
    steps = [
        node(f"w{at}", "code", 300 * at, 0, label=f"Step {at}", inputs=[EXEC_IN], outputs=outs, codeBody=body)
        for at in range(1, megabytes + 1)
    ]
    begin = node("w0", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT])
    wires = [f"w{at}.exec-out > w{at + 1}.exec-in" for at in range(megabytes)]
    return document("heavy", "Heavy", [begin, *steps], wires)


def ended(app: App, run_id: str) -> None:
    """Wait until a run is over."""
    with app.client() as client:
        while client.get(f"/api/runs/{run_id}").json()["status"] != "completed":
            time.sleep(0.05)


def paint(page: Page, title: str, reps: int) -> tuple[list[float], list[float]]:
    """Return how long it took until the data stood, and how much of it was the server's, each time."""
    hand = Hand(page).open_flow("heavy")
    whole, served = [], []
    for _ in range(reps):
        hand.keys("Escape")
        hand.node(title).locator(".fc-title").click()
        page.locator("#pane-node").get_by_role("tab", name="Set-up").click()
        page.locator("#pane-node .inspector-about").wait_for()
        all_of_it, server = page.evaluate(PRESS)
        whole.append(all_of_it)
        served.append(server)
    return whole, served


def main() -> None:
    """Print what was measured, with the load of the machine beside it."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    asked.add_argument("--megabytes", type=int, default=10)
    asked.add_argument("--runs", type=int, default=400)
    asked.add_argument("--reps", type=int, default=5)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        app = App(Path(folder)).start()
        try:
            put(app, heavy(given.megabytes))
            ended(app, start(app, "heavy"))
            browser = playwright.chromium.launch(executable_path=chromium_path(), args=BROWSER_FLAGS)
            page = browser.new_page(base_url=app.url, viewport={"width": 1440, "height": 900})
            page.goto(app.link)
            page.wait_for_url(f"{app.url}/")
            whole, served = paint(page, "Step 1", given.reps)
            print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
            print(
                f"data of a run of {given.megabytes} MB, first paint, ms: {statistics.median(whole):.0f} (goal 150)"
            )
            print(f"  of it the server's answer, ms: {statistics.median(served):.0f}")
            browser.close()
            put(app, ticking("many", 5))
            for _ in range(given.runs):
                last = start(app, "many")
            ended(app, last)
            with app.client() as client:
                began = time.perf_counter()
                body = client.get("/api/run-data", params={"q": "zebra"}).json()
                took = (time.perf_counter() - began) * 1000
            rest = "all of them" if body["next"] is None else "and more are left"
            print(f"search in {body['looked_at']} runs, {rest}, ms: {took:.0f}")
        finally:
            app.stop()


if __name__ == "__main__":
    main()
