"""Small flows in a few lines, and a host that plays them to their end.

`flow()` writes a document; `Host` compiles it, keeps its runs in a store, and can be thrown away and
built again at any moment, as a server is. Programs cross every restart as JSON text, so nothing of a
compiled flow can survive but its data.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from abstractruntime.core.clock import parse_instant
from abstractruntime.core.config import RuntimeConfig
from abstractruntime.core.models import EffectType, RunState, RunStatus, WaitReason
from abstractruntime.core.policy import EffectPolicy
from abstractruntime.core.runtime import Runtime
from abstractruntime.core.spec import WorkflowSpec
from abstractruntime.core.waits import deadline_of
from abstractruntime.effects.runs import ended
from abstractruntime.nodes.define import Offers
from abstractruntime.storage.artifacts import InMemoryArtifactStore
from abstractruntime.storage.backends import open_stores
from abstractruntime.storage.base import Stores
from abstractruntime.visualflow_compiler import Program, bind, lower_tree

Document = dict[str, Any]
NOBODY = object()  # in place of an answer: the deadline passes


def node(kind: str, *, ins: Sequence[str] = (), outs: Sequence[str] = (), **rest: Any) -> Document:
    """Describe a node: `ins` and `outs` are pins ("x" or "x|number"), `pins` their values, rest is data."""
    data: Document = {"nodeType": kind}
    if ins:
        data["inputs"] = [_pin(each) for each in ins]
    if outs:
        data["outputs"] = [_pin(each) for each in outs]
    if "pins" in rest:
        data["pinDefaults"] = rest.pop("pins")
    return {"type": kind, "data": {**data, **rest}}


def _pin(text: str) -> Document:
    name, _, kind = text.partition("|")
    return {"id": name, "label": name, "type": kind or ("execution" if name.startswith("exec-") else "any")}


def start(*parameters: str, **pins: Any) -> Document:
    """Describe a start node with these parameters; keywords are their defaults."""
    outs = ["exec-out", *dict.fromkeys((*parameters, *pins))]
    return node("on_flow_start", outs=outs, pins=pins) if pins else node("on_flow_start", outs=outs)


def end(*results: str, **pins: Any) -> Document:
    """Describe an end node with these results."""
    return node("on_flow_end", ins=["exec-in", *dict.fromkeys((*results, *pins))], pins=pins)


def flow(flow_id: str, nodes: Mapping[str, Document], wires: str, **rest: Any) -> Document:
    """Write a document. Wires, one a line or after a comma: `a -> b`, `a:true -> b`, `a.x -> b.y`."""
    edges = []
    for number, wire in enumerate(
        part for line in wires.splitlines() for part in line.split(",") if part.strip()
    ):
        source, target = (side.strip() for side in wire.split("->"))
        if "." in source:
            (origin, out), (goal, into) = source.split("."), target.split(".")
        else:
            origin, _, out = source.partition(":")
            goal, into = target, "exec-in"
        handles = {"sourceHandle": out or "exec-out", "targetHandle": into}
        edges.append({"id": f"e{number}", "source": origin, "target": goal, **handles})
    placed = [{"id": name, "position": {"x": 0, "y": 0}, **each} for name, each in nodes.items()]
    return {"id": flow_id, "name": flow_id, "nodes": placed, "edges": edges, **rest}


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def move(self, *, to: str | None = None, seconds: float = 0) -> None:
        """Move to an instant, or by seconds."""
        self.moment = parse_instant(to) if to else self.moment + timedelta(seconds=seconds)


@dataclass
class Registry:
    """Workflows by id."""

    specs: dict[str, WorkflowSpec] = field(default_factory=dict)

    def get(self, workflow_id: str) -> WorkflowSpec | None:
        """Return the workflow, or None."""
        return self.specs.get(workflow_id)


class Host:
    """A server in small: programs, a store, a runtime. `restart()` forgets all but programs and store."""

    def __init__(
        self,
        *flows: Any,
        store: str | Stores = "memory:",
        types: Any = None,
        handlers: Mapping[EffectType, Callable[..., Any]] | None = None,
        listeners: bool = False,
        policy: EffectPolicy | None = None,
        offers: Offers | None = None,
        visit_limit: int = 0,
    ) -> None:
        self.visit_limit = visit_limit
        self.url = store if isinstance(store, str) else ""
        self.stores = open_stores(store) if isinstance(store, str) else store
        self.artifacts = InMemoryArtifactStore()
        self.session = "session"
        self.clock = Clock()
        self.types = types
        self.handlers = handlers
        self.policy = policy
        self.offers = offers
        self.programs: dict[str, str] = {}
        self.listeners: list[str] = []
        by_id = {each["id"]: each for each in flows}
        self.root = flows[0]["id"]
        tree = lower_tree(self.root, by_id, types)
        for program in (*tree.programs.values(), *(tree.listeners.values() if listeners else ())):
            self.programs[program.workflow_id] = json.dumps(program.to_json())
        self.listeners = list(tree.listeners) if listeners else []
        self.restart()

    def restart(self) -> None:
        """Build runtime and workflows anew, from the store and the programs' text."""
        if self.url and not self.url.startswith("memory:"):
            self.stores.close()
            self.stores = open_stores(self.url)
        specs = {
            name: bind(Program.from_json(json.loads(text)), self.types, offers=self.offers)
            for name, text in self.programs.items()
        }
        self.registry = Registry(specs)
        self.runtime = Runtime(
            run_store=self.stores.runs,
            ledger_store=self.stores.ledger,
            workflow_registry=self.registry,
            effect_handlers=self.handlers,
            artifact_store=self.artifacts,
            effect_policy=self.policy,
            config=RuntimeConfig(record_visits=True, visit_limit=self.visit_limit),
            clock=self.clock,
        )

    def spec_of(self, run: RunState) -> WorkflowSpec:
        """Return the workflow of a run."""
        return self.registry.specs[run.workflow_id]

    def start(self, vars: Mapping[str, Any] | None = None, session_id: str | None = None) -> str:
        """Start the root and, before it, its listeners; return the root's id."""
        session_id = session_id or self.session
        root = self.runtime.start(self.registry.specs[self.root], dict(vars or {}), session_id=session_id)
        for name in self.listeners:
            spec = self.registry.specs[name]
            child = self.runtime.start(spec, {}, session_id=session_id, parent_run_id=root)
            self.runtime.tick(spec, child)
        return root

    def drive(self, run_id: str, max_steps: int = 2_000) -> RunState:
        """Drive a run and its children until the deepest of them rests; return that one."""
        run = self.runtime.get_state(run_id)
        if run.status is RunStatus.RUNNING or run.waiting is None or run.waiting.until:
            run = self.runtime.tick(self.spec_of(run), run_id, max_steps)
        while (
            run.status is RunStatus.WAITING and run.waiting and run.waiting.reason is WaitReason.SUBWORKFLOW
        ):
            details = run.waiting.details or {}
            several = "sub_run_ids" in details
            ids = details["sub_run_ids"] if several else [details["sub_run_id"]]
            child = self._first([self.drive(each, max_steps) for each in ids])
            if not child.status.is_over:
                return child
            if several:
                run = self.runtime.resume(
                    self.spec_of(run), run_id, run.waiting.wait_key, ended(child), max_steps
                )
                continue
            if child.status is not RunStatus.COMPLETED:
                error = f"Subworkflow '{child.workflow_id}' failed: {child.error}"
                run = self.runtime.fail_wait(run_id, error=error, code="subworkflow.failed")
                if run.status is not RunStatus.RUNNING:
                    return run
                run = self.runtime.tick(self.spec_of(run), run_id, max_steps)
                continue
            reply = {"sub_run_id": child.run_id, "output": child.output, "node_traces": {}}
            run = self.runtime.resume(self.spec_of(run), run_id, run.waiting.wait_key, reply, max_steps)
        return run

    @staticmethod
    def _first(children: list[RunState]) -> RunState:
        """Return whoever is over, else whoever asks somebody, else whose moment comes first."""

        def rank(child: RunState) -> tuple[int, str]:
            until = child.waiting.until if child.waiting else None
            return (0, "") if child.status.is_over else (2, until) if until else (1, "")

        return min(children, key=rank)

    def answer(self, run: RunState, payload: Any) -> None:
        """Answer a waiting run without driving it on."""
        key = run.waiting.wait_key if run.waiting else None
        self.runtime.resume(self.spec_of(run), run.run_id, key, payload, max_steps=0)

    def play(
        self, vars: Mapping[str, Any] | None = None, answers: Sequence[Any] = (), *, restarts: bool = True
    ) -> Played:
        """Start, answer each wait in turn, move the clock to each moment waited for, until all is over.

        Between any two waits everything is thrown away and read back.
        """
        return self.go(Played(self, self.start(vars)), answers, restarts=restarts)

    def go(self, played: Played, answers: Sequence[Any] = (), *, restarts: bool = True) -> Played:
        """Play a run that was started."""
        root, left = played.root, list(answers)
        for _ in range(1_000):
            run = self.drive(root)
            if restarts:
                self.restart()
            if run.run_id == root and run.status is not RunStatus.WAITING:
                break
            if not self._go_on(run, left, played):
                break
        played.state = self.runtime.get_state(root)
        return played

    def _go_on(self, run: RunState, left: list[Any], played: Played) -> bool:
        wait = run.waiting
        if run.status is not RunStatus.WAITING or wait is None:
            return run.status.is_over or run.status is RunStatus.RUNNING
        played.waits.append((run.current_node, wait.reason.value))
        if wait.reason is WaitReason.UNTIL:
            self.clock.move(to=wait.until)
            return True
        if wait.prompt is not None:
            played.asked.append(wait.prompt)
        if wait.until and (not left or left[0] is NOBODY):
            del left[:1]
            self.clock.move(to=deadline_of(wait))
            return True
        if not left:
            return False
        reply = left.pop(0)
        self.answer(run, {"response": reply} if isinstance(reply, str) else reply)
        return True


@dataclass
class Played:
    """How a run went."""

    host: Host
    root: str
    state: RunState = None  # type: ignore[assignment]  # set when the play is over
    asked: list[str] = field(default_factory=list)
    waits: list[tuple[str, str]] = field(default_factory=list)

    @property
    def output(self) -> Any:
        """The output of the root."""
        return self.state.output

    @property
    def status(self) -> str:
        """The status of the root."""
        return self.state.status.value

    @property
    def error(self) -> str | None:
        """The error of the root."""
        return self.state.error

    def records(self, run_id: str | None = None) -> list[dict[str, Any]]:
        """Return the ledger of the root or of another run."""
        return self.host.runtime.get_ledger(run_id or self.root)

    def tree(self) -> list[dict[str, Any]]:
        """Return the records of the root and all its children, in order."""
        return [placed.record for placed in self.host.runtime.journal.tree_after(self.root, 0, 100_000)]

    def _told(self) -> list[tuple[str, dict[str, Any]]]:
        found = []
        for record in self.records():
            visit = (record.get("result") or {}).get("visit")
            if isinstance(visit, dict) and record.get("effect") is None:
                found.append((record["node_id"], visit))
        return found

    @property
    def visits(self) -> list[str]:
        """Return the nodes that were visited, in order (the root only)."""
        return [node_id for node_id, _ in self._told()]

    def notes(self, node_id: str) -> list[dict[str, Any]]:
        """Return what the records of a node's visits say."""
        return [visit for visited, visit in self._told() if visited == node_id]

    @property
    def failure(self) -> dict[str, Any]:
        """Return what the ledger says of the failure."""
        for record in reversed(self.records()):
            error = (record.get("result") or {}).get("error")
            if isinstance(error, dict):
                return error
        return {}

    @property
    def messages(self) -> list[str]:
        """Return the texts that were told to the user, over the whole tree."""
        return [
            record["result"]["message"]
            for record in self.tree()
            if (record.get("effect") or {}).get("type") == "answer_user" and record["status"] == "completed"
        ]


def play(
    document: Document, *more: Document, vars: Mapping[str, Any] | None = None, answers: Sequence[Any] = ()
) -> Played:
    """Play a flow (with its subflows) on a fresh host."""
    return Host(document, *more).play(vars, answers)
