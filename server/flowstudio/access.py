"""Who may come in: the API token, one-time login links and the sessions of browsers.

Secrets are files of the data folder that only their owner can read; the server refuses to start
when others can. A session is kept by the hash of its cookie, so the file alone opens nothing.
Everything here is called from the event loop, one call at a time.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import stat
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from time import time
from typing import Any
from urllib.parse import quote

from .settings import Settings, SettingsError
from .staging import write_whole

LOGIN_SECONDS = 600
IDLE_SECONDS = 12 * 3600
LIFE_SECONDS = 7 * 24 * 3600
TOUCH_SECONDS = 60
GUESSES, GUESS_SECONDS = 5, 60


@dataclass
class Session:
    """A browser that has signed in; times are seconds since 1970."""

    created: float
    seen: float

    def is_live(self, now: float) -> bool:
        """Whether the session is neither idle for 12 hours nor older than 7 days."""
        return now - self.seen < IDLE_SECONDS and now - self.created < LIFE_SECONDS


class TooManyGuesses(Exception):
    """Wrong tokens came too fast; `seconds` says when to come back."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many wrong tokens. Try again in {seconds} seconds.")
        self.seconds = seconds


class Access:
    """Tokens and sessions of one data folder."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time) -> None:
        self._clock = clock
        self._folder = settings.data
        self._secure = settings.is_secure
        self.cookie = "__Host-sid" if settings.is_secure else f"sid_{settings.port}"
        self._api_token = settings.api_token or read_token(settings.data)
        self._links: dict[str, float] = {}
        self._guesses: list[float] = []
        self._sessions = self._read_sessions()

    def login_link(self, address: str, then: str = "") -> str:
        """Make a link that signs one browser in, once, within ten minutes; `then` is the path it leads on to."""
        token = secrets.token_urlsafe(32)
        self._links[_digest(token)] = self._clock() + LOGIN_SECONDS
        onward = f"?next={quote(then, safe='/')}" if then else ""
        return f"{address}/login{onward}#token={token}"

    def sign_in(self, token: str) -> str | None:
        """Trade a login token, or the API token, for a new session's cookie value.

        Returns None for a wrong token; raises TooManyGuesses after five in a minute.
        """
        now = self._clock()
        self._guesses = [moment for moment in self._guesses if now - moment < GUESS_SECONDS]
        if len(self._guesses) >= GUESSES:
            raise TooManyGuesses(int(self._guesses[0] + GUESS_SECONDS - now) + 1)
        if not self._takes_link(token, now) and not self.knows_token(token):
            self._guesses.append(now)
            return None
        value = secrets.token_urlsafe(32)
        self._sessions = {key: session for key, session in self._sessions.items() if session.is_live(now)}
        self._sessions[_digest(value)] = Session(now, now)
        self._write_sessions()
        return value

    def sign_out(self, session: str) -> None:
        """End a session; `session` is what `session_of` returned."""
        if self._sessions.pop(session, None) is not None:
            self._write_sessions()

    def session_of(self, cookie: str | None) -> str | None:
        """Return the key of the live session that a cookie belongs to, and note that it was seen."""
        if not cookie:
            return None
        key, now = _digest(cookie), self._clock()
        session = self._sessions.get(key)
        if session is None or not session.is_live(now):
            return None
        if now - session.seen >= TOUCH_SECONDS:
            session.seen = now
            self._write_sessions()
        return key

    def is_live(self, session: str) -> bool:
        """Say whether a session is still good, without touching it."""
        held = self._sessions.get(session)
        return held is not None and held.is_live(self._clock())

    def knows_token(self, token: str) -> bool:
        """Compare a bearer token with ours in constant time; an empty one never fits."""
        given, ours = token.encode("utf-8", "replace"), self._api_token.encode()
        return bool(given) and bool(ours) and hmac.compare_digest(given, ours)

    def set_cookie(self, value: str) -> str:
        """Return the `Set-Cookie` header that starts a session."""
        return f"{self.cookie}={value}; HttpOnly; SameSite=Strict; Path=/{self._tls}; Max-Age={LIFE_SECONDS}"

    def clear_cookie(self) -> str:
        """Return the `Set-Cookie` header that ends a session: the same attributes, no value."""
        return f"{self.cookie}=; HttpOnly; SameSite=Strict; Path=/{self._tls}; Max-Age=0"

    @property
    def _tls(self) -> str:
        return "; Secure" if self._secure else ""

    def _takes_link(self, token: str, now: float) -> bool:
        wanted, found = _digest(token), False
        for known in list(self._links):
            if hmac.compare_digest(known, wanted):
                found = self._links.pop(known) > now
        return found and bool(token)

    @property
    def _file(self) -> Path:
        return self._folder / "sessions.json"

    def _read_sessions(self) -> dict[str, Session]:
        refuse_open_file(self._file)
        try:
            held = json.loads(self._file.read_text("utf-8"))
            sessions = {str(key): Session(**value) for key, value in held.items()}
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, AttributeError):
            return {}  # sessions can be made anew; a damaged file must not lock anybody out
        now = self._clock()
        return {key: session for key, session in sessions.items() if session.is_live(now)}

    def _write_sessions(self) -> None:
        body = json.dumps({key: asdict(session) for key, session in self._sessions.items()})
        write_whole(self._file, body.encode())


def actor_of(scope: Mapping[str, Any]) -> str:
    """Name who makes a request: a browser's session by its first letters, or the API token."""
    session = scope["state"].get("session")
    return f"browser {session[:6]}" if session else "the API"


def read_token(folder: Path) -> str:
    """Return the API token of a data folder; make it at the first start, readable by its owner only."""
    path = folder / "token"
    refuse_open_file(path)
    try:
        token = path.read_text("ascii").strip()
    except FileNotFoundError:
        token = ""
    except ValueError:
        raise SettingsError(
            f"The token in {path} cannot be read: delete the file to get a new one."
        ) from None
    if not token:
        token = secrets.token_urlsafe(32)
        write_whole(path, (token + "\n").encode())
    return token


def refuse_open_file(path: Path) -> None:
    """Raise SettingsError when others than the owner may read or write a secret file."""
    if sys.platform == "win32" or not path.exists():
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise SettingsError(f"{path} can be read by others: run `chmod 600 {path}` and start again.")


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()
