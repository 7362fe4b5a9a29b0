"""What leases promise, as a class of tests; see `testing.stores`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ..core.errors import StaleRevision
from ..core.models import RunStatus
from ..storage.base import Asking, Lease, LeaseStore, StepCommit
from .clock import MovableClock
from .stores import Place, a_record, a_run, refusal

SECONDS = 30


class _World:
    """A store with one run, and owners who ask for it."""

    def __init__(self, place: Place) -> None:
        self.journal = place.open().journal
        leases = self.journal.leases
        assert leases is not None
        self.leases: LeaseStore = leases
        self.clock = MovableClock()
        self.run = a_run("r", vars={"n": 1})
        self.revision = self.journal.commit(StepCommit(self.run, None))
        self.count = 0

    def asks(self, owner: str, **more: Any) -> Lease | None:
        """Have an owner ask now."""
        self.count += 1
        now = self.clock()
        return self.leases.take(Asking("r", owner, self.count, now, now + timedelta(seconds=SECONDS), **more))

    def taken(self, owner: str, **more: Any) -> Lease:
        """Have an owner ask who must get it."""
        lease = self.asks(owner, **more)
        assert lease is not None
        return lease

    def step(self, revision: int) -> int:
        """Take a step as an owner who believes the run to stand there."""
        self.count += 1
        record = a_record(self.run, self.count)
        return self.journal.commit(StepCommit(self.run, revision, (record,), ()))


class LeaseSuite:
    """What every store with leases promises."""

    def test_one_owner_at_a_time(self, place: Place) -> None:
        world = _World(place)
        lease = world.taken("a")
        assert (lease.run_id, lease.owner, lease.revision, lease.losses) == ("r", "a", None, 0)
        assert world.asks("b") is None
        assert world.leases.is_held(lease)
        world.leases.release(lease)
        assert not world.leases.is_held(lease)
        second = world.taken("b")
        assert second.revision is None
        world.leases.release(lease)
        assert world.leases.is_held(second), "who has lost it cannot end another's"
        assert world.step(world.revision) == world.revision + 1, "nothing of this has changed the run"

    def test_a_lease_holds_while_it_is_renewed(self, place: Place) -> None:
        world = _World(place)
        lease = world.taken("a")
        for _ in range(5):
            world.clock.advance(SECONDS - 1)
            assert world.asks("b") is None
            assert world.leases.renew([lease], world.clock() + timedelta(seconds=SECONDS)) == []
        world.clock.advance(SECONDS)
        assert world.taken("b").owner == "b"
        assert world.leases.renew([lease], world.clock() + timedelta(days=1)) == [lease]
        world.clock.advance(SECONDS)
        assert world.taken("c").owner == "c", "a lost lease cannot be renewed"

    def test_who_is_taken_over_is_fenced(self, place: Place) -> None:
        world = _World(place)
        frozen = world.taken("a")
        stands_at = world.step(world.revision)
        world.clock.advance(SECONDS)
        taker = world.taken("b")
        assert taker.revision == stands_at + 1
        refusal(StaleRevision, lambda: world.step(stands_at))
        assert not world.leases.is_held(frozen)
        assert world.step(taker.revision) == taker.revision + 1
        found = world.journal.load("r")
        assert found is not None
        assert found.run == world.run, "a takeover changes nothing but the revision"

    def test_a_takeover_from_another_place_than_the_runs_changes_nothing(self, place: Place) -> None:
        world = _World(place)
        world.taken("a")
        moved = world.step(world.revision)
        world.clock.advance(SECONDS)
        refusal(StaleRevision, lambda: world.asks("b", revision=world.revision))
        assert world.step(moved) == moved + 1, "the former owner is not fenced"
        assert world.taken("b", revision=moved + 1).revision == moved + 2

    def test_an_owner_known_to_be_gone_is_not_waited_for(self, place: Place) -> None:
        world = _World(place)
        world.taken("a")
        assert world.asks("b", is_gone=lambda owner: owner == "c") is None
        assert world.taken("b", is_gone=lambda owner: owner == "a").revision == world.revision + 1

    def test_losses_at_the_same_state_are_counted(self, place: Place) -> None:
        world = _World(place)
        world.taken("a")
        losses = []
        for number in range(3):
            lease = world.taken(f"b{number}", is_gone=lambda owner: True)
            losses.append(lease.losses)
        assert losses == [1, 2, 3]
        assert lease.revision is not None
        world.run.vars = {"n": 2}
        world.journal.commit(StepCommit(world.run, lease.revision, (), None))
        assert world.taken("c", is_gone=lambda owner: True).losses == 1, "it has got on"

    def test_who_holds_what_runs_is_told(self, place: Place) -> None:
        world = _World(place)
        world.taken("a")
        assert world.leases.held_by_others("b", world.clock()) == {"r": "a"}
        assert world.leases.held_by_others("a", world.clock()) == {}
        later = world.clock() + timedelta(seconds=SECONDS)
        assert world.leases.held_by_others("b", later) == {}
        world.run.status = RunStatus.COMPLETED
        world.step(world.revision)
        assert world.leases.held_by_others("b", world.clock()) == {}
