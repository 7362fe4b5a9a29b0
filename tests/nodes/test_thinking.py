"""How much a model shall think: words that are read, and words that the check refuses before the step does."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime.visualflow_compiler import check
from drive import end, flow, node, start


def config_of(kind: str) -> str:
    return "agentConfig" if kind == "agent" else "effectConfig"


def told_of(kind: str, **data: Any) -> list[str]:
    nodes = {"start": start(), "ask": node(kind, **data), "end": end("x")}
    return [each.code for each in check(flow("f", nodes, "start -> ask, ask -> end, ask.response -> end.x"))]


@pytest.mark.parametrize("kind", ["llm_call", "agent"])
def test_other_words_for_how_much_it_thinks_are_read_and_not_told(kind: str) -> None:
    for word in ("none", "None", "yes", "extra high", "x-high", "", "off", "auto"):
        assert "pin.choice" not in told_of(kind, pins={"thinking": word}), word
        assert "model.thinking" not in told_of(kind, **{config_of(kind): {"thinking": word}}), word
    for word in (False, True, None):
        assert "model.thinking" not in told_of(kind, **{config_of(kind): {"thinking": word}}), word


@pytest.mark.parametrize("kind", ["llm_call", "agent"])
def test_a_word_that_the_step_would_refuse_is_told_before_any_run(kind: str) -> None:
    assert "pin.choice" in told_of(kind, pins={"thinking": "hard"})
    said = {config_of(kind): {"thinking": "hard"}}
    assert "model.thinking" in told_of(kind, **said)
    assert "model.thinking" not in told_of(kind, pins={"thinking": "low"}, **said), "the pin counts"
