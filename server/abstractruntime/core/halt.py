"""The words that a stop of a trial run is made of: engine and language both put the question, and read the answer."""

from __future__ import annotations

from .vars import RUNTIME

TRIAL = "trial"  # in the kernel's own space: what is asked of a trial run beyond its program
GO_ON, OVER, INTO = "Go on", "Step over", "Step into"
SAID = f"{RUNTIME}.{TRIAL}.said"
KEY = "stop:"  # begins the keys of these waits
WITHIN = f"{KEY}in:"  # and of those in the middle of a visit: at its error, before what it does outside, at its end
