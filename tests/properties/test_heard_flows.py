"""Random flows that tell events, listeners that hear them, and schedules do what plain Python of the same shape does.

What a listener does is compared with its branch over a table of its own, once for each event that it hears, in their order;
what a schedule does with its branch at each instant of the grid. In every fifth flow all is thrown away and read back after
every single visit, and runs get their turns by chance.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from abstractruntime.core.clock import parse_instant
from abstractruntime.core.models import RunState, RunStatus, WaitReason
from abstractruntime.visualflow_compiler import check, errors_of
from drive import Document, Host, Played
from properties.sketch import Drawn, Exits, Sketch
from properties.waits import Meaning, Table, World, at_once, play

FLOWS, IN_ONE_TEST = 60, 15
Event = tuple[str, str, str]  # name, scope, what it carries


class Telling(Sketch):
    """A flow that tells events by the names in `names`; the world of its table remembers them."""

    names: tuple[str, ...] = ("bell", "knock")

    def kinds(self, depth: int) -> list[str]:
        """Draw what any flow has, and rings."""
        return [*super().kinds(depth), *["ring"] * 6]

    def draw_ring(self, exits: Exits, depth: int) -> Drawn:
        name, scope = self.chance.choice(self.names), self.chance.choice(["session", "global"])
        if self.chance.random() < 0.5:
            ring = self.put("emit_event", exits, pins={"name": name, "scope": scope})
        else:
            ring = self.put("emit_event", exits, effectConfig={"name": name, "scope": scope})
        self.wires.append(f"{self.variable('t')} -> {ring}.payload")
        return [ring], at_once(lambda table: table["events"].append((name, scope, table["t"])))


class Branch(Telling):
    """What a listener or a schedule does: without questions, ends and other flows."""

    names = ("echo",)

    def kinds(self, depth: int) -> list[str]:
        """Draw what cannot end the run; the clock is moved when the main run is over."""
        return [each for each in super().kinds(depth) if each not in ("ask", "hear", "call", "finish")]

    def told(self, exits: Exits) -> None:
        """Tell the trace."""
        say = self.put("answer_user", exits)
        self.wires.append(f"{self.variable('t')} -> {say}.message")


class Silent(Branch):
    """A branch that tells no events."""

    def kinds(self, depth: int) -> list[str]:
        """Draw no ring."""
        return [each for each in super().kinds(depth) if each != "ring"]


class Ear:
    """A listener: what it hears, and what it does with each event."""

    def __init__(self, sketch: Branch, name: str, scope: str) -> None:
        self.name, self.scope, self.sketch = name, scope, sketch
        self.node = sketch.put("on_event", eventConfig={"name": name, "scope": scope})
        value = sketch.put("get", pins={"key": "value"})
        sketch.wires.append(f"{self.node}.payload -> {value}.object")
        sketch.scope = [f"{value}.value"]
        self.read = f"{value}.value"
        counted = sketch.keep([self.node], "c", sketch.more("c"))
        exits, self.meaning = sketch.block(sketch.mark(counted, source=self.read), 1)
        sketch.told(exits)

    def hears(self, events: list[Event], told: list[Event]) -> list[str]:
        """Return what it says, and add to `told` what it tells."""
        table: Table = {**fresh(World()), "events": told}
        said = []
        for name, scope, text in events:
            if (name, scope) == (self.name, self.scope):
                table.update({self.read: text, "c": table["c"] + 1, "t": table["t"] + text})
                play(self.meaning(table), table["world"])
                said.append(table["t"])
        return said


def fresh(world: World) -> Table:
    return {"t": "", "a": 0, "b": 0, "c": 0, "world": world, "events": []}


def declared(sketch: Sketch) -> None:
    """Give the variables of runs without a start node their first values."""
    for name, first in {"t": "", "a": 0, "b": 0, "c": 0}.items():
        value = {"name": name, "type": "string" if name == "t" else "number", "default": first}
        sketch.put("var_decl", literalValue=value)


def step(host: Host, run_id: str, chance: random.Random | None) -> RunState:
    """Drive a run until it rests; with `chance` one visit at a time, with a restart after each."""
    if chance is None:
        return host.drive(run_id)
    run = host.drive(run_id, 1)
    host.restart()
    return run


def children(host: Host, root: str) -> list[RunState]:
    return list(host.stores.runs.list_children(parent_run_id=root))  # type: ignore[attr-defined]


def go(host: Host, root: str, answers: list[str], chance: random.Random | None) -> Played:
    """Play the main run to its end while the listeners get turns by chance; then let them come to rest."""
    played, left = Played(host, root), list(answers)
    ears = [each.run_id for each in children(host, root) if "listener" in each.workflow_id]
    for _ in range(20_000):
        run = step(host, root, chance)
        if ears and chance is not None and chance.random() < 0.5:
            ear = host.runtime.get_state(chance.choice(ears))
            if ear.status is RunStatus.RUNNING:
                step(host, ear.run_id, chance)
        if run.status is RunStatus.RUNNING or (chance is not None and is_under_way(host, root)):
            continue  # nobody answers, and no time passes, before all has come as far as it can
        if run.run_id == root and run.status is not RunStatus.WAITING:
            break
        assert host._go_on(run, left, played)
    played.state = host.runtime.get_state(root)
    for _ in range(20_000):
        live = [step(host, each, chance) for each in ears]
        if any(each.status is RunStatus.RUNNING for each in live):
            continue
        moments = [
            each.waiting.until for each in live if each.waiting and each.waiting.reason is WaitReason.UNTIL
        ]
        if not moments and all(is_at_rest(host, each) for each in ears):
            break
        if moments:
            host.clock.move(to=min(str(each) for each in moments))
    return played


def is_under_way(host: Host, run_id: str) -> bool:
    """Say whether anything that a run waits for has steps left."""
    return any(
        each.status is RunStatus.RUNNING or is_under_way(host, each.run_id)
        for each in children(host, run_id)
        if not each.status.is_over and "listener" not in each.workflow_id
    )


def is_at_rest(host: Host, run_id: str) -> bool:
    run = host.runtime.get_state(run_id)
    return run.status is RunStatus.WAITING and not run.vars["_runtime"].get("inbox")


def said_by(host: Host, run_id: str) -> list[str]:
    return [
        str(record["result"]["message"])
        for record in host.runtime.get_ledger(run_id)
        if (record.get("effect") or {}).get("type") == "answer_user" and record["status"] == "completed"
    ]


@pytest.mark.parametrize("first", range(0, FLOWS, IN_ONE_TEST))
def test_listeners_hear_what_the_drawing_tells(first: int) -> None:
    heard = 0
    for seed in range(first, first + IN_ONE_TEST):
        chance = random.Random(seed)
        main = Telling(chance)
        meaning = main.whole()
        declared(main)
        shared: dict[str, Any] = {"nodes": main.nodes, "wires": main.wires}
        places = [(name, scope) for name in ("bell", "knock", "echo") for scope in ("session", "global")]
        kinds = {"bell": Branch, "knock": Silent, "echo": Silent}
        ears = [Ear(kinds[name](chance, **shared), name, scope) for name, scope in chance.sample(places, 4)]

        world = World()
        table = {**fresh(world)}
        play(meaning(table), world)
        echoes: list[list[Event]] = []
        expected: dict[str, list[str]] = {}
        for ear in sorted(ears, key=lambda each: each.name):
            mine: list[Event] = []
            events = table["events"] if ear.name != "echo" else [each for told in echoes for each in told]
            expected[ear.node] = ear.hears(events, mine)
            echoes.append(mine)
        sources = sum(any(each[0] == "echo" for each in told) for told in echoes)

        document = main.document()
        assert errors_of(check(document, flows=main.subflows)) == [], seed
        host = Host(document, *main.subflows.values(), listeners=True)
        answers = [f"!{number}" for number in range(1, 1_000)]
        root = host.start({"t": "", "a": 0})
        played = go(host, root, answers, chance if seed % 5 == 2 else None)
        assert (played.status, played.error) == ("completed", None), seed
        assert (played.output, played.asked) == ({"t": table["t"], "success": True}, world.asked), seed
        for run in children(host, root):
            at = next((each for each in ears if run.workflow_id.endswith(each.node)), None)
            if at is None or (at.name == "echo" and sources > 1):
                continue  # whose echo comes first is chance
            assert said_by(host, run.run_id) == expected[at.node], (seed, at.node)
            heard += len(expected[at.node])
    assert heard > IN_ONE_TEST


SECONDS = 40  # how long a schedule is watched


def scheduled(sketch: Silent, overlap: str, seconds: int) -> tuple[Document, Meaning]:
    """Draw a flow that does a branch every so many seconds, and what it means at one instant."""
    when = sketch.put(
        "on_schedule", pins={"schedule": f"{seconds}s"}, eventConfig={"overlap": overlap, "missed": "all"}
    )
    clock = sketch.put("substring", pins={"start": 14, "end": 19})
    sketch.wires.append(f"{when}.timestamp -> {clock}.text")
    exits, meaning = sketch.block(sketch.mark([when], source=f"{clock}.result"), 1)
    sketch.told(exits)
    declared(sketch)
    return sketch.document(), meaning


def fired(meaning: Meaning, overlap: str, seconds: int) -> list[str]:
    """Return what is told while it is watched."""
    world, said = World(), list[str]()
    table, last = fresh(world), 0
    while True:
        following = last + seconds
        if overlap == "skip" and following <= world.now:
            following = (world.now // seconds + 1) * seconds
        if following > SECONDS:
            return said
        if overlap == "allow":
            world, table = World(now=following), fresh(World())
            table["world"] = world
        world.now = max(world.now, following)
        table["t"] += f"{following // 60:02}:{following % 60:02}"
        play(meaning(table), world)
        said.append(table["t"])
        last = following


@pytest.mark.parametrize("first", range(0, FLOWS, IN_ONE_TEST))
def test_a_schedule_fires_as_the_drawing_means(first: int) -> None:
    for seed in range(first, first + IN_ONE_TEST):
        chance = random.Random(seed)
        overlap, seconds = chance.choice(["skip", "queue", "allow"]), chance.choice([7, 11, 20])
        document, meaning = scheduled(Silent(chance), overlap, seconds)
        assert errors_of(check(document)) == [], seed
        host = Host(document)
        root = host.start()
        stop = host.clock.moment + timedelta(seconds=SECONDS)
        until_all_rests(host, root, stop, chance if seed % 5 == 2 else None)
        runs = [root, *(each.run_id for each in children(host, root))]
        told = [text for run in runs for text in said_by(host, run)]
        expected = fired(meaning, overlap, seconds)
        assert (sorted(told) if overlap == "allow" else told) == (
            sorted(expected) if overlap == "allow" else expected
        ), (seed, overlap, seconds)


def until_all_rests(host: Host, root: str, stop: Any, chance: random.Random | None) -> None:
    """Move the clock from wait to wait until the schedule waits for what is not watched any more."""
    for _ in range(20_000):
        ids = [root, *(each.run_id for each in children(host, root) if not each.status.is_over)]
        live = [step(host, each, chance) for each in ids]
        firings = [each for each in children(host, root) if not each.status.is_over]
        if any(each.status is RunStatus.RUNNING for each in (*live, *firings)):
            continue
        waits = [
            (parse_instant(str(each.waiting.until)), each)
            for each in live
            if each.status is RunStatus.WAITING and each.waiting and each.waiting.until
        ]
        assert waits
        moment, run = min(waits, key=lambda each: each[0])
        is_firing = run.run_id == root and run.current_node.startswith("on_schedule")
        if is_firing and moment > stop:
            rest = [each for each in waits if each[1].run_id != root]
            if not rest:
                return
            moment = min(each[0] for each in rest)
        host.clock.moment = max(moment, host.clock.moment)
    raise AssertionError("the schedule never rests")
