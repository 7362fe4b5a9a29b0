"""Random flows of loops, choices, branches, waits and subflows end as a plain Python generator of the same shape ends."""

from __future__ import annotations

import random

import pytest

from abstractruntime.visualflow_compiler import check, errors_of
from drive import Host
from properties.sketch import Sketch
from properties.waits import Table, World, play

FLOWS, IN_ONE_TEST = 200, 20


@pytest.mark.parametrize("first", range(0, FLOWS, IN_ONE_TEST))
def test_a_flow_does_what_its_drawing_means(first: int) -> None:
    for seed in range(first, first + IN_ONE_TEST):
        sketch = Sketch(random.Random(seed))
        meaning = sketch.whole()
        world = World()
        table: Table = {"t": "", "a": 0, "b": 0, "c": 0, "world": world}
        play(meaning(table), world)
        document = sketch.document()
        assert errors_of(check(document, flows=sketch.subflows)) == [], seed
        host = Host(document, *sketch.subflows.values())
        answers = [f"!{number}" for number in range(1, 1_000)]
        played = host.play({"t": "", "a": 0}, answers, restarts=seed % 5 == 0)
        assert (played.status, played.error) == ("completed", None), seed
        assert (played.output, played.asked) == ({"t": table["t"], "success": True}, world.asked), seed
