"""How a node type is declared.

A node type is one function with a decorator: its docstring is its help, its pins, fields and
examples are its contract. Palette, inspector, validation, lowering, execution, documentation and
tests all read the declaration; none of them names a type.

Five kinds: `event` (an entry), `pure` (a value, computed when read), `action` (does something to
the run's variables), `effect` (asks the world), `control` (chooses the way). They differ only in
what the function may return: values, `Goto`, `Finish`, an `Effect` or an `Ask`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from ..core.models import Effect
from .pin import ERROR_ATTEMPTS, ERROR_OUT, ERROR_PINS, EXEC_IN, EXEC_OUT, UNSET, Pin, by_id

Kind = Literal["event", "pure", "action", "effect", "control"]
Json = Any


@dataclass(frozen=True)
class Field:
    """A setting that is not a pin. `path` is dotted under `node.data`, as in `switchConfig.cases`.

    `type` is a pin type or "flow": the id of another flow, which is compiled and packed with this one.
    `words` say each of the `choices` to a person, in their order; without them they speak for themselves.
    """

    path: str
    type: str = "string"
    default: Json = None
    label: str = ""
    description: str = ""
    choices: tuple[str, ...] = ()
    widget: str | None = None
    was: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


ON_ERROR = Field(
    "onError",
    "string",
    "stop",
    "When it fails",
    "Stop: the run fails here. Branch: control leaves by the output On error. Continue: it goes on as "
    "if nothing had happened; its output `success` says whether it did its work.",
    choices=("stop", "branch", "continue"),
    words=("Stop: the run fails", "Branch: go on by “On error”", "Continue as if it had not failed"),
)


@dataclass(frozen=True)
class Grow:
    """Pins that an author may add: `side` "inputs" or "outputs".

    `names`: "letters" (a..z, then p26...), "then" (then:0, then:1...), or "free" (the author
    names them). `least` pins stay. `type` is the new pin's type and `description` says what each such
    pin is, unless the document says it.
    """

    side: Literal["inputs", "outputs"]
    names: Literal["letters", "then", "free"]
    least: int = 0
    type: str = "any"
    description: str = ""

    def pin(self, id: str, label: str | None = None) -> Pin:
        """Return a pin of this kind."""
        return Pin(id, self.type, description=self.description, label=label)


@dataclass(frozen=True)
class Example:
    """One use of a node with its result: shown as help and run as a test.

    `inputs` are pin values, `data` is merged into `node.data` (fields, extra pins). `outputs` is
    what the node must yield: for pure and action nodes the output pins; for control nodes
    `{"goto": pin, ...values}` or `{"finish": output}`; for effect nodes `{"effect": {"type",
    "payload"}}`, and when `reply` is given also the settled output pins under `"settled"`. `error` is
    the expected message part. `vars`, `frame` and `ambient` are what the node finds, `vars_after` the
    variables it leaves. `models` are those of the host, by provider; `ways` the wires that lead here, of which
    control came by the first.
    """

    inputs: Mapping[str, Json] = field(default_factory=dict)
    outputs: Mapping[str, Json] = field(default_factory=dict)
    data: Mapping[str, Json] = field(default_factory=dict)
    vars: Mapping[str, Json] = field(default_factory=dict)
    reply: Mapping[str, Json] | None = None
    error: str | None = None
    note: str = ""
    frame: Mapping[str, Json] = field(default_factory=dict)
    ambient: Json = None
    vars_after: Mapping[str, Json] | None = None
    models: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ways: tuple[str, ...] = ()


@dataclass(frozen=True)
class Offers:
    """What a host can do for nodes, said before a run; by default nothing.

    models     names of models by name of provider, in the order to show
    default    provider and model for nodes that name neither
    own        a provider's own model, by its name in lower case, for nodes that name no model
    tools      `{"name", "description", "parameters": JSON Schema}` by name of tool
    schemas    JSON schemas that a flow may name by `{"$ref": name}`, as abstractsemantics:...
    """

    models: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    default: tuple[str, str] | None = None
    own: Mapping[str, str] = field(default_factory=dict)
    tools: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    schemas: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)


@dataclass
class Call:
    """All that a node's function may see of the run.

    inputs      resolved pin values (wires and defaults; absent pins are missing keys)
    data        the node's settings, as in the document
    pins        ids of the node's declared data inputs, in order (for growing nodes)
    outs        ids of the node's declared outputs, in order (execution pins too)
    types       declared type of every data pin of this node, by id
    fed         ids of the data inputs that have a wire
    exits       ids of the execution outputs that have a wire, in the order of `outs`
    vars        the run's user variables: read and write through `nodes.variables` only
    frame       the loop frame of a control node ({} on first entry)
    ambient     the last node's output (only for nodes declared with `ambient=True`)
    run_id, node_id, flow_id, workflow_id, session_id, visit   identity
    now         the step's instant as ISO text, the same when the step is repeated
    arrived     in `settle`: the instant at which the reply was found, never before `now`
    random      a generator seeded by run, node and visit
    sandbox     runs the text of code nodes (see `visualflow_compiler.sandbox`)
    note        what the visit's record shall also say, as `{"printed": text}`; the node writes it
    came        the execution wire by which control came, as "<node>::<pin>", and `ways`, all that lead
                here in order (only for nodes declared with `knows_way=True`)
    most_turns  how many turns a counting or conditional loop may take
    wanted      ids of the outputs on demand that another node reads
    kept        what an `Ask` of this visit kept until its reply is here ({} before the first)
    offers      the models and tools that the host knows (see `Offers`)
    """

    inputs: dict[str, Json]
    data: Mapping[str, Json]
    pins: tuple[str, ...] = ()
    outs: tuple[str, ...] = ()
    types: Mapping[str, str] = field(default_factory=dict)
    fed: tuple[str, ...] = ()
    exits: tuple[str, ...] = ()
    vars: dict[str, Json] = field(default_factory=dict)
    frame: dict[str, Json] = field(default_factory=dict)
    ambient: Json = None
    run_id: str = ""
    node_id: str = ""
    flow_id: str = ""
    workflow_id: str = ""
    session_id: str = ""
    visit: int = 1
    now: str = ""
    arrived: str = ""
    random: Any = None
    sandbox: Any = None
    note: dict[str, Json] = field(default_factory=dict)
    came: str = ""
    ways: tuple[str, ...] = ()
    most_turns: int = 10_000
    wanted: tuple[str, ...] = ()
    kept: Mapping[str, Json] = field(default_factory=dict)
    offers: Offers = field(default_factory=Offers)

    def get(self, pin: str, default: Json = None) -> Json:
        """Return a pin's value, or `default` when the pin is absent (null is a value)."""
        return self.inputs.get(pin, default)


@dataclass(frozen=True)
class Goto:
    """Leave by an execution pin, with output values.

    `loop` is the frame to keep: control comes back to this node when the branch ends (at once, when
    the pin has no wire). None: the node is done with (its frame is dropped). Empty `outputs` leave
    the node's last outputs as they are, so a loop's values stay readable after its end. The pin ""
    leads nowhere: the branch ends at this node.
    """

    pin: str
    outputs: Mapping[str, Json] = field(default_factory=dict)
    loop: Mapping[str, Json] | None = None


@dataclass(frozen=True)
class Finish:
    """End the run with this output."""

    output: Mapping[str, Json]


@dataclass(frozen=True)
class Ask:
    """Ask the world and keep values until the reply is settled: `settle` finds them in `Call.kept`.

    A node that asks several things in one visit returns one `Ask` after the other.
    """

    effect: Effect
    keep: Mapping[str, Json] = field(default_factory=dict)


class NodeError(ValueError):
    """A node cannot do its work; the run fails there. `code` is stable, `pin` names the culprit."""

    def __init__(self, message: str, *, code: str = "node.failed", pin: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.pin = pin


class PassedOn(NodeError):
    """A failure that a guard lets through: it is told as it was, at the node where it happened."""

    def __init__(self, failure: Mapping[str, Json]) -> None:
        super().__init__(str(failure.get("message")), code=str(failure.get("code")))
        self.failure = dict(failure)


# What a declaration's function raises when a value or a document is not as it expects.
FAULTS = (NodeError, ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)

Carry = Literal["own", "before", "both"]
Shape = Callable[[Mapping[str, Json]], tuple[tuple[Pin, ...], tuple[Pin, ...]]]
Check = Callable[[Mapping[str, Json]], "list[Finding]"]


@dataclass(frozen=True)
class Finding:
    """What a node type's own check found in a node's data: becomes a Problem at that node.

    A finding that names an input pin is about the pin's unconnected value: it does not hold, and is
    dropped, when the pin has a wire. `sets` is what would mend it: values by dotted path under
    node.data; `label` says so on a button.
    """

    severity: Literal["error", "risk", "note"]
    code: str
    message: str
    pin: str | None = None
    sets: Mapping[str, Json] | None = None
    label: str = ""


@dataclass(frozen=True)
class Source:
    """Program text in a node: what a sandbox runs, and what it can check before.

    `function` is called with the inputs; `python` is "compact" or "full"; the first `skip_lines`
    lines are not the author's. `field` is the setting that holds the text.
    """

    text: str
    function: str
    python: Literal["compact", "full"] = "compact"
    skip_lines: int = 0
    field: str = ""


@dataclass(frozen=True)
class NodeType:
    """The whole declaration of a node type.

    `run` must not change what it is given (inputs are shared with the run's memory); it returns
    output pins, and an action may return any other JSON value, which is then read whole through the
    pins `result` and `output`. `settle` may also return Goto (an event that listens again when its
    branch ends returns one with a `loop`) or a further Effect or Ask; its call has the same inputs as
    the visit that asked, `frame`, and what the Ask kept. A run that ends at an effect node ends with its
    reply, or with its outputs when it `carries` them.

    `carries` says what the ambient value is after this node: "own" outputs, the one "before", or
    "both" (the earlier object with the outputs laid over); by default "own" for events and actions,
    "before" for effects and control. `seed` gives run variables (dotted names) their first values,
    from node.data. `main` is the output pin that `outputKey` stores (default: all outputs, for an
    effect its reply). `ends_with` names outputs told when a run ends here without an end node
    (of a type that carries its own: only these).
    `loops`: control comes back here by itself and the number of turns is bounded or meant to be
    endless; the first execution output is the branch that is repeated. `key` is the input that names
    what the effect does, so that the world does not do it twice; `safe` says, from node.data, that what is asked
    for changes nothing. `listens`: each such node gets a run of its own beside the flow's (`on_event`).
    `leaves`: each such step speaks to another computer, whatever is set.
    `converts`: makes of its first input a value of another type; where a wire is refused because types do not fit, the
    editor offers to put such a node between.
    `sentence` says in the outline what a node does with its values: `{prompt}` stands for what is at that pin or, with
    dots, at that setting; what stands in `[...]` is left out while one of its pins has nothing. `|name` takes a text
    without its quotes, `|unit` takes the plural away after a 1. Without it the outline lists the values.
    `seldom` names pins that most such nodes leave alone: the canvas folds them away until they are used.
    `gives`: such a step is there for what it gives and does nothing else (or says so from node.data), so one of
    which nobody reads anything is told.
    `rereads=False`: the inputs are read when a loop begins, not again at each of its turns (the call
    has none while it has a frame).
    """

    name: str
    kind: Kind
    family: str
    run: Callable[[Call], Any]
    label: str
    doc: str
    inputs: tuple[Pin, ...] = ()
    outputs: tuple[Pin, ...] = ()
    fields: tuple[Field, ...] = ()
    examples: tuple[Example, ...] = ()
    grows: Grow | None = None
    shape: Shape | None = None  # (node.data) -> (inputs, outputs) for pins that follow settings
    saved_pins: bool = False  # the document's own pins count (start, end, code, subflow...)
    settle: Callable[[Any, Call], Any] | None = None  # reply -> outputs
    carries: Carry | None = None
    seed: Callable[[Mapping[str, Json]], Mapping[str, Json]] | None = None
    main: str | None = None
    key: str | None = None
    safe: Callable[[Mapping[str, Json]], bool] | None = None
    ends_with: tuple[str, ...] = ()
    loops: bool = False
    listens: bool = False
    leaves: bool = False
    converts: bool = False
    seldom: tuple[str, ...] = ()
    sentence: str = ""
    gives: bool | Callable[[Mapping[str, Json]], bool] = False
    check: Check | None = None
    source: Callable[[Mapping[str, Json]], Source | None] | None = None  # program text in node.data
    upgrade: Callable[[dict[str, Json]], dict[str, Json]] | None = None
    template: Mapping[str, Json] = field(default_factory=dict)  # data of a new node
    keywords: tuple[str, ...] = ()
    was: tuple[str, ...] = ()
    once: bool = False  # a pure value that is drawn once per step for all readers
    fixed: bool = False  # a pure value that its settings say: the same in every run
    exits_follow: bool = False  # the ways out follow the settings: a wire of one that is gone goes too
    knows_way: bool = False  # is told by which wire control came
    ambient: bool = False  # may read the previous node's output
    origin: str = ""  # the package that brings the type; empty: this one
    guards: bool = False  # while it has a frame, a failure comes back to it, as `failure` in its frame
    forks: bool = False  # its branches may wait at once; its frame says how many are `left` to begin
    turns_on: str = ""  # the input that is read before each turn of a loop and says whether there is one
    reads: str = ""  # a value of the run's variables: where its name stands in node.data, dotted
    writes: str = ""  # the input that names the variable which a step sets, or holds several by their names
    rereads: bool = True  # a control node's inputs are resolved at every turn
    palette: bool = True

    @property
    def is_exec(self) -> bool:
        """Whether control passes through the node."""
        return self.kind != "pure"

    @property
    def asks(self) -> bool:
        """Whether the node may ask something of the world."""
        return self.kind == "effect" or self.settle is not None

    @property
    def may_fail(self) -> bool:
        """Whether the author may say what happens when a step of this type fails."""
        return self.kind in ("action", "effect")

    @property
    def ambience(self) -> Carry:
        """What the ambient value is after this node."""
        return self.carries or ("own" if self.kind in ("event", "action") else "before")

    @cached_property
    def inputs_by_id(self) -> Mapping[str, Pin]:
        """The declared inputs by their ids."""
        return by_id(self.inputs)

    @cached_property
    def outputs_by_id(self) -> Mapping[str, Pin]:
        """The declared outputs by their ids."""
        return by_id(self.outputs)

    @cached_property
    def judged(self) -> tuple[Field, ...]:
        """The settings that can be wrong by themselves: those with choices, and flows."""
        return tuple(each for each in self.fields if each.choices or each.type == "flow")

    @property
    def summary(self) -> str:
        """The first line of the help text."""
        return self.doc.strip().split("\n", 1)[0]


def _declare(kind: Kind, name: str, family: str, **rest: Any) -> Callable[[Any], NodeType]:
    def wrap(run: Callable[[Call], Any]) -> NodeType:
        doc = (run.__doc__ or "").strip()
        if not doc:
            raise TypeError(f"Node type '{name}' needs a docstring: it is the help text.")
        label = rest.pop("label", None) or name.replace("_", " ").capitalize()
        if kind in ("action", "effect"):
            rest["fields"] = (*rest.get("fields", ()), ON_ERROR)
        return NodeType(name=name, kind=kind, family=family, run=run, label=label, doc=doc, **rest)

    return wrap


def event(name: str, *, family: str, **rest: Any) -> Callable[[Any], NodeType]:
    """Declare an entry of a flow."""
    return _declare("event", name, family, **rest)


def pure(name: str, *, family: str, **rest: Any) -> Callable[[Any], NodeType]:
    """Declare a value that is computed when read. The function returns its output pins."""
    return _declare("pure", name, family, **rest)


def action(name: str, *, family: str, **rest: Any) -> Callable[[Any], NodeType]:
    """Declare a step inside the run. The function returns its output pins."""
    return _declare("action", name, family, **rest)


def effect(name: str, *, family: str, **rest: Any) -> Callable[[Any], NodeType]:
    """Declare a step that asks the world. The function returns an Effect; `settle` reads the reply."""
    return _declare("effect", name, family, **rest)


def control(name: str, *, family: str, **rest: Any) -> Callable[[Any], NodeType]:
    """Declare a step that chooses the way. The function returns Goto or Finish."""
    return _declare("control", name, family, **rest)


__all__ = [
    "ERROR_ATTEMPTS",
    "ERROR_OUT",
    "ERROR_PINS",
    "EXEC_IN",
    "EXEC_OUT",
    "FAULTS",
    "ON_ERROR",
    "UNSET",
    "Ask",
    "Call",
    "Effect",
    "Example",
    "Field",
    "Finding",
    "Finish",
    "Goto",
    "Grow",
    "NodeError",
    "NodeType",
    "Offers",
    "PassedOn",
    "Pin",
    "Source",
    "action",
    "by_id",
    "control",
    "effect",
    "event",
    "pure",
]
