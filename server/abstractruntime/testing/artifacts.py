"""What every artifact store promises, as a class of tests; see `testing.stores`.

A host with a store of its own subclasses it and provides `artifacts`, the store.
"""

from __future__ import annotations

from ..core.errors import InvalidId, NotDurable
from ..storage.artifacts import ArtifactStore, artifact_ref, compute_artifact_id, resolve_artifact
from .stores import refusal

BAD_IDS = ("../evil", "a/b", "a.b", "", "..", "a\\b", "a b", "a\n", "ü", "a\0b")


class ArtifactSuite:
    """What an ArtifactStore promises."""

    def test_it_loads_what_was_stored(self, artifacts: ArtifactStore) -> None:
        made = artifacts.store(b"\x00\xffbytes", content_type="x/y", run_id=" run-1 ", tags={"k": "v"})
        assert made.artifact_id == compute_artifact_id(b"\x00\xffbytes", run_id="run-1")
        assert (made.content_type, made.size_bytes, made.run_id) == ("x/y", 7, "run-1")
        found = artifacts.load(made.artifact_id)
        assert found is not None
        assert (found.content, found.metadata) == (b"\x00\xffbytes", made)
        assert artifacts.get_metadata(made.artifact_id) == made
        assert artifacts.exists(made.artifact_id)
        assert artifacts.load_text("nonexistent") is artifacts.load_json("nonexistent") is None
        assert artifacts.load("nonexistent") is None
        assert artifacts.get_metadata("nonexistent") is None
        assert not artifacts.exists("nonexistent")
        assert not artifacts.delete("nonexistent")

    def test_text_and_json_keep_their_form(self, artifacts: ArtifactStore) -> None:
        text = artifacts.store_text("grüße 🙂", run_id="r")
        assert (text.content_type, artifacts.load_text(text.artifact_id)) == ("text/plain", "grüße 🙂")
        value = {"z": [1, 2.5, None], "a": "ü"}
        made = artifacts.store_json(value, run_id="r", tags={"t": "1"})
        assert artifacts.load_json(made.artifact_id) == value
        found = resolve_artifact(artifact_ref(made.artifact_id), artifacts)
        assert found is not None
        assert found.content == '{"z":[1,2.5,null],"a":"ü"}'.encode()
        assert refusal(NotDurable, lambda: artifacts.store_json({"x": [{1}]})).path == "data.x[0]"
        assert resolve_artifact({"other": 1}, artifacts) is None
        assert resolve_artifact(artifact_ref("nonexistent"), artifacts) is None

    def test_equal_bytes_keep_the_first_metadata_and_gain_tags(self, artifacts: ArtifactStore) -> None:
        first = artifacts.store(b"same", content_type="a/a", run_id="r", tags={"k": "first"})
        again = artifacts.store(b"same", content_type="b/b", run_id="r", tags={"k": "second", "new": "x"})
        assert (again.artifact_id, again.created_at) == (first.artifact_id, first.created_at)
        assert (again.content_type, again.tags) == ("a/a", {"k": "first", "new": "x"})
        assert artifacts.get_metadata(first.artifact_id) == again
        assert len(artifacts.list_by_run("r")) == 1
        other = artifacts.store(b"same", run_id="s")
        assert other.artifact_id != first.artifact_id
        named = artifacts.store(b"same", run_id="r", artifact_id="second-note")
        assert {one.artifact_id for one in artifacts.list_by_run("r")} == {first.artifact_id, "second-note"}
        assert named.blob_id == first.blob_id

    def test_other_bytes_under_a_given_id_replace_all(self, artifacts: ArtifactStore) -> None:
        artifacts.store(b"one", run_id="r", artifact_id="x", tags={"old": "1"})
        made = artifacts.store(b"two!", run_id="s", artifact_id="x")
        found = artifacts.load("x")
        assert found is not None
        assert (found.content, found.metadata.tags, found.metadata.run_id) == (b"two!", {}, "s")
        assert artifacts.list_by_run("r") == []
        assert artifacts.list_by_run("s") == [made]

    def test_metadata_are_shared_with_nobody(self, artifacts: ArtifactStore) -> None:
        made = artifacts.store(b"x", tags={"k": "v"})
        made.tags["k"] = "after storing"
        found = artifacts.get_metadata(made.artifact_id)
        assert found is not None
        found.tags["k"] = "after reading"
        artifacts.list_all()[0].tags["k"] = "after listing"
        assert artifacts.list_all()[0].tags == {"k": "v"}

    def test_ids_are_checked_everywhere(self, artifacts: ArtifactStore) -> None:
        for bad in BAD_IDS:
            calls = (artifacts.load, artifacts.get_metadata, artifacts.exists, artifacts.delete)
            for call in calls:
                refusal(InvalidId, lambda call=call, bad=bad: call(bad))  # type: ignore[misc]
            refusal(ValueError, lambda bad=bad: artifacts.store(b"x", artifact_id=bad))  # type: ignore[misc]
        assert artifacts.list_all() == []

    def test_it_is_searched_newest_first(self, artifacts: ArtifactStore) -> None:
        made = [
            artifacts.store(b"%d" % number, run_id="r" if number % 2 else "s", tags={"n": str(number % 3)})
            for number in range(6)
        ]
        artifacts.store_text("text", run_id="r")
        assert [one.artifact_id for one in artifacts.list_all(limit=3)][1:] == [
            one.artifact_id for one in (made[5], made[4])
        ]
        assert len(artifacts.list_all()) == 7
        assert artifacts.list_all(limit=0) == []
        found = artifacts.search(run_id="r", content_type="application/octet-stream")
        assert found == [made[5], made[3], made[1]]
        assert artifacts.search(tags={"n": "1"}) == [made[4], made[1]]
        assert artifacts.search(tags={"n": "1"}, run_id="r", limit=1) == [made[1]]
        assert artifacts.search(tags={"n": "1", "x": "y"}) == []

    def test_deleting_leaves_what_others_share(self, artifacts: ArtifactStore) -> None:
        mine = artifacts.store(b"shared", run_id="r")
        others = artifacts.store(b"shared", run_id="s")
        alone = artifacts.store(b"alone", run_id="r")
        assert artifacts.delete_by_run("r") == 2
        assert artifacts.delete_by_run("r") == 0
        assert artifacts.load(mine.artifact_id) is artifacts.load(alone.artifact_id) is None
        assert artifacts.list_by_run("r") == []
        planned = artifacts.gc()
        assert planned["dry_run"] is True
        done = artifacts.gc(dry_run=False)
        assert done == {**planned, "dry_run": False}
        assert done["errors"] == []
        assert artifacts.gc()["blobs_deleted"] == 0
        found = artifacts.load(others.artifact_id)
        assert found is not None
        assert found.content == b"shared"
