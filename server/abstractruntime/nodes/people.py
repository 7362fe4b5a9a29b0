"""Asking people and telling them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.models import Effect, EffectType
from . import deadlines
from .authored import pin_value, setting
from .define import EXEC_IN, EXEC_OUT, UNSET, Call, Example, Field, Finding, NodeError, Pin, effect
from .values import items, text, truth

Json = Any

ASSIGNEE = "effectConfig.assignee"
_LEVELS = ("message", "warning", "error")


def _check_ask(data: Mapping[str, Json]) -> list[Finding]:
    prompt, staged = pin_value(data, "prompt"), deadlines.check_stages(data)
    if prompt is UNSET or text(prompt).strip():
        return staged
    message = "The question is empty: write what the person is asked."
    usual = {"pinDefaults.prompt": "Please respond:"}
    empty = Finding(
        "risk", "ask.no_prompt", message, pin="prompt", sets=usual, label="Ask the usual question"
    )
    return [empty, *staged]


def _answered(reply: Json, call: Call) -> dict[str, Json]:
    if isinstance(reply, Mapping):
        return {"response": "", **reply}
    return {"response": text(reply)}


_ASK_IN = (
    EXEC_IN,
    Pin("prompt", "string", "Please respond:", "The question.", widget="text"),
    Pin(
        "choices",
        "array",
        [],
        "Answers to choose from; without any the person writes freely.",
        widget="lines",
    ),
)
_ASK_OUT = (EXEC_OUT, Pin("response", "string", description="What the person answered."))


@effect(
    "ask_user",
    family="people",
    label="Ask User",
    sentence="Ask[ {effectConfig.assignee|name}] {prompt}[: {choices}]" + deadlines.SENTENCE,
    inputs=_ASK_IN,
    outputs=_ASK_OUT,
    shape=deadlines.pins(_ASK_IN, _ASK_OUT),
    fields=(
        *deadlines.FIELDS,
        Field(
            "effectConfig.allowFreeText",
            "boolean",
            True,
            "Allow other answers",
            "Whether the person may write something that is not among the choices.",
        ),
        Field(
            ASSIGNEE,
            "string",
            "",
            "For whom",
            "Who should answer: a name, a role or a group. The inbox shows the questions for one of them.",
        ),
        *deadlines.STAGES,
    ),
    settle=deadlines.settled(_answered, {"response": ""}),
    main="response",
    check=_check_ask,
    template={"pinDefaults": {"prompt": "Please respond:"}, "effectConfig": {"allowFreeText": True}},
    keywords=("question", "prompt", "input", "approve", "form", "human", "person"),
    examples=(
        Example(
            {"prompt": "Ship it?", "choices": ["yes", "no"]},
            {
                "effect": {
                    "type": "ask_user",
                    "payload": {"prompt": "Ship it?", "choices": ["yes", "no"], "allow_free_text": False},
                },
                "settled": {"response": "yes"},
            },
            data={"effectConfig": {"allowFreeText": False}},
            reply={"response": "yes"},
        ),
        Example(
            {},
            {
                "effect": {
                    "type": "ask_user",
                    "payload": {"prompt": "Please respond:", "choices": [], "allow_free_text": True},
                }
            },
            note="Nothing set: a general question with a free answer.",
        ),
        Example(
            {"prompt": "Ship it?", "deadline": 2},
            {
                "effect": {
                    "type": "ask_user",
                    "payload": {
                        "prompt": "Ship it?",
                        "choices": [],
                        "allow_free_text": True,
                        "until": "2030-01-01T02:00:00+00:00",
                    },
                },
                "settled": {"goto": "timeout", "response": "", "timed_out": True},
            },
            data={"onTimeout": "branch", "effectConfig": {"deadlineUnit": "hours"}},
            reply={"timed_out": True},
            note="Nobody has answered within two hours.",
        ),
        Example(
            {"prompt": "Ship it?"},
            {
                "effect": {
                    "type": "ask_user",
                    "payload": {
                        "prompt": "Ship it?",
                        "choices": [],
                        "allow_free_text": True,
                        "assignee": "finance",
                    },
                }
            },
            data={"effectConfig": {"assignee": " finance "}},
            note="A question for a group.",
        ),
        Example(
            {"prompt": "Ship it?", "deadline": 2},
            {
                "effect": {
                    "type": "ask_user",
                    "payload": {
                        "prompt": "Ship it?",
                        "choices": [],
                        "allow_free_text": True,
                        "assignee": "Ana",
                        "until": "2030-01-03T00:00:00+00:00",
                        "stages": [
                            {"at": "2030-01-02T00:00:00+00:00"},
                            {"at": "2030-01-02T12:00:00+00:00", "to": "deputy"},
                        ],
                    },
                }
            },
            data={
                "onTimeout": "branch",
                "effectConfig": {
                    "assignee": "Ana",
                    "remindEvery": 1,
                    "passOnAfter": 1.5,
                    "passOnTo": "deputy",
                },
            },
            note="Ana is reminded after a day; twelve hours later the deputy is asked.",
        ),
        Example({"prompt": "  "}, error="question is empty"),
    ),
)
def ask_user(call: Call) -> Effect:
    """Ask a person and wait for the answer.

    The question appears in the run, in the inbox and on a page of its own. The run waits as long as it
    takes, also across restarts, or until the deadline that you set.
    """
    prompt = text(call.get("prompt"))
    if not prompt.strip():
        raise NodeError(
            "The question is empty: ask_user needs a text on 'prompt'.", code="ask.no_prompt", pin="prompt"
        )
    choices = [text(choice) for choice in items(call.get("choices")) if choice is not None]
    allow = truth(setting(call.data, "effectConfig.allowFreeText", True), "effectConfig.allowFreeText")
    asked: dict[str, Json] = {"prompt": prompt, "choices": choices, "allow_free_text": allow}
    assignee = text(setting(call.data, ASSIGNEE, "")).strip()
    if assignee:
        asked["assignee"] = assignee
    if call.visit > 1:  # in a loop each turn asks anew: an answer to one must not pass for the next
        asked["wait_key"] = f"user:{call.run_id}:{call.node_id}:{call.visit}"
    return Effect(EffectType.ASK_USER, {**asked, **deadlines.until_of(call), **deadlines.stages_of(call)})


def _level(value: Json) -> str:
    word = text(value).strip().lower()
    return "warning" if word == "warn" else word if word in _LEVELS else "message"


@effect(
    "answer_user",
    family="people",
    label="Answer User",
    sentence="Say {message}",
    inputs=(
        EXEC_IN,
        Pin("message", "string", "", "What the person is told.", widget="text"),
        Pin("level", "string", "message", "How it is shown.", choices=_LEVELS),
    ),
    outputs=(
        EXEC_OUT,
        Pin("message", "string", description="The message as it was shown."),
        Pin("level", "string", description="How it was shown.", hidden=True),
    ),
    settle=lambda reply, call: dict(reply) if isinstance(reply, Mapping) else {},
    main="message",
    keywords=("say", "show", "tell", "print", "message", "notify", "log"),
    examples=(
        Example(
            {"message": "Done.", "level": "warn"},
            {
                "effect": {"type": "answer_user", "payload": {"message": "Done.", "level": "warning"}},
                "settled": {"message": "Done.", "level": "warning"},
            },
            reply={"message": "Done.", "level": "warning"},
        ),
        Example(
            {"message": {"total": 3}, "level": "info"},
            {"effect": {"type": "answer_user", "payload": {"message": '{"total": 3}', "level": "message"}}},
            note="What is no text is shown as JSON.",
        ),
        Example(
            {"message": None},
            {"effect": {"type": "answer_user", "payload": {"message": "", "level": "message"}}},
            note="No value is an empty message.",
        ),
    ),
)
def answer_user(call: Call) -> Effect:
    """Show a message to the person, without waiting."""
    return Effect(
        EffectType.ANSWER_USER,
        {"message": text(call.get("message")), "level": _level(call.get("level", "message"))},
    )
