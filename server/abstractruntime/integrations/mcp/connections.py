"""Open sessions with MCP servers, shared by all runs of a process.

One thread runs an event loop; in it one task owns each session from its opening to its end, because the
SDK's sessions must be left where they were entered. Calls come in through a queue and go back through a
future. A session that is lost is opened again for the next call; the call that lost it has failed and is
never repeated here: the server may have carried it out.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...core.boundary import run_at_work
from ...core.errors import KernelError
from ..hiding import hidden
from .listing import Listing
from .logs import covered_log, last_words, size_of
from .sdk import read_timeout, session, wire
from .servers import HTTP, STDIO, BadMcpServer, McpServer

log = logging.getLogger("abstractruntime")
_LOST = frozenset({"ClosedResourceError", "BrokenResourceError", "EndOfStream", "BrokenPipeError"})
# What the SDK says where a server over HTTP died in mid-call, and where it was started anew since the last one.
_LOST_WORDS = ("connection closed", "stream ended without a response")
_TOO_LARGE = "byte limit"  # as the SDK says of one event of a stream
_UNKNOWN_WORDS = ("session not found", "session terminated")
_GRACE_S = 8.0  # more than the SDK takes to end a server: it asks, waits, terminates, and kills at last
_LAST_S = 5.0
_PIPES_S = 0.1
_PING_S = 5.0
_MORE_TIME = "give its calls more time (timeout_s), or ask for less"
_MAY_BE_DONE = ". It may have been carried out all the same: see whether it was before you try again"
_MEND = {  # by transport, where there is no session
    STDIO: "See the command that starts it, and its environment, in the settings of tools",
    HTTP: "See whether it runs, and its address in the settings of tools",
}
_pings: set[asyncio.Task[None]] = set()  # a task that nobody holds may be collected


class McpFailed(KernelError):
    """An MCP server could not be reached, or did not answer; the message names it.

    `carried_out` says of the call: `no`, it certainly was not; `unknown`; or "", the server itself said how it
    went.
    """

    code = "mcp.failed"

    def __init__(self, message: str, *, carried_out: str = "") -> None:
        super().__init__(message)
        self.carried_out = carried_out


@dataclass
class _Ask:
    """A request to a session's owner. `tool` None asks for the list of tools, `anew` of the server itself."""

    tool: str | None
    arguments: dict[str, Any]
    timeout_s: float
    anew: bool = False
    answer: Future[Any] = field(default_factory=Future)
    was_put_back: bool = False
    run_id: str = field(default_factory=run_at_work)


@dataclass(frozen=True)
class _Session:
    """An open session: its server, the SDK's side of it, what it offers, and whether it is lost."""

    server: McpServer
    opened: Any
    listing: Listing
    lost: asyncio.Event


class McpConnections:
    """Sessions by server id. Safe to use from several threads; `log_folder` gets the servers' own words."""

    def __init__(self, servers: Iterable[McpServer] = (), *, log_folder: Path | None = None) -> None:
        self._servers = {each.server_id: each for each in servers}
        self._log_folder = log_folder
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._queues: dict[str, asyncio.Queue[_Ask | None]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._listed: dict[str, list[dict[str, Any]]] = {}

    @property
    def servers(self) -> list[McpServer]:
        """The servers, by id."""
        return [self._servers[key] for key in sorted(self._servers)]

    def replace(self, servers: Iterable[McpServer]) -> None:
        """Know these servers from now on; sessions with others, or with changed ones, are closed."""
        fresh = {each.server_id: each for each in servers}
        gone = [key for key, each in self._servers.items() if fresh.get(key) != each]
        self._servers = fresh
        self._close(gone)
        for key in gone:
            self._listed.pop(key, None)

    def list_tools(self, server_id: str, *, anew: bool = False) -> list[dict[str, Any]]:
        """Return a server's tools as they are on the wire, by name; raise McpFailed.

        The server is asked once in a session, again when it has told that they have changed, after some
        minutes, and with `anew`.
        """
        found: list[dict[str, Any]] = self._ask(server_id, _Ask(None, {}, 0, anew))
        self._listed[server_id] = found
        return found

    def listed(self, server_id: str) -> list[dict[str, Any]]:
        """Return a server's tools as they were told last, also where it told of a change; asks nobody."""
        return self._listed.get(server_id, [])

    def call(
        self, server_id: str, tool: str, arguments: dict[str, Any], *, timeout_s: float | None = None
    ) -> dict[str, Any]:
        """Return a tool's result as it is on the wire; raise McpFailed."""
        found: dict[str, Any] = self._ask(server_id, _Ask(tool, arguments, timeout_s or 0))
        return found

    def close(self) -> None:
        """End all sessions and the thread; safe to call twice."""
        self._close([*self._queues])
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is not None and self._thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join(_LAST_S + 1)

    def _ask(self, server_id: str, ask: _Ask) -> Any:
        server = self._servers.get(server_id)
        if server is None:
            known = ", ".join(sorted(self._servers)) or "none"
            raise McpFailed(f"There is no MCP server {server_id!r}; known: {known}", carried_out="no")
        ask.timeout_s = ask.timeout_s or server.timeout_s
        loop = self._running()
        loop.call_soon_threadsafe(self._put, server, ask)
        try:
            return ask.answer.result(ask.timeout_s + server.timeout_s)  # its own time, after connecting
        except FutureTimeout:
            if ask.answer.cancel():  # it was not sent yet, and will not be
                why = unreached(server, TimeoutError(), "", is_open=False)
                raise _unsent(server, ask.tool, why) from None
            raise McpFailed(
                f"MCP server {server_id!r} did not answer within {ask.timeout_s:g}s: {_MORE_TIME}"
                f"{_MAY_BE_DONE if ask.tool else ''}",
                carried_out="unknown",
            ) from None

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                loop = self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=_run_loop, args=(loop,), name="mcp", daemon=True)
                self._thread.start()
            return self._loop

    def _put(self, server: McpServer, ask: _Ask) -> None:
        """Hand a request to the session's owner; in the loop."""
        key = server.server_id
        task = self._tasks.get(key)
        if task is None or task.done():
            self._queues[key] = asyncio.Queue()
            self._tasks[key] = asyncio.get_running_loop().create_task(self._own(server, self._queues[key]))
        self._queues[key].put_nowait(ask)

    async def _own(self, server: McpServer, queue: asyncio.Queue[_Ask | None]) -> None:
        """Open a session, serve requests with it, leave it: all in this one task."""
        waiting: set[asyncio.Task[None]] = set()
        lost, listing = asyncio.Event(), Listing()
        is_open, log_file = False, self._log_of(server)
        said_before = size_of(log_file)
        try:
            with covered_log(log_file, server.secrets()) as errlog:
                async with (
                    asyncio.timeout(server.timeout_s) as opening,
                    session(
                        server, errlog, lost.set, lambda told: self._heard(server, listing, queue, told)
                    ) as opened,
                ):
                    held = _Session(server, opened, listing, lost)
                    opening.reschedule(None)
                    is_open = True
                    while not lost.is_set():
                        ask = await _next(queue, lost)
                        if ask is None:
                            break
                        task = asyncio.create_task(_serve(held, ask))
                        waiting.add(task)
                        task.add_done_callback(waiting.discard)
        except BaseException as error:
            said = "" if is_open else last_words(log_file, said_before)
            run_ids = _fail_all(server, queue, unreached(server, error, said, is_open=is_open))
            said = "MCP server %s: its session ended by %s; runs %s waited"
            log.info(said, server.server_id, type(error).__name__, run_ids)
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
        else:
            if lost.is_set() and self._queues.get(server.server_id) is queue:
                self._put_back(server, queue)
            _fail_all(server, queue, unreached(server, None, "", is_open=True))
        for task in waiting:
            task.cancel()

    def _heard(
        self, server: McpServer, listing: Listing, queue: asyncio.Queue[_Ask | None], message: Any
    ) -> None:
        """Ask a server for its tools when it tells that they have changed; in the loop."""
        if listing.heard(message):
            ask = _Ask(None, {}, server.timeout_s)
            ask.answer.add_done_callback(lambda done: self._told(server, done))
            queue.put_nowait(ask)

    def _told(self, server: McpServer, done: Future[Any]) -> None:
        error = done.exception()
        if error is not None:
            log.warning(
                "MCP server %s told that its tools have changed, and then: %s", server.server_id, error
            )
        elif self._servers.get(server.server_id) == server:
            self._listed[server.server_id] = done.result()

    def _put_back(self, server: McpServer, queue: asyncio.Queue[_Ask | None]) -> None:
        """Give requests that a lost session has never sent to a new one, once."""
        del self._tasks[server.server_id]
        for _ in range(queue.qsize()):
            ask = queue.get_nowait()
            if ask is not None and not ask.was_put_back:
                ask.was_put_back = True
                self._put(server, ask)
            elif ask is not None:
                queue.put_nowait(ask)

    def _log_of(self, server: McpServer) -> Path:
        if self._log_folder is None:
            return Path(os.devnull)
        self._log_folder.mkdir(parents=True, exist_ok=True)
        return self._log_folder / f"mcp-{server.server_id}.log"

    def _close(self, keys: list[str]) -> None:
        loop = self._loop
        if loop is None:
            return
        tasks = []
        for key in keys:
            queue, task = self._queues.pop(key, None), self._tasks.pop(key, None)
            if queue is not None and task is not None:
                loop.call_soon_threadsafe(queue.put_nowait, None)
                tasks.append(task)
        if tasks:
            ended = asyncio.run_coroutine_threadsafe(_ended(tasks), loop)
            with suppress(FutureTimeout):
                ended.result(2 * _GRACE_S)


def _fail_all(server: McpServer, queue: asyncio.Queue[_Ask | None], why: str) -> list[str]:
    """Answer the requests that were never sent; return the ids of the runs that made them."""
    run_ids = []
    while not queue.empty():
        ask = queue.get_nowait()
        if ask is not None and ask.answer.set_running_or_notify_cancel():
            ask.answer.set_exception(_unsent(server, ask.tool, why))
            run_ids.append(ask.run_id)
    return run_ids


def _unsent(server: McpServer, tool: str | None, why: str) -> McpFailed:
    told = McpFailed(f"MCP server {server.server_id!r} {why}. {_MEND[server.transport]}", carried_out="no")
    return told if tool is None else not_carried_out(told, tool)


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        loop.run_until_complete(_let_go())
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


async def _let_go() -> None:
    """End what is still open: processes and their pipes are closed while the loop can still hear of it."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=_LAST_S)
    await asyncio.sleep(_PIPES_S)


async def _ended(tasks: list[asyncio.Task[None]]) -> None:
    _, slow = await asyncio.wait(tasks, timeout=_GRACE_S)
    for task in slow:
        task.cancel()
    if slow:
        await asyncio.wait(slow, timeout=_GRACE_S / 2)


async def _next(queue: asyncio.Queue[_Ask | None], lost: asyncio.Event) -> _Ask | None:
    """Return the next request, or None when the session is to end."""
    getting, losing = asyncio.ensure_future(queue.get()), asyncio.ensure_future(lost.wait())
    try:
        await asyncio.wait((getting, losing), return_when=asyncio.FIRST_COMPLETED)
        return getting.result() if getting.done() else None
    finally:
        for each in (getting, losing):
            each.cancel()


async def _serve(held: _Session, ask: _Ask) -> None:
    """Carry out one request within its time, unless nobody waits for it any more."""
    if not ask.answer.set_running_or_notify_cancel():
        return
    server, opened, lost = held.server, held.opened, held.lost
    try:
        async with asyncio.timeout(ask.timeout_s):
            if ask.tool is None:
                answer: Any = await held.listing.tools(opened, anew=ask.anew)
            else:
                limit = read_timeout(ask.timeout_s)
                answer = wire(await opened.call_tool(ask.tool, ask.arguments, read_timeout_seconds=limit))
    except TimeoutError:
        error: BaseException = McpFailed(
            f"MCP server {server.server_id!r}: {ask.tool or 'its list of tools'} timed out after {ask.timeout_s:g}s: "
            f"{_MORE_TIME}{_MAY_BE_DONE if ask.tool else ''}",
            carried_out="unknown",
        )
        pinging = asyncio.create_task(_ping(server, opened, lost, ask.run_id))
        _pings.add(pinging)
        pinging.add_done_callback(_pings.discard)
    except BaseException as raised:  # noqa: BLE001 - the SDK's and the transport's own errors
        error = failure(
            server, raised, f"failed at {ask.tool or 'its list of tools'}", is_call=ask.tool is not None
        )
        log.warning("Run %s: MCP server %s raised %s", ask.run_id, server.server_id, type(raised).__name__)
        if is_lost(raised):
            lost.set()
    else:
        if not ask.answer.done():
            ask.answer.set_result(hidden(answer, server.secrets()))
        return
    if not ask.answer.done():
        ask.answer.set_exception(error)


async def _ping(server: McpServer, opened: Any, lost: asyncio.Event, run_id: str) -> None:
    """After a call that ran out of time: a session that does not even answer this is given up.

    Its process may be busy for good, or still be writing an answer that nobody can take in.
    """
    try:
        async with asyncio.timeout(_PING_S):
            await opened.send_ping()
    except asyncio.CancelledError:
        raise
    except Exception as error:  # noqa: BLE001 - the SDK's and the transport's own errors
        log.warning(
            "Run %s: MCP server %s gives no sign of life (%r): its session is ended",
            run_id,
            server.server_id,
            error,
        )
        lost.set()


def is_lost(error: BaseException) -> bool:
    """Say whether an error means that the session is gone."""
    said = str(error).lower()
    return type(error).__name__ in _LOST or any(words in said for words in (*_LOST_WORDS, *_UNKNOWN_WORDS))


def unreached(server: McpServer, error: BaseException | None, said: str, *, is_open: bool) -> str:
    """Return why a server has no session, in our words; `said` is what its process wrote to its log."""
    what = "could not be started" if server.command and not is_open else "could not be reached"
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, BadMcpServer):
        return f"{what}: {error}"
    if isinstance(error, TimeoutError):
        why = f"{what} within {server.timeout_s:g}s"
    else:
        told = hidden(str(error), server.secrets()) if error is not None else "the connection was closed"
        why = f"{what}: {told or type(error).__name__}"
    return f"{why}. It said: {hidden(said, server.secrets())}" if said else why


def not_carried_out(why: McpFailed, tool: str) -> McpFailed:
    """Return why a call certainly was not carried out: its server could not be reached."""
    return McpFailed(f"{why}. The call of {tool} was not carried out: it can be made again", carried_out="no")


def failure(server: McpServer, error: BaseException, what: str, *, is_call: bool = True) -> McpFailed:
    """Return the error of what was sent, a call or another request, in our words, naming the server."""
    if isinstance(error, McpFailed):
        return error
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    told = hidden(str(error), server.secrets()) or type(error).__name__
    carried_out = ""
    if any(words in told.lower() for words in _UNKNOWN_WORDS):
        carried_out = "no"
        told = f"it was started anew ({told}), and the call was not carried out. The next call begins a new session"
    elif is_lost(error) or isinstance(error, asyncio.CancelledError):
        carried_out = "unknown"
        doubt = "; the call may or may not have been carried out: see whether it was before you try again"
        told = f"connection lost ({told}){doubt if is_call else ''}. The server is started again for the next call"
    elif _TOO_LARGE in told.lower():
        told = f"its answer is too large ({told.rstrip('.')}): ask it for less, or for a part"
    return McpFailed(f"MCP server {server.server_id!r} {what}: {told}", carried_out=carried_out)
