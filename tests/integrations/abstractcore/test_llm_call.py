"""LLM_CALL: what is asked of a client, when it is asked again, and what comes back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from abstractruntime.core.effects import EffectOutcome
from abstractruntime.integrations.abstractcore.effect_handlers import make_llm_call_handler
from abstractruntime.integrations.abstractcore.llm_client import LLMCallFailed
from abstractruntime.integrations.abstractcore.llm_schema import BadSchema, model_of, read_schema, validated
from abstractruntime.integrations.abstractcore.session_attachments import store_session_attachment
from abstractruntime.nodes.asking import composed
from abstractruntime.storage.artifacts import InMemoryArtifactStore
from integrations.abstractcore.scripted import Script, a_run, llm_effect, result_of, said


def ask(script: Script, run: Any = None, store: Any = None, **payload: Any) -> EffectOutcome:
    handler = make_llm_call_handler(llm=script, artifact_store=store)
    return handler(run or a_run(), llm_effect(**payload), "next")


@pytest.mark.parametrize("payload", [{}, {"prompt": "  "}, {"messages": []}, {"question": "?"}])
def test_there_has_to_be_something_to_say(payload: dict[str, Any]) -> None:
    outcome = ask(Script(), **payload)
    assert outcome.error == "llm_call requires payload.prompt or payload.messages"


def test_what_is_asked_reaches_the_client() -> None:
    script, run = Script(said()), a_run({"_limits": {"max_output_tokens": 64}}, session_id="s")
    outcome = ask(
        script,
        run,
        prompt="Hi",
        system_prompt="Be brief",
        provider="p",
        model="m",
        tools=[],
        params={"temperature": 0, "trace_metadata": {"mine": 1}},
    )
    asked = script.asked[0]
    assert (asked["prompt"], asked["messages"], asked["system_prompt"]) == ("Hi", None, "Be brief")
    assert (asked["tools"], asked["media"]) == (None, None)
    assert asked["params"] == {
        "temperature": 0,
        "_provider": "p",
        "_model": "m",
        "max_output_tokens": 64,
        "trace_metadata": {
            "mine": 1,
            "run_id": run.run_id,
            "workflow_id": "w",
            "node_id": "ask",
            "session_id": "s",
        },
    }
    seen = result_of(outcome)["metadata"]["_runtime_observability"]["llm_generate_kwargs"]
    assert seen["prompt"] == "Hi"
    assert seen["params"]["max_output_tokens"] == 64
    json.dumps(outcome.result, allow_nan=False)


@pytest.mark.parametrize(
    ("payload", "limits", "most"),
    [
        ({"params": {"max_output_tokens": 7}, "max_output_tokens": 8}, {"max_output_tokens": 9}, 7),
        ({"max_output_tokens": 8}, {"max_output_tokens": 9}, 8),
        ({"max_out_tokens": 8}, {}, 8),
        ({"max_output_tokens": 0}, {"max_output_tokens": 9}, None),
        ({"params": {"max_tokens": 5}}, {"max_output_tokens": 9}, None),
    ],
)
def test_how_much_may_be_answered(payload: dict[str, Any], limits: dict[str, Any], most: int | None) -> None:
    script = Script(said())
    result_of(ask(script, a_run({"_limits": limits}), prompt="x", **payload))
    assert script.asked[0]["params"].get("max_output_tokens") == most


def test_old_turns_go_when_the_input_is_too_long() -> None:
    history = [{"role": "user", "content": "x" * 4000}, {"role": "user", "content": "last"}]
    script = Script(said(), said())
    ask(script, messages=history, max_input_tokens=100)
    assert [each["content"] for each in script.asked[0]["messages"]] == ["last"]
    ask(script, a_run({"_runtime": {"disable_input_trimming": True}}), messages=history, max_input_tokens=100)
    assert len(script.asked[1]["messages"]) == 2


# ---- cut off -------------------------------------------------------------------------------------


def cut(content: str = "half") -> dict[str, Any]:
    return said(content, finish_reason="length")


def test_a_cut_answer_is_asked_for_again_with_more_room() -> None:
    script = Script(cut(), cut(), said("whole"))
    result = result_of(ask(script, prompt="x", max_output_tokens=100))
    assert [each["params"]["max_output_tokens"] for each in script.asked] == [100, 600, 1200]
    told = result["metadata"]["_truncation"]
    assert told["resolved"] is True
    assert [each["attempt"] for each in told["attempts"]] == [1, 2, 3]


def test_an_answer_that_stays_cut_fails_and_names_the_budgets() -> None:
    script = Script(cut(), cut(), cut())
    outcome = ask(script, prompt="x", max_output_tokens=100)
    assert "truncated, with room for 100, 600, 1200 tokens" in str(outcome.error)
    capped = ask(Script(cut(), cut()), prompt="x", max_output_tokens=200, max_output_tokens_cap=300)
    assert "room for 200, 300 tokens" in str(capped.error)
    once = ask(Script(cut()), prompt="x", retry_on_truncation=False)
    assert "truncated" in str(once.error)


def test_a_cut_answer_may_be_wanted() -> None:
    result = result_of(ask(Script(cut()), prompt="x", allow_truncation=True))
    assert result["content"] == "half"
    assert result["metadata"]["_truncation"]["resolved"] is False


# ---- structured ----------------------------------------------------------------------------------

SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "kind": {"enum": ["warm", "cold"]},
        "days": {
            "type": "array",
            "items": {"type": "object", "properties": {"t": {"type": "number"}}, "required": ["t"]},
        },
        "note": {"type": ["string", "null"]},
        "a-b": {"$ref": "#/$defs/count"},
    },
    "required": ["city", "kind"],
    "$defs": {"count": {"type": "integer"}},
}


@pytest.mark.parametrize(
    "given",
    [
        SCHEMA,
        json.dumps(SCHEMA),
        {"schema": SCHEMA},
        {"json_schema": {"name": "x", "schema": SCHEMA}},
        {"type": "json_schema", "json_schema": {"schema": SCHEMA}},
        {"response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}}},
        {key: value for key, value in SCHEMA.items() if key != "type"},
    ],
)
def test_every_spelling_of_a_schema_is_read(given: Any) -> None:
    assert read_schema(given) == SCHEMA


def test_a_map_of_fields_is_a_schema() -> None:
    assert read_schema({"choice": "text", "n": "int", "deep": {"x": "bool"}}) == {
        "type": "object",
        "properties": {
            "choice": {"type": "string"},
            "n": {"type": "integer"},
            "deep": {"type": "object", "properties": {"x": {"type": "boolean"}}, "required": ["x"]},
        },
        "required": ["choice", "n", "deep"],
    }


@pytest.mark.parametrize("given", [{"type": "array", "items": {}}, "[1]", "no", 5, {"type": "object"}])
def test_other_schemas_are_refused(given: Any) -> None:
    with pytest.raises(BadSchema, match="response_schema"):
        read_schema(given)


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ({"city": "Oslo", "kind": "warm"}, True),
        ({"city": "Oslo", "kind": "warm", "days": [{"t": 1.5}], "note": None, "a-b": 3}, True),
        ({"city": "Oslo", "kind": "wet"}, False),
        ({"kind": "warm"}, False),
        ({"city": "Oslo", "kind": "warm", "days": [{}]}, False),
        ({"city": "Oslo", "kind": "warm", "a-b": "x"}, False),
    ],
)
def test_the_model_checks_what_the_schema_says(value: dict[str, Any], fits: bool) -> None:
    model = model_of(SCHEMA, name="Weather now")
    assert model.__name__ == "Weather_now"
    if fits:
        found = validated(model, value)
        assert {key: found[key] for key in value} == value
    else:
        with pytest.raises(ValueError, match="Weather_now"):
            validated(model, value)


@pytest.mark.parametrize(
    "odd",
    [
        {"required": True},
        {"required": [{}, "city", 7]},
        {"properties": []},
        {"properties": {"city": True, "days": None, "kind": "text"}},
        {
            "properties": {
                "days": {"type": "array", "items": {"type": "object", "properties": {"t": 5}, "required": 1}}
            }
        },
        {"properties": {"city": {"anyOf": [True, None]}, "kind": {"allOf": [7]}}},
    ],
)
def test_what_no_schema_could_say_says_nothing(odd: dict[str, Any]) -> None:
    assert validated(model_of({"type": "object", **odd}), {"city": "Oslo", "days": [{"t": 1}]}) is not None


def test_the_client_is_given_a_model_and_its_answer_is_read_leniently() -> None:
    script = Script(said('Sure: ```json\n{"city": "Oslo", "kind": "warm"}\n```'))
    result = result_of(ask(script, prompt="x", response_schema=SCHEMA))
    wanted = script.asked[0]["params"]["response_model"]
    assert issubclass(wanted, BaseModel)
    assert wanted.__name__ == "StructuredOutput"
    assert result["data"] == {"city": "Oslo", "kind": "warm"}
    scalar = result_of(ask(Script(said("7")), prompt="x", response_schema={"n": "int"}))
    assert scalar["data"] == {"value": 7}
    words = result_of(ask(Script(said("no idea")), prompt="x", response_schema={"n": "int"}))
    assert words.get("data") is None
    assert "no JSON" in words["metadata"]["_structured_output_parse_error"]


def test_an_answer_that_does_not_fit_fails_or_falls_back() -> None:
    error = LLMCallFailed("schema", "it does not fit")
    assert ask(Script(error), prompt="x", response_schema={"n": "int"}).error == "it does not fit"
    script = Script(ValueError("1 validation error"), said('{"n": 1}'))
    result = result_of(ask(script, prompt="x", response_schema={"n": "int"}, structured_output_fallback=True))
    assert result["data"] == {"n": 1}
    assert result["metadata"]["_structured_output_fallback"] == {"used": True, "error": "1 validation error"}
    assert "response_model" not in script.asked[1]["params"]
    other = Script(RuntimeError("no line"))
    assert (
        ask(other, prompt="x", response_schema={"n": "int"}, structured_output_fallback=True).error
        == "no line"
    )


# ---- what was paid for ---------------------------------------------------------------------------


def used(tokens: int) -> dict[str, Any]:
    return {"input_tokens": tokens - 1, "output_tokens": 1, "total_tokens": tokens}


def test_each_attempt_is_in_the_record_and_in_the_sum() -> None:
    """Two answers that were cut off, and the whole one; what a single one says stays as it came."""
    half = {"finish_reason": "length", "model": "m"}
    script = Script(
        said("a", **half, usage=used(10)),
        said("b", **half, usage={**used(20), "cached_input_tokens": 4}),
        said("whole", model="m", usage=used(40)),
    )
    result = result_of(ask(script, prompt="x"))
    assert result["usage"] == {
        "input_tokens": 67,
        "output_tokens": 3,
        "total_tokens": 70,
        "cached_input_tokens": 4,
    }
    attempts = result["metadata"]["attempts"]
    assert [(each["attempt"], each["finish_reason"], each["model"]) for each in attempts] == [
        (1, "length", "m"),
        (2, "length", "m"),
        (3, "stop", "m"),
    ]
    assert [each["usage"]["total_tokens"] for each in attempts] == [10, 20, 40]
    alone = result_of(ask(Script(said(usage=used(5))), prompt="x"))
    assert (alone["usage"], "attempts" in alone["metadata"]) == (used(5), False)


def test_a_call_that_fails_in_the_end_says_what_it_used() -> None:
    paid = said("half", finish_reason="length", usage=used(30), metadata={"cost": 0.25})
    outcome = ask(Script(paid, paid, LLMCallFailed("server", "gone")), prompt="x")
    assert (outcome.status, outcome.error) == ("failed", "gone")
    assert outcome.result["usage"]["total_tokens"] == 60
    assert outcome.result["metadata"]["cost"] == 0.5
    assert [each["usage"] for each in outcome.result["metadata"]["attempts"]] == [used(30), used(30)]
    nothing = ask(Script(LLMCallFailed("connection", "away")), prompt="x")
    assert nothing.result == {"error": {"kind": "connection", "retryable": True}}
    limited = LLMCallFailed("rate_limit", "later", status=429, retry_after_s=7.0)
    assert ask(Script(limited), prompt="x").result["error"] == {
        "kind": "rate_limit",
        "retryable": True,
        "status": 429,
        "retry_after_s": 7.0,
    }
    assert ask(Script(), prompt="x", response_schema=[1]).result["error"]["kind"] == "schema"


# ---- conversation, files -------------------------------------------------------------------------


def test_a_turn_is_added_to_the_conversation() -> None:
    run = a_run({"context": {"task": "t"}})
    result_of(ask(Script(said("Hello")), run, prompt="Hi", include_context=True))
    kind = {"kind": "llm_turn", "node_id": "ask"}
    assert run.vars["context"] == {
        "task": "t",
        "messages": [
            {"role": "user", "content": "Hi", "metadata": kind},
            {"role": "assistant", "content": "Hello", "metadata": kind},
        ],
    }


def test_a_turn_that_the_conversation_ends_with_is_not_added_twice() -> None:
    """As when the person's words came in by an event, and then the model is asked with the conversation."""
    turns = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "And now?"},
    ]
    run = a_run({"context": {"messages": [dict(each) for each in turns]}})
    result_of(ask(Script(said("Later")), run, messages=turns, include_context=True))
    kept = [(each["role"], each["content"]) for each in run.vars["context"]["messages"]]
    assert kept == [
        ("user", "Hi"),
        ("assistant", "Hello"),
        ("user", "And now?"),
        ("assistant", "Later"),
    ]
    assert composed(turns, "", "And now?") == turns
    assert composed(turns, "", "Well?")[-1] == {"role": "user", "content": "Well?"}


def test_text_goes_into_the_message_and_other_files_by_their_path() -> None:
    store = InMemoryArtifactStore()
    text = store.store(b"a,b", content_type="text/csv", tags={"filename": "Values.md"})
    picture = store.store(b"\x89PNG", content_type="image/png")
    seen: list[bytes] = []

    def look(asked: dict[str, Any]) -> dict[str, Any]:
        with open(asked["media"][0], "rb") as file:
            seen.append(file.read())
        return said()

    script, run = Script(look), a_run({"_runtime": {"pending_media": [{"$artifact": picture.artifact_id}]}})
    media = [{"$artifact": text.artifact_id, "filename": "/secret/place/Values.md"}]
    result = result_of(ask(script, run, store, messages=[{"role": "user", "content": "Read"}], media=media))
    asked = script.asked[0]
    assert seen == [b"\x89PNG"]
    last = asked["messages"][-1]["content"]
    assert last.startswith("Read\n\n--- Content from Values.md ---\na,b\n")
    head = asked["messages"][0]["content"]
    assert head.startswith("Active attachments")
    assert "/secret" not in head
    assert asked["params"]["glyph_compression"] == "never"
    assert run.vars["_runtime"]["pending_media"] == []
    kept = result["metadata"]["_runtime_observability"]["llm_generate_kwargs"]["media"]
    assert kept == [media[0], {"$artifact": picture.artifact_id}]


@pytest.mark.parametrize(
    ("kind", "suffix"), [("image/png", ".png"), ("image/jpeg; q=1", ".jpg"), ("x-none/x-none", "")]
)
def test_a_file_without_a_name_is_called_by_what_it_is(kind: str, suffix: str) -> None:
    store = InMemoryArtifactStore()
    picture = {"$artifact": store.store(b"\x89PNG", content_type=kind).artifact_id}
    script = Script(said())
    result_of(ask(script, None, store, prompt="What is it?", media=[picture]))
    assert Path(script.asked[0]["media"][0]).suffix == suffix


def test_a_host_that_allows_no_paths_sends_no_file_of_its_machine(tmp_path: Path) -> None:
    picture = tmp_path / "private.png"
    picture.write_bytes(b"\x89PNG")
    script = Script(said())
    handler = make_llm_call_handler(llm=script, allow_media_paths=False)
    outcome = handler(a_run(), llm_effect(prompt="What is it?", media=[str(picture)]), None)
    assert outcome.status == "failed"
    assert "is a path; this server takes files as artifacts" in str(outcome.error)
    assert script.asked == []


def test_a_further_attempt_sees_the_picture_that_the_failed_one_was_given() -> None:
    store = InMemoryArtifactStore()
    picture = {"$artifact": store.store(b"\x89PNG", content_type="image/png").artifact_id}
    run = a_run({"_runtime": {"pending_media": [picture]}})
    script = Script(LLMCallFailed("unreachable", "nobody answers"), said())
    assert ask(script, run, store, prompt="What is it?").status == "failed"
    assert run.vars["_runtime"]["pending_media"] == [picture]
    assert ask(script, run, store, prompt="What is it?").status == "completed"
    assert [len(each["media"]) for each in script.asked] == [1, 1]
    assert run.vars["_runtime"]["pending_media"] == []


@pytest.mark.parametrize(
    ("media", "has_store", "reason"),
    [
        ([{"$artifact": "gone"}], True, "artifact 'gone' not found"),
        ([{"$artifact": "gone"}], False, "need an ArtifactStore"),
        ([5], True, "neither a path nor an artifact"),
    ],
)
def test_a_file_that_cannot_be_had_fails_before_anybody_is_asked(
    media: list[Any], has_store: bool, reason: str
) -> None:
    script = Script()
    outcome = ask(script, None, InMemoryArtifactStore() if has_store else None, prompt="x", media=media)
    assert reason in str(outcome.error)
    assert script.asked == []


def test_the_model_is_told_of_the_files_of_its_session() -> None:
    store = InMemoryArtifactStore()
    store_session_attachment(artifact_store=store, session_id="s", content=b"x", path="docs/a.txt")
    script, run = Script(said(), said()), a_run(session_id="s")
    ask(script, run, store, prompt="Hi", tools=[{"name": "t", "parameters": {}}])
    first, last = script.asked[0]["messages"]
    assert first["content"].startswith("Stored session attachments")
    assert "docs/a.txt" in first["content"]
    assert last == {"role": "user", "content": "Hi"}
    ask(script, run, store, prompt="Hi", params={"include_session_attachments_index": False})
    assert script.asked[1]["messages"] is None


def test_the_cache_key_is_the_sessions() -> None:
    run = a_run({"_runtime": {"prompt_cache": True}}, session_id="s")
    run.current_node = "n"
    script = Script(said(), said(), said())
    ask(script, run, prompt="x", provider="P", model="m")
    assert script.asked[0]["params"]["prompt_cache_key"] == "session:2befeeefc383ce47e8909885"
    ask(script, run, prompt="x", provider="P", model="m", params={"prompt_cache_key": None})
    assert script.asked[1]["params"]["prompt_cache_key"] is None
    ask(script, a_run(session_id="s"), prompt="x", provider="P", model="m")
    assert "prompt_cache_key" not in script.asked[2]["params"]


def test_a_call_without_an_id_gets_one_that_stays_the_same() -> None:
    calls = [{"name": "a", "arguments": {}, "call_id": None}, {"name": "b", "arguments": {}, "call_id": "x"}]
    handler = make_llm_call_handler(llm=Script(said(tool_calls=calls), said(tool_calls=calls)))
    first, second = (
        result_of(handler(a_run(), llm_effect(prompt="x"), None, idempotency_key="k" * 32)) for _ in range(2)
    )
    assert [each["call_id"] for each in first["tool_calls"]] == [f"call_{'k' * 16}_1", "x"]
    assert first["tool_calls"] == second["tool_calls"]
