"""The gate before every route: who is asked for, who asks, from which page, and how much they send.

A plain ASGI wrapper, so that nothing behind it can forget a check. In order: the Host must be
ours (421), preflights are refused (403), a request that a foreign page caused is refused (403),
everything but sign-in, styles and the health check needs a session or a bearer token (401 or the
sign-in page), and a body that grows too large or comes too slowly is cut (413, 408). Every
answer leaves with the security headers.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .access import Access
from .settings import Settings

OPEN_PATHS = frozenset({"/login", "/healthz"})
OPEN_FOLDER = "/static/"
READS = frozenset({"GET", "HEAD"})
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self'; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True)
class Refusal:
    """An answer of the gate itself."""

    status: int
    code: str
    title: str
    detail: str


class BodyTooLarge(HTTPException):
    """The request's body passes the limit of its route."""


class BodyTooSlow(HTTPException):
    """The request's body did not arrive in time."""


FOREIGN = Refusal(403, "csrf", "Refused", "This request was caused by another site's page.")
PREFLIGHT = Refusal(403, "cors", "Refused", "Other sites may not use this server.")
WRONG_HOST = Refusal(421, "host.wrong", "Misdirected Request", "Nothing is served under this name.")
NO_SESSION = Refusal(
    401, "session.required", "Sign in first", "Sign in at /login, or send `Authorization: Bearer <token>`."
)


class Gate:
    """Wraps the app; puts `scope["state"]["session"]` (or None for a token) on what it lets in."""

    def __init__(self, app: ASGIApp, settings: Settings, access: Access) -> None:
        self._app = app
        self._settings = settings
        self._access = access
        self._hosts = settings.hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in or answer it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4403})
        else:
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        send = _with_headers(send)
        if not self._host_is_ours(scope, headers):
            await _tell(send, WRONG_HOST)
            return
        if scope["method"] == "OPTIONS":
            await _refuse(send, PREFLIGHT, headers, scope)
            return
        cookie = cookie_value(headers, self._access.cookie)
        bearer = _bearer(headers)
        if not self._same_page(scope, headers, has_cookie=cookie is not None, has_bearer=bearer is not None):
            await _refuse(send, FOREIGN, headers, scope)
            return
        session = self._access.session_of(cookie)
        known = session is not None or (bearer is not None and self._access.knows_token(bearer))
        if not known and not is_open(scope["path"]):
            await _ask_to_sign_in(send, headers, scope)
            return
        scope.setdefault("state", {})["session"] = session
        if scope["method"] == "HEAD":
            await _answer_head(self._app, scope, send)
        else:
            await self._app(scope, self._limited(scope, headers, receive), send)

    def _host_is_ours(self, scope: Scope, headers: Headers) -> bool:
        hosts = headers.getlist("host")
        return len(hosts) == 1 and hosts[0].lower() in self._hosts and scope["path"].startswith("/")

    def _same_page(self, scope: Scope, headers: Headers, *, has_cookie: bool, has_bearer: bool) -> bool:
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site in ("same-origin", "none")
        if scope["method"] in READS:
            return True
        origin = headers.get("origin")
        if origin is not None:
            return self._is_our_origin(origin, headers["host"])
        return (has_bearer or is_open(scope["path"])) and not has_cookie

    def _is_our_origin(self, origin: str, host: str) -> bool:
        if self._settings.origin is not None and origin.lower() == self._settings.origin.lower():
            return True
        return origin.lower() == f"http://{host.lower()}"

    def _limit(self, scope: Scope) -> int:
        path: str = scope["path"]
        if path.startswith(("/api/bundles", "/api/imports", "/bundles")):
            return self._settings.bundle_limit
        if path.startswith("/api/flows"):
            return self._settings.document_limit
        return self._settings.json_limit

    def _limited(self, scope: Scope, headers: Headers, receive: Receive) -> Receive:
        limit, taken, is_whole = self._limit(scope), 0, False
        declared = headers.get("content-length", "")
        too_large = BodyTooLarge(413, f"The body is larger than the {limit // 1024} KiB allowed here.")
        deadline = asyncio.get_running_loop().time() + self._settings.body_seconds

        async def counted() -> Message:
            nonlocal taken, is_whole
            if is_whole:
                return await receive()
            if declared.isdecimal() and int(declared) > limit:
                raise too_large
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise BodyTooSlow(408, "The body did not arrive in time.") from None
            taken += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            if taken > limit:
                raise too_large
            return message

        return counted


def is_open(path: str) -> bool:
    """Say whether a path is answered without a session."""
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDER)


def cookie_value(headers: Headers, name: str) -> str | None:
    """Return one cookie's value; None when it is absent or sent twice with different values."""
    found = {
        value.strip()
        for header in headers.getlist("cookie")
        for key, _, value in (part.partition("=") for part in header.split(";"))
        if key.strip() == name
    }
    return found.pop() if len(found) == 1 else None


def _bearer(headers: Headers) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


async def _answer_head(app: ASGIApp, scope: Scope, send: Send) -> None:
    """Answer as GET would, without the body; a stream learns at once that nobody reads it."""
    has_asked, has_begun = False, asyncio.Event()

    async def receive() -> Message:
        nonlocal has_asked
        if not has_asked:
            has_asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await has_begun.wait()
        return {"type": "http.disconnect"}

    async def send_start(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            await send({"type": "http.response.body", "body": b""})
            has_begun.set()

    await app({**scope, "method": "GET"}, receive, send_start)


def _with_headers(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return guarded


async def _plain(send: Send, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
    raw = [(b"content-length", str(len(body)).encode())]
    raw += [(key.lower().encode(), value.encode("latin-1")) for key, value in (headers or {}).items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def wants_page(headers: Headers, path: str) -> bool:
    """Say whether a person's browser asks for a page rather than for data."""
    return "text/html" in headers.get("accept", "") and not path.startswith("/api/")


async def _refuse(send: Send, refusal: Refusal, headers: Headers, scope: Scope) -> None:
    if wants_page(headers, scope["path"]) and scope["method"] == "GET":
        place = escape(quote(scope["path"]), quote=True)
        body = (
            f"<!doctype html><html lang=en><meta charset=utf-8><title>{refusal.title}</title>"
            f"<p>{escape(refusal.detail)}<p><a href='{place}'>Open this page of FlowStudio yourself</a>"
        ).encode()
        await _plain(send, refusal.status, {"Content-Type": "text/html; charset=utf-8"}, body)
        return
    await _tell(send, refusal)


async def _tell(send: Send, refusal: Refusal) -> None:
    """Answer with a problem document that is always the same: nothing of the request or the server is in it."""
    problem = {"type": "about:blank", "title": refusal.title, "status": refusal.status}
    body = json.dumps({**problem, "code": refusal.code, "detail": refusal.detail}).encode()
    sent = {"Content-Type": "application/problem+json"}
    if refusal.status == 401:
        sent["WWW-Authenticate"] = "Bearer"
    await _plain(send, refusal.status, sent, body)


async def _ask_to_sign_in(send: Send, headers: Headers, scope: Scope) -> None:
    if headers.get("hx-request") == "true":
        await _plain(send, 401, {"HX-Redirect": "/login"})
    elif scope["method"] == "GET" and wants_page(headers, scope["path"]):
        query = scope.get("query_string", b"").decode("latin-1")
        place = quote(scope["path"] + (f"?{query}" if query else ""), safe="/")
        await _plain(send, 303, {"Location": "/login" if place == "/" else f"/login?next={place}"})
    else:
        await _refuse(send, NO_SESSION, headers, scope)
