"""What an author asks of a trial run beyond the program. It is kept with the run, in `_runtime.trial`:

    pins     node -> what is pinned to it: see `pinned`
    breaks   flow -> where the run stops: see `breakpoints`
    anywhere what it stops at wherever it is: errors, cost
    left     why it stops where control comes next
    held     how a visit ends once somebody has had the run go on: with a failure, or with the run's output
    step     "over" or "into": the run stops before the next node
    to       the node to which it runs, and before which it stops once
    said     how somebody had it go on from a stop: see `stops`

No program holds any of it; who starts a trial run hands it over. A run that was asked nothing has no such key and
pays for looking.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.halt import TRIAL
from ..core.vars import RUNTIME

_NONE: dict[str, Any] = {}


def asked(vars: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is asked of a trial run; nothing of any other."""
    space = vars.get(RUNTIME)
    found = space.get(TRIAL) if isinstance(space, dict) else None
    return found if isinstance(found, dict) else _NONE
