"""Engines beside each other in one run: the work items of the harness in the shared folder.

    python tests/bench/bench_engines.py HARNESS [--others PYTHON] [--rounds N] [--works W1,W2] [--out FILE]

HARNESS is the folder with `bench.py` and `peers/`. PYTHON is an interpreter in which langgraph with
langgraph-checkpoint-sqlite, dbos, burr and abstractruntime (the reference) are installed; without it
only raw and this kernel run. One round runs every peer once, each in a process of its own, on a RAM
disk where there is one; what is printed are minima over the rounds, and their ratio to raw SQLite.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

OURS = Path(__file__).with_name("engines_peer.py")
PEERS = (  # file, backend, whether it runs in the other interpreter
    ("raw", "sqlite_normal", False),
    ("ours", "mem", False),
    ("ours", "mem_web", False),
    ("ours", "json", False),
    ("ours", "sqlite", False),
    ("ours", "sqlite_web", False),
    ("ours", "sqlite_visits", False),
    ("lg", "mem", True),
    ("lg", "sqlite", True),
    ("dbos_peer", "sqlite", True),
    ("burr_peer", "sqlite", True),
    ("ar_api", "sqlite", True),  # the reference: PyPI's abstractruntime
)
SCALES = {"W1": 1.0, "W2": 0.06, "W3": 1.0, "W4": 0.1, "W5": 1.0, "W6a": 0.2, "W6b": 0.2}
SHOWN = {
    "W1": ("us/step",),
    "W2": ("us/step",),
    "W3": ("us/step", "first_us", "last_us"),
    "W4": ("park us", "resume us"),
    "W4t10000": ("due_ms",),
    "W5": ("import_s", "first_step_s", "rss_mb"),
    "W6b": ("load_s", "finish_s"),
}


def rounds(args: argparse.Namespace, works: list[str], room: Path) -> Iterator[dict[str, Any]]:
    """Run every peer once for each work item, again and again, and give what each measured."""
    home = room / "peer"
    (home / "peers").mkdir(parents=True)
    (home / "peers" / "ours.py").symlink_to(OURS)
    refused: set[tuple[str, ...]] = set()
    for _ in range(args.rounds):
        for work in works:
            for peer, backend, is_other in PEERS:
                if (is_other and not args.others) or (peer, backend, work) in refused:
                    continue
                python = args.others if is_other else sys.executable
                found = measured(args.harness, home, python, (peer, backend, work), room)
                if "error" in found or "unsupported" in found:
                    refused.add((peer, backend, work))
                yield found


def measured(
    harness: Path, home: Path, python: str, what: tuple[str, str, str], room: Path
) -> dict[str, Any]:
    peer, backend, work = what
    compiled = {**os.environ, "PYTHONPATH": str(home), "PYTHONPYCACHEPREFIX": str(room / "compiled")}
    compiled.pop("PYTHONDONTWRITEBYTECODE", None)  # from the second round on, imports are as they are in use
    place = room / f"{peer}_{backend}"
    found: dict[str, Any] = {}
    for part in ("W6a", "W6b") if work == "W6" else (work,):
        scale = str(SCALES.get(part, 1.0))
        command = [python, str(harness / "bench.py"), peer, backend, part, "ram", str(place), scale]
        ran = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
            env=compiled,
        )
        lines = [line for line in ran.stdout.splitlines() if line.startswith("{")]
        found = json.loads(lines[-1]) if lines else {"error": ran.stderr[-300:]}
        if "error" in found or "unsupported" in found:
            break
    shutil.rmtree(place, ignore_errors=True)
    return {**found, "peer": peer, "backend": backend, "work": "W6b" if work == "W6" else work}


def figures(found: dict[str, Any]) -> dict[str, float]:
    """Return what a run measured under the names of SHOWN."""
    told = {name: value for name, value in found.items() if isinstance(value, int | float)}
    if "steps" in found:
        told["us/step"] = found["seconds"] / found["steps"] * 1e6
    if "park_s" in found:
        told["park us"] = found["park_s"] / found["n"] * 1e6
        told["resume us"] = found["resume_s"] / found["n"] * 1e6
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("harness", type=Path)
    parser.add_argument("--others")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--works", default="W1,W2,W3,W4,W4t10000,W5,W6")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    works = args.works.split(",")
    known = ["W6" if name == "W6b" else name for name in SHOWN]  # whose second part is shown
    if unknown := {*works}.difference(known):
        parser.error(f"{', '.join(sorted(unknown))}: no such work item; there are {', '.join(known)}.")
    fast = Path("/dev/shm")
    room = Path(tempfile.mkdtemp(dir=fast if fast.is_dir() else None))
    best: dict[tuple[str, str], dict[str, float]] = {}
    try:
        for found in rounds(args, works, room):
            if args.out:
                with args.out.open("a") as lines:
                    lines.write(json.dumps(found) + "\n")
            who = f"{found['peer']} {found['backend']}"
            row = best.setdefault((found["work"], who), {})
            if reason := found.get("error") or found.get("unsupported"):
                print(f"{found['work']:9s} {who:22s} left out: {reason.strip().splitlines()[-1]}", flush=True)
            for name, value in figures(found).items():
                row[name] = min(value, row.get(name, value))
    finally:
        shutil.rmtree(room)
    for (work, who), row in best.items():
        raw = best.get((work, "raw sqlite_normal"), {})
        cells = [
            f"{name} {row[name]:9.3f} ({row[name] / raw[name]:5.2f} x raw)"
            if raw.get(name)
            else f"{name} {row[name]:9.3f}"
            for name in SHOWN[work]
            if name in row
        ]
        if cells:
            print(f"{work:9s} {who:22s} {'   '.join(cells)}")


if __name__ == "__main__":
    main()
