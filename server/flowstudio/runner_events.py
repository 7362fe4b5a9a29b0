"""Events from outside: who has no run of their own tells the runs that wait for something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from abstractruntime import Runtime, Scheduler
from abstractruntime.core.errors import InvalidFlow, NotFound, NotWaiting, RunIsOver, WaitKeyMismatch
from abstractruntime.core.models import RunState, RunStatus, WaitReason

from .programs import Programs

Json = Any


class BadEvent(InvalidFlow):
    """The event names nobody it could be meant for."""

    code = "event.invalid"


class NobodyWaits(NotFound):
    """No run waits for an event under this key."""

    code = "wait.not_found"


class Events:
    """Tells runs what happens outside. Each is woken in a commit of its own, and driven by the worker."""

    def __init__(self, *, runtime: Runtime, programs: Programs, submit: Callable[[str], None]) -> None:
        self._runtime, self._programs, self._submit = runtime, programs, submit
        self._scheduler = Scheduler(runtime=runtime, registry=programs)  # never started: the worker drives

    def emit(
        self,
        name: str,
        payload: dict[str, Json],
        *,
        scope: str,
        session_id: str | None = None,
        workflow_id: str | None = None,
        run_id: str | None = None,
    ) -> list[str]:
        """Emit an event as *Emit Event* does; return the runs that it woke.

        Of the ids the one counts that the scope asks for. A run that is busy while it listens for good keeps the
        event and is not among those returned. Raises BadEvent.
        """
        try:
            woken = self._scheduler.emit_event(
                name=name,
                payload=payload,
                scope=scope,
                session_id=session_id,
                workflow_id=workflow_id,
                run_id=run_id,
                max_steps=0,
            )
        except ValueError as wrong:
            raise BadEvent(f"This event cannot be told: {wrong}.") from None
        return self._driven(woken)

    def signal(self, wait_key: str, payload: Json, *, actor: str) -> list[str]:
        """Answer every run that waits for an event under exactly this key; raise NobodyWaits for none."""
        woken = []
        for run_id in self._runtime.journal.find_waiting(wait_key):
            run = self._runtime.get_state(run_id)
            if run.waiting is None or run.waiting.reason is not WaitReason.EVENT:
                continue  # a question is answered as one
            spec = self._programs.get_or_raise(run.workflow_id)
            try:
                woken.append(
                    self._runtime.resume(spec, run_id, wait_key, payload, max_steps=0, actor_id=actor)
                )
            except (NotWaiting, WaitKeyMismatch, RunIsOver):
                continue  # somebody was faster
        if not woken:
            raise NobodyWaits(f"No run waits for an event under the key {wait_key!r}.")
        return self._driven(woken)

    def _driven(self, woken: list[RunState]) -> list[str]:
        for run in woken:
            if run.status is RunStatus.RUNNING:
                self._submit(run.run_id)
        return [run.run_id for run in woken]
