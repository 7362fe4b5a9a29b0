"""Where the app lives and how it listens; the only reader of the environment.

Everything that a person may set is here. A setting that would open the app to a network without
the protection it needs is refused at start, in one sentence.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urlsplit

from platformdirs import user_data_path

from .secrets import Secret, read_secrets

MIB = 1024 * 1024
DEFAULT_PORT = 8420
PACKAGE = Path(__file__).resolve().parent


class SettingsError(Exception):
    """A setting is wrong; the message is the one sentence that says how to put it right."""


@dataclass(frozen=True)
class Settings:
    """How this server runs.

    `origin` is the public https address when a TLS proxy stands in front. `api_token` is the
    bearer token from the environment; None means the one kept in the data folder. `workspace` is the
    folder whose files flows may use; None means a folder of its own in the data folder.
    """

    data: Path
    flows: Path
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    origin: str | None = None
    api_token: str | None = None
    store_url: str | None = None
    workspace: Path | None = None
    threads: int = 4
    json_limit: int = 1 * MIB
    document_limit: int = 16 * MIB
    bundle_limit: int = 20 * MIB
    body_seconds: float = 30.0
    heartbeat_seconds: float = 15.0
    stream_limit: int = 1200
    streams_per_session: int = 20
    reachable: frozenset[str] = frozenset()  # host:port that flows may reach though it is not public
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    has_samples: bool = False  # the folder of flows is our own: put the sample flows into it

    @property
    def hosts(self) -> frozenset[str]:
        """Return the exact `Host` header values that are answered, in lower case."""
        names = {"127.0.0.1", "localhost", "[::1]"}
        allowed = {f"{name}:{self.port}" for name in names}
        if self.port == 80:
            allowed |= names
        if self.origin is not None:
            allowed.add(urlsplit(self.origin).netloc.lower())
        return frozenset(allowed)

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach the app over TLS."""
        return self.origin is not None

    @property
    def address(self) -> str:
        """Return the address to open in a browser, without a trailing slash."""
        if self.origin is not None:
            return self.origin
        name = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{name}:{self.port}"

    @property
    def files(self) -> Path:
        """Return the folder whose files flows may read and write."""
        return self.workspace or self.data / "workspace"

    @property
    def stores(self) -> str:
        """Return the URL of the run store: SQLite in the data folder unless set otherwise."""
        return self.store_url or f"sqlite:///{self.data.resolve() / 'runs.sqlite'}"


def installed_version() -> str:
    """Return the version of the package; "0" in a checkout that is not installed."""
    try:
        return version("flowstudio")
    except PackageNotFoundError:
        return "0"


def packaged(name: str) -> Path:
    """Find a folder that the wheel carries inside the package and the checkout beside `server/`."""
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parents[1] / name


def read_settings(
    environment: Mapping[str, str] | None = None,
    *,
    host: str | None = None,
    port: int | None = None,
    data: Path | None = None,
    flows: Path | None = None,
) -> Settings:
    """Merge the command line over the environment over the defaults; raise SettingsError."""
    env = os.environ if environment is None else environment
    folder = data or (Path(env["FLOWSTUDIO_DATA"]) if env.get("FLOWSTUDIO_DATA") else None)
    folder = folder or user_data_path("flowstudio", appauthor=False)
    library = flows or (Path(env["FLOWSTUDIO_FLOWS"]) if env.get("FLOWSTUDIO_FLOWS") else None)
    is_own = library is None and not Path("flows").is_dir()
    if library is None:
        library = folder / "flows" if is_own else Path("flows")
    settings = Settings(
        data=folder,
        flows=library,
        host=host or env.get("FLOWSTUDIO_HOST") or "127.0.0.1",
        port=DEFAULT_PORT if port is None and not env.get("FLOWSTUDIO_PORT") else _port(port, env),
        origin=_origin(env.get("FLOWSTUDIO_ORIGIN")),
        api_token=env.get("FLOWSTUDIO_TOKEN") or None,
        store_url=env.get("FLOWSTUDIO_STORE") or None,
        workspace=Path(env["FLOWSTUDIO_WORKSPACE"]) if env.get("FLOWSTUDIO_WORKSPACE") else None,
        reachable=_reachable(env.get("FLOWSTUDIO_REACHABLE", "")),
        secrets=read_secrets(env),
        has_samples=is_own,
    )
    _refuse_an_open_door(settings)
    return settings


def has_screen() -> bool:
    """Say whether a browser window can appear here."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _port(port: int | None, env: Mapping[str, str]) -> int:
    text = str(port) if port is not None else env.get("FLOWSTUDIO_PORT", "")
    if not text.isdecimal() or int(text) > 65535:
        raise SettingsError(f"The port must be a number from 0 to 65535, not {text!r}.")
    return int(text)


def _origin(text: str | None) -> str | None:
    if not text:
        return None
    parts = urlsplit(text)
    if parts.scheme != "https" or not parts.hostname or parts.path not in ("", "/") or parts.query:
        raise SettingsError(
            f"FLOWSTUDIO_ORIGIN must be an https address such as https://flows.example, not {text!r}."
        )
    return f"https://{parts.netloc}"


def _reachable(text: str) -> frozenset[str]:
    """Read `host:port` pairs, divided by spaces or commas."""
    pairs = text.replace(",", " ").lower().split()
    for pair in pairs:
        host, colon, port = pair.rpartition(":")
        if not colon or not host or not port.isdecimal() or "/" in host:
            raise SettingsError(
                f"FLOWSTUDIO_REACHABLE takes host:port pairs such as 127.0.0.1:8080, not {pair!r}."
            )
    return frozenset(pairs)


def _refuse_an_open_door(settings: Settings) -> None:
    if is_loopback(settings.host):
        return
    token = settings.api_token or ""
    if settings.origin is None or len(token) < 32:
        raise SettingsError(
            f"FlowStudio listens on this machine only: for {settings.host} set FLOWSTUDIO_ORIGIN to the "
            "https address of the proxy in front of it and FLOWSTUDIO_TOKEN to a secret of 32 "
            "characters or more."
        )


def is_loopback(host: str) -> bool:
    """Say whether a listening address can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
