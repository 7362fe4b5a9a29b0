"""Recording: what came to a run from outside, and a layer that gives it again in place of the outside.

`Player` is a handler for each of `OUTSIDE`: it answers a request by type and digest of its payload, each recorded
reply once, in the order of the recording, first those of the same node. What was never asked is a failure of the
effect and is told as a `Miss`; nothing is sent anywhere. `on_miss="fail"` is what a test wants. A fork whose effects
are "recorded" reads the parent's recording (`reading.recording_of`) and asks `Player.reply_to` first, before it lets a
handler act: None stands for a request that the parent never made, where the fork has to stop and say so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

from abstractruntime.core.effects import EffectOutcome
from abstractruntime.core.models import Effect, EffectType, RunState
from abstractruntime.storage.codec import wait_from_json

from .leaves import Other, digest, others, said, stray
from .moments import Moments

Json = Any

# What the kernel does by itself, with runs and their waits only.
INSIDE = frozenset(
    {
        EffectType.WAIT_EVENT,
        EffectType.WAIT_UNTIL,
        EffectType.ASK_USER,
        EffectType.ANSWER_USER,
        EffectType.EMIT_EVENT,
        EffectType.VARS_QUERY,
        EffectType.START_SUBWORKFLOW,
        EffectType.AWAIT_RUNS,
        EffectType.CARRY_WAIT,
    }
)
OUTSIDE = tuple(each for each in EffectType if each not in INSIDE)
WRITES = frozenset(
    {EffectType.WRITE_FILE, EffectType.APPEND_FILE, EffectType.WRITE_PDF, EffectType.EXPORT_ARTIFACT}
)
NEVER_THE_SAME = ("tool_calls.tool_calls[*].runtime_call_id",)  # the kernel's own number of a call


@dataclass(frozen=True)
class Place:
    """Where something happened: a node of a flow, in a run."""

    run_id: str
    flow: str
    node_id: str


@dataclass(frozen=True)
class Reply:
    """What one attempt at an effect gave: its `result`, and its `error` or the `wait` that it led to.

    Attempts of one visit have the same `visit`.
    """

    place: Place
    type: str
    request: Mapping[str, Json]
    status: str
    at: str
    visit: str = ""
    result: Json = None
    error: str = ""


@dataclass(frozen=True)
class Answer:
    """What a wait for a person, an event or a job was answered with; nothing when its time ran out."""

    place: Place
    at: str
    payload: Json = None
    by: str = ""
    is_late: bool = False


@dataclass(frozen=True)
class Recording:
    """All that came to a run from outside. `offers` are the models that nodes were told of.

    `cancelled_at` is when somebody ended it, empty for a run that came to its own end.
    """

    run_id: str
    session_id: str
    actor_id: str
    started_at: str
    workflow: str
    replies: tuple[Reply, ...] = ()
    answers: tuple[Answer, ...] = ()
    offers: Mapping[str, Json] = field(default_factory=dict)
    cancelled_at: str = ""
    cancelled_for: str = ""

    def to_json(self) -> dict[str, Json]:
        """Return it as plain JSON."""
        return {
            "run_id": self.run_id,
            "session_id": self.session_id,
            "actor_id": self.actor_id,
            "started_at": self.started_at,
            "workflow": self.workflow,
            "offers": dict(self.offers),
            **(
                {"cancelled_at": self.cancelled_at, "cancelled_for": self.cancelled_for}
                if self.cancelled_at
                else {}
            ),
            "replies": [{**vars(each), "place": vars(each.place)} for each in self.replies],
            "answers": [{**vars(each), "place": vars(each.place)} for each in self.answers],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Json]) -> Recording:
        """Read it; raise KeyError, TypeError or ValueError for what is no recording."""
        replies = tuple(Reply(**{**each, "place": Place(**each["place"])}) for each in data["replies"])
        answers = tuple(Answer(**{**each, "place": Place(**each["place"])}) for each in data["answers"])
        return cls(
            str(data["run_id"]),
            str(data["session_id"]),
            str(data["actor_id"]),
            str(data["started_at"]),
            str(data["workflow"]),
            replies,
            answers,
            dict(data.get("offers") or {}),
            str(data.get("cancelled_at") or ""),
            str(data.get("cancelled_for") or ""),
        )


@dataclass(frozen=True)
class Miss:
    """A request that the recording does not know, and how it differs from the nearest one that it knows."""

    place: Place
    type: str
    differs: tuple[Other, ...] = ()

    @property
    def words(self) -> str:
        """Say what is wrong in a sentence."""
        if not self.differs:
            return f"The recording has no further reply to {self.type}."
        first, more = self.differs[0], len(self.differs) - 1
        rest = (
            f" And {more} more fields differ." if more > 1 else " And one more field differs." if more else ""
        )
        return (
            f"{self.type} asks for something that was not recorded: `{first.path}` is {said(first.after)}, "
            f"in the nearest recorded request it is {said(first.before)}.{rest}"
        )


class Player:
    """Answers effects from a recording. Safe to call from several threads.

    `left_out` are paths of requests that do not matter (`notify.message`). Requests of a type in `loose` are
    answered in the order of their node, whatever they ask; `strayed` then tells the paths that differed.
    `cover` is what was done to the requests of the recording so that no secret is in them.
    """

    external = False  # nothing is reached: no step has to be claimed first

    def __init__(
        self,
        recording: Recording,
        moments: Moments,
        *,
        left_out: Iterable[str] = (),
        loose: Collection[EffectType] = (),
        cover: Callable[[Json], Json] = lambda request: request,
    ) -> None:
        self._moments = moments
        self._cover = cover
        self._left_out = (*NEVER_THE_SAME, *left_out)
        self._loose = frozenset(loose)
        self._unused = {id(each): each for each in recording.replies}
        self._by_request: dict[str, list[Reply]] = {}
        for each in recording.replies:
            self._by_request.setdefault(self._digest(each.type, each.request), []).append(each)
        self._lock = RLock()
        self.misses: list[Miss] = []
        self.strayed: set[str] = set()

    def handlers(self) -> dict[EffectType, Any]:
        """Return who answers each effect that would reach out."""
        return dict.fromkeys(OUTSIDE, self)

    def __call__(self, run: RunState, effect: Effect, next_node: str | None = None) -> EffectOutcome:
        """Answer an effect; one that was not recorded fails."""
        if (
            run.waiting is not None
        ):  # the runtime tells somebody of a question that is open: no step asks for it
            return EffectOutcome.completed({})
        with self._lock:
            found = self.reply_to(run, effect)
            if found is None:
                miss = self._missed(run, effect)
                self.misses.append(miss)
                return EffectOutcome.failed(miss.words, retryable=False)
            self._moments.move(found.at)
            return self._outcome(found, effect, next_node)

    def reply_to(self, run: RunState, effect: Effect) -> Reply | None:
        """Take the recorded reply to a request, the next one that is left; None when there is none."""
        place, kind = place_of(run), effect.type.value
        with self._lock:
            asked = self._cover(effect.payload)
            wanted = self._digest(kind, asked)
            same = [each for each in self._by_request.get(wanted, ()) if id(each) in self._unused]
            found = _nearest(place, same)
            if found is None and effect.type in self._loose:
                alike = (each for each in self.unused if each.type == kind and _is_at(each.place, place))
                found = next(alike, None)
                if found is not None:
                    differs = others(found.request, asked, self._left_out, kind)
                    self.strayed |= {stray(each) for each in differs}
            if found is not None:
                del self._unused[id(found)]
            return found

    @property
    def unused(self) -> list[Reply]:
        """Return the replies that nobody has asked for."""
        return list(self._unused.values())

    def _outcome(self, found: Reply, effect: Effect, next_node: str | None) -> EffectOutcome:
        if found.status == "completed":
            return EffectOutcome.completed(found.result)
        if found.status == "waiting":
            wait = wait_from_json(found.result["wait"])
            if wait is None:
                return EffectOutcome.failed(
                    "The recording holds a wait that cannot be read.", retryable=False
                )
            if wait.result_key is None or not wait.result_key.startswith("_runtime."):
                wait.result_key, wait.resume_to_node = effect.result_key, next_node or wait.resume_to_node
            return EffectOutcome.waiting(wait)
        may_repeat = bool(found.visit) and any(each.visit == found.visit for each in self.unused)
        return EffectOutcome.failed(found.error, retryable=may_repeat, known=_known(found.result))

    def _missed(self, run: RunState, effect: Effect) -> Miss:
        place, kind = place_of(run), effect.type.value
        same = [each for each in self.unused if each.type == kind]
        near = [each for each in same if each.place.node_id == place.node_id] or same
        asked = self._cover(effect.payload)
        told = [tuple(others(each.request, asked, self._without(kind))) for each in near]
        return Miss(place, kind, min(told, key=len, default=()))

    def _without(self, kind: str) -> list[str]:
        return [each.removeprefix(f"{kind}.") for each in self._left_out if each.startswith(f"{kind}.")]

    def _digest(self, kind: str, request: Mapping[str, Json]) -> str:
        return f"{kind}:{digest(request, self._left_out, kind)}"


def place_of(run: RunState) -> Place:
    """Return where a run stands."""
    return Place(run.run_id, flow_key(run.workflow_id), run.current_node.removesuffix("~"))


def flow_key(workflow_id: str) -> str:
    """Return which flow a workflow was made from, whatever its revision."""
    return workflow_id.rpartition("@")[0] or workflow_id


def _nearest(place: Place, found: Iterable[Reply]) -> Reply | None:
    """Return the first reply of this node, in this run if there is one; else the first of them all."""

    def rank(reply: Reply) -> tuple[bool, bool]:
        return not _is_at(reply.place, place), reply.place.run_id != place.run_id

    return min(found, key=rank, default=None)


def _is_at(one: Place, other: Place) -> bool:
    return (one.flow, one.node_id) == (other.flow, other.node_id)


def _known(result: Json) -> dict[str, Json] | None:
    """Return what a failed attempt's record tells beside the words that the engine adds to it."""
    if not isinstance(result, Mapping):
        return None
    told = result.get("error")
    facts = {
        key: value
        for key, value in (told.items() if isinstance(told, Mapping) else ())
        if key not in ("code", "message", "node_id")
    }
    return {
        **{key: value for key, value in result.items() if key != "error"},
        **({"error": facts} if facts else {}),
    }
