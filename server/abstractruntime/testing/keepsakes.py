"""What snapshot stores, command stores and cursor stores promise, as classes of tests; see `testing.stores`."""

from __future__ import annotations

from typing import Any

from ..core.errors import NotDurable
from ..storage.commands import CommandCursorStore, CommandRecord, CommandStore
from ..storage.snapshots import Snapshot, SnapshotStore
from .stores import a_run, refusal, waiting_run


class SnapshotSuite:
    """What a SnapshotStore promises; the class of tests provides `snapshots`."""

    def test_it_loads_what_was_saved(self, snapshots: SnapshotStore) -> None:
        run = waiting_run("r", key="k", vars={"ü": [1, {"a": None}]})
        made = Snapshot.from_run(run=run, name="Before", description="d", tags=["x"], step_id="s")
        snapshots.save(made)
        found = snapshots.load(made.snapshot_id)
        assert found == made
        assert found is not None
        assert found.to_run() == run
        assert (found.run_id, found.step_id, found.name, found.tags) == ("r", "s", "Before", ["x"])
        assert snapshots.load("nobody") is None

    def test_a_snapshot_is_shared_with_nobody(self, snapshots: SnapshotStore) -> None:
        run = a_run("r", vars={"list": []})
        made = Snapshot.from_run(run=run, name="n")
        run.vars["list"].append("after taking")
        snapshots.save(made)
        made.run_state["vars"]["list"].append("after saving")
        first = snapshots.load(made.snapshot_id)
        assert first is not None
        first.to_run().vars["list"].append("after restoring")
        first.run_state["vars"]["list"].append("after loading")
        second = snapshots.load(made.snapshot_id)
        assert second is not None
        assert second.run_state["vars"] == {"list": []}

    def test_saving_again_replaces_and_refreshes(self, snapshots: SnapshotStore) -> None:
        made = Snapshot.from_run(run=a_run("r"), name="old")
        snapshots.save(made)
        before = made.updated_at
        made.name = "new"
        snapshots.save(made)
        found = snapshots.load(made.snapshot_id)
        assert found is not None
        assert (found.name, found.created_at) == ("new", made.created_at)
        assert found.updated_at > before
        assert len(snapshots.list()) == 1

    def test_lists_are_filtered_newest_first(self, snapshots: SnapshotStore) -> None:
        for number, (run_id, name, tags) in enumerate(
            (("a", "First", ["Red"]), ("a", "second", ["blue", "RED"]), ("b", "third", []))
        ):
            made = Snapshot.from_run(run=a_run(run_id), name=name, tags=tags, description=f"No {number}")
            made.created_at = f"2026-01-01T0{number}:00:00+00:00"
            snapshots.save(made)

        def names(**wanted: Any) -> list[str]:
            return [one.name for one in snapshots.list(**wanted)]

        assert names() == ["third", "second", "First"]
        assert names(limit=1) == ["third"]
        assert names(limit=0) == []
        assert names(run_id="a") == ["second", "First"]
        assert names(tag="red") == ["second", "First"]
        assert names(tag="re") == []
        assert names(query="IR") == ["third", "First"]
        assert names(query="no 1", run_id="a") == ["second"]

    def test_deleting_says_whether_there_was_one(self, snapshots: SnapshotStore) -> None:
        made = Snapshot.from_run(run=a_run("r"), name="n")
        snapshots.save(made)
        assert snapshots.delete(made.snapshot_id)
        assert not snapshots.delete(made.snapshot_id)
        assert snapshots.load(made.snapshot_id) is None

    def test_what_is_not_json_or_has_no_id_is_refused(self, snapshots: SnapshotStore) -> None:
        error = refusal(NotDurable, lambda: Snapshot.from_run(run=a_run("r", vars={"x": {1}}), name="n"))
        assert error.path == "run.vars.x"
        refusal(NotDurable, lambda: snapshots.save(Snapshot("s", "r", run_state={"x": object()})))
        refusal(ValueError, lambda: snapshots.save(Snapshot("", "r")))
        assert snapshots.list() == []


def a_command(command_id: str = "", **fields: Any) -> CommandRecord:
    """Make a command with every field filled."""
    given: dict[str, Any] = {
        "run_id": "r",
        "type": "pause",
        "payload": {"ü": [1]},
        "ts": "T",
        "client_id": "c",
    }
    return CommandRecord(command_id=command_id, **{**given, **fields})


class CommandSuite:
    """What a CommandStore promises; the class of tests provides `commands`."""

    def test_commands_keep_their_order_and_their_form(self, commands: CommandStore) -> None:
        assert commands.get_last_seq() == 0
        assert commands.list_after(after=0) == ([], 0)
        results = [commands.append(a_command(name)) for name in ("a", "b", "c")]
        assert [(one.accepted, one.duplicate, one.seq) for one in results] == [
            (True, False, 1),
            (True, False, 2),
            (True, False, 3),
        ]
        found, cursor = commands.list_after(after=0)
        assert found[0].to_json() == a_command("a", seq=1).to_json()
        assert ([one.seq for one in found], cursor) == ([1, 2, 3], 3)
        assert commands.list_after(after=3) == ([], 3)
        assert commands.get_last_seq() == 3

    def test_pages_follow_each_other(self, commands: CommandStore) -> None:
        for number in range(5):
            commands.append(a_command(str(number)))
        found, cursor = commands.list_after(after=1, limit=2)
        assert ([one.command_id for one in found], cursor) == (["1", "2"], 3)
        for limit in (0, -1):
            assert len(commands.list_after(after=0, limit=limit)[0]) == 5

    def test_a_command_sent_twice_counts_once(self, commands: CommandStore) -> None:
        commands.append(a_command("a"))
        commands.append(a_command("b"))
        again = commands.append(a_command("a", type="other"))
        assert (again.accepted, again.duplicate, again.seq) == (False, True, 1)
        assert [one.type for one in commands.list_after(after=0)[0]] == ["pause", "pause"]

    def test_blanks_are_filled(self, commands: CommandStore) -> None:
        commands.append(a_command(" ", ts=""))
        commands.append(a_command("", ts=" "))
        one, other = commands.list_after(after=0)[0]
        assert len(one.command_id) == len(other.command_id) == 32
        assert one.command_id != other.command_id
        assert one.ts.endswith("+00:00")

    def test_what_is_wrong_is_refused_and_leaves_no_gap(self, commands: CommandStore) -> None:
        for wrong in ({"run_id": " "}, {"type": ""}, {"payload": [1]}, {"payload": {"x": {1}}}):
            refusal(ValueError, lambda wrong=wrong: commands.append(a_command("a", **wrong)))  # type: ignore[misc]
        assert commands.append(a_command("a")).seq == 1

    def test_payloads_are_shared_with_nobody(self, commands: CommandStore) -> None:
        payload: dict[str, Any] = {"list": []}
        commands.append(a_command("a", payload=payload))
        payload["list"].append("after appending")
        commands.list_after(after=0)[0][0].payload["list"].append("after listing")
        assert commands.list_after(after=0)[0][0].payload == {"list": []}


class CursorSuite:
    """What a CommandCursorStore promises; the class of tests provides `cursors`."""

    def test_it_keeps_the_cursor(self, cursors: CommandCursorStore) -> None:
        assert cursors.load() == 0
        for cursor in (5, 7, 2):
            cursors.save(cursor)
            assert cursors.load() == cursor
