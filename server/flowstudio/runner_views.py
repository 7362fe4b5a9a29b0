"""RunReader: what may be seen of runs, read from the stores each time.

Nothing here is kept between calls but which run belongs to which tree, which never changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, cast

from abstractruntime.core.clock import instant_micros
from abstractruntime.core.errors import RunNotFound, WorkflowNotFound
from abstractruntime.core.models import RunState, RunStatus, WaitReason, WaitState
from abstractruntime.core.waits import TIMED_OUT, deadline_of, is_pause_wait, is_paused, pause_reason
from abstractruntime.integrations.abstractcore.tool_approval import APPROVAL_REQUIRED
from abstractruntime.integrations.abstractcore.tool_results import CALLS
from abstractruntime.storage.base import PlacedRecord, QueryableRunIndexStore, QueryableRunStore, Stores
from abstractruntime.visualflow_compiler.stops import about_of, of_wait, words

from .ai.budget import is_shared
from .ai.used import Ledger, UsedByRuns
from .library import FlowLibrary, FlowNotFound
from .presence import Presence, repeated
from .programs import Programs
from .runner_origins import Origins

Json = Any
Names = Mapping[str, str]
ALL = 1_000_000
RECORDED = "recorded"  # of the kernel's own space: this run only shows what another one did
_INTERNAL = "__"  # begins the workflows of runs that never do anything


@dataclass(frozen=True)
class Tree:
    """A run with all its descendants as they stand; `runs[0]` is the root."""

    runs: tuple[RunState, ...]

    @property
    def root(self) -> RunState:
        """Return the run that the person started."""
        return self.runs[0]

    @property
    def is_settled(self) -> bool:
        """Whether the root is over and nothing else of the tree will move by itself."""
        if not self.root.status.is_over:
            return False
        return all(run.status.is_over or _is_listening(run) for run in self.runs[1:])

    @property
    def asking(self) -> list[RunState]:
        """Return the runs that ask a person something, the deepest first; who shares a question once."""
        return _once(run for run in reversed(self.runs) if asks(run))


class RunReader:
    """Reads runs, prompts and ledgers for routes and streams."""

    def __init__(
        self,
        stores: Stores,
        programs: Programs,
        library: FlowLibrary,
        presence: Presence | None = None,
        has_recording: Callable[[str], bool] = lambda flow_id: True,
    ) -> None:
        """`has_recording` says of which flows a run may be a recording: only of those it is looked up."""
        self._has_recording = has_recording
        self._presence = presence
        self._stores = stores
        self._programs = programs
        self._library = library
        self._parents: dict[str, tuple[str, str | None]] = {}
        self.origins = Origins(stores)
        self._used = UsedByRuns(cast(Ledger, stores.ledger))
        self.flow_of = lru_cache(maxsize=10_000)(self._flow_of)
        self._is_recorded = lru_cache(maxsize=10_000)(lambda run_id: is_recorded(self.state(run_id)))

    @property
    def _runs(self) -> QueryableRunStore:
        return cast(QueryableRunStore, self._stores.runs)

    def state(self, run_id: str) -> RunState:
        """Return a run as it stands; raise RunNotFound."""
        held = self._stores.journal.load(run_id)
        if held is None:
            raise RunNotFound(f"There is no run {run_id!r}.")
        return held.run

    def workflow_of(self, run_id: str) -> str:
        """Return the id of a run's workflow, without its state; raise RunNotFound."""
        found = self._stores.journal.workflow_of(run_id)
        if found is None:
            raise RunNotFound(f"There is no run {run_id!r}.")
        return found

    def root_of(self, run_id: str) -> str:
        """Return the run that a person started and that this one belongs to."""
        return self.line_of(run_id)[-1]

    def line_of(self, run_id: str) -> list[str]:
        """Return a run with its parent, the parent's parent and so on up to the root."""
        line = [run_id]
        while (parent := self._kin(line[-1])[1]) is not None:
            line.append(parent)
        return line

    def tree(self, root_id: str) -> Tree:
        """Return a run and its descendants, parents before children."""
        return Tree((root := self.state(root_id), *self._descendants(root.run_id)))

    def used(self, run_id: str) -> dict[str, Json]:
        """Return what the model calls of a run and its descendants have used: `calls`, `tokens`, `cost`."""
        return self.used_by(self.tree(run_id))

    def spent(self, run_id: str) -> float:
        """Return what the run that a person started has cost, with all that belongs to it, this run too."""
        return float(self.used(self.root_of(run_id))["cost"])

    def used_by(self, tree: Tree) -> dict[str, Json]:
        """Return the same of a tree that was read."""
        return self._used.told(each.run_id for each in tree.runs)

    def away(self, tree: Tree) -> dict[str, Json] | None:
        """Return how often and how long the server was away in the life of a run, and what was done again for it.

        `times`, `seconds` and `repeated`, the number of effects that were begun twice; None where it was never away.
        """
        run = tree.root
        if self._presence is None or run.created_at is None:
            return None
        over = (
            max(filter(None, (each.updated_at for each in tree.runs)), default=None)
            if tree.is_settled
            else None
        )
        absences = self._presence.between(run.created_at, over)
        if not absences:
            return None
        own = {each.run_id for each in tree.runs}
        told = [placed for placed in self.records(run.run_id, limit=ALL) if placed.run_id in own]
        again = repeated(told, absences)
        seconds = round(sum(each.seconds for each in absences), 1)
        return {"times": len(absences), "seconds": seconds, "repeated": again}

    def is_moving(self, run_id: str) -> bool:
        """Say whether a run, or one that it waits for, takes steps by itself just now."""
        tree = self.tree(run_id)
        return not tree.root.status.is_over and any(run.status is RunStatus.RUNNING for run in tree.runs)

    def children(self, run_id: str) -> list[RunState]:
        """Return the direct children of a run."""
        return self._runs.list_children(parent_run_id=run_id)

    def flow_name(self, workflow_id: str, names: Names | None = None) -> str:
        """Return the name of the flow a workflow was made from: today's, else the one it had.

        A list looks at the folder once and hands the `names` in.
        """
        flow_id = self._programs.flow_id(workflow_id)
        if names is not None:
            return names.get(flow_id) or self._programs.flow_name(workflow_id)
        try:
            return self._library.entry(flow_id).name
        except FlowNotFound:
            return self._programs.flow_name(workflow_id)

    def is_recording(self, run_id: str, flow_id: str) -> bool:
        """Say whether a run of a flow only shows what another one did: no run of anybody here."""
        return self._has_recording(flow_id) and self._is_recorded(run_id)

    def _names(self) -> Names:
        return {entry.id: entry.name for entry in self._library.entries()}

    def row(self, run: RunState, names: Names | None = None) -> dict[str, Json]:
        """Return a run's line in a list."""
        return {
            "run_id": run.run_id,
            "flow_id": self._programs.flow_id(run.workflow_id),
            "flow_name": self.flow_name(run.workflow_id, names),
            "status": run.status.value,
            "current_node": visible(run.current_node),
            "paused": is_paused(run),
            "created_at": run.created_at,
            "updated_at": run.updated_at,
            "session_id": run.session_id,
            "parent_run_id": run.parent_run_id,
            "recording": is_recorded(run),
        }

    def rows(
        self,
        *,
        flow_id: str | None = None,
        status: RunStatus | None = None,
        session_id: str | None = None,
        limit: int = 100,
        cursor: str = "",
        recordings: bool = True,
    ) -> list[dict[str, Json]]:
        """Return the runs that people started, the newest first; those that only keep memory are not.

        `cursor` is the place of a row that was seen: those behind it. Without `recordings` these are left out.
        """
        index = cast(QueryableRunIndexStore, self._stores.runs)
        # Every memory that is among the newest was written by a run as new, but for the one of all.
        most = ALL if cursor or flow_id is not None else 2 * limit + 1
        rows = index.list_run_index(status=status, session_id=session_id, root_only=True, limit=most)
        wanted = [
            row
            for row in rows
            if not row["workflow_id"].startswith(_INTERNAL)
            and flow_id in (None, self._programs.flow_id(row["workflow_id"]))
        ]
        if cursor:
            wanted = _behind(wanted, cursor)
        if not recordings:
            runs = (row for row in wanted if not self._shows(row))
            wanted = [*islice(runs, limit)]
        names = self._names()
        return [self._index_row(row, names) for row in wanted[:limit]]  # only what is alive is read whole

    def page(self, run_id: str) -> dict[str, Json]:
        """Return all about one run but its records; raise RunNotFound."""
        tree = self.tree(run_id)
        run = tree.root
        failed = visible(run.current_node) if run.status is RunStatus.FAILED else None
        return {
            **self.row(run),
            "state": run.status.value,
            "output": run.output,
            "error": run.error,
            "waiting": waiting_of(tree),
            "failed_node": failed,
            "pause_reason": pause_reason(run),
            "away": self.away(tree),
            "used": self.used_by(tree),
            "prompts": [self._prompt(asking, self.root_of(run_id)) for asking in tree.asking],
        }

    def prompts(self) -> list[dict[str, Json]]:
        """Return the open questions of all runs, the oldest first."""
        found = self._runs.list_runs(status=RunStatus.WAITING, wait_reason=WaitReason.USER, limit=ALL)
        found += self._runs.list_runs(status=RunStatus.WAITING, wait_reason=WaitReason.EVENT, limit=ALL)
        names = self._names()
        rows = [self._prompt(run, self.root_of(run.run_id), names) for run in _once(filter(asks, found))]
        return sorted(rows, key=lambda row: str(row["asked_at"]))

    def prompt(self, run_id: str) -> dict[str, Json] | None:
        """Return the open question of one run, or None."""
        run = self.state(run_id)
        return self._prompt(run, self.root_of(run_id)) if asks(run) else None

    def records(self, run_id: str, after: int = 0, limit: int = 500) -> list[PlacedRecord]:
        """Return records of a run and its descendants after a position, in order."""
        return self._stores.journal.tree_after(run_id, after, limit)

    def begun_with(self, run_id: str) -> dict[str, Json]:
        """Return the values that a run took: of a fork, its parent's, with those that were changed."""
        origin = self.origins.of(run_id)
        if origin is not None and self.origins.exists(origin.run_id):
            given = self.begun_with(origin.run_id)
            told = {str(each.get("path")): each.get("value") for each in origin.changes}
            late = {
                path[1:] for path in told if any(other.endswith(path) and other != path for other in told)
            }
            return {name: told.get(f"/{name}", given.get(name)) for name in dict.fromkeys((*given, *late))}
        first = self._stores.journal.begun(run_id) or self._stores.journal.state_at(run_id, 1)
        return {
            key: value for key, value in (first or self.state(run_id)).vars.items() if not key.startswith("_")
        }

    def answers(self, run_id: str) -> list[dict[str, Json]]:
        """Return the ledger records in which waits of this run were answered, the newest first."""
        records = self._stores.ledger.list(run_id)
        return [
            record for record in reversed(records) if (record.get("effect") or {}).get("type") == "resume"
        ]

    def state_at(self, run_id: str, seq: int) -> RunState | None:
        """Return a run as it stood after an entry of its ledger, 0 for before the first; None where no history is kept."""
        journal = self._stores.journal
        return journal.state_at(run_id, seq) if seq else journal.begun(run_id)

    def waits_before(self, run_id: str, seq: int) -> list[dict[str, Json]]:
        """Return the run's records before `seq`, the newest first."""
        return self._stores.ledger.list(run_id)[: max(0, seq - 1)][::-1]

    def _descendants(self, run_id: str) -> Iterator[RunState]:
        for child in self.children(run_id):
            yield child
            yield from self._descendants(child.run_id)

    def _kin(self, run_id: str) -> tuple[str, str | None]:
        """Return a run's workflow and parent; they never change, so they are remembered."""
        known = self._parents.get(run_id)
        if known is None:
            run = self.state(run_id)
            if len(self._parents) > 50_000:
                self._parents.clear()
            known = self._parents[run_id] = (run.workflow_id, run.parent_run_id)
        return known

    def parent_of(self, run_id: str) -> str | None:
        """Return the run that has started a run, None for one that a person started."""
        return self._kin(run_id)[1]

    def _flow_of(self, run_id: str) -> str:
        return self._programs.flow_id(self._kin(run_id)[0])

    def _index_row(self, row: dict[str, Json], names: Names) -> dict[str, Json]:
        if not RunStatus(row["status"]).is_over:
            return self.row(self.state(row["run_id"]), names)
        told = {
            key: row[key] for key in ("run_id", "created_at", "updated_at", "session_id", "parent_run_id")
        }
        flow_id = self._programs.flow_id(row["workflow_id"])
        named = {"flow_id": flow_id, "flow_name": self.flow_name(row["workflow_id"], names)}
        more = {"current_node": "", "paused": False, "recording": self._shows(row)}
        return {**told, **named, "status": row["status"], **more}

    def _shows(self, row: Mapping[str, Json]) -> bool:
        return self.is_recording(row["run_id"], self._programs.flow_id(row["workflow_id"]))

    def stop_words(self, run: RunState) -> str:
        """Say where a run has stopped, and why, by the names that its nodes have."""
        about = about_of(run.waiting)
        return words(of_wait(run.waiting), self.node_name(run), about, lambda node: self.node_name(run, node))

    def node_name(self, run: RunState, node_id: str = "") -> str:
        """Return how a node is called, the one that a run is at if none is named, as its flow was when it began."""
        node_id = node_id or visible(run.current_node)
        try:
            nodes = self._programs.document(run.workflow_id).get("nodes") or ()
        except WorkflowNotFound:
            nodes = ()
        data = next((each.get("data") for each in nodes if str(each.get("id")).strip() == node_id), None)
        return str((data or {}).get("label") or node_id)

    def _prompt(self, run: RunState, root_id: str, names: Names | None = None) -> dict[str, Json]:
        wait, stop = run.waiting, of_wait(run.waiting)
        asked = self.stop_words(run) if stop else wait.prompt if wait else None
        return {
            "run_id": run.run_id,
            "root_run_id": root_id,
            "flow_id": self._programs.flow_id(run.workflow_id),
            "flow_name": self.flow_name(run.workflow_id, names),
            "node_id": visible(run.current_node),
            "wait_key": wait.wait_key if wait else None,
            "prompt": asked or "",
            "stop": stop,
            "choices": (wait.choices if wait else None) or [],
            "allow_free_text": wait.allow_free_text if wait else True,
            CALLS: tool_calls_of(run),
            "assignee": ((wait.details or {}).get("assignee") if wait else None) or "",
            **stages_of(wait),
            "asked_at": run.updated_at,
        }


def is_recorded(run: RunState) -> bool:
    """Say whether a run only shows what another one did. A fork of such a run is a run."""
    space = run.vars.get("_runtime")
    mark = space.get(RECORDED) if isinstance(space, dict) else None
    return mark is True or mark == run.run_id  # True: of a store from before the mark named its run


def failure_words(error: str) -> str:
    """Write why a run or a step has failed as a person reads it: the kernel's words count attempts in one form only."""
    return error.replace("failed after 1 attempts:", "failed after 1 attempt:")


def place_of(row: Mapping[str, Json]) -> str:
    """Return the place of a run in lists of runs: when it changed last, and which it is."""
    return f"{instant_micros(row['updated_at'])}-{row['run_id']}"


def _behind(rows: list[dict[str, Json]], cursor: str) -> list[dict[str, Json]]:
    """Return the rows behind a place; where its run has changed meanwhile, those that have not changed since."""
    moment = int(cursor.partition("-")[0])
    rest = [row for row in rows if instant_micros(row["updated_at"]) <= moment]
    seen = next((number for number, row in enumerate(rest, 1) if place_of(row) == cursor), 0)
    return rest[seen:]


def _once(asking: Iterable[RunState]) -> list[RunState]:
    """Leave out the runs that ask what another one asks for them too: the first to ask is shown."""
    shown: dict[str | None, RunState] = {}
    for run in asking:
        wait = run.waiting
        key = wait.wait_key if wait is not None and is_shared(wait) else run.run_id
        other = shown.setdefault(key, run)
        if (run.updated_at or "", run.run_id) < (other.updated_at or "", other.run_id):
            shown[key] = run
    return [*shown.values()]


def asks(run: RunState) -> bool:
    """Say whether a run waits for a person: a question, or an event that comes with words."""
    wait = run.waiting
    if run.status is not RunStatus.WAITING or wait is None or is_pause_wait(run):
        return False
    return wait.reason is WaitReason.USER or (wait.reason is WaitReason.EVENT and bool(wait.prompt))


def stages_of(wait: WaitState | None) -> dict[str, Json]:
    """Return until when a question may be answered, how often its person was reminded, and who had it before."""
    history = ((wait.details or {}).get("history") if wait is not None else None) or []
    passed = [each["from"] for each in history if "to" in each]
    reminded = sum(1 for each in history if "reminded" in each)
    return {"due": deadline_of(wait) or "", "reminded": reminded, "passed_from": passed[-1] if passed else ""}


def timed_out(given: Json) -> bool:
    """Say whether what a wait was answered with is only that its deadline had passed."""
    return bool(given == TIMED_OUT)


def tool_calls_of(run: RunState) -> list[dict[str, Json]]:
    """Return the calls of tools that a run asks a person to allow: id, name and arguments of each."""
    details = run.waiting.details if run.waiting is not None else None
    if not details or details.get("mode") != APPROVAL_REQUIRED:
        return []
    return [
        {
            "id": str(call.get("runtime_call_id") or call.get("call_id") or ""),
            "name": str(call.get("name") or ""),
            "arguments": call.get("arguments") or {},
        }
        for call in details.get(CALLS) or ()
    ]


def event_name(wait_key: str | None) -> str:
    """Return the event's own name out of the key that a run waits for."""
    return (wait_key or "").rsplit(":", 1)[-1]


def planned_attempt(wait: WaitState | None) -> dict[str, Json] | None:
    """Return which attempt at an effect a wait is for, of how many, and why the one before failed."""
    details = (wait.details if wait is not None else None) or {}
    if details.get("kind") != "retry":
        return None
    return {
        "attempt": int(details["attempt"]) + 1,
        "attempts": int(details["max_attempts"]),
        "error": str(details.get("error") or ""),
    }


def waiting_of(tree: Tree) -> dict[str, Json] | None:
    """Return what a tree waits for: its deepest question, else the root's own wait."""
    run = next(iter(tree.asking), tree.root)
    wait = run.waiting
    if wait is None or is_pause_wait(run):
        return None
    return {
        "reason": wait.reason.value,
        "wait_key": wait.wait_key,
        "prompt": wait.prompt,
        "stop": of_wait(wait),
        "choices": wait.choices,
        "allow_free_text": wait.allow_free_text,
        "until": deadline_of(wait),
        "node_id": visible(run.current_node),
        "run_id": run.run_id,
        "retry": planned_attempt(wait),
    }


def visible(node_id: str) -> str:
    """Return the node of the flow that an inner step belongs to."""
    return node_id.removesuffix("~")


def _is_listening(run: RunState) -> bool:
    return run.waiting is not None and run.waiting.reason is WaitReason.EVENT
