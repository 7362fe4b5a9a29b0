"""The namespaces of a run's variables, and paths into them.

Two ways to name a place. A *result key* (`a.b.c`) is where the kernel writes: plain dots, nothing
escaped, missing or non-dict steps replaced by dicts. A *vars path* is what people and models ask
for: dots with `[0]` for lists, or a JSON pointer with a leading slash.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

Vars = dict[str, Any]

CONTEXT = "context"
SCRATCHPAD = "scratchpad"
RUNTIME = "_runtime"
CLOCK = "clock_factor"  # in the kernel's own space
TEMP = "_temp"
LIMITS = "_limits"
NODE_TRACES = "node_traces"
DONE = "done_before"  # in the kernel's own space of a fork: results that its parent had, by the keys of their authors
RETRIED = "retried"  # in the kernel's own space: how often somebody had a failed run go on
DEFAULT_MAX_TOKENS = 32768

_SEGMENT = re.compile(r"\[(\d+)\]|([^\[\]]+)")


def ensure_namespaces(vars: Vars) -> Vars:
    """Make the four user and kernel namespaces dicts, and return the variables."""
    for key in (CONTEXT, SCRATCHPAD, RUNTIME, TEMP):
        get_namespace(vars, key)
    return vars


def get_namespace(vars: Vars, key: str) -> Vars:
    """Return a namespace, made when it is missing or not a dict."""
    space = vars.get(key)
    if not isinstance(space, dict):
        vars[key] = {}
        space = vars[key]
    found: Vars = space
    return found


def get_context(vars: Vars) -> Vars:
    """Return the user's context: task, messages, attachments."""
    return get_namespace(vars, CONTEXT)


def get_scratchpad(vars: Vars) -> Vars:
    """Return the agent's scratchpad."""
    return get_namespace(vars, SCRATCHPAD)


def get_runtime(vars: Vars) -> Vars:
    """Return what the kernel and the host keep with the run."""
    return get_namespace(vars, RUNTIME)


def clock_factor(vars: Vars) -> float:
    """Return how many times faster than the clock a run waits: 1, unless it was started on a fast clock."""
    space = dict.get(vars, RUNTIME)
    found = dict.get(space, CLOCK) if isinstance(space, dict) else None
    return found if isinstance(found, int | float) and not isinstance(found, bool) and found > 1 else 1


def listening_key(vars: Vars) -> str | None:
    """Return the event key under which a run listens for good, also while it does something else."""
    space = vars.get(RUNTIME)
    key = space.get("listening") if isinstance(space, dict) else None
    return key if isinstance(key, str) else None


def get_temp(vars: Vars) -> Vars:
    """Return the values that pass from step to step."""
    return get_namespace(vars, TEMP)


def clear_temp(vars: Vars) -> None:
    """Forget the values that pass from step to step."""
    vars[TEMP] = {}


def default_limits() -> Vars:
    """Return the limits of a run that was started without any."""
    return {
        "max_iterations": 25,
        "current_iteration": 0,
        "max_tokens": DEFAULT_MAX_TOKENS,
        "max_output_tokens": None,
        "max_input_tokens": None,
        "estimated_tokens_used": 0,
        "max_history_messages": -1,
        "warn_iterations_pct": 80,
        "warn_tokens_pct": 80,
    }


def ensure_limits(vars: Vars) -> Vars:
    """Return the run's limits, the defaults put there first when they are missing."""
    if not isinstance(vars.get(LIMITS), dict):
        vars[LIMITS] = default_limits()
    limits: Vars = vars[LIMITS]
    return limits


def get_limits(vars: Vars) -> Vars:
    """Return the run's limits; the same as `ensure_limits`."""
    return ensure_limits(vars)


def get_node_traces(vars: Vars) -> Vars:
    """Return the traces of all nodes, made when missing."""
    return get_namespace(get_runtime(vars), NODE_TRACES)


def get_node_trace(vars: Vars, node_id: str) -> Vars:
    """Return the trace of one node, or an empty one that is not kept."""
    trace = get_node_traces(vars).get(node_id)
    return trace if isinstance(trace, dict) else {"node_id": node_id, "steps": []}


def with_answer(details: Any) -> dict[str, Any]:
    """Return what the answer to a wait brings along, by dotted path: what the handler that asked has noted."""
    brings = details.get("with_answer") if isinstance(details, dict) else None
    return brings if isinstance(brings, dict) else {}


def set_result(vars: Vars, result_key: str, value: Any) -> None:
    """Write a value at a result key; steps that are no dicts are replaced by dicts."""
    if "." not in result_key:
        vars[result_key] = value
        return
    *steps, last = result_key.split(".")
    place = vars
    for step in steps:
        place = get_namespace(place, step)
    place[last] = value


def parse_vars_path(path: str) -> list[str | int]:
    """Split a vars path (`a.b[0]`, `a.0`, `/a/b/0`) into keys and positions."""
    text = (path or "").strip()
    if text.startswith("/"):
        parts = [part.replace("~1", "/").replace("~0", "~") for part in text.split("/") if part]
        return [_token(part) for part in parts]
    tokens: list[str | int] = []
    for part in text.split("."):
        if "[" not in part:
            if part.strip():
                tokens.append(_token(part.strip()))
            continue
        for index, name in _SEGMENT.findall(part):
            tokens.append(int(index) if index else _token(name.strip()))
    return tokens


def _token(text: str) -> str | int:
    return int(text) if text.isdecimal() else text


def resolve_vars_path(root: Any, tokens: list[str | int]) -> Any:
    """Follow keys and positions from a root; raise ValueError that says where it went wrong."""
    value = root
    seen: list[str] = []
    for token in tokens:
        where = ".".join(seen) or "(root)"
        if isinstance(token, int) and not isinstance(value, dict):
            if not isinstance(value, list):
                raise ValueError(f"Expected list at {where} but found {type(value).__name__}")
            if not -len(value) <= token < len(value):
                raise ValueError(f"Index {token} out of range at {where} (len={len(value)})")
            value = value[token]
        else:
            if not isinstance(value, dict):
                raise ValueError(f"Expected object at {where} but found {type(value).__name__}")
            key = str(token)
            if key not in value:
                if isinstance(token, int):
                    raise ValueError(f"Expected list at {where} but found dict")
                raise ValueError(f"Missing key '{key}' at {where}")
            value = value[key]
        seen.append(str(token))
    return value


def done_before(vars: Vars, key: str) -> dict[str, Any] | None:
    """Return what a fork's parent got for a request that its author has named, as a record tells it; None for nothing."""
    space = dict.get(vars, RUNTIME)
    done = dict.get(space, DONE) if isinstance(space, dict) else None
    return {"result": done[key]} if isinstance(done, dict) and key in done else None


def set_at(root: Any, tokens: list[str | int], value: Any) -> None:
    """Put a value where keys and positions lead from a root; what holds the place must be there. Raises ValueError."""
    *steps, last = tokens
    place = resolve_vars_path(root, steps)
    if isinstance(place, dict):
        place[str(last)] = value
    elif isinstance(place, list) and isinstance(last, int) and -len(place) <= last < len(place):
        place[last] = value
    else:
        where = ".".join(map(str, steps)) or "(root)"
        raise ValueError(f"there is no place {last!r} in the {type(place).__name__} at {where}")


def note_attempt(vars: dict[str, Any], key: str, attempt: int, errors: Sequence[str]) -> None:
    """Keep the number of the attempt that failed, and what all so far said, to be committed with the wait for the next."""
    get_runtime(vars)["retry"] = {"key": key, "attempt": attempt, "errors": [*errors]}
