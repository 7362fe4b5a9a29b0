"""Flows drawn at random, each with what it means in plain Python.

`Sketch` draws nodes and wires and, beside each of them, what it means: a generator over one table of variables, which
yields where it waits (`properties.waits`). The trace `t` gathers a sign for each step, so that a wrong order, a turn too
many or a value of the wrong turn is seen.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from drive import Document, flow, node, start
from properties.waits import Meaning, Steps, Table, at_once, at_the_same_time, in_turn

Exits = list[str]
Drawn = tuple[Exits, Meaning]
DEEPEST = 3


class Ended(Exception):
    """An end node was reached."""


@dataclass
class Sketch:
    """A flow under way. `subflows` is shared by all flows of a tree; `scope` are outputs that can be read."""

    chance: random.Random
    flow_id: str = "f"
    level: int = 0
    subflows: dict[str, Document] = field(default_factory=dict)
    nodes: dict[str, Document] = field(default_factory=dict)
    wires: list[str] = field(default_factory=list)
    scope: list[str] = field(default_factory=list)

    def put(self, kind: str, exits: Exits | None = None, **rest: Any) -> str:
        name = f"{kind}_{len(self.nodes)}"
        self.nodes[name] = node(kind, **rest)
        self.wires += [f"{each} -> {name}" for each in exits or ()]
        return name

    def variable(self, name: str) -> str:
        return f"{self.put('get_var', pins={'name': name})}.value"

    def keep(self, exits: Exits, name: str, source: str) -> Exits:
        setter = self.put("set_var", exits, pins={"name": name})
        self.wires.append(f"{source} -> {setter}.value")
        return [setter]

    def more(self, name: str) -> str:
        """Return the output that is one more than a variable."""
        adder = self.put("add", pins={"b": 1})
        self.wires.append(f"{self.variable(name)} -> {adder}.a")
        return f"{adder}.result"

    def less(self, name: str, bound: int) -> str:
        judge = self.put("compare", pins={"b": bound, "op": "<"})
        self.wires.append(f"{self.variable(name)} -> {judge}.a")
        return f"{judge}.result"

    def mark(self, exits: Exits, sign: str = "", source: str = "") -> Exits:
        joined = self.put("concat", ins=["a", "b"], pins={"b": sign}, concatConfig={"separator": ""})
        self.wires.append(f"{self.variable('t')} -> {joined}.a")
        if source:
            self.wires.append(f"{source} -> {joined}.b")
        return self.keep(exits, "t", f"{joined}.result")

    def block(self, exits: Exits, depth: int) -> Drawn:
        meanings = []
        for _ in range(self.chance.randint(0 if depth else 2, 3)):
            if not exits:
                break
            exits, meaning = self.step(exits, depth)
            meanings.append(meaning)
        return exits, in_turn(meanings)

    def kinds(self, depth: int) -> list[str]:
        """Return what may be drawn here, what is likelier several times."""
        kinds = ["sign", "sign", "value", "count"]
        kinds += ["ask", "nap", "hear"] + ["call"] * (self.level < 2)
        kinds += ["choose", "for_each", "times", "as_long", "sequence", "parallel"] * (depth < DEEPEST)
        kinds += ["finish"] * (depth > 1 and self.chance.random() < 0.2)
        return kinds

    def step(self, exits: Exits, depth: int) -> Drawn:
        drawn: Drawn = getattr(self, f"draw_{self.chance.choice(self.kinds(depth))}")(exits, depth)
        return drawn

    def draw_sign(self, exits: Exits, depth: int) -> Drawn:
        sign = self.chance.choice("xyz.")
        return self.mark(exits, sign), at_once(lambda table: table.update(t=table["t"] + sign))

    def draw_value(self, exits: Exits, depth: int) -> Drawn:
        if not self.scope:
            return self.draw_sign(exits, depth)
        source = self.chance.choice(self.scope)
        return self.mark(exits, source=source), at_once(
            lambda table: table.update(t=f"{table['t']}{table[source]}")
        )

    def draw_count(self, exits: Exits, depth: int) -> Drawn:
        name = self.chance.choice("abc")
        return self.keep(exits, name, self.more(name)), at_once(
            lambda table: table.update({name: table[name] + 1})
        )

    def draw_ask(self, exits: Exits, depth: int) -> Drawn:
        question = self.put("ask_user", exits)
        self.wires.append(f"{self.variable('t')} -> {question}.prompt")

        def mean(table: Table) -> Steps:
            answered = yield [table["world"].wait(prompt=table["t"])]
            table["t"] += f"!{answered.number}"

        return self.mark([question], source=f"{question}.response"), mean

    def draw_nap(self, exits: Exits, depth: int) -> Drawn:
        seconds = self.chance.randint(1, 4)

        def mean(table: Table) -> Steps:
            yield [table["world"].wait(seconds=seconds)]
            table["t"] += "z"

        return self.mark([self.put("wait_until", exits, pins={"duration": seconds})], "z"), mean

    def draw_hear(self, exits: Exits, depth: int) -> Drawn:
        event = self.put("wait_event", exits, pins={"event_key": f"{self.flow_id}/{len(self.nodes)}"})
        self.wires.append(f"{self.variable('t')} -> {event}.prompt")
        told = self.put("get", pins={"key": "response"})
        self.wires.append(f"{event}.event_data -> {told}.object")

        def mean(table: Table) -> Steps:
            answered = yield [table["world"].wait(prompt=table["t"])]
            table["t"] += f"!{answered.number}"

        return self.mark([event], source=f"{told}.value"), mean

    def draw_finish(self, exits: Exits, depth: int) -> Drawn:
        self.finish(exits)

        def mean(table: Table) -> Steps:
            raise Ended
            yield

        return [], mean

    def finish(self, exits: Exits) -> None:
        last = self.put("on_flow_end", exits, ins=["exec-in", "t"])
        self.wires.append(f"{self.variable('t')} -> {last}.t")

    def draw_choose(self, exits: Exits, depth: int) -> Drawn:
        name = self.chance.choice("abc")
        if self.chance.random() < 0.5:
            bound = self.chance.randint(0, 2)
            chooser, source, pin = self.put("if", exits), self.less(name, bound), "condition"
            ways = ["true", "false"]
        else:
            cases = [{"id": f"is{value}", "value": str(value)} for value in (0, 1)]
            chooser, source, pin = (
                self.put("switch", exits, switchConfig={"cases": cases}),
                self.variable(name),
                "value",
            )
            ways, bound = ["case:is0", "case:is1", "default"], 0
        self.wires.append(f"{source} -> {chooser}.{pin}")
        drawn = [self.block([f"{chooser}:{way}"], depth + 1) for way in ways]

        def mean(table: Table) -> Steps:
            way = (0 if table[name] < bound else 1) if len(ways) == 2 else min(table[name], 2)
            yield from drawn[way][1](table)

        return [each for left, _ in drawn for each in left], mean

    def turns(self, loop: str, pins: list[str], depth: int) -> Meaning:
        """Draw what a loop repeats; sometimes its end is wired back to the head, which means the same."""
        before = list(self.scope)
        self.scope += [f"{loop}.{pin}" for pin in pins]
        left, meaning = self.block([f"{loop}:loop"], depth + 1)
        self.scope = before
        if left != [f"{loop}:loop"] and self.chance.random() < 0.3:
            self.wires += [f"{each} -> {loop}" for each in left]
        return meaning

    def draw_for_each(self, exits: Exits, depth: int) -> Drawn:
        items = self.chance.choice([[], [1], ["p", "q"], [3, 4, 5]])
        loop = self.put("loop", exits, pins={"items": items})
        meaning = self.turns(loop, ["item", "index"], depth)

        def mean(table: Table) -> Steps:
            for index, item in enumerate(items):
                table.update({f"{loop}.item": item, f"{loop}.index": index})
                yield from meaning(table)

        return [f"{loop}:done"], mean

    def draw_times(self, exits: Exits, depth: int) -> Drawn:
        first, last, step = self.chance.choice([(0, 2, 1), (3, 0, -1), (0, 0, 1), (5, 0, 2), (1, 6, 2)])
        loop = self.put("for", exits, pins={"start": first, "end": last, "step": step})
        meaning = self.turns(loop, ["i", "index"], depth)

        def mean(table: Table) -> Steps:
            for index, number in enumerate(range(first, last, step)):
                table.update({f"{loop}.i": number, f"{loop}.index": index})
                yield from meaning(table)

        return [f"{loop}:done"], mean

    def draw_as_long(self, exits: Exits, depth: int) -> Drawn:
        name, bound = f"turns{len(self.nodes)}", self.chance.randint(0, 3)
        zero = self.put("set_var", exits, pins={"name": name, "value": 0})
        loop = self.put("while", [zero])
        self.wires.append(f"{self.less(name, bound)} -> {loop}.condition")
        counted = self.keep([f"{loop}:loop"], name, self.more(name))
        left, meaning = self.block(counted, depth + 1)
        if self.chance.random() < 0.3:
            self.wires += [f"{each} -> {loop}" for each in left]

        def mean(table: Table) -> Steps:
            for _ in range(bound):
                yield from meaning(table)

        return [f"{loop}:done"], mean

    def draw_sequence(self, exits: Exits, depth: int) -> Drawn:
        ways = [f"then:{number}" for number in range(self.chance.randint(1, 3))]
        fork = self.put("sequence", exits, outs=[f"{way}|execution" for way in ways])
        drawn = [self.block([f"{fork}:{way}"], depth + 1) for way in ways]
        return drawn[-1][0], in_turn([meaning for _, meaning in drawn])  # the rest hangs at the last branch

    def draw_parallel(self, exits: Exits, depth: int) -> Drawn:
        """Its branches begin in their order, each as far as it comes; whose wait is over goes on."""
        ways = [f"then:{number}" for number in range(self.chance.randint(1, 3))]
        fork = self.put("parallel", exits, outs=[f"{way}|execution" for way in (*ways, "completed")])
        drawn = [self.block([f"{fork}:{way}"], depth + 1) for way in ways]
        return [f"{fork}:completed"], at_the_same_time([meaning for _, meaning in drawn])

    def draw_call(self, exits: Exits, depth: int) -> Drawn:
        name = f"sub{len(self.subflows)}"
        self.subflows[name] = {}
        inner = Sketch(self.chance, name, self.level + 1, self.subflows)
        meaning = inner.whole()
        self.subflows[name] = inner.document()
        call = self.put("subflow", exits, ins=["exec-in", "t", "a"], outs=["exec-out", "t"], subflowId=name)
        self.wires += [f"{self.variable(each)} -> {call}.{each}" for each in "ta"]

        def mean(table: Table) -> Steps:
            own = {"t": table["t"], "a": table["a"], "b": 0, "c": 0, "world": table["world"]}
            yield [table["world"].wait(inner=meaning(own))]
            table["t"] = own["t"]

        return self.keep([call], "t", f"{call}.t"), mean

    def whole(self) -> Meaning:
        """Draw a whole flow; return what it means."""
        self.nodes["start"] = start("t", "a", b=0, c=0)
        exits, meaning = self.block(self.mark(["start"], ">"), 0)
        self.finish(exits)

        def mean(table: Table) -> Steps:
            table["t"] += ">"
            try:
                yield from meaning(table)
            except Ended:
                return

        return mean

    def document(self) -> Document:
        return flow(self.flow_id, self.nodes, "\n".join(self.wires))
