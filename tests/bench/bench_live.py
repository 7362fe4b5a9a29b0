"""From ledger entry to pixel: how long after a step was written its line stands on the page.

`python tests/bench/bench_live.py [turns]` runs a loop of waits and messages in the real app with the editor
open in Chromium, notes when each line of the run's story is painted, and compares with the ledger. Prints
p50 and p95 in ms against the budget of the editor (100 and 250 ms).
"""

from __future__ import annotations

import sys
import tempfile
from datetime import datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "server"), str(Path(__file__).resolve().parents[1])]

from playwright.sync_api import sync_playwright  # noqa: E402 - the path comes first

from browser.app import BROWSER_FLAGS, App, chromium_path  # noqa: E402
from drive import flow, node  # noqa: E402

WATCH = """
window.painted = [];
new MutationObserver((changes) => {
  const added = changes.flatMap((change) => [...change.addedNodes]).filter((each) => each.nodeType === 1);
  const rows = added.flatMap((each) => each.matches('.activity > li') ? [each] : [...each.querySelectorAll('.activity > li')]);
  if (rows.length) requestAnimationFrame(() => setTimeout(() => {
    for (const row of rows) window.painted.push([row.querySelector('.act-name').textContent, Date.now()]);
  }));
}).observe(document.body, {childList: true, subtree: true});  // the list comes with the first run
"""


def story(turns: int) -> dict[str, Any]:
    """A loop that waits a moment and then says something."""
    nodes = {
        "start": node("on_flow_start"),
        "for": node("for", pinDefaults={"start": 0, "end": turns, "step": 1}),
        "wait": node("wait_until", pinDefaults={"duration": 0.12}),
        "say": node("answer_user", label="Say", pinDefaults={"message": "tick"}),
        "end": node("on_flow_end"),
    }
    return flow("bench-live", nodes, "start -> for, for:loop -> wait, wait -> say, for:done -> end")


def measure(turns: int) -> list[float]:
    """Run the story with the page open; return the delays in ms."""
    path = chromium_path()
    if path is None:
        sys.exit("no Chromium on this machine")
    app = App(Path(tempfile.mkdtemp())).start()
    try:
        with sync_playwright() as playwright, app.client() as client:
            client.put("/api/flows/bench-live", json=story(turns)).raise_for_status()
            browser = playwright.chromium.launch(executable_path=path, args=BROWSER_FLAGS)
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(app.link)
            page.wait_for_url(lambda url: "/login" not in url)
            page.goto(f"{app.url}/flows/bench-live")
            page.wait_for_selector(".fc-node")
            page.evaluate(WATCH)
            page.click("#run-button")
            page.wait_for_selector("#pane-run .state[data-state=completed]", timeout=120_000)
            painted = [at for name, at in page.evaluate("window.painted") if name == "Say"]
            run_id = client.get("/api/runs").json()["runs"][0]["run_id"]
            written, after = [], 0
            while batch := client.get(f"/api/runs/{run_id}/ledger?after={after}").json()["records"]:
                after = batch[-1]["position"]
                written += [r for r in batch if r["node_id"] == "say" and r["status"] == "started"]
            browser.close()
    finally:
        app.stop()
    times = [datetime.fromisoformat(record["started_at"]).timestamp() * 1000 for record in written]
    if len(times) != len(painted):
        sys.exit(f"{len(times)} steps were written, {len(painted)} lines painted")
    return [shown - wrote for wrote, shown in zip(times, painted, strict=True)]


if __name__ == "__main__":
    delays = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
    cuts = quantiles(delays, n=20)
    print(
        f"ledger entry to pixel, {len(delays)} steps: p50 {cuts[9]:.0f} ms, p95 {cuts[18]:.0f} ms (budget 100, 250)"
    )
