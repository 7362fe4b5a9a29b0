"""Running a branch at certain times: `on_schedule`.

The memory of a schedule is one instant, `last`: all that was due until then is settled. The next firing
is always the first instant after it, so a restart can neither lose one nor fire one twice. What came
due meanwhile is of two kinds: it was *overlapped* (the branch was still busy) or *missed* (nobody was
there: the server was off, or the run was paused), and the author says what becomes of each.
docs/decisions/0022-a-schedule-remembers-one-instant.md tells why.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from ..core.models import Effect, EffectType
from .authored import chosen, pin_value, setting
from .define import EXEC_OUT, UNSET, Call, Example, Field, Finding, Goto, NodeError, Pin, event
from .instants import Schedule, read_schedule, zone_of
from .values import number, text, truth

Json = Any

GRACE = timedelta(seconds=60)
"""A firing that begins later than this after its instant was missed."""

FIRING = "_schedule"
"""The variable that tells a run of one firing of its own which one it is: node, timestamp, missed."""

_ZONE = "eventConfig.timeZone"
_MISSED = ("once", "skip", "all")
_OVERLAP = ("skip", "queue", "allow")
_MOST = 10


@dataclass(frozen=True)
class Timetable:
    """What a schedule says of itself, before anything has fired.

    `written` is the line as its author wrote it, "" where the flow computes it; then `schedule` is None.
    `wrong` says why a line cannot be read. `missed` and `overlap` are the words of the node.
    """

    written: str
    zone: str
    missed: str
    overlap: str
    most: int
    recurrent: bool = True
    schedule: Schedule | None = None
    wrong: str = ""

    @property
    def in_words(self) -> str:
        """Return the line in plain words, "" for one that is computed or cannot be read."""
        return self.schedule.in_words() if self.schedule is not None else ""

    def following(self, first: datetime, count: int) -> list[datetime]:
        """Return the instants from `first` on, at most so many."""
        if self.schedule is None or not self.recurrent or self.schedule.once is not None:
            return [first][:count]
        return [first, *islice(self.schedule.after(first), count - 1)][:count]


def timetable(data: Mapping[str, Json], computed: Collection[str] = ()) -> Timetable:
    """Read what a schedule node says of itself; `computed` are the inputs that a wire or an expression gives."""
    zone = text(setting(data, _ZONE)).strip()
    words = (
        zone,
        _word(data, "eventConfig.missed", _MISSED),
        _word(data, "eventConfig.overlap", _OVERLAP),
        _limit(data),
    )
    if "schedule" in computed:
        return Timetable("", *words)
    typed, again = pin_value(data, "schedule"), pin_value(data, "recurrent")
    value = setting(data, "eventConfig.schedule", "15s") if typed is UNSET else typed
    written = value if isinstance(value, str) else text(value)
    try:
        schedule = read_schedule(value, zone_of(zone))
    except NodeError as problem:
        return Timetable(written, *words, wrong=str(problem))
    again = setting(data, "eventConfig.recurrent", True) if again is UNSET else again
    recurrent = "recurrent" in computed or again not in (False, "false")
    return Timetable(written, *words, recurrent and schedule.once is None, schedule)


def _schedule(call: Call) -> Schedule:
    zone = zone_of(setting(call.data, _ZONE))
    return read_schedule(chosen(call, "schedule", "eventConfig.schedule", "15s"), zone)


def _recurrent(call: Call, schedule: Schedule) -> bool:
    given = chosen(call, "recurrent", "eventConfig.recurrent", True)
    return schedule.once is None and (given is None or truth(given, "recurrent"))


def _word(data: Mapping[str, Json], path: str, words: tuple[str, ...]) -> str:
    word = text(setting(data, path)).strip().lower()
    return word if word in words else words[0]


def _limit(data: Mapping[str, Json]) -> int:
    given = setting(data, "eventConfig.catchUpLimit")
    try:
        return max(1, int(number(_MOST if given in (None, "") else given)))
    except NodeError:
        return _MOST


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _last(call: Call) -> datetime:
    return datetime.fromisoformat(str(call.frame.get("last") or call.now))


def _fire(call: Call, moment: datetime, missed: int, *, until: str | None = None) -> Goto:
    """Run the branch for an instant; what is due up to `until` is fired after it, whatever overlaps."""
    recurrent = _recurrent(call, _schedule(call))
    told = {
        "timestamp": _iso(moment),
        "scheduled_for": _iso(moment),
        "missed": missed,
        "recurrent": recurrent,
    }
    if not recurrent:
        return Goto("exec-out", told)
    rest = {"until": until} if until else {}
    if _word(call.data, "eventConfig.overlap", _OVERLAP) == "allow":
        return Goto("", loop={"last": _iso(_last(call)), "fire": told, **rest})
    return Goto("exec-out", told, loop={"last": _iso(moment), **rest})


def _woken(reply: Json, call: Call) -> Goto | Effect:
    """Decide which of the instants that have come is fired now; the others are settled or follow."""
    fired = call.frame.get("fire")
    if isinstance(fired, Mapping):  # its own run has been started: go on with the next one
        rest = {key: value for key, value in call.frame.items() if key == "until"}
        return Goto("", loop={"last": fired["timestamp"], **rest})
    schedule, last = _schedule(call), _last(call)
    armed, here = datetime.fromisoformat(call.now), datetime.fromisoformat(call.arrived or call.now)
    passed, count = schedule.passed(last, here, _limit(call.data))
    due = [moment for moment in passed if moment > armed]
    if not due:  # the host let it go on early, or the only instant had passed before
        moment = _moment_told(reply) or schedule.next(last, armed) or schedule.once or here
        return _fire(call, moment, count)
    late = [moment for moment in due if here - moment > GRACE]
    policy = _word(call.data, "eventConfig.missed", _MISSED)
    if not late:
        return _fire(call, due[0], count - len(due))
    if policy == "all":
        return _fire(call, due[0], count - len(due), until=_iso(due[-1]))
    if policy == "once" or schedule.once is not None:
        return _fire(call, due[-1], count - 1)
    if on_time := due[len(late) :]:
        return _fire(call, on_time[0], count - len(on_time))
    upcoming = schedule.next(last, here)
    return _wait(upcoming) if upcoming is not None else Goto("")


def _moment_told(reply: Json) -> datetime | None:
    """Return the instant that a host names when it lets a schedule go on by itself."""
    known = reply if isinstance(reply, Mapping) else {}
    told = known.get("timestamp") or known.get("scheduled_for")
    try:
        moment = datetime.fromisoformat(told) if isinstance(told, str) else None
    except ValueError:
        return None
    return moment if moment is None or moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _wait(moment: datetime) -> Effect:
    return Effect(EffectType.WAIT_UNTIL, {"until": _iso(moment)})


def _start_firing(call: Call, fired: Mapping[str, Json]) -> Effect:
    """Start a run of this flow for one firing; it finds out which one it is by the variable FIRING."""
    own = {name: value for name, value in call.vars.items() if not name.startswith("_")}
    vars = {**own, FIRING: {"node": call.node_id, **fired}}
    return Effect(
        EffectType.START_SUBWORKFLOW,
        {"workflow_id": call.workflow_id, "vars": vars, "async": True, "wait": False},
    )


def _check_schedule(data: Mapping[str, Json]) -> list[Finding]:
    findings = []
    zone: Any = UTC
    try:
        zone = zone_of(setting(data, _ZONE))
    except NodeError as problem:
        findings.append(Finding("error", problem.code, str(problem)))
    typed = pin_value(data, "schedule")
    value = setting(data, "eventConfig.schedule", "15s") if typed is UNSET else typed
    try:
        schedule = read_schedule(value, zone)
    except NodeError as problem:
        findings.append(Finding("error", problem.code, str(problem), pin="schedule"))
    else:
        if schedule.goes_by_a_clock(value) and not text(setting(data, _ZONE)).strip():
            message = f"'{value}' goes by a clock, but no time zone is chosen, so UTC is meant. Choose one, such as Europe/Paris."
            sets = {_ZONE: "UTC"}
            findings.append(
                Finding("risk", "schedule.no_zone", message, "schedule", sets, "Say that UTC is meant")
            )
    for path, words in (("eventConfig.missed", _MISSED), ("eventConfig.overlap", _OVERLAP)):
        word = setting(data, path)
        if word not in (None, "", *words):
            message = f"'{text(word)}' is not one of {', '.join(words)}, so '{words[0]}' is meant."
            findings.append(Finding("risk", "schedule.unknown_policy", message))
    return findings


@event(
    "on_schedule",
    family="events",
    label="On Schedule",
    sentence="By the schedule {schedule|name}[, time of {eventConfig.timeZone|name}]",
    inputs=(
        Pin(
            "schedule",
            "string",
            "15s",
            "When: an interval (15s, 5m, 1d), a line of cron (0 7 * * 1-5), or a date and time for once.",
        ),
        Pin("recurrent", "boolean", True, "Whether it goes on after the first time."),
    ),
    outputs=(
        EXEC_OUT,
        Pin(
            "timestamp",
            "string",
            description="The instant that was due, in UTC.",
            label="time",
            was=("time",),
        ),
        Pin("missed", "number", description="How many earlier instants were left out since the last time."),
        Pin("scheduled_for", "string", hidden=True),
        Pin("recurrent", "boolean", hidden=True),
    ),
    fields=(
        Field(
            _ZONE,
            "string",
            "",
            "Time zone",
            "Whose clock a line of cron and a date without zone are read on, such as Europe/Paris; empty: UTC.",
        ),
        Field(
            "eventConfig.missed",
            "string",
            "once",
            "When missed",
            "The server was off or the run was paused for more than a minute: run once for all of it, skip "
            "it, or run all of them, the newest few.",
            _MISSED,
        ),
        Field(
            "eventConfig.overlap",
            "string",
            "skip",
            "When still busy",
            "The branch has not ended when it is due again: skip that time, queue it, or allow both at once.",
            _OVERLAP,
        ),
        Field(
            "eventConfig.catchUpLimit",
            "number",
            _MOST,
            "At most",
            "How many missed or queued times are run after each other; older ones are left out.",
        ),
    ),
    settle=_woken,
    main="timestamp",
    carries="before",
    loops=True,
    check=_check_schedule,
    template={
        "pinDefaults": {"schedule": "15s", "recurrent": True},
        "eventConfig": {"missed": "once", "overlap": "skip"},
    },
    keywords=("cron", "timer", "every", "daily", "interval", "trigger", "clock", "when", "repeat"),
    examples=(
        Example(
            {"schedule": "15s"},
            {
                "effect": {"type": "wait_until", "payload": {"until": "2030-01-01T00:00:15+00:00"}},
                "settled": {
                    "goto": "exec-out",
                    "timestamp": "2030-01-01T00:00:15+00:00",
                    "scheduled_for": "2030-01-01T00:00:15+00:00",
                    "missed": 0,
                    "recurrent": True,
                },
            },
            reply={},
        ),
        Example(
            {"schedule": "0 7 * * *"},
            {"effect": {"type": "wait_until", "payload": {"until": "2030-01-01T06:00:00+00:00"}}},
            data={"eventConfig": {"timeZone": "Europe/Paris"}},
            note="Every day at seven in Paris.",
        ),
        Example(
            {"schedule": "1h"},
            {"effect": {"type": "wait_until", "payload": {"until": "2030-01-01T00:30:00+00:00"}}},
            frame={"last": "2029-12-31T22:30:00+00:00"},
            note="The branch took longer than an hour: by default the time in between is skipped.",
        ),
        Example(
            {"schedule": "1h"},
            {
                "goto": "exec-out",
                "timestamp": "2029-12-31T23:30:00+00:00",
                "scheduled_for": "2029-12-31T23:30:00+00:00",
                "missed": 0,
                "recurrent": True,
            },
            data={"eventConfig": {"overlap": "queue"}},
            frame={"last": "2029-12-31T22:30:00+00:00"},
            note="Queued, it runs for that time at once.",
        ),
        Example({"schedule": "tomorrow"}, error="is no schedule"),
    ),
)
def on_schedule(call: Call) -> Goto | Effect:
    """Run a branch at certain times: every so often, by a line of cron, or once.

    The run goes on for good and waits for the next time when its branch has ended, also across
    restarts; no time is ever run twice.
    """
    own = call.vars.get(FIRING)
    if isinstance(own, Mapping) and own.get("node") == call.node_id:
        return Goto("exec-out", {name: value for name, value in own.items() if name != "node"})
    fired = call.frame.get("fire")
    if isinstance(fired, Mapping):
        return _start_firing(call, fired)
    schedule, last, now = _schedule(call), _last(call), datetime.fromisoformat(call.now)
    until = call.frame.get("until")
    if isinstance(until, str):
        due = next(schedule.after(last), None)
        if due is not None and due <= datetime.fromisoformat(until):
            return _fire(call, due, 0, until=until)
    if call.frame and _word(call.data, "eventConfig.overlap", _OVERLAP) != "skip":
        passed, count = schedule.passed(last, now, _limit(call.data))
        if passed:
            return _fire(call, passed[0], count - len(passed))
    upcoming = schedule.once or schedule.next(last, now)
    if upcoming is None:
        raise NodeError("This schedule never comes.", code="schedule.never", pin="schedule")
    return _wait(upcoming)
