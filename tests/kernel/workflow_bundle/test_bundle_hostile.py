"""A hostile or damaged bundle is refused with a clear error and leaves nothing behind."""

from __future__ import annotations

import random
import resource
import time
from pathlib import Path

import pytest

from abstractruntime.core.errors import BundleError
from abstractruntime.workflow_bundle import (
    WorkflowBundleError,
    WorkflowBundleRegistry,
    open_workflow_bundle,
    unpack_workflow_bundle,
    verify_workflow_bundle,
)
from kernel.workflow_bundle.bundle_flows import HOSTILE, archive, many, member

REFUSED = (WorkflowBundleError, FileNotFoundError)


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_refused_and_nothing_stays(name: str, tmp_path: Path) -> None:
    file = tmp_path / "hostile.flow"
    file.write_bytes(HOSTILE[name])
    registry = WorkflowBundleRegistry(tmp_path / "installed")
    began = time.monotonic()
    with pytest.raises(WorkflowBundleError) as opened:
        verify_workflow_bundle(file)
    with pytest.raises(WorkflowBundleError):
        unpack_workflow_bundle(bundle_path=file, out_dir=tmp_path / "out")
    with pytest.raises(BundleError):
        registry.install_bytes(HOSTILE[name])
    assert time.monotonic() - began < 3
    assert set(everything(tmp_path)) <= {"hostile.flow", "installed"}
    assert isinstance(opened.value, ValueError)
    assert 10 < len(str(opened.value)) < 400
    assert "Traceback" not in str(opened.value)


def test_the_same_archive_without_the_trick_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "good.flow"
    file.write_bytes(archive(member("assets/pic ture.png", b"\x89PNG")))
    bundle = open_workflow_bundle(file)
    assert bundle.read_bytes("assets/pic ture.png") == b"\x89PNG"
    assert WorkflowBundleRegistry(tmp_path / "in").install(file).bundle_ref == "a@1.0.0"


def test_a_bundle_without_a_manifest_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"manifest\.json"):
        open_workflow_bundle(tmp_path / "empty")


def test_a_refused_unpacking_leaves_an_existing_folder_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "mine.txt").write_text("mine", encoding="utf-8")
    file = tmp_path / "hostile.flow"
    file.write_bytes(HOSTILE["shorter than it says"])
    with pytest.raises(WorkflowBundleError):
        unpack_workflow_bundle(bundle_path=file, out_dir=target)
    assert everything(target) == ["mine.txt"]
    assert everything(tmp_path) == ["hostile.flow", "out", "out/mine.txt"]


def test_unpacking_never_follows_a_link_in_its_target(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    target = tmp_path / "out"
    target.mkdir()
    (target / "flows").symlink_to(outside, target_is_directory=True)
    file = tmp_path / "good.flow"
    file.write_bytes(archive())
    with pytest.raises(WorkflowBundleError, match="in the way"):
        unpack_workflow_bundle(bundle_path=file, out_dir=target)
    assert everything(outside) == []
    assert everything(target) == ["flows"]


def test_a_folder_bundle_is_not_read_outside_itself(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    file = tmp_path / "good.flow"
    file.write_bytes(archive())
    folder = unpack_workflow_bundle(bundle_path=file, out_dir=tmp_path / "folder")
    (folder / "assets").mkdir()
    (folder / "assets" / "out").symlink_to(tmp_path / "secret")
    bundle = open_workflow_bundle(folder)
    for path in ("../secret", "assets/../../secret", "/etc/hosts", "", "   ", "assets/out"):
        with pytest.raises(WorkflowBundleError):
            bundle.read_bytes(path)


def test_bombs_cost_little_memory(tmp_path: Path) -> None:
    """A refused bomb is not inflated first: the process grows by less than 64 MiB."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name in ("compressed too much", "too many members", "shorter than it says"):
        file = tmp_path / "bomb.flow"
        file.write_bytes(HOSTILE[name])
        with pytest.raises(WorkflowBundleError):
            verify_workflow_bundle(file)
    file.write_bytes(archive(many(1500)))
    assert verify_workflow_bundle(file).manifest.bundle_id == "a"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_bundle_is_read_or_refused(seed: int, tmp_path: Path) -> None:
    """400 bundles with broken bytes for each seed: no other exception, and none takes long."""
    chance = random.Random(seed)
    whole = archive(member("assets/noise", chance.randbytes(500)))
    file = tmp_path / "damaged.flow"
    read = refused = 0
    for _ in range(400):
        content = bytearray(whole)
        for _ in range(chance.choice((1, 1, 2, 8))):
            _damage(content, chance)
        file.write_bytes(content)
        began = time.monotonic()
        try:
            verify_workflow_bundle(file)
            read += 1
        except REFUSED:
            refused += 1
        assert time.monotonic() - began < 1
    assert read + refused == 400
    assert refused > 200


def _damage(content: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(content)) if content else 0
    way = chance.randrange(5)
    if way == 0 and content:
        content[at] ^= 1 << chance.randrange(8)
    elif way == 1:
        del content[at : at + chance.randrange(1, 40)]
    elif way == 2:
        content[at:at] = chance.randbytes(chance.randrange(1, 20))
    elif way == 3:
        content[at : at + 4] = chance.choice((b"\xff" * 4, b"\0" * 4, b"PK\x01\x02", b"PK\x05\x06"))
    else:
        del content[at:]
