"""Two runs side by side: what differs within values, what is left out by rule, and different versions."""

from __future__ import annotations

from typing import Any

from flowstudio.pages.marked import Piece
from flowstudio.pages.passing import compared_outputs
from flowstudio.pages.side_by_side import compared
from flowstudio.runner_visits import Visit
from web.conftest import Client
from web.documents import end, flow, node, start
from web.test_pages import see

ONE = "0190a1b2-aaaa-4bbb-8ccc-0123456789ab"
TWO = "0190a1b2-dddd-4bbb-8ccc-0123456789ab"


def saying(flow_id: str = "saying", level: str = "info") -> dict[str, Any]:
    """Say what is given."""
    return flow(
        flow_id,
        [start("words", words=""), node("say", "answer_user", pinDefaults={"level": level}), end()],
        [("start", "say"), ("start.words", "say.message"), ("say", "end")],
    )


def visit(minute: int, **given: Any) -> Visit:
    """A step that took five seconds from a minute on."""
    at = f"2026-03-01T10:{minute:02}:00+00:00"
    return Visit("a", 1, at, state="done", ended_at=at.replace(":00+", ":05+"), given=given)


def test_what_differs_within_a_value_is_marked_and_said(client: Client) -> None:
    client.save(saying())
    runs = [client.launch("saying", words=f"rate {rate} of net") for rate in ("0.24", "0.255")]
    for each in runs:
        client.until(each, "completed")
    rows = compared(client.studio, *runs).rows
    assert [row.state for row in rows] == ["different"] * 3
    assert rows[0].differences[0].left == (Piece("rate 0."), Piece("24", True), Piece(" of net"))
    page = see(client, f"/runs/{runs[1]}/compare/{runs[0]}")
    assert '<mark><span class="unseen">[differs: </span>255<span class="unseen">]</span></mark>' in page.html
    assert page.values("data-node") == ["start", "say", "end"]
    assert "different versions" not in page.text
    assert f'data-left="{runs[0]}" data-right="{runs[1]}"' in page.html
    usual = see(client, f"/runs/{runs[1]}/compare")
    assert f'data-left="{runs[0]}"' in usual.html, "without another one named it is the run before"


def test_a_run_without_another_one_says_so(client: Client) -> None:
    client.save(saying())
    run = client.launch("saying")
    client.until(run, "completed")
    page = see(client, f"/runs/{run}/compare")
    assert "Run it once more, then compare." in page.text
    assert f"/runs/{run}" in page.values("href")


def test_runs_of_two_versions_say_so(client: Client) -> None:
    client.save(saying())
    first = client.launch("saying", words="a")
    client.until(first, "completed")
    changed = client.put("/api/flows/saying", json=saying(level="warning"), headers={"If-Match": "*"})
    assert changed.status_code == 200, changed.text
    second = client.launch("saying", words="a")
    client.until(second, "completed")
    page = see(client, f"/runs/{second}/compare/{first}")
    assert "the first of version 1, the second of version 2" in page.text
    assert "/flows/saying/diff/1..2" in page.values("href")
    client.save(saying("other"))
    third = client.launch("other", words="a")
    client.until(third, "completed")
    assert "runs of two flows" in see(client, f"/runs/{third}/compare/{first}").text


def test_what_is_never_the_same_is_left_out_and_listed() -> None:
    one = visit(1, at="2026-03-01T10:01:04Z", id=ONE, sub_run_id="x", rows=[{"at": "2026-03-01T10:01:01Z"}])
    two = visit(9, at="2026-03-01T10:09:01Z", id=TWO, sub_run_id="y", rows=[{"at": "2026-03-01T10:09:05Z"}])
    differing, left_out = compared_outputs(one, two)
    assert differing == []
    assert {each.path: each.rule for each in left_out} == {
        "at": "the time of the step",
        "id": "an id",
        "sub_run_id": "the id of a run",
        "rows[0].at": "the time of the step",
    }


def test_a_date_that_is_no_clock_and_an_id_on_one_side_are_compared() -> None:
    one = visit(1, due="2026-03-05T10:00:00Z", id=ONE, kind=[], rows=[{"n": 1, "at": "2026-03-01T10:01:01Z"}])
    two = visit(
        9, due="2026-04-05T10:00:00Z", id="none", kind="", rows=[{"n": 2, "at": "2026-03-01T10:09:01Z"}]
    )
    differing, left_out = compared_outputs(one, two)
    assert differing == ["due", "id", "kind", "rows"]
    assert [each.path for each in left_out] == ["rows[0].at"]
