"""Golden Programs: what each sample flow compiles to, kept as a file so that a change is seen.

`python tests/compiler/golden.py` writes them anew, `--check` only says which are stale.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "server"))

from abstractruntime.visualflow_compiler import compile_program  # noqa: E402 - the path comes first

FLOWS = ROOT / "flows"
PROGRAMS = Path(__file__).with_name("programs")


def sample_flows() -> list[Path]:
    """Return the paths of the sample flows."""
    return sorted(FLOWS.glob("*.json"))


def golden_path(flow: Path) -> Path:
    """Return where the Program of a sample flow is kept."""
    return PROGRAMS / f"{flow.stem}.program.json"


def program_text(flow: Path) -> str:
    """Return the Program of a sample flow as it is kept."""
    return json.dumps(compile_program(flow).to_json(), indent=1, ensure_ascii=False) + "\n"


def generate(*, check: bool = False) -> list[Path]:
    """Write the golden Programs that are missing or stale, remove those without a flow; return them.

    `check` writes nothing.
    """
    wanted = {golden_path(flow): program_text(flow) for flow in sample_flows()}
    stale = [path for path, text in wanted.items() if not path.is_file() or path.read_text("utf-8") != text]
    lost = [path for path in sorted(PROGRAMS.glob("*.program.json")) if path not in wanted]
    if not check:
        PROGRAMS.mkdir(exist_ok=True)
        for path in stale:
            path.write_text(wanted[path], "utf-8")
        for path in lost:
            path.unlink()
    return stale + lost


if __name__ == "__main__":
    only_check = "--check" in sys.argv[1:]
    changed = generate(check=only_check)
    for each in changed:
        print(("stale: " if only_check else "wrote: ") + str(each.relative_to(ROOT)))
    sys.exit(1 if changed and only_check else 0)
