"""The web request: one HTTP call for a node, within the rules for addresses, secrets, size and time."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import httpcore
import httpx

from abstractruntime.core.effects import EffectOutcome
from abstractruntime.core.models import Effect, RunState

from ..secrets import NoSecret, Secret, covered, secret_for
from .addresses import Blocked, Resolver, resolve
from .transport import Deadline, PinnedTransport

Json = Any

MIB = 1024 * 1024
MOST_BYTES = 10 * MIB
MOST_SECONDS = 30.0
MOST_REDIRECTS = 5
_MOVED = {301, 302, 303, 307, 308}
_SAFE = {"GET", "HEAD"}
_OWN_HEADERS = {"host", "content-length", "transfer-encoding", "connection", "proxy-authorization"}
_PORTS = {"http": 80, "https": 443}


class Refusal(Exception):
    """The request was not made, or its answer not taken; the message says why."""


@dataclass
class WebRequest:
    """Answers `web_request` effects.

    `inside` holds services of the app itself by host name: they are asked in the process, without a
    network. `resolver` turns names into addresses.
    """

    reachable: frozenset[str] = frozenset()
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    inside: Mapping[str, Callable[[], httpx.BaseTransport]] = field(default_factory=dict)
    resolver: Resolver = resolve

    def __call__(self, run: RunState, effect: Effect, *, idempotency_key: str) -> EffectOutcome:
        """Make the request; a refusal or a broken connection is a failure with its reason."""
        asked = effect.payload
        deadline = Deadline(min(MOST_SECONDS, max(0.1, float(asked.get("timeout") or MOST_SECONDS))))
        try:
            reply = self._follow(asked, deadline, idempotency_key)
        except (Refusal, Blocked, NoSecret) as error:
            return EffectOutcome.failed(str(error))
        except (httpcore.TimeoutException, httpx.TimeoutException) as error:
            return EffectOutcome.failed(f"No answer within {deadline.seconds:g} s: {error or 'time is over'}")
        except (
            httpx.HTTPError,
            httpx.InvalidURL,
            httpcore.NetworkError,
            httpcore.ProtocolError,
            OSError,
        ) as error:
            return EffectOutcome.failed(f"The request failed: {error or type(error).__name__}")
        if asked.get("fail_on_status", True) and not reply["ok"]:
            return EffectOutcome.failed(f"{reply['url']} answered {reply['status']}: {reply['text'][:200]}")
        return EffectOutcome.completed(reply)

    def _follow(self, asked: Mapping[str, Json], deadline: Deadline, key: str) -> dict[str, Json]:
        url, method = httpx.URL(str(asked["url"])), str(asked.get("method") or "GET").upper()
        body: Json = asked.get("body")
        origin = _origin(url)
        for _ in range(MOST_REDIRECTS + 1):
            _check(url)
            same = _origin(url) == origin
            headers, used = self._headers(asked, url, same=same)
            if method not in _SAFE or asked.get("key"):
                headers["Idempotency-Key"] = str(asked.get("key") or key)
            content = _content(body, headers) if method not in _SAFE else None
            with self._client(url.host, deadline) as client:
                request = client.build_request(method, url, headers=headers, content=content)
                response = client.send(request, stream=True)
                target = response.headers.get("location")
                if response.status_code in _MOVED and target:
                    url = httpx.URL(urljoin(str(url), target))
                    if response.status_code == 303 or (
                        response.status_code in (301, 302) and method == "POST"
                    ):
                        method, body = "GET", None
                    continue
                return _reply(url, response, used)
        raise Refusal(f"More than {MOST_REDIRECTS} redirects, the last one to {url}.")

    def _client(self, host: str, deadline: Deadline) -> httpx.Client:
        inside = self.inside.get(host)
        transport = (
            inside()
            if inside is not None
            else PinnedTransport(reachable=self.reachable, deadline=deadline, resolver=self.resolver)
        )
        return httpx.Client(transport=transport, trust_env=False, timeout=deadline.seconds)

    def _headers(
        self, asked: Mapping[str, Json], url: httpx.URL, *, same: bool
    ) -> tuple[dict[str, str], list[str]]:
        """Return the headers for a request and the secrets among them; after a move to another origin
        neither secrets nor headers of the author go along."""
        headers = {"Accept-Encoding": "identity", "User-Agent": "flowstudio"}
        used: list[str] = []
        port = url.port or _PORTS.get(url.scheme, 0)
        for name, value in (asked.get("headers") or {}).items() if same else ():
            if name.lower() in _OWN_HEADERS:
                raise Refusal(f"The header '{name}' is set by the server; leave it out.")
            if isinstance(value, Mapping):
                text = secret_for(str(value.get("$secret")), url.host, port, self.secrets)
                used.append(text)
                value = f"{value.get('before') or ''}{text}"
            if any(sign in str(name) + str(value) for sign in "\r\n\0"):
                raise Refusal(f"The header '{name}' holds a line break.")
            headers[str(name)] = str(value)
        return headers, used


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or _PORTS.get(url.scheme, 0)


def _check(url: httpx.URL) -> None:
    if url.scheme not in _PORTS or not url.host:
        raise Refusal(f"'{url}' is no address of the web: write it as https://host/path.")
    if url.userinfo:
        raise Refusal("The address holds a user name: put it into a header, as a secret.")


def _content(body: Json, headers: dict[str, str]) -> bytes | None:
    if body is None:
        return None
    kinds = {name.lower() for name in headers}
    if isinstance(body, str):
        if "content-type" not in kinds:
            headers["Content-Type"] = "text/plain; charset=utf-8"
        return body.encode()
    if "content-type" not in kinds:
        headers["Content-Type"] = "application/json"
    return json.dumps(body, ensure_ascii=False).encode()


def _reply(url: httpx.URL, response: httpx.Response, used: list[str]) -> dict[str, Json]:
    raw = _read(response)
    text = covered(raw.decode(response.charset_encoding or "utf-8", errors="replace"), used)
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    body: Json = text
    if kind == "application/json" or kind.endswith("+json"):
        try:
            body = json.loads(text)
        except ValueError:
            raise Refusal(f"{url} says that it sends JSON, but it does not.") from None
    return {
        "status": response.status_code,
        "ok": response.is_success,
        "url": str(url),
        "headers": {name: covered(value, used) for name, value in response.headers.items()},
        "body": body,
        "text": text,
    }


def _read(response: httpx.Response) -> bytes:
    """Return the body, unpacked if the server packed it unasked; never more than MOST_BYTES."""
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", "gzip", "deflate", ""):
        raise Refusal(f"The answer is packed as '{coding}', which was not asked for.")
    unpack = zlib.decompressobj(wbits=47) if coding in ("gzip", "deflate") else None
    found = bytearray()
    try:
        for chunk in response.iter_raw():
            found += unpack.decompress(chunk, MOST_BYTES + 1 - len(found)) if unpack is not None else chunk
            if len(found) > MOST_BYTES:
                raise Refusal(f"The answer is larger than {MOST_BYTES // MIB} MiB.")
    except zlib.error as error:
        raise Refusal(f"The answer cannot be unpacked: {error}.") from None
    return bytes(found)
