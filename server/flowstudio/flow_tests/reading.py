"""Reads a run off its ledger: what came from outside, and what the run did.

The run of a person and the run of a test are read by the same functions, so that they can be compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from abstractruntime.core.jsonsafe import encode
from abstractruntime.core.models import EffectType, RunState, RunStatus, WaitReason
from abstractruntime.core.records import FORK
from abstractruntime.core.vars import clock_factor
from abstractruntime.integrations.hiding import COVER, hidden
from abstractruntime.storage.base import PlacedRecord
from abstractruntime.visualflow_compiler.stops import is_told_by
from abstractruntime.visualflow_compiler.trial import asked

from ..runner_retry import RETRY
from ..runner_views import timed_out
from ..runner_visits import Visit, fold
from .leaves import digest
from .recording import INSIDE, OUTSIDE, WRITES, Answer, Place, Recording, Reply, flow_key

Json = Any
States = Mapping[str, RunState]
LONGEST_GAVE = 300
SECRET_HEADERS = ("auth", "key", "token", "secret", "password", "cookie")
_ANSWERED = frozenset(each.value for each in (WaitReason.USER, WaitReason.EVENT, WaitReason.JOB))
_COUNTED = frozenset(
    each.value
    for each in EffectType
    if each not in INSIDE or each in (EffectType.ASK_USER, EffectType.ANSWER_USER)
)
_OUTSIDE = frozenset(each.value for each in OUTSIDE)
_WRITES = frozenset(each.value for each in WRITES)


@dataclass(frozen=True)
class Way:
    """The way of one run through its flow: its visits, each with node, exit, instant and what it gave."""

    run_id: str
    flow: str
    visits: tuple[Mapping[str, Json], ...]


@dataclass(frozen=True)
class Deeds:
    """What a run did, and its subflows: what a test can check."""

    status: str
    output: Json = None
    error: str = ""
    ways: tuple[Way, ...] = ()
    messages: tuple[Mapping[str, Json], ...] = ()
    files: tuple[Mapping[str, Json], ...] = ()
    effects: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        """Return it as plain JSON."""
        ways = [{"run_id": each.run_id, "flow": each.flow, "visits": list(each.visits)} for each in self.ways]
        return {
            "status": self.status,
            "output": self.output,
            "error": self.error,
            "messages": list(self.messages),
            "files": list(self.files),
            "effects": dict(self.effects),
            "ways": ways,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Json]) -> Deeds:
        """Read it; raise KeyError or TypeError for what is none."""
        ways = tuple(Way(each["run_id"], each["flow"], tuple(each["visits"])) for each in data["ways"])
        return cls(
            str(data["status"]),
            data["output"],
            str(data["error"]),
            ways,
            tuple(data["messages"]),
            tuple(data["files"]),
            dict(data["effects"]),
        )

    def moments(self) -> list[tuple[tuple[str, str, str], str]]:
        """Return when each node was visited, in order."""
        return [
            ((way.run_id, way.flow, visit["node"]), visit["at"])
            for way in self.ways
            for visit in way.visits
            if visit["at"]
        ]


def recording_of(
    records: Sequence[PlacedRecord], states: States, root: RunState, offers: Mapping[str, Json]
) -> Recording:
    """Return what came from outside to a run and the runs below it."""
    replies, answers = [], []
    for placed in _own(records):
        record = placed.record
        effect = record.get("effect")
        if not isinstance(effect, Mapping) or placed.run_id not in states or is_told_by(record):
            continue  # where somebody had a trial run stop is no part of what it does
        place = _place(placed, states)
        if effect.get("type") == "resume":
            answers += _answer(record, effect.get("payload") or {}, place, states)
        elif (reply := _reply(record, effect, place)) is not None:
            replies.append(reply)
    return Recording(
        root.run_id,
        root.session_id or root.run_id,
        root.actor_id or "",
        root.created_at,
        root.workflow_id,
        tuple(replies),
        tuple(answers),
        offers,
        *((root.updated_at, root.error or "") if root.status is RunStatus.CANCELLED else ()),
    )


def why_unlike(records: Iterable[PlacedRecord], root: RunState) -> str:
    """Say why a run is none that the flow would make by itself from its start, nothing for any other."""
    if clock_factor(root.vars) != 1:
        return "This run went by a fast clock"
    if asked(root.vars).get("pins"):
        return "This run took pinned outputs in place of what its nodes give"
    for placed in records:
        effect = placed.record.get("effect") or {}
        payload = effect.get("payload") or {}
        if effect.get("type") == FORK:
            return "This run is a fork: it did not begin at the start of the flow"
        if effect.get("type") == "resume" and str(payload.get("wait_key")).startswith(f"{RETRY}:"):
            return "This run was continued after it had failed"
    return ""


def _own(records: Iterable[PlacedRecord]) -> list[PlacedRecord]:
    """Return the records without those of stops: a breakpoint is no step of the flow."""
    return [each for each in records if not is_told_by(each.record)]


def deeds_of(records: Sequence[PlacedRecord], states: States, root: RunState) -> Deeds:
    """Return what a run did, and the runs below it."""
    records = _own(records)
    order = dict.fromkeys([root.run_id, *(each.run_id for each in records if each.run_id in states)])
    own = {run_id: [each for each in records if each.run_id == run_id] for run_id in order}
    ways = [
        Way(run_id, flow_key(states[run_id].workflow_id), tuple(_step(visit) for visit in fold(own[run_id])))
        for run_id in order
    ]
    done = [
        each
        for run_id in order
        for each in own[run_id]
        if isinstance(each.record.get("effect"), Mapping) and not is_told_by(each.record)
    ]
    return Deeds(
        root.status.value,
        root.output,
        root.error or "",
        tuple(ways),
        tuple(_message(each) for each in done if _is(each, "answer_user") and _is_completed(each)),
        tuple(_file(each) for each in done if _type(each) in _WRITES and _is_completed(each)),
        dict(sorted(_counts(done).items())),
    )


def without_secrets(value: Json, secrets: tuple[str, ...]) -> Json:
    """Return a value with no secret in it: those known, and what stands in a header that carries one."""
    if isinstance(value, Mapping):
        covered = {}
        for key, item in value.items():
            is_headers = str(key).lower() == "headers" and isinstance(item, Mapping)
            covered[key] = _headers(item) if is_headers else without_secrets(item, secrets)
        return hidden(covered, secrets)
    if isinstance(value, list | tuple):
        return [without_secrets(item, secrets) for item in value]
    return hidden(value, secrets)


def _headers(headers: Mapping[str, Json]) -> dict[str, Json]:
    return {
        name: COVER
        if isinstance(value, str) and any(word in name.lower() for word in SECRET_HEADERS)
        else value
        for name, value in headers.items()
    }


def _place(placed: PlacedRecord, states: States) -> Place:
    node_id = str(placed.record.get("node_id") or "").removesuffix("~")
    return Place(placed.run_id, flow_key(states[placed.run_id].workflow_id), node_id)


def _reply(record: Mapping[str, Json], effect: Mapping[str, Json], place: Place) -> Reply | None:
    """Return what an attempt gave, or None for a record of something else."""
    kind, status = str(effect.get("type")), str(record.get("status"))
    if status == "started" or kind not in _OUTSIDE:
        return None
    result = record.get("result")
    if status == "waiting" and not (isinstance(result, Mapping) and isinstance(result.get("wait"), Mapping)):
        return None
    return Reply(
        place,
        kind,
        effect.get("payload") or {},
        status,
        str(record.get("ended_at") or record.get("started_at")),
        str(record.get("idempotency_key") or ""),
        result,
        str(record.get("error") or ""),
    )


def _answer(
    record: Mapping[str, Json], payload: Mapping[str, Json], place: Place, states: States
) -> list[Answer]:
    """Return what a wait was answered with, unless the runs themselves have answered it."""
    given = payload.get("payload")
    emitter = given.get("emitter") if isinstance(given, Mapping) else None
    if payload.get("wait_reason") not in _ANSWERED:
        return []
    if isinstance(emitter, Mapping) and emitter.get("run_id") in states:
        return []
    at, by = str(record.get("ended_at")), str(record.get("actor_id") or "")
    return [Answer(place, at, is_late=True) if timed_out(given) else Answer(place, at, given, by)]


def _step(visit: Visit) -> dict[str, Json]:
    told = {"node": visit.node_id, "exit": visit.exit, "at": visit.started_at}
    return {**told, **({"gave": _brief(visit.given)} if visit.given is not None else {})}


def _brief(value: Json) -> Json:
    """Return what a visit gave, or what that is known by when it is long."""
    return value if len(encode(value)) <= LONGEST_GAVE else digest(value)


def _type(placed: PlacedRecord) -> str:
    return str(placed.record["effect"].get("type"))


def _is(placed: PlacedRecord, kind: str) -> bool:
    return _type(placed) == kind


def _is_completed(placed: PlacedRecord) -> bool:
    return bool(placed.record.get("status") == "completed")


def _message(placed: PlacedRecord) -> dict[str, Json]:
    result = placed.record.get("result") or {}
    return {"node": str(placed.record.get("node_id")).removesuffix("~"), "text": result.get("message")}


def _file(placed: PlacedRecord) -> dict[str, Json]:
    """Return which file was written, where, and what is in it by its digest."""
    payload = placed.record["effect"].get("payload") or {}
    result = placed.record.get("result") or {}
    return {
        "path": str(result.get("file_path") or payload.get("file_path") or ""),
        "how": _type(placed),
        "bytes": result.get("bytes"),
        "digest": digest(payload),
    }


def _counts(done: Iterable[PlacedRecord]) -> Counter[str]:
    """Count effects by type; the attempts of one visit are one."""
    seen = {
        (_type(each), each.run_id, each.record.get("idempotency_key") or each.record.get("step_id"))
        for each in done
        if _type(each) in _COUNTED
    }
    return Counter(kind for kind, _, _ in seen)
