"""Which result belongs to which call (weakness B16).

By id: a host may leave calls out, answer them in another order, or answer some later. Only where no
ids tell, the first open call of the same name is meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_CALL_IDS = ("runtime_call_id", "call_id", "id", "model_call_id")
_RESULT_IDS = ("runtime_call_id", "call_id")


def pair(calls: Sequence[Any], results: Sequence[Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return every result with its call; a result that no call fits gets an empty one."""
    open_calls = [call for call in calls if isinstance(call, dict)]
    pairs: list[tuple[dict[str, Any], dict[str, Any]]] = []
    left: list[dict[str, Any]] = []
    for result in results:
        if not isinstance(result, dict):
            continue
        call = _by_id(open_calls, result)
        if call is None:
            left.append(result)
        else:
            open_calls.remove(call)
            pairs.append((call, result))
    for result in left:
        call = _by_name(open_calls, result)
        if call is not None:
            open_calls.remove(call)
        pairs.append((call or {}, result))
    order = {id(result): at for at, result in enumerate(results)}
    return sorted(pairs, key=lambda one: order[id(one[1])])


def _by_id(calls: Sequence[dict[str, Any]], result: dict[str, Any]) -> dict[str, Any] | None:
    for name in _RESULT_IDS:
        wanted = _text(result.get(name))
        for call in calls if wanted else ():
            if wanted in {_text(call.get(key)) for key in _CALL_IDS}:
                return call
    return None


def _by_name(calls: Sequence[dict[str, Any]], result: dict[str, Any]) -> dict[str, Any] | None:
    """Return the first open call that the result may belong to: the same name, or no name at all."""
    if _text(result.get("call_id")) or _text(result.get("runtime_call_id")):
        return None
    wanted = _text(result.get("name"))
    return next((call for call in calls if not wanted or call_name(call) == wanted), None)


def call_name(call: dict[str, Any]) -> str:
    """Return the name of the tool that a call is for."""
    inner = call.get("function")
    return _text(call.get("name")) or _text(inner.get("name") if isinstance(inner, dict) else None)


def call_id(call: dict[str, Any], result: dict[str, Any]) -> str:
    """Return the id under which call and result go."""
    found = (
        _text(result.get("call_id")),
        *(_text(call.get(key)) for key in ("call_id", "id", "runtime_call_id")),
    )
    return next((one for one in found if one), "")


def _text(value: Any) -> str:
    return str(value).strip() if isinstance(value, str | int) else ""
