"""Serve: one port, one process, one data folder."""

from __future__ import annotations

import errno
import logging
import shutil
import socket
import sys
import webbrowser
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import BinaryIO

import uvicorn

from .app import create_app
from .flow_tests.shelf import FOLDER
from .settings import Settings, SettingsError, has_screen, packaged
from .studio import Studio

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

NOT_HERE = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT)


class Restart(Exception):
    """The server has stopped to be started anew, at the same `port`."""

    def __init__(self, port: int) -> None:
        super().__init__(f"To be started anew on port {port}.")
        self.port = port


class Server(uvicorn.Server):
    """A server that lets its event streams go as soon as it is asked to stop."""

    def __init__(self, config: uvicorn.Config, studio: Studio) -> None:
        super().__init__(config)
        self._studio = studio

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Close the streams, then stop as usual."""
        self._studio.bell.close()
        super().handle_exit(sig, frame)

    def restart(self) -> None:
        """Stop as on a signal, to be started anew."""
        self.is_to_restart = True
        self._studio.bell.close()
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say where."""
        await super().startup(sockets)
        if self.started:
            announce(self._studio, sockets or [], opens_browser=self._opens_browser)

    _opens_browser = False
    is_to_restart = False


def serve(settings: Settings, *, opens_browser: bool) -> int:
    """Serve until stopped; return the exit code.

    Raises SettingsError for what cannot be served, and Restart when a person has asked for it on a page.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    make_folder(settings.data, "--data")
    locks = [hold_folder(settings.data), *hold_store(settings)]
    listening = listen(settings.host, settings.port)
    settings = replace(settings, port=listening[0].getsockname()[1])
    make_folder(settings.flows, "--flows", mode=0o777)
    if settings.has_samples:
        seed_flows(settings.flows)
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        ws="none",
        timeout_graceful_shutdown=3,
        h11_max_incomplete_event_size=64 * 1024,
    )
    server = Server(config, app.state.studio)
    server._opens_browser = opens_browser
    if sys.platform != "win32":  # where a process can become another
        app.state.restart = server.restart
    try:
        server.run(sockets=listening)
    except KeyboardInterrupt:
        pass  # uvicorn raises the signal again once it has stopped
    finally:
        for one in listening:
            one.close()
        for lock in locks:
            lock.close()
    if server.is_to_restart:
        raise Restart(settings.port)
    return 0 if server.started else 1


def announce(studio: Studio, sockets: Iterable[socket.socket], *, opens_browser: bool) -> None:
    """Print where the app is, on what it listens, and the link that signs the first browser in."""
    settings = studio.settings
    link = studio.access.login_link(settings.address)
    print(f"\nFlowStudio is ready: {settings.address}")
    print(f"Listening on {' and '.join(map(place_of, sockets))}.")
    print(f"Sign in with this link (it works once, for ten minutes):\n\n  {link}\n")
    print(f"Flows: {settings.flows.resolve()}\nData:  {settings.data.resolve()}\nCtrl-C stops.", flush=True)
    if opens_browser and has_screen():
        webbrowser.open(link)


def listen(host: str, port: int) -> list[socket.socket]:
    """Take the port, of both loopback addresses where there are two; raise SettingsError when it is taken.

    Browsers try both for `localhost`: on one that we left free, another program could answer in our name.
    """
    first = _take(host, port)
    if host not in ("127.0.0.1", "localhost"):
        return [first]
    try:
        return [first, _take("::1", first.getsockname()[1])]
    except NoSuchAddress:
        return [first]
    except SettingsError:
        first.close()
        if port:
            raise
        return listen(host, port)  # another one that is free


class NoSuchAddress(SettingsError):
    """This machine does not have the address."""


def _take(host: str, port: int) -> socket.socket:
    """Return a socket that listens; raise SettingsError with what to do when it cannot."""
    name = host.strip("[]")
    family = socket.AF_INET6 if ":" in name else socket.AF_INET
    listening = None
    try:
        # With the protocol said, asyncio switches Nagle's delay off; without, each answer waits 40 ms.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if sys.platform != "win32":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((name, port))
        listening.listen(2048)
    except OSError as error:
        if listening is not None:
            listening.close()
        kind = NoSuchAddress if error.errno in NOT_HERE else SettingsError
        raise kind(
            f"Port {port} of {host} cannot be used ({error.strerror}): stop what uses it, or choose another "
            f"one with --port {port + 1 if 0 < port < 65535 else 8421}."
        ) from None
    return listening


def place_of(listening: socket.socket) -> str:
    """Return a socket's address as it stands in a URL."""
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def make_folder(folder: Path, option: str, mode: int = 0o700) -> None:
    """Make a folder unless it is there; raise SettingsError naming the option that chooses another."""
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(folder, error, option) from None


def _unusable(folder: Path, error: OSError, option: str) -> SettingsError:
    return SettingsError(
        f"The folder {folder} cannot be used ({error.strerror}): choose another one with {option}."
    )


def hold_folder(data: Path) -> BinaryIO:
    """Keep other servers out of a data folder; raise SettingsError when one is in it."""
    try:
        file = (data / "lock").open("a+b")
    except OSError as error:
        raise _unusable(data, error, "--data") from None
    return _hold(
        file, f"Another FlowStudio uses the data folder {data}: stop it, or choose another one with --data."
    )


def hold_store(settings: Settings) -> list[BinaryIO]:
    """Keep other servers away from a store outside of the data folder; raise SettingsError if one has it.

    The programs of its runs lie in one server's data folder: another server could only fail them.
    """
    scheme, _, rest = settings.stores.partition(":")
    path = Path("/" + rest.lstrip("/") if rest.startswith("///") else rest)
    if scheme == "memory" or path.resolve().is_relative_to(settings.data.resolve()):
        return []
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.with_name(f"{path.name}.server").open("a+b")
    except OSError as error:
        raise SettingsError(
            f"The store {settings.stores} cannot be used ({error.strerror}): set FLOWSTUDIO_STORE to another one."
        ) from None
    told = f"Another FlowStudio uses the store {settings.stores}: stop it, or set FLOWSTUDIO_STORE to another one."
    return [_hold(file, told)]


def _hold(file: BinaryIO, told: str) -> BinaryIO:
    """Lock a file for as long as it is open; raise SettingsError with these words if another has it."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise SettingsError(told) from None
    return file


def seed_flows(folder: Path) -> None:
    """Put the sample flows into a folder that does not exist or is empty."""
    samples = packaged("flows")
    if folder.exists() and any(folder.iterdir()):
        return
    folder.mkdir(parents=True, exist_ok=True)
    if samples.is_dir() and samples.resolve() != folder.resolve():
        for sample in sorted(samples.glob("*.json")):
            shutil.copyfile(sample, folder / sample.name)
        if (samples / FOLDER).is_dir():
            shutil.copytree(samples / FOLDER, folder / FOLDER)
