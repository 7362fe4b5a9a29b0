"""Leases in a SQLite file: shared by all processes that have it open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ..core.clock import instant_micros
from .base import Asking, Lease, LeaseStore
from .leases import fencing_step, losses_after, state_mark
from .migrate import named_queries
from .sqlite_database import SqliteDatabase
from .sqlite_reads import stored_checkpoint
from .sqlite_writes import prepare, write_step

_Q = named_queries("sqlite")


class SqliteLeases(LeaseStore):
    """Keeps leases in a SQLite file."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    def take(self, asking: Asking) -> Lease | None:
        """Give the lease, or None while another owner has it."""
        run_id, owner, epoch = asking.run_id, asking.owner, asking.epoch
        revision, losses, mark = None, 0, None
        with self._database.write() as connection:
            row = connection.execute(_Q["lease"], (run_id,)).fetchone()
            if row is not None and row[0] != owner:
                if row[2] > instant_micros(asking.now) and not asking.is_gone(row[0]):
                    return None
                found = stored_checkpoint(connection, run_id)
                if found is not None:
                    mark = state_mark(found.run)
                    losses = losses_after(row[3], row[4], mark)
                    fence = fencing_step(found.run, found.revision, asking.revision)
                    revision = write_step(connection, prepare(fence)).revision
            until = instant_micros(asking.until)
            connection.execute(_Q["put_lease"], (run_id, owner, epoch, until, losses, mark))
        return Lease(run_id, owner, epoch, revision, losses)

    def is_held(self, lease: Lease) -> bool:
        """Say whether nobody has taken this lease over or ended it."""
        rows = self._database.rows(_Q["lease"], (lease.run_id,))
        return bool(rows) and tuple(rows[0])[:2] == (lease.owner, lease.epoch)

    def renew(self, leases: Sequence[Lease], until: datetime) -> list[Lease]:
        """Let leases hold until then, and return those that were lost."""
        until_us, lost = instant_micros(until), []
        with self._database.write() as connection:
            for one in leases:
                place = (until_us, one.run_id, one.owner, one.epoch)
                if connection.execute(_Q["renew_lease"], place).rowcount != 1:
                    lost.append(one)
        return lost

    def release(self, lease: Lease) -> None:
        """End a lease; one that somebody else has by now stays as it is."""
        with self._database.write() as connection:
            connection.execute(_Q["drop_lease"], (lease.run_id, lease.owner, lease.epoch))

    def held_by_others(self, owner: str, now: datetime) -> dict[str, str]:
        """Return the owners of the RUNNING runs that others hold at that moment, by run."""
        rows = self._database.rows(_Q["leases_of_others"], (owner, instant_micros(now)))
        return {row[0]: row[1] for row in rows}
