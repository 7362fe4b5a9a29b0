"""An agent: a model that works with tools, in a run of its own, until it has an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from ..core.models import Effect, EffectType
from .agent_work import agent_workflow, scratchpad_of, turn_of
from .asking import (
    CONTEXT,
    IN_TOKENS,
    MODEL,
    OUT_TOKENS,
    PROVIDER,
    SCHEMA,
    SEED,
    SELDOM,
    SYSTEM,
    TEMPERATURE,
    THINKING,
    TOOLS,
    USE_CONTEXT,
    active_messages,
    check_model,
    last_question,
    model_of,
    recalled,
    sampling,
    schema_of,
    token_limit,
    with_facts,
)
from .authored import chosen, setting
from .context import AGENT_META, append_messages
from .define import EXEC_IN, EXEC_OUT, Ask, Call, Example, Field, Pin, effect
from .models import data_of
from .recall import MEMORY_PIN, OLD_PINS, gather, learned, positive, settings_of, wants
from .tools import names_of
from .values import items, json_text, text, truth

Json = Any

_CONFIG = "agentConfig"
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
_MOST_ITERATIONS = 25
_AT_LIMIT = f"{_CONFIG}.answerAtLimit"
_LIMIT = "max_iterations"  # why a loop stopped


def _schema(call: Call) -> dict[str, Json] | None:
    enabled = truth(setting(call.data, f"{_CONFIG}.outputSchema.enabled"), "outputSchema.enabled")
    return schema_of(call, setting(call.data, f"{_CONFIG}.outputSchema.jsonSchema") if enabled else None)


def _uses_context(call: Call) -> bool:
    return truth(chosen(call, "use_context", f"{_CONFIG}.include_context", False), "use_context")


def _context(call: Call, found: Mapping[str, Json]) -> dict[str, Json]:
    """Return the conversation that the agent begins with."""
    given = call.get("context")
    extra = dict(given) if isinstance(given, Mapping) else {}
    messages = active_messages(call.vars) if _uses_context(call) else []
    own = [dict(each) for each in items(extra.pop("messages", None)) if isinstance(each, Mapping)]
    messages = own or messages
    known = {_message_id(each) for each in messages} - {None}
    back = [each for each in recalled(call.vars, found.get("span_ids")) if _message_id(each) not in known]
    if facts := with_facts("", text(found.get("kg_text")), messages):
        about = {"kind": "kg_active_memory", "message_id": f"kg_active_memory:{call.node_id}"}
        back.insert(0, {"role": "system", "content": facts, "metadata": about})
    merged = [*back, *messages]
    system = [each for each in merged if each.get("role") == "system"]
    others = [each for each in merged if each.get("role") != "system"]
    return {**extra, "task": text(call.get("prompt")), "messages": [*system, *others]}


def _message_id(message: Mapping[str, Json]) -> Json:
    about = message.get("metadata")
    return about.get("message_id") if isinstance(about, Mapping) else None


def _limits(call: Call, iterations: int) -> dict[str, Json]:
    parent = call.vars.get("_limits")
    limits = {**(parent if isinstance(parent, Mapping) else {}), "max_iterations": iterations}
    if "current_iteration" in limits:
        limits["current_iteration"] = 0
    for name, pin in (("max_input_tokens", "max_in_tokens"), ("max_output_tokens", "max_out_tokens")):
        if most := token_limit(call, pin, f"{_CONFIG}.{name}"):
            limits[name] = most
    return limits


def _turns(call: Call) -> int:
    return positive(chosen(call, "max_iterations", f"{_CONFIG}.max_iterations")) or _MOST_ITERATIONS


def _runtime(call: Call, provider: str, model: str) -> dict[str, Json]:
    params = sampling(call, _CONFIG)
    told: dict[str, Json] = {
        "inbox": [],
        "provider": provider,
        "model": model,
        "allowed_tools": names_of(chosen(call, "tools", f"{_CONFIG}.tools")),
    }
    if params["temperature"] != TEMPERATURE.default:
        told["temperature"] = params["temperature"]
    if truth(setting(call.data, _AT_LIMIT, False), _AT_LIMIT):
        told["answer_at_limit"] = True
    told |= {key: params[key] for key in ("seed", "thinking") if key in params}
    if system := text(chosen(call, "system", f"{_CONFIG}.system")).strip():
        told["system_prompt_extra"] = system
    settings = settings_of(call)
    if "use_session_attachments" in settings:
        told["control"] = {"include_session_attachments_index": wants(settings, "use_session_attachments")}
    return told


def _begin(call: Call, found: Mapping[str, Json]) -> Ask:
    """Ask memory for what is still wanted, then start the agent."""
    provider, model = model_of(call, _CONFIG)
    provider = provider.lower()
    given = call.get("context")
    said = given.get("messages") if isinstance(given, Mapping) else None
    query = text(call.get("prompt")).strip() or last_question(said)
    asked = gather(call, query, model, found)
    if asked is not None:
        return asked
    _schema(call)  # one that is not known fails here, before the work
    iterations = _turns(call)
    payload = {
        "workflow_id": agent_workflow(call.flow_id, call.node_id),
        "vars": {
            "context": _context(call, found),
            "scratchpad": {"iteration": 0, "max_iterations": iterations},
            "_runtime": _runtime(call, provider, model),
            "_temp": {},
            "_limits": _limits(call, iterations),
        },
        "async": True,
        "wait": True,
        "include_traces": True,
    }
    return Ask(
        Effect(EffectType.START_SUBWORKFLOW, payload),
        {"asked": "agent", "task": text(call.get("prompt")), "provider": provider, "model": model},
    )


def _answer(reply: Json) -> str:
    child = reply.get("output") if isinstance(reply, Mapping) else None
    if not isinstance(child, Mapping):
        return text(child)
    return next((text(child[key]) for key in ("answer", "response", "result") if child.get(key)), "")


def _ended(reply: Json, call: Call) -> Json:
    """Read the agent's answer; with a schema, have it put into shape first."""
    answer, pad = _answer(reply), scratchpad_of(reply, call)
    child = reply.get("output") if isinstance(reply, Mapping) else None
    output = child if isinstance(child, Mapping) else {}
    stopped = output.get("stopped") == _LIMIT
    keep = {
        **call.kept,
        "pad": pad,
        "iterations": output.get("iterations"),
        "success": output.get("success") is not False and not stopped and bool(answer.strip()),
        **({"stopped": _LIMIT} if stopped else {}),
    }
    schema = _schema(call)
    if schema is None:
        return _outputs(answer, None, "unstructured", call, keep)
    words = (
        "Put the answer below into the shape that is asked for, and add nothing to it.\n\n"
        f"Task:\n{keep.get('task', '')}\n\nAnswer:\n{answer}"
    )
    payload = {
        "messages": [{"role": "user", "content": words}],
        "provider": keep.get("provider"),
        "model": keep.get("model"),
        "params": sampling(call, _CONFIG),
        "response_schema": schema,
        "response_schema_name": f"Agent_{_UNSAFE.sub('_', call.node_id)}",
    }
    return Ask(Effect(EffectType.LLM_CALL, payload), {**keep, "asked": "shape"})


def _outputs(response: str, data: Json, mode: str, call: Call, keep: Mapping[str, Json]) -> dict[str, Json]:
    pad = keep["pad"]
    meta: dict[str, Json] = {
        "schema": AGENT_META,
        "version": 1,
        "output_mode": mode,
        "provider": keep.get("provider"),
        "model": keep.get("model"),
        "tool_calls": len(pad["tool_calls"]),
        "tool_results": len(pad["tool_results"]),
    }
    if pad["sub_run_id"] is not None:
        meta["sub_run_id"] = pad["sub_run_id"]
    if mode == "unstructured" and keep.get("iterations") is not None:
        meta["iterations"] = keep["iterations"]
    if keep.get("stopped"):
        told_why = (
            f"The agent used its {_turns(call)} turns and had to answer with what it knew: raise max_iterations "
            "to give it more."
        )
        meta |= {"stopped": keep["stopped"], "warnings": [told_why]}
        call.note.setdefault("warnings", []).append(told_why)
    success = bool(keep.get("success")) and (mode == "unstructured" or data is not None)
    told: dict[str, Json] = {"response": response, "success": success, "meta": meta, "scratchpad": pad}
    used = {"tool_calls": pad["tool_calls"], "tool_results": pad["tool_results"]}
    if _uses_context(call):
        append_messages(call.vars, list(turn_of(response, call, pad)))
    also = {"result": data if mode == "structured" else told, "data": data}
    return {**told, **used, **{pin: also[pin] for pin in call.wanted if pin in also}}


def _settle(reply: Json, call: Call) -> Json:
    asked = call.kept.get("asked", "agent")
    if asked == "agent":
        return _ended(reply, call)
    if asked != "shape":
        return _begin(call, learned(reply, call.kept))
    data = data_of(reply) if isinstance(reply, Mapping) else None
    response = json_text(data if data is not None else {}, compact=True)
    return _outputs(response, data, "structured", call, call.kept)


_CHOSEN = {"provider": "LMStudio", "model": "qwen"}
_UNSTRUCTURED: dict[str, Json] = {
    "schema": AGENT_META,
    "version": 1,
    "output_mode": "unstructured",
    "provider": "lmstudio",
    "model": "qwen",
    "tool_calls": 0,
    "tool_results": 0,
    "sub_run_id": "r2",
}
_SCRATCHPAD: dict[str, Json] = {
    "sub_run_id": "r2",
    "workflow_id": "visual_react_agent_flow_node",
    "task": "Find tea",
    "messages": [],
    "node_traces": {},
    "steps": [],
    "tool_calls": [],
    "tool_results": [],
}
_STARTED: dict[str, Json] = {
    "workflow_id": "visual_react_agent_flow_node",
    "vars": {
        "context": {"task": "Find tea", "messages": []},
        "scratchpad": {"iteration": 0, "max_iterations": 25},
        "_runtime": {"inbox": [], "provider": "lmstudio", "model": "qwen", "allowed_tools": ["search"]},
        "_temp": {},
        "_limits": {"max_iterations": 25},
    },
    "async": True,
    "wait": True,
    "include_traces": True,
}
_DONE = {"sub_run_id": "r2", "output": {"answer": "Here.", "iterations": 2, "messages": []}}


@effect(
    "agent",
    family="ai",
    label="Agent",
    sentence="Work on {prompt}[ with the tools {tools}][; model {model|name}]",
    inputs=(
        EXEC_IN,
        USE_CONTEXT,
        CONTEXT,
        MEMORY_PIN,
        PROVIDER,
        MODEL,
        SYSTEM,
        Pin("prompt", "string", description="What it shall do.", widget="text", was=("task",)),
        TOOLS,
        Pin(
            "max_iterations",
            "number",
            _MOST_ITERATIONS,
            "How many turns it may take; see Answer at the limit.",
        ),
        IN_TOKENS,
        TEMPERATURE,
        SEED,
        THINKING,
        SCHEMA,
        OUT_TOKENS,
        *OLD_PINS,
    ),
    outputs=(
        EXEC_OUT,
        Pin("response", "string", description="Its answer; with a schema, JSON text."),
        Pin("success", "boolean", description="Whether there is an answer that can be used."),
        Pin("meta", "object", description="Model, rounds, how many tools it used."),
        Pin("scratchpad", "object", description="All that it did on the way."),
        Pin("data", "object", description="With a schema: the answer as data.", hidden=True, on_demand=True),
        Pin("result", "object", hidden=True, on_demand=True),
        Pin("tool_calls", "array", hidden=True),
        Pin("tool_results", "array", hidden=True),
    ),
    seldom=(
        *SELDOM,
        "meta",
        "scratchpad",
    ),
    fields=(
        Field(
            _AT_LIMIT,
            "boolean",
            False,
            "Answer at the limit",
            "Whether an agent that has used its turns answers with what it knows; success is then false, and meta says "
            "stopped. Otherwise the step fails, and has as many turns more when it is tried again.",
        ),
        Field(
            f"{_CONFIG}.outputSchema.enabled",
            "boolean",
            False,
            "Answer with data",
            "Whether the answer is put into the shape below at the end.",
        ),
        Field(
            f"{_CONFIG}.outputSchema.jsonSchema",
            "object",
            {},
            "Shape",
            "The JSON schema of the answer.",
            widget="schema",
        ),
    ),
    settle=_settle,
    carries="own",
    ends_with=("response", "success", "meta", "scratchpad"),
    main="response",
    check=partial(check_model, _CONFIG),
    template={"pinDefaults": {"prompt": "", "max_iterations": _MOST_ITERATIONS}},
    keywords=("ai", "react", "tools", "autonomous", "assistant", "loop", "reason"),
    examples=(
        Example(
            {"prompt": "Find tea", "tools": ["search", "search"], **_CHOSEN},
            {
                "effect": {"type": "start_subworkflow", "payload": _STARTED},
                "settled": {
                    "response": "Here.",
                    "success": True,
                    "meta": {
                        **_UNSTRUCTURED,
                        "iterations": 2,
                    },
                    "scratchpad": _SCRATCHPAD,
                    "tool_calls": [],
                    "tool_results": [],
                },
            },
            reply=_DONE,
        ),
        Example(
            {"prompt": "Find tea", "use_context": True, "context": {"place": "Rome"}, **_CHOSEN},
            {
                "effect": {
                    "type": "start_subworkflow",
                    "payload": {
                        **_STARTED,
                        "vars": {
                            "context": {
                                "place": "Rome",
                                "task": "Find tea",
                                "messages": [{"role": "user", "content": "Hi"}],
                            },
                            "scratchpad": {"iteration": 0, "max_iterations": 3},
                            "_runtime": {
                                "inbox": [],
                                "provider": "lmstudio",
                                "model": "qwen",
                                "allowed_tools": ["read_file"],
                                "seed": 1,
                            },
                            "_temp": {},
                            "_limits": {"max_iterations": 3, "max_input_tokens": 900},
                        },
                    },
                }
            },
            data={"agentConfig": {"tools": ["read_file"], "max_iterations": 3, "seed": 1}},
            vars={
                "context": {"messages": [{"role": "user", "content": "Hi"}]},
                "_limits": {"max_iterations": 9, "max_input_tokens": 900},
            },
            note="Older flows keep settings beside the pins; what is wired or typed at a pin wins.",
        ),
        Example(
            {"prompt": "Find tea", **_CHOSEN},
            {
                "effect": {
                    "type": "start_subworkflow",
                    "payload": {
                        **_STARTED,
                        "vars": {
                            **_STARTED["vars"],
                            "_runtime": {
                                "inbox": [],
                                "provider": "lmstudio",
                                "model": "qwen",
                                "allowed_tools": [],
                                "answer_at_limit": True,
                            },
                        },
                    },
                },
                "settled": {
                    "response": "Perhaps.",
                    "success": False,
                    "meta": {
                        **_UNSTRUCTURED,
                        "iterations": 26,
                        "stopped": "max_iterations",
                        "warnings": [
                            "The agent used its 25 turns and had to answer with what it knew: raise max_iterations to "
                            "give it more."
                        ],
                    },
                    "scratchpad": _SCRATCHPAD,
                    "tool_calls": [],
                    "tool_results": [],
                },
            },
            data={"agentConfig": {"answerAtLimit": True}},
            reply={
                "sub_run_id": "r2",
                "output": {
                    "answer": "Perhaps.",
                    "iterations": 26,
                    "messages": [],
                    "stopped": "max_iterations",
                },
            },
            note="An answer for want of turns is none to rely on.",
        ),
        Example({"prompt": "Find tea"}, error="No model is configured"),
    ),
)
def agent(call: Call) -> Ask:
    """Have a model work on a task with tools until it has an answer.

    Each of its steps is recorded in a run of its own, below this one; it can be watched, and goes on
    after a restart. `system` is added to its own instructions.
    """
    return _begin(call, {})
