"""Date, time and country before a turn: off by default, and when they are on the ledger shows what was sent."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from abstractruntime import Effect, EffectType, InMemoryLedgerStore, InMemoryRunStore, Runtime, StepPlan
from abstractruntime.core.config import RuntimeConfig
from abstractruntime.core.spec import WorkflowSpec
from abstractruntime.integrations.abstractcore import build_effect_handlers, llm_client
from abstractruntime.integrations.abstractcore.llm_result import llm_result

HEAD = "[2026-01-31 09:30:00 NO]"


class Client:
    """Keeps what it is asked."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}

    def generate(self, **asked: Any) -> dict[str, Any]:
        self.asked = asked
        return llm_result(content="Yes", finish_reason="stop")


@pytest.fixture(autouse=True)
def morning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llm_client, "_system_context_header", lambda: HEAD)


def ask(grounding: Any, **payload: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a client is asked and what the ledger keeps of it."""
    client = Client()
    runtime = Runtime(
        run_store=InMemoryRunStore(),
        ledger_store=InMemoryLedgerStore(),
        effect_handlers=build_effect_handlers(llm=client),
        config=RuntimeConfig(grounding=grounding),
    )
    effect = Effect(EffectType.LLM_CALL, payload, "answer")
    nodes = {
        "ask": lambda run, ctx: StepPlan("ask", effect=effect, next_node="end"),
        "end": lambda run, ctx: StepPlan("end", complete_output={}),
    }
    spec = WorkflowSpec(workflow_id="w", entry_node="ask", nodes=nodes)
    run_id = runtime.start(spec)
    runtime.tick(spec, run_id)
    [kept] = [
        each["result"]["metadata"]["_runtime_observability"]["llm_generate_kwargs"]
        for each in runtime.get_ledger(run_id)
        if each["status"] == "completed" and "metadata" in (each["result"] or {})
    ]
    return client.asked, kept


def test_it_is_off_unless_wanted() -> None:
    asked, _ = ask("off", prompt="Hello", system_prompt="Be brief")
    assert (asked["prompt"], asked["system_prompt"]) == ("Hello", "Be brief")


def test_it_goes_before_the_users_turn() -> None:
    asked, kept = ask("user_turn", prompt="Hello")
    assert asked["prompt"] == kept["prompt"] == f"{HEAD} Hello"
    turns = [
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": "Yes"},
        {"role": "user", "content": "Two"},
    ]
    asked, kept = ask("user_turn", messages=turns, system_prompt=f"{HEAD}\nBe brief")
    assert [each["content"] for each in asked["messages"]] == ["One", "Yes", f"{HEAD} Two"]
    assert asked["messages"] == kept["messages"]
    assert asked["system_prompt"] == "Be brief"
    assert turns[2]["content"] == "Two"


def test_it_goes_before_the_system_prompt() -> None:
    asked, kept = ask("system", prompt="Hello", system_prompt="Be brief")
    assert asked["system_prompt"] == kept["system_prompt"] == f"{HEAD}\n\nBe brief"
    assert asked["prompt"] == "Hello"


@pytest.mark.parametrize(
    ("text", "grounded"),
    [
        (f"{HEAD} Hello", f"{HEAD} Hello"),
        ("[2020/01/02 03:04 FR] Hello", "[2020/01/02 03:04 FR] Hello"),
        ("Grounding: 2020/01/02|03:04|FR\nHello", "[2020-01-02 03:04:00 FR] Hello"),
    ],
)
def test_a_turn_that_has_a_header_keeps_it(text: str, grounded: str) -> None:
    assert llm_client._inject_turn_grounding(prompt=text, messages=None) == (grounded, None)


def test_without_a_turn_of_the_user_the_header_is_one() -> None:
    prompt, messages = llm_client._inject_turn_grounding(
        prompt="", messages=[{"role": "system", "content": "x"}]
    )
    assert prompt == ""
    assert messages is not None
    assert messages[-1] == {"role": "user", "content": HEAD}


@pytest.mark.parametrize(
    ("environment", "zone", "country"),
    [
        ({"ABSTRACT_COUNTRY": "no"}, None, "NO"),
        ({"LANG": "de_AT.UTF-8"}, None, "AT"),
        ({"LANG": "C.UTF-8"}, "Europe/Oslo", "NO"),
        ({}, "Mars/Olympus", "XX"),
        ({"LC_ALL": "en_001"}, None, "XX"),
    ],
)
def test_where_the_country_comes_from(
    environment: dict[str, str],
    zone: str | None,
    country: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for name in ("ABSTRACT_COUNTRY", "ABSTRACTFRAMEWORK_COUNTRY", "LC_ALL", "LANG", "LC_CTYPE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    table = tmp_path / "zone.tab"
    table.write_text("#a comment\nNO\t+5955+01045\tEurope/Oslo\n", encoding="utf-8")
    monkeypatch.setattr(llm_client, "_ZONEINFO_TAB_CANDIDATES", (tmp_path / "none", table))
    monkeypatch.setattr(llm_client, "_detect_timezone_name", lambda: zone)
    monkeypatch.setattr(llm_client.locale, "getlocale", lambda: (None, None))
    assert llm_client._detect_country() == country


def test_the_header_has_its_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("ABSTRACT_COUNTRY", "NO")
    assert re.fullmatch(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d NO\]", llm_client._system_context_header())


def test_what_other_hosts_import_reads_the_same() -> None:
    text = '<tool_call>{"name": "add", "arguments": {"a": 1}}</tool_call>'
    calls, rest = llm_client._maybe_parse_tool_calls_from_text(content=text, allowed_tool_names=["add"])
    assert [each["name"] for each in calls or []] == ["add"]
    assert rest == ""
    [call] = (
        llm_client._normalize_tool_calls([{"id": "c", "function": {"name": "f", "arguments": "{}"}}]) or []
    )
    assert call == {"name": "f", "arguments": {}, "call_id": "c"}
    told = llm_client._normalize_local_response({"content": "Hi", "usage": {"prompt_tokens": 3}})
    assert (told["content"], told["usage"]["input_tokens"]) == ("Hi", 3)
