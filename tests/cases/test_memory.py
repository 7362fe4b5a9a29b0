"""Memory through flows: what one run notes another finds, and a conversation gets shorter and longer again."""

from __future__ import annotations

import json
from typing import Any

from abstractruntime.core.effects import EffectOutcome
from abstractruntime.core.models import Effect, EffectType, RunState
from drive import Host, Played, end, flow, node, start

NOTING = flow(
    "noting",
    {
        "start": start("text"),
        "note": node(
            "memory_note", ins=["exec-in", "content"], pins={"scope": "session", "tags": {"topic": "tea"}}
        ),
        "tag": node(
            "memory_tag", ins=["exec-in", "span_id"], pins={"scope": "session", "tags": {"sure": "yes"}}
        ),
        "end": end("note_id", "success"),
    },
    "start -> note, note -> tag, tag -> end, start.text -> note.content, note.note_id -> tag.span_id,"
    "note.note_id -> end.note_id, tag.success -> end.success",
)
LOOKING = flow(
    "looking",
    {
        "start": start("query"),
        "look": node(
            "memory_query",
            ins=["exec-in", "query"],
            pins={"scope": "session", "tags": {"topic": "tea", "sure": "yes"}},
        ),
        "end": end("results", "rendered"),
    },
    "start -> look, look -> end, start.query -> look.query, look.results -> end.results,"
    "look.rendered -> end.rendered",
)


def test_what_one_run_notes_another_finds(store: str) -> None:
    host = Host(NOTING, store=store)
    notes = [host.go(Played(host, host.start({"text": text}))).output for text in ("Ann likes tea", "Bo too")]
    assert [note["success"] for note in notes] == [True, True]
    looking = Host(LOOKING, store=host.stores)
    looking.artifacts = host.artifacts
    looking.restart()
    found = looking.play({"query": "likes"}).output
    assert [row["span_id"] for row in found["results"]] == [notes[0]["note_id"]]
    assert "Ann likes tea" in found["rendered"]


SHORTER = flow(
    "shorter",
    {
        "start": start(),
        "compact": node("memory_compact", pins={"preserve_recent": 1, "focus": "tea"}),
        "back": node("memory_rehydrate", ins=["exec-in", "span_ids"], pins={"placement": "end"}),
        "ids": node("make_array", ins=["a"], outs=["result"]),
        "end": end("span_id", "inserted"),
    },
    "start -> compact, compact -> back, back -> end, compact.span_id -> ids.a, ids.result -> back.span_ids,"
    "compact.span_id -> end.span_id, back.inserted -> end.inserted",
)


def test_a_conversation_gets_shorter_and_longer_again(store: str) -> None:
    asked: list[str] = []

    def model(run: RunState, effect: Effect) -> EffectOutcome:
        asked.append(effect.payload["prompt"])
        return EffectOutcome.completed({"content": json.dumps({"summary": "They spoke of tea."})})

    said = [{"role": "user", "content": f"line {n}"} for n in range(3)]
    host = Host(SHORTER, store=store, handlers={EffectType.LLM_CALL: model})
    played = host.play({"context": {"messages": said}})
    assert played.output is not None, played.error
    messages: list[dict[str, Any]] = played.state.vars["context"]["messages"]
    assert [one["content"] for one in messages[1:]] == ["line 2", "line 0", "line 1"]
    assert messages[0]["content"].endswith("They spoke of tea.")
    assert played.output["inserted"] == 2
    assert len(asked) == 1
    assert "tea" in asked[0]
