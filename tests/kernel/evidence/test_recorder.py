"""What of tool results is kept as evidence, and which call it belongs to."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime import InMemoryArtifactStore, RunState
from abstractruntime.core.errors import NotDurable
from abstractruntime.evidence import DEFAULT_EVIDENCE_TOOL_NAMES, EvidenceRecorder

NOW = "2026-01-01T12:00:00+00:00"


@pytest.fixture
def artifacts() -> InMemoryArtifactStore:
    return InMemoryArtifactStore()


@pytest.fixture
def run() -> RunState:
    made = RunState.new(workflow_id="flow", entry_node="n", actor_id="ann", session_id="s")
    made.run_id = "run-1"
    return made


def call(name: str, call_id: str | None = None, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments, **({"call_id": call_id} if call_id else {})}


def result(
    name: str, output: Any, call_id: str | None = None, success: Any = True, **more: Any
) -> dict[str, Any]:
    return {"call_id": call_id, "name": name, "success": success, "output": output, "error": None, **more}


def record(
    artifacts: InMemoryArtifactStore,
    run: RunState,
    calls: list[Any],
    results: list[Any],
    key: str | None = "k",
) -> int:
    recorder = EvidenceRecorder(artifact_store=artifacts)
    stats = recorder.record_tool_calls(
        run=run, node_id="node", tool_calls=calls, tool_results={"results": results}, key=key, now=NOW
    )
    return stats.recorded


def page() -> dict[str, Any]:
    return {
        "url": "http://a",
        "content_type": "text/html",
        "size_bytes": 0,
        "raw_text": "<p>x</p>",
        "normalized_text": "x",
        "title": "t",
    }


def test_a_page_moves_to_artifacts(artifacts: InMemoryArtifactStore, run: RunState) -> None:
    told = result("fetch_url", page(), "c1", meta={"ms": 0})
    assert record(artifacts, run, [call("fetch_url", "c1", url="http://asked")], [told]) == 1
    raw, text = (
        told["output"]["raw_artifact"]["$artifact"],
        told["output"]["normalized_artifact"]["$artifact"],
    )
    assert told["output"] == {
        "url": "http://a",
        "content_type": "text/html",
        "size_bytes": 0,
        "title": "t",
        "raw_artifact": {"$artifact": raw},
        "normalized_artifact": {"$artifact": text},
    }
    assert artifacts.load_text(raw) == "<p>x</p>"
    assert artifacts.load_text(text) == "x"
    stored = artifacts.get_metadata(raw)
    assert stored is not None
    assert (stored.content_type, stored.run_id) == ("text/html", "run-1")
    assert stored.tags == {"kind": "evidence", "tool": "fetch_url", "part": "raw"}
    assert told["meta"] == {"ms": 0, "evidence_id": told["meta"]["evidence_id"]}


def test_evidence_tells_of_its_call_and_its_parts(artifacts: InMemoryArtifactStore, run: RunState) -> None:
    told = result("fetch_url", page(), "c1")
    record(artifacts, run, [call("fetch_url", "c1", url="http://asked")], [told])
    raw, text = (
        told["output"]["raw_artifact"]["$artifact"],
        told["output"]["normalized_artifact"]["$artifact"],
    )
    evidence_id = told["meta"]["evidence_id"]
    assert artifacts.load_json(evidence_id) == {
        "tool_name": "fetch_url",
        "call_id": "c1",
        "success": True,
        "error": None,
        "created_at": NOW,
        "run_id": "run-1",
        "workflow_id": "flow",
        "node_id": "node",
        "arguments": {"url": "http://asked"},
        "actor_id": "ann",
        "session_id": "s",
        "url": "http://a",
        "content_type": "text/html",
        "size_bytes": 0,
        "artifacts": {"raw": {"$artifact": raw}, "normalized_text": {"$artifact": text}},
    }
    assert run.vars["_runtime"]["memory_spans"] == [
        {
            "kind": "evidence",
            "artifact_id": evidence_id,
            "created_at": NOW,
            "from_timestamp": NOW,
            "to_timestamp": NOW,
            "message_count": 0,
            "tool_name": "fetch_url",
            "call_id": "c1",
            "success": True,
            "url": "http://a",
        }
    ]


def test_what_a_command_printed_moves_too(artifacts: InMemoryArtifactStore, run: RunState) -> None:
    command = "echo " + "x" * 300
    told = result(
        "execute_command", {"command": command, "return_code": 0, "stdout": "out", "stderr": ""}, "c"
    )
    record(artifacts, run, [call("execute_command", "c", command=command)], [told])
    ref = told["output"]["stdout_artifact"]
    assert told["output"] == {"command": command, "return_code": 0, "stderr": "", "stdout_artifact": ref}
    evidence = artifacts.load_json(told["meta"]["evidence_id"])
    assert (evidence["return_code"], evidence["artifacts"]) == (0, {"stdout": ref})
    [span] = run.vars["_runtime"]["memory_spans"]
    assert span["command_preview"] == command[:160]
    stored = artifacts.get_metadata(told["meta"]["evidence_id"])
    assert stored is not None
    assert stored.tags == {"kind": "evidence", "tool": "execute_command", "command": command[:200]}


def test_plain_output_of_a_command_is_copied(artifacts: InMemoryArtifactStore, run: RunState) -> None:
    told = result("execute_command", "all of it", "c")
    record(artifacts, run, [call("execute_command", "c")], [told])
    assert told["output"] == "all of it"
    ref = artifacts.load_json(told["meta"]["evidence_id"])["artifacts"]["output"]
    assert artifacts.load_text(ref["$artifact"]) == "all of it"


@pytest.mark.parametrize(
    ("output", "media"),
    [
        ('[{"title": "a"}]', "application/json"),
        ([{"title": "a"}], "application/json"),
        ("[a] b", "text/plain"),
    ],
)
def test_a_search_is_copied_and_stays(
    artifacts: InMemoryArtifactStore, run: RunState, output: Any, media: str
) -> None:
    told = result("web_search", output, "c")
    record(artifacts, run, [call("web_search", "c", query="tea")], [told])
    assert told["output"] == output
    evidence = artifacts.load_json(told["meta"]["evidence_id"])
    assert evidence["query"] == "tea"
    stored = artifacts.load(evidence["artifacts"]["results"]["$artifact"])
    assert stored is not None
    assert stored.content_type == media
    assert run.vars["_runtime"]["memory_spans"][0]["query"] == "tea"


def test_a_very_long_search_is_cut_in_the_run_only(artifacts: InMemoryArtifactStore, run: RunState) -> None:
    """Weakness B16: what a search brings is bounded in the run, whole in the evidence."""
    told = result("web_search", "x" * 300_000, "c")
    record(artifacts, run, [call("web_search", "c", query="tea")], [told])
    assert len(str(told["output"])) < 5_000
    assert artifacts.load_text(told["output"]["results_artifact"]["$artifact"]) == "x" * 300_000


def test_results_belong_to_calls_by_id(artifacts: InMemoryArtifactStore, run: RunState) -> None:
    """Weakness B16: a call that was left out, another order, an id of the runtime."""
    calls = [
        call("fetch_url", "blocked", url="http://blocked"),
        call("fetch_url", "one", url="http://one"),
        {"runtime_call_id": "rt2", "function": {"name": "fetch_url", "arguments": '{"url": "http://two"}'}},
    ]
    results = [
        result("fetch_url", {"raw_text": "2"}, None, runtime_call_id="rt2"),
        result("fetch_url", {"raw_text": "1"}, "one"),
    ]
    assert record(artifacts, run, calls, results) == 2
    found = [artifacts.load_json(one["meta"]["evidence_id"]) for one in results]
    assert [(one["url"], one["arguments"]) for one in found] == [
        ("http://two", {"url": "http://two"}),
        ("http://one", {"url": "http://one"}),
    ]


def test_without_ids_the_first_call_of_that_name_is_meant(
    artifacts: InMemoryArtifactStore, run: RunState
) -> None:
    calls = [call("other"), call("web_search", query="a"), call("web_search", query="b")]
    results = [result("web_search", "x"), result("web_search", "y"), result("web_search", "z", "unknown")]
    record(artifacts, run, calls, results)
    queries = [artifacts.load_json(one["meta"]["evidence_id"])["arguments"] for one in results]
    assert queries == [{"query": "a"}, {"query": "b"}, {}]


def test_failures_are_evidence_and_other_tools_are_not(
    artifacts: InMemoryArtifactStore, run: RunState
) -> None:
    bad = result("fetch_url", None, "c", success="yes", error="404")
    plain = result("read_file", "text", "d")
    assert record(artifacts, run, [call("fetch_url", "c", url="u")], [bad, plain, "odd"]) == 1
    evidence = artifacts.load_json(bad["meta"]["evidence_id"])
    assert (evidence["success"], evidence["error"], evidence["artifacts"]) == (False, "404", {})
    assert "meta" not in plain
    assert DEFAULT_EVIDENCE_TOOL_NAMES == ("web_search", "fetch_url", "execute_command")


def test_a_host_names_the_tools(artifacts: InMemoryArtifactStore, run: RunState) -> None:
    told = result("measure", {"n": 0}, "c")
    recorder = EvidenceRecorder(artifact_store=artifacts, tool_names=["measure"])
    recorder.record_tool_calls(run=run, node_id="n", tool_calls=[call("measure", "c")], tool_results=[told])
    evidence = artifacts.load_json(told["meta"]["evidence_id"])
    assert artifacts.load_json(evidence["artifacts"]["output"]["$artifact"]) == {"n": 0}


def test_the_same_key_stores_nothing_twice(artifacts: InMemoryArtifactStore, run: RunState) -> None:
    for _ in range(2):
        told = result("fetch_url", {"raw_text": "x"}, "c")
        record(artifacts, run, [call("fetch_url", "c")], [told])
    assert len(artifacts.list_by_run("run-1")) == 2
    assert len(run.vars["_runtime"]["memory_spans"]) == 1


def test_what_is_not_json_is_refused(artifacts: InMemoryArtifactStore, run: RunState) -> None:
    with pytest.raises(NotDurable, match=r"evidence\.arguments\.x"):
        record(artifacts, run, [call("web_search", "c", x=object())], [result("web_search", "y", "c")])
