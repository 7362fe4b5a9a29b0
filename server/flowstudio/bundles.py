"""Flows on the road: a flow with its subflows as one .flow file, and back into the library.

An import is decided before anything is written: every flow of the bundle is read and compared
with the library. A flow that exists with other content refuses the whole import unless the
caller chooses to replace it or to bring the newcomers in as copies.

The tests of the flows travel with them, as assets `tests/...` that older readers leave alone.
"""

from __future__ import annotations

import re
import tempfile
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from abstractruntime.core.errors import BundleError, Conflict
from abstractruntime.nodes.catalog import Catalog
from abstractruntime.nodes.families import BY_ID, FAMILIES
from abstractruntime.nodes.written_keys import document_without_keys
from abstractruntime.visualflow_compiler import load_visualflow_json
from abstractruntime.workflow_bundle import (
    WorkflowBundle,
    open_workflow_bundle,
    pack_workflow_bundle,
    sanitize_bundle_id,
)

from .flow_tests.shelf import FOLDER, BadTest, FlowTest, Shelf, read_test, text_of
from .flow_tests.travel import under_new_flow_ids
from .library import BadDocument, Document, FlowLibrary, FlowNotFound, check_shape, prepare, read_document
from .library_text import BadText, revision_of
from .library_versions import VersionNotFound
from .links import calls, linked, unbound, under_other_ids

OnConflict = Literal["refuse", "copy", "replace"]


class BundleConflict(Conflict):
    """The bundle holds flows that the library has with other content; `extra` names them."""

    code = "bundle.conflict"

    def __init__(self, flows: list[str]) -> None:
        names = ", ".join(repr(flow) for flow in flows)
        super().__init__(
            f"The library already has {names} with other content. Import with `on_conflict=copy` to keep "
            "both, or with `on_conflict=replace` to replace what is there."
        )
        self.extra = {"flows": flows}


_UNSAFE = re.compile(r"[^\w .()-]")  # of the name of a file that somebody sends


@dataclass(frozen=True)
class Arrival:
    """One flow of an imported bundle: what became of it."""

    id: str
    name: str
    state: Literal["created", "unchanged", "replaced", "copied"]
    bundled_as: str


@dataclass(frozen=True)
class Reach:
    """What nodes of the imported flows will touch outside of a run, and how many do."""

    what: str
    nodes: int


@dataclass(frozen=True)
class Import:
    """What an import did, what the flows will reach once somebody runs them, how many tests came with them."""

    bundle_id: str
    bundle_version: str
    entrypoint: str
    flows: tuple[Arrival, ...]
    reaches: tuple[Reach, ...]
    tests: int = 0


class Bundles:
    """Packs from the library and unpacks into it."""

    def __init__(
        self,
        library: FlowLibrary,
        types: Catalog,
        version: Callable[[str, str], tuple[int, Document]],
        tests: Shelf,
    ) -> None:
        self._tests = tests
        self._library = library
        self._types = types
        self._version = version

    def export(
        self,
        flow_id: str,
        bundle_id: str = "",
        bundle_version: str = "0.0.0",
        metadata: Mapping[str, Any] | None = None,
        created_at: str | None = None,
    ) -> tuple[str, bytes]:
        """Return file name and bytes of a flow packed with its subflows; the same bytes every time.

        `created_at` is for a version that is installed: among versions that are no numbers the latest is the newest.

        A bundle has no versions: one that a node is bound to is packed as a flow of its own,
        `<flow>.v<number>`, and the node names that. Raises BundleError when it is not kept any more.
        What looks like a key in a node is left out: a hole with its name stands there.
        """
        source = self._library.path_of(flow_id)
        name = bundle_id or sanitize_bundle_id(flow_id) or "flow"
        with tempfile.TemporaryDirectory(prefix="flowstudio-") as folder:
            target, flows = Path(folder) / "export.flow", self._library.folder
            if (freed := self._to_pack(flow_id)) is not None:
                flows = Path(folder) / "flows"
                flows.mkdir()
                for number, (key, document) in enumerate(freed.items()):
                    (flows / f"{number}.json").write_bytes(prepare(key, document)[1])
                source = flows / "0.json"
            packed = pack_workflow_bundle(
                root_flow_json=source,
                out_path=target,
                bundle_id=name,
                bundle_version=bundle_version,
                metadata=metadata,
                created_at=created_at,
                flows_dir=flows,
                assets=self._kept_tests(flow_id),
            )
            manifest = packed.manifest
            return f"{manifest.bundle_id}@{manifest.bundle_version}.flow", target.read_bytes()

    def changed_at(self, flow_id: str) -> str:
        """Return when the file of a flow last changed, as ISO text."""
        return self._library.entry(flow_id).updated_at

    def _kept_tests(self, root: str) -> dict[str, bytes]:
        """Return the tests of a flow and of the flows that it calls, by their paths among the assets."""
        found: dict[str, bytes] = {}
        ahead = [root]
        for flow_id in ahead:  # grows while we read
            try:
                document = self._library.get(flow_id)[0]
            except FlowNotFound:
                continue  # the packer says what is missing
            ahead += [called for called, _ in calls(document) if called not in ahead]
            place = f"{FOLDER}/{self._tests.stem(flow_id)}"
            for test in self._tests.tests(flow_id):
                found[f"{place}/{test.id}.json"] = text_of(test)
        return found

    def _to_pack(self, flow_id: str) -> dict[str, Document] | None:
        """Return a flow and all that it leads to, with versions as flows and without keys, the root first.

        None where all of them are packed as the library has them.
        """
        found: dict[str, Document] = {}
        kept: dict[str, Document] = {}
        ahead, has_keys = [flow_id], False

        def bind(called: str, word: str) -> str:
            try:
                number, document = self._version(called, word)
            except VersionNotFound as error:
                raise BundleError(f"{error} A node is bound to it: choose another version first.") from None
            key = f"{called}.v{number}"
            kept[key] = {
                **document,
                "id": key,
                "name": f"{document.get('name') or called} (version {number})",
            }
            return key

        for key in ahead:  # grows while we read
            if key in found:
                continue
            try:
                document = kept[key] if key in kept else self._library.get(key)[0]
            except FlowNotFound:
                continue  # the packer says what is missing
            found[key], is_covered = document_without_keys(unbound(linked(document, bind)))
            has_keys = has_keys or is_covered
            ahead += [called for called, _ in calls(found[key])]
        return found if kept or has_keys else None

    def take_in(self, content: bytes, on_conflict: OnConflict = "refuse", name: str = "") -> Import:
        """Import a .flow file; raise BundleError or BundleConflict, and then nothing has changed.

        `name` is what the person calls the file; errors call it so.
        """
        with opened(content, name) as bundle:
            manifest = bundle.manifest
            documents = flows_of(bundle)
            tests = [
                _test(name, bundle.read_bytes(path))
                for name, path in manifest.assets.items()
                if name.startswith(f"{FOLDER}/")
            ]
        root = manifest.default_entrypoint or manifest.entrypoints[0].flow_id
        if root not in documents:
            raise BundleError(f"The bundle's entry {root!r} is not among its flows.")
        states = {flow_id: self._state(flow_id, document) for flow_id, document in documents.items()}
        clashes = sorted(flow_id for flow_id, state in states.items() if state == "replaced")
        if clashes and on_conflict == "refuse":
            raise BundleConflict(clashes)
        renamed = {flow_id: uuid.uuid4().hex[:8] for flow_id in clashes} if on_conflict == "copy" else {}
        arrivals = {renamed.get(key, key): under_new_ids(key, documents[key], renamed) for key in documents}
        ordered = sorted(arrivals, key=lambda flow_id: flow_id == renamed.get(root, root))  # the root last
        self._library.put_all(
            {flow_id: arrivals[flow_id] for flow_id in ordered}, replace=on_conflict == "replace"
        )
        told = tuple(
            Arrival(
                id=renamed.get(key, key),
                name=str(arrivals[renamed.get(key, key)].get("name") or key),
                state="copied" if key in renamed else states[key],
                bundled_as=key,
            )
            for key in sorted(documents)
        )
        reaches = reaches_of(arrivals.values(), self._types)
        kept = self._keep_tests([each for each in tests if each.flow_id in documents], renamed)
        return Import(
            manifest.bundle_id, manifest.bundle_version, renamed.get(root, root), told, reaches, kept
        )

    def _keep_tests(self, tests: Iterable[FlowTest], renamed: Mapping[str, str]) -> int:
        """Keep the tests that their flows do not have yet; return how many."""
        count = 0
        for test in tests:
            mine = under_new_flow_ids(test, renamed)
            if mine.id not in {each.id for each in self._tests.tests(mine.flow_id)}:
                self._tests.keep(mine)
                count += 1
        return count

    def _state(self, flow_id: str, document: Document) -> Literal["created", "unchanged", "replaced"]:
        try:
            held = self._library.entry(flow_id)
        except FlowNotFound:
            return "created"
        return "unchanged" if held.revision == revision_of(document) else "replaced"


@contextmanager
def opened(content: bytes, name: str = "") -> Iterator[WorkflowBundle]:
    """Give a .flow file that somebody sent, opened; errors call it as the person does. Raises BundleError."""
    with tempfile.TemporaryDirectory(prefix="flowstudio-") as folder:
        file = Path(folder) / (_UNSAFE.sub("_", name)[-80:].lstrip(".") or "import.flow")
        file.write_bytes(content)
        yield open_workflow_bundle(file)


def flows_of(bundle: WorkflowBundle) -> dict[str, Document]:
    """Return the flows of a bundle by id, each one that could stand in the library; raise BundleError or BadDocument."""
    return {
        flow_id: _document(flow_id, bundle.read_bytes(path))
        for flow_id, path in bundle.manifest.flows.items()
    }


def reaches_of(documents: Iterable[Document], types: Catalog) -> tuple[Reach, ...]:
    """Say what the nodes of these flows touch outside of a run, by their declarations."""
    counts: Counter[str] = Counter()
    for document in documents:
        for node in load_visualflow_json(document).nodes:
            kind = types.resolve(node.type)
            if kind is not None and (kind.asks or kind.source is not None):
                counts[BY_ID[kind.family].reach] += 1
    return tuple(
        Reach(each.reach, counts[each.reach]) for each in FAMILIES if each.reach and counts[each.reach]
    )


def _document(flow_id: str, raw: bytes) -> Document:
    try:
        document = read_document(raw)
    except BadText as error:
        raise BundleError(f"Flow {flow_id!r} of the bundle cannot be read: {error}") from None
    if document.get("id") != flow_id:
        raise BadDocument(f"The bundle calls a flow {flow_id!r} that calls itself {document.get('id')!r}.")
    check_shape(flow_id, document)
    return document


def _test(name: str, raw: bytes) -> FlowTest:
    """Read a test of a bundle; raise BundleError."""
    try:
        return read_test(read_document(raw))
    except (BadText, BadTest) as error:
        raise BundleError(f"The test {name!r} of the bundle cannot be read: {error}") from None


def under_new_ids(flow_id: str, document: Document, renamed: Mapping[str, str]) -> Document:
    """Return a document whose id and references to other flows follow the new names; a renamed one says "copy"."""
    if not renamed:
        return document
    copy = under_other_ids(flow_id, document, renamed)
    if flow_id in renamed:
        copy["name"] = f"{copy.get('name') or flow_id} (copy)"
    return copy
