"""What an agent keeps in mind, and how it changes that."""

from __future__ import annotations

from typing import Any

from abstractruntime.memory.active_memory import (
    DEFAULT_LIMITS,
    MEMACT_ENVELOPE_SCHEMA_V1,
    apply_memact_envelope,
    ensure_memact_memory,
    get_memact_memory,
    render_memact_blocks,
    render_memact_system_prompt,
)
from abstractruntime.memory.memact_composer import compose_memact_current_context_from_kg_result

NOW, STAMP = "2026-01-02T03:04:05+00:00", "26/01/02 03:04:05"


def apply(vars: dict[str, Any], **envelope: Any) -> dict[str, Any]:
    return apply_memact_envelope(vars, envelope=envelope, now_iso=lambda: NOW, now_compact=lambda: STAMP)


def texts(vars: dict[str, Any], name: str) -> list[str]:
    return [record["text"] for record in ensure_memact_memory(vars)[name]]


def test_a_memory_is_made_whole_and_plain_texts_become_records() -> None:
    vars: dict[str, Any] = {
        "_runtime": {"active_memory": {"current_tasks": ["write", " ", 7], "persona": ""}}
    }
    assert get_memact_memory({}) is None
    memory = ensure_memact_memory(vars, now_iso=lambda: NOW)
    assert memory is vars["_runtime"]["active_memory"]
    assert (memory["version"], memory["created_at"], memory["limits"]) == (1, NOW, DEFAULT_LIMITS)
    assert memory["persona"]
    [task] = memory["current_tasks"]
    assert (task["text"], task["created_at"], task["id"][:4]) == ("write", NOW, "tsk_")
    assert ensure_memact_memory(vars)["current_tasks"] == [task]


def test_what_is_removed_goes_first_and_what_is_added_comes_to_the_front() -> None:
    vars: dict[str, Any] = {}
    apply(vars, current_tasks={"added": ["one", "two"], "removed": []})
    told = apply(
        vars,
        current_tasks={"added": ["Two", "three"], "removed": ["  ONE "]},
        relationships={"added": ["Ann is the boss"], "removed": ["nobody"]},
    )
    assert texts(vars, "current_tasks") == ["three", "two"]
    assert told["applied"]["current_tasks"] == {"added": 1, "removed": 1, "trimmed": 0}
    assert told["applied"]["relationships"] == {"added": 1, "removed": 0, "trimmed": 0}
    assert told["ok"] is True
    memory = ensure_memact_memory(vars)
    assert memory["updated_at"] == NOW
    assert memory["current_tasks"][0]["ts"] == STAMP
    assert memory["relationships"][0]["id"].startswith("rel_")


def test_a_model_may_repeat_the_time_that_it_was_shown() -> None:
    vars: dict[str, Any] = {}
    apply(vars, references={"added": ["the file is a.txt"], "removed": []})
    shown = next(b for b in render_memact_blocks(vars) if b["component_id"] == "references")["content"]
    assert shown == f"- [{STAMP}] the file is a.txt"
    apply(vars, references={"added": [], "removed": [shown]})
    assert texts(vars, "references") == []


def test_history_only_grows_until_it_is_full() -> None:
    vars: dict[str, Any] = {"_runtime": {"active_memory": {"limits": {"history": 2}}}}
    apply(vars, history={"added": ["a", "b"]})
    told = apply(vars, history={"added": ["c"], "removed": ["b"]})
    assert texts(vars, "history") == ["c", "b"]
    assert told["applied"]["history"] == {"added": 1, "removed": 0, "trimmed": 1}


def test_a_limit_of_nothing_keeps_nothing() -> None:
    vars: dict[str, Any] = {"_runtime": {"active_memory": {"limits": {"references": 0}}}}
    assert apply(vars, references={"added": ["a"], "removed": []})["applied"]["references"]["trimmed"] == 1
    assert texts(vars, "references") == []


def test_what_is_no_envelope_changes_nothing() -> None:
    vars: dict[str, Any] = {}
    assert apply_memact_envelope(vars, envelope="text")["ok"] is False
    assert vars == {}


def test_the_prompt_begins_with_the_blueprints() -> None:
    vars: dict[str, Any] = {}
    apply(vars, critical_insights={"added": ["measure first"], "removed": []})
    prompt = render_memact_system_prompt(vars)
    assert prompt.startswith("## MEMORY BLUEPRINTS\n")
    assert "## MY PERSONA\n" in prompt
    assert f"## CRITICAL INSIGHTS\n- [{STAMP}] measure first" in prompt
    assert "## HISTORY\n(empty)" in prompt
    assert [block["component_id"] for block in render_memact_blocks(vars)] == [
        "memory_blueprints",
        "persona",
        *DEFAULT_LIMITS,
    ]


def test_the_schema_asks_for_every_list() -> None:
    properties = MEMACT_ENVELOPE_SCHEMA_V1["properties"]
    assert set(MEMACT_ENVELOPE_SCHEMA_V1["required"]) == {"content", *DEFAULT_LIMITS} == set(properties)
    assert properties["history"]["required"] == ["added"]
    assert properties["references"]["required"] == ["added", "removed"]


def fact(name: str) -> dict[str, Any]:
    return {
        "subject": name,
        "predicate": "likes",
        "object": "tea",
        "provenance": {"span_id": "s1", "writer_workflow_id": "w1"},
    }


def test_new_facts_take_the_place_of_the_old_ones() -> None:
    vars: dict[str, Any] = {}
    apply(vars, current_context={"added": ["kg: old fact", "something else"], "removed": []})
    told = compose_memact_current_context_from_kg_result(
        vars, kg_result={"items": [fact("Ann"), fact("Bo")]}, stimulus="tea?"
    )
    assert texts(vars, "current_context") == [
        "KG: Ann —likes→ tea (span:s1; wf:w1)",
        "KG: Bo —likes→ tea (span:s1; wf:w1)",
        "something else",
    ]
    assert told["ok"] is True
    assert told["delta"]["removed"] == ["kg: old fact"]
    assert (told["trace"]["stimulus"], told["trace"]["packets"]) == ("tea?", 2)
    assert told["active_memory"] == get_memact_memory(vars)


def test_as_many_facts_as_asked_for() -> None:
    vars: dict[str, Any] = {}
    result = {"items": [fact("Ann"), fact("Bo")]}
    compose_memact_current_context_from_kg_result(vars, kg_result=result, stimulus="", max_items=1)
    assert len(texts(vars, "current_context")) == 1
    told = compose_memact_current_context_from_kg_result(vars, kg_result=result, stimulus="", max_items=0)
    assert texts(vars, "current_context") == []
    assert told["trace"]["dropped"] == 2
    assert compose_memact_current_context_from_kg_result(vars, kg_result=[], stimulus="")["ok"] is False


def test_a_change_that_is_repeated_at_its_moment_gives_the_same_memory() -> None:
    def composed(now: str) -> dict[str, Any]:
        vars: dict[str, Any] = {"_runtime": {"active_memory": {"current_context": ["plain", "plain"]}}}
        found = {"items": [fact("Ann"), fact("Bo")]}
        compose_memact_current_context_from_kg_result(
            vars, kg_result=found, stimulus="tea?", now_iso=lambda: now
        )
        return vars["_runtime"]["active_memory"]

    memory = composed(NOW)
    assert memory == composed(NOW)
    assert (memory["created_at"], memory["updated_at"]) == (NOW, NOW)
    records = memory["current_context"]
    assert {(record["created_at"], record["ts"]) for record in records} == {(NOW, STAMP)}
    ids = [record["id"] for record in records]
    assert len(set(ids)) == 4
    later = composed("2026-01-02T03:04:06+00:00")["current_context"]
    assert not {record["id"] for record in later} & set(ids)
