"""`python -m flowstudio.generate [--check]`: write the generated pages, or say which are stale."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from ..app import create_app
from ..settings import Settings
from . import kernel_page, node_pages, routes_page
from .reasons import reasons_of

ROOT = Path(__file__).resolve().parents[3]


def pages() -> dict[str, str]:
    """Return every generated page by its path under the checkout."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        app = create_app(Settings(data=base / "data", flows=base / "flows"))
        schema = app.openapi()
        app.state.studio.stores.close()
    reasons = reasons_of((ROOT / "docs" / "problems.md").read_text(encoding="utf-8"))
    made = {"docs/http.md": routes_page(schema), "docs/kernel-api.md": kernel_page()}
    return {**node_pages(), **made, "server/flowstudio/problem_reasons.json": reasons}


def main() -> int:
    """Write or check; return the exit code."""
    is_check = "--check" in sys.argv[1:]
    stale = []
    for name, text in pages().items():
        path = ROOT / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not is_check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"{'stale' if is_check else 'written'}: {name}")
    if stale and is_check:
        print("Run `poe generate` and commit what it writes.")
    return 1 if stale and is_check else 0


if __name__ == "__main__":
    sys.exit(main())
