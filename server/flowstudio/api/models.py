"""The shapes of requests and answers at the JSON door.

Requests refuse fields that nobody knows; answers describe what is always there.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from abstractruntime.core.fork import Effects

Json = Any
Name = Annotated[str, Field(min_length=1, max_length=400)]


class Asked(BaseModel):
    """A request's body: exact types, no unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True)


class FlowRow(BaseModel):
    """A flow in the list; the document itself is read by its id."""

    id: str
    name: str
    description: str
    interfaces: list[str]
    updated_at: str
    revision: str
    node_count: int


class BrokenRow(BaseModel):
    """A file of the library that holds no flow that can be read, and why."""

    file: str
    reason: str


class FlowList(BaseModel):
    """All flows of the library, by name."""

    flows: list[FlowRow]
    broken: list[BrokenRow]


class ProblemRow(BaseModel):
    """Something wrong with a flow: where, what, and a change that mends it when one is known."""

    severity: str
    code: str
    node: str | None = None
    pin: str | None = None
    message: str
    fix: dict[str, Json] | None = None
    line: int | None = None


class ProblemList(BaseModel):
    """What a check found; errors prevent a run, risks and notes do not."""

    problems: list[ProblemRow]


class Upgrade(BaseModel):
    """What is written in the words of an older version, and the changes that write it in today's."""

    differences: list[ProblemRow]
    changes: list[dict[str, Json]]


class Saved(ProblemList):
    """A saved flow: its new revision, and what a check found."""

    revision: str


class Created(Saved):
    """A new flow with the id that it was given."""

    id: str


class SavedEdit(Saved):
    """A saved edit: the number of its last row in the log; `is_told` is false when the commands did not
    lead to the document and the log has only the outcome."""

    seq: int
    is_told: bool


class EditRow(BaseModel):
    """One row of the edit log; `before` and `after` are revisions, `inverse` takes `changes` back."""

    seq: int
    at: str
    actor: str
    how: str
    label: str
    joins: bool
    before: str
    after: str
    changes: list[dict[str, Json]]
    inverse: list[dict[str, Json]]


class EditPage(BaseModel):
    """Rows of the edit log in order; `seq` is the newest of all, `revision` the flow's now."""

    revision: str
    seq: int
    edits: list[EditRow]


class ClashRow(BaseModel):
    """A place that both sides of a merge changed; what is absent is null and said so."""

    id: str
    node: str
    title: str
    field: str
    base: Json
    mine: Json
    theirs: Json
    has_mine: bool
    has_theirs: bool


class MergePage(BaseModel):
    """A merge: where the flow stands (`revision`, `seq`), the `edits` that lead there from the base, the
    `changes` from there to the merged document, and the conflicts that still need a choice."""

    revision: str
    seq: int
    edits: list[EditRow]
    document: dict[str, Json]
    changes: list[dict[str, Json]]
    clashes: list[ClashRow]


class StepRow(BaseModel):
    """A step of undo or redo: what it did or will do, and what takes that back."""

    seq: int
    at: str
    actor: str
    label: str
    changes: list[dict[str, Json]]
    undo: list[dict[str, Json]]


class StepPage(BaseModel):
    """Steps to undo and to redo, the next one last; `more` older ones come with `before`."""

    revision: str
    seq: int
    done: list[StepRow]
    undone: list[StepRow]
    more: int


class VersionRow(BaseModel):
    """A version of a flow; `why` says what made it, `said` what changed since the one before."""

    number: int
    at: str
    actor: str
    why: str
    name: str
    revision: str
    said: str
    runs: int
    is_published: bool


class VersionList(BaseModel):
    """Versions, the newest first; `published` is the number of the one that runs begin with."""

    versions: list[VersionRow]
    published: int | None


class Naming(Asked):
    """A name for a version."""

    name: Annotated[str, Field(min_length=1, max_length=200)]


class Publishing(Asked):
    """A version to publish, or the draft; `revision` is the draft's that was looked at."""

    version: int | None = None
    revision: str | None = None


class FieldRow(BaseModel):
    """A value that differs; what is absent is null and said so."""

    path: str
    before: Json
    after: Json
    has_before: bool
    has_after: bool


class NodeDifference(BaseModel):
    """A node that is `added`, `removed`, `changed` or only `moved`."""

    state: str
    id: str
    title: str
    type: str
    fields: list[FieldRow]


class WireDifference(BaseModel):
    """A wire that is `added` or `removed`."""

    state: str
    source: str
    source_title: str
    source_pin: str
    target: str
    target_title: str
    target_pin: str


class DifferencePage(BaseModel):
    """All that differs between two versions."""

    sentence: str
    flow: list[FieldRow]
    nodes: list[NodeDifference]
    wires: list[WireDifference]


class Shaping(Asked):
    """A node type with the settings that decide its pins."""

    type: Name
    data: dict[str, Json] = {}


class Shape(BaseModel):
    """The pins that a node has with these settings."""

    inputs: list[dict[str, Json]]
    outputs: list[dict[str, Json]]


class Emitting(Asked):
    """An event, and whom it is for: the `scope` says which of the ids counts (for `global` none)."""

    name: Name
    scope: Literal["session", "workflow", "run", "global"] = "session"
    session_id: Name | None = None
    workflow_id: Name | None = None
    run_id: Name | None = None
    payload: dict[str, Json] = {}


class Signalling(Asked):
    """What a run that waits under a key is given."""

    payload: Json = None


class Woken(BaseModel):
    """The runs that an event has woken."""

    runs: list[str]


class Forking(Asked):
    """What a fork begins with. `seq`: the entry of the ledger of the run named, none for now, 0 for before the first.

    `outputs`: what steps gave, by node and output. `effects` none: it asks before it acts outside where the run has
    acted outside after that entry. `recorded`: it takes the replies that the run got to the same requests after that
    entry, and asks where there is none. `version`: `same` goes on as the run began, `draft` with the flow as it is now,
    `published` with its published version; 409 says what of the run does not fit that one.
    """

    seq: Annotated[int, Field(ge=0)] | None = None
    inputs: dict[str, Json] = {}
    variables: dict[str, Json] = {}
    outputs: dict[str, dict[str, Json]] = {}
    effects: Effects | None = None
    version: Literal["same", "draft", "published"] = "same"
    reason: Annotated[str, Field(max_length=2000)] | None = None


class NodeOutputs(BaseModel):
    """What a node gave in one visit, whole, and the execution output by which it left; empty for a value node."""

    outputs: dict[str, Json]
    exit: str


class Reason(Asked):
    """Why a run is paused or cancelled."""

    reason: Annotated[str, Field(max_length=2000)] | None = None


class RunStanding(BaseModel):
    """Where a run stands after a command."""

    run_id: str
    status: str
    paused: bool


class RunRow(BaseModel):
    """A run in the list. `recording`: it only shows what a starter flow did when its first test was made."""

    run_id: str
    flow_id: str
    flow_name: str
    status: str
    current_node: str
    paused: bool
    created_at: str
    updated_at: str
    session_id: str | None
    parent_run_id: str | None
    recording: bool


class RunList(BaseModel):
    """Runs, the newest first; `next` is the `cursor` of those behind them, null where there are none."""

    runs: list[RunRow]
    next: str | None = None


class Attempt(BaseModel):
    """A planned attempt at a step, from 1, and the error of the one before."""

    attempt: int
    attempts: int
    error: str


class Waiting(BaseModel):
    """What a run waits for; of a tree the deepest question to a person, else the run's own wait.

    `stop` says why a trial run has stopped before `node_id`: "breakpoint", "step" or "to"; empty for other waits.
    `retry` of one that waits for a further attempt at a step: which, of how many, and the error of the one before.
    """

    reason: str
    wait_key: str | None
    prompt: str | None
    choices: list[str] | None
    allow_free_text: bool
    until: str | None
    node_id: str
    run_id: str
    stop: str = ""
    retry: Attempt | None = None


class Away(BaseModel):
    """How often, and for how many seconds in all, the server was away while a run lived; effects begun again for it."""

    times: int
    seconds: float
    repeated: int


class Usage(BaseModel):
    """What the model calls of a run, and of all that it has started, have used; `cost` by the providers' prices."""

    calls: int
    tokens: int
    cost: float


class RunPage(RunRow):
    """All about one run but its records; `prompts` are rows as in `GET /api/prompts`, `version` is the flow's.

    `state` is the `status` again, under the name that the contract with outside clients gives it.
    """

    state: str
    output: Json
    error: str | None
    waiting: Waiting | None
    failed_node: str | None
    pause_reason: str | None
    away: Away | None
    used: Usage
    version: int | None
    prompts: list[dict[str, Json]]


class Deprecation(BaseModel):
    """Since when somebody should not be started any more, who said so, and why."""

    at: str
    by: str
    reason: str


class Launched(BaseModel):
    """A started run and its session; `run` tells how it stands where the request has waited for that.

    `deprecated`: the version of the bundle that was named should not be started any more.
    """

    run_id: str
    session_id: str
    run: RunPage | None = None
    deprecated: Deprecation | None = None


class Variables(BaseModel):
    """Values by name."""

    values: dict[str, Json]


class LedgerPage(BaseModel):
    """Records of a run and its children in order; ask again with `after=next`."""

    records: list[dict[str, Json]]
    next: int


class SigningIn(Asked):
    """A one-time login token, or the API token."""

    token: Annotated[str, Field(min_length=1, max_length=400)]


class Health(BaseModel):
    """Whether the server can do its work."""

    status: str
    version: str
