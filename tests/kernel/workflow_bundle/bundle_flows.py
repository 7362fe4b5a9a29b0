"""Small flows and hostile archives for the bundle tests."""

from __future__ import annotations

import io
import json
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

EXEC_IN = {"id": "exec-in", "label": "", "type": "execution"}
EXEC_OUT = {"id": "exec-out", "label": "", "type": "execution"}


def start(node_id: str = "start") -> dict[str, Any]:
    return {"id": node_id, "type": "on_flow_start", "data": {"inputs": [], "outputs": [EXEC_OUT]}}


def end(node_id: str = "end") -> dict[str, Any]:
    return {"id": node_id, "type": "on_flow_end", "data": {"inputs": [EXEC_IN], "outputs": []}}


def subflow(node_id: str, child: str | None, key: str = "subflowId") -> dict[str, Any]:
    data: dict[str, Any] = {"inputs": [EXEC_IN], "outputs": [EXEC_OUT]}
    if child is not None:
        data[key] = child
    return {"id": node_id, "type": "subflow", "data": data}


def listener(node_id: str, name: str = "ping") -> dict[str, Any]:
    data = {"inputs": [], "outputs": [EXEC_OUT], "eventConfig": {"name": name, "scope": "session"}}
    return {"id": node_id, "type": "on_event", "data": data}


def wires(*ways: str) -> list[dict[str, Any]]:
    """Return execution wires for ways like "start a end"."""
    edges = []
    for way in ways:
        nodes = way.split()
        for source, target in pairwise(nodes):
            edge = {"id": f"{source}-{target}", "source": source, "target": target}
            edges.append({**edge, "sourceHandle": "exec-out", "targetHandle": "exec-in"})
    return edges


def flow(flow_id: str, nodes: list[dict[str, Any]], *ways: str, **more: Any) -> dict[str, Any]:
    return {"id": flow_id, "name": f"Flow {flow_id}", "nodes": nodes, "edges": wires(*ways), **more}


def plain(flow_id: str, **more: Any) -> dict[str, Any]:
    return flow(flow_id, [start(), end()], "start end", **more)


def save(folder: Path, *documents: dict[str, Any]) -> Path:
    """Write flows under their ids; return the first one's file."""
    folder.mkdir(parents=True, exist_ok=True)
    for document in documents:
        (folder / f"{document['id']}.json").write_text(json.dumps(document), encoding="utf-8")
    return folder / f"{documents[0]['id']}.json"


MANIFEST = {
    "bundle_format_version": "1",
    "bundle_id": "a",
    "bundle_version": "1.0.0",
    "entrypoints": [{"flow_id": "a"}],
    "flows": {"a": "flows/a.json"},
}
Fill = Callable[[zipfile.ZipFile], None]


def archive(fill: Fill | None = None, manifest: Any = MANIFEST, document: Any = None) -> bytes:
    """Return a bundle that is in order, but for what `fill` puts in besides."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as held:
        text = manifest if isinstance(manifest, (str, bytes)) else json.dumps(manifest)
        held.writestr("manifest.json", text)
        held.writestr("flows/a.json", json.dumps(document or plain("a")))
        if fill is not None:
            fill(held)
    return content.getvalue()


def member(name: str, content: bytes | str = "x", *, mode: int = 0, **fields: Any) -> Fill:
    """Return a fill that adds one member with this name, mode and zip fields."""

    def fill(held: zipfile.ZipFile) -> None:
        info = zipfile.ZipInfo("x")
        info.filename = name
        info.external_attr = mode << 16
        info.compress_type = fields.pop("compress_type", zipfile.ZIP_DEFLATED)
        for key, value in fields.items():
            setattr(info, key, value)
        held.writestr(info, content)

    return fill


def twice(name: str, other: str) -> Fill:
    def fill(held: zipfile.ZipFile) -> None:
        held.writestr(name, "1")
        with warnings.catch_warnings(action="ignore"):
            member(other, "2")(held)

    return fill


def many(count: int) -> Fill:
    def fill(held: zipfile.ZipFile) -> None:
        for number in range(count):
            held.writestr(zipfile.ZipInfo(f"assets/{number}"), b"")

    return fill


def without_manifest() -> bytes:
    """Return an honest zip file that is no bundle."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as held:
        held.writestr("flows/a.json", json.dumps(plain("a")))
    return content.getvalue()


def encrypted() -> bytes:
    """Return a bundle whose flow says that it is encrypted."""
    content = bytearray(archive())
    for mark, at in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        where = content.rindex(mark)
        flags = struct.unpack_from("<H", content, where + at)[0]
        struct.pack_into("<H", content, where + at, flags | 1)
    return bytes(content)


def says_it_is(size: int) -> bytes:
    """Return a bundle whose flow promises another size than it has."""
    content = bytearray(archive())
    struct.pack_into("<L", content, content.rindex(b"PK\x01\x02") + 24, size)
    return bytes(content)


def overlapping() -> bytes:
    """Return a bundle two of whose members are the same bytes."""
    content = bytearray(archive(member("assets/b")))
    start_of_flow = content.index(b"PK\x03\x04", 10)
    struct.pack_into("<L", content, content.rindex(b"PK\x01\x02") + 42, start_of_flow)
    return bytes(content)


LINK, FIFO, DEVICE = stat.S_IFLNK | 0o777, stat.S_IFIFO | 0o644, stat.S_IFCHR | 0o644
BIG = b"\0" * (9 * 1024 * 1024)
HUGE = 33 * 1024 * 1024

NAMES = (
    "../x",
    "../../etc/passwd",
    "flows/../../x",
    "flows/..",
    "./x",
    "flows/./x",
    "flows//x",
    "/abs",
    "//host/share",
    "\\abs",
    "flows\\..\\x",
    "C:/x",
    "C:x",
    "flows/x\x00.json",
    "flows/x\n.json",
    "flows/\u202egnp.json",
    "flows/e\u0301.json",
    "flows/x.",
    "flows/x ",
    "flows/con",
    "flows/NUL.json",
    "flows/" + "x" * 300,
)
MANIFESTS: dict[str, Any] = {
    "not JSON": "{",
    "not an object": "[1]",
    "not UTF-8": b"\xff\xfe{}",
    "empty": "",
    "nested": "[" * 5000 + "]" * 5000,
    "deep metadata": {**MANIFEST, "metadata": json.loads("[" * 70 + "]" * 70)},
    "key twice": '{"bundle_id": "a", "bundle_id": "b"}',
    "not a number": '{"bundle_id": NaN}',
    "other format": {**MANIFEST, "bundle_format_version": "2"},
    "no id": {key: value for key, value in MANIFEST.items() if key != "bundle_id"},
    "no entrypoints": {**MANIFEST, "entrypoints": []},
    "entrypoint twice": {**MANIFEST, "entrypoints": [{"flow_id": "a"}, {"flow_id": "a"}]},
    "blank entrypoint": {**MANIFEST, "entrypoints": [{"flow_id": " "}]},
    "entrypoint not packed": {**MANIFEST, "entrypoints": [{"flow_id": "b"}]},
    "unknown default": {**MANIFEST, "default_entrypoint": "b"},
    "no flows": {**MANIFEST, "flows": {}},
    "flow outside": {**MANIFEST, "flows": {"a": "../a.json"}},
    "flow absolute": {**MANIFEST, "flows": {"a": "/etc/passwd"}},
    "flow missing": {**MANIFEST, "flows": {"a": "flows/a.json", "b": "flows/b.json"}},
    "flow id with a slash": {**MANIFEST, "flows": {"a": "flows/a.json", "b/c": "flows/a.json"}},
    "path not text": {**MANIFEST, "flows": {"a": 7}},
}
HOSTILE: dict[str, bytes] = {
    **{f"name {name[:40]!r}": archive(member(name)) for name in NAMES},
    **{f"manifest: {name}": archive(manifest=value) for name, value in MANIFESTS.items()},
    "link": archive(member("flows/b.json", "../../secret", mode=LINK)),
    "fifo": archive(member("assets/pipe", "", mode=FIFO)),
    "device": archive(member("assets/null", "", mode=DEVICE)),
    "name twice": archive(twice("flows/b.json", "flows/b.json")),
    "name twice but for case": archive(twice("flows/b.json", "flows/B.JSON")),
    "file that is a folder": archive(twice("flows/b", "flows/b/c.json")),
    "compressed too much": archive(member("assets/bomb", BIG)),
    "member too large": archive(member("assets/huge", bytes(HUGE), compress_type=zipfile.ZIP_STORED)),
    "too many members": archive(many(2100)),
    "unknown compression": archive(member("assets/b", compress_type=zipfile.ZIP_BZIP2)),
    "encrypted": encrypted(),
    "longer than it says": says_it_is(3),
    "shorter than it says": says_it_is(100_000),
    "overlapping members": overlapping(),
    "something behind it": archive() + b"more",
    "something before it": b"#!/bin/sh\n" + archive(),
    "cut off": archive()[:-30],
    "half": archive()[: len(archive()) // 2],
    "no manifest": without_manifest(),
    "not a zip": b"hello",
    "empty file": b"",
    "only an end": b"PK\x05\x06" + bytes(18),
}
