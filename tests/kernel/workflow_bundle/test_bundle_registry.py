"""The folder of installed bundles: versions side by side, references, safe overwriting."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.workflow_bundle import (
    WorkflowBundleError,
    WorkflowBundleRegistry,
    WorkflowBundleRegistryError,
    default_workflow_bundles_dir,
    pack_workflow_bundle,
    sanitize_bundle_id,
    sanitize_bundle_version,
)
from abstractruntime.workflow_bundle.versions import newest
from kernel.workflow_bundle.bundle_flows import flow, plain, save, start, subflow


def bundle(folder: Path, bundle_id: str, version: str, **more: Any) -> Path:
    """Pack a bundle with the flows `main` (its entry) and `child`."""
    name = more.pop("name", "Chat")
    root = flow("main", [start(), subflow("s", "child")], "start s", interfaces=["x.v1"])
    file = save(folder / "flows", {**root, "name": name}, plain("child"))
    out = folder / "packed" / f"{bundle_id}-{version}.flow"
    given = {"root_flow_json": file, "out_path": out, "bundle_id": bundle_id, "bundle_version": version}
    return pack_workflow_bundle(**given, **more).path


@pytest.fixture
def registry(tmp_path: Path) -> WorkflowBundleRegistry:
    return WorkflowBundleRegistry(tmp_path / "installed")


def test_names_are_made_safe() -> None:
    assert sanitize_bundle_id(" a b//c--d- ") == "a-b-c-d"
    assert sanitize_bundle_version("1.0 rc/1") == "1.0-rc-1"
    assert sanitize_bundle_id("  ") == ""
    assert sanitize_bundle_version("//") == ""


def test_an_installed_bundle_is_found_again(registry: WorkflowBundleRegistry, tmp_path: Path) -> None:
    source = bundle(tmp_path, "chat", "1.0.0")
    installed = registry.install(source)
    assert installed.bundle_ref == "chat@1.0.0"
    assert installed.path == registry.bundles_dir / "chat@1.0.0.flow"
    assert installed.path.read_bytes() == source.read_bytes()
    assert installed.sha256 is not None
    assert len(installed.sha256) == 64
    found = registry.resolve_bundle("chat")
    assert (found.path, found.manifest) == (installed.path, installed.manifest)
    assert registry.bundles_by_id() == {"chat": {"1.0.0": found}}
    assert registry.resolve_bundle("chat@1.0.0.flow") == found


def test_versions_live_side_by_side_and_the_newest_wins(
    registry: WorkflowBundleRegistry, tmp_path: Path
) -> None:
    for version in ("0.9.0", "0.10.0", "0.10.0-rc.1", "0.2.0.7"):
        registry.install(bundle(tmp_path, "chat", version))
    assert sorted(registry.bundles_by_id()["chat"]) == ["0.10.0", "0.10.0-rc.1", "0.2.0.7", "0.9.0"]
    assert registry.resolve_bundle("chat").bundle_version == "0.10.0"
    assert registry.resolve_bundle("chat@0.9.0").bundle_version == "0.9.0"
    assert [ref.bundle_version for ref in registry.list_entrypoints()] == ["0.10.0"]
    assert len(registry.list_entrypoints(latest_only=False)) == 4


@pytest.mark.parametrize(
    ("versions", "best"),
    [
        ([("0.9.0", ""), ("0.10.0", "")], "0.10.0"),
        ([("1.0", ""), ("1.0.0.1", "")], "1.0.0.1"),
        ([("2.0.0-rc.2", ""), ("2.0.0-rc.10", ""), ("1.9.9", "")], "2.0.0-rc.10"),
        ([("2.0.0-rc.1", "2027"), ("2.0.0", "2026")], "2.0.0"),
        ([("blue", "2026-01-02"), ("9.9.9", "2026-01-01")], "blue"),
        ([("blue", ""), ("green", "")], "green"),
    ],
)
def test_the_newest_is_by_number_else_by_time_else_by_text(
    versions: list[tuple[str, str]], best: str
) -> None:
    assert newest((version, made, version) for version, made in versions) == best
    assert newest((version, made, version) for version, made in reversed(versions)) == best


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("chat", "chat@2.0.0:main"),
        ("chat@1.0.0", "chat@1.0.0:main"),
        ("chat:child", "chat@2.0.0:child"),
        ("chat@1.0.0:child", "chat@1.0.0:child"),
        ("chat@1.0.0.flow", "chat@1.0.0:main"),
        ("odd name.flow", "other@1.0.0:main"),
        ("  talk to me ", "other@1.0.0:main"),
        ("CHAT: the second", "chat@2.0.0:main"),
    ],
)
def test_every_kind_of_reference(
    ref: str, expected: str, registry: WorkflowBundleRegistry, tmp_path: Path
) -> None:
    both = ["main", "child"]
    registry.install(bundle(tmp_path, "chat", "1.0.0", entrypoints=both))
    registry.install(bundle(tmp_path, "chat", "2.0.0", entrypoints=both, name="Chat: The Second"))
    other = registry.install(bundle(tmp_path, "other", "1.0.0", name="Talk to Me"))
    os.rename(other.path, registry.bundles_dir / "odd name.flow")
    assert registry.resolve_entrypoint(ref).workflow_id == expected


def test_two_versions_do_not_make_a_name_ambiguous(registry: WorkflowBundleRegistry, tmp_path: Path) -> None:
    for version in ("1.0.0", "2.0.0"):
        registry.install(bundle(tmp_path, "one", version))
    assert registry.resolve_entrypoint("chat").bundle_ref == "one@2.0.0"
    registry.install(bundle(tmp_path, "two", "1.0.0"))
    with pytest.raises(WorkflowBundleRegistryError, match="one:main, two:main"):
        registry.resolve_entrypoint("chat")


@pytest.mark.parametrize(
    ("ref", "interface", "message"),
    [
        ("", None, "Name a workflow"),
        ("nowhere", None, "Workflow 'nowhere' not found"),
        ("chat@9", None, "no version '9'; it has 1.0.0"),
        ("chat:nowhere", None, "no entrypoint 'nowhere'; it has main"),
        ("chat", "y.v1", "does not implement interface 'y.v1'"),
        ("Chat me", "y.v1", "does not implement interface 'y.v1'"),
    ],
)
def test_an_error_says_what_is_wrong(
    ref: str, interface: str | None, message: str, registry: WorkflowBundleRegistry, tmp_path: Path
) -> None:
    registry.install(bundle(tmp_path, "chat", "1.0.0", name="Chat me"))
    with pytest.raises(WorkflowBundleRegistryError, match=message):
        registry.resolve_entrypoint(ref, interface=interface)
    with pytest.raises(WorkflowBundleRegistryError):
        registry.resolve_bundle("nowhere")


def test_entrypoints_are_listed_in_order(registry: WorkflowBundleRegistry, tmp_path: Path) -> None:
    registry.install(bundle(tmp_path, "b", "1.0.0", entrypoints=["main", "child"]))
    registry.install(bundle(tmp_path, "a", "1.0.0"))
    refs = registry.list_entrypoints()
    assert [(ref.bundle_id, ref.name, ref.is_default) for ref in refs] == [
        ("a", "Chat", True),
        ("b", "Chat", True),
        ("b", "Flow child", False),
    ]
    assert [ref.bundle_id for ref in registry.list_entrypoints(interface="x.v1")] == ["a", "b"]
    assert registry.list_entrypoints(interface="y.v1") == []


def test_an_existing_version_is_kept_unless_overwriting(
    registry: WorkflowBundleRegistry, tmp_path: Path
) -> None:
    first = registry.install(bundle(tmp_path, "chat", "1.0.0")).path.read_bytes()
    newer = bundle(tmp_path, "chat", "1.0.0", name="Newer")
    with pytest.raises(WorkflowBundleRegistryError, match=r"chat@1\.0\.0\.flow is installed already"):
        registry.install(newer)
    assert registry.resolve_bundle("chat").path.read_bytes() == first
    registry.install(newer, overwrite=True)
    assert registry.resolve_bundle("chat").manifest.entrypoints[0].name == "Newer"
    assert os.listdir(registry.bundles_dir) == ["chat@1.0.0.flow"]


def test_overwriting_with_a_broken_file_keeps_the_old_one(
    registry: WorkflowBundleRegistry, tmp_path: Path
) -> None:
    installed = registry.install(bundle(tmp_path, "chat", "1.0.0"))
    content = installed.path.read_bytes()
    with pytest.raises(WorkflowBundleError):
        registry.install_bytes(content[:-40], overwrite=True)
    assert installed.path.read_bytes() == content
    assert os.listdir(registry.bundles_dir) == ["chat@1.0.0.flow"]


def test_unsafe_ids_are_refused_with_a_suggestion(registry: WorkflowBundleRegistry, tmp_path: Path) -> None:
    with pytest.raises(WorkflowBundleRegistryError, match="Use 'my-chat'"):
        registry.install(bundle(tmp_path, "my chat", "1.0.0"))
    with pytest.raises(WorkflowBundleRegistryError, match=r"Use '1\.0-rc'"):
        registry.install(bundle(tmp_path, "chat", "1.0 rc"))
    assert os.listdir(registry.bundles_dir) == []


def test_bytes_are_installed_too(registry: WorkflowBundleRegistry, tmp_path: Path) -> None:
    content = bundle(tmp_path, "chat", "1.0.0").read_bytes()
    assert registry.install_bytes(content, filename_hint="up.flow").path.read_bytes() == content
    with pytest.raises(WorkflowBundleRegistryError, match=r"'up\.flow' is empty"):
        registry.install_bytes(b"", filename_hint="up.flow")
    with pytest.raises(FileNotFoundError):
        registry.install(tmp_path / "no.flow")


def test_what_cannot_be_read_is_reported_and_can_be_removed(
    registry: WorkflowBundleRegistry, tmp_path: Path
) -> None:
    assert (registry.scan(), registry.unreadable(), registry.remove("chat")) == ([], [], 0)
    registry.install(bundle(tmp_path, "chat", "1.0.0"))
    (registry.bundles_dir / "broken@1.flow").write_bytes(b"junk")
    (registry.bundles_dir / ".upload_half.flow").write_bytes(b"junk")
    (registry.bundles_dir / "folder.flow").mkdir()
    assert [found.bundle_id for found in registry.scan()] == ["chat"]
    (report,) = registry.unreadable()
    assert report.path.name == "broken@1.flow"
    assert "not a zip file" in report.reason
    assert registry.remove("broken") == 1
    assert registry.unreadable() == []


def test_removing_counts_files(registry: WorkflowBundleRegistry, tmp_path: Path) -> None:
    for version in ("1.0.0", "1.1.0", "2.0.0"):
        registry.install(bundle(tmp_path, "chat", version))
    registry.install(bundle(tmp_path, "other", "1.0.0"))
    assert registry.remove("chat@9.9.9") == 0
    assert registry.remove("chat@1.1.0") == 1
    assert registry.remove("chat") == 2
    assert registry.remove("") == 0
    assert [found.bundle_ref for found in registry.scan()] == ["other@1.0.0"]


def test_a_replaced_file_is_seen_at_once(registry: WorkflowBundleRegistry, tmp_path: Path) -> None:
    registry.install(bundle(tmp_path, "chat", "1.0.0"))
    assert registry.resolve_entrypoint("chat").name == "Chat"
    registry.install(bundle(tmp_path, "chat", "1.0.0", name="Something longer"), overwrite=True)
    assert registry.resolve_entrypoint("chat:main").name == "Something longer"


def test_a_reader_never_sees_half_an_installation(registry: WorkflowBundleRegistry, tmp_path: Path) -> None:
    contents = [bundle(tmp_path, "chat", "1.0.0", name=name).read_bytes() for name in ("A", "B" * 500)]
    registry.install_bytes(contents[0])
    stop = threading.Event()
    seen: list[str] = []

    def read() -> None:
        other = WorkflowBundleRegistry(registry.bundles_dir)
        while not stop.is_set():
            seen.append((other.resolve_entrypoint("chat:main").name or "")[:1])
            assert other.unreadable() == []

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(40):
        registry.install_bytes(contents[turn % 2], overwrite=True)
    stop.set()
    reader.join()
    assert seen
    assert set(seen) <= {"A", "B"}


def test_the_default_folder_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["ABSTRACTFLOW_FLOWS_DIR", "ABSTRACTFLOW_PUBLISH_DIR", "ABSTRACTGATEWAY_FLOWS_DIR"]
    names.append("ABSTRACTFRAMEWORK_WORKFLOWS_DIR")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert default_workflow_bundles_dir() == tmp_path / "me" / ".abstractframework" / "workflows"
    (tmp_path / "flows" / "bundles").mkdir(parents=True)
    assert default_workflow_bundles_dir() == tmp_path / "flows" / "bundles"
    for name in names:
        monkeypatch.setenv(name, str(tmp_path / name))
        assert default_workflow_bundles_dir() == tmp_path / name
    monkeypatch.setenv("ABSTRACTFRAMEWORK_WORKFLOWS_DIR", "~/mine")
    assert WorkflowBundleRegistry().bundles_dir == tmp_path / "me" / "mine"
    assert not (tmp_path / "me").exists()
    assert WorkflowBundleRegistry().ensure_dir().is_dir()
