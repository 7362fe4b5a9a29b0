"""Programs: what runs execute, kept with the data, apart from the flows that people edit.

At a launch the flow, its subflows and its listeners are lowered together and kept in one file
named by the digest of it all. A run's workflow id is `<flow id>@<digest>`: an edit makes another
digest and never touches a run under way, and after a restart every run finds its program again.
This is also the registry in which the kernel finds workflows.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any, cast

from abstractruntime.core.errors import InvalidFlow, StoreDamaged, WorkflowNotFound
from abstractruntime.core.spec import WorkflowSpec
from abstractruntime.nodes.catalog import Catalog
from abstractruntime.nodes.define import Offers
from abstractruntime.visualflow_compiler import (
    Opened,
    Problem,
    Program,
    bind,
    changes_between,
    errors_of,
    load_visualflow_json,
    lower_opened,
    migrate,
    open_flow,
    open_tree,
    renamed,
)
from abstractruntime.visualflow_compiler.sandbox import shared_sandbox
from abstractruntime.visualflow_compiler.sandbox_problems import holds_code, problems_of_code

from .library import Document, FlowLibrary, FlowNotFound
from .library_text import revision_of
from .library_versions import VersionNotFound
from .links import linked, problems_of
from .staging import write_whole

FORMAT = 1
KEPT_SPECS = 400
KEPT_TREES = 100


@dataclass(frozen=True)
class Pinned:
    """A flow as some runs execute it."""

    root: str
    documents: Mapping[str, Document]
    programs: Mapping[str, Program]
    listeners: tuple[str, ...]
    links: Mapping[str, str] = field(default_factory=dict)  # keys of bound versions: their flows


def _no_version(flow_id: str, word: str) -> tuple[int, Document]:
    raise VersionNotFound(f"Flow {flow_id!r} has no version {word!r}: none are kept here.")


class GivenFlows(Mapping[str, Document]):
    """Flows as the compiler sees them: documents by id, all of them given, none bound to a version.

    `links` says of keys that stand for a version of a flow which flow that is.
    """

    def __init__(self, documents: Mapping[str, Document]) -> None:
        self.links: dict[str, str] = {}
        self._read = dict(documents)

    def __getitem__(self, flow_id: str) -> Document:
        return self.kept(flow_id)

    def kept(self, flow_id: str) -> Document:
        """Return a document as it is kept; raise KeyError."""
        return self._read[flow_id]

    def revision(self, flow_id: str) -> str:
        """Return the revision of a document as it was read here."""
        return revision_of(self.kept(flow_id))

    def __iter__(self) -> Iterator[str]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read)


class LibraryFlows(GivenFlows):
    """The library as the compiler sees it: documents by id, each read once, when it is asked for.

    `instead` gives what stands for a flow: its published version. `version` finds what a node is bound to;
    such a document stands under a key of its own, and `links` says of which flow it is.
    """

    def __init__(
        self,
        library: FlowLibrary,
        first: Mapping[str, Document] | None = None,
        instead: Callable[[str], Document | None] = lambda flow_id: None,
        version: Callable[[str, str], tuple[int, Document]] = _no_version,
    ) -> None:
        super().__init__(first or {})
        self._version = version
        self._library = library
        self._instead = instead
        self._revisions: dict[str, str] = {}
        self._ids = {entry.id for entry in library.entries()} | set(self._read)

    def __getitem__(self, flow_id: str) -> Document:
        found = linked(self.kept(flow_id), self._bind)
        return {**found, "id": flow_id} if flow_id in self.links else found

    def _bind(self, flow_id: str, word: str) -> str | None:
        try:
            number, document = self._version(flow_id, word)
        except VersionNotFound:
            return None  # the check tells it
        key = f"{flow_id}@v{number}"
        self._read[key], self.links[key] = document, flow_id
        self._ids.add(key)
        return key

    def kept(self, flow_id: str) -> Document:
        """Return a document as it is kept; raise KeyError."""
        if flow_id not in self._read:
            try:
                held = self._instead(flow_id)
                found = self._library.get(flow_id) if held is None else (held, revision_of(held))
                self._read[flow_id], self._revisions[flow_id] = found
            except FlowNotFound:
                raise KeyError(flow_id) from None
        return self._read[flow_id]

    def revision(self, flow_id: str) -> str:
        """Return the revision of a document as it was read here."""
        body = self.kept(flow_id)
        return self._revisions.get(flow_id) or revision_of(body)

    def __contains__(self, flow_id: object) -> bool:
        return flow_id in self._ids

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)


class Programs:
    """Keeps and finds programs. Safe to call from several threads."""

    def __init__(
        self,
        folder: Path,
        library: FlowLibrary,
        types: Catalog,
        *,
        offers: Callable[[], Offers] = Offers,
        agents: Callable[[str], WorkflowSpec | None] = lambda workflow_id: None,
        published: Callable[[str], Document | None] = lambda flow_id: None,
        version: Callable[[str, str], tuple[int, Document]] = _no_version,
    ) -> None:
        self._published = published
        self._version = version
        self._folder = folder
        self._library = library
        self._types = types
        self._offers = offers
        self._agents = agents
        self._lock = Lock()
        self._specs: OrderedDict[str, WorkflowSpec] = OrderedDict()
        self._trees: OrderedDict[str, Pinned] = OrderedDict()
        self._latest: dict[tuple[str, bool], tuple[dict[str, str], str]] = {}

    def problems(self, flow_id: str, document: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return what is wrong with a document, also what keeps it from being read as a flow.

        The document is one that was read strictly, from the library or a request.
        """
        body = {"id": flow_id, **document}
        flows = LibraryFlows(self._library, {flow_id: body}, version=self._version)
        try:
            found = self._check(open_flow(flows[flow_id], self._types, own=True), flows)
        except InvalidFlow as error:
            found = cast(list[Problem], list(error.problems)) or [Problem("error", error.code, str(error))]
        return [problem.to_json() for problem in found]

    def lowered(self, flow_id: str, document: Mapping[str, Any]) -> tuple[Program, ...]:
        """Return the program of a document and those of its listeners; nothing is kept. Raises InvalidFlow."""
        flows = LibraryFlows(self._library, {flow_id: {"id": flow_id, **document}}, version=self._version)
        tree = lower_opened({flow_id: open_flow(flows[flow_id], self._types)}, [])
        return (*tree.programs.values(), *tree.listeners.values())

    def upgrade(
        self, flow_id: str, document: Mapping[str, Any]
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return what a document says in old words, and the changes that write it in today's.

        Raises InvalidFlow for what cannot be read as a flow.
        """
        flow = load_visualflow_json({"id": flow_id, **document})
        today, notes = migrate(flow, self._types)
        return [note.to_json() for note in notes], changes_between(flow, today)

    def keep(self, flow_id: str, *, draft: bool = True) -> str:
        """Lower a flow as it is now, keep its programs, and return its workflow id.

        Without `draft` it is the published version of the flow, and of each of its subflows, where
        there is one.
        Raises FlowNotFound, or InvalidFlow with the problems of the flow and of its subflows.
        """
        if (known := self._unchanged(flow_id, draft)) is not None:
            return known
        flows = self._flows(draft)
        pinned, revisions, digest = self._lower(flow_id, flows)
        self._write(digest, pinned)
        self._latest[flow_id, draft] = ({} if flows.links else revisions, pinned.root)
        return pinned.root

    def keep_given(self, flow_id: str, documents: Mapping[str, Document]) -> str:
        """Lower a flow of these documents, which are all it may call, keep its programs, and return its workflow id.

        Raises InvalidFlow with the problems of the flow and of its subflows.
        """
        pinned, _, digest = self._lower(flow_id, GivenFlows(documents))
        self._write(digest, pinned)
        return pinned.root

    def keep_unsaved(self, flow_id: str, document: Document) -> str:
        """Lower a document that the library need not have, keep its programs, and return its workflow id.

        What it calls are the drafts of the library. Raises InvalidFlow with the problems.
        """
        pinned, _, digest = self._lower(flow_id, self._flows(True, {flow_id: document}))
        self._write(digest, pinned)
        return pinned.root

    def compiled(
        self, flow_id: str, document: Document, *, draft: bool = True, digest: str | None = None
    ) -> Pinned:
        """Lower a document and what it calls; nothing is kept. `digest` is what its workflows are to be named by.

        Raises InvalidFlow with the problems.
        """
        return self._lower(flow_id, self._flows(draft, {flow_id: {"id": flow_id, **document}}), digest)[0]

    def kept(self, workflow_id: str) -> Pinned:
        """Return the programs that a run executes; raise WorkflowNotFound."""
        pinned = self._pinned(workflow_id)
        if pinned is None:
            raise WorkflowNotFound(f"The program {workflow_id!r} is missing from {self._folder}.")
        return pinned

    def bound(self, pinned: Pinned, workflow_id: str, offers: Offers) -> WorkflowSpec | None:
        """Return a workflow of what was compiled, told of these models and tools, or one of an agent."""
        program = pinned.programs.get(workflow_id)
        return self._agents(workflow_id) if program is None else bind(program, self._types, offers=offers)

    def _flows(self, draft: bool, first: Mapping[str, Document] | None = None) -> LibraryFlows:
        instead = (lambda key: None) if draft else self._published
        return LibraryFlows(self._library, first, instead=instead, version=self._version)

    def _lower(
        self, flow_id: str, flows: GivenFlows, named: str | None = None
    ) -> tuple[Pinned, dict[str, str], str]:
        """Return the programs of a flow and of what it calls, the revisions of these, and the digest of all."""
        opened, missing = open_tree(flow_id, flows, self._types)
        self._refuse_errors(flow_id, opened, flows)
        tree = lower_opened(opened, missing)
        documents = {key: flows.kept(key) for key in tree.programs}
        revisions = {key: flows.revision(key) for key in documents}
        plain = [program.to_json() for program in (*tree.programs.values(), *tree.listeners.values())]
        digest = named or _digest({"format": FORMAT, "documents": revisions, "programs": plain})
        programs, listeners = (
            {
                program.workflow_id: program
                for program in (
                    renamed(each, self._types, lambda name: f"{name}@{digest}") for each in part.values()
                )
            }
            for part in (tree.programs, tree.listeners)
        )
        root = f"{tree.root}@{digest}"
        pinned = Pinned(root, documents, {**programs, **listeners}, tuple(listeners), flows.links)
        return pinned, revisions, digest

    def _unchanged(self, flow_id: str, draft: bool) -> str | None:
        """Return what the last launch made of a flow if neither it nor a subflow has changed since."""
        self._library.entry(flow_id)
        revisions, root = self._latest.get((flow_id, draft), ({}, ""))
        present = {entry.id: entry.revision for entry in self._library.entries()} if revisions else {}
        if revisions and not draft:
            live = {key: found for key in revisions if (found := self._published(key)) is not None}
            present |= {key: revision_of(body) for key, body in live.items()}
        is_same = bool(revisions) and all(present.get(key) == value for key, value in revisions.items())
        return root if is_same and self._file(root).exists() else None

    def get(self, workflow_id: str) -> WorkflowSpec | None:
        """Return a workflow ready to run, or None when its program is not kept here."""
        with self._lock:
            spec = self._specs.get(workflow_id)
            if spec is not None:
                self._specs.move_to_end(workflow_id)
                return spec
        program = self.program(workflow_id)
        if program is None:
            return self._agents(workflow_id)
        spec = bind(program, self._types, offers=self._offers())
        with self._lock:
            self._specs[workflow_id] = spec
            while len(self._specs) > KEPT_SPECS:
                self._specs.popitem(last=False)
        return spec

    def rebind(self) -> None:
        """Tell workflows anew what models and tools there are."""
        with self._lock:
            self._specs.clear()

    def get_or_raise(self, workflow_id: str) -> WorkflowSpec:
        """Return a workflow ready to run; raise WorkflowNotFound."""
        spec = self.get(workflow_id)
        if spec is None:
            raise WorkflowNotFound(f"The program {workflow_id!r} is missing from {self._folder}.")
        return spec

    def listeners(self, workflow_id: str) -> tuple[str, ...]:
        """Return the workflows that listen for events beside a main run."""
        pinned = self._pinned(workflow_id)
        return pinned.listeners if pinned is not None and pinned.root == workflow_id else ()

    def document(self, workflow_id: str) -> Document:
        """Return the flow document that a workflow was made from; raise WorkflowNotFound."""
        pinned, key = self._pinned(workflow_id), self._key(workflow_id)
        if pinned is None or key not in pinned.documents:
            raise WorkflowNotFound(f"The flow of program {workflow_id!r} is missing from {self._folder}.")
        return pinned.documents[key]

    def documents(self, workflow_id: str) -> Mapping[str, Document]:
        """Return the documents of a workflow's flow and of all that it may call, by id."""
        pinned = self._pinned(workflow_id)
        return pinned.documents if pinned is not None else {}

    def flow_id(self, workflow_id: str) -> str:
        """Return the id of the flow that a workflow was made from."""
        key = self._key(workflow_id)
        pinned = self._pinned(workflow_id) if "@v" in key else None
        return pinned.links.get(key, key) if pinned is not None else key

    def _key(self, workflow_id: str) -> str:
        name = workflow_id.rpartition("@")[0] or workflow_id
        if not name.startswith("visual_event_listener_"):
            return name
        program = self.program(workflow_id)
        return program.flow_id if program is not None else name

    def flow_name(self, workflow_id: str) -> str:
        """Return the name that the flow had when the workflow was made from it."""
        key, pinned = self._key(workflow_id), self._pinned(workflow_id)
        document = pinned.documents.get(key, {}) if pinned is not None else {}
        return str(document.get("name") or self.flow_id(workflow_id))

    def _check(self, opened: Opened, flows: GivenFlows) -> list[Problem]:
        """Return all problems of a flow, those of its code too."""
        found = opened.problems(flows) + problems_of(opened, flows.links.__contains__, flows.__contains__)
        if holds_code(opened.flow, self._types):
            found += problems_of_code(opened.graph(listeners=True), shared_sandbox())
        return found

    def _refuse_errors(self, flow_id: str, opened: Mapping[str, Opened], flows: GivenFlows) -> None:
        errors: list[Problem] = []
        for key, each in opened.items():
            for problem in errors_of(self._check(each, flows)):
                where = "" if key == flow_id else f"In the subflow {key!r}: "
                errors.append(replace(problem, message=where + problem.message))
        if errors:
            more = f" And {len(errors) - 1} more." if len(errors) > 1 else ""
            raise InvalidFlow(f"Flow {flow_id!r} cannot run yet. {errors[0].message}{more}", errors)

    def program(self, workflow_id: str) -> Program | None:
        """Return the program of a workflow, or None when it is not kept here."""
        pinned = self._pinned(workflow_id)
        return pinned.programs.get(workflow_id) if pinned is not None else None

    def _pinned(self, workflow_id: str) -> Pinned | None:
        digest = workflow_id.rpartition("@")[2]
        if not digest.isalnum():
            return None
        with self._lock:
            pinned = self._trees.get(digest)
            if pinned is not None:
                self._trees.move_to_end(digest)
                return pinned
        try:
            pinned = _read(self._file(workflow_id).read_bytes())
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise StoreDamaged(f"The program file {digest}.json cannot be read: {error}") from None
        self._remember(digest, pinned)
        return pinned

    def _file(self, workflow_id: str) -> Path:
        return self._folder / f"{workflow_id.rpartition('@')[2]}.json"

    def _remember(self, digest: str, pinned: Pinned) -> None:
        with self._lock:
            self._trees[digest] = pinned
            while len(self._trees) > KEPT_TREES:
                self._trees.popitem(last=False)

    def _write(self, digest: str, pinned: Pinned) -> None:
        """Keep a tree under its digest; what is there already is the same."""
        path = self._file(pinned.root)
        if not path.exists():
            body = {
                "format": FORMAT,
                "root": pinned.root,
                "documents": pinned.documents,
                "programs": {key: program.to_json() for key, program in pinned.programs.items()},
                "listeners": list(pinned.listeners),
                "links": dict(pinned.links),
            }
            write_whole(path, json.dumps(body, ensure_ascii=False).encode())
        self._remember(digest, pinned)


def _read(raw: bytes) -> Pinned:
    body = json.loads(raw)
    if body["format"] != FORMAT:
        raise ValueError(f"its format is {body['format']!r}")
    programs = {key: Program.from_json(program) for key, program in body["programs"].items()}
    listeners = tuple(body["listeners"])
    return Pinned(body["root"], body["documents"], programs, listeners, body.get("links", {}))


def _digest(body: Any) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:20]
