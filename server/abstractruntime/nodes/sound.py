"""Speech and music, made and heard by models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.models import Effect, EffectType
from . import deadlines
from .authored import chosen, setting
from .define import EXEC_IN, EXEC_OUT, Call, Example, Finding, NodeError, Pin, effect
from .media import (
    ABOUT,
    PROMPT,
    REFERENCE,
    artifacts_in,
    asked,
    chooser,
    maker,
    meta_of,
    reference,
    said,
    settings,
    shown,
    source,
)
from .values import number, text

Json = Any

_FORMAT = settings("format", format="wav")
_VOICE = (
    Pin("voice", "string", description="Whose voice."),
    Pin("profile", "string", description="A way of speaking that the model knows."),
    Pin("quality_preset", "string", "standard", "How much care it takes.", label="quality"),
    *_FORMAT,
    Pin("speed", "number", 1.0, "How fast it speaks: 1 is usual."),
    Pin("instructions", "string", description="How it shall be spoken.", widget="text"),
)
_REPLY = {"outputs": {"audio": [{"artifact_id": "s1", "content_type": "audio/wav"}]}, "model": "m"}
_SOUND = {"$artifact": "s1", "artifact_id": "s1", "content_type": "audio/wav"}
_META = {"schema": "abstractflow.media.v1.meta", "version": 1, "modality": "audio", "count": 1, "model": "m"}
_REF = {"artifact_ref": {"$artifact": "s1", "artifact_id": "s1"}, "artifact_id": "s1"}
_SETTLED = {
    "audio_artifact": _SOUND,
    **_REF,
    "content_type": "audio/wav",
    "outputs": _REPLY["outputs"],
    "meta": _META,
    "success": True,
}
_SPOKEN = {"modality": "voice", "task": "tts", "quality_preset": "standard", "format": "wav", "speed": 1.0}


@maker(
    "generate_voice",
    "audio",
    "audio_artifact",
    label="Generate Voice",
    sentence="Speak {text}",
    inputs=(
        Pin("text", "string", description="What is spoken.", widget="text"),
        *chooser("tts", "voice"),
        *_VOICE,
    ),
    seldom=("profile", "quality_preset", "speed", "instructions"),
    keywords=("speech", "speak", "say", "tts", "read aloud", "ai"),
    examples=(
        Example(
            {"text": "Hello"}, {"effect": shown(_SPOKEN, prompt="Hello"), "settled": _SETTLED}, reply=_REPLY
        ),
        Example(
            {"text": "Hello", "voice": "anna", "speed": "1.5"},
            {"effect": shown({**_SPOKEN, "voice": "anna", "speed": 1.5}, prompt="Hello")},
        ),
        Example({"text": ""}, error="generate_voice requires a non-empty 'text' input."),
    ),
)
def generate_voice(call: Call) -> Effect:
    """Have a model speak a text."""
    return asked(call, ("voice", "tts"), "tts", _VOICE, prompt=said(call, "text", "generate_voice"))


_MUSIC = (
    Pin("lyrics", "string", description="What is sung.", widget="text"),
    Pin("duration_s", "number", description="How long, in seconds."),
    *_FORMAT,
    *settings("seed"),
    Pin("num_inference_steps", "number", description="How many rounds of refining.", label="steps"),
    *settings("guidance_scale"),
    Pin("instrumental", "boolean", description="Whether nobody sings."),
    Pin(
        "enhance_prompt",
        "boolean",
        description="Whether the model may say the prompt better.",
        label="enhance",
    ),
    Pin("structure_prompt", "boolean", description="Whether it plans the parts first.", label="structure"),
    Pin("auto_lyrics", "boolean", description="Whether it writes the words itself."),
    Pin("text_planner_mode", "string", description="How it plans the words.", label="planner"),
    Pin("vocal_language", "string", description="The language that is sung.", label="language"),
    Pin("negative_prompt", "string", description="How it shall not sound.", label="negative"),
    Pin("sample_rate", "number", description="Values a second."),
    Pin("bpm", "number", description="Beats a minute."),
    Pin("keyscale", "string", description="The key, as in C minor.", label="key"),
    Pin("timesignature", "string", description="The metre, as in 4/4.", label="time"),
    Pin(
        "composition_plan",
        "object",
        description="The parts of the piece, as the model takes them.",
        label="plan",
    ),
    Pin("positive_styles", "array", description="Styles to have.", label="styles"),
    Pin("negative_styles", "array", description="Styles to avoid.", label="avoid_styles"),
    Pin("planning", "boolean", description="Whether it plans before it plays."),
    *settings("extra"),
)
_NO_BACKEND = "'music_backend' is not read: choose the music provider and the music model instead."


def _check_music(data: Mapping[str, Json]) -> list[Finding]:
    for path in ("effectConfig.music_backend", "pinDefaults.music_backend"):
        if setting(data, path) not in (None, ""):
            return [Finding("error", "media.music_backend", _NO_BACKEND)]
    return []


_PLAYED = {"modality": "music", "task": "music_generation", "format": "wav"}


@maker(
    "generate_music",
    "audio",
    "music_artifact",
    "audio_artifact",
    label="Generate Music",
    sentence="Music: {prompt}",
    inputs=(PROMPT, *chooser("music", "music"), *_MUSIC),
    seldom=tuple(pin.id for pin in _MUSIC if pin.id not in ("lyrics", "duration_s", "instrumental")),
    check=_check_music,
    keywords=("song", "tune", "melody", "sing", "ai"),
    examples=(
        Example(
            {"prompt": "A quiet evening", "duration_s": 20, "instrumental": "yes"},
            {
                "effect": shown(
                    {**_PLAYED, "duration_s": 20, "instrumental": True}, prompt="A quiet evening"
                ),
                "settled": {"music_artifact": _SOUND, **_SETTLED},
            },
            reply=_REPLY,
        ),
        Example(
            {"prompt": "Tea", "music_provider": "p", "music_model": "m", "positive_styles": ["folk"]},
            {
                "effect": shown(
                    {**_PLAYED, "provider": "p", "model": "m", "positive_styles": ["folk"]}, prompt="Tea"
                )
            },
        ),
        Example(
            {"prompt": "Tea"},
            data={"effectConfig": {"music_backend": "x"}},
            error="'music_backend' is not read",
        ),
    ),
)
def generate_music(call: Call) -> Effect:
    """Have a model make music from words."""
    if _check_music(call.data) or call.get("music_backend"):
        raise NodeError(_NO_BACKEND, code="media.music_backend", pin="music_backend")
    words = said(call, "prompt", "generate_music")
    return asked(call, ("music", "music_generation"), "music", _MUSIC, prompt=words)


_HEARING = (
    Pin("language", "string", description="The language spoken; empty: the model finds out."),
    Pin("format", "string", "json", "The kind of transcript."),
    Pin("temperature", "number", 0, "How freely it guesses: 0 is strict."),
)


def _transcribed(reply: Json, call: Call) -> dict[str, Json]:
    known = reply if isinstance(reply, Mapping) else {"content": text(reply)}
    outputs = known.get("outputs")
    groups = outputs if isinstance(outputs, Mapping) else {}
    found = artifacts_in(groups.get("text") or known.get("artifact_ref"))
    words = text(known.get("text") or known.get("content"))
    return {
        "text": words,
        "transcript_artifact": found[0] if found else None,
        **reference(found),
        "meta": meta_of(known, "text", len(found)),
        "success": bool(words.strip() or found),
    }


_HEARD = {"modality": "text", "task": "transcription", "format": "json", "temperature": 0}


@effect(
    "transcribe_audio",
    family="media",
    gives=True,
    label="Transcribe Audio",
    sentence="Write down {audio_artifact}",
    inputs=(
        EXEC_IN,
        Pin("audio_artifact", "artifact_audio", description="The recording."),
        *chooser("stt", "voice"),
        Pin("prompt", "string", description="Words that help: names, and what it is about.", widget="text"),
        *_HEARING,
    ),
    outputs=(
        EXEC_OUT,
        Pin("text", "string", description="What is said."),
        Pin(
            "transcript_artifact",
            "artifact_text",
            description="The transcript, with times where the model gives some.",
        ),
        *REFERENCE,
        *ABOUT,
    ),
    seldom=("prompt", "format", "temperature", "transcript_artifact", "artifact_ref", "artifact_id", "meta"),
    settle=_transcribed,
    carries="own",
    main="text",
    keywords=("speech", "stt", "voice", "subtitles", "dictation", "ai"),
    examples=(
        Example(
            {"audio_artifact": "s0", "language": "de"},
            {
                "effect": shown({**_HEARD, "language": "de"}, media={"source:s0": "audio/wav"}),
                "settled": {
                    "text": "Guten Tag",
                    "transcript_artifact": None,
                    "artifact_ref": None,
                    "artifact_id": "",
                    "meta": {**_META, "modality": "text", "count": 0},
                    "success": True,
                },
            },
            reply={"content": "Guten Tag", "model": "m"},
        ),
        Example(
            {"audio_artifact": {"$artifact": "s0", "content_type": "audio/mpeg"}, "prompt": "About tea"},
            {"effect": shown(_HEARD, prompt="About tea", media={"source:s0": "audio/mpeg"})},
        ),
        Example({}, error="'audio_artifact' needs a reference to an artifact"),
    ),
)
def transcribe_audio(call: Call) -> Effect:
    """Have a model write down what is said in a recording."""
    media = [source(call, "audio_artifact", "source", "audio/wav")]
    words = text(call.get("prompt"))
    return asked(call, ("text", "transcription"), "stt", _HEARING, prompt=words, media=media)


_KINDS = ("audio/wav", "audio/webm", "audio/mpeg", "audio/ogg", "audio/mp4")


def _spoken(reply: Json, call: Call) -> dict[str, Json]:
    known = dict(reply) if isinstance(reply, Mapping) else {"text": text(reply)}
    found = artifacts_in(known.get("audio_artifact") or known.get("artifact_ref") or known.get("artifact_id"))
    words = text(known.get("text") or known.get("response"))
    return {**known, "audio_artifact": found[0] if found else None, **reference(found), "text": words}


_DETAILS = {"input_mode": "voice", "content_types": list(_KINDS), "language": "", "max_duration_s": 30}
_LISTENING = {
    "wait_key": "voice_input",
    "prompt": "Speak now.",
    "details": _DETAILS,
}


_LISTEN_IN = (
    EXEC_IN,
    Pin("prompt", "string", "Speak now.", "What the person is asked to say.", widget="text"),
    Pin("language", "string", description="The language spoken."),
    *chooser("stt", "voice"),
    Pin("max_duration_s", "number", 30, "How long the recording may be, in seconds."),
    Pin("wait_key", "string", "voice_input", "The key that the recording is sent to."),
)
_LISTEN_OUT = (
    EXEC_OUT,
    Pin("audio_artifact", "artifact_audio", description="The recording."),
    *REFERENCE,
    Pin("text", "string", description="What was said, where the host writes it down."),
)


@effect(
    "listen_voice",
    family="media",
    label="Listen Voice",
    sentence="Ask aloud {prompt}" + deadlines.SENTENCE,
    inputs=_LISTEN_IN,
    outputs=_LISTEN_OUT,
    shape=deadlines.pins(_LISTEN_IN, _LISTEN_OUT),
    seldom=("stt_provider", "stt_model", "max_duration_s", "wait_key", "artifact_ref", "artifact_id"),
    fields=deadlines.FIELDS,
    check=deadlines.check,
    settle=deadlines.settled(_spoken, {"audio_artifact": None, **reference([]), "text": ""}),
    carries="own",
    main="audio_artifact",
    keywords=("microphone", "record", "speak", "speech", "person", "ask"),
    examples=(
        Example(
            {},
            {
                "effect": {"type": "wait_event", "payload": _LISTENING},
                "settled": {"audio_artifact": _SOUND, **_REF, "text": "Hello"},
            },
            reply={"audio_artifact": {"artifact_id": "s1", "content_type": "audio/wav"}, "text": "Hello"},
        ),
        Example(
            {"language": "fr", "max_duration_s": "5", "wait_key": "mic"},
            {
                "effect": {
                    "type": "wait_event",
                    "payload": {
                        **_LISTENING,
                        "wait_key": "mic",
                        "details": {**_DETAILS, "language": "fr", "max_duration_s": 5},
                    },
                }
            },
        ),
        Example({"max_duration_s": "long"}, error="'max_duration_s' needs a number"),
    ),
)
def listen_voice(call: Call) -> Effect:
    """Wait until a person has spoken.

    The run waits for the key, as for an event; whoever records answers it with the recording's artifact.
    """
    details: dict[str, Json] = {
        "input_mode": "voice",
        "content_types": list(_KINDS),
        "language": text(call.get("language")).strip(),
        "max_duration_s": number(call.get("max_duration_s", 30), "max_duration_s"),
    }
    for key in ("provider", "model"):
        if name := text(chosen(call, f"stt_{key}", f"effectConfig.stt_{key}")).strip():
            details[f"stt_{key}"] = name
    key = text(call.get("wait_key")).strip() or "voice_input"
    payload: dict[str, Json] = {"wait_key": key, "prompt": text(call.get("prompt")), "details": details}
    return Effect(EffectType.WAIT_EVENT, {**payload, **deadlines.until_of(call)})
