"""Start a program behind the kernel's walls: a script that raises them and then becomes the program.

Compact Python's interpreter has no way out of its own; the walls stand for the day that it has a
fault. Where the kernel has none of them the program is started as it is.
"""

from __future__ import annotations

import os
import platform
import shlex
import sys
from pathlib import Path

PROGRAM = Path(__file__).with_name("sandbox_jailed.py")
MACHINES = ("x86_64", "aarch64")


def have_walls() -> bool:
    """Whether this machine's kernel is of a kind that has them."""
    return sys.platform == "linux" and platform.machine() in MACHINES


class Launcher:
    """A script that starts `binary` behind walls, with the arguments it is given.

    It lies in memory and not on a disk, so that nothing stays when this process is killed.
    """

    def __init__(self, binary: str) -> None:
        command = [sys.executable, "-S", "-s", "-P", "-B", str(PROGRAM), str(Path(binary).resolve())]
        written = os.memfd_create("sandbox-launcher")
        try:
            os.write(written, self.script(shlex.join(command)).encode())
            # The kernel runs no file that somebody may still write to.
            self._file = os.open(f"/proc/self/fd/{written}", os.O_RDONLY)
        finally:
            os.close(written)
        self.path = f"/proc/{os.getpid()}/fd/{self._file}"

    @staticmethod
    def script(command: str) -> str:
        """Return the script's text."""
        return f'#!/bin/sh\nexec {command} "$@"\n'

    def close(self) -> None:
        """Forget the script; what was started goes on."""
        os.close(self._file)
