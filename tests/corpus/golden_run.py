"""Runs a document by the rules of the golden outcomes, and tells it in their words.

Users and events answer "golden answer", moments waited for come at once, ids and times are replaced by
signs. `Outcome` has what the golden records have: status, output, order of nodes, waits, messages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from abstractruntime.core.models import RunState, RunStatus, WaitReason
from abstractruntime.visualflow_compiler import lower_tree
from corpus.stubs import OFFERS, agent, agents_of, handlers
from drive import Host, Played

_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_NOT_WIRED = re.compile(r"No effect handler registered for (\w+)")
_CALL = re.compile(r"\brtcall_[0-9a-f]{32}")
_STAMP = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")
_ANSWER = {"response": "golden answer"}


ANSWERS = {WaitReason.USER: 8, WaitReason.EVENT: 3, WaitReason.UNTIL: 6}
MOST_CHILDREN = 100


class Stopped(Exception):
    """A run went on longer than the golden rules let it."""


class GoldenHost(Host):
    """A host by the golden rules: waits are answered so often and no more, endless runs are stopped."""

    def __init__(self, *flows: Any, stub: bool) -> None:
        self.stub = stub
        self.children = 0
        self.played: list[tuple[WaitReason, dict[str, Any]]] = []
        made = handlers() if stub else None
        super().__init__(*flows, listeners=True, handlers=made, offers=OFFERS if stub else None)
        self.session = "golden-session"

    def restart(self) -> None:
        """Build runtime and workflows anew; with the stubs also the agents."""
        super().restart()
        if self.stub:
            self.registry.specs |= {name: agent(name) for name in agents_of(self.programs)}

    def drive(self, run_id: str, max_steps: int = 2_000) -> RunState:
        """Drive as a host does, and stop what does not end."""
        self.children += 1
        if self.children > MOST_CHILDREN:
            raise Stopped
        return super().drive(run_id, max_steps)

    def _go_on(self, run: RunState, left: list[Any], played: Played) -> bool:
        wait = run.waiting
        if run.status is not RunStatus.WAITING or wait is None:
            if run.status is RunStatus.RUNNING:
                raise Stopped
            return super()._go_on(run, left, played)
        told: dict[str, Any] = {"node": run.current_node, "reason": wait.reason.value}
        if wait.reason is WaitReason.USER:
            told |= {
                "prompt": wait.prompt,
                "choices": wait.choices,
                "allow_free_text": wait.allow_free_text,
            }
        self.played.append((wait.reason, told))
        if sum(reason is wait.reason for reason, _ in self.played) > ANSWERS[wait.reason]:
            return False
        return super()._go_on(run, left, played)


@dataclass
class Outcome:
    """What became of a run, in the words of the golden records."""

    status: str
    output: Any
    error: str | None
    node_order: list[str]
    waits: list[dict[str, Any]]
    messages: list[dict[str, str]]
    failed_node: str | None
    unwired: str | None


def needed(flow_id: str, flows: Mapping[str, Any]) -> set[str]:
    """Return the ids of a flow and of all flows it calls; raise what keeps them from being compiled."""
    return set(lower_tree(flow_id, flows).programs)


def run_golden(flow_id: str, flows: Mapping[str, Any], inputs: Mapping[str, Any], *, stub: bool) -> Outcome:
    """Run a document from the corpus with its subflows and listeners."""
    others = [document for name, document in flows.items() if name != flow_id]
    host = GoldenHost(flows[flow_id], *others, stub=stub)
    root = host.start(inputs)
    played = Played(host, root)
    try:
        played = host.go(played, [_ANSWER] * 11)
        status = played.status
    except Stopped:
        played.state = host.runtime.get_state(root)
        status = "stopped"
    runs: dict[str, str] = {}
    order: list[str] = []
    seen: set[tuple[str, str, int]] = set()
    messages = []
    for record in played.tree():
        run_id, node_id = record["run_id"], record["node_id"]
        runs.setdefault(run_id, _label(host, run_id, played.root, runs))
        visit = ((record.get("result") or {}).get("visit") or {}).get("visit")
        if visit is not None and (run_id, node_id, visit) not in seen:
            seen.add((run_id, node_id, visit))
            flow = host.runtime.get_state(run_id).workflow_id
            name = node_id if flow == flow_id else f"{flow}/{node_id}"
            if order[-1:] != [name]:
                order.append(name)
        if (record.get("effect") or {}).get("type") == "answer_user" and record["status"] == "completed":
            messages.append({**record["result"], "node": node_id})
    return Outcome(
        status if status != "waiting" else f"stopped_{host.played[-1][0].value}_waits_limit",
        plain(played.output, runs),
        played.error,
        order,
        plain([told for _, told in host.played], runs),
        plain(messages, runs),
        played.failure.get("node_id"),
        _unwired(played.error),
    )


def _unwired(error: str | None) -> str | None:
    """Return the effect that nothing carried out, when that ended the run."""
    found = _NOT_WIRED.search(error or "")
    return found.group(1) if found else None


def _label(host: Host, run_id: str, root: str, runs: Mapping[str, str]) -> str:
    if run_id == root:
        return "<root_run>"
    kind = "listener" if host.runtime.get_state(run_id).workflow_id in host.listeners else "sub"
    return f"<{kind}_{1 + sum(1 for label in runs.values() if label.startswith('<' + kind))}>"


def plain(value: Any, runs: Mapping[str, str]) -> Any:
    """Replace ids and instants by the signs of the golden records."""
    text = json.dumps(value)
    for run_id, label in runs.items():
        text = text.replace(run_id, label)
    text = _CALL.sub("rtcall_<hex32>", _UUID.sub("<uuid>", text))
    return json.loads(_STAMP.sub("<ts>", text))
