"""The shapes of requests and answers about bundles: imports, and what is installed."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from .models import Asked, BrokenRow, Deprecation, Name

Json = Any


class ReachRow(BaseModel):
    """Something that imported flows touch outside of a run, and how many nodes do."""

    what: str
    nodes: int


class Imported(BaseModel):
    """What an import did with each flow of the bundle, what they reach once somebody runs them, how many tests came."""

    bundle_id: str
    bundle_version: str
    entrypoint: str
    flows: list[dict[str, Json]]
    reaches: list[ReachRow]
    tests: int


class BundleEntry(BaseModel):
    """A flow of a bundle that may be started."""

    flow_id: str
    name: str
    description: str
    interfaces: list[str]
    is_default: bool
    deprecated: Deprecation | None


class BundleVersion(BaseModel):
    """A version of a bundle: `flows` are all in it, `entrypoints` those that may be started."""

    bundle_id: str
    bundle_version: str
    bundle_ref: str
    created_at: str
    flows: list[str]
    entrypoints: list[BundleEntry]
    deprecated: Deprecation | None


class BundleRow(BaseModel):
    """An installed bundle with its versions, the newest first."""

    bundle_id: str
    newest: str
    versions: list[BundleVersion]


class BundleList(BaseModel):
    """What is installed, by id, and the files that are no bundles."""

    bundles: list[BundleRow]
    broken: list[BrokenRow]


class BundlePage(BundleVersion):
    """A version with what its manifest says of where it comes from, its file, and what it reaches when it runs."""

    metadata: dict[str, Json]
    sha256: str
    size: int
    reaches: list[ReachRow]


class Kept(BundlePage):
    """An installed version; `state` is installed, unchanged or replaced."""

    state: str


class Publishing(Asked):
    """How the bundle is to be called; by itself the flow's name, and the version after the newest."""

    bundle_id: Name | None = None
    bundle_version: Name | None = None


class Deprecating(Asked):
    """Why, and which entry of the bundle; without one all of them."""

    flow_id: Name | None = None
    reason: Annotated[str, Field(max_length=2000)] = ""


class Deprecated(BaseModel):
    """What is said of a bundle now: `flow_id` is `*` for all its flows, `bundle_version` null for all versions."""

    bundle_id: str
    bundle_version: str | None
    flow_id: str
    deprecated_at: str | None = None
    reason: str | None = None
    removed: bool = False


class Removed(BaseModel):
    """How many versions were taken away."""

    removed: int
