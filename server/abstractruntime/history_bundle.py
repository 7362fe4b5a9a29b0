"""A run's history as one JSON object: to look at, to keep, to bring into another store.

The documented keys tell what happened: run, ledgers, timeline, the turns of its session. What is
beyond them: `run.output`, the artifacts themselves with `include_artifacts`, and the checkpoints with
`include_state`; with those two a bundle can be imported again (`import_run_history_bundle`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from .core.clock import parse_instant, utc_now_iso
from .core.errors import Conflict, KernelError, RunNotFound
from .core.jsonsafe import isolated
from .core.models import RunState, StepRecord, StepStatus, wait_json
from .history_turns import session_turns
from .storage.artifacts import REF_KEY, ArtifactStore, is_artifact_ref
from .storage.base import LedgerStore, RunStore
from .storage.codec import record_json, resealed, run_from_json, run_json
from .storage.ledger_chain import PRUNED
from .storage.offloading import max_inline_bytes_setting, offload_large_values
from .storage.placing import in_turn

RUN_HISTORY_BUNDLE_VERSION_V1 = 1
"""What `version` of an exported history says; an import refuses another one."""
MOST_RUNS = 5000


def export_run_history_bundle(
    *,
    run_id: str,
    run_store: RunStore,
    ledger_store: LedgerStore,
    artifact_store: ArtifactStore | None = None,
    include_subruns: bool = True,
    include_session: bool = False,
    session_turn_limit: int = 200,
    ledger_mode: str = "tail",
    ledger_max_items: int = 2000,
    include_artifacts: bool = False,
    include_state: bool = False,
) -> dict[str, Any]:
    """Return the history of a run and, with `include_subruns`, of all its descendants.

    `ledger_mode` `tail` keeps the last `ledger_max_items` records of each run (0 or less: all), `full`
    keeps all; cursors count from 1 in either case. With an artifact store large leaves of `input_data`
    are stored there. `include_artifacts` adds the bytes of the runs' artifacts and of all that their
    states and records point to, `include_state` their checkpoints.

    Raises ValueError for a blank run id or an unknown mode, RunNotFound (a KeyError), RuntimeError when
    a store fails.
    """
    wanted = (run_id or "").strip()
    if not wanted:
        raise ValueError("run_id is required")
    if ledger_mode not in ("tail", "full"):
        raise ValueError(f"ledger_mode is 'tail' or 'full', not {ledger_mode!r}")
    try:
        root = run_store.load(wanted)
        if root is None:
            raise RunNotFound(f"Unknown run_id: {wanted}")
        runs = [root, *(_descendants(root, run_store) if include_subruns else [])]
        most = ledger_max_items if ledger_mode == "tail" and ledger_max_items > 0 else None
        ledgers = {run.run_id: _ledger(run.run_id, ledger_store, most) for run in runs}
        turns = None
        if include_session and root.session_id:
            found = session_turns(root.session_id, run_store, ledger_store, max(session_turn_limit, 0))
            turns = {"session_id": root.session_id, "turns": found}
        bundle = {
            "version": RUN_HISTORY_BUNDLE_VERSION_V1,
            "generated_at": utc_now_iso(),
            "root_run_id": root.run_id,
            "run": _told(root),
            "workflow_snapshot": _runtime_space(root).get("workflow_snapshot"),
            "input_data": _input_data(root, artifact_store),
            "ledgers": ledgers,
            "timeline": _timeline(ledgers),
            "session": turns,
        }
        if include_state:
            bundle["states"] = [run_json(run) for run in runs]
        if include_artifacts:
            bundle["artifacts"] = _artifacts(runs, bundle, _needed(artifact_store))
    except (OSError, KernelError) as error:
        if isinstance(error, RunNotFound):
            raise
        raise RuntimeError(f"The history of run '{wanted}' cannot be read: {error}") from error
    return isolated(bundle, "bundle")  # type: ignore[no-any-return]


def import_run_history_bundle(
    bundle: Mapping[str, Any],
    *,
    run_store: RunStore,
    ledger_store: LedgerStore,
    artifact_store: ArtifactStore | None = None,
) -> list[str]:
    """Bring the runs of a bundle into stores and return their ids, the root first.

    The bundle must carry whole ledgers and states (`ledger_mode="full"`, `include_state=True`), and the
    artifacts, if it has any, need a store. Everything is checked before anything is written: ValueError
    names what is missing or wrong, Conflict a run that is there already, or an artifact with other bytes.
    """
    runs = _runs_in(bundle)
    ledgers = {run.run_id: _records_in(bundle, run.run_id) for run in runs}
    blobs = [_blob_in(one) for one in bundle.get("artifacts") or ()]
    if blobs and artifact_store is None:
        raise ValueError("The bundle carries artifacts; say with artifact_store where they go.")
    for metadata, _ in blobs:
        if artifact_store is not None:
            _check_is_free(artifact_store, metadata)
    for run in runs:
        if run_store.load(run.run_id) is not None or ledger_store.list(run.run_id):
            raise Conflict(f"Run '{run.run_id}' is there already; import the bundle into another store.")
    for metadata, content in blobs:
        if artifact_store is not None:
            artifact_store.store(
                content,
                content_type=metadata["content_type"],
                run_id=metadata.get("run_id"),
                tags=metadata.get("tags"),
                artifact_id=metadata["artifact_id"],
            )
    for run in runs:
        for record in ledgers[run.run_id]:
            ledger_store.append(record)
        run_store.save(run)
    return [run.run_id for run in runs]


def persist_workflow_snapshot(
    *,
    run_store: RunStore,
    artifact_store: ArtifactStore,
    run_id: str,
    workflow_id: str,
    snapshot: Mapping[str, Any],
    format: str,
) -> dict[str, Any]:
    """Keep the workflow that a run was started with as an artifact and note it in the run.

    Returns `{"workflow_id", "format", "sha256", "artifact_id", "created_at"}`; a run that has one keeps
    it. `sha256` is of the canonical JSON, which is also what the artifact holds. Raises ValueError for
    blank ids or a snapshot that is no object, RunNotFound (a KeyError).
    """
    if not (run_id or "").strip() or not (workflow_id or "").strip():
        raise ValueError("run_id and workflow_id are required")
    if not isinstance(snapshot, dict):
        raise ValueError("snapshot must be an object")
    run = run_store.load(run_id.strip())
    if run is None:
        raise RunNotFound(f"Unknown run_id: {run_id}")
    known = _runtime_space(run).get("workflow_snapshot")
    if isinstance(known, dict) and known.get("artifact_id"):
        return known
    kind = (format or "").strip() or "unknown"
    plain = isolated(snapshot, "snapshot")
    body = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    digest = hashlib.sha256(body).hexdigest()
    tags = {"kind": "workflow_snapshot", "workflow_id": workflow_id.strip(), "format": kind, "sha256": digest}
    made = artifact_store.store(body, content_type="application/json", run_id=run.run_id, tags=tags)
    ref = {
        "workflow_id": workflow_id.strip(),
        "format": kind,
        "sha256": digest,
        "artifact_id": made.artifact_id,
        "created_at": utc_now_iso(),
    }
    space = run.vars.get("_runtime")
    run.vars["_runtime"] = {**(space if isinstance(space, dict) else {}), "workflow_snapshot": ref}
    run_store.save(run)
    return ref


def _told(run: RunState) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "workflow_id": run.workflow_id,
        "status": run.status.value,
        "current_node": run.current_node,
        "created_at": run.created_at,
        "updated_at": run.updated_at,
        "actor_id": run.actor_id,
        "session_id": run.session_id,
        "parent_run_id": run.parent_run_id,
        "error": run.error,
        "waiting": None if run.waiting is None else wait_json(run.waiting),
        "output": run.output,
    }


def _runtime_space(run: RunState) -> dict[str, Any]:
    space = run.vars.get("_runtime")
    return space if isinstance(space, dict) else {}


def _input_data(run: RunState, store: ArtifactStore | None) -> dict[str, Any]:
    public = {key: value for key, value in run.vars.items() if not str(key).startswith("_")}
    if store is None:
        return public
    made = offload_large_values(
        public,
        artifact_store=store,
        run_id=run.run_id,
        max_inline_bytes=max_inline_bytes_setting(),
        base_tags={"source": "run_input_offload"},
        root_path="input_data",
    )
    return dict(made)


def _descendants(root: RunState, store: RunStore) -> list[RunState]:
    """Return the descendants of a run, breadth first."""
    ask: Callable[..., list[RunState]] | None = getattr(store, "list_children", None)
    found: list[RunState] = []
    level, seen = [root], {root.run_id}
    while level and ask is not None and len(found) < MOST_RUNS:
        level = [
            child
            for one in level
            for child in ask(parent_run_id=one.run_id)
            if not (child.run_id in seen or seen.add(child.run_id))  # type: ignore[func-returns-value]
        ]
        found += level
    return found[:MOST_RUNS]


def _ledger(run_id: str, store: LedgerStore, most: int | None) -> dict[str, Any]:
    """Return the last records of a run with their cursors, read by page where the store can."""
    count, after = getattr(store, "count", None), getattr(store, "list_after", None)
    if count is not None and after is not None:
        total = int(count(run_id))
        first = max(total - most, 0) if most else 0
        records = after(run_id=run_id, after=first, limit=total - first)[0]
    else:
        everything = store.list(run_id)
        total = len(everything)
        first = max(total - most, 0) if most else 0
        records = everything[first:]
    items = [{"cursor": first + number, "record": record} for number, record in enumerate(records, 1)]
    return {
        "run_id": run_id,
        "total": total,
        "cursor_start": first + 1,
        "cursor_end": first + len(records),
        "items": items,
    }


def _timeline(ledgers: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what happened in the order of time; each run's own records keep their order."""
    moments = {
        (run_id, item["cursor"]): _moment(run_id, item)
        for run_id, one in ledgers.items()
        for item in one["items"]
    }
    fresh = [(str(moment["ended_at"] or ""), run_id, cursor) for (run_id, cursor), moment in moments.items()]
    return [moments[run_id, cursor] for _, run_id, cursor in in_turn(fresh)]


def _moment(run_id: str, item: Mapping[str, Any]) -> dict[str, Any]:
    record = item["record"]
    effect, started = record.get("effect"), record.get("started_at")
    ended = record.get("ended_at") or started
    duration = None
    if started and record.get("ended_at"):
        span = parse_instant(record["ended_at"]) - parse_instant(started)
        duration = round(span.total_seconds() * 1000, 2)
    return {
        "run_id": run_id,
        "cursor": item["cursor"],
        "node_id": record.get("node_id"),
        "status": record.get("status"),
        "effect_type": effect.get("type") if isinstance(effect, dict) else None,
        "started_at": started,
        "ended_at": ended,
        "duration_ms": duration,
    }


def _needed(store: ArtifactStore | None) -> ArtifactStore:
    if store is None:
        raise ValueError("include_artifacts needs an artifact_store")
    return store


def _artifacts(runs: list[RunState], bundle: Mapping[str, Any], store: ArtifactStore) -> list[dict[str, Any]]:
    """Return the runs' artifacts and those that they point to, each once, bytes as base64."""
    ids = {one.artifact_id: None for run in runs for one in store.list_by_run(run.run_id)}
    pending: list[Any] = [bundle, *(run_json(run) for run in runs)]
    while pending:
        value = pending.pop()
        if is_artifact_ref(value):
            ids[str(value[REF_KEY])] = None
        if isinstance(value, dict):
            if isinstance(value.get("artifact_id"), str):
                ids[value["artifact_id"]] = None
            pending += value.values()
        elif isinstance(value, list):
            pending += value
    found = [artifact for one in ids if (artifact := store.load(one)) is not None]
    return [
        {"metadata": one.metadata.to_dict(), "content_base64": base64.b64encode(one.content).decode()}
        for one in found
    ]


def _runs_in(bundle: Mapping[str, Any]) -> list[RunState]:
    if not isinstance(bundle, Mapping):
        raise ValueError(f"A history bundle is an object, not {type(bundle).__name__}.")
    if bundle.get("version") != RUN_HISTORY_BUNDLE_VERSION_V1:
        raise ValueError(f"A history bundle of version {bundle.get('version')!r} cannot be read here.")
    states = bundle.get("states")
    if not isinstance(states, list) or not states:
        raise ValueError("The bundle carries no states; export it with include_state=True.")
    runs = [_run_in(state, number) for number, state in enumerate(states)]
    if runs[0].run_id != bundle.get("root_run_id"):
        raise ValueError("The first state of the bundle is not that of its root run.")
    twice = [run_id for run_id, count in Counter(run.run_id for run in runs).items() if count > 1]
    if twice:
        raise ValueError(f"The bundle carries the state of run '{twice[0]}' more than once.")
    return runs


def _run_in(state: Any, number: int) -> RunState:
    try:
        return run_from_json(isolated(state, "states"))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"states[{number}] of the bundle is not the state of a run: {error}") from error


def _records_in(bundle: Mapping[str, Any], run_id: str) -> list[StepRecord]:
    ledgers = bundle.get("ledgers")
    ledger = ledgers.get(run_id) if isinstance(ledgers, dict) else None
    items = ledger.get("items") or [] if isinstance(ledger, dict) else None
    if ledger is None or not isinstance(items, list) or len(items) != ledger.get("total"):
        raise ValueError(f"The ledger of run '{run_id}' is not whole; export it with ledger_mode='full'.")
    return [_record_in(item, number, run_id) for number, item in enumerate(items, 1)]


def _record_in(item: Any, number: int, run_id: str) -> StepRecord:
    record = item.get("record") if isinstance(item, dict) else None
    if not isinstance(record, dict) or record.get("run_id") != run_id:
        raise ValueError(f"Record {number} of run '{run_id}' is missing, or of another run.")
    fields: dict[str, Any] = {name: record.get(name) for name in StepRecord.__dataclass_fields__}
    try:
        made = StepRecord(**{**fields, "status": StepStatus(record.get("status"))})
        return resealed(made, {**record_json(made), PRUNED: record[PRUNED]}) if PRUNED in record else made
    except (TypeError, ValueError) as error:
        raise ValueError(f"Record {number} of run '{run_id}' cannot be read: {error}") from error


def _check_is_free(store: ArtifactStore, metadata: Mapping[str, Any]) -> None:
    """Raise Conflict when a store has other bytes under the id of an artifact that is to be stored."""
    there = store.get_metadata(metadata["artifact_id"])
    if there is not None and there.blob_id != metadata["blob_id"]:
        raise Conflict(
            f"Artifact '{metadata['artifact_id']}' is there already, with other bytes; "
            "import the bundle into another store."
        )


def _blob_in(entry: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    try:
        metadata, content = dict(entry["metadata"]), base64.b64decode(entry["content_base64"], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise ValueError(f"An artifact of the bundle cannot be read: {error}") from error
    if hashlib.sha256(content).hexdigest() != metadata.get("blob_id"):
        raise ValueError(f"The bytes of artifact '{metadata.get('artifact_id')}' in the bundle were altered.")
    return metadata, content
