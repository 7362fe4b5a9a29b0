"""Runner: start runs, answer their questions, hold them back, end them.

Called by routes in threads of their own; it changes a run in one committed step and leaves the
driving to the worker. An answer is checked against the wait that asked; of two answers the store
lets one win, and the other is told who was first and when.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from abstractruntime import Runtime
from abstractruntime.core.errors import (
    Conflict,
    InvalidFlow,
    KernelError,
    NotWaiting,
    RunIsOver,
    WaitKeyMismatch,
)
from abstractruntime.core.fork import Effects
from abstractruntime.core.ids import new_run_id
from abstractruntime.core.models import RunState, RunStatus, WaitReason, WaitState
from abstractruntime.core.vars import CLOCK, RUNTIME
from abstractruntime.core.waits import is_paused
from abstractruntime.integrations.abstractcore.tool_approval import read_decision
from abstractruntime.visualflow_compiler.stops import GO_ON, of_wait

from .ai.budget import is_shared
from .library import check_shape
from .library_versions import Versions
from .programs import Programs
from .runner_mend import SAME, Version, course_of
from .runner_retry import hurry, retry
from .runner_trial import Told, is_step, lead_callers, set_breaks, trial_vars
from .runner_views import RunReader, asks, timed_out, tool_calls_of

Json = Any
TRIES = 5


class PromptGone(Conflict):
    """The question is not open any more, and nobody answered it."""

    code = "prompt.gone"


class PromptAnswered(Conflict):
    """Somebody else has answered the question; `extra` says who and when."""

    code = "prompt.answered"

    def __init__(self, answered_by: str | None, answered_at: str | None) -> None:
        who = answered_by or "somebody"
        super().__init__(f"This question was answered by {who} at {answered_at}.")
        self.extra = {"answered_by": answered_by, "answered_at": answered_at}


class PromptTimedOut(Conflict):
    """Nobody has answered the question before its deadline; `extra` says when that was."""

    code = "prompt.timed_out"

    def __init__(self, timed_out_at: str | None) -> None:
        super().__init__(f"Nobody answered this question in time: it timed out at {timed_out_at}.")
        self.extra = {"timed_out_at": timed_out_at}


class NotAChoice(KernelError, ValueError):
    """The question takes only one of its choices."""

    code = "prompt.not_a_choice"


class BadInput(InvalidFlow):
    """The values given to a run cannot be used."""

    code = "run.bad_input"


class Runner:
    """Commands to runs."""

    def __init__(
        self,
        *,
        runtime: Runtime,
        programs: Programs,
        reader: RunReader,
        submit: Callable[[str], None],
        ring: Callable[[str], None],
        versions: Versions,
        misfits: Callable[[str, Mapping[str, Json]], list[str]],
    ) -> None:
        self._misfits = misfits
        self._versions = versions
        self._runtime = runtime
        self._programs = programs
        self._reader = reader
        self._submit = submit
        self._ring = ring

    def launch(
        self,
        flow_id: str,
        inputs: Mapping[str, Json],
        *,
        actor: str,
        session_id: str | None = None,
        draft: bool = False,
        trial: Mapping[str, Json] | None = None,
        document: dict[str, Json] | None = None,
        clock_factor: float = 1,
    ) -> str:
        """Start a flow and return the run's id: its published version where there is one, unless `draft`.

        `trial` is what is asked of a run of the draft beyond its program, see `runner_trial`. A `document` is run
        in place of the draft; it is kept with the run, and nowhere else. By `clock_factor` the run waits so many times
        shorter. Raises FlowNotFound, BadDocument, InvalidFlow with the problems, or NotDurable for an input.
        """
        refuse_reserved(inputs)
        if trial and not draft and document is None:
            raise BadInput("Only a run of the draft is a trial run: ask for `draft` as well.")
        root = self._kept(flow_id, draft, document)
        asked = self._trial(root, trial) if trial else {}
        if clock_factor != 1:
            asked = {**asked, RUNTIME: {**asked.get(RUNTIME, {}), CLOCK: clock_factor}}
        run_id = new_run_id()
        if document is None:
            self._versions.began(flow_id, self._programs.document(root), run_id, actor)
        return self._start(root, {**inputs, **asked}, actor, session_id, run_id)

    def launch_kept(
        self, root: str, inputs: Mapping[str, Json], *, actor: str, session_id: str | None = None
    ) -> str:
        """Start a program that is kept, of a flow that is not of the library, and return the run's id."""
        refuse_reserved(inputs)
        return self._start(root, inputs, actor, session_id, new_run_id())

    def _start(
        self, root: str, given: Mapping[str, Json], actor: str, session_id: str | None, run_id: str
    ) -> str:
        self._runtime.start(
            workflow=self._programs.get_or_raise(root),
            vars=dict(given),
            actor_id=actor,
            session_id=session_id or run_id,
            run_id=run_id,
        )
        self._submit(run_id)
        return run_id

    def _kept(self, flow_id: str, draft: bool, document: dict[str, Json] | None) -> str:
        if document is None:
            return self._programs.keep(flow_id, draft=draft)
        check_shape(flow_id, document)
        return self._programs.keep_unsaved(flow_id, document)

    def _trial(self, root: str, asked: Mapping[str, Json]) -> dict[str, Json]:
        """Return the variables of a trial run; raise BadInput for a node to which control never comes."""
        to = asked.get("to") or ""
        if to and not is_step(self._programs.program(root), to):
            raise BadInput(f"Control does not come to the node {to!r}: choose a step of this flow to run to.")
        return trial_vars(asked, self._programs, root)

    def fork(
        self,
        run_id: str,
        seq: int | None,
        changes: Mapping[str, Json],
        *,
        effects: Effects | None,
        actor: str,
        reason: str | None = None,
        version: Version = SAME,
    ) -> str:
        """Start a run from an entry of this one's ledger, None for now, with values changed; return its id.

        It goes on with the version that this one began with, or another of the flow. Raises RunNotFound, NotDurable,
        FlowNotFound, InvalidFlow for a version that cannot run, or Conflict for what cannot be forked or changed.
        """
        workflow_id = self._reader.state(self._reader.root_of(run_id)).workflow_id
        course = course_of(self._programs, workflow_id, version)
        self._runtime.preview_fork(run_id, seq, course)
        course.check()
        flow_id, document = self._programs.flow_id(workflow_id), self._programs.document(course.root)
        new = self._runtime.fork(
            run_id, seq, changes=changes, effects=effects, actor_id=actor, reason=reason, workflow_of=course
        )
        self._versions.began(flow_id, document, new, actor)
        for run in reversed(self._reader.tree(new).runs):
            self._submit(run.run_id)
        return new

    def answer(
        self,
        run_id: str,
        wait_key: str | None,
        response: Json,
        *,
        actor: str,
        asked_at: str | None = None,
    ) -> RunState:
        """Answer an open question of a run or of one of its children.

        Raises PromptAnswered with who and when, PromptTimedOut with when, PromptGone, or NotAChoice.
        """
        for _ in range(TRIES):
            run = self._asking(run_id, wait_key)
            if run is None or (asked_at is not None and run.updated_at != asked_at):
                break
            try:
                return self._give(run, response, actor)
            except (NotWaiting, WaitKeyMismatch, RunIsOver):
                if run.waiting is None or run.waiting.reason is not WaitReason.EVENT:
                    break  # somebody was faster; a later question with the same key is not meant
        raise self._too_late(run_id, wait_key)

    def _give(self, run: RunState, response: Json, actor: str) -> RunState:
        """Answer the wait that was seen, and no later one."""
        wait = run.waiting
        decides = isinstance(response, Mapping) and bool(tool_calls_of(run))
        if decides:
            self._check_decision(run, response)
        choices = wait.choices if wait is not None and not wait.allow_free_text else None
        if choices and not decides and response not in choices:
            raise NotAChoice(f"Answer with one of: {', '.join(map(repr, choices))}.")
        after = self._runtime.resume(
            workflow=self._programs.get_or_raise(run.workflow_id),
            run_id=run.run_id,
            wait_key=wait.wait_key if wait is not None else None,
            payload=dict(response) if decides else {"response": response},
            max_steps=0,
            actor_id=actor,
            asked_at=run.updated_at,
        )
        if of_wait(wait):
            lead_callers(self._runtime, self._reader, run.run_id, response)
        self._submit(run.run_id)
        if is_shared(wait):
            self._give_others(run, wait, response, actor)
        return after

    def _give_others(self, run: RunState, wait: WaitState | None, response: Json, actor: str) -> None:
        """Answer the same question of the other runs of the tree; who was answered meanwhile stays so."""
        key = wait.wait_key if wait is not None else None
        for other in self._reader.tree(self._reader.root_of(run.run_id)).runs:
            if other.run_id != run.run_id and asks(other) and other.waiting and other.waiting.wait_key == key:
                with suppress(NotWaiting, WaitKeyMismatch, RunIsOver):
                    self._give(other, response, actor)

    def _check_decision(self, run: RunState, response: Json) -> None:
        """Hold what a person decided of calls to the calls, and arguments that they changed to the tools."""
        decision = read_decision(response)
        if decision is None:
            raise NotAChoice(
                "Say `approved`: true or false, or `approved_ids`: the ids of the calls that may run."
            )
        calls = {call["id"]: call for call in tool_calls_of(run)}
        for key, arguments in decision.arguments.items():
            call = calls.get(key)
            if call is None:
                raise NotAChoice(f"There is no call {key!r} to change; there are {', '.join(calls)}.")
            is_changed = arguments != call["arguments"] and decision.allows({"runtime_call_id": key})
            wrong = self._misfits(call["name"], arguments) if is_changed else []
            if wrong:
                raise NotAChoice(f"The arguments do not fit the tool {call['name']}: {'; '.join(wrong)}.")

    def pause(self, run_id: str, *, reason: str | None = None) -> RunState:
        """Hold a run and its descendants back after their present step."""
        for run in self._reader.tree(run_id).runs:
            self._runtime.pause_run(run.run_id, reason=reason)
        self._ring(run_id)
        return self._reader.state(run_id)

    def resume(self, run_id: str, *, actor: str) -> RunState:
        """Let a run and its descendants go on that are paused, or stopped at a breakpoint."""
        for run in self._reader.tree(run_id).runs:
            if is_paused(run):
                self._runtime.resume_run(run.run_id)
            elif of_wait(run.waiting):
                with suppress(NotWaiting, WaitKeyMismatch, RunIsOver):
                    self._give(run, GO_ON, actor)
            if not run.status.is_over:
                self._submit(run.run_id)
        self._ring(run_id)
        return self._reader.state(run_id)

    def set_breaks(self, run_id: str, told: Told) -> None:
        """Tell all runs of a trial which breakpoints a flow has now, and this one where it is to go."""
        every = [run.run_id for run in self._reader.tree(self._reader.root_of(run_id)).runs]
        set_breaks(self._runtime, every, told, run_id)

    def retry(self, run_id: str, *, actor: str) -> RunState:
        """Have a failed run go on at its failed step, or one that waits for an attempt make it now; raise RunIsOver for another."""
        hurried = hurry(self._runtime, self._programs, self._reader, run_id, actor=actor)
        for each in hurried or retry(self._runtime, self._reader, run_id, actor=actor):
            self._submit(each)
        self._ring(run_id)
        return self._reader.state(run_id)

    def cancel(self, run_id: str, *, reason: str | None = None) -> RunState:
        """End a run and all its descendants, whatever they do."""
        while True:
            alive = [run for run in self._reader.tree(run_id).runs if not run.status.is_over]
            if not alive:
                break
            for run in alive:
                self._runtime.cancel_run(run.run_id, reason=reason)
        self._submit(run_id)  # a parent that waits for it learns of the end
        return self._reader.state(run_id)

    def _asking(self, run_id: str, wait_key: str | None) -> RunState | None:
        """Return the run that asks this question: the one named, else its deepest asking descendant."""
        tree = self._reader.tree(run_id)
        candidates = [tree.root, *tree.asking] if asks(tree.root) else tree.asking
        for run in candidates:
            if run.waiting is not None and wait_key in (None, run.waiting.wait_key):
                return run
        return None

    def _too_late(self, run_id: str, wait_key: str | None) -> Exception:
        """Say why a question takes no answer: it was answered, or it is gone."""
        for run in self._reader.tree(run_id).runs:
            for record in self._reader.answers(run.run_id):
                payload = record["effect"].get("payload") or {}
                is_same = wait_key in (None, payload.get("wait_key"))
                if is_same and payload.get("wait_reason") in (WaitReason.USER.value, WaitReason.EVENT.value):
                    if timed_out(payload.get("payload")):
                        return PromptTimedOut(record.get("ended_at"))
                    return PromptAnswered(record.get("actor_id"), record.get("ended_at"))
        state = self._reader.state(run_id)
        ended = f": the run is {state.status.value}" if state.status is not RunStatus.RUNNING else ""
        return PromptGone(f"This question is not open any more{ended}.")


def refuse_reserved(inputs: Mapping[str, Json]) -> None:
    """Raise BadInput for a value under a name that belongs to the system."""
    reserved = [name for name in inputs if name.startswith("_")]
    if reserved:
        raise BadInput(f"Inputs may not begin with an underscore: {', '.join(map(repr, reserved))}.")
