"""Films, made by models."""

from __future__ import annotations

from typing import Any

from ..core.models import Effect
from .define import Call, Example, Pin
from .media import PROMPT, asked, chooser, maker, said, settings, shown, source
from .values import text

Json = Any

_CHOICE = chooser("video", "video")
_SIZE = ("width", "height")
_MAKING = (
    "frames",
    "fps",
    "format",
    "seed",
    "steps",
    "guidance_scale",
    "guidance_2",
    "count",
    "seeds",
    "flow_shift",
    "lora_adapters",
)
_NEW = settings(
    *_SIZE,
    *_MAKING,
    "negative_prompt",
    "extra",
    width=512,
    height=512,
    frames=41,
    fps=24,
    format="mp4",
    steps=20,
    guidance_scale=5.0,
)
_OLDER = settings(*_MAKING)
_MOVED = settings(*_SIZE, *_MAKING, "strength", "negative_prompt", "extra")

_REPLY = {"outputs": {"video": [{"artifact_id": "v1", "content_type": "video/mp4"}]}, "provider": "p"}
_FILM = {"$artifact": "v1", "artifact_id": "v1", "content_type": "video/mp4"}
_SETTLED = {
    "video_artifact": _FILM,
    "video_artifacts": [_FILM],
    "artifact_ref": {"$artifact": "v1", "artifact_id": "v1"},
    "artifact_id": "v1",
    "content_type": "video/mp4",
    "outputs": _REPLY["outputs"],
    "meta": {
        "schema": "abstractflow.media.v1.meta",
        "version": 1,
        "modality": "video",
        "count": 1,
        "provider": "p",
    },
    "success": True,
}
_USUAL = {
    "modality": "video",
    "task": "text_to_video",
    "width": 512,
    "height": 512,
    "frames": 41,
    "fps": 24,
    "format": "mp4",
    "steps": 20,
    "guidance_scale": 5.0,
}


@maker(
    "generate_video",
    "video",
    "video_artifact",
    label="Generate Video",
    sentence="A film of {prompt}",
    inputs=(PROMPT, *_CHOICE, *_NEW),
    several=True,
    keywords=("film", "clip", "movie", "animate", "ai"),
    examples=(
        Example(
            {"prompt": "Rain"}, {"effect": shown(_USUAL, prompt="Rain"), "settled": _SETTLED}, reply=_REPLY
        ),
        Example(
            {"prompt": "Rain", "seed": 3, "negative_prompt": "people"},
            {"effect": shown({**_USUAL, "seed": 3, "negative_prompt": "people"}, prompt="Rain")},
        ),
        Example({}, error="generate_video requires a non-empty 'prompt' input."),
    ),
)
def generate_video(call: Call) -> Effect:
    """Have a model make a film from words."""
    words = said(call, "prompt", "generate_video")
    return asked(call, ("video", "text_to_video"), "video", _NEW, prompt=words)


@maker(
    "text_to_video",
    "video",
    "video_artifact",
    label="Text To Video",
    inputs=(PROMPT, *_CHOICE, *_OLDER),
    several=True,
    palette=False,
    keywords=("film", "clip", "ai"),
    examples=(
        Example(
            {"prompt": "Rain", "frames": 9},
            {
                "effect": shown({"modality": "video", "task": "text_to_video", "frames": 9}, prompt="Rain"),
                "settled": _SETTLED,
            },
            reply=_REPLY,
        ),
        Example(
            {"prompt": "Rain"},
            {"effect": shown({"modality": "video", "task": "text_to_video"}, prompt="Rain")},
            note="What is not said is left to the model.",
        ),
        Example({}, error="text_to_video requires a non-empty 'prompt' input."),
    ),
)
def text_to_video(call: Call) -> Effect:
    """Have a model make a film from words; flows of today use Generate Video."""
    words = said(call, "prompt", "text_to_video")
    return asked(call, ("video", "text_to_video"), "video", _OLDER, prompt=words)


@maker(
    "image_to_video",
    "video",
    "video_artifact",
    label="Image To Video",
    sentence="Have {source_image} move: {prompt}",
    inputs=(
        PROMPT,
        Pin("source_image", "artifact_image", description="The picture that it begins with."),
        *_CHOICE,
        *_MOVED,
    ),
    several=True,
    keywords=("film", "clip", "animate", "picture", "ai"),
    examples=(
        Example(
            {"prompt": "It rains", "source_image": "a0", "strength": 0.8},
            {
                "effect": shown(
                    {"modality": "video", "task": "image_to_video", "strength": 0.8},
                    prompt="It rains",
                    media={"source:a0": "image/png"},
                ),
                "settled": _SETTLED,
            },
            reply=_REPLY,
        ),
        Example(
            {"source_image": {"artifact_id": "a0", "content_type": "image/jpeg"}},
            {
                "effect": shown(
                    {"modality": "video", "task": "image_to_video"}, media={"source:a0": "image/jpeg"}
                )
            },
            note="It moves as the model likes when you say nothing.",
        ),
        Example({"prompt": "It rains"}, error="'source_image' needs a reference to an artifact"),
    ),
)
def image_to_video(call: Call) -> Effect:
    """Have a model make a film that begins with a picture."""
    media = [source(call, "source_image", "source", "image/png")]
    task, words = ("video", "image_to_video"), text(call.get("prompt"))
    return asked(call, task, "video", _MOVED, prompt=words, media=media)
