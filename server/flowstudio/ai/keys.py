"""Keys of model servers and tools: entered once, kept encrypted, never shown again.

The cipher's own key lies beside them, readable by the owner of the data folder only. Whoever can read both
can read the keys; what this keeps out are copies of single files, backups of the data without that one,
and eyes on a screen.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from threading import Lock

from cryptography.fernet import Fernet, InvalidToken

from abstractruntime.core.errors import StoreDamaged

from ..staging import write_whole


class KeyStore:
    """Secrets by name, in the files `keys.json` and `keys.key` of a folder."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "keys.json"
        self._cipher_file = folder / "keys.key"
        self._lock = Lock()

    def names(self) -> list[str]:
        """Return the names of the secrets, never what they are."""
        with self._lock:
            return sorted(self._read())

    def get(self, name: str) -> str | None:
        """Return a secret, or None; raise StoreDamaged when it cannot be read any more."""
        with self._lock:
            token = self._read().get(name)
            if token is None:
                return None
            try:
                return self._cipher().decrypt(token.encode()).decode()
            except InvalidToken:
                raise StoreDamaged(
                    f"The secret {name!r} in {self._file} does not fit {self._cipher_file.name}: enter it again."
                ) from None

    def put(self, name: str, secret: str) -> None:
        """Keep a secret under a name, in place of what was there."""
        with self._lock:
            held = self._read()
            held[name] = self._cipher().encrypt(secret.encode()).decode()
            self._write(held)

    def drop(self, name: str) -> None:
        """Forget a secret, if there is one."""
        with self._lock:
            held = self._read()
            if held.pop(name, None) is not None:
                self._write(held)

    def _read(self) -> dict[str, str]:
        try:
            held = json.loads(self._file.read_bytes())
        except FileNotFoundError:
            return {}
        except ValueError:
            held = None
        if not isinstance(held, dict):
            raise StoreDamaged(f"The file {self._file} holds no keys: move it away and enter them again.")
        return {str(name): str(token) for name, token in held.items()}

    def _write(self, held: Mapping[str, str]) -> None:
        write_whole(self._file, json.dumps(held, indent=1, sort_keys=True).encode())

    def _cipher(self) -> Fernet:
        try:
            if os.name != "nt" and self._cipher_file.stat().st_mode & 0o077:
                raise StoreDamaged(
                    f"{self._cipher_file} can be read by others: chmod 600 it, and change your keys."
                )
            return Fernet(self._cipher_file.read_bytes())
        except FileNotFoundError:
            write_whole(self._cipher_file, Fernet.generate_key())
            return Fernet(self._cipher_file.read_bytes())
