"""Facts of a knowledge graph as lines for a prompt."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime.memory import kg_packets
from abstractruntime.memory.kg_packets import pack_active_memory_text, packetize_assertions


def fact(name: str, **more: Any) -> dict[str, Any]:
    return {"subject": name, "predicate": "likes", "object": "tea", **more}


def test_a_packet_has_what_there_is_and_no_more() -> None:
    item = fact(
        " Ann  Lee ",
        observed_at="2026-01-01",
        scope="session",
        owner_id="o",
        provenance={"span_id": "s", "writer_run_id": "r", "writer_workflow_id": "w"},
        attributes={"_retrieval": {"score": 0}},
    )
    assert packetize_assertions([item, fact("Bo")]) == [
        {
            "version": 0,
            "statement": "Ann Lee —likes→ tea",
            "subject": "Ann Lee",
            "predicate": "likes",
            "object": "tea",
            "observed_at": "2026-01-01",
            "scope": "session",
            "owner_id": "o",
            "span_id": "s",
            "writer_run_id": "r",
            "writer_workflow_id": "w",
            "retrieval_score": 0.0,
        },
        {
            "version": 0,
            "statement": "Bo —likes→ tea",
            "subject": "Bo",
            "predicate": "likes",
            "object": "tea",
        },
    ]


def test_the_first_of_equal_facts_stays_and_halves_are_left_out() -> None:
    items = [fact("Ann", scope="a"), fact("ANN", scope="b"), fact("Ann", observed_at="2026"), fact(" "), "no"]
    found = packetize_assertions(items)
    assert [(one.get("scope"), one.get("observed_at")) for one in found] == [("a", None), (None, "2026")]


def test_the_text_says_what_it_is_and_keeps_what_fits() -> None:
    packets = packetize_assertions(
        [
            fact("Ann", observed_at="2026-01-01", provenance={"span_id": "s1"}),
            fact("Bo", attributes={"_retrieval": {"score": 0.7}}),
            fact("C" * 4000),
            fact("Di"),
        ]
    )
    text, kept, tokens, dropped = pack_active_memory_text(packets, scope="run", max_input_tokens=100)
    lines = text.splitlines()
    assert lines[0] == "## KG ACTIVE MEMORY"
    assert ("scope=run" in lines[1], "similarity-desc" in lines[1], "100" in lines[1]) == (True, True, True)
    assert "- [2026-01-01] Ann —likes→ tea (span:s1)" in lines
    assert "- Bo —likes→ tea (score:0.700)" in lines
    assert (len(kept), dropped) == (2, 2)
    assert 0 < tokens <= 100


def test_without_scores_the_order_is_that_of_time() -> None:
    packets = packetize_assertions([fact("Ann", attributes={"_retrieval": {"score": 0.7}})])
    text, *_ = pack_active_memory_text(
        packets, scope="run", max_input_tokens=100, include_scores=False, title="FACTS"
    )
    assert text.startswith("## FACTS\n")
    assert "observed_at-desc" in text
    assert "score:" not in text


@pytest.mark.parametrize(("budget", "told"), [(0, ("", [], 0, 0)), (-5, ("", [], 0, 0)), (3, ("", [], 0, 1))])
def test_no_room_gives_no_text(budget: int, told: Any) -> None:
    packets = packetize_assertions([fact("Ann")])
    assert pack_active_memory_text(packets, scope="run", max_input_tokens=budget) == told


def test_the_estimate_is_the_modules_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kg_packets, "estimate_tokens", lambda text, model=None: text.count("likes"))
    packets = packetize_assertions([fact("Ann"), fact("Bo"), fact("Cy")])
    _, kept, tokens, dropped = pack_active_memory_text(packets, scope="run", max_input_tokens=2)
    assert (len(kept), tokens, dropped) == (2, 2, 1)
