"""A run keeps the program it started with, whatever becomes of its flow."""

import json

from abstractruntime.visualflow_compiler import compile_program
from drive import Host, end, flow, node, start


def greeting(word: str) -> dict[str, object]:
    return flow(
        "greet",
        {
            "start": start(),
            "ask": node("ask_user", pins={"prompt": "Who?"}),
            "text": node("concat", ins=["a", "b"], pins={"a": word}),
            "end": end("text"),
        },
        "start -> ask, ask -> end, ask.response -> text.b, text.result -> end.text",
    )


def test_an_edit_does_not_reach_a_run_that_waits(store: str) -> None:
    host = Host(greeting("Hello"), store=store)
    old = host.start()
    waiting = host.drive(old)

    edited = compile_program(greeting("Goodbye"), workflow_id="greet@2")
    host.programs["greet@2"] = json.dumps(edited.to_json())
    host.restart()
    host.root = "greet@2"
    new = host.start()
    host.drive(new)

    for run_id in (old, new):
        host.answer(host.runtime.get_state(run_id), {"response": "Ada"})
    assert waiting.workflow_id == "greet"
    assert host.drive(old).output == {"text": "Hello Ada", "success": True}
    assert host.drive(new).output == {"text": "Goodbye Ada", "success": True}


def test_moving_and_renaming_a_node_is_no_new_program() -> None:
    before, after = greeting("Hello"), greeting("Hello")
    after["nodes"][1]["position"] = {"x": 9, "y": 9}  # type: ignore[index]
    after["nodes"][1]["data"]["label"] = "Ask for the name"  # type: ignore[index]
    assert compile_program(before).digest == compile_program(after).digest
    assert compile_program(before).digest != compile_program(greeting("Hi")).digest
