"""A run that is looked at is the run that is loaded, though its variables are read only when asked for."""

from __future__ import annotations

import copy
import pickle
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import pytest

from abstractruntime import Effect, EffectType, RunState, RunStatus, Runtime, StepPlan
from abstractruntime.core import RuntimeConfig
from abstractruntime.core.errors import StoreDamaged
from abstractruntime.core.runtime import EffectOutcome
from abstractruntime.storage import Stores, open_stores
from abstractruntime.storage.codec import run_json
from abstractruntime.storage.late import LateRun
from abstractruntime.storage.sqlite import SqliteDatabase, SqliteJournal
from abstractruntime.testing.flows import ask_for, end, flow, move

AWKWARD = (
    '","vars":{',
    '","error":',
    ',"vars":{',
    '"]}\n,"ops":[',
    '{"node":"x","at":"y"',
    "\\",
    "\\\\",
    "é\u2028",
)


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    made = open_stores(f"sqlite://{tmp_path}/runs.db")
    yield made
    made.close()


def over(stores: Stores) -> Runtime:
    def answer(run: RunState, effect: Effect) -> EffectOutcome:
        return EffectOutcome.completed({"said": effect.payload})

    return Runtime(
        run_store=stores.runs,
        ledger_store=stores.ledger,
        effect_handlers={EffectType.LLM_CALL: answer},
        config=RuntimeConfig(record_visits=True),  # a step without a record is read the general way
    )


def awkward(draw: random.Random, depth: int = 3) -> Any:
    """Return a value with the signs among it by which the text of a run is taken apart."""
    kind = draw.randrange(5 if depth else 2)
    if kind < 2:
        return "".join(draw.choices(AWKWARD, k=draw.randrange(4)))
    if kind == 2:
        return [awkward(draw, depth - 1) for _ in range(draw.randrange(3))]
    names = ["vars", "error", "waiting", "node", "at", "ops", "rest", draw.choice(AWKWARD)]
    return {draw.choice(names): awkward(draw, depth - 1) for _ in range(draw.randrange(4))}


def told(run_id: str, stores: Stores) -> tuple[RunState, RunState]:
    """Return a run as it is looked at, and as it is loaded."""
    runtime = over(stores)
    loaded = runtime.journal.load(run_id)
    assert loaded is not None
    seen = runtime.get_state(run_id)
    looked = runtime.journal.look_at(run_id)
    assert looked is not None
    assert looked.revision == loaded.revision
    return seen, loaded.run


@pytest.mark.parametrize("seed", range(40))
def test_what_is_looked_at_is_what_is_loaded(seed: int, stores: Stores) -> None:
    draw = random.Random(seed)
    node = draw.choice(["work", "a node", 'n","at":"x', "ünd"])

    def change(vars: dict[str, Any]) -> None:
        vars[draw.choice(["vars", "error", "x"])] = awkward(draw)

    question = {"prompt": draw.choice(AWKWARD), "choices": [*AWKWARD]}
    nodes = {
        node: move(node, "call", change),
        "call": ask_for("call", EffectType.LLM_CALL, lambda run: {"p": awkward(draw)}, "ask", "got"),
        "ask": ask_for("ask", EffectType.ASK_USER, question, "done", "answer"),
        "done": end("done", lambda vars: {"vars": awkward(draw), "error": None}),
    }
    spec, runtime = flow(node, draw.choice(["w", 'w,"error":']), **nodes), over(stores)
    given = {"a": awkward(draw), "b": awkward(draw)}
    run_id = runtime.start(spec, given, actor_id=draw.choice([None, ',"error":']), session_id="s")
    statuses = []
    for _ in range(3):
        runtime.tick(spec, run_id, max_steps=1)
        seen, loaded = told(run_id, stores)
        assert type(seen) is LateRun, "or nothing is tested here"
        for name in (one.name for one in fields(RunState) if one.name != "vars"):
            assert getattr(seen, name) == getattr(loaded, name), name
        assert type(seen) is LateRun, "none of these needs the variables"
        assert seen.vars == loaded.vars
        assert seen == loaded
        statuses.append(seen.status)
    assert statuses == [RunStatus.RUNNING, RunStatus.RUNNING, RunStatus.WAITING]
    runtime.pause_run(run_id)
    assert told(run_id, stores)[0] == told(run_id, stores)[1]
    runtime.resume_run(run_id)
    runtime.resume(spec, run_id, None, awkward(draw))
    seen, loaded = told(run_id, stores)
    assert seen.status is RunStatus.COMPLETED
    assert seen == loaded


def a_late_run(stores: Stores) -> tuple[Callable[[], RunState], RunState]:
    spec, runtime = flow("a", a=move("a", "b", lambda vars: vars.update(n=1)), b=end("b")), over(stores)
    run_id = runtime.start(spec, {"x": {"y": [1]}})
    runtime.tick(spec, run_id, max_steps=1)

    def again() -> RunState:
        seen = runtime.get_state(run_id)
        assert type(seen) is LateRun
        return seen

    return again, told(run_id, stores)[1]


@pytest.mark.parametrize(
    "use",
    [
        lambda run: run == copy.copy(run),
        copy.copy,
        copy.deepcopy,
        lambda run: pickle.loads(pickle.dumps(run)),
        repr,
        asdict,
        vars,
        run_json,
        lambda run: replace(run, error="e"),
        lambda run: {**run.__dict__},
        lambda run: dict(run.vars),
        lambda run: hasattr(run, "vars"),
        lambda run: hasattr(run, "other"),
    ],
)
def test_nobody_sees_a_difference(use: Callable[[RunState], Any], stores: Stores) -> None:
    again, loaded = a_late_run(stores)
    assert use(again()) == use(loaded)
    late = again()
    use(late)
    assert late == loaded
    assert loaded == again()
    assert again() == again()
    assert again() != replace(loaded, error="e")
    assert type(late) is RunState
    assert "_late" not in vars(late)


def test_variables_set_before_they_were_read_stay(stores: Stores) -> None:
    again, loaded = a_late_run(stores)
    late = again()
    late.vars = {"mine": 1}
    assert late == replace(loaded, vars={"mine": 1})
    assert replace(again(), vars={"mine": 1}) == late


def test_threads_that_ask_at_once_get_the_same_variables(stores: Stores) -> None:
    again, _ = a_late_run(stores)
    for _ in range(50):
        late, got, gate = again(), [], threading.Barrier(4)

        def ask(late: RunState = late, got: list[Any] = got, gate: threading.Barrier = gate) -> None:
            gate.wait()
            got.append(late.vars)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({id(one) for one in got}) == 1
        assert got[0] is late.vars


@pytest.mark.parametrize(
    ("what", "is_told"),
    [
        ("UPDATE checkpoints SET state_json = replace(state_json, '[1]', '[1')", "late"),
        ('UPDATE ledger SET delta = replace(delta, \'"n"]\', \'"gone","n"]\')', "late"),
        ("UPDATE ledger SET delta = replace(delta, '[\"set\"', '[set')", "late"),
        ("UPDATE checkpoints SET state_json = substr(state_json, 1, 60)", "at once"),
        ("UPDATE checkpoints SET state_json = replace(state_json, 'workflow_id', 'work')", "at once"),
        ("UPDATE ledger SET delta = substr(delta, 1, 20)", "at once"),
        ('UPDATE ledger SET delta = replace(delta, \'"ops"\', \'"rest":{"status":"odd"},"ops"\')', "at once"),
    ],
)
def test_damage_is_told_whenever_somebody_asks(what: str, is_told: str, tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "runs.db")
    stores = open_stores(f"sqlite://{tmp_path}/runs.db")
    again, loaded = a_late_run(stores)
    assert database.connection().execute(what).rowcount == 1
    journal = SqliteJournal(database)
    with pytest.raises(StoreDamaged, match=loaded.run_id):
        journal.load(loaded.run_id)
    if is_told == "at once":
        with pytest.raises(StoreDamaged, match=loaded.run_id):
            journal.look_at(loaded.run_id)
    else:
        late = again()
        assert late.status is RunStatus.RUNNING
        for use in (lambda: late.vars, lambda: late == loaded, lambda: copy.copy(late), lambda: late.vars):
            with pytest.raises(StoreDamaged, match=loaded.run_id):
                use()
    stores.close()
    database.close()


def test_a_text_in_another_form_is_read_whole(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "runs.db")
    stores = open_stores(f"sqlite://{tmp_path}/runs.db")
    _, loaded = a_late_run(stores)
    journal, connection = SqliteJournal(database), database.connection()
    for what in (
        "UPDATE checkpoints SET state_json = replace(state_json, '\"vars\":', '\"vars\" : ')",
        "UPDATE ledger SET delta = replace(delta, '\"ops\":', char(10) || '\"ops\": ')",
    ):
        connection.execute(what)
        found = journal.look_at(loaded.run_id)
        assert found is not None
        assert type(found.run) is RunState
        assert found.run == loaded
    stores.close()
    database.close()


def test_a_run_that_is_looked_at_can_be_saved_and_driven(stores: Stores) -> None:
    again, loaded = a_late_run(stores)
    spec = flow("a", a=move("a", "b"), b=lambda run, context: StepPlan("b", complete_output=dict(run.vars)))
    stores.runs.save(again())
    assert stores.runs.load(loaded.run_id) == loaded
    assert over(stores).tick(spec, loaded.run_id).output == {**loaded.vars}
