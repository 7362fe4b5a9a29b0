"""Nodes that ask the world: what exactly they ask for, and how they read the reply."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime.nodes.define import Goto, NodeError
from abstractruntime.nodes.pins import pins_of
from abstractruntime.nodes.subflow import inherited_context
from abstractruntime.testing.examples import call_of, told
from nodes.calls import codes, node_type, run


def payload(
    name: str, inputs: dict[str, Any] | None = None, data: dict[str, Any] | None = None, **more: Any
) -> Any:
    """Return the payload of the effect that a node asks for."""
    return run(name, inputs, data, **more)["effect"]["payload"]


def settled(name: str, reply: Any, data: dict[str, Any] | None = None, **more: Any) -> Any:
    """Return what a node makes of a reply."""
    kind = node_type(name)
    assert kind.settle is not None
    return told(kind.settle(reply, call_of(kind, {}, data, **more)))


def test_a_question_is_text_and_its_choices_too() -> None:
    asked = payload("ask_user", {"prompt": {"q": 1}, "choices": ["a", 1, None, True]})
    assert asked == {"prompt": '{"q": 1}', "choices": ["a", "1", "true"], "allow_free_text": True}
    assert payload("ask_user", {"choices": "only"})["choices"] == ["only"]
    off = {"effectConfig": {"allowFreeText": "off"}}
    assert payload("ask_user", {}, off)["allow_free_text"] is False


@pytest.mark.parametrize("prompt", [None, "", " \n"])
def test_an_empty_question_is_refused(prompt: object) -> None:
    with pytest.raises(NodeError) as caught:
        run("ask_user", {"prompt": prompt})
    assert (caught.value.code, caught.value.pin) == ("ask.no_prompt", "prompt")
    assert codes("ask_user", {"pinDefaults": {"prompt": prompt}}) == ["ask.no_prompt"]
    assert codes("ask_user", {}) == []


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ({"response": "yes", "by": "ada"}, {"response": "yes", "by": "ada"}),
        ({}, {"response": ""}),
        ("plain", {"response": "plain"}),
        (None, {"response": ""}),
    ],
)
def test_an_answer_is_read(reply: object, expected: dict[str, object]) -> None:
    assert settled("ask_user", reply) == expected


@pytest.mark.parametrize(
    ("level", "shown"),
    [("warn", "warning"), (" ERROR ", "error"), ("info", "message"), (None, "message"), (5, "message")],
)
def test_levels_of_a_message(level: object, shown: str) -> None:
    assert payload("answer_user", {"message": 1.5, "level": level}) == {"message": "1.5", "level": shown}


@pytest.mark.parametrize(
    ("duration", "unit", "until"),
    [
        (1, "seconds", "2030-01-01T00:00:01+00:00"),
        ("1.5", "minutes", "2030-01-01T00:01:30+00:00"),
        (2, "hours", "2030-01-01T02:00:00+00:00"),
        (1, "days", "2030-01-02T00:00:00+00:00"),
        (-1, "seconds", "2029-12-31T23:59:59+00:00"),
        ("soon", "seconds", "2030-01-01T00:00:00+00:00"),
        (None, "hours", "2030-01-01T00:00:00+00:00"),
        (1, "nonsense", "2030-01-01T00:00:01+00:00"),
        ("2030-06-01T12:00:00+02:00", "timestamp", "2030-06-01T12:00:00+02:00"),
        (" 2030-06-01 ", "timestamp", "2030-06-01T00:00:00+00:00"),
        ("2030-06-01T12:00:00Z", "timestamp", "2030-06-01T12:00:00Z"),
    ],
)
def test_when_a_delay_ends(duration: object, unit: str, until: str) -> None:
    assert payload("wait_until", {"duration": duration}, {"effectConfig": {"durationType": unit}}) == {
        "until": until
    }


@pytest.mark.parametrize(
    ("duration", "unit", "code"),
    [
        (10**12, "days", "wait.too_long"),
        (1e300, "seconds", "wait.too_long"),
        (5, "timestamp", "wait.bad_moment"),
        ("2030-13-01", "timestamp", "wait.bad_moment"),
        (None, "timestamp", "wait.bad_moment"),
    ],
)
def test_a_delay_that_cannot_be(duration: object, unit: str, code: str) -> None:
    with pytest.raises(NodeError) as caught:
        run("wait_until", {"duration": duration}, {"effectConfig": {"durationType": unit}})
    assert (caught.value.code, caught.value.pin) == (code, "duration")


def test_a_moment_is_written_as_text_and_an_amount_as_a_number() -> None:
    kind = node_type("wait_until")
    stamp = pins_of(kind, {"effectConfig": {"durationType": "timestamp"}})[0][1]
    assert (stamp.id, stamp.type, stamp.label) == ("duration", "string", "moment")
    assert pins_of(kind, {})[0][1].type == "number"


def test_delays_are_judged_while_they_are_written() -> None:
    assert codes("wait_until", {"pinDefaults": {"duration": 0}}) == ["wait.no_time"]
    assert codes("wait_until", {"pinDefaults": {"duration": 5}}) == []
    assert codes("wait_until", {"effectConfig": {"durationType": "weeks"}}) == ["wait.unknown_unit"]
    stamp = {"effectConfig": {"durationType": "timestamp"}, "pinDefaults": {"duration": "tomorrow"}}
    assert codes("wait_until", stamp) == ["wait.bad_moment"]
    assert codes("system_datetime", {"timeZone": "Mars/Base"}) == ["time.unknown_zone"]
    assert codes("system_datetime", {"timeZone": "../../etc/passwd"}) == ["time.unknown_zone"]
    assert codes("system_datetime", {}) == []


def test_the_time_is_the_step_s_own() -> None:
    first, second = run("system_datetime"), run("system_datetime")
    assert first == second
    assert set(first) == {"iso", "timezone", "utc_offset_minutes", "locale"}


def test_an_event_is_named_by_pin_before_setting() -> None:
    config = {"effectConfig": {"name": "old", "scope": "global", "sessionId": "s1"}}
    assert payload("emit_event", {}, config)["name"] == "old"
    typed = {**config, "pinDefaults": {"name": "new", "scope": "run", "session_id": "s2"}}
    asked = payload("emit_event", {}, typed)
    assert (asked["name"], asked["scope"], asked["session_id"]) == ("new", "run", "s2")
    wired = payload("emit_event", {"name": "wired"}, typed, fed=("name",))
    assert wired["name"] == "wired"
    assert payload("emit_event", {"event_name": "alias"})["name"] == "alias"
    assert "session_id" not in payload("emit_event", {"name": "x"})


@pytest.mark.parametrize(
    ("given", "expected"),
    [(None, {}), ({"a": 1}, {"a": 1}), ([1], {"value": [1]}), (0, {"value": 0}), ("", {"value": ""})],
)
def test_what_an_event_tells_is_an_object(given: object, expected: dict[str, object]) -> None:
    assert payload("emit_event", {"name": "x", "payload": given})["payload"] == expected


def test_each_visit_emits_an_event_of_its_own() -> None:
    kind = node_type("emit_event")
    call = call_of(kind, {"name": "x"})
    call.visit = 7
    assert kind.run(call).payload["event_id"] == "run:node:7"


def test_events_are_judged_while_they_are_written() -> None:
    assert codes("emit_event", {}) == ["event.no_name"]
    assert codes("emit_event", {"effectConfig": {"name": "x"}}) == []
    assert codes("emit_event", {"pinDefaults": {"name": "x", "scope": "moon"}}) == ["event.unknown_scope"]
    assert codes("on_event", {"eventConfig": {"name": "", "scope": "moon"}}) == ["event.unknown_scope"]
    assert codes("wait_event", {}) == ["wait.no_deadline"]
    assert codes("wait_event", {"onTimeout": "wait"}) == [], "who chose it has said that it may"
    assert codes("wait_event", {"effectConfig": {"scope": "moon"}}) == [
        "event.unknown_scope",
        "wait.no_deadline",
    ]


@pytest.mark.parametrize(
    ("scope", "key", "expected"),
    [
        ("external", "go", {"wait_key": "go"}),
        ("", "go", {"wait_key": "go"}),
        ("run", "go", {"name": "go", "scope": "run"}),
        ("moon", "go", {"name": "go", "scope": "session"}),
        ("session", "evt:global:global:go", {"wait_key": "evt:global:global:go"}),
        ("external", None, {"wait_key": "default"}),
    ],
)
def test_what_a_wait_listens_to(scope: str, key: object, expected: dict[str, object]) -> None:
    asked = payload("wait_event", {"event_key": key}, {"effectConfig": {"scope": scope}})
    assert asked == {**expected, "allow_free_text": True}


def test_a_listener_listens_again_after_its_branch() -> None:
    kind = node_type("on_event")
    assert kind.settle is not None
    assert kind.listens
    envelope = {"event_id": "e", "name": "n", "payload": 1}
    first = kind.settle(envelope, call_of(kind))
    assert isinstance(first, Goto)
    assert first.loop == {"heard": 1}
    again = kind.settle(None, call_of(kind, frame=first.loop))
    assert again == Goto(
        "exec-out", {"event": None, "payload": None, "event_id": None, "name": None}, loop={"heard": 2}
    )


SUB = {
    "subflowId": "child",
    "inputs": [{"id": "exec-in", "type": "execution"}, {"id": "who", "type": "string"}],
    "outputs": [{"id": "exec-out", "type": "execution"}, {"id": "greeting", "type": "string"}],
}


def test_what_a_subflow_is_given() -> None:
    assert payload("subflow", {"who": None, "undrawn": 1}, SUB)["vars"] == {"who": None, "undrawn": 1}
    base = {"vars": {"a": 1}, "input": {"b": 2}, "who": "x"}
    assert payload("subflow", base, SUB)["vars"] == {"a": 1, "input": {"b": 2}, "who": "x"}
    assert payload("subflow", {"input": "text"}, SUB)["vars"] == {"input": "text"}
    asked = payload("subflow", {"sessionId": "s", "child_session_id": "t", "inherit_context": "no"}, SUB)
    assert asked["session_id"] == "t"
    assert asked["vars"] == {}
    assert "inherit_context" not in asked


def test_a_subflow_does_not_change_the_object_it_is_given() -> None:
    given = {"a": {"b": 1}}
    call = call_of(node_type("subflow"), data=SUB)
    call.inputs.update({"input": given, "who": 1})
    asked = node_type("subflow").run(call).payload
    assert asked["vars"] == {"a": {"b": 1}, "who": 1}
    assert given == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("child", "expected"),
    [
        (
            {"greeting": "hi", "success": True},
            {"greeting": "hi", "output": {"greeting": "hi", "success": True}},
        ),
        ({"result": {"greeting": "hi"}, "success": True}, {"greeting": "hi", "output": {"greeting": "hi"}}),
        ({"result": 5, "success": True}, {"greeting": 5, "output": 5, "result": 5}),
        ({"result": 1, "greeting": "hi"}, {"greeting": "hi", "output": {"result": 1, "greeting": "hi"}}),
        (None, {"greeting": None, "output": None}),
    ],
)
def test_what_a_subflow_gives_back(child: object, expected: dict[str, object]) -> None:
    given = settled("subflow", {"sub_run_id": "r", "output": child}, SUB)
    assert {key: given.get(key) for key in expected} == expected
    assert given["child_output"] == child
    assert given["sub_run_id"] == "r"


def message(text: str, role: str = "user", name: str | None = None) -> dict[str, Any]:
    return {"role": role, "content": text, **({"metadata": {"message_id": name}} if name else {})}


def test_a_subflow_hears_the_conversation_so_far() -> None:
    parent = {
        "messages": [
            message("be kind", "system", "m1"),
            message("hello", name="m2"),
            message("hello", name="m2"),
        ],
        "attachments": ["file"],
    }
    own = {"messages": [message("own", "system"), message("mine"), message("again", name="m2")], "task": "t"}
    context = inherited_context(own, parent)
    assert [each["content"] for each in context["messages"]] == ["own", "be kind", "hello", "mine"]
    assert context["attachments"] == ["file"]
    assert context["task"] == "t"
    assert len(own["messages"]) == 3
    assert inherited_context(None, None) == {"messages": []}
    assert inherited_context({"attachments": ["own"]}, parent)["attachments"] == ["own"]


@pytest.mark.parametrize(
    ("inputs", "extra"),
    [
        ({"inherit_context": True}, {}),
        ({"inherit_context": "yes"}, {}),
        ({}, {"effectConfig": {"inherit_context": True}}),
        ({}, {"effectConfig": {"inheritContext": "on"}}),
        ({"inheritContext": True}, {}),
    ],
)
def test_the_conversation_goes_along_when_asked(inputs: dict[str, object], extra: dict[str, object]) -> None:
    held = {"context": {"messages": [message("hello")]}}
    asked = payload("subflow", inputs, {**SUB, **extra}, vars=held, fed=tuple(inputs))
    assert asked["inherit_context"] is True
    assert asked["vars"]["context"]["messages"] == [message("hello")]


def test_a_pin_that_says_no_wins_over_the_setting() -> None:
    data = {**SUB, "effectConfig": {"inherit_context": True}, "pinDefaults": {"inherit_context": False}}
    assert "inherit_context" not in payload("subflow", {}, data)


def test_saved_pins_are_the_signature_of_a_subflow() -> None:
    inputs, outputs = pins_of(node_type("subflow"), SUB)
    shown = [pin.id for pin in inputs if not pin.hidden]
    assert shown[:2] == ["exec-in", "who"]
    assert {"inherit_context", "input"} <= set(shown)
    assert [pin.id for pin in outputs if not pin.hidden] == ["exec-out", "greeting", "output"]


CHOSEN = {"provider": "p", "model": "m", "prompt": "Hi"}
ASKERS = [("llm_call", "effectConfig"), ("agent", "agentConfig")]


def thinks(name: str, inputs: dict[str, Any], data: dict[str, Any], **more: Any) -> object:
    """Return how much the model is told to think."""
    asked = payload(name, {**CHOSEN, **inputs}, data, **more)
    told: dict[str, Any] = asked["params"] if name == "llm_call" else asked["vars"]["_runtime"]
    return told.get("thinking")


@pytest.mark.parametrize(("name", "config"), ASKERS)
@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("high", "high"),
        (" Low ", "low"),
        ("none", "off"),
        (False, "off"),
        (True, "on"),
        ("extra high", "xhigh"),
        *((nothing, None) for nothing in (None, "", "auto")),
    ],
)
def test_a_model_is_told_how_much_to_think(name: str, config: str, said: object, told: object) -> None:
    """Written beside the pin, at the pin, or brought by a wire: as flows of the later releases have it."""
    assert thinks(name, {}, {config: {"thinking": said}}) == told
    assert thinks(name, {}, {"pinDefaults": {"thinking": said}, config: {"thinking": "medium"}}) == told
    assert thinks(name, {"thinking": said}, {config: {"thinking": "medium"}}, fed=("thinking",)) == told


@pytest.mark.parametrize(("name", "config"), ASKERS)
def test_a_word_for_thinking_that_there_is_not_is_refused(name: str, config: str) -> None:
    with pytest.raises(
        NodeError, match="'thinking' is \"wild\", not one of: auto, off, on, minimal"
    ) as caught:
        thinks(name, {}, {config: {"thinking": "wild"}})
    assert (caught.value.code, caught.value.pin) == ("model.thinking", "thinking")


@pytest.mark.parametrize(
    ("output", "asked"),
    [
        ("image", "image"),
        ({"modality": "text", "task": "transcription"}, "transcription"),
        (["text", {"type": "video"}], "video"),
        ({"tts": {"voice": "a"}}, "tts"),
        *(
            (nothing, "")
            for nothing in (
                None,
                "",
                {},
                [],
                "text",
                ["text"],
                {"modality": "text", "task": "text_generation"},
            )
        ),
    ],
)
def test_a_model_call_that_is_to_make_more_than_text_says_what_to_take(output: object, asked: str) -> None:
    for place in ({"effectConfig": {"output": output}}, {"pinDefaults": {"outputs": output}}):
        assert ("media.not_text" in codes("llm_call", place)) == bool(asked)
        if not asked:
            assert "output" not in payload("llm_call", CHOSEN, place)
            continue
        with pytest.raises(NodeError, match=f"asks for {asked}, but this node answers with text") as caught:
            payload("llm_call", CHOSEN, place)
        assert caught.value.code == "media.not_text"


@pytest.mark.parametrize(("name", "config"), ASKERS)
def test_a_prepared_beginning_of_a_prompt_is_told_as_not_read(name: str, config: str) -> None:
    chosen = {"provider": "p", "model": "m"}
    for place in ("pinDefaults", config):
        data = {"pinDefaults": chosen, place: {**chosen, "prompt_cache_binding": {"key": "k"}}}
        assert codes(name, data) == ["model.binding"]
        assert codes(name, {**data, place: {**chosen, "prompt_cache_binding": None}}) == []
