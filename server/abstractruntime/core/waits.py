"""Taking a run out of its wait, and holding it back.

Functions of a run's state alone: they change the `RunState` they are given and return what has
happened; reading and writing it is the runtime's. A run that is paused, or that listens for good and
is busy with an earlier event, is not deaf: events that arrive for it are kept in its inbox
(`vars["_runtime"]["inbox"]`) and answer the wait when the pause ends or the run waits for them again.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from .clock import parse_instant
from .errors import NotWaiting, RunIsPaused, WaitKeyMismatch
from .models import RunState, RunStatus, StepRecord, WaitReason, WaitState
from .records import answered_completion_record, failure_record, resume_record, status_record
from .vars import get_runtime, listening_key, set_result, with_answer

MOST_MAIL = 1000
TIMED_OUT = {"timed_out": True}
_SENDERS = 64
_LONGEST_REPORT = 4000


def is_paused(run: RunState) -> bool:
    """Say whether somebody holds the run back."""
    read = dict.get  # without tracking: nothing is handed out
    space = read(run.vars, "_runtime")
    control = read(space, "control") if isinstance(space, dict) else None
    return isinstance(control, dict) and read(control, "paused") is True


def pause_reason(run: RunState) -> str | None:
    """Return why the run is held back, if whoever did it has said so."""
    space = run.vars.get("_runtime")
    control = space.get("control") if isinstance(space, dict) and is_paused(run) else None
    reason = control.get("pause_reason") if isinstance(control, dict) else None
    return reason if isinstance(reason, str) else None


def is_pause_wait(run: RunState) -> bool:
    """Say whether the run waits only because it was paused while it ran."""
    wait = run.waiting
    if wait is None or wait.reason is not WaitReason.USER:
        return False
    kind = wait.details.get("kind") if isinstance(wait.details, dict) else None
    return wait.wait_key == pause_key(run) or kind == "pause"


def pause_key(run: RunState) -> str:
    """Return the key of a pause's own wait."""
    return f"pause:{run.run_id}"


def pause(run: RunState, *, reason: str | None, now: str) -> bool:
    """Hold a run back; return False where that changes nothing."""
    asks_somebody = run.waiting is not None and run.waiting.reason is WaitReason.USER
    if RunStatus(run.status).is_over or is_paused(run) or asks_somebody:
        return False
    control = _control(run)
    control["paused"] = True
    control["paused_at"] = now
    if reason and reason.strip():
        control["pause_reason"] = reason.strip()
    if run.status is RunStatus.RUNNING:
        run.status = RunStatus.WAITING
        run.waiting = WaitState(
            reason=WaitReason.USER,
            wait_key=pause_key(run),
            resume_to_node=run.current_node,
            prompt="Paused",
            allow_free_text=False,
            details={"kind": "pause"},
        )
    return True


def unpause(run: RunState, *, now: str) -> list[StepRecord] | None:
    """Let a run go on; return None where that changes nothing, else records of mail it now got."""
    if RunStatus(run.status).is_over or not is_paused(run):
        return None
    control = _control(run)
    control.pop("paused", None)
    control.pop("pause_reason", None)
    control["resumed_at"] = now
    if is_pause_wait(run) and run.waiting is not None:
        run.current_node = run.waiting.resume_to_node or run.current_node
        run.status = RunStatus.RUNNING
        run.waiting = None
        return []
    return open_mail(run, now=now)


def note_touch(run: RunState) -> None:
    """Count that another run changes this one's variables, so that who drives it may go on."""
    if not RunStatus(run.status).is_over:
        space = get_runtime(run.vars)
        space["touched"] = touches(run) + 1


def touches(run: RunState) -> int:
    """Return how often other runs have changed this one's variables."""
    space = run.vars.get("_runtime")
    count = space.get("touched") if isinstance(space, dict) else None
    return count if isinstance(count, int) else 0


def _control(run: RunState) -> dict[str, Any]:
    space = get_runtime(run.vars)
    if not isinstance(space.get("control"), dict):
        space["control"] = {}
    control: dict[str, Any] = space["control"]
    return control


def cancel(run: RunState, *, reason: str | None, now: str) -> list[StepRecord] | None:
    """End a run at somebody's wish; return its last record, or None when it had ended."""
    if RunStatus(run.status).is_over:
        return None
    run.status = RunStatus.CANCELLED
    run.error = reason or "Cancelled"
    run.waiting = None
    if is_paused(run):
        _control(run).pop("paused", None)
    return [status_record(run, now=now)]


def fail(run: RunState, *, error: str, code: str, now: str) -> list[StepRecord] | None:
    """End a run as FAILED; return the records that say why, or None when it had ended."""
    if RunStatus(run.status).is_over:
        return None
    run.status, run.error, run.waiting = RunStatus.FAILED, error, None
    failure = {"code": code, "message": error, "node_id": run.current_node}
    return [failure_record(run, run.current_node, failure, now=now), status_record(run, now=now)]


def park(run: RunState, *, reason: str, now: str) -> list[StepRecord] | None:
    """Hold back a run that cannot be driven; return the record that says why, or None where it is held."""
    node_id = run.current_node
    if not pause(run, reason=reason, now=now):
        return None
    return [
        failure_record(run, node_id, {"code": "run.parked", "message": reason, "node_id": node_id}, now=now)
    ]


def deadline_of(wait: WaitState | None) -> str | None:
    """Return the instant at which a wait ends by itself, None for one that does not."""
    if wait is None:
        return None
    due: str | None = (wait.details or {}).get("due", wait.until)
    return due


def unblock_if_due(run: RunState, now: datetime) -> list[StepRecord] | None:
    """Let a run go on whose moment has come; return the records that say so, None while it is not due.

    Nothing is recorded of a moment that was waited for. A wait for something else whose deadline has
    passed is answered with `TIMED_OUT`.
    """
    wait = run.waiting
    if wait is None or not wait.until or parse_instant(wait.until) > now:
        return None
    if wait.reason is not WaitReason.UNTIL:
        return answer(run, dict(TIMED_OUT), now=now.isoformat())
    run.status = RunStatus.RUNNING
    run.waiting = None
    run.updated_at = now.isoformat()
    if wait.resume_to_node is not None:
        run.current_node = wait.resume_to_node
    return []


def check_answer(run: RunState, wait_key: str | None) -> WaitState:
    """Return the open wait; raise RunIsPaused, NotWaiting or WaitKeyMismatch if it takes no such answer."""
    if is_paused(run):
        raise RunIsPaused(f"Run {run.run_id} is paused: resume the run before answering its wait.")
    if run.status is not RunStatus.WAITING or run.waiting is None:
        raise NotWaiting("Run is not waiting")
    expected = run.waiting.wait_key
    if wait_key is not None and expected is not None and wait_key != expected:
        raise WaitKeyMismatch(f"wait_key mismatch: expected '{expected}', got '{wait_key}'")
    return run.waiting


def answer(run: RunState, payload: Any, *, now: str, override_node: str | None = None) -> list[StepRecord]:
    """Give a waiting run its answer: store it, move on or end; return the records to write."""
    wait = run.waiting
    if wait is None:
        raise NotWaiting("Run is not waiting")
    value = answer_value(wait, payload)
    if wait.result_key:
        set_result(run.vars, wait.result_key, value)
    for key, kept in with_answer(wait.details).items():
        set_result(run.vars, key, kept)
    to_node = override_node or wait.resume_to_node
    records = [resume_record(run, wait, payload, to_node=to_node, now=now)]
    run.waiting = None
    run.updated_at = now
    if to_node is not None:
        run.status = RunStatus.RUNNING
        run.current_node = to_node
        return records
    run.status = RunStatus.COMPLETED
    run.output = {"success": True, "result": value}
    records.append(answered_completion_record(run, wait, now=now))
    records.append(status_record(run, now=now))
    return records


def answer_with_failure(run: RunState, failure: dict[str, Any], *, now: str) -> list[StepRecord] | None:
    """Tell a waiting run that what it waits for failed; None where it does not catch that."""
    wait = run.waiting
    key = (wait.details or {}).get("failure_key") if wait is not None else None
    if wait is None or wait.resume_to_node is None or not isinstance(key, str):
        return None
    set_result(run.vars, key, failure)
    records = [resume_record(run, wait, {"error": failure}, to_node=wait.resume_to_node, now=now)]
    run.status, run.waiting, run.updated_at = RunStatus.RUNNING, None, now
    run.current_node = wait.resume_to_node
    return records


def answer_value(wait: WaitState, payload: Any) -> Any:
    """Return what is stored for an answer; waits of tools give it the shape of tool results."""
    details = wait.details if isinstance(wait.details, dict) else {}
    if not isinstance(payload, dict):
        return payload
    if wait.reason is WaitReason.SUBWORKFLOW and details.get("wrap_as_tool_result") is True:
        return (
            payload if "mode" in payload and "results" in payload else _child_as_tool_result(details, payload)
        )
    count, results = details.get("original_call_count"), payload.get("results")
    blocked, done = details.get("blocked_by_index"), details.get("pre_results_by_index")
    fixed = {**(blocked if isinstance(blocked, dict) else {}), **(done if isinstance(done, dict) else {})}
    if isinstance(count, int) and fixed and isinstance(results, list) and len(results) != count:
        return {**payload, "mode": payload.get("mode") or "executed", "results": _fill(count, fixed, results)}
    return payload


def _fill(count: int, fixed: dict[str, Any], results: list[Any]) -> list[Any]:
    """Return results for all calls: fixed ones in their places, the others in order."""
    others = iter(results)
    missing = {
        "call_id": "",
        "runtime_call_id": None,
        "name": "",
        "success": False,
        "output": None,
        "error": "Missing tool result",
    }
    return [fixed[str(i)] if str(i) in fixed else next(others, dict(missing)) for i in range(count)]


def _child_as_tool_result(details: dict[str, Any], payload: dict[str, Any]) -> dict[str, Any]:
    child = payload.get("output")
    failed = isinstance(child, dict) and child.get("success") is False
    error = str(child.get("error") or "Subworkflow failed") if failed and isinstance(child, dict) else None
    output = None if failed else child_summary(child, payload.get("sub_run_id"))
    return tool_result(details.get("tool_name"), details.get("call_id"), output=output, error=error)


def child_summary(child: Any, sub_run_id: Any) -> dict[str, Any]:
    """Return what a model gets to read of a child run's output."""
    text = child.get("answer") if isinstance(child, dict) else child
    said = text.strip() if isinstance(text, str) else ""
    said = said or json.dumps(child, ensure_ascii=False)
    summary = {"rendered": said, "answer": said, "sub_run_id": sub_run_id}
    report = child.get("report") if isinstance(child, dict) else None
    if isinstance(report, str) and report.strip() and len(report) <= _LONGEST_REPORT:
        summary["report"] = report
    return summary


def tool_result(name: Any, call_id: Any, *, output: Any, error: str | None) -> dict[str, Any]:
    """Return the result of one tool call in the shape that tool nodes read."""
    return {
        "mode": "executed",
        "results": [
            {
                "call_id": str(call_id or "subworkflow"),
                "name": str(name or "start_subworkflow"),
                "success": error is None,
                "output": output,
                "error": error,
            }
        ],
    }


def has_heard(run: RunState, sender_id: str, event: str) -> bool:
    """Say whether this event has reached the run, and note it; a sender's last event is remembered.

    A sender whose step is taken again after a crash sends its last event again, never an older one.
    """
    space = get_runtime(run.vars)
    if not isinstance(space.get("heard"), dict):
        space["heard"] = {}
    heard = space["heard"]
    if heard.get(sender_id) == event:
        return True
    heard.pop(sender_id, None)
    heard[sender_id] = event
    if len(heard) > _SENDERS:
        del heard[next(iter(heard))]
    return False


def keep_mail(run: RunState, *, wait_key: str, payload: Any) -> bool:
    """Put an event into a run's inbox; return False when it is full."""
    space = get_runtime(run.vars)
    if not isinstance(space.get("inbox"), list):
        space["inbox"] = []
    inbox = space["inbox"]
    if len(inbox) >= MOST_MAIL:
        return False
    inbox.append({"wait_key": wait_key, "payload": payload})
    return True


def listen(run: RunState) -> str | None:
    """Note the key of an open wait that keeps its events from now on; return it, None for other waits."""
    wait = run.waiting
    if wait is None or wait.reason is not WaitReason.EVENT or not (wait.details or {}).get("keeps"):
        return None
    if listening_key(run.vars) != wait.wait_key:
        get_runtime(run.vars)["listening"] = wait.wait_key
    return wait.wait_key


def keeps_mail(run: RunState, wait_key: str) -> bool:
    """Say whether an event with this key goes into the run's inbox instead of answering its wait."""
    if RunStatus(run.status).is_over:
        return False
    return is_paused(run) or (listening_key(run.vars) == wait_key and not waits_for(run, wait_key))


def waits_for(run: RunState, wait_key: str) -> bool:
    """Say whether the run's open wait is for events with this key."""
    wait = run.waiting
    return wait is not None and wait.reason is WaitReason.EVENT and wait.wait_key == wait_key


def open_mail(run: RunState, *, now: str) -> list[StepRecord]:
    """Answer the run's event wait from its inbox if a fitting event lies there."""
    wait = run.waiting
    if wait is None or wait.reason is not WaitReason.EVENT:
        return []
    inbox = get_runtime(run.vars).get("inbox")
    if not inbox or is_paused(run):
        return []
    for number, mail in enumerate(inbox):
        if mail.get("wait_key") == wait.wait_key:
            payload = mail.get("payload")
            del inbox[number]
            return answer(run, payload, now=now)
    return []
