"""What a program keeps in the variables of a run, under `_temp`.

    node_outputs.<node>    what each execution node last gave
    effects.<node>         the reply to an effect, from the kernel, until the landing has read it
    failed.<node>          why an effect could not be carried out, where the program catches that
    visits.<node>          how often control came to a node
    asides.<node>          the wait that an effect has come to, where a child run is to carry it
    open                   the visit whose reply is awaited: node, number, instant, what it keeps
    ambient                the nodes whose outputs, laid over each other, are the ambient value
    came                   the wire by which control came, where the next node's inputs depend on it
    branches, arrived, let_go   several branches at once: see `strands`
    _control               the active loops: `stack` (innermost last) and `frames`
    seeded                 the first values of variables have been given

Nothing else survives between two visits. Every write is as small as the change: the kernel stores the
difference.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

MISSING: Any = object()


def slot(node_id: str) -> str:
    """Return a node's name inside a dotted path."""
    return node_id.replace("%", "%25").replace(".", "%2E") if "." in node_id or "%" in node_id else node_id


def reply_key(node_id: str) -> str:
    """Return where the kernel shall put the reply to a node's effect."""
    return f"_temp.effects.{slot(node_id)}"


def failure_key(node_id: str) -> str:
    """Return where the kernel shall put the failure of a node's effect."""
    return f"_temp.failed.{slot(node_id)}"


def aside_key(node_id: str) -> str:
    """Return where the kernel shall put a wait of a node's effect that does not hold the run up."""
    return f"_temp.asides.{slot(node_id)}"


class Memory:
    """The program's part of one run's variables, read and written for one step."""

    __slots__ = ("temp", "vars")

    def __init__(self, vars: dict[str, Any]) -> None:
        if not isinstance(vars.get("_temp"), dict):
            vars["_temp"] = {}
        self.vars = vars
        self.temp: dict[str, Any] = vars["_temp"]

    def _part(self, name: str) -> dict[str, Any]:
        if not isinstance(self.temp.get(name), dict):
            self.temp[name] = {}
        part: dict[str, Any] = self.temp[name]
        return part

    # visits

    def begin(self, node_id: str, now: str) -> tuple[int, str]:
        """Count an arrival; a visit that was begun and not ended is the same one, at the same instant."""
        opened = self.opened(node_id)
        if opened is not None:
            return opened
        visits = self._part("visits")
        visits[node_id] = visits.get(node_id, 0) + 1
        return visits[node_id], now

    def opened(self, node_id: str) -> tuple[int, str] | None:
        """Return number and instant of the visit that awaits a reply at this node."""
        opened = self.temp.get("open")
        if isinstance(opened, dict) and opened.get("node") == node_id:
            return opened["visit"], opened["now"]
        return None

    def await_reply(self, node_id: str, visit: int, now: str, keep: Mapping[str, Any]) -> None:
        """Remember the visit, and what it keeps, until its reply is here."""
        self.temp["open"] = {"node": node_id, "visit": visit, "now": now, **({"keep": keep} if keep else {})}

    def kept(self, node_id: str) -> Mapping[str, Any]:
        """Return what the visit that awaits a reply at this node keeps."""
        opened = self.temp.get("open")
        if not isinstance(opened, dict) or opened.get("node") != node_id:
            return {}
        kept = opened.get("keep")
        return dict(kept) if isinstance(kept, dict) else {}

    def visits(self, node_id: str) -> int:
        """Return how often control came to a node."""
        count = self._part("visits").get(node_id, 0)
        return count if isinstance(count, int) else 0

    def often(self, more_than: int) -> dict[str, int]:
        """Return the nodes that control came to more often than so many times, and how often."""
        counts = self._part("visits").items()
        return {node: count for node, count in counts if isinstance(count, int) and count > more_than}

    def close(self) -> None:
        """Forget the visit that awaited a reply."""
        if "open" in self.temp:
            del self.temp["open"]

    # outputs and replies

    def outputs(self, node_id: str) -> Any:
        """Return what a node last gave, or MISSING."""
        return self._part("node_outputs").get(node_id, MISSING)

    def keep_outputs(self, node_id: str, outputs: Any) -> None:
        """Remember what a node gave."""
        self._part("node_outputs")[node_id] = outputs

    def reply(self, node_id: str) -> Any:
        """Return the reply to a node's effect, or MISSING when there was none."""
        return self._part("effects").get(slot(node_id), MISSING)

    def drop_reply(self, node_id: str) -> None:
        """Forget a reply once its values are outputs."""
        self._part("effects").pop(slot(node_id), None)

    def take_failure(self, node_id: str) -> dict[str, Any] | None:
        """Return why a node's effect could not be carried out, and forget it; None when it could."""
        failed = self.temp.get("failed")
        failure = failed.pop(slot(node_id), None) if isinstance(failed, dict) else None
        return failure if isinstance(failure, dict) else None

    def take_aside(self, node_id: str) -> dict[str, Any] | None:
        """Return the wait that a node's effect has come to, and forget it; None when it has not."""
        asides = self.temp.get("asides")
        wait = asides.pop(slot(node_id), None) if isinstance(asides, dict) else None
        return wait if isinstance(wait, dict) else None

    # loops

    def _control(self) -> tuple[list[str], dict[str, Any]]:
        control = self._part("_control")
        if not isinstance(control.get("stack"), list):
            control["stack"] = []
        if not isinstance(control.get("frames"), dict):
            control["frames"] = {}
        return control["stack"], control["frames"]

    def frame(self, node_id: str) -> dict[str, Any]:
        """Return a copy of a node's loop frame; {} when it has none."""
        control = self.temp.get("_control")
        frame = control["frames"].get(node_id) if isinstance(control, dict) else None
        return dict(frame) if isinstance(frame, dict) else {}

    def active(self) -> list[str]:
        """Return the nodes that have a frame, innermost last."""
        control = self.temp.get("_control")
        return list(control["stack"]) if isinstance(control, dict) else []

    def innermost(self) -> str | None:
        """Return the loop to which control goes back when a branch ends."""
        control = self.temp.get("_control")
        stack = control["stack"] if isinstance(control, dict) else None
        return stack[-1] if stack else None

    def keep_frame(self, node_id: str, frame: Mapping[str, Any]) -> None:
        """Make a node the innermost loop with this frame; loops inside it are over."""
        stack, frames = self._control()
        if node_id in stack:
            self._unwind(stack, frames, node_id)
        else:
            stack.append(node_id)
        kept = frames.get(node_id)
        if not isinstance(kept, dict):
            frames[node_id] = dict(frame)
            return
        for key in [key for key in kept if key not in frame]:
            del kept[key]
        for key, value in frame.items():  # a long list that has not changed is not written again
            if key not in kept or kept[key] is not value:
                kept[key] = value

    def drop_frame(self, node_id: str) -> None:
        """End a loop and the loops inside it."""
        control = self.temp.get("_control")
        if not isinstance(control, dict) or node_id not in control["frames"]:
            return
        stack, frames = self._control()
        if node_id in stack:
            self._unwind(stack, frames, node_id)
            stack.pop()
        del frames[node_id]

    def unwind_to(self, node_id: str) -> None:
        """End the loops inside a loop."""
        self._unwind(*self._control(), node_id)

    def _unwind(self, stack: list[str], frames: dict[str, Any], node_id: str) -> None:
        while stack[-1] != node_id:
            frames.pop(stack.pop(), None)

    # the ambient value

    def carry(self, node_id: str, *, over: bool) -> None:
        """Make a node's outputs the ambient value, alone or laid over what there was."""
        before = self.temp.get("ambient")
        chain = [each for each in before if each != node_id] if over and isinstance(before, list) else []
        chain.append(node_id)
        if before != chain:
            self.temp["ambient"] = chain

    def ambient(self, without: Callable[[str], Collection[str]]) -> Any:
        """Return the ambient value; MISSING while no node has given one.

        `without` tells the outputs of a node that are no part of it.
        """
        chain = self.temp.get("ambient")
        value: Any = MISSING
        for node_id in chain if isinstance(chain, list) else ():
            outputs = self.outputs(node_id)
            if outputs is MISSING:
                continue
            left_out = without(node_id)
            if left_out and isinstance(outputs, dict):
                outputs = {pin: each for pin, each in outputs.items() if pin not in left_out}
            if value is MISSING:
                value = outputs
            elif isinstance(outputs, dict):
                value = {**(value if isinstance(value, dict) else {"input": value}), **outputs}
        return value
