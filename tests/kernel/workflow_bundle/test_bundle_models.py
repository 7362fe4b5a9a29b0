"""The manifest: written, read in every accepted spelling, and judged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from abstractruntime.workflow_bundle import (
    WORKFLOW_BUNDLE_FORMAT_VERSION_V1,
    WorkflowBundleEntrypoint,
    WorkflowBundleError,
    WorkflowBundleManifest,
    workflow_bundle_manifest_from_dict,
    workflow_bundle_manifest_to_dict,
)

MANIFEST = WorkflowBundleManifest(
    bundle_format_version=WORKFLOW_BUNDLE_FORMAT_VERSION_V1,
    bundle_id="chat",
    bundle_version="1.2.0",
    created_at="2026-02-01T10:00:00+00:00",
    entrypoints=[
        WorkflowBundleEntrypoint("main", "Main", "Talks.", ["abstractcode.agent.v1"]),
        WorkflowBundleEntrypoint("other"),
    ],
    default_entrypoint="main",
    flows={"main": "flows/main.json", "other": "flows/other.json"},
    artifacts={"main": "artifacts/main.json"},
    assets={"logo": "assets/logo.png"},
    metadata={"publisher": {"host": "here"}},
)


def test_a_manifest_survives_the_round_trip() -> None:
    written = workflow_bundle_manifest_to_dict(MANIFEST)
    assert list(written) == [
        "bundle_format_version",
        "bundle_id",
        "bundle_version",
        "created_at",
        "entrypoints",
        "default_entrypoint",
        "flows",
        "artifacts",
        "assets",
        "metadata",
    ]
    assert workflow_bundle_manifest_from_dict(written) == MANIFEST
    assert "default_entrypoint" not in workflow_bundle_manifest_to_dict(
        replace(MANIFEST, default_entrypoint=None)
    )


def test_camel_case_is_read_too() -> None:
    written = workflow_bundle_manifest_to_dict(MANIFEST)
    names = {
        "bundle_format_version": "bundleFormatVersion",
        "bundle_id": "bundleId",
        "bundle_version": "bundleVersion",
        "created_at": "createdAt",
        "default_entrypoint": "defaultEntrypoint",
    }
    camel = {names.get(key, key): value for key, value in written.items()}
    camel["entrypoints"] = [
        {"flowId" if key == "flow_id" else key: value for key, value in entry.items()}
        for entry in written["entrypoints"]
    ]
    assert workflow_bundle_manifest_from_dict(camel) == MANIFEST


@pytest.mark.parametrize("key", ["default_entrypoint_flow_id", "defaultEntrypointFlowId"])
def test_old_names_of_the_default_are_read(key: str) -> None:
    written = workflow_bundle_manifest_to_dict(MANIFEST)
    written[key] = written.pop("default_entrypoint")
    assert workflow_bundle_manifest_from_dict(written).default_entrypoint == "main"


def test_what_is_missing_or_of_the_wrong_kind_gets_a_default() -> None:
    read = workflow_bundle_manifest_from_dict(
        {
            "bundle_id": " a ",
            "entrypoints": [{"flow_id": "a", "interfaces": [" x ", 3, ""]}, "junk"],
            "flows": {"a": "flows/a.json"},
            "assets": [],
            "artifacts": None,
            "metadata": "x",
        }
    )
    assert (read.bundle_id, read.bundle_version, read.created_at) == ("a", "0.0.0", "")
    assert read.entrypoints == [WorkflowBundleEntrypoint("a", None, "", ["x"])]
    assert (read.assets, read.artifacts, read.metadata, read.default_entrypoint) == ({}, {}, {}, None)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"bundle_format_version": "2"}, "bundle_format_version"),
        ({"bundle_id": " "}, "bundle_id"),
        ({"bundle_version": ""}, "bundle_version"),
        ({"entrypoints": []}, "entrypoints"),
        ({"entrypoints": [WorkflowBundleEntrypoint(" ")]}, "flow_id"),
        (
            {"entrypoints": [WorkflowBundleEntrypoint("main"), WorkflowBundleEntrypoint("main")]},
            "'main' twice",
        ),
        ({"entrypoints": [WorkflowBundleEntrypoint("nowhere")]}, "'nowhere'"),
        ({"entrypoints": [WorkflowBundleEntrypoint("main", description=3)]}, "description"),  # type: ignore[arg-type]
        ({"entrypoints": [WorkflowBundleEntrypoint("main", interfaces="x")]}, "interfaces"),  # type: ignore[arg-type]
        ({"default_entrypoint": "nowhere"}, "default_entrypoint"),
        ({"flows": {}}, "flows"),
        ({"flows": {" ": "flows/a.json"}}, "flows"),
        ({"flows": []}, "flows"),
        ({"assets": {"x": "../x"}}, "assets"),
        ({"artifacts": {"x": "C:/x"}}, "artifacts"),
        ({"metadata": []}, "metadata"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], named: str) -> None:
    with pytest.raises(WorkflowBundleError, match=named):
        replace(MANIFEST, **change).validate()


@pytest.mark.parametrize("path", ["", " ", "/a", "\\a", "a/../b", "./a", "a//b", "c:/a", "a\\b", 7, None])
def test_unsafe_paths_are_refused(path: Any) -> None:
    with pytest.raises(WorkflowBundleError, match="assets"):
        replace(MANIFEST, assets={"x": path}).validate()


def test_paths_are_found_by_flow() -> None:
    assert MANIFEST.flow_path_for("main") == "flows/main.json"
    assert MANIFEST.flow_path_for("nowhere") is None
    assert MANIFEST.artifact_path_for("main") == "artifacts/main.json"
    assert MANIFEST.artifact_path_for("other") is None


@pytest.mark.parametrize("raw", [None, [], "x", 3])
def test_a_manifest_is_an_object(raw: Any) -> None:
    with pytest.raises(WorkflowBundleError, match="object"):
        workflow_bundle_manifest_from_dict(raw)


@pytest.mark.parametrize("name", ["../../x", "a/b", "a\\b", "..", ". .", "a\nb", "a\u202eb", "x" * 201])
@pytest.mark.parametrize("field", ["bundle_id", "bundle_version"])
def test_a_bundle_is_not_called_like_a_path(field: str, name: str) -> None:
    written = {**workflow_bundle_manifest_to_dict(MANIFEST), field: name}
    with pytest.raises(WorkflowBundleError, match=field):
        workflow_bundle_manifest_from_dict(written)
    fine = {**written, field: "Chat é 1.0 rc-1"}
    assert getattr(workflow_bundle_manifest_from_dict(fine), field) == "Chat é 1.0 rc-1"
