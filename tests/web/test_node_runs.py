"""The tab Runs of a node: what models used in each run for it, its children's calls too."""

from __future__ import annotations

from typing import Any

from web.conftest import Client
from web.moody import MoodyModel
from web.page import Page
from web.test_budget import in_turn, moody, side_by_side

__all__ = ["moody"]


def runs_of(client: Client, document: dict[str, Any], node_id: str) -> str:
    given = next(each for each in document["nodes"] if each["id"] == node_id)
    asked = {"flow_id": document["id"], "node": given, "wired": [], "tab": "runs"}
    answer = client.post("/editor/inspector", json=asked)
    assert answer.status_code == 200, answer.text
    return Page(answer.text).text


def test_tokens_are_told_for_the_node_whose_child_used_them(client: Client, moody: MoodyModel) -> None:
    document = in_turn()
    client.save(document)
    for _ in range(2):
        client.until(client.launch("agents"), "completed", seconds=30)
    for name in ("one", "two"):
        words = runs_of(client, document, name)
        assert "Models 84 tokens" in words, "each answer takes 42, in each of two runs"
        assert words.count(" 42 ") == 2, words
    words = runs_of(client, document, "start")
    assert "Tokens" not in words, "what calls no model has no such columns"


def test_calls_that_run_at_once_are_told_apart(client: Client, moody: MoodyModel) -> None:
    document = side_by_side("agent")
    client.save(document)
    client.until(client.launch("side"), "completed", seconds=30)
    for name in ("first", "one", "two"):
        assert "Models 42 tokens" in runs_of(client, document, name), name
