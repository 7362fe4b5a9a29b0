"""The text of a run, which is put together by hand, is that of its plain object."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from abstractruntime import Effect, EffectType, Runtime, StepPlan
from abstractruntime.core.errors import NotDurable
from abstractruntime.core.jsonsafe import encode
from abstractruntime.core.models import RunState, RunStatus
from abstractruntime.core.spec import WorkflowSpec
from abstractruntime.storage import open_stores
from abstractruntime.storage.codec import encode_run, run_from_text, run_json
from abstractruntime.storage.sqlite import SqliteDatabase
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


def test_what_is_made_of_text_is_put_in_as_it_is() -> None:
    """Each at its place, in the order of the keys, and only where it is the very same value."""
    first, second = {"a": [1, "ü"]}, {"a": [1, "ü"]}
    run = a_run(
        "r",
        vars={"n": 1, "_runtime": {"x": {}, "traces": first, "y": second}, "list": [first], "top": second},
    )
    made = {id(each): (each, encode(each)) for each in (first, second)}
    assert encode_run(run, known=True, made=made) == encode_run(run)
    only = {id(first): (first, '{"told":"so"}')}
    text = encode_run(run, known=True, made=only)
    assert text == encode_run(run).replace('"traces":{"a":[1,"ü"]}', '"traces":{"told":"so"}')
    assert encode_run(run, known=False, made=only) == encode_run(run)
    assert encode_run(run, known=True, made={}) == encode_run(run)


def test_the_end_of_a_run_has_the_text_of_its_traces(tmp_path: Path) -> None:
    stores = open_stores(f"sqlite://{tmp_path}/runs.db")

    def step(run: RunState, context: Any) -> StepPlan:
        run.vars["n"] += 1
        if run.vars["n"] > 130:
            return StepPlan("step", complete_output={"n": run.vars["n"]})
        return StepPlan(
            "step", Effect(EffectType.ANSWER_USER, {"message": f"ü{run.vars['n']}"}, "told"), "step"
        )

    runtime = Runtime(run_store=stores.runs, ledger_store=stores.ledger)
    spec = WorkflowSpec("w", "step", {"step": step})
    run = runtime.tick(spec, runtime.start(spec, {"n": 0}), max_steps=1000)
    database: SqliteDatabase = stores.runs.db  # type: ignore[attr-defined]
    newest = "SELECT state_json FROM checkpoints ORDER BY revision DESC LIMIT 1"
    assert database.rows(newest)[0][0] == encode_run(run)
    assert run.status is RunStatus.COMPLETED
    steps = run.vars["_runtime"]["node_traces"]["step"]["steps"]
    assert [each["effect"]["payload"]["message"] for each in steps] == [f"ü{n}" for n in range(31, 131)]
    assert stores.runs.load(run.run_id) == run == stores.journal.refolded(run.run_id)
    stores.close()
