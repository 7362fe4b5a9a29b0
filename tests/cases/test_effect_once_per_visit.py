"""An effect acts once for each visit of its node: in loops too, and not again after a restart."""

from abstractruntime.core.effects import EffectOutcome
from abstractruntime.core.models import Effect, EffectType, RunState
from drive import Host, end, flow, node, start

REMINDER = flow(
    "reminder",
    {
        "start": start(),
        "each": node("loop", pins={"items": [1, 2, 3]}),
        "say": node("answer_user", pins={"message": "Drink water"}),
        "ask": node("ask_user", pins={"prompt": "Done?"}),
        "end": end(),
    },
    "start -> each, each:loop -> say, say -> ask, each:done -> end",
)


def test_the_same_message_is_told_in_every_turn(store: str) -> None:
    played = Host(REMINDER, store=store).play(answers=["yes", "yes", "yes"])
    assert played.status == "completed"
    assert played.messages == ["Drink water"] * 3
    assert played.asked == ["Done?"] * 3


def test_the_same_call_of_a_model_or_a_tool_is_made_in_every_turn(store: str) -> None:
    call = {"name": "say", "arguments": {"text": "hi"}}
    nodes = {
        "start": start(),
        "each": node("loop", pins={"items": [1, 2, 3]}),
        "think": node("llm_call", pins={"prompt": "hi", "provider": "p", "model": "m"}),
        "use": node("tool_calls", pins={"tool_calls": [call]}),
        "ask": node("ask_user"),
        "end": end(),
    }
    document = flow(
        "calls", nodes, "start -> each, each:loop -> think, think -> use, use -> ask, each:done -> end"
    )
    made: list[tuple[str, str]] = []

    def far(run: RunState, effect: Effect, next_node: str | None, *, idempotency_key: str) -> EffectOutcome:
        made.append((effect.type.value, idempotency_key))
        return EffectOutcome.completed({"content": "", "mode": "executed", "results": []})

    handlers = {EffectType.LLM_CALL: far, EffectType.TOOL_CALLS: far}
    assert Host(document, store=store, handlers=handlers).play(answers=["a", "b", "c"]).status == "completed"
    assert [kind for kind, _ in made] == ["llm_call", "tool_calls"] * 3
    assert len({key for _, key in made}) == 6, "each is a request of its own to the other side"


def test_driving_a_waiting_run_again_does_nothing(store: str) -> None:
    host = Host(REMINDER, store=store)
    root = host.start()
    host.drive(root)
    records = len(host.runtime.get_ledger(root))
    for _ in range(3):
        host.restart()
        host.drive(root)
    assert len(host.runtime.get_ledger(root)) == records


def test_a_visit_has_a_number(store: str) -> None:
    played = Host(REMINDER, store=store).play(answers=["a", "b", "c"])
    assert [note["visit"] for note in played.notes("ask")] == [1, 2, 3]
    assert [note["outputs"]["response"] for note in played.notes("ask")] == ["a", "b", "c"]
