"""A run that has used many tokens, with all the runs that it has started, stops and asks whether to go on.

The question is a wait like any other: it is in the inbox, and it survives a restart. It is asked before the
call that would go beyond, at the node that wants to call, and the answer leads back there: what was paid for
is never asked for again. "Go on" grants the same again, from what has been used, to the run and all below it.
Runs of one tree that ask at once ask one question: it has the same key, and its answer is for all.
What was used is read off the ledger, failed calls and further attempts too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

from abstractruntime.core.effects import EffectOutcome
from abstractruntime.core.models import Effect, RunState, WaitReason, WaitState
from abstractruntime.core.vars import get_namespace, get_runtime
from abstractruntime.storage.base import QueryableRunStore, RunStore

from .used import UsedByRuns

GO_ON, STOP = "Go on", "Stop"
KIND = "budget"
_SLOT = "budget_answer"
Handler = Callable[..., EffectOutcome]


def within_budget(
    handler: Handler, tokens: Callable[[], int], runs: RunStore, used_by_runs: UsedByRuns
) -> Handler:
    """Return a handler of LLM_CALL that asks before a tree of runs goes beyond `tokens()`; 0 never asks."""

    def llm_call(
        run: RunState, effect: Effect, next_node: str | None = None, *, idempotency_key: str | None = None
    ) -> EffectOutcome:
        """Ask a model, unless the run and its kin have used what they may."""
        limit, answer = tokens(), get_runtime(run.vars).pop(_SLOT, None)
        if limit > 0 or answer is not None:
            kin = [*_tree(run, runs)]
            used = used_by_runs.of(each.run_id for each in kin).tokens
            if answer is not None:
                said = answer.get("response") if isinstance(answer, dict) else answer
                if said != GO_ON:
                    return EffectOutcome.failed(
                        f"The run has used {used:,} tokens, and a person stopped it there."
                    )
                get_namespace(get_runtime(run.vars), "budget")["granted"] = used
            allowed = limit + max(map(_granted, kin))
            if limit > 0 and allowed <= used:
                return EffectOutcome.waiting(_question(run, kin[0].run_id, used, allowed))
        return handler(run, effect, next_node, idempotency_key=idempotency_key)

    return llm_call


def is_shared(wait: WaitState | None) -> bool:
    """Say whether a question is one for all the runs of a tree that ask it."""
    return wait is not None and (wait.details or {}).get("kind") == KIND


def _tree(run: RunState, runs: RunStore) -> Iterator[RunState]:
    """Yield a run's root and all below it, as they are kept; the run itself as it stands now."""
    root = run
    while root.parent_run_id is not None and (parent := runs.load(root.parent_run_id)) is not None:
        root = parent
    left = [root]
    while left:
        each = left.pop()
        yield run if each.run_id == run.run_id else each
        left += cast(QueryableRunStore, runs).list_children(parent_run_id=each.run_id)


def _granted(run: RunState) -> int:
    space = run.vars.get("_runtime")
    book = space.get("budget") if isinstance(space, dict) else None
    return int(book.get("granted") or 0) if isinstance(book, dict) else 0


def _question(run: RunState, root_id: str, used: int, allowed: int) -> WaitState:
    return WaitState(
        reason=WaitReason.USER,
        wait_key=f"budget:{root_id}:{allowed}",
        resume_to_node=run.current_node,
        result_key=f"_runtime.{_SLOT}",
        prompt=f"This run has used {used:,} of {allowed:,} tokens. Shall it go on?",
        choices=[GO_ON, STOP],
        allow_free_text=False,
        details={"kind": KIND, "tokens": used, "allowed": allowed},
    )
