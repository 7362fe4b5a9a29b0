"""The shapes of questions and answers."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class ToolCallRow(BaseModel):
    """A call of a tool that a person is asked to allow."""

    id: str
    name: str
    arguments: Any


class PromptRow(BaseModel):
    """An open question to a person. `assignee` says for whom it is; empty: for anybody.

    `due` is the instant of its deadline, empty without one; `reminded` how often its person was reminded;
    `passed_from` who had it before, where it was passed on. `stop` says why a trial run has stopped before
    `node_id` ("breakpoint", "step", "to"); empty for a question of a flow.
    """

    run_id: str
    root_run_id: str
    flow_id: str
    flow_name: str
    node_id: str
    wait_key: str | None
    prompt: str
    choices: list[str]
    allow_free_text: bool
    tool_calls: list[ToolCallRow] = []
    assignee: str = ""
    due: str = ""
    reminded: int = 0
    passed_from: str = ""
    stop: str = ""
    asked_at: str


class PromptList(BaseModel):
    """All open questions, the oldest first."""

    prompts: list[PromptRow]


class Answering(BaseModel):
    """A person's answer. `asked_at`, when given, must be the question's own.

    To tools that ask, the response is `{"approved": true}`, `{"approved": false, "reason"}` or
    `{"approved_ids": [...]}`; `{"arguments": {id: {...}}}` beside it changes what they are called with.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    wait_key: Annotated[str, Field(max_length=1000)] | None = None
    response: Any
    asked_at: str | None = None


class Answered(BaseModel):
    """The run after its answer."""

    run_id: str
    status: str
