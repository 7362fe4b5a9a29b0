"""The engine's side of evidence: when it is taken, and that it never fails a run.

It is taken before the record of a step is written, so the ledger holds what the run holds: refs.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from typing import Any

from ..core.boundary import guarded
from ..core.errors import StoreError
from ..core.models import RunState, StepRecord
from ..core.vars import get_runtime
from ..core.waits import answer_value
from ..memory.spans import EVIDENCE, spans_of
from ..storage.artifacts import ArtifactStore
from ..storage.offloading import max_inline_bytes_setting, offload_large_values
from .recorder import EvidenceRecorder

log = logging.getLogger("abstractruntime")
MOST_WARNINGS = 100


def capture(
    run: RunState,
    store: ArtifactStore | None,
    *,
    node_id: str,
    tool_calls: Any,
    results: Any,
    key: str,
    now: str,
) -> Any:
    """Return the results with long text moved to artifacts; what could not be kept is as it was."""
    if store is None or not isinstance(results, dict | list):
        return results
    recorder, taken = EvidenceRecorder(artifact_store=store), copy.deepcopy(results)

    def record() -> None:
        recorder.record_tool_calls(
            run=run, node_id=node_id, tool_calls=tool_calls, tool_results=taken, key=key, now=now
        )

    return taken if _tried(record, run, node_id, now) else results


def capture_again(
    run: RunState, store: ArtifactStore | None, *, node_id: str, results: Any, now: str
) -> None:
    """Put evidence back into the index that results from the ledger name."""
    if store is not None:
        recorder = EvidenceRecorder(artifact_store=store)
        _tried(lambda: recorder.find_again(run=run, tool_results=results), run, node_id, now)


def answer_with_evidence(run: RunState, payload: Any, store: ArtifactStore | None, now: str) -> Any:
    """Return the answer to a wait for tools with their evidence kept, any other answer as it is."""
    wait = run.waiting
    details = wait.details if wait is not None and isinstance(wait.details, dict) else {}
    calls = details.get("tool_calls_for_evidence")
    calls = calls if isinstance(calls, list) else details.get("tool_calls")
    if wait is None or store is None or not isinstance(calls, list):
        return payload
    results, key = answer_value(wait, payload), f"{wait.wait_key}:{run.updated_at}"
    node_id = run.current_node
    return capture(run, store, node_id=node_id, tool_calls=calls, results=results, key=key, now=now)


def with_small_answer(records: list[StepRecord], store: ArtifactStore | None) -> list[StepRecord]:
    """Have the first of these records tell an answer by refs where it is large; the run got the values.

    If the store of artifacts fails, the record holds the answer itself (kernel contract 2.6).
    """
    told = (records[0].effect or {}).get("payload")
    if store is None or not isinstance(told, dict):
        return records
    answer, run_id = told["payload"], records[0].run_id
    try:
        told["payload"] = offload_large_values(
            answer,
            artifact_store=store,
            run_id=run_id,
            max_inline_bytes=max_inline_bytes_setting(),
            base_tags={"source": "resume", "kind": "resume_payload"},
            root_path="resume.payload",
            allow_root_replace=isinstance(answer, str),
        )
    except StoreError as bad:
        log.warning("The answer to run %s stays in its ledger whole: %s", run_id, bad)
    return records


def evidence_of(run: RunState) -> list[dict[str, Any]]:
    """Return copies of the index entries that are evidence, in the order in which it was kept."""
    found = [span for span in spans_of(run) if span.get("kind") == EVIDENCE]
    return [{**copy.deepcopy(span), "evidence_id": span.get("artifact_id")} for span in found]


def load_evidence(store: ArtifactStore | None, evidence_id: str) -> dict[str, Any] | None:
    """Return a piece of evidence, None for an unknown id; RuntimeError without a store."""
    if store is None:
        raise RuntimeError(
            "Evidence is kept in an ArtifactStore: give one to the Runtime (artifact_store=...)."
        )
    found = store.load_json(evidence_id)
    return found if isinstance(found, dict) else None


def _tried(act: Callable[[], Any], run: RunState, node_id: str, now: str) -> bool:
    """Do it; on an error, note a warning in the run and say False."""
    error: Exception | None
    try:
        _, error = guarded(act)
    except StoreError as bad:
        error = bad
    if error is None:
        return True
    log.warning("Evidence of node %s in run %s was not kept: %r", node_id, run.run_id, error)
    space = get_runtime(run.vars)
    if not isinstance(space.get("evidence_warnings"), list):
        space["evidence_warnings"] = []
    warnings = space["evidence_warnings"]
    if len(warnings) < MOST_WARNINGS:
        warnings.append({"ts": now, "node_id": node_id, "error": str(error)})
    return False
