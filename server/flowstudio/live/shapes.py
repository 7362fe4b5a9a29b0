"""The data of each event of a run's stream, as clients find them described."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Json = Any


class Told(BaseModel):
    """The data of an event: these members and no others."""

    model_config = ConfigDict(extra="forbid")


class StepEvent(Told):
    """A record of the ledger of the run or of a run that it started; `id` is its `position`.

    `wait` of one that waits: `until` when, for which `event`, whom it asks (`person`); each may be empty. `used` of
    one that ends a call of a model: its `tokens` and `cost`.
    `pinned`: the nodes, itself or value nodes that it read, for which pinned outputs stood.
    `stop`: it tells that a trial run stops before the node, or goes on from there; the visit itself comes after.
    `reused`: of a fork, what it has of its parent's story, in the parent's records.
    `recorded`: of a fork, an effect that was not done: it took the reply that its parent got.
    """

    position: int
    seq: int
    run_id: str
    parent_run_id: str | None
    flow_id: str
    node_id: str | None
    root: bool
    kind: Literal["visit", "effect", "resume", "end", "status", "fork"]
    status: str
    effect: str | None
    exit: str | None
    outputs: dict[str, Json] | None
    values: dict[str, Json] | None
    error: str | None
    started_at: str | None
    ended_at: str | None
    visit: int | None
    waits: str | None
    wait: dict[str, Json] | None
    used: dict[str, Json] | None
    pinned: list[str] | None
    stop: bool
    reused: bool
    recorded: bool


class PromptEvent(Told):
    """A question that opens (`open`) or closes; `answer` and who gave it when it was answered.

    `stop` says why a trial run has stopped before the node: "breakpoint", "step" or "to"; empty for a question.
    """

    run_id: str
    node_id: str | None
    wait_key: str | None
    prompt: str | None
    choices: list[str]
    allow_free_text: bool
    approves: bool
    stop: str
    open: bool
    answer: Json = None
    answered_by: str | None = None
    answered_at: str | None = None
    timed_out: bool | None = None
    timed_out_at: str | None = None


class StateEvent(Told):
    """How the run stands: on connect, and whenever that changes."""

    run_id: str
    status: str
    paused: bool
    current_node: str
    waiting: dict[str, Json] | None  # described as in the page of a run
    away: dict[str, Json] | None  # so too


class WordsEvent(Told):
    """All that a model has said so far in a call that is under way; in no ledger, not sent again."""

    run_id: str
    text: str


class EndEvent(Told):
    """The run and all it started are over; the stream closes."""

    status: str
    output: Json
    error: str | None
    failed_node: str | None
    used: dict[str, Json]  # as in the page of a run


EVENTS: dict[str, type[Told]] = {
    "step": StepEvent,
    "prompt": PromptEvent,
    "state": StateEvent,
    "words": WordsEvent,
    "end": EndEvent,
}


def stream_content() -> dict[str, Any]:
    """Return the OpenAPI content of the stream: a list of events, each with the shape of its data."""
    return {"text/event-stream": {"schema": {"type": "array", "items": {"oneOf": [*map(_event, EVENTS)]}}}}


def _event(name: str) -> dict[str, Any]:
    data = {
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": {"$ref": f"#/components/schemas/{EVENTS[name].__name__}"},
    }
    return {
        "title": name,
        "type": "object",
        "required": ["id", "event", "data"],
        "properties": {
            "id": {"type": "string", "description": "The cursor: what `Last-Event-ID` and `after` take"},
            "event": {"const": name},
            "data": data,
        },
    }
