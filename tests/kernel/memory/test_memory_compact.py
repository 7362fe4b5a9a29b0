"""Making a conversation shorter."""

from __future__ import annotations

import json
from typing import Any

import pytest

from abstractruntime import EffectType, RunState, RunStatus, Runtime, WaitReason, WaitState
from abstractruntime.core.effects import EffectOutcome
from abstractruntime.storage import Stores
from abstractruntime.storage.artifacts import ArtifactStore
from abstractruntime.testing.clock import MovableClock

from .conftest import asks, meta, output, perform, said, spans

COMPACT, LLM = EffectType.MEMORY_COMPACT, EffectType.LLM_CALL
ANSWER = {"summary": "They greeted.", "key_points": ["hello"], "confidence": 0.9}


def conversation(many: int = 8) -> dict[str, Any]:
    messages = [
        said("user" if n % 2 else "assistant", f"text {n}", f"m{n}", timestamp=f"t{n}") for n in range(many)
    ]
    return {"context": {"messages": [said("system", "be kind", "s"), *messages]}}


class Model:
    """A host's model that answers as it is told and remembers what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.payloads: list[dict[str, Any]] = []

    def __call__(self, run: RunState, effect: Any) -> EffectOutcome:
        self.payloads.append(effect.payload)
        answer = self.answers[min(len(self.payloads), len(self.answers)) - 1]
        if isinstance(answer, EffectOutcome):
            return answer
        return EffectOutcome.completed({"content": answer})


def make(
    stores: Stores, artifacts: ArtifactStore, clock: MovableClock, model: Model | None = None, **more: Any
) -> Runtime:
    return Runtime(
        run_store=stores.runs,
        ledger_store=stores.ledger,
        artifact_store=artifacts,
        clock=clock,
        effect_handlers={LLM: model} if model else {},
        **more,
    )


def texts(run: RunState) -> list[str]:
    return [one["content"] for one in run.vars["context"]["messages"]]


def compacted(
    stores: Stores, artifacts: ArtifactStore, clock: MovableClock
) -> tuple[Runtime, Model, RunState]:
    """Compact a conversation of eight to its last two."""
    model = Model("```json\n" + json.dumps(ANSWER) + "\n```")
    runtime = make(stores, artifacts, clock, model)
    vars = {**conversation(), "_limits": {"max_output_tokens": 500}}
    vars["_runtime"] = {"provider": "p", "model": "m"}
    payload = {"preserve_recent": 2, "focus": "greetings", "compression_mode": "heavy"}
    run = perform(runtime, (COMPACT, payload), vars=vars, actor_id="ann", session_id="s")
    assert run.status is RunStatus.COMPLETED, run.error
    return runtime, model, run


def test_a_summary_stands_for_what_is_archived(
    stores: Stores, artifacts: ArtifactStore, clock: MovableClock
) -> None:
    _, _, run = compacted(stores, artifacts, clock)
    told = meta(run)
    span_id = told["span_id"]
    assert output(run) == f"Compacted 6 messages into span_id={span_id}."
    assert texts(run) == [
        "be kind",
        f"[CONVERSATION HISTORY SUMMARY span_id={span_id}]: They greeted.",
        "text 6",
        "text 7",
    ]
    summary = run.vars["context"]["messages"][1]
    assert (summary["role"], summary["metadata"]["kind"]) == ("system", "memory_summary")
    assert summary["metadata"] == {
        "message_id": told["summary_message_id"],
        "kind": "memory_summary",
        "compression_mode": "heavy",
        "preserve_recent": 2,
        "source_artifact_id": span_id,
        "source_message_count": 6,
        "source_from_timestamp": "t0",
        "source_to_timestamp": "t5",
        "source_from_message_id": "m0",
        "source_to_message_id": "m5",
        "focus": "greetings",
    }
    assert told == {
        "llm_run_id": told["llm_run_id"],
        "span_id": span_id,
        "summary_message_id": told["summary_message_id"],
        "preserve_recent": 2,
        "compression_mode": "heavy",
        "focus": "greetings",
        "key_points": ["hello"],
        "confidence": 0.9,
    }


def test_what_is_archived_is_an_artifact_and_a_span(
    stores: Stores, artifacts: ArtifactStore, clock: MovableClock
) -> None:
    _, _, run = compacted(stores, artifacts, clock)
    told, [span] = meta(run), spans(run)
    span_id = told["span_id"]
    assert span == {
        "kind": "conversation_span",
        "artifact_id": span_id,
        "created_at": "2026-01-01T12:00:00+00:00",
        "from_timestamp": "t0",
        "to_timestamp": "t5",
        "from_message_id": "m0",
        "to_message_id": "m5",
        "message_count": 6,
        "summary_message_id": told["summary_message_id"],
        "compression_mode": "heavy",
        "focus": "greetings",
        "created_by": "ann",
    }
    archive = artifacts.load_json(span_id)
    assert [one["content"] for one in archive["messages"]] == [f"text {n}" for n in range(6)]
    assert archive["span"] == span
    stored = artifacts.get_metadata(span_id)
    assert stored is not None
    assert stored.tags == {
        "kind": "conversation_span",
        "compression_mode": "heavy",
        "preserve_recent": "2",
        "focus": "greetings",
    }


def test_the_model_is_asked_in_a_child_run(
    stores: Stores, artifacts: ArtifactStore, clock: MovableClock
) -> None:
    runtime, model, run = compacted(stores, artifacts, clock)
    told = meta(run)
    child = runtime.get_state(told["llm_run_id"])
    assert (child.workflow_id, child.parent_run_id, child.session_id) == (
        "wf_memory_compact_llm",
        run.run_id,
        "s",
    )
    [asked] = model.payloads
    assert asked["params"] == {"max_tokens": 500}
    assert (asked["provider"], asked["model"]) == ("p", "m")
    assert "greetings" in asked["prompt"]
    assert "text 5" in asked["prompt"]
    assert "text 6" not in asked["prompt"]


@pytest.mark.parametrize(("many", "kept", "left"), [(None, 6, 8), (0, 0, 8), (3, 3, 8), (100, 8, 8)])
def test_as_many_as_asked_for_are_kept(
    stores: Stores, artifacts: ArtifactStore, clock: MovableClock, many: int | None, kept: int, left: int
) -> None:
    """Weakness B14: keeping none is not keeping six."""
    runtime = make(stores, artifacts, clock, Model("short"))
    run = perform(runtime, (COMPACT, {"preserve_recent": many}), vars=conversation(left))
    assert [text for text in texts(run) if text.startswith("text")] == [
        f"text {n}" for n in range(left - kept, left)
    ]
    if kept == left:
        assert output(run) == "Nothing to compact: 8 messages, preserve_recent=100."
        assert meta(run) is None


class Summarizer:
    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[dict[str, Any]] = []

    def summarize_chat_history(self, **given: Any) -> Any:
        self.asked.append(given)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_the_hosts_summarizer_goes_before_the_model(
    stores: Stores, artifacts: ArtifactStore, clock: MovableClock
) -> None:
    model, summarizer = Model("never"), Summarizer(ANSWER)
    runtime = make(stores, artifacts, clock, model, chat_summarizer=summarizer)
    run = perform(runtime, (COMPACT, {"focus": "f", "preserve_recent": 1}), vars=conversation(2))
    assert (meta(run)["llm_run_id"], meta(run)["key_points"]) == (None, ["hello"])
    [asked] = summarizer.asked
    assert [one["content"] for one in asked.pop("messages")] == ["text 0"]
    assert asked == {"preserve_recent": 0, "focus": "f", "compression_mode": "standard"}
    assert model.payloads == []


WAIT = EffectOutcome.waiting(WaitState(WaitReason.JOB, wait_key="j"))


@pytest.mark.parametrize(
    ("model", "summarizer", "error"),
    [
        (None, RuntimeError("no memory"), "Summarizer failed: no memory"),
        (None, {"summary": "  "}, "the summary is empty"),
        (None, None, "No effect handler registered for llm_call"),
        (
            Model("Error: Connection refused"),
            None,
            "the model could not be reached: Error: Connection refused",
        ),
        (Model("request timed out"), None, "could not be reached"),
        (Model("  "), None, "the summary is empty"),
        (Model(EffectOutcome.failed("out of credit")), None, "out of credit"),
        (Model(WAIT), None, "has not completed: it is waiting"),
    ],
)
def test_without_a_summary_the_conversation_stays(
    stores: Stores, artifacts: ArtifactStore, clock: MovableClock, model: Any, summarizer: Any, error: str
) -> None:
    told = Summarizer(summarizer) if summarizer is not None else None
    runtime = make(stores, artifacts, clock, model, chat_summarizer=told)
    run = perform(runtime, (COMPACT, {}), vars=conversation())
    assert run.status is RunStatus.FAILED
    assert "memory_compact" in str(run.error)
    assert error in str(run.error)
    assert len(texts(run)) == 9
    assert "memory_spans" not in run.vars["_runtime"]
    assert artifacts.list_by_run(run.run_id) == []


def test_a_summary_may_speak_of_failures(
    stores: Stores, artifacts: ArtifactStore, clock: MovableClock
) -> None:
    answer = json.dumps({**ANSWER, "summary": "The request timed out twice."})
    run = perform(make(stores, artifacts, clock, Model(answer)), (COMPACT, {}), vars=conversation())
    assert "The request timed out twice." in texts(run)[1]
    run = perform(make(stores, artifacts, clock, Model("Plain words.")), (COMPACT, {}), vars=conversation())
    assert texts(run)[1].endswith("]: Plain words.")


class PowerCut(BaseException):
    """The machine stops here."""


def test_after_a_crash_the_summary_is_not_paid_for_twice(
    stores: Stores, artifacts: ArtifactStore, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Model("short")
    first = make(stores, artifacts, clock, model)
    spec = asks((COMPACT, {"preserve_recent": 2}))
    run_id = first.start(spec, conversation())

    def cut(*args: Any, **kwargs: Any) -> Any:
        raise PowerCut

    with monkeypatch.context() as patch:
        patch.setattr(artifacts, "store", cut)
        with pytest.raises(PowerCut):
            first.tick(spec, run_id)
    run = make(stores, artifacts, clock, model).tick(spec, run_id)
    assert run.status is RunStatus.COMPLETED
    assert len(model.payloads) == 1
    assert [text[:6] for text in texts(run)] == ["be kin", "[CONVE", "text 6", "text 7"]


def test_what_is_said_meanwhile_in_another_run_is_kept(
    stores: Stores, artifacts: ArtifactStore, clock: MovableClock
) -> None:
    """The target's conversation grows while it is summarized: the step is taken again, nothing is lost."""
    other = asks()
    talk = make(stores, artifacts, clock).start(other, conversation(4))

    class Slow(Model):
        def __call__(self, run: RunState, effect: Any) -> EffectOutcome:
            if not self.payloads:
                artifacts.store(
                    b'{"messages": [{"role": "user", "content": "meanwhile"}]}', artifact_id="later"
                )
                payload = {"span_ids": ["later"], "target_run_id": talk, "placement": "end"}
                perform(make(stores, artifacts, clock), (EffectType.MEMORY_REHYDRATE, payload))
            return super().__call__(run, effect)

    model = Slow("short")
    runtime = make(stores, artifacts, clock, model)
    run = perform(runtime, (COMPACT, {"target_run_id": talk, "preserve_recent": 1}))
    assert run.status is RunStatus.COMPLETED, run.error
    kept = texts(runtime.get_state(talk))
    archived = [one["content"] for one in artifacts.load_json(meta(run)["span_id"])["messages"]]
    assert len(model.payloads) == 1
    assert [*archived, *kept[2:]] == ["text 0", "text 1", "text 2", "text 3", "meanwhile"]


def test_what_was_compacted_can_come_back(
    stores: Stores, artifacts: ArtifactStore, clock: MovableClock
) -> None:
    runtime = make(stores, artifacts, clock, Model("short"))
    back = (EffectType.MEMORY_REHYDRATE, {"span_ids": [1]})
    run = perform(runtime, (COMPACT, {"preserve_recent": 2}), back, vars=conversation())
    assert texts(run)[0] == "be kind"
    assert texts(run)[2:] == [f"text {n}" for n in range(8)]
