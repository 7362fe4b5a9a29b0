"""What is asked of runs at the JSON door when they start, and of trial runs: where they stop."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from abstractruntime.visualflow_compiler.expressions import MOST

from .models import Asked, Json, Name

MOST_WAIT_SECONDS = 60
MOST_CLOCK_FACTOR = 1_000_000


class Anywhere(Asked):
    """Where a trial run stops wherever it is. `errors`: before an error goes its way; `outside`: before each step that
    acts outside; `cost`: once it has cost more, with all that it has started.
    """

    errors: bool = False
    outside: bool = False
    cost: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class Trial(Asked):
    """What is asked of a run of the draft beyond its program. `pins`: pinned outputs stand for their nodes.

    `breaks`: it stops at the breakpoints of its flows; `to`: once before this node; `step`: before the first one.
    `anywhere`: at these, wherever it is. `asks`: before each step that acts outside it waits for a yes.
    """

    pins: bool = False
    breaks: bool = False
    to: Name | None = None
    step: bool = False
    asks: bool = False
    anywhere: Anywhere | None = None


class Launch(Asked):
    """What to run, with the values of its start node: a flow of the library, or of an installed bundle (`bundle_ref`
    is `id` or `id@version`, `flow_id` then one of its entries). `draft`: the flow as it is edited, not as published.

    `document`: the flow `flow_id` (else by its own `id`) as it stands here, in place of the draft; it is kept with the
    run, and nowhere else.
    `trial` asks more of a run of the draft, for trying it. With `wait_seconds` the answer comes when the run is over,
    waits for something outside of it, or the time is up: then it tells how the run stands. With a `clock_factor` the
    run waits so many times shorter, for delays, dates and deadlines: with 86400 a day takes a second. Its ledger says so.
    """

    flow_id: Name | None = None
    bundle_ref: Name | None = None
    inputs: dict[str, Json] = Field(default_factory=dict)
    session_id: Name | None = None
    draft: bool = False
    trial: Trial | None = None
    document: dict[str, Json] | None = None
    wait_seconds: Annotated[float, Field(ge=0, le=MOST_WAIT_SECONDS)] = 0
    clock_factor: Annotated[float, Field(ge=1, le=MOST_CLOCK_FACTOR)] = 1

    @model_validator(mode="after")
    def _says_what(self) -> Launch:
        if self.flow_id is None and self.document is not None and isinstance(self.document.get("id"), str):
            self.flow_id = self.document["id"]
        if self.flow_id is None and self.bundle_ref is None:
            raise ValueError(
                "Name what to run: `flow_id`, a `document` with an `id`, or `bundle_ref` for an installed bundle."
            )
        if self.bundle_ref is not None and (self.draft or self.trial or self.document is not None):
            raise ValueError("An installed bundle has no draft: leave out `draft`, `trial` and `document`.")
        return self


class Breakpoint(Asked):
    """A breakpoint before or after a node, or on the wire that leaves it by the execution output `pin`.

    `when`: an expression that must hold, over the node's inputs before it, over its outputs else, and variables.
    """

    node: Name
    at: Literal["before", "after", "wire"] = "before"
    pin: Annotated[str, Field(max_length=400)] = ""
    when: Annotated[str, Field(max_length=MOST)] = ""

    @model_validator(mode="after")
    def _says_where(self) -> Breakpoint:
        if (self.at == "wire") != bool(self.pin):
            raise ValueError(
                "A breakpoint on a wire names the execution output, as `pin`; any other does not."
            )
        return self


class Breakpoints(Asked):
    """The breakpoints of a flow as they are now: `nodes` before which the run stops, and `places` of other kinds.

    `to`: the run stops once before this node, too. `anywhere`: what it stops at wherever it is; none leaves it as it was.
    """

    flow_id: Name
    nodes: Annotated[list[Name], Field(max_length=10_000, default_factory=list)]
    places: Annotated[list[Breakpoint], Field(max_length=10_000, default_factory=list)]
    to: Name | None = None
    anywhere: Anywhere | None = None
