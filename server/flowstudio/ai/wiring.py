"""Puts models and tools before the runtime: its handlers, what nodes may offer, the workflows of agents."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from abstractruntime.core.models import EffectType
from abstractruntime.core.spec import WorkflowSpec
from abstractruntime.integrations.abstractcore.effect_handlers import (
    make_llm_call_handler,
    make_tool_calls_handler,
)
from abstractruntime.integrations.abstractcore.react_agent import react_agent_workflow
from abstractruntime.nodes.define import Offers
from abstractruntime.storage.artifacts import ArtifactStore
from abstractruntime.storage.base import LedgerStore, RunStore

from ..outside.pdf import pdf_text
from ..outside.practice import Practice
from ..staging import write_whole
from .arguments import misfits
from .budget import within_budget
from .facts import Facts
from .keys import KeyStore
from .models import Models
from .providers import SCRIPTED, Provider, Providers
from .scripted import Rule
from .tools import LiveTools, Tools
from .used import Ledger, UsedByRuns

AGENT_PREFIX = "visual_react_agent_"
Handlers = dict[EffectType, Callable[..., Any]]


class Budget:
    """After how many tokens a run asks; 0 never. Kept in `budget.json` of the data folder."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "budget.json"
        try:
            self.tokens = max(0, int(json.loads(self._file.read_bytes())["tokens"]))
        except FileNotFoundError:
            self.tokens = 0

    def change(self, tokens: int) -> None:
        """Set the number."""
        self.tokens = max(0, tokens)
        write_whole(self._file, json.dumps({"tokens": self.tokens}).encode())


class LiveModels(Mapping[str, tuple[str, ...]]):
    """Models by provider, as they were last listed, for nodes and pickers."""

    def __init__(self, models: Models) -> None:
        self._models = models

    def __getitem__(self, name: str) -> tuple[str, ...]:
        return self._models.known(name)

    def __iter__(self) -> Iterator[str]:
        return iter([each.name for each in self._models.providers.all()])

    def __len__(self) -> int:
        return len(self._models.providers.all())


@dataclass(frozen=True)
class Ai:
    """Models, keys, tools and the budget of one installation."""

    models: Models
    keys: KeyStore
    tools: Tools
    budget: Budget
    facts: Facts

    def handlers(self, artifacts: ArtifactStore, runs: RunStore, ledger: LedgerStore) -> Handlers:
        """Return the handlers of models, tools and facts."""
        asks = make_llm_call_handler(
            llm=self.models, artifact_store=artifacts, run_store=runs, allow_media_paths=False
        )
        made: Handlers = {
            EffectType.LLM_CALL: within_budget(
                asks, lambda: self.budget.tokens, runs, UsedByRuns(cast(Ledger, ledger))
            ),
            EffectType.TOOL_CALLS: make_tool_calls_handler(
                tools=_Present(self.tools),
                artifact_store=artifacts,
                run_store=runs,
                ledger_store=ledger,
                read_pdf=pdf_text,
            ),
        }
        if self.facts.is_installed:
            made |= self.facts.handlers(runs)
        return made

    def offers(self) -> Offers:
        """Return what nodes may be told of models and tools before a run."""
        first = next(iter(self.models.providers.all()), None)
        default = (first.name, self.models.default_model(first)) if first is not None else None
        return Offers(
            models=LiveModels(self.models),
            default=default if default and default[1] else None,
            own={each.name.lower(): self.models.default_model(each) for each in self.models.providers.all()},
            tools=LiveTools(self.tools),
        )

    def bring_the_model_in_the_box(self) -> bool:
        """Have the model in the box among the providers, last, as the starter flows name it; say whether it is new."""
        providers = self.models.providers
        if any(each.name == SCRIPTED for each in providers.all()):
            return False
        providers.put(Provider(SCRIPTED, SCRIPTED))
        return True

    def agent(self, workflow_id: str) -> WorkflowSpec | None:
        """Return the workflow of an agent node, or None for other ids."""
        if not workflow_id.startswith(AGENT_PREFIX):
            return None
        return react_agent_workflow(workflow_id, self.tools.specs)

    def close(self) -> None:
        """End what is open."""
        self.tools.close()
        self.facts.close()


def open_ai(
    folder: Path,
    artifacts: ArtifactStore | None = None,
    practice: Practice | None = None,
    script: Sequence[Rule] = (),
) -> Ai:
    """Open models and tools of a data folder.

    `practice` is the shop whose books are tools too; by `script` the model in the box answers.
    """
    keys = KeyStore(folder)
    models = Models(Providers(folder), keys, folder / "recordings", script)
    return Ai(
        models,
        keys,
        Tools(folder, keys, artifacts, practice),
        Budget(folder),
        Facts(folder / "knowledge.sqlite", models),
    )


class _Present:
    """The executor as it is set now; a person may change the settings while runs go on."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    @property
    def policy(self) -> Any:
        return self._tools.executor.policy

    def execute(self, *, tool_calls: list[dict[str, Any]]) -> dict[str, Any]:
        return self._advised(tool_calls, self._tools.executor.execute(tool_calls=tool_calls))

    def execute_approved(self, *, tool_calls: list[dict[str, Any]]) -> dict[str, Any]:
        return self._advised(tool_calls, self._tools.executor.execute_approved(tool_calls=tool_calls))

    def ask(self, *, tool_calls: list[dict[str, Any]]) -> dict[str, Any]:
        return self._tools.executor.ask(tool_calls=tool_calls)

    def described(self, name: str) -> dict[str, Any] | None:
        return self._tools.executor.described(name)

    def may_repeat(self, name: str) -> bool:
        return self._tools.executor.may_repeat(name)

    def _advised(self, calls: list[dict[str, Any]], answer: dict[str, Any]) -> dict[str, Any]:
        """Return results where each failed call says what its arguments lack: servers do not say what to do."""
        known, results = self._tools.known(), answer.get("results")
        if not isinstance(results, list):
            return answer
        for call, result in zip(calls, results, strict=False):
            spec = known.get(str(call.get("name")))
            if result.get("success") is True or spec is None:
                continue
            wrong = misfits(spec["parameters"], call.get("arguments") or {})
            if wrong:
                result["error"] = (
                    f"{result.get('error')}\nThe arguments do not fit what the tool takes: {'; '.join(wrong)}. "
                    "Mend them where the call is made, or in what is fed into it, and call the tool again."
                )
        return answer
