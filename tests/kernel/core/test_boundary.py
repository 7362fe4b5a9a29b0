"""Whatever code of others raises comes back as a value, and the log names the run that it worked for."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from abstractruntime import (
    InMemoryLedgerStore,
    InMemoryRunStore,
    ObservableLedgerStore,
    Runtime,
    StepPlan,
    WorkflowSpec,
)
from abstractruntime.core.boundary import at_work_on, attempted, guarded, run_at_work
from abstractruntime.core.errors import StoreError
from abstractruntime.integrations.abstractcore.tool_executors import timed


def broken(*_: Any) -> Any:
    raise LookupError("the key is s3cret")


def test_an_exception_comes_back_and_is_logged_with_its_run(caplog: pytest.LogCaptureFixture) -> None:
    with at_work_on("run-1"), at_work_on("run-2"):
        _, error = guarded(broken, 1)
    assert isinstance(error, LookupError)
    assert [line.getMessage() for line in caplog.records] == ["Run run-2: broken raised LookupError"]
    assert run_at_work() == ""


def test_what_an_exception_says_is_for_debugging_only(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        guarded(broken)
    assert [line.levelname for line in caplog.records if "s3cret" in str(line.exc_info)] == ["DEBUG"]
    assert "Run (none): broken raised LookupError" in caplog.text


def test_a_store_that_fails_is_nobody_elses_fault() -> None:
    def store() -> None:
        raise StoreError("the disk is full")

    with pytest.raises(StoreError, match="disk is full"):
        guarded(store)
    assert str(attempted(store)[1]) == "the disk is full"


def test_a_node_that_raises_is_logged_with_the_run_that_is_driven(caplog: pytest.LogCaptureFixture) -> None:
    runtime = Runtime(run_store=InMemoryRunStore(), ledger_store=InMemoryLedgerStore())
    workflow = WorkflowSpec("w", "first", {"first": broken})
    run_id = runtime.start(workflow)
    with pytest.raises(LookupError):
        runtime.tick(workflow, run_id)
    assert f"Run {run_id}: broken raised LookupError" in caplog.text


def test_a_tool_in_a_thread_of_its_own_is_logged_with_its_run(caplog: pytest.LogCaptureFixture) -> None:
    with at_work_on("run-3"):
        result = timed({"call_id": "call-1", "name": "search", "arguments": {}}, broken, 5.0)
    assert "the key is s3cret" in str(result)
    assert any(line.getMessage().startswith("Run run-3: ") for line in caplog.records)


def test_an_observer_that_raises_is_logged_with_the_run_of_the_record(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ledger = ObservableLedgerStore(InMemoryLedgerStore())
    seen: list[str] = []
    ledger.subscribe(broken)
    ledger.subscribe(lambda record: seen.append(record["run_id"]))
    runtime = Runtime(run_store=InMemoryRunStore(), ledger_store=ledger)
    workflow = WorkflowSpec("w", "first", {"first": lambda run, ctx: StepPlan("first", complete_output={})})
    run_id = runtime.start(workflow)
    runtime.tick(workflow, run_id)
    assert set(seen) == {run_id}, "the other observer was told all the same"
    assert f"An observer failed on a record of run {run_id}." in caplog.text
