"""Pictures, films, speech and music, made by models: what these nodes have in common.

Each asks a model with an `output` that says what is wanted, and for sources of other kinds with `media`.
What comes back is kept as an artifact; the nodes hand on its reference. Which models can do it is the
host's business: a host without one fails the run at the node and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..core.models import Effect, EffectType
from .artifacts import artifact_id_of
from .authored import chosen
from .define import EXEC_IN, EXEC_OUT, Call, NodeError, NodeType, Pin, effect
from .values import items, number, text, truth

Json = Any

_META = "abstractflow.media.v1.meta"
_WORDS: Mapping[str, str] = {
    "width": "How wide, in dots.",
    "height": "How high, in dots.",
    "format": "The kind of file.",
    "seed": "The same seed gives the same result where the model can.",
    "steps": "How many rounds of refining.",
    "guidance_scale": "How closely it keeps to the prompt.",
    "guidance_2": "The same for models with a second stage.",
    "count": "How many to make.",
    "seeds": "A seed for each of them.",
    "lora_adapters": "Additions to the model, by name.",
    "negative_prompt": "What it shall not show.",
    "strength": "How much of the source may change, from 0 to 1.",
    "extra": "Settings of this model alone.",
    "frames": "How many pictures the film has.",
    "fps": "How many of them a second.",
    "flow_shift": "How much motion there is.",
    "softness": "How soft it looks, from 0 to 1.",
    "quantize": "Bits of the model's numbers: fewer take less memory.",
    "vae_tiling": "Whether it works in tiles, which takes less memory.",
}
_LABELS = {"guidance_scale": "guidance", "negative_prompt": "negative"}
_TYPES = {
    "format": "string",
    "negative_prompt": "string",
    "seeds": "array",
    "lora_adapters": "array",
    "extra": "object",
    "vae_tiling": "boolean",
}

PROMPT = Pin("prompt", "string", description="What it shall be.", widget="text")


def settings(*names: str, **defaults: Json) -> tuple[Pin, ...]:
    """Return the pins of these settings, with their defaults."""
    pins = []
    for name in names:
        pin = Pin(name, _TYPES.get(name, "number"), description=_WORDS[name], label=_LABELS.get(name))
        pins.append(with_default(pin, defaults[name]) if name in defaults else pin)
    return tuple(pins)


def with_default(pin: Pin, default: Json) -> Pin:
    """Return a pin with a value for when it is unconnected."""
    return Pin(pin.id, pin.type, default, pin.description, pin.label)


def chooser(scope: str, modality: str) -> tuple[Pin, Pin]:
    """Return the pins that choose provider and model for a modality."""
    provider = "Whose model; empty: the server's default."
    model = "Which model; empty: the server's default."
    return (
        Pin(f"{scope}_provider", f"provider_{modality}", description=provider, label="provider"),
        Pin(f"{scope}_model", "model", description=model, label="model"),
    )


REFERENCE = (
    Pin("artifact_ref", "artifact", description="A short reference to it."),
    Pin("artifact_id", "string", description="Its id."),
)
ABOUT = (
    Pin("meta", "object", description="Model and settings that were used."),
    Pin("success", "boolean", description="Whether something was made."),
)
# What most leave as it is: all settings but the size, and what is told of a result besides itself.
_SELDOM = frozenset(_WORDS) - {"width", "height"} | {
    "artifact_ref",
    "artifact_id",
    "content_type",
    "outputs",
    "meta",
}


def results(*names: str, modality: str, several: bool = False) -> tuple[Pin, ...]:
    """Return the outputs of a node that makes an artifact; the first of `names` is the main one."""
    pins = [EXEC_OUT, *(Pin(each, f"artifact_{modality}", description="What was made.") for each in names)]
    if several:
        pins.append(Pin(f"{names[0]}s", f"artifacts_{modality}", description="All that was made."))
    kind = Pin("content_type", "string", description="Its kind, as in image/png.")
    every = Pin("outputs", "object", description="All that came back, by kind.")
    return (*pins, *REFERENCE, kind, every, *ABOUT)


def maker(
    name: str,
    modality: str,
    *names: str,
    inputs: tuple[Pin, ...],
    seldom: tuple[str, ...] = (),
    several: bool = False,
    **more: Any,
) -> Callable[[Any], NodeType]:
    """Declare a node that has a model make artifacts of a modality; the first of `names` is the main pin.

    With `several` there is a pin for all of them besides. `seldom` are further pins that most leave alone; `more` is what `effect` takes.
    """
    outputs = results(*names, modality=modality, several=several)
    apart = {*_SELDOM, *seldom, *names[1:], f"{names[0]}s"}
    return effect(
        name,
        family="media",
        inputs=(EXEC_IN, *inputs),
        outputs=outputs,
        seldom=tuple(pin.id for pin in (*inputs, *outputs) if pin.id in apart),
        settle=made(modality, names, several=several),
        carries="own",
        main=names[0],
        **more,
    )


def asked(
    call: Call,
    task: tuple[str, str],
    scope: str,
    pins: tuple[Pin, ...],
    *,
    prompt: str = "",
    media: list[dict[str, Json]] | None = None,
    **more: Json,
) -> Effect:
    """Return the request to a model: what is wanted, of what, and with which settings.

    `task` is modality and task, `scope` begins the names of the pins that choose provider and model, and
    `pins` are the settings that go along when they have a value.
    """
    output: dict[str, Json] = {"modality": task[0], "task": task[1]}
    for key in ("provider", "model"):
        if name := text(chosen(call, f"{scope}_{key}", f"effectConfig.{scope}_{key}")).strip():
            output[key] = name
    for pin in pins:
        value = chosen(call, pin.id, f"effectConfig.{pin.id}")
        if value not in (None, "", [], {}):
            output[pin.id] = _read(pin, value)
    payload: dict[str, Json] = {"prompt": prompt, "params": {}, "output": {**output, **more}}
    if media:
        payload["media"] = media
    return Effect(EffectType.LLM_CALL, payload)


def _read(pin: Pin, value: Json) -> Json:
    if pin.type == "number":
        return number(value, pin.id)
    if pin.type == "boolean":
        return truth(value, pin.id)
    if pin.type == "array":
        return items(value)
    return text(value) if pin.type == "string" else value


def said(call: Call, pin: str, node: str) -> str:
    """Return the text at a pin; raise NodeError when there is none."""
    words = text(call.get(pin))
    if not words.strip():
        raise NodeError(f"{node} requires a non-empty '{pin}' input.", code="media.no_words", pin=pin)
    return words


def source(call: Call, pin: str, role: str, content_type: str) -> dict[str, Json]:
    """Return an artifact as an item of media; raise NodeError when the pin holds no reference."""
    value = call.get(pin)
    artifact_id = artifact_id_of(value, pin)
    kind = value.get("content_type") if isinstance(value, Mapping) else None
    return {
        "$artifact": artifact_id,
        "artifact_id": artifact_id,
        "role": role,
        "content_type": kind or content_type,
    }


def made(modality: str, names: tuple[str, ...], *, several: bool = False) -> Any:
    """Return how the reply is read: the artifacts of this modality, the first of them by itself."""

    def settle(reply: Json, call: Call) -> dict[str, Json]:
        known = reply if isinstance(reply, Mapping) else {}
        outputs = known.get("outputs")
        groups = dict(outputs) if isinstance(outputs, Mapping) else {}
        found = artifacts_in(groups.get(modality) or known.get("artifact_ref"))
        told: dict[str, Json] = dict.fromkeys(names, found[0] if found else None)
        if several:
            told[f"{names[0]}s"] = found
        return {
            **told,
            **reference(found),
            "content_type": text(found[0].get("content_type")) if found else "",
            "outputs": groups,
            "meta": meta_of(known, modality, len(found)),
            "success": bool(found),
        }

    return settle


def artifacts_in(value: Json) -> list[dict[str, Json]]:
    """Return the references to artifacts in a reply, with what it says of them."""
    found = []
    for each in items(value):
        about = each if isinstance(each, Mapping) else {"artifact_id": text(each).strip()}
        artifact_id = about.get("artifact_id") or about.get("$artifact")
        if artifact_id:
            found.append({"$artifact": artifact_id, **about, "artifact_id": artifact_id})
    return found


def reference(found: list[dict[str, Json]]) -> dict[str, Json]:
    """Return the short reference to the first of some artifacts, and its id."""
    if not found:
        return {"artifact_ref": None, "artifact_id": ""}
    artifact_id = found[0]["artifact_id"]
    return {
        "artifact_ref": {"$artifact": artifact_id, "artifact_id": artifact_id},
        "artifact_id": artifact_id,
    }


def meta_of(reply: Mapping[str, Json], modality: str, count: int) -> dict[str, Json]:
    """Return how something was made: how many, by which model, at what cost."""
    meta: dict[str, Json] = {"schema": _META, "version": 1, "modality": modality, "count": count}
    return meta | {key: reply[key] for key in ("provider", "model", "usage") if reply.get(key)}


def shown(
    output: dict[str, Json], *, prompt: str = "", media: dict[str, str] | None = None
) -> dict[str, Json]:
    """Return a request as the examples write it; `media` is the kind of each artifact by its id."""
    payload: dict[str, Json] = {"prompt": prompt, "params": {}, "output": output}
    if media:
        payload["media"] = [
            {
                "$artifact": name.split(":")[1],
                "artifact_id": name.split(":")[1],
                "role": name.split(":")[0],
                "content_type": kind,
            }
            for name, kind in media.items()
        ]
    return {"type": "llm_call", "payload": payload}
