"""The backends, one line each: the scheme of a URL and the module that serves it."""

from __future__ import annotations

import importlib

from .base import Stores

BACKENDS: dict[str, str] = {
    "json": "json_files",
    "memory": "in_memory",
    "sqlite": "sqlite",
}


def open_stores(url: str) -> Stores:
    """Open the stores of a URL: `memory:`, `sqlite:///absolute/path`, `json:///absolute/folder`, or relative.

    Raises ValueError for an unknown scheme, StoreError when the store cannot be opened.
    """
    scheme, colon, _ = url.partition(":")
    module = BACKENDS.get(scheme)
    if not colon or module is None:
        known = ", ".join(f"{name}:" for name in sorted(BACKENDS))
        raise ValueError(f"{url!r} names no store. A store's URL begins with one of: {known}")
    backend = importlib.import_module(f"{__package__}.{module}")
    stores: Stores = backend.open(url)
    return stores
