"""What fits into a budget of tokens."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime.memory.token_budget import (
    estimate_message_tokens,
    estimate_tokens,
    trim_messages_to_max_input_tokens,
    use_estimator,
)


def said(role: str, letters: int) -> dict[str, Any]:
    return {"role": role, "content": "x" * letters}


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("   ", 0), ("a", 1), ("abcdefgh", 2)])
def test_four_characters_are_a_token(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


def test_a_message_counts_with_its_tool_calls() -> None:
    plain = estimate_message_tokens(said("assistant", 40))
    calling = estimate_message_tokens({**said("assistant", 40), "tool_calls": [{"name": "a" * 40}]})
    assert calling > plain > 10


def test_what_belongs_to_the_system_and_the_last_message_always_stay() -> None:
    messages = [said("user", 400), said("system", 400), said("assistant", 400), said("user", 4000)]
    kept = trim_messages_to_max_input_tokens(messages, max_input_tokens=10)
    assert kept == [messages[1], messages[3]]


def test_older_messages_stay_while_they_fit_without_a_hole() -> None:
    messages = [said("user", 4), said("assistant", 4000), said("user", 40), said("assistant", 40)]
    kept = trim_messages_to_max_input_tokens(messages, max_input_tokens=60)
    assert kept == messages[2:]


@pytest.mark.parametrize("budget", [0, -1])
def test_no_budget_trims_nothing(budget: int) -> None:
    messages = [said("user", 4000), said("system", 4), said("user", 4000)]
    assert trim_messages_to_max_input_tokens(messages, max_input_tokens=budget) == messages


def test_a_host_may_bring_a_better_estimate() -> None:
    use_estimator(lambda text, model: len(text) if model == "letters" else 0)
    try:
        assert estimate_tokens("abc", model="letters") == 3
        assert estimate_tokens("abc") == 1
        assert estimate_tokens(" ", model="letters") == 0
    finally:
        use_estimator(None)
    assert estimate_tokens("abcdefgh") == 2
