"""The shapes of the catalog: node types as the palette and the canvas need them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

Json = Any


class Card(BaseModel):
    """A part of the catalog: these members and no others."""

    model_config = ConfigDict(extra="forbid")


class FamilyCard(Card):
    """A group of the palette."""

    id: str
    label: str
    icon: str
    order: int


class PinTypeCard(Card):
    """A type of pins; `into` are the types that it may be wired to."""

    id: str
    shape: str
    letter: str
    into: list[str]


class PinCard(Card):
    """A pin; without a default it has no `default`."""

    id: str
    label: str
    type: str
    description: str
    choices: list[Json]
    widget: str | None
    required: bool
    default: Json = None


class ErrorPins(Card):
    """The pins that a node which may fail has, by its choice at `path`."""

    path: str
    outputs: dict[str, list[PinCard]]


class FieldCard(Card):
    """A setting of a node, kept at `path` of its data."""

    path: str
    type: str
    default: Json
    label: str
    description: str
    choices: list[Json]
    widget: str | None


class TypeCard(Card):
    """A node type; `template` is the data of a new node, `words` what the pins are that its settings bring."""

    type: str
    label: str
    family: str
    kind: str
    summary: str
    doc: str
    inputs: list[PinCard]
    outputs: list[PinCard]
    seldom: list[str]
    converts: bool
    sentence: str
    grows: dict[str, Json] | None
    shaped: bool
    words: dict[str, dict[str, str]]
    saved_pins: bool
    may_fail: bool
    leaves: bool
    fields: list[FieldCard]
    keywords: list[str]
    template: dict[str, Json]
    palette: bool
    origin: str


class WrittenKeys(Card):
    """How a key is told that somebody has written into a flow: by words of its name, or by its form.

    `names`, `endings`, `about` and `no_keys` are words in small letters; `words`, `scheme` and `forms` are regular
    expressions; names count below the paths `values` of a node's data. `hole` begins what stands where a key was.
    """

    names: list[str]
    endings: list[str]
    about: list[str]
    no_keys: list[str]
    words: str
    scheme: str
    forms: str
    values: list[str]
    settings: list[str]
    bare: list[str]
    references: list[str]
    hole: str


class CatalogCard(Card):
    """All node types; `digest` changes with any of it and is the ETag."""

    digest: str
    families: list[FamilyCard]
    pin_types: list[PinTypeCard]
    error_pins: ErrorPins
    written_keys: WrittenKeys
    types: list[TypeCard]
