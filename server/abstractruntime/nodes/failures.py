"""Catching what fails in a part of a flow, and undoing what was done before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .define import EXEC_IN, EXEC_OUT, Call, Example, Goto, NodeError, PassedOn, Pin, control
from .values import text, truth

Json = Any

_TOLD = (
    Pin("error_message", "string", description="What went wrong."),
    Pin("error_code", "string", description="The code of the failure."),
    Pin("failure", "object", description="The whole failure: code, message, node, pin, visit.", hidden=True),
)
_EXAMPLE = {"code": "effect.failed", "message": "No answer", "node_id": "web"}


def _outputs(failure: Mapping[str, Json]) -> dict[str, Json]:
    return {
        "error_message": text(failure.get("message")),
        "error_code": text(failure.get("code")),
        "failure": dict(failure),
    }


@control(
    "on_error",
    family="control",
    label="On Error",
    inputs=(EXEC_IN,),
    outputs=(
        Pin("body", "execution", description="The part that is watched.", label="Try"),
        Pin("failed", "execution", description="Taken when a step of that part fails.", label="On error"),
        Pin("done", "execution", description="Taken when that part has ended well."),
        *_TOLD,
    ),
    guards=True,
    keywords=("try", "catch", "failure", "exception", "rescue", "guard", "handle"),
    examples=(
        Example(outputs={"goto": "body"}),
        Example(frame={"open": True}, outputs={"goto": "done"}, note="The part has ended well."),
        Example(
            frame={"open": True, "failure": _EXAMPLE},
            outputs={
                "goto": "failed",
                "error_message": "No answer",
                "error_code": "effect.failed",
                "failure": _EXAMPLE,
            },
        ),
    ),
)
def on_error(call: Call) -> Goto:
    """Watch a part of the flow, and go another way when one of its steps fails.

    The part is what hangs at Try. A failing step with an error output of its own is not a failure here.
    """
    failure = call.frame.get("failure")
    if isinstance(failure, Mapping):
        return Goto("failed", _outputs(failure))
    return Goto("done") if call.frame else Goto("body", loop={"open": True})


@control(
    "compensate",
    family="control",
    label="Compensate",
    inputs=(EXEC_IN,),
    outputs=(
        EXEC_OUT,
        Pin("undo", "execution", description="Taken when something fails after this point.", label="Undo"),
        *_TOLD,
    ),
    guards=True,
    keywords=("undo", "rollback", "revert", "saga", "cancel", "cleanup", "failure"),
    examples=(
        Example(outputs={"goto": "exec-out"}),
        Example(frame={"open": True}, outputs={"goto": ""}, note="All went well: there is nothing to undo."),
        Example(
            frame={"open": True, "failure": _EXAMPLE},
            outputs={
                "goto": "undo",
                "error_message": "No answer",
                "error_code": "effect.failed",
                "failure": _EXAMPLE,
            },
        ),
        Example(
            frame={"undone": True, "failure": _EXAMPLE},
            error="No answer",
            note="When it is undone, the failure goes on to whoever watches outside.",
        ),
    ),
)
def compensate(call: Call) -> Goto:
    """Say how to undo what was just done, should anything after this point fail.

    Put it behind a step and wire Undo to what takes that step back. Several of them are undone in reverse order;
    then the failure goes on: to an On Error around them, or it ends the run.
    """
    failure = call.frame.get("failure")
    if not isinstance(failure, Mapping):
        return Goto("") if call.frame else Goto("exec-out", loop={"open": True})
    if call.frame.get("undone"):
        raise PassedOn(failure)
    return Goto("undo", _outputs(failure), loop={"undone": True, "failure": dict(failure)})


@control(
    "stop_with_error",
    family="control",
    label="Fail",
    sentence="Fail with {message}[ when {when}]",
    inputs=(
        EXEC_IN,
        Pin("message", "string", "", "Why, in words for people.", widget="text"),
        Pin("when", "boolean", True, "Fail only if this holds; else go on."),
    ),
    outputs=(EXEC_OUT,),
    keywords=("error", "raise", "throw", "abort", "stop", "reject", "assert", "check"),
    examples=(
        Example({"message": "The customer said no."}, error="The customer said no."),
        Example({}, error="has failed on purpose"),
        Example({"message": "Too much.", "when": False}, {"goto": "exec-out"}),
    ),
)
def fail(call: Call) -> Goto:
    """End here as a failure: what watches outside takes over, else the run fails with this message.

    With a condition it is a check: when that does not hold, the flow goes on.
    """
    if not truth(call.get("when", True), "when"):
        return Goto("exec-out")
    message = text(call.get("message")).strip() or "This flow has failed on purpose."
    raise NodeError(message, code="flow.failed")
