"""A question for each item of a list, with a restart at every wait."""

from drive import Host, end, flow, node, start

SURVEY = flow(
    "survey",
    {
        "start": start("items|array"),
        "each": node("loop"),
        "question": node("concat", ins=["a", "b"], pins={"a": "Fond of"}),
        "ask": node("ask_user"),
        "line": node("concat", ins=["a", "b"], concatConfig={"separator": ""}),
        "sofar": node("get_var", pins={"name": "all"}),
        "keep": node("set_var", pins={"name": "all"}),
        "end": end("all", "last", "turns"),
    },
    """
    start -> each, each:loop -> ask, ask -> keep, each:done -> end
    start.items -> each.items, each.item -> question.b, question.result -> ask.prompt
    sofar.value -> line.a, ask.response -> line.b, line.result -> keep.value
    sofar.value -> end.all, each.item -> end.last, each.total -> end.turns
    """,
)


def test_each_turn_asks_and_its_answer_survives_a_restart(store: str) -> None:
    played = Host(SURVEY, store=store).play({"items": ["tea", "rain", "cats"]}, ["y", "n", "m"])
    assert played.asked == ["Fond of tea", "Fond of rain", "Fond of cats"]
    assert played.output == {"all": "ynm", "last": "cats", "turns": 3, "success": True}
    assert played.visits == ["start", *["each", "ask", "keep"] * 3, "each", "end"]


def test_nobody_is_asked_for_an_empty_list(store: str) -> None:
    played = Host(SURVEY, store=store).play({"items": []})
    assert played.asked == []
    assert played.output == {"all": None, "last": None, "turns": None, "success": True}
