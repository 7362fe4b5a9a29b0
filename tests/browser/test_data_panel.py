"""The data tab by mouse and keyboard: visits, views, what is compared, attempts, watched values, all runs."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browser.app import App
from browser.documents import EXEC_IN, EXEC_OUT, document, node, put, start, ticking
from browser.hand import Hand
from browser.test_node_tabs import ended, tabled

pytestmark = pytest.mark.browser


def panel_of(page: Page, hand: Hand, title: str) -> Any:
    hand.node(title).locator(".fc-title").click()
    panel = page.locator("#pane-node")
    panel.get_by_role("tab", name="Data", exact=True).click()
    return panel


def test_visits_go_by_the_strip_and_a_value_keeps_its_view(app: App, page: Page) -> None:
    put(app, ticking("strip", 4))
    run_id = start(app, "strip")
    with app.client() as client:
        ended(client, run_id)
    hand = Hand(page).open_flow("strip")
    panel = panel_of(page, hand, "Tick")
    strip = panel.get_by_role("tablist", name="Visits, one by one")
    expect(strip.get_by_role("tab")).to_have_count(4)
    expect(panel.get_by_role("region", name="Came in")).to_contain_text("tick 3")
    strip.get_by_role("tab", name="Visit 1, Done").click()
    expect(panel.get_by_role("region", name="Came in")).to_contain_text("tick 0")
    expect(strip.get_by_role("tab", name="Visit 1, Done")).to_be_focused()
    hand.keys("ArrowRight")
    expect(panel.get_by_role("region", name="Came in")).to_contain_text("tick 1")
    expect(strip.get_by_role("tab", name="Visit 2, Done")).to_be_focused()
    panel.get_by_label("Compared with").select_option("visit")
    expect(panel).to_contain_text("Differs from the visit before: 1 place")
    expect(panel.get_by_role("region", name="Settings used")).to_be_visible()


def test_a_value_is_looked_at_as_schema_and_difference(app: App, page: Page) -> None:
    put(app, tabled("viewed"))
    for who in ("Ada", "Bea"):
        run_id = start(app, "viewed", who=who)
        with app.client() as client:
            ended(client, run_id)
    hand = Hand(page).open_flow("viewed")
    panel = panel_of(page, hand, "Work")
    view = panel.get_by_label("View of rows")
    chosen = view.bounding_box()
    copy = panel.get_by_role("button", name="Copy rows", exact=True).bounding_box()
    assert chosen
    assert copy
    assert chosen["y"] < copy["y"] + copy["height"] / 2 < chosen["y"] + chosen["height"]
    view.focus()
    view.select_option("schema")
    expect(panel.get_by_label("The shape of rows")).to_contain_text("whole number")
    expect(view).to_be_focused()
    view.select_option("raw")
    expect(panel.get_by_label("rows as it is recorded")).to_contain_text('[{"name": "Bea", "n": 1}')
    view.select_option("difference")
    expect(panel.get_by_role("region", name="Came out")).to_contain_text('rows[0]["name"] Ada Bea')
    view.select_option("tree")
    panel.get_by_role("link", name='Search all runs for the value of rows[0]["name"]').click()
    page.wait_for_url("**/runs/search?*")
    expect(page.locator("#content li[data-run]")).not_to_have_count(0)
    expect(page.get_by_label("Exactly this value")).to_be_checked()
    page.locator("#content li[data-run] a").first.click()
    page.wait_for_url(f"**/runs/{run_id}*")


def failing(flow_id: str) -> dict[str, Any]:
    """A flow that reads a file that is not there, three times."""
    reads = node(
        "read",
        "read_file",
        300,
        0,
        label="Read",
        pinDefaults={"file_path": "nowhere.txt"},
        policy={"retries": 2, "pause": 0.1},
        onError="branch",
    )
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT]),
        reads,
        node("end", "on_flow_end", 640, 0, label="End", inputs=[EXEC_IN]),
    ]
    wires = ["start.exec-out > read.exec-in", "read.exec-out > end.exec-in", "read.exec-error > end.exec-in"]
    return document(flow_id, "Failing", nodes, wires)


def test_each_attempt_has_a_tab(app: App, page: Page) -> None:
    put(app, failing("tried"))
    run_id = start(app, "tried")
    with app.client() as client:
        ended(client, run_id)
    hand = Hand(page).open_flow("tried")
    panel = panel_of(page, hand, "Read")
    tries = panel.get_by_role("tablist", name="Attempts")
    expect(tries.get_by_role("tab")).to_have_count(3)
    tries.get_by_role("tab", name="Attempt 1").click()
    expect(panel).to_contain_text("Came of attempt 1")
    expect(panel.get_by_role("region", name="Settings used")).to_contain_text("nowhere.txt")
    hand.keys("ArrowRight")
    expect(panel).to_contain_text("Came of attempt 2")
    expect(tries.get_by_role("tab", name="Attempt 2")).to_be_focused()


PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAQAAAACCAIAAADwyuo0AAAAEElEQVR4nGP4z8AARwzIHABvqgf5gNwAKAAAAABJRU5ErkJggg=="
)


def keeping(flow_id: str) -> dict[str, Any]:
    """A flow that takes in a picture from the workspace."""
    takes = node(
        "take", "import_workspace_file", 300, 0, label="Take in", pinDefaults={"file_path": "dot.png"}
    )
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT]),
        takes,
        node("end", "on_flow_end", 640, 0, label="End", inputs=[EXEC_IN]),
    ]
    return document(
        flow_id, "Keeping", nodes, ["start.exec-out > take.exec-in", "take.exec-out > end.exec-in"]
    )


def test_a_picture_that_a_run_has_kept_is_seen(app: App, page: Page) -> None:
    workspace = app.folder / "data" / "workspace"
    workspace.mkdir(parents=True, exist_ok=True)
    (workspace / "dot.png").write_bytes(PNG)
    put(app, keeping("keeping"))
    run_id = start(app, "keeping")
    with app.client() as client:
        ended(client, run_id)
    hand = Hand(page).open_flow("keeping")
    panel = panel_of(page, hand, "Take in")
    picture = panel.get_by_role("img", name="artifact", exact=True)
    expect(picture).to_be_visible()
    hand.until(lambda: picture.evaluate("each => each.naturalWidth") == 4, "the picture is drawn")
    panel.get_by_label("View of artifact", exact=True).select_option("text")
    expect(panel.get_by_label("artifact", exact=True).first).to_contain_text("image/png")
    expect(picture).to_have_count(0)


def test_a_watched_value_is_told_at_every_instant(app: App, page: Page) -> None:
    put(app, ticking("watched", 3))
    hand = Hand(page).open_flow("watched")
    hand.keys("r")
    hand.expect_run("Done")
    page.locator("#tab-node").click()
    panel = panel_of(page, hand, "Text")
    panel.get_by_role("region", name="Came out").get_by_role(
        "button", name="Watch", exact=False
    ).first.click()
    strip = page.get_by_role("region", name="Watched values")
    expect(strip).to_contain_text("tick 2")
    hand.node("Tick").focus()
    slider = page.get_by_label("Entry of the run that is shown")
    slider.focus()
    hand.keys("Home")
    expect(strip).to_contain_text("not given yet")
    for _ in range(30):
        if "tick 0" in strip.inner_text():
            break
        hand.keys("ArrowRight")
    expect(strip).to_contain_text("tick 0")
    page.reload()
    hand.at_rest()
    expect(strip).to_be_visible()
    strip.get_by_role("button", name="No longer watch", exact=False).click()
    expect(strip).to_be_hidden()


def test_the_search_finds_what_a_run_gave(app: App, page: Page) -> None:
    put(app, ticking("sought", 2))
    hand = Hand(page).open_flow("sought")
    hand.keys("r")
    hand.expect_run("Done")
    hand.node("Tick").focus()
    hand.keys("Control+f")
    hand.type("tick 1")
    expect(page.locator(".chooser-row").first).to_contain_text("gave")
    row = page.locator(".chooser-row").filter(has_text="in the data of the runs of this flow")
    row.click()
    page.wait_for_url("**/runs/search?*flow=sought*")
    expect(page.locator("#content li[data-run]")).not_to_have_count(0)
