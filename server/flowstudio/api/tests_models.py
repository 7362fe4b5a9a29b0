"""The shapes of requests and answers about tests of flows."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from .models import Asked, Name

Json = Any
Check = Literal["way", "outputs", "files", "effects"]
TestName = Annotated[str, Field(min_length=1, max_length=120)]


class Making(Asked):
    """The run of which a test is made; without a name it gets one by its inputs."""

    run_id: Name
    name: TestName | None = None
    checks: list[Check] | None = None


class Changing(Asked):
    """What changes of a test: its name, what it checks, the paths that it ignores."""

    name: TestName | None = None
    checks: list[Check] | None = None
    ignore: list[Annotated[str, Field(max_length=400)]] | None = None


class Playing(Asked):
    """On what a test is played: `draft`, `published` or the number of a version."""

    of: Annotated[str, Field(max_length=20)] = "draft"


class PartingRow(BaseModel):
    """One difference: what it is about, where, and both sides. `path` is what `ignore` would have ignored."""

    kind: str
    words: str
    flow: str
    node_id: str
    label: str
    path: str
    expected: str
    found: str


class ResultRow(BaseModel):
    """How a test went: `passed`, `failed`, or `broken` where the flow cannot run; the first difference is first."""

    state: str
    at: str
    ms: float
    of: str
    differences: list[PartingRow]


class FlowTestRow(BaseModel):
    """A test of a flow. `result` is the last one, null before the first."""

    id: str
    name: str
    run_id: str
    version: int | None
    made_at: str
    checks: list[str]
    ignore: list[str]
    result: ResultRow | None


class FlowTestList(BaseModel):
    """The tests of a flow, by name, and why files among them cannot be read."""

    tests: list[FlowTestRow]
    broken: dict[str, str]


class PastRunRow(BaseModel):
    """A past run on the version: `same`, `differs`, `open` (not recorded from there on) or `left_out`; how, and where."""

    run_id: str
    started_at: str
    state: str
    words: str
    flow: str
    node_id: str
    label: str


class PastRunList(BaseModel):
    """Past runs, the newest first. `is_cut` when time was up before all of them were played."""

    of: str
    runs: list[PastRunRow]
    is_cut: bool
