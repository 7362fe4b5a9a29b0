"""The shapes of what nodes may choose from, of questions to the facts, and of how the server is set."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from .models import Asked, Name

Json = Any
Words = Annotated[str, Field(max_length=4000)]


class ToolRow(BaseModel):
    """A tool as a model is told of it; `asks` says whether a person allows each call."""

    name: str
    description: str
    parameters: dict[str, Json]
    toolset: str
    asks: bool


class ToolList(BaseModel):
    """Tools by name, and why tool servers that were asked offer none."""

    tools: list[ToolRow]
    failed: dict[str, str]


class ProviderRow(BaseModel):
    """A provider of models. `models` are those that it was last heard to offer; `model` is asked where none is named."""

    name: str
    kind: str
    is_default: bool
    model: str
    embedding_model: str
    tool_mode: str
    models: list[str]


class ProviderList(BaseModel):
    """Providers in the order of the settings, the default one first."""

    providers: list[ProviderRow]


class ModelList(BaseModel):
    """The models of a provider, and why they could not be listed."""

    provider: str
    models: list[str]
    reason: str


class PinNeed(BaseModel):
    """A pin that an interface names."""

    id: str
    type: str


class InterfaceRow(BaseModel):
    """A shape of flows that programs rely on: pins of the start node and of each end node."""

    id: str
    label: str
    description: str
    required_start: list[PinNeed]
    recommended_start: list[PinNeed]
    required_end: list[PinNeed]
    recommended_end: list[PinNeed]


class InterfaceList(BaseModel):
    """The interfaces that are known; a flow may name others too."""

    interfaces: list[InterfaceRow]


class PredicateRow(BaseModel):
    """What a fact may say of its subject."""

    id: str
    label: str | None
    inverse: str | None
    description: str | None


class EntityTypeRow(BaseModel):
    """What a thing may be."""

    id: str
    label: str | None
    parent: str | None
    description: str | None


class Semantics(BaseModel):
    """The words of facts. Predicates are compared in small letters; `aliases` are read as those they lead to."""

    version: str
    prefixes: dict[str, str]
    predicates: list[PredicateRow]
    aliases: dict[str, str]
    entity_types: list[EntityTypeRow]


class FactQuery(Asked):
    """What is looked for among the facts that a run can see, as in the step KG Query."""

    run_id: Name
    scope: Name = "session"
    owner_id: Name | None = None
    query_text: Words | None = None
    subject: Words | None = None
    predicate: Words | None = None
    object: Words | None = None
    since: Words | None = None
    until: Words | None = None
    active_at: Words | None = None
    recall_level: Name | None = None
    min_score: float | None = None
    limit: Annotated[int, Field(ge=1, le=10_000)] | None = None
    max_input_tokens: Annotated[int, Field(ge=0, le=200_000)] | None = None
    model: Name | None = None
    order: Name | None = None


class FactsFound(BaseModel):
    """What the step would give: `items` are the facts; `error` says why they could not be looked for (`ok` false).

    With a limit of tokens, or a level, the facts come as sentences and as a text for a model too.
    """

    ok: bool
    count: int
    items: list[dict[str, Json]]
    error: str | None = None
    effort: dict[str, Json] | None = None
    warnings: list[str] | None = None
    packets_version: int | None = None
    packets: list[dict[str, Json]] | None = None
    packed_count: int | None = None
    active_memory_text: str | None = None
    estimated_tokens: int | None = None
    dropped: int | None = None


class Limits(BaseModel):
    """How much is taken: bytes of bodies, seconds for one, open streams, seconds between signs of life."""

    json_bytes: int
    flow_bytes: int
    bundle_bytes: int
    body_seconds: float
    wait_seconds: int
    streams: int
    streams_per_session: int
    heartbeat_seconds: float


class Features(BaseModel):
    """What this installation can do. `code` says by kind of Python why it is switched off; empty: it is not."""

    facts: bool
    semantics: bool
    recall_by_meaning: bool
    code: dict[str, str]


class TimeZone(BaseModel):
    """The server's own time zone now: its name, and how far it is ahead of UTC."""

    name: str
    utc_offset_minutes: int


class Config(BaseModel):
    """How the server is set, as far as a client needs it. `effects` are those that this server carries out itself."""

    version: str
    paths: dict[str, str]
    time_zone: TimeZone
    features: Features
    effects: list[str]
    providers: list[str]
    tool_servers: list[str]
    budget_tokens: int
    limits: Limits
