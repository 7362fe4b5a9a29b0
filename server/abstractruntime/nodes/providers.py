"""Which models there are: what the host knows of providers and their models (`Offers.models`).

A host without any model answers with empty lists; nothing is looked up while a run goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .asking import UNSAID
from .authored import chosen, setting
from .define import Call, Example, Field, Finding, NodeError, Pin, pure
from .values import items, text, whole

Json = Any


def _words(value: Json) -> list[str]:
    return [word for each in items(value) if (word := text(each).strip())]


def _kept(names: list[str], allowed: list[str]) -> list[str]:
    """Keep the names that are allowed, whatever their case; nothing said allows all."""
    wanted = {name.casefold() for name in allowed}
    return [name for name in names if not wanted or name.casefold() in wanted]


def _models(call: Call, provider: str, allowed: list[str]) -> list[str]:
    """Return a provider's models among those allowed by name or as provider/model."""
    known = {name.casefold(): models for name, models in call.offers.models.items()}
    wanted = {name.casefold() for name in allowed}
    return [
        model
        for model in known.get(provider.casefold(), ())
        if not wanted or model.casefold() in wanted or f"{provider}/{model}".casefold() in wanted
    ]


_ALLOWED = Pin("allowed_providers", "array", description="Only these providers; unset: all.", widget="lines")


_SHOWN = {"lmstudio": ("qwen", "gemma"), "openai": ("gpt-5",)}


@pure(
    "provider_catalog",
    family="ai",
    label="Provider Catalog",
    inputs=(_ALLOWED,),
    outputs=(Pin("providers", "array", description="Names of the providers of models."),),
    keywords=("model", "vendor", "available", "list"),
    examples=(
        Example({}, {"providers": ["lmstudio", "openai"]}, models=_SHOWN),
        Example({"allowed_providers": ["openai", "other"]}, {"providers": ["openai"]}, models=_SHOWN),
        Example({}, {"providers": []}, note="Where no model is configured there is none."),
    ),
)
def provider_catalog(call: Call) -> dict[str, Json]:
    """List the providers of models that are configured."""
    return {"providers": _kept(list(call.offers.models), _words(call.get("allowed_providers")))}


def _check_route(data: Mapping[str, Json]) -> list[Finding]:
    """Find a choice of models by what they can do, which the later releases have."""
    places = ("providerModelsConfig.capabilityRoute", "pinDefaults.capability_route")
    said = [path for path in places if setting(data, path) not in UNSAID]
    if not said:
        return []
    words = (
        "'capability_route' is not read here: all models of the provider are listed, whatever they can do."
    )
    mend = dict.fromkeys(said)
    return [Finding("note", "models.route", words, "capability_route", mend, "List them all")]


@pure(
    "provider_models",
    family="ai",
    label="Models Catalog",
    sentence="Models[ of {provider|name}]",
    inputs=(
        Pin("provider", "provider", description="Whose models."),
        Pin("allowed_models", "array", hidden=True),
    ),
    outputs=(
        Pin("provider", "provider", description="The provider."),
        Pin("models", "array", description="Names of its models."),
    ),
    fields=(
        Field(
            "providerModelsConfig.provider", "provider", "", "Provider", "Used where the pin says nothing."
        ),
        Field(
            "providerModelsConfig.allowedModels",
            "array",
            [],
            "Only these models",
            "Names, as model or provider/model; empty: all.",
            widget="lines",
        ),
    ),
    check=_check_route,
    keywords=("available", "list", "vendor"),
    examples=(
        Example(
            {"provider": "lmstudio"}, {"provider": "lmstudio", "models": ["qwen", "gemma"]}, models=_SHOWN
        ),
        Example(
            {},
            {"provider": "lmstudio", "models": ["gemma"]},
            data={"providerModelsConfig": {"provider": "lmstudio", "allowedModels": ["gemma"]}},
            models=_SHOWN,
            note="The settings choose the provider, and which of its models may be taken.",
        ),
        Example(
            {"provider": "other"},
            {"provider": "other", "models": []},
            models=_SHOWN,
            note="An unknown provider has none.",
        ),
    ),
)
def provider_models(call: Call) -> dict[str, Json]:
    """List the models of one provider."""
    provider = text(chosen(call, "provider", "providerModelsConfig.provider")).strip()
    allowed = _words(call.get("allowed_models"))
    allowed = allowed or _words(setting(call.data, "providerModelsConfig.allowedModels"))
    return {"provider": provider, "models": _models(call, provider, allowed)}


@pure(
    "model_catalog",
    family="ai",
    label="Model Catalog",
    inputs=(
        _ALLOWED,
        Pin("allowed_models", "array", description="Only these models; unset: all.", widget="lines"),
        Pin("index", "number", description="Which of them to choose, counted from 0."),
    ),
    outputs=(
        Pin("providers", "array", description="Names of the providers."),
        Pin("models", "array", description="All models, as provider/model."),
        Pin("pair", "object", description="The chosen one: provider and model."),
        Pin("provider", "provider", description="Its provider."),
        Pin("model", "model", description="Its name."),
    ),
    fields=(
        Field(
            "modelCatalogConfig.allowedProviders",
            "array",
            [],
            "Only these providers",
            "Empty: all.",
            widget="lines",
        ),
        Field(
            "modelCatalogConfig.allowedModels",
            "array",
            [],
            "Only these models",
            "Empty: all.",
            widget="lines",
        ),
        Field("modelCatalogConfig.index", "number", 0, "Index", "Which of them to choose, from 0."),
    ),
    palette=False,
    keywords=("available", "list", "vendor", "choose"),
    examples=(
        Example(
            {"index": 1},
            {
                "providers": ["lmstudio", "openai"],
                "models": ["lmstudio/qwen", "lmstudio/gemma", "openai/gpt-5"],
                "pair": {"provider": "lmstudio", "model": "gemma"},
                "provider": "lmstudio",
                "model": "gemma",
            },
            models=_SHOWN,
        ),
        Example(
            {"index": 3, "allowed_models": ["gpt-5"]},
            {
                "providers": ["lmstudio", "openai"],
                "models": ["openai/gpt-5"],
                "pair": {"provider": "openai", "model": "gpt-5"},
                "provider": "openai",
                "model": "gpt-5",
            },
            models=_SHOWN,
            note="Where there is no third, the first is taken.",
        ),
        Example({}, {"providers": [], "models": [], "pair": {}, "provider": "", "model": ""}),
    ),
)
def model_catalog(call: Call) -> dict[str, Json]:
    """Choose one of all models (older flows; newer ones name provider and model at the node)."""
    wanted = _words(chosen(call, "allowed_providers", "modelCatalogConfig.allowedProviders"))
    allowed = _words(chosen(call, "allowed_models", "modelCatalogConfig.allowedModels"))
    providers = _kept(list(call.offers.models), wanted)
    pairs = [(name, model) for name in providers for model in _models(call, name, allowed)]
    pair = _pick(pairs, chosen(call, "index", "modelCatalogConfig.index", 0))
    return {
        "providers": providers,
        "models": [f"{name}/{model}" for name, model in pairs],
        "pair": {"provider": pair[0], "model": pair[1]} if pair else {},
        "provider": pair[0] if pair else "",
        "model": pair[1] if pair else "",
    }


def _pick(pairs: list[tuple[str, str]], index: Json) -> tuple[str, str] | None:
    try:
        at = 0 if index in (None, "") else whole(index, "index")
    except NodeError:
        at = 0
    if not pairs:
        return None
    return pairs[at] if 0 <= at < len(pairs) else pairs[0]
