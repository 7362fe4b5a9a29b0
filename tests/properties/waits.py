"""Waits of plain generators: what a run with branches means, without a kernel.

A meaning is a generator over a table of variables. Where it waits it yields its open waits, and is sent the one that is
over. Who waited first goes on first; a question is answered before time passes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

Table = dict[str, Any]


@dataclass(eq=False)
class Wait:
    """A wait: for an answer to `prompt` (then `number` says which it was), until `until`, or for another run, `inner`."""

    order: int
    prompt: str | None = None
    until: int | None = None
    inner: Run | None = None
    number: int = 0

    def is_over(self, now: int) -> bool:
        """Say whether it goes on at this moment."""
        if self.inner is not None:
            return self.inner.is_over
        return self.until <= now if self.until is not None else self.number > 0

    def deepest(self) -> Wait:
        """Return what it waits for in the end."""
        return self if self.inner is None else self.inner.next_of_all()


Steps = Generator[list[Wait], Wait, None]
Meaning = Callable[[Table], Steps]


class Run:
    """A meaning under way, with its open waits."""

    def __init__(self, steps: Steps) -> None:
        self.steps, self.open, self.is_over = steps, [Wait(0)], False
        self.go_on(None)

    def go_on(self, wait: Any) -> None:
        """Go on with the wait that is over, as far as it comes."""
        try:
            self.open = sorted(self.steps.send(wait), key=lambda each: each.order)
        except StopIteration:
            self.is_over = True

    def settle(self, now: int) -> None:
        """Go on until nothing can."""
        while not self.is_over:
            for each in self.open:
                if each.inner is not None:
                    each.inner.settle(now)
            over = [each for each in self.open if each.is_over(now)]
            if not over:
                return
            self.go_on(over[0])

    def next_of_all(self) -> Wait:
        """Return the wait that ends first: a question, else the earliest moment."""
        return min((each.deepest() for each in self.open), key=lambda each: each.until or 0)


@dataclass
class World:
    """Who answers, and the clock."""

    asked: list[str] = field(default_factory=list)
    now: int = 0
    waits: int = 0

    def wait(self, *, prompt: str | None = None, seconds: int = 0, inner: Steps | None = None) -> Wait:
        """Begin to wait."""
        self.waits += 1
        until = self.now + seconds if seconds else None
        return Wait(self.waits, prompt, until, None if inner is None else Run(inner))


def play(steps: Steps, world: World) -> None:
    """Play a run to its end, as a host does that answers one question after the other."""
    run = Run(steps)
    while True:
        run.settle(world.now)
        if run.is_over:
            return
        wait = run.next_of_all()
        if wait.until is not None:
            world.now = wait.until
        else:
            world.asked.append(str(wait.prompt))
            wait.number = len(world.asked)


def at_once(change: Callable[[Table], None]) -> Meaning:
    """Return the meaning of a step that does not wait."""

    def mean(table: Table) -> Steps:
        change(table)
        return
        yield

    return mean


def in_turn(meanings: list[Meaning]) -> Meaning:
    """Return the meaning of one after the other."""

    def mean(table: Table) -> Steps:
        for each in meanings:
            yield from each(table)

    return mean


def at_the_same_time(meanings: list[Meaning]) -> Meaning:
    """Return the meaning of branches that begin in their order, each as far as it comes."""

    def mean(table: Table) -> Steps:
        live: list[tuple[Steps, list[Wait]]] = []
        for each in meanings:
            _advance(live, each(table), None)
        while live:
            over = yield [wait for _, waits in live for wait in waits]
            place = next(place for place, (_, waits) in enumerate(live) if over in waits)
            _advance(live, live.pop(place)[0], over)

    return mean


def _advance(live: list[tuple[Steps, list[Wait]]], steps: Steps, over: Any) -> None:
    try:
        live.append((steps, steps.send(over)))
    except StopIteration:
        return
