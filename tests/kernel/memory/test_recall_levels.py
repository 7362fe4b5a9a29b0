"""How much each level of recall allows."""

from __future__ import annotations

import pytest

from abstractruntime.memory.recall_levels import Clamp, RecallLevel, parse_recall_level, policy_for


@pytest.mark.parametrize("raw", [None, "", "  "])
def test_nothing_is_no_level(raw: object) -> None:
    assert parse_recall_level(raw) is None


@pytest.mark.parametrize("raw", [" Urgent ", "urgent", RecallLevel.URGENT])
def test_a_level_is_read_without_regard_to_case(raw: object) -> None:
    assert parse_recall_level(raw) is RecallLevel.URGENT


@pytest.mark.parametrize("raw", [True, False, 0, "soon", ["deep"]])
def test_anything_else_is_refused(raw: object) -> None:
    with pytest.raises(ValueError, match="Unknown recall_level"):
        parse_recall_level(raw)


def test_the_levels_allow_what_the_contract_says() -> None:
    urgent, standard, deep = (policy_for(level) for level in RecallLevel)
    assert [p.span.limit_spans_default for p in (urgent, standard, deep)] == [2, 5, 8]
    assert [p.span.limit_spans_max for p in (urgent, standard, deep)] == [3, 8, 20]
    assert [p.span.deep_allowed for p in (urgent, standard, deep)] == [False, True, True]
    assert [p.span.deep_limit_spans_max for p in (urgent, standard, deep)] == [0, 25, 100]
    assert [p.span.deep_limit_messages_per_span_max for p in (urgent, standard, deep)] == [0, 200, 400]
    assert [p.span.neighbor_hops_max for p in (urgent, standard, deep)] == [0, 1, 2]
    assert [p.span.max_messages_default for p in (urgent, standard, deep)] == [30, 80, 200]
    assert [p.span.max_messages_max for p in (urgent, standard, deep)] == [60, 150, 600]
    assert [p.rehydrate.max_messages_max for p in (urgent, standard, deep)] == [60, 200, 800]
    assert [p.kg.min_score_default for p in (urgent, standard, deep)] == [0.55, 0.4, 0.25]
    assert [p.kg.min_score_floor for p in (urgent, standard, deep)] == [0.5, 0.25, 0.0]
    assert [p.kg.limit_max for p in (urgent, standard, deep)] == [40, 200, 1000]
    assert [p.kg.max_input_tokens_max for p in (urgent, standard, deep)] == [1000, 3000, 6000]


def test_what_asks_for_more_is_brought_down_aloud() -> None:
    clamp = Clamp(RecallLevel.URGENT, [])
    assert clamp.most("limit", 100, 20, 40) == 40
    assert clamp.most("max_messages", -1, 30, 60) == 60
    assert clamp.least("min_score", 0.1, 0.55, 0.5) == 0.5
    assert clamp.allow("deep scan", True, False) is False
    assert clamp.warnings == [
        "recall_level=urgent: clamped limit from 100 to 40",
        "recall_level=urgent: clamped max_messages from -1 to 60",
        "recall_level=urgent: raised min_score from 0.1 to 0.5",
        "recall_level=urgent: deep scan disabled",
    ]


def test_what_is_left_open_is_filled_in_silence_and_nothing_is_a_number() -> None:
    clamp = Clamp(RecallLevel.DEEP, [])
    assert clamp.most("limit", None, 200, 1000) == 200
    assert clamp.most("limit", 0, 200, 1000) == 0
    assert clamp.least("min_score", None, 0.25, 0.0) == 0.25
    assert clamp.least("min_score", 0.0, 0.25, 0.0) == 0.0
    assert clamp.allow("deep scan", True, True) is True
    assert clamp.warnings == []
