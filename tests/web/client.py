"""A blocking client of an ASGI app in this process: its event loop runs in a thread beside."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager
from threading import Thread
from types import TracebackType
from typing import Any

import httpx
from starlette.types import ASGIApp, Message


class AppClient(AbstractContextManager["AppClient"]):
    """Asks an app; inside the `with` block the app has started up."""

    def __init__(self, app: ASGIApp, base_url: str, headers: dict[str, str] | None = None) -> None:
        self.headers = headers or {}
        self._app = app
        self._base_url = base_url
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self._life: asyncio.Task[None] | None = None

    def __enter__(self) -> AppClient:
        self._thread.start()
        self._call(self._lifespan("startup"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._call(self._lifespan("shutdown"))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request; `headers` are laid over the client's."""
        headers = {**self.headers, **options.pop("headers", {})}

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=self._base_url) as client:
                client.headers.pop("accept", None)
                return await client.request(method, path, headers=headers, **options)

        answer: httpx.Response = self._call(send())
        return answer

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> httpx.Response:
        return self.request("PUT", path, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        return self.request("DELETE", path, **options)

    def options(self, path: str, **options: Any) -> httpx.Response:
        return self.request("OPTIONS", path, **options)

    def _call(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _lifespan(self, word: str) -> None:
        if self._life is None:
            scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
            self._life = asyncio.create_task(self._app(scope, self._to_app.get, self._from_app.put))  # type: ignore[arg-type]
        await self._to_app.put({"type": f"lifespan.{word}"})
        answer = await self._from_app.get()
        assert answer["type"] == f"lifespan.{word}.complete", answer
