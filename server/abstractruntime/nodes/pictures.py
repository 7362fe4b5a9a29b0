"""Pictures, made and changed by models."""

from __future__ import annotations

from typing import Any

from ..core.models import Effect
from .define import Call, Example, NodeError, Pin
from .media import PROMPT, asked, chooser, maker, said, settings, shown, source
from .values import number, text

Json = Any

_CHOICE = chooser("image", "image")
_MANY = ("count", "seeds", "lora_adapters")
_REFINING = ("format", "seed", "steps", "guidance_scale", "guidance_2")
_DEFAULTS = {"format": "png", "steps": 20}
_NEW = settings("width", "height", *_REFINING, *_MANY, "negative_prompt", **_DEFAULTS)
_CHANGED = settings(*_REFINING, *_MANY, "strength", "negative_prompt", "extra", **_DEFAULTS)
_OLDER = settings("strength", *_REFINING, *_MANY)
_LARGER = settings(
    "softness", "seed", "quantize", "vae_tiling", "format", "extra", softness=0.25, format="png"
)

_REPLY = {"outputs": {"image": [{"artifact_id": "a1", "content_type": "image/png"}]}, "model": "m"}
_PICTURE = {"$artifact": "a1", "artifact_id": "a1", "content_type": "image/png"}
_SETTLED = {
    "image_artifact": _PICTURE,
    "image_artifacts": [_PICTURE],
    "artifact_ref": {"$artifact": "a1", "artifact_id": "a1"},
    "artifact_id": "a1",
    "content_type": "image/png",
    "outputs": _REPLY["outputs"],
    "meta": {
        "schema": "abstractflow.media.v1.meta",
        "version": 1,
        "modality": "image",
        "count": 1,
        "model": "m",
    },
    "success": True,
}
_SOURCE = {"source:a0": "image/png"}


@maker(
    "generate_image",
    "image",
    "image_artifact",
    label="Generate Image",
    sentence="A picture of {prompt}",
    inputs=(PROMPT, *_CHOICE, *_NEW),
    several=True,
    keywords=("picture", "photo", "draw", "paint", "ai"),
    examples=(
        Example(
            {"prompt": "A teapot", "image_model": "m", "width": "512"},
            {
                "effect": shown(
                    {
                        "modality": "image",
                        "task": "image_generation",
                        "model": "m",
                        "width": 512,
                        "format": "png",
                        "steps": 20,
                    },
                    prompt="A teapot",
                ),
                "settled": _SETTLED,
            },
            reply=_REPLY,
        ),
        Example(
            {"prompt": "A teapot", "format": None},
            {
                "effect": shown(
                    {"modality": "image", "task": "image_generation", "provider": "p", "steps": 20},
                    prompt="A teapot",
                )
            },
            data={"effectConfig": {"image_provider": "p"}},
            note="Settings of older flows are used where the pins say nothing.",
        ),
        Example({"prompt": " "}, error="generate_image requires a non-empty 'prompt' input."),
    ),
)
def generate_image(call: Call) -> Effect:
    """Have a model make a picture from words."""
    words = said(call, "prompt", "generate_image")
    return asked(call, ("image", "image_generation"), "image", _NEW, prompt=words)


@maker(
    "edit_image",
    "image",
    "image_artifact",
    label="Edit Image",
    sentence="Change {image_artifact}: {prompt}",
    inputs=(
        PROMPT,
        Pin("image_artifact", "artifact_image", description="The picture to change."),
        Pin("mask_artifact", "artifact_image", description="Where it may change: the white parts."),
        *_CHOICE,
        *_CHANGED,
    ),
    several=True,
    keywords=("picture", "photo", "change", "inpaint", "mask", "ai"),
    examples=(
        Example(
            {"prompt": "Make it blue", "image_artifact": "a0", "mask_artifact": {"$artifact": "a2"}},
            {
                "effect": shown(
                    {"modality": "image", "task": "image_edit", "format": "png", "steps": 20},
                    prompt="Make it blue",
                    media={**_SOURCE, "mask:a2": "image/png"},
                ),
                "settled": _SETTLED,
            },
            reply=_REPLY,
        ),
        Example(
            {
                "prompt": "Blue",
                "image_artifact": {"artifact_id": "a0", "content_type": "image/webp"},
                "strength": 0.5,
            },
            {
                "effect": shown(
                    {
                        "modality": "image",
                        "task": "image_edit",
                        "format": "png",
                        "steps": 20,
                        "strength": 0.5,
                    },
                    prompt="Blue",
                    media={"source:a0": "image/webp"},
                )
            },
            note="Without a mask it may change everywhere.",
        ),
        Example({"prompt": "Make it blue"}, error="'image_artifact' needs a reference to an artifact"),
    ),
)
def edit_image(call: Call) -> Effect:
    """Have a model change a picture as you say."""
    words = said(call, "prompt", "edit_image")
    media = [source(call, "image_artifact", "source", "image/png")]
    if call.get("mask_artifact"):
        media.append(source(call, "mask_artifact", "mask", "image/png"))
    return asked(call, ("image", "image_edit"), "image", _CHANGED, prompt=words, media=media)


@maker(
    "image_to_image",
    "image",
    "image_artifact",
    label="Image To Image",
    inputs=(
        PROMPT,
        Pin("source_image", "artifact_image", description="The picture to change."),
        *_CHOICE,
        *_OLDER,
    ),
    several=True,
    palette=False,
    keywords=("picture", "change", "ai"),
    examples=(
        Example(
            {"prompt": "Blue", "source_image": {"$artifact": "a0"}, "strength": 0.5},
            {
                "effect": shown(
                    {"modality": "image", "task": "image_edit", "strength": 0.5}, prompt="Blue", media=_SOURCE
                ),
                "settled": _SETTLED,
            },
            reply=_REPLY,
        ),
        Example(
            {"prompt": "Blue", "source_image": {"$artifact": "a0"}},
            {"effect": shown({"modality": "image", "task": "image_edit"}, prompt="Blue", media=_SOURCE)},
            note="How much it changes is left to the model.",
        ),
        Example({"prompt": "Blue"}, error="'source_image' needs a reference to an artifact"),
    ),
)
def image_to_image(call: Call) -> Effect:
    """Have a model change a picture; flows of today use Edit Image."""
    words = said(call, "prompt", "image_to_image")
    media = [source(call, "source_image", "source", "image/png")]
    return asked(call, ("image", "image_edit"), "image", _OLDER, prompt=words, media=media)


def _resolution(call: Call) -> Json:
    """Read how large it becomes: a factor such as 2x, or the length of the short side in dots."""
    wanted = call.get("scale") if text(call.get("scale")).strip() else call.get("resolution")
    word = text(wanted).strip().lower()
    try:
        if word.endswith("x"):
            number(word[:-1], "resolution")
            return word
        return number(wanted, "resolution")
    except NodeError:
        message = f"'resolution' needs a factor such as 2x, or a number of dots, but got '{word}'."
        raise NodeError(message, code="media.resolution", pin="resolution") from None


@maker(
    "upscale_image",
    "image",
    "image_artifact",
    label="Restore / Upscale Image",
    sentence="Larger: {image_artifact}",
    inputs=(
        Pin("image_artifact", "artifact_image", description="The picture."),
        *_CHOICE,
        Pin("scale", "string", description="How many times larger, as 2x; wins over resolution."),
        Pin("resolution", "string", "2x", "How many times larger, as 2x, or the short side in dots."),
        *_LARGER,
    ),
    was=("image_upscale",),
    keywords=("picture", "larger", "sharpen", "quality", "ai"),
    examples=(
        Example(
            {"image_artifact": "a0"},
            {
                "effect": shown(
                    {
                        "modality": "image",
                        "task": "image_upscale",
                        "softness": 0.25,
                        "format": "png",
                        "resolution": "2x",
                    },
                    media=_SOURCE,
                ),
                "settled": {key: value for key, value in _SETTLED.items() if key != "image_artifacts"},
            },
            reply=_REPLY,
        ),
        Example(
            {"image_artifact": "a0", "resolution": "1080", "softness": None},
            {
                "effect": shown(
                    {"modality": "image", "task": "image_upscale", "format": "png", "resolution": 1080},
                    media=_SOURCE,
                )
            },
        ),
        Example({"image_artifact": "a0", "resolution": "huge"}, error="needs a factor such as 2x"),
    ),
)
def upscale_image(call: Call) -> Effect:
    """Have a model make a picture larger and sharper."""
    media = [source(call, "image_artifact", "source", "image/png")]
    task = ("image", "image_upscale")
    return asked(call, task, "image", _LARGER, media=media, resolution=_resolution(call))
