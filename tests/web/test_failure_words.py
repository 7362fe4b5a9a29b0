"""Why a run has failed is told in words that fit: on its page, in lists, and in the stream."""

from __future__ import annotations

import pytest

from flowstudio.runner_views import failure_words
from web.conftest import Client
from web.documents import end, flow, node, start
from web.test_forks import events
from web.test_pages import see


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("Effect failed after 1 attempts: busy", "Effect failed after 1 attempt: busy"),
        ("Effect failed after 3 attempts: busy", "Effect failed after 3 attempts: busy"),
        (
            "Subworkflow 'a' failed: Effect failed after 1 attempts: no",
            "Subworkflow 'a' failed: Effect failed after 1 attempt: no",
        ),
    ],
)
def test_one_attempt_is_told_as_one(told: str, shown: str) -> None:
    assert failure_words(told) == shown


def test_the_page_the_lists_and_the_stream_of_a_failed_run_say_one_attempt(client: Client) -> None:
    asks = node("ask", "llm_call", pinDefaults={"prompt": "hi", "provider": "p", "model": "m"})
    client.save(flow("silent", [start(), asks, end()], [("start", "ask"), ("ask", "end")]))
    run = client.launch("silent")
    assert "after 1 attempts:" in client.until(run, "failed")["error"], "the kernel's own words, for programs"
    for address in (f"/runs/{run}", "/runs", "/"):
        text = see(client, address).text
        assert "after 1 attempt:" in text, address
        assert "after 1 attempts" not in text, address
    said = [each["error"] for each in events(client, run) if each["error"]]
    assert said
    assert not any("after 1 attempts" in each for each in said), said
    whole = client.get(f"/api/runs/{run}/events").text
    assert "after 1 attempt:" in whole.rpartition("event: end")[2], "the end of the run says it"
