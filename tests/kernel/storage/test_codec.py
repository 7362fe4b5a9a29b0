"""The text of a run, which is put together by hand, is that of its plain object."""

from __future__ import annotations

import json
from typing import Any

import pytest

from abstractruntime.core.errors import NotDurable
from abstractruntime.core.models import RunStatus
from abstractruntime.storage.codec import encode_run, run_from_text, run_json
from abstractruntime.testing.stores import a_run, waiting_run


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"actor_id": None, "session_id": None, "parent_run_id": "über"},
        {"status": RunStatus.COMPLETED, "output": {"ok": [1, "🙂"]}},
        {"status": "failed", "error": 'it said "no"\n'},
        {"actor_id": 5, "created_at": None},
    ],
)
def test_the_text_of_a_run_is_that_of_its_object(fields: dict[str, Any]) -> None:
    run = a_run("r", **fields)
    text = encode_run(run)
    assert text == json.dumps(run_json(run), ensure_ascii=False, separators=(",", ":"))
    assert encode_run(run, '{"n":1}') == text.replace('{"n":0}', '{"n":1}')
    assert run_json(run_from_text(text)) == run_json(run)


def test_the_text_of_a_run_that_waits_tells_its_wait() -> None:
    run = waiting_run("r", until="2026-01-01T10:00:00Z", key="k")
    assert run_from_text(encode_run(run)) == run


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"output": {"a": [object()]}}, "run.output.a[0]"),
        ({"error": "half \ud800"}, "run.error"),
        ({"actor_id": object()}, "run.actor_id"),
        ({"output": {"a": float("nan")}}, "run.output.a"),
    ],
)
def test_what_is_not_json_in_a_run_is_named(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(NotDurable) as caught:
        encode_run(a_run("r", **fields))
    assert caught.value.path == path
