"""FlowLibrary: flows as files in one folder, kept whole, found by the id inside.

A file is replaced in one rename, so a reader sees the old flow or the new one; several are replaced
together, whatever happens meanwhile. What cannot be
read is listed as broken with the reason and is never overwritten. Files that other programs edit
are noticed by size and time. A revision is a digest of what the flow says.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar

from abstractruntime.core.errors import Conflict, InvalidFlow, NotFound

from .library_edits import Edit
from .library_files import finish, sync_folder, write_all
from .library_ids import check_new_id
from .library_log import EditLog
from .library_text import BadText, read_json, revision_of, write_document

Document = dict[str, Any]
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,80}")
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


class FlowNotFound(NotFound):
    """No flow of the library has this id."""

    code = "flow.not_found"


class StaleFlow(Conflict):
    """Somebody else has saved this flow; `document` and `revision` are the newer ones."""

    code = "flow.stale"

    def __init__(self, flow_id: str, document: Document | None, revision: str | None) -> None:
        held = f"is now at revision {revision}" if revision else "does not exist any more"
        super().__init__(f"Flow {flow_id!r} was changed elsewhere and {held}.")
        self.document = document
        self.revision = revision
        self.extra = {"document": document, "revision": revision}


class FlowExists(Conflict):
    """A flow with this id exists already; `document` and `revision` are the held ones."""

    code = "flow.exists"

    def __init__(self, flow_id: str, document: Document, revision: str) -> None:
        super().__init__(f"A flow {flow_id!r} exists already: save it with its revision in If-Match.")
        self.document = document
        self.revision = revision
        self.extra = {"document": document, "revision": revision}


class BadDocument(InvalidFlow):
    """The text is not a flow document; nothing was saved."""

    code = "flow.malformed"
    path: str = ""


@dataclass(frozen=True)
class FlowEntry:
    """A row of the flow list. `updated_at` is when the file last changed."""

    id: str
    name: str
    description: str
    interfaces: tuple[str, ...]
    updated_at: str
    revision: str
    node_count: int
    file: str


@dataclass(frozen=True)
class BrokenFile:
    """A file of the library that holds no flow we can read, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class Kept:
    """What `put` did. `is_told`: the log has the commands of the edit, and not only its outcome."""

    revision: str
    created: bool
    is_told: bool = True


@dataclass(frozen=True)
class _Seen:
    stamp: tuple[int, int, int]
    entry: FlowEntry | None
    broken: BrokenFile | None


class FlowLibrary:
    """The flows of one folder. Safe to call from several threads.

    With a log every write is a row of it, written so that a power cut leaves both agreeing.
    """

    ANY: ClassVar[str] = "*"

    def __init__(self, folder: Path, log: EditLog | None = None) -> None:
        self.folder = folder
        self._log = log
        self._lock = Lock()
        self._seen: dict[str, _Seen] = {}
        finish(folder)
        if log is not None:
            log.recover(self._known)

    def entries(self) -> list[FlowEntry]:
        """Return all readable flows, by name."""
        with self._lock:
            index, _ = self._index()
        return sorted(index.values(), key=lambda entry: (entry.name.lower(), entry.id))

    def broken(self) -> list[BrokenFile]:
        """Return the files that could not be read as flows."""
        with self._lock:
            return self._index()[1]

    def entry(self, flow_id: str) -> FlowEntry:
        """Return one row; raise FlowNotFound."""
        with self._lock:
            return self._find(flow_id)

    def get(self, flow_id: str) -> tuple[Document, str]:
        """Return a flow's document and its revision; raise FlowNotFound."""
        with self._lock:
            return self._read(self._find(flow_id))

    def documents(self) -> dict[str, Document]:
        """Return every readable document by id."""
        with self._lock:
            index, _ = self._index()
            return {flow_id: self._read(entry)[0] for flow_id, entry in index.items()}

    def path_of(self, flow_id: str) -> Path:
        """Return the file that holds a flow; raise FlowNotFound."""
        return self.folder / self.entry(flow_id).file

    def put(
        self,
        flow_id: str,
        document: Mapping[str, Any],
        *,
        if_match: str | Collection[str] | None = None,
        edit: Edit = Edit(),  # noqa: B008 (it is frozen)
    ) -> Kept:
        """Keep a document under an id; return its revision.

        `if_match` is the revision that the caller has seen, or several of which one must be the
        present one; "*" stands for whatever is there, None is to create. Raises StaleFlow, FlowExists, BadFlowId or BadDocument; then nothing has changed.
        """
        body, _ = prepare(flow_id, document)
        with self._lock:
            held = self._index()[0].get(flow_id)
            self._refuse_stale(flow_id, held, if_match)
            if held is None:
                check_new_id(flow_id)
            if held is not None and held.revision == revision_of(body) and not edit.commands:
                return Kept(held.revision, created=False)
            with self._logged({flow_id: body}, edit) as (documents, is_told):
                revision = revision_of(documents[flow_id])
                self._put_files(documents)
        return Kept(revision, held is None, is_told)

    def put_all(
        self,
        documents: Mapping[str, Mapping[str, Any]],
        *,
        replace: bool = False,
        edit: Edit = Edit("", "Import"),  # noqa: B008 (it is frozen)
    ) -> None:
        """Keep several documents or, when one cannot be kept, none; raises like `put`.

        Without `replace` a flow that exists with other content refuses the whole.
        """
        ready = {flow_id: prepare(flow_id, document)[0] for flow_id, document in documents.items()}
        with self._lock:
            index, fresh = self._index()[0], {}
            for flow_id, body in ready.items():
                held = index.get(flow_id)
                if held is None:
                    check_new_id(flow_id)
                if held is not None and held.revision == revision_of(body):
                    continue
                if held is not None and not replace:
                    raise FlowExists(flow_id, *self._read(held))
                fresh[flow_id] = body
            with self._logged(fresh, edit) as (bodies, _):
                self._put_files(bodies)

    @contextmanager
    def _logged(
        self, documents: Mapping[str, Document], edit: Edit
    ) -> Iterator[tuple[dict[str, Document], bool]]:
        """Log a save of some flows around the writing of their files; give the documents to write."""
        with ExitStack() as stack:
            kept, is_told = dict(documents), True
            if self._log is not None:
                for flow_id, body in documents.items():
                    saving = self._log.saving(flow_id, self._known(flow_id), body, edit)
                    kept[flow_id], is_told = stack.enter_context(saving)
            yield kept, is_told

    def _put_files(self, documents: Mapping[str, Document]) -> None:
        index = self._index()[0]
        texts = {
            index[flow_id].file if flow_id in index else self._free_name(flow_id): write_document(body)
            for flow_id, body in documents.items()
        }
        self._write(texts)

    def _known(self, flow_id: str) -> Document | None:
        entry = self._index()[0].get(flow_id)
        return None if entry is None else self._read(entry)[0]

    def delete(self, flow_id: str, *, if_match: str | Collection[str] = ANY) -> None:
        """Remove a flow's file; raise FlowNotFound or StaleFlow."""
        with self._lock:
            held = self._find(flow_id)
            self._refuse_stale(flow_id, held, if_match)
            (self.folder / held.file).unlink()
            sync_folder(self.folder)

    def _refuse_stale(
        self, flow_id: str, held: FlowEntry | None, if_match: str | Collection[str] | None
    ) -> None:
        if if_match is None and held is not None:
            raise FlowExists(flow_id, *self._read(held))
        if if_match is None:
            return
        if held is None:
            raise StaleFlow(flow_id, None, None)
        seen = (if_match,) if isinstance(if_match, str) else if_match
        if self.ANY not in seen and held.revision not in seen:
            document, revision = self._read(held)
            raise StaleFlow(flow_id, document, revision)

    def _find(self, flow_id: str) -> FlowEntry:
        entry = self._index()[0].get(flow_id)
        if entry is None:
            raise FlowNotFound(f"There is no flow {flow_id!r} in the library.")
        return entry

    def _read(self, entry: FlowEntry) -> tuple[Document, str]:
        try:
            document = read_document((self.folder / entry.file).read_bytes())
        except OSError as error:
            raise FlowNotFound(f"Flow {entry.id!r} cannot be read: {error.strerror}.") from None
        except BadText as error:
            raise FlowNotFound(f"Flow {entry.id!r} cannot be read: {error}") from None
        return document, revision_of(document)

    def _index(self) -> tuple[dict[str, FlowEntry], list[BrokenFile]]:
        """Look at the folder again; read only the files whose size or time changed."""
        seen: dict[str, _Seen] = {}
        if self.folder.is_dir():
            with os.scandir(self.folder) as files:
                for file in sorted(files, key=lambda item: item.name):
                    if file.name.endswith(".json") and not file.name.startswith("."):
                        seen[file.name] = self._look(file)
        self._seen = seen
        index: dict[str, FlowEntry] = {}
        broken = [item.broken for item in seen.values() if item.broken]
        for item in seen.values():
            if item.entry is None:
                continue
            first = index.setdefault(item.entry.id, item.entry)
            if first is not item.entry:
                reason = f"the id {item.entry.id!r} is also in {first.file}, which is used"
                broken.append(BrokenFile(item.entry.file, reason))
        return index, broken

    def _look(self, file: os.DirEntry[str]) -> _Seen:
        try:
            info = file.stat(follow_symlinks=False)
            stamp = (info.st_mtime_ns, info.st_size, info.st_ino)
            known = self._seen.get(file.name)
            if known is not None and known.stamp == stamp:
                return known
            if not file.is_file(follow_symlinks=False):
                return _Seen(stamp, None, BrokenFile(file.name, "it is not a regular file"))
            document = read_document(Path(file.path).read_bytes())
            check_shape(None, document)
        except (OSError, BadText, InvalidFlow) as error:
            return _Seen((0, 0, 0), None, BrokenFile(file.name, str(error)))
        changed = datetime.fromtimestamp(info.st_mtime, UTC).isoformat()
        return _Seen(stamp, _entry(document, file.name, changed), None)

    def _free_name(self, flow_id: str) -> str:
        name = f"{flow_id}.json"
        is_plain = (
            PLAIN_NAME.fullmatch(flow_id) and not RESERVED.fullmatch(name) and not name.endswith("..json")
        )
        taken = {known.lower() for known in os.listdir(self.folder)} if self.folder.is_dir() else set()
        if is_plain and name.lower() not in taken:
            return name
        digest = sha256(flow_id.encode("utf-8")).hexdigest()
        for length in range(12, 65, 4):
            name = f"flow-{digest[:length]}.json"
            if name not in taken:
                return name
        raise BadDocument(f"Flow {flow_id!r} cannot be kept: {name} is taken by a file that holds no flow.")

    def _write(self, texts: Mapping[str, bytes]) -> None:
        try:
            write_all(self.folder, texts)
        finally:
            for name in texts:
                self._seen.pop(name, None)


def prepare(flow_id: str, document: Mapping[str, Any]) -> tuple[Document, bytes]:
    """Return a document with its id and its canonical text; raise BadDocument if it is not a flow."""
    body = {**({"id": flow_id} if "id" not in document else {}), **document}
    check_shape(flow_id, body)
    try:
        return body, write_document(body)
    except ValueError as error:  # also half a surrogate pair
        raise BadDocument(f"Flow {flow_id!r} holds a value that JSON cannot keep: {error}") from None


def read_document(raw: bytes) -> Document:
    """Read a flow's text; raise BadText when it is not a JSON object."""
    value = read_json(raw)
    if not isinstance(value, dict):
        raise BadText("A flow is a JSON object with `id`, `nodes` and `edges`.")
    return value


def check_shape(flow_id: str | None, document: Mapping[str, Any]) -> None:
    """Raise BadDocument when the parts that the library relies on have the wrong type."""
    held = document.get("id")
    name = flow_id if flow_id is not None else held
    if not isinstance(held, str) or not held.strip():
        raise BadDocument("A flow needs an `id`: a text that is not empty.")
    if flow_id is not None and held != flow_id:
        raise BadDocument(f"The document says it is flow {held!r}, but it is saved as {flow_id!r}.")
    for key in ("nodes", "edges"):
        items = document.get(key, [])
        if not isinstance(items, list):
            raise BadDocument(f"Flow {name!r}: `{key}` must be a list, not {_kind(items)}.")
        for index, item in enumerate(items):
            if not isinstance(item, dict):
                raise BadDocument(f"Flow {name!r}: `{key}[{index}]` must be an object, not {_kind(item)}.")
    for key in ("name", "description", "entryNode"):
        if not isinstance(document.get(key), str | None):
            raise BadDocument(f"Flow {name!r}: `{key}` must be text, not {_kind(document[key])}.")


def _entry(document: Document, file: str, updated_at: str) -> FlowEntry:
    interfaces = document.get("interfaces")
    return FlowEntry(
        id=document["id"],
        name=document.get("name") or document["id"],
        description=document.get("description") or "",
        interfaces=tuple(str(item) for item in interfaces) if isinstance(interfaces, list) else (),
        updated_at=updated_at,
        revision=revision_of(document),
        node_count=len(document.get("nodes", [])),
        file=file,
    )


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
