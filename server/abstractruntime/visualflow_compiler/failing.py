"""What is told of an error at a node: its code and message, where it happened, and the value node that caused it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.errors import NotDurable, in_short
from ..nodes.define import NodeError
from .program import Op
from .reading import Fault


def cause_of(error: Exception) -> Exception:
    """Return what went wrong, also where it did while an input was read."""
    return error.error if isinstance(error, Fault) else error


def failure_of(error: Exception, place: Mapping[str, Any], ops: Mapping[str, Op]) -> dict[str, Any]:
    """Return the failure of a visit at a place."""
    cause = cause_of(error)
    failure = {
        "code": getattr(cause, "code", "node.failed"),
        "message": _said(cause),
        **place,
        "pin": error.pin if isinstance(error, Fault) else getattr(cause, "pin", None),
    }
    if isinstance(error, Fault) and error.at is not None:
        at = {"node_id": error.at, "node_type": ops[error.at].type}
        failure["cause"] = {**at, "pin": getattr(cause, "pin", None)}
    told: dict[str, Any] = getattr(cause, "failure", failure)
    return told


def _said(error: Exception) -> str:
    told = str(error) if isinstance(error, (NodeError, NotDurable)) else f"{type(error).__name__}: {error}"
    return in_short(told)
