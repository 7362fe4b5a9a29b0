"""What the nodes that ask a model have in common: which model, which settings, which messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..memory.token_budget import trim_messages_to_max_input_tokens
from .authored import chosen, pin_value, setting
from .context import context_of
from .define import UNSET, Call, Finding, NodeError, Pin
from .pin import squeezed
from .recall import KG_MARK, positive
from .values import items, json_text, number, text

Json = Any
Message = dict[str, Json]

NO_MODEL = (
    "No model is configured: choose a provider and a model at this node, or give the server a default model "
    "(FlowStudio: page Settings, under Models)."
)
UNSAID: tuple[Json, ...] = (None, "", [], {}, False)  # settings that are there and say nothing
_BINDING = "prompt_cache_binding"
_NO_BINDING = f"'{_BINDING}' is not read here: the model is sent all that it is to know with each call."
_REF = "abstractsemantics:"
# Other words for how much a model thinks, as AbstractCore reads them.
_ALSO = {"": "auto", "yes": "on", "true": "on", "extrahigh": "xhigh"} | dict.fromkeys(
    ("none", "no", "false"), "off"
)

PROVIDER = Pin("provider", "provider", description="Whose model; empty: the server's default.")
MODEL = Pin("model", "model", description="Which model; empty: the provider's own.")
USE_CONTEXT = Pin(
    "use_context",
    "boolean",
    False,
    "Whether it knows the conversation of this run.",
    was=("include_context",),
)
CONTEXT = Pin("context", "object", description="A conversation to know instead: its messages count.")
SYSTEM = Pin("system", "string", description="How to behave.", widget="text")
TOOLS = Pin("tools", "tools", description="Names of the tools it may ask for.", widget="lines")
IN_TOKENS = Pin(
    "max_in_tokens",
    "number",
    description="Most tokens to send; the oldest messages are left out.",
    was=("max_input_tokens", "maxInputTokens"),
)
OUT_TOKENS = Pin("max_out_tokens", "number", hidden=True, was=("max_output_tokens", "maxOutputTokens"))
TEMPERATURE = Pin("temperature", "number", 0.7, "How freely it words: 0 is strict.")
SEED = Pin("seed", "number", -1, "The same seed gives the same answer where the model can; -1: none.")
THINKING = Pin(
    "thinking",
    "string",
    description="How much it thinks before it answers, where the model can; auto: as much as it does by itself.",
    choices=("auto", "off", "on", "minimal", "low", "medium", "high", "xhigh"),
    also=tuple(_ALSO),
)
SCHEMA = Pin(
    "resp_schema",
    "object",
    description="The shape the answer must have, as a JSON schema.",
    widget="schema",
    was=("response_schema",),
)
# Inputs of whoever asks a model that fold away until they are used.
SELDOM = ("use_context", "context", "memory", "max_in_tokens", "temperature", "seed", "thinking")


def model_of(call: Call, config: str) -> tuple[str, str]:
    """Return provider and model: those of the node, else the host's; raise NodeError without."""
    provider = text(chosen(call, "provider", f"{config}.provider")).strip()
    model = text(chosen(call, "model", f"{config}.model")).strip()
    if not provider and not model and call.offers.default is not None:
        return call.offers.default
    if model and call.offers.default is not None:
        provider = provider or call.offers.default[0]
    model = model or call.offers.own.get(provider.lower(), "")
    if not provider or not model:
        missing = "provider" if not provider else "model"
        raise NodeError(NO_MODEL, code="model.unset", pin=missing)
    return provider, model


def check_model(config: str, data: Mapping[str, Json]) -> list[Finding]:
    """Find a provider or a model that is not chosen, and a prepared beginning that is not used."""
    found = []
    bound = [
        path
        for path in (f"{config}.{_BINDING}", f"pinDefaults.{_BINDING}")
        if setting(data, path) not in UNSAID
    ]
    if bound:
        mend = dict.fromkeys(bound)
        found.append(Finding("risk", "model.binding", _NO_BINDING, _BINDING, mend, "Do without it"))
    found += _check_thinking(config, data)
    for pin in ("provider", "model"):
        value = pin_value(data, pin)
        if value is UNSET or not text(value).strip():
            value = setting(data, f"{config}.{pin}")
        if not text(value).strip():
            message = f"No {pin} is chosen: the server's default is used, and without one the run fails here."
            found.append(Finding("risk", "model.unset", message, pin=pin))
    return found


def _check_thinking(config: str, data: Mapping[str, Json]) -> list[Finding]:
    """Find a word for how much to think that only the step would refuse; one typed beside the pin is told there."""
    said = setting(data, f"{config}.{THINKING.id}")
    if said is None or pin_value(data, THINKING.id) is not UNSET:
        return []
    try:
        _thinking(said)
    except NodeError as wrong:
        mend = {f"{config}.{THINKING.id}": THINKING.choices[0]}
        told = f"{wrong} The step fails."
        return [Finding("risk", wrong.code, told, pin=THINKING.id, sets=mend, label="Let the model decide")]
    return []


def sampling(call: Call, config: str) -> dict[str, Json]:
    """Return temperature and, when there are any, seed and how much to think."""
    warmth = _told_number(chosen(call, "temperature", f"{config}.temperature", 0.7))
    params: dict[str, Json] = {"temperature": 0.7 if warmth is None else warmth}
    seed = _told_number(chosen(call, "seed", f"{config}.seed", -1))
    if seed is not None and seed >= 0:
        params["seed"] = int(seed)
    if (thinking := _thinking(chosen(call, THINKING.id, f"{config}.{THINKING.id}"))) != "auto":
        params["thinking"] = thinking
    return params


def _thinking(value: Json) -> str:
    """Return how much to think, in one of the pin's words; raise NodeError for another."""
    word = squeezed(text(value))
    word = _ALSO.get(word, word)
    if word not in THINKING.choices:
        told = f"'thinking' is {json_text(value)[:60]}, not one of: {', '.join(THINKING.choices)}."
        raise NodeError(told, code="model.thinking", pin=THINKING.id)
    return word


def _told_number(value: Json) -> int | float | None:
    """Read a number, also one that is written as text; what is none counts as not set (visualflow.md 2C.6)."""
    if value is None or isinstance(value, bool):
        return None
    try:
        return number(value)
    except NodeError:
        return None


def token_limit(call: Call, pin: str, path: str) -> int | None:
    """Return a limit of tokens, or None."""
    return positive(chosen(call, pin, path))


def schema_of(call: Call, fallback: Json = None) -> dict[str, Json] | None:
    """Return the JSON schema that the answer must have, or None; raise NodeError for an unknown name."""
    given = call.get("resp_schema")
    schema = given if isinstance(given, dict) and given else fallback
    if not isinstance(schema, dict) or not schema:
        return None
    inner = schema.get("json_schema")
    if (
        schema.get("type") == "json_schema"
        and isinstance(inner, dict)
        and isinstance(inner.get("schema"), dict)
    ):
        schema = inner["schema"]
    name = schema.get("$ref")
    if not isinstance(name, str) or not name.startswith(_REF):
        return dict(schema)
    known = call.offers.schemas.get(name)
    if known is None:
        raise NodeError(
            f"The schema '{name}' is not known here: install the package abstractsemantics.",
            code="schema.unknown",
            pin="resp_schema",
        )
    return dict(known)


def active_messages(held: Mapping[str, Json]) -> list[Message]:
    """Return the conversation of a run as a model shall see it: the system's words first."""
    messages = [dict(each) for each in context_of(held)["messages"] if isinstance(each, Mapping)]
    limits = held.get("_limits")
    most = limits.get("max_history_messages") if isinstance(limits, Mapping) else None
    system = [each for each in messages if each.get("role") == "system"]
    others = [each for each in messages if each.get("role") != "system"]
    if isinstance(most, int) and not isinstance(most, bool) and most >= 0:
        others = others[len(others) - most :] if most else []
    return [*system, *others]


def recalled(held: Mapping[str, Json], span_ids: Json) -> list[Message]:
    """Return the messages that memory has put back into the conversation of a run."""
    wanted = set(items(span_ids))
    found = []
    for message in context_of(held)["messages"]:
        about = message.get("metadata") if isinstance(message, Mapping) else None
        if (
            isinstance(about, Mapping)
            and about.get("rehydrated")
            and about.get("source_artifact_id") in wanted
        ):
            found.append(dict(message))
    return found


def composed(history: list[Message], system: str, prompt: str) -> list[Message]:
    """Return what to send: the history, the system's words after those it has, the prompt at the end.

    A prompt that the history ends with is not said twice.
    """
    leading = 0
    while leading < len(history) and history[leading].get("role") == "system":
        leading += 1
    said = [{"role": "system", "content": system}] if system.strip() else []
    last = history[-1] if history else {}
    is_asked = last.get("role") == "user" and last.get("content") == prompt
    asked = [{"role": "user", "content": prompt}] if prompt.strip() and not is_asked else []
    return [*history[:leading], *said, *history[leading:], *asked]


def trimmed(messages: list[Message], most: int | None, held: Mapping[str, Json], model: str) -> list[Message]:
    """Leave out the oldest messages that do not fit into `most` tokens, or into the run's limit."""
    limits = held.get("_limits")
    most = most or positive(limits.get("max_input_tokens") if isinstance(limits, Mapping) else None)
    return (
        trim_messages_to_max_input_tokens(messages, max_input_tokens=most, model=model) if most else messages
    )


def with_facts(system: str, facts: str, history: list[Message]) -> str:
    """Return the system's words with facts of the knowledge graph, unless they are there already."""
    told = (system, *(text(message.get("content")) for message in history))
    if not facts or any(KG_MARK in each for each in told):
        return system
    return f"{system.rstrip()}\n\n{facts}" if system.strip() else facts


def last_question(history: Json) -> str:
    """Return what a person said last in a conversation."""
    for message in reversed(items(history)):
        if isinstance(message, Mapping) and message.get("role") == "user":
            return text(message.get("content"))
    return ""
