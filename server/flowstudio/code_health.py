"""Whether code nodes can be trusted here: both kinds of Python are tested when the server starts.

The test takes a second or two and runs beside the server's start. A kind that does not hold is
switched off; the log and the pages of code nodes say why and what still works.
"""

from __future__ import annotations

import logging
import threading

from abstractruntime.visualflow_compiler.sandbox import CodeSandbox

log = logging.getLogger("flowstudio.code")

_STILL = {
    (
        "compact",
    ): "Code nodes that are set to full Python still run; the others, and expressions, are refused.",
    (
        "full",
    ): "Code nodes in compact Python and expressions still run; those set to full Python are refused.",
    ("compact", "full"): "No code node and no expression can run; everything else does.",
}


def start_testing(sandbox: CodeSandbox) -> threading.Thread:
    """Test the sandbox in a thread of its own, which ends by itself; log a warning when something is off."""
    thread = threading.Thread(target=_test, args=(sandbox,), name="code-self-test", daemon=True)
    thread.start()
    return thread


def switched_off(sandbox: CodeSandbox) -> dict[str, str]:
    """Return why a kind of Python is switched off, by its name; nothing while nothing is known to be wrong."""
    return {str(python): refusal.headline for python, refusal in sandbox.failures.items()}


def what_is_off(sandbox: CodeSandbox) -> str:
    """Say which Python is switched off, why, and what still works; "" while nothing is known to be wrong."""
    failures = sandbox.failures
    if not failures:
        return ""
    told = []
    if compact := failures.get("compact"):
        told.append(f"{compact.headline} {compact.fix}".strip())
    if full := failures.get("full"):
        told.append(f"Full Python is switched off: {full.where}")
    return " ".join([*told, _STILL[tuple(sorted(failures))]])


def _test(sandbox: CodeSandbox) -> None:
    sandbox.start()
    if told := what_is_off(sandbox):
        log.warning("%s", told)
