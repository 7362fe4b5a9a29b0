"""Styles, scripts and icons as the browser gets them.

Only `css` and `dist` are ever served: the sources of the island lie beside them in a checkout. A
link carries a digest of the file (`?v=`), and what is asked for by its digest may be kept for
ever, as may a part of a script, whose name holds one; anything else is asked again with its ETag.
"""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

FOLDERS = ("css", "dist")
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".map": "application/json",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
SQUEEZED = frozenset({".css", ".js", ".map", ".json", ".svg", ".txt"})
PART = re.compile(r"dist/part-\w+-[A-Z0-9]{8}\.js")
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Asset:
    """One file as served."""

    stamp: tuple[int, int]
    digest: str
    media_type: str
    body: bytes
    squeezed: bytes | None


class Assets:
    """The served files of one static folder, read again when they change."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, Asset] = {}

    def url(self, name: str) -> str:
        """Return the address of a file such as "css/app.css", with the digest of its content."""
        asset = self.read(name)
        return f"/static/{name}?v={asset.digest}" if asset else f"/static/{name}"

    def script(self, name: str) -> str:
        """Return the address of a script of `dist`: of the file that holds it whole, where its build names one."""
        told = self.read("dist/parts.json")
        holder: str | None = json.loads(told.body).get(name) if told else None
        return f"/static/dist/{holder}" if holder else self.url(f"dist/{name}")

    def read(self, name: str) -> Asset | None:
        """Return a served file, or None for anything that is not one."""
        path = PurePosixPath(name)
        parts = path.parts
        is_served = len(parts) > 1 and parts[0] in FOLDERS and path.suffix in TYPES
        if not is_served or any(part.startswith(".") or "\\" in part for part in parts) or "\0" in name:
            return None
        file = self._folder.joinpath(*parts)
        try:
            info = file.stat()
            held = self._held.get(name)
            if held is not None and held.stamp == (info.st_mtime_ns, info.st_size):
                return held
            body = file.read_bytes()
        except OSError:
            return None
        squeezed = gzip.compress(body, 6, mtime=0) if path.suffix in SQUEEZED and len(body) > 1000 else None
        digest = sha256(body).hexdigest()[:16]
        asset = Asset((info.st_mtime_ns, info.st_size), digest, TYPES[path.suffix], body, squeezed)
        self._held[name] = asset
        return asset

    async def answer(self, request: Request) -> Response:
        """Serve `/static/{name}`."""
        name = request.path_params["name"]
        asset = self.read(name)
        if asset is None:
            return Response(status_code=404)
        is_kept = request.query_params.get("v") == asset.digest or PART.fullmatch(name) is not None
        headers = {
            "ETag": f'"{asset.digest}"',
            "Cache-Control": FOR_EVER if is_kept else "no-cache",
            "Vary": "Accept-Encoding",
        }
        if f'"{asset.digest}"' in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if asset.squeezed is not None and _takes_gzip(request.headers):
            headers["Content-Encoding"] = "gzip"
            return Response(asset.squeezed, headers=headers, media_type=asset.media_type)
        return Response(asset.body, headers=headers, media_type=asset.media_type)


def _takes_gzip(headers: Headers) -> bool:
    offers = [part.strip().lower() for part in headers.get("accept-encoding", "").split(",")]
    return any(
        offer == "gzip" or (offer.startswith("gzip;") and not offer.endswith("q=0")) for offer in offers
    )
