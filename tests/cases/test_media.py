"""Pictures, films and sound: what is asked of the host, what comes back, and what is said without one."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime.core.effects import EffectOutcome
from abstractruntime.core.models import EffectType
from abstractruntime.integrations.abstractcore.effect_handlers import make_llm_call_handler
from abstractruntime.nodes.catalog import catalog
from drive import Document, Host, end, flow, node, start
from integrations.abstractcore.scripted import Script

POSTER = flow(
    "poster",
    {
        "start": start(),
        "draw": node("generate_image", pins={"prompt": "A teapot", "count": 2}),
        "larger": node("image_upscale"),
        "end": end("picture", "all", "content"),
    },
    """
    start -> draw, draw -> larger, larger -> end
    draw.image_artifact -> larger.image_artifact, draw.image_artifacts -> end.all
    larger.artifact_ref -> end.picture, larger.content_type -> end.content
    """,
)
LISTEN = flow(
    "listen",
    {"start": start(), "hear": node("listen_voice"), "end": end("words", "sound")},
    "start -> hear, hear -> end, hear.text -> end.words, hear.artifact_id -> end.sound",
)


def _pictures(run: Any, effect: Any, next_node: str | None = None) -> EffectOutcome:
    output = effect.payload["output"]
    made = [
        {"artifact_id": f"{output['task']}-{number}", "content_type": "image/png"}
        for number in range(output.get("count", 1))
    ]
    return EffectOutcome.completed({"outputs": {"image": made}, "model": "m"})


def test_a_picture_goes_from_one_node_to_the_next_by_reference(store: str) -> None:
    played = Host(POSTER, store=store, handlers={EffectType.LLM_CALL: _pictures}).play()
    assert played.error is None
    assert played.output["picture"] == {"$artifact": "image_upscale-0", "artifact_id": "image_upscale-0"}
    assert [each["artifact_id"] for each in played.output["all"]] == [
        "image_generation-0",
        "image_generation-1",
    ]
    asked = [record["effect"]["payload"] for record in played.records() if record.get("effect")]
    (media,) = next(payload["media"] for payload in asked if payload.get("media"))
    assert (media["artifact_id"], media["role"]) == ("image_generation-0", "source")


def test_a_recording_answers_whoever_listens(store: str) -> None:
    recording = {"audio_artifact": {"artifact_id": "s1", "content_type": "audio/webm"}, "text": "Good day"}
    played = Host(LISTEN, store=store).play(answers=[recording])
    assert (played.waits, played.asked) == ([("hear", "event")], ["Speak now."])
    assert played.output == {"words": "Good day", "sound": "s1", "success": True}


def _alone(kind: str) -> Document:
    pins = {
        pin.id: {"$artifact": "a0"} if pin.type.startswith("artifact") else "words"
        for pin in catalog().get(kind).inputs  # type: ignore[union-attr]
        if pin.id in ("prompt", "text") or pin.type.startswith("artifact_")
    }
    nodes = {"start": start(), "it": node(kind, pins=pins), "end": end()}
    return flow("alone", nodes, "start -> it, it -> end")


ASKS_A_MODEL = sorted(
    kind.name for kind in catalog() if kind.family == "media" and kind.name not in ("listen_voice",)
)


@pytest.mark.parametrize("kind", ASKS_A_MODEL)
def test_without_a_model_for_it_the_run_fails_and_says_so(kind: str) -> None:
    nobody = Host(_alone(kind)).play()
    assert (nobody.status, nobody.failure["code"]) == ("failed", "effect.not_wired")
    assert "No model is configured" in str(nobody.error)
    script = Script()
    talker = Host(_alone(kind), handlers={EffectType.LLM_CALL: make_llm_call_handler(llm=script)}).play()
    assert talker.status == "failed"
    assert "answer with text alone (FlowStudio: those of its page Settings, under Models)" in str(
        talker.error
    )
    assert script.asked == []
