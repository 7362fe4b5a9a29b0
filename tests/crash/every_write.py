"""H1: a fault at every write call of a worker: killed there, no space there, an I/O error there.

    python -m tests.crash.every_write [--stride 1] [--fault kill|enospc|eio] [--backend sqlite]

strace counts the calls of an undisturbed worker and then injects one fault each time. After it `verify`;
then the story is lived to its end without faults, `verify` again, and it must be the undisturbed story.
Where strace is missing or may not trace, this says so and checks nothing.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from abstractruntime.storage import open_stores
from abstractruntime.testing.verify import Witness, verify

from .random_kills import DURABLE, URLS, undisturbed
from .workers import STANDS_STILL, Worker, learn
from .world import World, ending

TURNS = 1
LONGEST_S = 60.0
WRITES = ("pwrite64", "write", "ftruncate")
NAMES = ("rename", "unlink", "mkdir", "link")
SYNCS = ("fsync", "fdatasync")
TOLD = "writev"  # what a worker has told; see `Teller`
FAULTS = {
    "kill": ((*WRITES, *NAMES, *SYNCS, TOLD), "signal=SIGKILL:when={k}"),
    "enospc": ((*WRITES, "rename", "mkdir"), "error=ENOSPC:when={k}"),
    "full": (("pwrite64", "write"), "error=ENOSPC:when={k}+"),
    "eio": ((*WRITES, *NAMES, *SYNCS), "error=EIO:when={k}"),
    "handles": (("openat",), "error=EMFILE:when={k}"),
}


@dataclass
class Report:
    """What came of one kind of fault."""

    fault: str
    calls: dict[str, int] = field(default_factory=dict)
    faults: int = 0
    felt: int = 0
    bad: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def line(self) -> str:
        """Say it in one line."""
        calls = ", ".join(f"{count} {name}" for name, count in sorted(self.calls.items()))
        return (
            f"{self.fault}: {self.faults} faults at {calls}; {self.felt} ended the worker, all lived on to the "
            f"end; {len(self.bad)} violations, {self.seconds:.0f} s"
        )


def why_not() -> str | None:
    """Return why no faults can be injected here, or None."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run(
        ["strace", "-f", "-qq", "-o", os.devnull, "true"], capture_output=True, text=True, check=False
    )
    return None if tried.returncode == 0 else f"strace cannot trace here: {tried.stderr.strip()[:200]}"


def _await_tracer(pid: int, strace: subprocess.Popen[bytes]) -> None:
    """Return once strace holds a process; raise RuntimeError with its words when it cannot."""
    until = time.monotonic() + LONGEST_S
    status = Path(f"/proc/{pid}/status")
    while "TracerPid:\t0\n" in status.read_text():
        if strace.poll() is not None or time.monotonic() > until:
            strace.kill()
            told = strace.communicate()[1].decode(errors="replace")
            raise RuntimeError(f"strace cannot trace a worker: {told.strip()[:200]}")
        time.sleep(0.001)


def _is_told(words: list[str]) -> bool:
    """Say whether a worker has ended with the store's own error of a full disk."""
    return len(words) == 1 and words[0].startswith("StoreFull(")


class Injection:
    """Lives the story in processes under strace, one fault each."""

    def __init__(self, fault: str, backend: str = "sqlite", turns: int = TURNS) -> None:
        self.calls, self.how = FAULTS[fault]
        self.url = URLS[backend]
        self.turns = turns
        self.report = Report(fault)
        self.calm = undisturbed(turns)

    def run(self, stride: int = 1) -> Report:
        """Inject at every `stride`-th call of each kind."""
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="faults-") as top:
            self.report.calls = self._count(Path(top) / "calm")
            for call, total in self.report.calls.items():
                for number in range(1, total + 1, stride):
                    self._at(call, number, Path(top) / f"{call}-{number}")
        self.report.seconds = time.monotonic() - begun
        return self.report

    def _count(self, folder: Path) -> dict[str, int]:
        folder.mkdir()
        log = folder / "log"
        code, _ = self._worker(folder, ["-o", str(log), "-e", f"trace={','.join(self.calls)}"])
        if code != 0:
            raise RuntimeError(f"the undisturbed worker ended with {code}")
        names = re.findall(r"^\d+ +(\w+)\(", log.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
        return dict(Counter(names))

    def _worker(self, folder: Path, options: list[str]) -> tuple[int, bytes]:
        """Let a worker live under strace; return its exit code and what it has said.

        It is forked off this process, so that nothing is imported under strace: a fault costs a third.
        """
        worker = Worker.fork(self._url(folder), self.turns, held=True)
        strace = subprocess.Popen(
            ["strace", "-f", "-qq", *options, "-p", str(worker.pid)], stderr=subprocess.PIPE
        )
        try:
            _await_tracer(worker.pid, strace)
        finally:
            worker.release()
        is_over = worker.listen(time.monotonic() + LONGEST_S)
        code = worker.end(kill=not is_over)
        strace.communicate(timeout=LONGEST_S)
        if not is_over:
            self.report.bad.append(f"a worker hung: {options}")
        return code, bytes(worker.said)

    def _url(self, folder: Path) -> str:
        return self.url.format(folder=folder)

    def _at(self, call: str, number: int, folder: Path) -> None:
        folder.mkdir()
        witness, report = Witness(), self.report
        inject = f"inject={call}:{self.how.format(k=number)}"
        code, said = self._worker(folder, ["-o", os.devnull, "-e", f"trace={call}", "-e", inject])
        words = learn(said, witness)
        report.faults += 1
        report.felt += code != 0
        bad = self._verified(folder, witness, at_rest=code == 0)
        bad += [f"a worker stands still for good: {word}" for word in words if STANDS_STILL in word]
        if self.how.endswith("+") and code != 0 and not _is_told(words):
            bad.append(f"the disk stays full, and a worker ends with {code} and the words {words}")
        bad += self._lived_on(folder, witness)
        report.bad += [f"{report.fault} at {call} {number}: {what}" for what in bad]
        shutil.rmtree(folder)

    def _lived_on(self, folder: Path, witness: Witness) -> list[str]:
        """Let a worker without faults live the story to its end; return what is wrong with that."""
        worker = Worker.fork(self._url(folder), self.turns)
        is_over = worker.listen(time.monotonic() + LONGEST_S)
        code = worker.end(kill=not is_over)
        words = learn(bytes(worker.said), witness)
        bad = [f"it cannot be lived on: {word}" for word in words]
        if not is_over:
            bad.append("it cannot be lived on: the worker hung")
        elif code != 0 and not words:
            bad.append(f"it cannot be lived on: the worker ended with {code} and without a word")
        if code == 0:
            bad += self._verified(folder, witness, at_rest=True)
            stores = open_stores(self._url(folder))
            left = ending(stores, World())
            stores.close()
            if left.outputs != self.calm.outputs:
                bad.append(f"it has another end: {left.outputs}")
        return bad

    def _verified(self, folder: Path, witness: Witness, *, at_rest: bool) -> list[str]:
        stores = open_stores(self._url(folder))
        bad = verify(stores, witness, at_rest=at_rest)
        stores.close()
        return bad


def main() -> int:
    """Run by command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stride", type=int, default=1)
    parser.add_argument("--fault", choices=[*FAULTS], action="append")
    parser.add_argument("--backend", choices=DURABLE, default="sqlite")
    options = parser.parse_args()
    reason = why_not()
    if reason is not None:
        print(f"SKIPPED, nothing was checked: {reason}")
        return 2
    failed = False
    for fault in options.fault or FAULTS:
        report = Injection(fault, options.backend).run(options.stride)
        print(report.line(), flush=True)
        for what in report.bad[:20]:
            print("  BAD", what)
        failed = failed or bool(report.bad)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
