"""A record for every visit, for those who watch."""

from __future__ import annotations

from typing import Any

from abstractruntime import Effect, EffectType, RunState, RunStatus, StepPlan
from abstractruntime.core import RuntimeConfig
from abstractruntime.testing.flows import end, flow

from ..conftest import MakeRuntime

RECORDS = RuntimeConfig(record_visits=True)


def noting(node_id: str, number: int, **plan: Any) -> Any:
    def node(run: RunState, context: Any) -> StepPlan:
        return StepPlan(node_id, note={"visit": number, "outputs": {"x": number}}, **plan)

    return node


def test_every_visit_has_its_record(make_runtime: MakeRuntime) -> None:
    spec = flow(
        "a",
        a=noting("a", 1, next_node="tell"),
        tell=noting("tell", 2, effect=Effect(EffectType.ANSWER_USER, {"message": "m"}), next_node="tell~"),
        **{"tell~": noting("tell", 2, next_node="end")},
        end=noting("end", 3, complete_output={"ok": True}),
    )
    runtime = make_runtime(config=RECORDS)
    run_id = runtime.start(spec)
    assert runtime.tick(spec, run_id).status is RunStatus.COMPLETED
    told = [
        (r["node_id"], r["status"], (r["effect"] or {}).get("type"), (r["result"] or {}).get("visit"))
        for r in runtime.get_ledger(run_id)
    ]
    assert told == [
        ("a", "completed", None, {"next_node": "tell", "visit": 1, "outputs": {"x": 1}}),
        ("tell", "started", "answer_user", {"visit": 2, "outputs": {"x": 2}}),
        ("tell", "completed", "answer_user", None),
        ("tell", "completed", None, {"next_node": "end", "visit": 2, "outputs": {"x": 2}}),
        ("end", "completed", None, {"next_node": None, "visit": 3, "outputs": {"x": 3}}),
        ("end", "completed", None, None),
        ("end", "completed", "emit_event", None),
    ]
    visit = runtime.get_ledger(run_id)[0]
    assert visit["started_at"] <= visit["ended_at"]
    assert visit["idempotency_key"] is None


def test_a_failing_visit_keeps_its_note(make_runtime: MakeRuntime) -> None:
    failure = {"code": "c", "message": "m"}
    spec = flow("n", n=noting("n", 1, failure=failure))
    runtime = make_runtime(config=RECORDS)
    run_id = runtime.start(spec)
    runtime.tick(spec, run_id)
    assert runtime.get_ledger(run_id)[0]["result"] == {
        "error": {"node_id": "n", **failure},
        "visit": {"next_node": None, "visit": 1, "outputs": {"x": 1}},
    }


def test_visits_are_silent_by_default(make_runtime: MakeRuntime) -> None:
    spec = flow("a", a=noting("a", 1, next_node="end"), end=end("end"))
    runtime = make_runtime()
    run_id = runtime.start(spec)
    runtime.tick(spec, run_id)
    assert len(runtime.get_ledger(run_id)) == 2
