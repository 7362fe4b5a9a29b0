"""Providers of models: the servers that flows may ask, by a name of the person's choosing.

They are kept in `providers.json` of the data folder, without keys. A provider's key is named by a variable
of the environment, or kept in the key store. The first provider is the one for nodes that name none.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from abstractruntime.core.errors import InvalidFlow, NotFound, StoreDamaged
from abstractruntime.integrations.abstractcore.llm_tool_modes import MODES, NATIVE

from ..staging import write_whole

OPENAI, SCRIPTED, RECORDED = "openai", "scripted", "recorded"
KINDS = (OPENAI, SCRIPTED, RECORDED)
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MOST_SECONDS = 7200


class BadProvider(InvalidFlow):
    """A provider's settings cannot be used; the message names the field."""

    code = "provider.invalid"


class ProviderNotFound(NotFound):
    """There is no provider with this name."""

    code = "provider.not_found"


@dataclass(frozen=True)
class Provider:
    """One place to ask models.

    `kind` is `openai` (any server with OpenAI's chat protocol), `scripted` (answers from rules, in the
    box), or `recorded` (answers as they were recorded). `model` is for nodes that name none. Prices are for a
    million tokens, in whatever currency the person thinks in; 0 means that nothing is reckoned. Answers come
    word by word, unless the server has to be asked for `whole` ones. `embedding_model` turns texts into
    vectors, so that facts are found by their meaning. `tool_mode` is how its models are had to call tools, where
    a call does not say: native, schema or prompted.
    """

    name: str
    kind: str = OPENAI
    base_url: str = ""
    model: str = ""
    key_variable: str = ""
    timeout_s: float = 120.0
    price_in: float = 0.0
    price_out: float = 0.0
    records: bool = False
    whole: bool = False
    embedding_model: str = ""
    tool_mode: str = NATIVE

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Provider:
        """Return a provider from plain data; raise BadProvider naming the field."""
        known = {key: data[key] for key in cls.__dataclass_fields__ if data.get(key) is not None}
        made = cls(
            name=_text(known, "name").lower(),
            kind=_text(known, "kind") or OPENAI,
            base_url=_text(known, "base_url").rstrip("/"),
            model=_text(known, "model"),
            key_variable=_text(known, "key_variable"),
            timeout_s=_number(known, "timeout_s", 120.0),
            price_in=_number(known, "price_in", 0.0),
            price_out=_number(known, "price_out", 0.0),
            records=bool(known.get("records", False)),
            whole=bool(known.get("whole", False)),
            embedding_model=_text(known, "embedding_model"),
            tool_mode=_text(known, "tool_mode") or NATIVE,
        )
        made._check()
        return made

    def _check(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise BadProvider(
                f"name: {self.name!r} must be 1 to 40 small letters, digits, '-', '_' or '.', such as lmstudio."
            )
        if self.kind not in KINDS:
            raise BadProvider(f"kind: {self.kind!r} must be one of {', '.join(KINDS)}.")
        if self.kind == OPENAI:
            self._check_address()
        if self.tool_mode not in MODES:
            raise BadProvider(f"tool_mode: {self.tool_mode!r} must be one of {', '.join(MODES)}.")
        if self.key_variable and not _VARIABLE.fullmatch(self.key_variable):
            raise BadProvider(  # which is not repeated: it may be the key
                "key_variable: this is no name of an environment variable; is it the key itself?"
            )
        if not 0 < self.timeout_s <= _MOST_SECONDS:
            raise BadProvider(
                f"timeout_s: {self.timeout_s:g} must be more than 0 and at most {_MOST_SECONDS}."
            )
        for field, price in (("price_in", self.price_in), ("price_out", self.price_out)):
            if not 0 <= price < math.inf:
                raise BadProvider(f"{field}: a price must be a number of 0 or more.")

    def _check_address(self) -> None:
        try:
            parts = urlsplit(self.base_url)
            is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError as error:
            raise BadProvider(f"base_url: this is no address ({error}).") from None
        if "@" in parts.netloc:
            raise BadProvider("base_url: leave the key out of the address; it has a field of its own.")
        if not self.base_url:
            raise BadProvider("base_url: write where the server is, such as http://127.0.0.1:1234/v1.")
        if not is_whole:
            raise BadProvider(
                f"base_url: {self.base_url!r} must be an address such as http://127.0.0.1:1234/v1."
            )


class Providers:
    """The providers of one installation, in the order of the person. Safe to call from several threads."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "providers.json"
        self._lock = Lock()
        self._held = self._read()

    def all(self) -> list[Provider]:
        """Return the providers, the default one first."""
        with self._lock:
            return [*self._held.values()]

    def get(self, name: str) -> Provider:
        """Return a provider; raise ProviderNotFound naming the known ones."""
        with self._lock:
            found = self._held.get(name.strip().lower())
            known = ", ".join(self._held) or "none"
        if found is None:
            raise ProviderNotFound(f"There is no provider {name!r} of models; configured: {known}.")
        return found

    def put(self, provider: Provider, *, first: bool = False) -> None:
        """Keep a provider, in place of one with its name; `first` makes it the default."""
        with self._lock:
            held = {key: each for key, each in self._held.items() if not first or key != provider.name}
            if first:
                held = {provider.name: provider, **held}
            else:
                held[provider.name] = provider
            self._write(held)

    def remove(self, name: str) -> None:
        """Forget a provider; raise ProviderNotFound."""
        found = self.get(name)
        with self._lock:
            self._write({key: each for key, each in self._held.items() if key != found.name})

    def remember(self, name: str, model: str) -> None:
        """Note the model to ask when nobody names one, if there is none yet."""
        found = self.get(name)
        if not found.model:
            self.put(replace(found, model=model))

    def _read(self) -> dict[str, Provider]:
        try:
            rows = json.loads(self._file.read_bytes())
            return {made.name: made for made in (Provider.of(row) for row in rows)}
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, AttributeError) as error:
            raise StoreDamaged(
                f"The file {self._file} holds no providers ({error}): mend it or move it away."
            ) from None

    def _write(self, held: dict[str, Provider]) -> None:
        body = json.dumps([asdict(each) for each in held.values()], indent=1)
        write_whole(self._file, body.encode())
        self._held = held


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key, "")
    if not isinstance(value, str):
        raise BadProvider(f"{key}: it must be a text, not {type(value).__name__}.")
    return value.strip()


def _number(data: Mapping[str, Any], key: str, default: float) -> float:
    value = data.get(key, default)
    if isinstance(value, str):
        try:
            value = float(value.strip() or default)
        except ValueError:
            raise BadProvider(f"{key}: {value!r} is no number.") from None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise BadProvider(f"{key}: it must be a number, not {type(value).__name__}.")
    return float(value)
