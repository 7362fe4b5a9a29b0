"""The knowledge graph over real stores of AbstractMemory: what is kept, found, and meant."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from abstractruntime import (
    Effect,
    EffectType,
    InMemoryRunStore,
    RunState,
    RunStatus,
    Runtime,
    StepPlan,
    WorkflowSpec,
)
from abstractruntime.core.effects import EffectOutcome
from abstractruntime.integrations.abstractmemory import (
    build_memory_kg_effect_handlers,
    resolve_scope_owner_id,
)
from abstractruntime.storage import open_stores

memory = pytest.importorskip("abstractmemory", reason="AbstractMemory is not installed")
pytest.importorskip("abstractsemantics", reason="AbstractSemantics is not installed")

NOW = "2026-01-01T00:00:00+00:00"
FACTS = [
    ("ex:Person Alice", "rdf:type", "schema:Person"),
    ("ex:Person Alice", "schema:name", "Alice Martin"),
    ("ex:Person Alice", "schema:awareness", "ex:Graph Databases"),
    ("ex:Project Atlas", "dcterms:title", "Atlas"),
    ("ex:Project Atlas", "schema:creator", "ex:Person Alice"),
]


class WordVectors:
    """Embeds a text as the words in it: enough to be near what shares them."""

    model = "word-vectors"

    def embed_texts(self, texts: list[str]) -> list[list[float]]:
        return [self.vector(text) for text in texts]

    def vector(self, text: str) -> list[float]:
        made = [0.0] * 64
        for word in text.lower().replace("-", " ").replace(":", " ").split():
            made[hashlib.sha256(word.encode()).digest()[0] % 64] += 1.0
        return made


def pinned(kind: Any, *place: Any) -> Any:
    """A new store of a kind that says which embedder it is for."""
    pin = memory.build_pin(WordVectors.model, 64, source="test")
    return kind(*place, embedder=WordVectors(), embedding_pin=pin)


class Graph:
    """A store with its handlers and a run to ask from."""

    def __init__(self, store: Any, session_id: str | None = "s") -> None:
        self.store, self.runs = store, InMemoryRunStore()
        self.run = RunState.new(workflow_id="w", entry_node="n", vars={}, session_id=session_id)
        self.handlers = build_memory_kg_effect_handlers(store=store, run_store=self.runs, now_iso=lambda: NOW)

    def tell(self, *facts: Any, key: str | None = None, **more: Any) -> EffectOutcome:
        payload = {"assertions": [as_fact(each) for each in facts], **more}
        handler = self.handlers[EffectType.MEMORY_KG_ASSERT]
        return handler(self.run, Effect(EffectType.MEMORY_KG_ASSERT, payload, "r"), None, idempotency_key=key)

    def ask(self, **payload: Any) -> Any:
        effect = Effect(EffectType.MEMORY_KG_QUERY, payload, "r")
        outcome = self.handlers[EffectType.MEMORY_KG_QUERY](self.run, effect, None)
        return outcome.result if outcome.status == "completed" else outcome.error

    def means(self, label: str, **payload: Any) -> Any:
        effect = Effect(EffectType.MEMORY_KG_RESOLVE, {"label": label, **payload}, "r")
        outcome = self.handlers[EffectType.MEMORY_KG_RESOLVE](self.run, effect, None)
        return outcome.result if outcome.status == "completed" else outcome.error


def as_fact(given: Any) -> Any:
    return (
        dict(zip(("subject", "predicate", "object"), given, strict=True))
        if isinstance(given, tuple)
        else given
    )


@pytest.fixture(params=["memory", "sqlite"])
def graph(request: pytest.FixtureRequest, tmp_path: Path) -> Graph:
    if request.param == "memory":
        return Graph(pinned(memory.InMemoryTripleStore))
    return Graph(pinned(memory.SQLiteTripleStore, tmp_path / "kg.sqlite3"))


def test_facts_are_kept_in_their_one_spelling(graph: Graph) -> None:
    told = graph.tell(*FACTS, span_id="sp", attributes_defaults={"from": "test"})
    assert told.status == "completed", told.error
    assert told.result["count"] == 5
    assert ("warnings" in told.result) == ("InMemory" in type(graph.store).__name__)
    found = graph.ask(subject="ex:person-alice", predicate="schema:knowsabout")["items"]
    [fact] = found
    assert fact["object"] == "ex:graph-databases"
    assert fact["observed_at"] == NOW
    assert fact["attributes"]["from"] == "test"
    assert fact["provenance"] == {
        "writer_run_id": graph.run.run_id,
        "writer_workflow_id": "w",
        "span_id": "sp",
    }


def test_what_is_known_is_not_told_twice(graph: Graph) -> None:
    graph.tell(*FACTS)
    again = graph.tell(*FACTS, FACTS[0], ("ex:new", "schema:name", "New")).result
    assert (again["count"], again["count_attempted"], again["skipped_duplicates"]) == (1, 7, 6)
    assert graph.tell(FACTS[0], dedupe=False).result["count"] == 1


def test_the_same_visit_keeps_nothing_twice(graph: Graph) -> None:
    first = graph.tell(*FACTS, key="visit-1", dedupe=False)
    again = graph.tell(*FACTS, key="visit-1", dedupe=False)
    assert first.result["assertion_ids"] == again.result["assertion_ids"]
    assert graph.ask(limit=100)["count"] == 5


def test_the_same_visit_tells_of_what_it_kept_before_a_crash(graph: Graph) -> None:
    graph.tell(FACTS[0])
    first = graph.tell(*FACTS, key="visit-1").result
    assert (first["count"], first["skipped_duplicates"]) == (4, 1)
    assert graph.tell(*FACTS, key="visit-1").result == first
    assert graph.tell(*FACTS, key="visit-2").result["count"] == 0
    assert graph.ask(limit=100)["count"] == 5


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ([FACTS[0], ("a", "no:such", "b")], r"assertions\[1\].predicate 'no:such' is unknown"),
        ([("a", "ex:own", "b")], "allow_custom_predicates"),
        ([{"subject": "a", "predicate": "rdf:type"}], r"assertions\[0\].object must be a text"),
        (["text"], r"assertions\[0\] is str"),
        ([("ex: ", "rdf:type", "b")], r"assertions\[0\].subject 'ex: ' has no name"),
        ([{**as_fact(FACTS[0]), "confidence": "high"}], r"assertions\[0\].confidence must be a number"),
        ([{**as_fact(FACTS[0]), "scope": "planet"}], "Unknown memory scope: 'planet'"),
    ],
)
def test_one_bad_fact_keeps_all_out(graph: Graph, facts: list[Any], reason: str) -> None:
    outcome = graph.tell(*facts)
    assert outcome.status == "failed"
    assert re.search(reason, str(outcome.error)), outcome.error
    assert graph.ask()["count"] == 0


def test_own_predicates_are_for_those_who_ask_for_them(graph: Graph) -> None:
    assert graph.tell(("a", "ex:likes", "b"), allow_custom_predicates=True).result["count"] == 1
    assert graph.tell().result == {"ok": True, "count": 0, "assertion_ids": [], "skipped": True}


def test_a_question_by_meaning_finds_the_nearest_first(graph: Graph) -> None:
    graph.tell(*FACTS)
    found = graph.ask(query_text="alice martin", min_score=0.1)
    assert found["items"][0]["object"].lower() == "alice martin"
    scores = [each["attributes"]["_retrieval"]["score"] for each in found["items"]]
    assert scores == sorted(scores, reverse=True)


def test_a_level_bounds_what_is_looked_for(graph: Graph) -> None:
    graph.tell(*FACTS)
    found = graph.ask(recall_level="urgent", limit=500, min_score=0.1, max_input_tokens=5000)
    assert found["effort"] == {
        "recall_level": "urgent",
        "applied": {"limit": 40, "min_score": 0.5, "max_input_tokens": 1000},
    }
    told = " ".join(found["warnings"])
    assert all(words in told for words in ("clamped limit", "raised min_score", "clamped max_input_tokens"))
    assert found["packed_count"] == 5
    assert found["active_memory_text"].startswith("## KG ACTIVE MEMORY")
    silent = graph.ask(recall_level="deep", max_input_tokens=0)
    assert silent["effort"]["applied"]["max_input_tokens"] == 0
    assert "packets" not in silent
    assert "Unknown recall_level" in graph.ask(recall_level="extreme")


def test_scopes_keep_facts_apart(graph: Graph) -> None:
    graph.tell(("ex:a", "schema:name", "mine"))
    graph.tell(("ex:a", "schema:name", "ours"), scope="session")
    graph.tell(("ex:a", "schema:name", "all"), scope="global")
    names = {
        scope: [each["object"] for each in graph.ask(scope=scope)["items"]]
        for scope in ("run", "session", "global")
    }
    assert names == {"run": ["mine"], "session": ["ours"], "global": ["all"]}
    assert graph.ask(scope="all")["count"] == 3
    assert graph.ask(scope="planet") == {
        "ok": False,
        "count": 0,
        "items": [],
        "error": "Unknown memory scope: 'planet' (it is one of run, session, global; all of them where one searches: all)",
    }
    assert graph.ask(scope="run", owner_id="somebody else")["count"] == 0


def test_who_owns_a_scope(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = InMemoryRunStore()
    parent = RunState.new(workflow_id="w", entry_node="n", vars={})
    runs.save(parent)
    child = RunState.new(workflow_id="w", entry_node="n", vars={}, parent_run_id=parent.run_id)
    assert resolve_scope_owner_id(child, scope="run", run_store=runs) == child.run_id
    assert resolve_scope_owner_id(child, scope="session", run_store=runs) == parent.run_id
    child.session_id = "hello world"
    owner = resolve_scope_owner_id(child, scope="session", run_store=runs)
    assert owner == "session_memory_sha_b94d27b9934d3e08a52e52d7da7dabfa"
    assert resolve_scope_owner_id(child, scope="global", run_store=runs) == "global_memory"
    monkeypatch.setenv("ABSTRACTRUNTIME_GLOBAL_MEMORY_RUN_ID", "mine-1")
    assert resolve_scope_owner_id(child, scope="global", run_store=runs) == "mine-1"
    with pytest.raises(ValueError, match="Unknown memory scope"):
        resolve_scope_owner_id(child, scope="x", run_store=runs)


def test_a_name_is_resolved(graph: Graph) -> None:
    graph.tell(*FACTS)
    found = graph.means("  ALICE   martin ")
    [candidate] = found["candidates"]
    assert (candidate["id"], candidate["score"], candidate["types"]) == (
        "ex:person-alice",
        1.0,
        ["schema:person"],
    )
    assert candidate["evidence"][0]["predicate"] == "schema:name"
    assert graph.means("Atlas", expected_type="schema:Person")["count"] == 0
    near = graph.means("martin")
    assert near["candidates"][0]["id"] == "ex:person-alice"
    assert near["candidates"][0]["score"] < 1
    assert graph.means("martin", recall_level="urgent")["count"] == 0
    assert graph.means(" ")["error"] == "label is required"


def test_without_an_embedder_words_are_searched_and_it_is_told(tmp_path: Path) -> None:
    graph = Graph(memory.SQLiteTripleStore(tmp_path / "kg.sqlite3"))
    graph.tell(*FACTS)
    found = graph.ask(query_text="atlas")
    assert found["items"][0]["subject"] == "ex:project-atlas"
    assert "searched by words" in found["warnings"][0]
    assert "no search by meaning" in graph.means("atla")["warnings"][0]


class Unreliable(WordVectors):
    """An embedder that is away for a while."""

    is_away = False

    def embed_texts(self, texts: list[str]) -> list[list[float]]:
        if self.is_away:
            raise OSError("the embedder is away")
        return super().embed_texts(texts)


@pytest.mark.filterwarnings("ignore:#FALLBACK")
def test_facts_that_no_embedder_has_seen_are_told(tmp_path: Path) -> None:
    pin, embedder = memory.build_pin(WordVectors.model, 64, source="test"), Unreliable()
    store = memory.SQLiteTripleStore(tmp_path / "kg.sqlite3", embedder=embedder, embedding_pin=pin)
    graph = Graph(store)
    assert "warnings" not in graph.tell(FACTS[0]).result
    embedder.is_away = True
    [warning] = graph.tell(*FACTS[1:3]).result["warnings"]
    assert warning.startswith("2 facts were kept without a vector")
    assert "page Settings, under Models" in warning
    by_words = graph.ask(query_text="martin")
    assert [each["object"] for each in by_words["items"]] == ["alice martin"]
    assert by_words["warnings"] == ["run: searched by words, not by meaning (the embedder is away)"]
    embedder.is_away = False
    assert "warnings" not in graph.tell(FACTS[3]).result
    store.close()


def test_words_are_searched_among_the_facts_that_are_asked_for_the_best_first(tmp_path: Path) -> None:
    graph = Graph(memory.SQLiteTripleStore(tmp_path / "kg.sqlite3"))
    graph.tell(*FACTS)
    graph.tell(*[(f"ex:n-{n}", "schema:name", f"Alice of the {n}th house") for n in range(40)])
    graph.tell({**as_fact(("ex:new", "schema:name", "Zed")), "observed_at": "2026-02-01T00:00:00+00:00"})
    only = graph.ask(query_text="alice", subject="ex:project-atlas")
    assert {each["subject"] for each in only["items"]} == {"ex:project-atlas"}
    assert graph.ask(query_text="alice", since="2026-01-15T00:00:00+00:00")["count"] == 0
    assert graph.ask(query_text="alice", predicate="schema:name", limit=100)["count"] == 41
    assert graph.ask(query_text="alice", limit=100)["count"] == 44
    both = graph.ask(query_text="zed alice martin", predicate="schema:name", limit=2)
    assert {each["object"] for each in both["items"]} == {"zed", "alice martin"}


def test_a_store_that_cannot_be_asked_is_not_one_without_a_candidate() -> None:
    class Broken:
        def add(self, facts: Any) -> Any:
            raise OSError("the disk is gone")

        query = add

    found = Graph(Broken()).means("alice", scope="all")
    assert (found["ok"], found["count"]) == (False, 0)
    assert "global: the disk is gone" in found["error"]


def test_a_store_has_to_be_one() -> None:
    with pytest.raises(TypeError, match="needs add"):
        build_memory_kg_effect_handlers(store=object(), run_store=None, now_iso=str)


def test_a_round_trip_through_runs_and_a_restart(tmp_path: Path) -> None:
    def at() -> tuple[Runtime, Any]:
        stores = open_stores(f"sqlite://{tmp_path}/runs.db")
        triples = pinned(memory.SQLiteTripleStore, tmp_path / "kg.sqlite3")
        handlers = build_memory_kg_effect_handlers(store=triples, run_store=stores.runs, now_iso=lambda: NOW)
        return Runtime(run_store=stores.runs, ledger_store=stores.ledger, effect_handlers=handlers), triples

    tell = Effect(
        EffectType.MEMORY_KG_ASSERT,
        {"scope": "session", "assertions": [as_fact(each) for each in FACTS]},
        "told",
    )
    ask = Effect(
        EffectType.MEMORY_KG_QUERY,
        {"scope": "session", "query_text": "alice martin", "min_score": 0.1},
        "asked",
    )
    nodes: dict[str, Any] = {
        "tell": lambda run, ctx: StepPlan("tell", effect=tell, next_node="ask"),
        "ask": lambda run, ctx: StepPlan("ask", effect=ask, next_node="end"),
        "end": lambda run, ctx: StepPlan(
            "end", complete_output={"found": run.vars["asked"]["items"][0]["object"]}
        ),
    }
    spec = WorkflowSpec(workflow_id="kg", entry_node="tell", nodes=nodes)
    runtime, triples = at()
    run_id = runtime.start(spec, session_id="s")
    runtime.tick(spec, run_id, max_steps=1)
    triples.close()
    runtime, triples = at()
    done = runtime.tick(spec, run_id)
    assert done.status is RunStatus.COMPLETED, done.error
    assert done.output is not None
    assert str(done.output["found"]).lower() == "alice martin"
    second = runtime.start(spec, session_id="s")
    runtime.tick(spec, second)
    assert runtime.get_state(second).vars["told"]["count"] == 0
    triples.close()
