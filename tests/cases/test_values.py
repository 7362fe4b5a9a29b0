"""Where values come from: wires, defaults, variables, fresh computations."""

from abstractruntime.core.runtime import DefaultRunContext
from drive import end, flow, node, play, start


def test_a_wire_beats_a_default_even_when_it_brings_null_or_nothing() -> None:
    document = flow(
        "wired",
        {
            "start": start("given"),
            "never": node("ask_user"),
            "end": end("a", "b", "c", a="default", b="default", c="default"),
        },
        "start -> end, start.given -> end.a, never.response -> end.b",
    )
    assert play(document, vars={"given": None}).output == {
        "a": None,
        "b": None,
        "c": "default",
        "success": True,
    }


def test_an_unconnected_pin_takes_nothing_from_the_node_before() -> None:
    document = flow(
        "unconnected",
        {"start": start("prompt", "a"), "ask": node("ask_user"), "end": end("a", "response")},
        "start -> ask, ask -> end",
    )
    played = play(document, vars={"prompt": "Leaked?", "a": 1}, answers=["x"])
    assert played.asked == ["Please respond:"]
    assert played.output == {"a": None, "response": None, "success": True}


def test_values_are_fresh_in_every_visit_and_one_within_a_visit() -> None:
    document = flow(
        "fresh",
        {
            "start": start(),
            "x": node("get_var", pins={"name": "x"}),
            "dice": node("random_float"),
            "one": node("set_var", pins={"name": "x", "value": 1}),
            "before": node("set_var", pins={"name": "before"}),
            "two": node("set_var", pins={"name": "x", "value": 2}),
            "pair": node("make_array", ins=["a", "b"]),
            "end": end("before", "now", "pair"),
            "old": node("get_var", pins={"name": "before"}),
        },
        """
        start -> one, one -> before, before -> two, two -> end, x.value -> before.value
        old.value -> end.before, x.value -> end.now
        dice.result -> pair.a, dice.result -> pair.b, pair.result -> end.pair
        """,
    )
    output = play(document).output
    assert (output["before"], output["now"]) == (1, 2)
    assert output["pair"][0] == output["pair"][1]


def test_a_random_value_is_the_same_when_the_step_is_taken_again() -> None:
    document = flow(
        "dice",
        {"start": start(), "dice": node("random_float"), "ask": node("ask_user"), "end": end("d")},
        "start -> ask, ask -> end, dice.result -> ask.prompt, dice.result -> end.d",
    )
    played = play(document, answers=["go"])
    spec = played.host.registry.specs["dice"]
    other = [play(document, answers=["go"]).asked for _ in range(3)]
    assert len({tuple(each) for each in (*other, played.asked)}) == 4
    state = played.host.runtime.get_state(played.root)
    context = DefaultRunContext(played.host.clock)
    again = [spec.nodes["ask"](state, context).effect for _ in range(2)]
    assert again[0] == again[1]


def test_start_defaults_and_declared_variables_are_variables_from_the_first_step() -> None:
    document = flow(
        "seeded",
        {
            "start": start(who="world"),
            "decl": node("var_decl", literalValue={"name": "count", "type": "number", "default": 7}),
            "who": node("get_var", pins={"name": "who"}),
            "count": node("get_var", pins={"name": "count"}),
            "end": end("who", "count"),
        },
        "start -> end, who.value -> end.who, count.value -> end.count",
    )
    assert play(document).output == {"who": "world", "count": 7, "success": True}
    assert play(document, vars={"who": None, "count": 1}).output == {"who": None, "count": 1, "success": True}


def test_a_parameter_whose_name_cannot_be_a_variable_still_has_its_default() -> None:
    document = flow("names", {"start": start(**{".": 1, "_x": 2, "a[": 3, "ok": 4})}, "")
    played = play(document)
    assert played.output == {".": 1, "_x": 2, "a[": 3, "ok": 4, "success": True}
    assert {name for name in played.state.vars if not name.startswith("_")} == {"ok"}


def test_results_are_read_whole_where_no_pin_of_that_name_is() -> None:
    document = flow(
        "whole",
        {
            "start": start(),
            "say": node("answer_user", pins={"message": "hi"}),
            "text": node("concat", ins=["a", "b"], pins={"a": "x", "b": "y"}),
            "merged": node("merge", pins={"a": {"result": 1}, "b": {"k": 2}}),
            "end": end("whole", "level", "text", "merged", "missing"),
        },
        """
        start -> say, say -> end, say.output -> end.whole, say.level -> end.level
        text.output -> end.text, merged.result -> end.merged, say.nothing -> end.missing
        """,
    )
    assert play(document).output == {
        "whole": {"message": "hi", "level": "message"},
        "level": "message",
        "text": "x y",
        "merged": {"result": 1, "k": 2},
        "missing": None,
        "success": True,
    }


def test_what_a_step_gave_is_not_changed_by_later_steps() -> None:
    document = flow(
        "aliases",
        {
            "start": start("data"),
            "keep": node("set_var", pins={"name": "copy"}),
            "change": node("set_var", pins={"name": "copy.inner.x", "value": 2}),
            "copy": node("get_var", pins={"name": "copy"}),
            "end": end("original", "copy"),
        },
        """
        start -> keep, keep -> change, change -> end, start.data -> keep.value
        start.data -> end.original, copy.value -> end.copy
        """,
    )
    assert play(document, vars={"data": {"inner": {"x": 1}}}).output == {
        "original": {"inner": {"x": 1}},
        "copy": {"inner": {"x": 2}},
        "success": True,
    }


def test_an_input_may_depend_on_the_wire_by_which_control_came() -> None:
    def document(flag: bool) -> dict[str, object]:
        say = node(
            "answer_user",
            pins={"message": "neither"},
            inputRouteOverrides={
                "message": {"a::exec-out": {"sourceNodeId": "a", "sourceHandle": "response"}}
            },
            entryRoutes=[
                {"key": "a::exec-out", "sourceNodeId": "a", "sourceHandle": "exec-out"},
                {"key": "if::false", "sourceNodeId": "if", "sourceHandle": "false"},
            ],
        )
        return flow(
            "routes",
            {"start": start(), "if": node("if", pins={"condition": flag}), "a": node("ask_user"), "say": say},
            "start -> if, if:true -> a, a -> say, if:false -> say",
        )

    assert play(document(True), answers=["from a"]).messages == ["from a"]
    assert play(document(False)).messages == ["neither"]


def test_output_key_stores_the_answer_in_a_variable() -> None:
    document = flow(
        "keyed",
        {
            "start": start(),
            "ask": node("ask_user", outputKey="form.name"),
            "form": node("get_var", pins={"name": "form"}),
            "end": end("form"),
        },
        "start -> ask, ask -> end, form.value -> end.form",
    )
    assert play(document, answers=["Ada"]).output == {"form": {"name": "Ada"}, "success": True}
    document["nodes"][1]["data"]["outputKey"] = "_runtime.x"
    assert "reserved" in (play(document, answers=["Ada"]).error or "")


def test_node_ids_may_hold_dots_and_signs() -> None:
    document = flow(
        "ids",
        {"start": start(), "ask.1%": node("ask_user"), "end": end("r")},
        "start -> end",
    )
    document["edges"] = [
        {
            "id": "1",
            "source": "start",
            "sourceHandle": "exec-out",
            "target": "ask.1%",
            "targetHandle": "exec-in",
        },
        {
            "id": "2",
            "source": "ask.1%",
            "sourceHandle": "exec-out",
            "target": "end",
            "targetHandle": "exec-in",
        },
        {"id": "3", "source": "ask.1%", "sourceHandle": "response", "target": "end", "targetHandle": "r"},
    ]
    assert play(document, answers=["yes"]).output == {"r": "yes", "success": True}
