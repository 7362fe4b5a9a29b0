"""The conversation of a run, and the envelopes that chat hosts exchange."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .define import EXEC_IN, EXEC_OUT, Call, Example, NodeError, Pin, action, pure
from .paths import parse
from .values import described, items, number, text
from .variables import read_variable, write_variable

Json = Any

AGENT_META = "abstractcode.agent.v1.meta"
_CONTEXT = (
    Pin("context", "object", description="The conversation with all that belongs to it."),
    Pin("task", "string", description="What it is about."),
    Pin("messages", "array", description="What was said, oldest first."),
)
_SAID = {
    "role": "assistant",
    "content": "Hello",
    "timestamp": "2030-01-01T00:00:00+00:00",
    "metadata": {"message_id": "msg_cd613e30d8f16adf91b7584a2265b1f5"},
}
_BEFORE = {"role": "assistant", "content": "How are you?"}
_ASKED = {**_SAID, "role": "user", "content": "And you?"}


def context_of(held: Mapping[str, Json]) -> dict[str, Json]:
    """Return the conversation that a run keeps: `{"task", "messages", ...}`, both always there."""
    found, value = read_variable(held, "context")
    kept = value if found and isinstance(value, dict) else {}
    messages = kept.get("messages")
    return {
        **kept,
        "task": text(kept.get("task")),
        "messages": messages if isinstance(messages, list) else [],
    }


def append_messages(held: dict[str, Json], added: list[dict[str, Json]]) -> dict[str, Json]:
    """Add messages to a run's conversation and return it as it is now."""
    context = context_of(held)
    context["messages"] = [*context["messages"], *added]
    write_variable(held, parse("context"), context)
    return context


def _told(context: Mapping[str, Json]) -> dict[str, Json]:
    return {"context": context, "task": context["task"], "messages": context["messages"]}


@pure(
    "get_context",
    family="variables",
    label="Get Context",
    outputs=_CONTEXT,
    reads="context",
    keywords=("conversation", "history", "messages", "chat", "memory"),
    examples=(
        Example(
            {},
            {
                "context": {"task": "t", "messages": [{"role": "user", "content": "hi"}]},
                "task": "t",
                "messages": [{"role": "user", "content": "hi"}],
            },
            vars={"context": {"task": "t", "messages": [{"role": "user", "content": "hi"}]}},
        ),
        Example(
            {},
            {"context": {"task": "", "messages": []}, "task": "", "messages": []},
            note="Nothing was said yet.",
        ),
    ),
)
def get_context(call: Call) -> dict[str, Json]:
    """Read the conversation of this run as it is now."""
    return _told(context_of(call.vars))


@action(
    "add_message",
    family="variables",
    label="Add Message",
    sentence="Add as {role|name}: {content}",
    inputs=(
        EXEC_IN,
        Pin("role", "string", "user", "Who says it: user, assistant, system or tool."),
        Pin("content", "string", "", "What is said.", widget="text"),
    ),
    outputs=(
        EXEC_OUT,
        Pin("message", "object", description="The message with its time and its own id."),
        *_CONTEXT,
    ),
    carries="before",
    keywords=("conversation", "history", "chat", "say", "append", "memory"),
    examples=(
        Example(
            {"role": "assistant", "content": "Hello"},
            {
                "message": _SAID,
                "context": {"task": "greet", "messages": [_SAID]},
                "task": "greet",
                "messages": [_SAID],
            },
            vars={"context": {"task": "greet"}},
            vars_after={"context": {"task": "greet", "messages": [_SAID]}},
        ),
        Example(
            {"role": "user", "content": "And you?"},
            {
                "messages": [_BEFORE, _ASKED],
                "context": {"messages": [_BEFORE, _ASKED], "task": ""},
                "task": "",
                "message": _ASKED,
            },
            vars={"context": {"messages": [_BEFORE]}},
            vars_after={"context": {"messages": [_BEFORE, _ASKED], "task": ""}},
            note="It comes behind what was said before.",
        ),
        Example({"role": " "}, error="needs a role"),
    ),
)
def add_message(call: Call) -> dict[str, Json]:
    """Add a message to the conversation of this run."""
    role = text(call.get("role", "user")).strip()
    if not role:
        raise NodeError(
            "A message needs a role: user, assistant, system or tool.", code="message.no_role", pin="role"
        )
    message = {
        "role": role,
        "content": text(call.get("content")),
        "timestamp": call.now,
        "metadata": {"message_id": f"msg_{call.random.getrandbits(128):032x}"},
    }
    return {"message": message, **_told(append_messages(call.vars, [message]))}


@pure(
    "make_context",
    family="ai",
    label="Make Context",
    sentence="Context for {task}[ with {messages}]",
    inputs=(
        Pin("task", "string", description="What it is about."),
        Pin("messages", "array", description="What was said so far, oldest first."),
        Pin("context_extra", "object", description="More entries.", was=("extra",)),
    ),
    outputs=(Pin("context", "object", description="The conversation."),),
    keywords=("conversation", "history", "messages", "build", "chat"),
    examples=(
        Example(
            {"task": "greet", "messages": [{"role": "user", "content": "hi"}], "context_extra": {"a": 1}},
            {"context": {"a": 1, "task": "greet", "messages": [{"role": "user", "content": "hi"}]}},
        ),
        Example({}, {"context": {"task": "", "messages": []}}),
    ),
)
def make_context(call: Call) -> dict[str, Json]:
    """Put a conversation together for a model or an agent."""
    messages = items(call.get("messages"))
    return {
        "context": {
            **_object(call, "context_extra"),
            "task": text(call.get("task")),
            "messages": messages,
        }
    }


def _object(call: Call, pin: str) -> dict[str, Json]:
    value = call.get(pin)
    if value is None or value == "":
        return {}
    if isinstance(value, dict):
        return value
    raise NodeError(f"'{pin}' needs an object, but got {described(value)}.", code="value.not_object", pin=pin)


_META_TEXTS = ("output_mode", "provider", "model", "sub_run_id", "finish_reason")
_META_NUMBERS = ("iterations", "tool_calls", "tool_results", "gen_time", "ttft_ms")
_META_HELP = {
    "output_mode": "structured or unstructured.",
    "provider": "Who answered.",
    "model": "Which model answered.",
    "sub_run_id": "The run of the agent.",
    "finish_reason": "Why the model stopped.",
    "iterations": "How many rounds the agent took.",
    "tool_calls": "How many tools were asked for.",
    "tool_results": "How many tools answered.",
    "gen_time": "Seconds of generating.",
    "ttft_ms": "Milliseconds to the first word.",
}
_META_TYPES = {"provider": "provider", "model": "model"}


@pure(
    "make_meta",
    family="ai",
    label="Make Meta",
    inputs=(
        Pin("schema", "string", AGENT_META, "The name of this kind of envelope."),
        Pin("version", "number", 1, "Its version."),
        *(Pin(pin, _META_TYPES.get(pin, "string"), description=_META_HELP[pin]) for pin in _META_TEXTS),
        *(Pin(pin, "number", description=_META_HELP[pin]) for pin in _META_NUMBERS),
        Pin("usage", "object", description="Tokens that were used."),
        Pin("trace", "object", description="Where the trace is kept."),
        Pin("warnings", "array", description="Warnings, each a text."),
        Pin("debug", "object", description="What helps to find faults."),
        Pin("extra", "object", description="More entries."),
        Pin("trace_id", "string", hidden=True),
    ),
    outputs=(Pin("meta", "object", description="The envelope."),),
    seldom=(
        "schema",
        "version",
        "sub_run_id",
        "finish_reason",
        "iterations",
        "tool_calls",
        "tool_results",
        "gen_time",
        "ttft_ms",
        "trace",
        "debug",
        "extra",
    ),
    keywords=("envelope", "agent", "host", "metadata", "usage"),
    examples=(
        Example(
            {"provider": "p", "model": "m", "usage": {"total": 3}, "trace_id": "t1", "warnings": ["w", 2]},
            {
                "meta": {
                    "schema": AGENT_META,
                    "version": 1,
                    "provider": "p",
                    "model": "m",
                    "usage": {"total": 3},
                    "trace": {"trace_id": "t1"},
                    "warnings": ["w", "2"],
                }
            },
        ),
        Example(
            {"model": " ", "extra": {"version": 9, "a": 1}, "iterations": "2"},
            {"meta": {"version": 1, "a": 1, "schema": AGENT_META, "iterations": 2}},
            note="What is empty is left out; the pins win over the extra entries.",
        ),
        Example({"extra": 3}, error="'extra' needs an object"),
    ),
)
def make_meta(call: Call) -> dict[str, Json]:
    """Put together what a chat host wants to know about an answer."""
    meta: dict[str, Json] = dict(_object(call, "extra"))
    meta["schema"] = text(call.get("schema")).strip() or AGENT_META
    meta["version"] = 1 if call.get("version") in (None, "") else number(call.get("version"), "version")
    for pin in _META_TEXTS:
        if told := text(call.get(pin)).strip():
            meta[pin] = told
    for pin in _META_NUMBERS:
        if call.get(pin) not in (None, ""):
            meta[pin] = number(call.get(pin), pin)
    trace = call.get("trace")
    trace = {"trace_id": trace} if isinstance(trace, str) and trace.strip() else _object(call, "trace")
    if trace_id := text(call.get("trace_id")).strip():
        trace = {"trace_id": trace_id, **trace}
    envelopes = {"usage": _object(call, "usage"), "trace": trace, "debug": _object(call, "debug")}
    meta |= {pin: value for pin, value in envelopes.items() if value}
    if warnings := [text(each) for each in items(call.get("warnings")) if text(each).strip()]:
        meta["warnings"] = warnings
    return {"meta": meta}


@pure(
    "make_scratchpad",
    family="ai",
    label="Make Scratchpad",
    inputs=(
        Pin("sub_run_id", "string", description="The run of the agent."),
        Pin("workflow_id", "string", description="The workflow of that run."),
        Pin("task", "string", description="What the agent was asked."),
        Pin("messages", "array", description="What was said."),
        Pin("context_extra", "object", description="What else was known.", was=("extra",)),
        Pin("node_traces", "object", description="Its steps by node."),
        Pin("steps", "array", description="Its steps in the order of time."),
        Pin("tool_calls", "array", description="The tools it asked for."),
        Pin("tool_results", "array", description="What they answered."),
    ),
    outputs=(Pin("scratchpad", "object", description="The envelope."),),
    seldom=("workflow_id", "context_extra", "node_traces"),
    keywords=("envelope", "agent", "trace", "steps", "host"),
    examples=(
        Example(
            {"sub_run_id": "r2", "task": "t", "steps": [{"status": "completed"}]},
            {
                "scratchpad": {
                    "sub_run_id": "r2",
                    "task": "t",
                    "messages": [],
                    "node_traces": {},
                    "steps": [{"status": "completed"}],
                    "tool_calls": [],
                    "tool_results": [],
                }
            },
        ),
        Example(
            {},
            {
                "scratchpad": {
                    "task": "",
                    "messages": [],
                    "node_traces": {},
                    "steps": [],
                    "tool_calls": [],
                    "tool_results": [],
                }
            },
        ),
    ),
)
def make_scratchpad(call: Call) -> dict[str, Json]:
    """Put together what an agent did on the way to its answer."""
    pad: dict[str, Json] = {
        pin: told for pin in ("sub_run_id", "workflow_id") if (told := text(call.get(pin)).strip())
    }
    pad |= {"task": text(call.get("task")), "messages": items(call.get("messages"))}
    if extra := _object(call, "context_extra"):
        pad["context_extra"] = extra
    pad["node_traces"] = _object(call, "node_traces")
    pad |= {pin: items(call.get(pin)) for pin in ("steps", "tool_calls", "tool_results")}
    return {"scratchpad": pad}
