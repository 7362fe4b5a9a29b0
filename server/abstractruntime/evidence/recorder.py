"""Keeps what chosen tools brought in: the evidence of a run (kernel contract 8.1).

Long text of a result moves to an artifact, a ref takes its place; the evidence itself is an artifact
that tells which call it was and where its parts are; the run's index of spans gets an entry.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..core.clock import utc_now_iso
from ..core.jsonsafe import encode
from ..core.models import RunState
from ..memory.spans import EVIDENCE, Span, add_span, find_span, load_object
from ..storage.artifacts import ArtifactStore
from .pairing import call_id, call_name, pair
from .tools import TOOLS, Kept, other

DEFAULT_EVIDENCE_TOOL_NAMES = ("web_search", "fetch_url", "execute_command")
_LONGEST_TAG, _PREVIEW, _DIGITS = 200, 160, 32


@dataclass
class EvidenceStats:
    """How many results were recorded."""

    recorded: int = 0


class EvidenceRecorder:
    """Records results of the tools in `tool_names`, and of such tools of MCP servers (`server__fetch_url`)."""

    def __init__(
        self, *, artifact_store: ArtifactStore, tool_names: Sequence[str] = DEFAULT_EVIDENCE_TOOL_NAMES
    ) -> None:
        self._store = artifact_store
        self._names = frozenset(tool_names)

    def record_tool_calls(
        self,
        *,
        run: RunState,
        node_id: str,
        tool_calls: Any,
        tool_results: Any,
        key: str | None = None,
        now: str | None = None,
    ) -> EvidenceStats:
        """Record results, failed ones too, and return how many.

        Changes `tool_results` (`{"results": [...]}`, or the list) in place: long text becomes a ref
        and `meta.evidence_id` names the evidence. Appends to the run's index of spans. `key` makes the
        ids of what is stored: with the same key the same ids, so that a repeated step stores nothing
        twice. Raises what the artifact store raises, and NotDurable for a result that is not JSON.
        """
        stats, at = EvidenceStats(), now or utc_now_iso()
        results = tool_results.get("results") if isinstance(tool_results, dict) else tool_results
        calls = tool_calls if isinstance(tool_calls, list) else []
        for place, (call, result) in enumerate(pair(calls, results if isinstance(results, list) else [])):
            name = str(result.get("name") or call_name(call)).strip()
            if name in self._names or _bare(name) in self._names:
                self._record(run, node_id, name, call, result, f"{key}:{place}" if key else None, at)
                stats.recorded += 1
        return stats

    def find_again(self, *, run: RunState, tool_results: Any) -> int:
        """Put evidence back into the index that a result names and a crash has lost; return how many."""
        results = tool_results.get("results") if isinstance(tool_results, dict) else tool_results
        found = 0
        for result in results if isinstance(results, list) else ():
            meta = result.get("meta") if isinstance(result, dict) else None
            evidence_id = meta.get("evidence_id") if isinstance(meta, dict) else None
            if isinstance(evidence_id, str) and find_span(run, evidence_id) is None:
                evidence = load_object(self._store, evidence_id)
                if evidence:
                    add_span(run, _span(evidence_id, evidence))
                    found += 1
        return found

    def _record(
        self,
        run: RunState,
        node_id: str,
        name: str,
        call: dict[str, Any],
        result: dict[str, Any],
        key: str | None,
        now: str,
    ) -> None:
        arguments = _arguments(call)

        def keep(part: str, text: str, media: str) -> str:
            tags = {"kind": EVIDENCE, "tool": name, "part": part}
            return self._keep(run, text.encode(), media, tags, f"{key}:{part}" if key else None)

        output: Any = result.get("output")
        is_wrapped = name != _bare(name) and isinstance(output, dict) and {*output} == {"result"}
        output = output["result"] if is_wrapped else output
        kept = TOOLS.get(_bare(name), other)(arguments, output, keep)
        evidence = _evidence(run, node_id, name, call, result, arguments, kept, now)
        tags = {"kind": EVIDENCE, "tool": name, **{k: v[:_LONGEST_TAG] for k, v in kept.labels.items()}}
        content = encode(evidence, "evidence").encode()
        evidence_id = self._keep(run, content, "application/json", tags, key)
        result["output"] = {"result": kept.output} if is_wrapped else kept.output
        meta = result.get("meta")
        result["meta"] = {**(meta if isinstance(meta, dict) else {}), "evidence_id": evidence_id}
        add_span(run, _span(evidence_id, evidence))

    def _keep(self, run: RunState, content: bytes, media: str, tags: dict[str, str], key: str | None) -> str:
        made = hashlib.sha256(f"{run.run_id}:{key}".encode()).hexdigest()[:_DIGITS] if key else None
        return self._store.store(
            content, content_type=media, run_id=run.run_id, tags=tags, artifact_id=made
        ).artifact_id


def _bare(name: str) -> str:
    """Return the name that a server itself has for its tool."""
    return name.rpartition("__")[2]


def _evidence(
    run: RunState,
    node_id: str,
    name: str,
    call: dict[str, Any],
    result: dict[str, Any],
    arguments: dict[str, Any],
    kept: Kept,
    now: str,
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "tool_name": name,
        "call_id": call_id(call, result),
        "success": result.get("success") is True,
        "error": result.get("error"),
        "created_at": now,
        "run_id": run.run_id,
        "workflow_id": run.workflow_id,
        "node_id": node_id,
        "arguments": arguments,
    }
    told.update({k: v for k, v in (("actor_id", run.actor_id), ("session_id", run.session_id)) if v})
    return {**told, **kept.facts, "artifacts": kept.parts}


def _span(evidence_id: str, evidence: dict[str, Any]) -> Span:
    """Return the entry of an index that stands for a piece of evidence."""
    now = evidence["created_at"]
    span: Span = {
        "kind": EVIDENCE,
        "artifact_id": evidence_id,
        "created_at": now,
        "from_timestamp": now,
        "to_timestamp": now,
        "message_count": 0,
        "tool_name": evidence["tool_name"],
        "call_id": evidence["call_id"],
        "success": evidence["success"],
    }
    names = (("url", "url"), ("query", "query"), ("command", "command_preview"))
    for fact, name in names:
        if evidence.get(fact):
            text = str(evidence[fact])
            span[name] = text[:_PREVIEW] if fact == "command" else text
    return span


def _arguments(call: dict[str, Any]) -> dict[str, Any]:
    inner = call.get("function")
    found = call.get("arguments")
    if found is None and isinstance(inner, dict):
        found = inner.get("arguments")
    if isinstance(found, str):
        try:
            found = json.loads(found)
        except ValueError:
            return {}
    return dict(found) if isinstance(found, dict) else {}
