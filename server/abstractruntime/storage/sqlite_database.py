"""One SQLite file: its connections, its transactions, and what its errors mean.

All writing of a process goes through one connection under a lock, so that threads take turns here and
not in SQLite's polling (`_take_turn` says how); every thread has a connection of its own for reading. The file is in WAL
mode: readers never wait.

Power cuts. SQLite runs with `synchronous=NORMAL`: a commit survives the death of the process, the
last ones may be lost with the power. A durable commit syncs the log file before it returns, which is
what `synchronous=FULL` does, but after the lock is released: commits of other threads go on
meanwhile, and one sync serves all that were committed before it began.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from time import sleep
from types import TracebackType
from typing import Any

from ..core.errors import StoreBusy, StoreDamaged, StoreError, StoreFull, StoreUnsynced
from .files import MAKE_ROOM, Sync, is_full
from .migrate import folder, migrate, migrations, statements
from .sqlite_adopt import bring_over, fill_heads, set_old_aside

_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_SCRIPTS = migrations("sqlite")
_AT_ONCE = tuple(statements((folder("sqlite") / "at_once.sql").read_text(encoding="utf-8")))
_WAL_TRIES = 50
_PAUSES = (
    0.00005,
    0.0001,
    0.0002,
    0.0004,
    0.0008,
    0.002,
    0.004,
)  # seconds between looks whether it is one's turn


class _Handle:
    """A connection that is closed when its thread ends or its database is closed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.in_use = threading.RLock()

    def close(self) -> None:
        """Close the connection when whoever reads from it is done."""
        with self.in_use:
            self.connection.close()

    def __del__(self) -> None:
        self.connection.close()


class SqliteDatabase:
    """A SQLite file with our tables, created or brought up to date when it is opened.

    `sync` says which commits survive a power cut, see `storage/files.py`: those that are marked durable
    unless told otherwise.
    """

    def __init__(self, path: str | os.PathLike[str], *, sync: Sync | str = Sync.MARKED) -> None:
        if str(path) == ":memory:":
            raise ValueError("SqliteDatabase needs a file; for memory use InMemoryRunStore.")
        self._path = Path(path).expanduser().resolve()
        self._lock = threading.RLock()
        self._local = threading.local()
        self._handles: weakref.WeakSet[_Handle] = weakref.WeakSet()
        self._closed = False
        self.sync = Sync(sync)
        self._committed = self._synced = self._version = 0  # the version is SQLite's, see `stands_at`
        self._log: int | None = None
        self._unsynced: str | None = None
        self._sync_lock = threading.Lock()
        with self._told():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = self._connect()
            with contextlib.ExitStack() as unless_ready:
                unless_ready.callback(self._writer.connection.close)
                self._prepare()
                unless_ready.pop_all()

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return self._path

    def connection(self) -> sqlite3.Connection:
        """Return this thread's own connection; it commits each statement by itself."""
        return self._reader().connection

    def write(self, *, durable: bool = False) -> Writing:
        """Return a transaction to write in; `durable` makes its commit survive a power cut."""
        if self.sync is not Sync.MARKED:
            durable = self.sync is Sync.ALWAYS
        return Writing(self, durable)

    def write_at_once(self, statement: str, values: tuple[Any, ...], *, durable: bool = False) -> int:
        """Write one statement as a transaction of its own; return the commit's number, for `stands_at`.

        That is 0 if a condition in the statement refuses, and nothing is written.
        """
        if self._unsynced is not None:
            raise self.lost()
        lock = self._lock
        if not lock.acquire(False):
            self._take_turn()
        try:
            self._writer.connection.execute(statement, values)
            self._committed += 1
            commit = self._committed
        except sqlite3.IntegrityError:
            return 0
        except sqlite3.Error as error:
            raise self.translated(error) from error
        finally:
            lock.release()
        if durable if self.sync is Sync.MARKED else self.sync is Sync.ALWAYS:
            self._sync(commit)
        return commit

    def stands_at(self, commit: int) -> bool:
        """Say whether nobody, in whatever process, has written to the file since that commit of this one.

        False also where that cannot be told at once: another thread is writing just now.
        """
        if commit != self._committed or not self._lock.acquire(blocking=False):
            return False
        try:
            connection = self._writer.connection
            if commit != self._committed or connection.in_transaction:
                return False
            version = connection.execute("PRAGMA data_version").fetchone()[0]  # others' commits change it
            is_same: bool = version == self._version
            self._version = version
            return is_same
        except sqlite3.Error as error:
            raise self.translated(error) from error
        finally:
            self._lock.release()

    def rows(self, query: str, values: tuple[Any, ...] | dict[str, Any] = ()) -> list[Any]:
        """Return the rows of one query, which by itself sees one moment."""
        handle = self._reader()
        try:
            with handle.in_use:
                return handle.connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self.translated(error) from error

    def few_rows(self, query: str, values: tuple[Any, ...]) -> list[Any]:
        """Return the rows of a short query, over the writing connection if nobody writes just now.

        What is written and read in turn is in the cache of that one; a reader's is void after every commit.
        """
        if not self._lock.acquire(blocking=False):
            return self.rows(query, values)
        try:
            connection = self._writer.connection
            if connection.in_transaction:  # this thread's own, which others do not see yet
                return self.rows(query, values)
            return connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self.translated(error) from error
        finally:
            self._lock.release()

    @contextlib.contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Give a connection on which all reads see one moment."""
        handle = self._reader()
        connection = handle.connection
        with handle.in_use, self._told():
            if connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                if connection.in_transaction:
                    connection.execute("COMMIT")

    def close(self) -> None:
        """Close all connections, those of other threads too; safe to call twice."""
        with self._lock, self._sync_lock:
            self._closed = True
            for handle in [*self._handles]:
                handle.close()
            if self._log is not None:
                os.close(self._log)
                self._log = None
        self._local = threading.local()

    def _take_turn(self) -> None:
        """Take the lock; look a few times whether it is free before queueing for it.

        Who queues is handed the lock, and must then wait for Python's own lock, which the one who gave it away
        holds until it wants ours again: two threads would change places at every statement. Not so
        while somebody waits for the disk: then ours is soon free, and Python's too.
        """
        lock = self._lock
        if lock.acquire(blocking=False):
            return
        for pause in _PAUSES:
            if self._sync_lock.locked():
                break
            sleep(pause)
            if lock.acquire(blocking=False):
                return
        lock.acquire()

    def _sync(self, commit: int) -> None:
        """Make all commits up to this one survive a power cut."""
        with self._sync_lock:
            if self._synced >= commit or self._closed:
                return
            covered = self._committed
            try:
                if self._log is None:
                    self._log = os.open(f"{self._path}-wal", os.O_RDWR)
                os.fsync(self._log)
            except OSError as error:
                self._unsynced = str(error)
                raise self.lost() from error
            self._synced = covered

    def _reader(self) -> _Handle:
        handle: _Handle | None = getattr(self._local, "handle", None)
        if handle is None:
            if self._closed:
                raise StoreError(f"The database {self._path} is closed.")
            with self._told():
                handle = self._connect()
            handle.connection.row_factory = sqlite3.Row
            self._local.handle = handle
        return handle

    def _connect(self) -> _Handle:
        connection = sqlite3.connect(
            self._path,
            timeout=30.0,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        handle = _Handle(connection)
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute(f"PRAGMA synchronous = {'OFF' if self.sync is Sync.NEVER else 'NORMAL'}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")  # pages: as many bytes as usual
        self._handles.add(handle)
        return handle

    def _prepare(self) -> None:
        connection = self._writer.connection
        self._enter_wal(connection)
        migrate(
            connection,
            _SCRIPTS,
            before=lambda: set_old_aside(connection),
            after=lambda: bring_over(connection),
            where=str(self._path),
        )
        self._mend_heads(connection)
        connection.execute("PRAGMA temp_store = MEMORY")
        for statement in _AT_ONCE:
            connection.execute(statement)
        self._version = connection.execute("PRAGMA data_version").fetchone()[0]

    def _enter_wal(self, connection: sqlite3.Connection) -> None:
        """Switch to WAL; another process may be switching at the same moment.

        A quarter of the usual page size halves what a step writes: it touches a few pages, each a little.
        """
        connection.execute("PRAGMA page_size = 1024")
        for attempt in range(_WAL_TRIES):
            try:
                mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
                break
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode not in _BUSY or attempt == _WAL_TRIES - 1:
                    raise
                sleep(0.02)
        if mode != "wal":
            raise StoreError(
                f"The folder of {self._path} cannot hold a shared log; choose one on a local disk."
            )

    def _mend_heads(self, connection: sqlite3.Connection) -> None:
        """Write the heads again when somebody emptied or dropped their table."""
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        if "ledger_heads" in tables and not connection.execute(_HEADS_ARE_LOST).fetchone()[0]:
            return
        with self.write():
            if "ledger_heads" not in tables:
                [table] = [one for one in statements(_SCRIPTS[1]) if "CREATE TABLE ledger_heads" in one]
                connection.execute(table)
            fill_heads(connection)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise self.translated(error) from error

    def lost(self) -> StoreUnsynced:
        """Return why nothing is written any more: a sync that failed once may succeed and have lost data."""
        return StoreUnsynced(
            f"The disk did not take what was written to {self._path} ({self._unsynced}). Nothing more is "
            "written: restart the program, so that it goes on from what the disk holds."
        )

    def translated(self, error: sqlite3.Error | OSError) -> StoreError:
        """Return what a failure of SQLite means, naming the file."""
        code = getattr(error, "sqlite_errorcode", None)
        primary = code & 0xFF if isinstance(code, int) else None
        if primary in _BUSY:
            return StoreBusy(f"The database {self._path} is held by another writer; try again.")
        if primary in _DAMAGED:
            return StoreDamaged(f"The database {self._path} is damaged: {error}.")
        if primary == sqlite3.SQLITE_FULL or (primary == sqlite3.SQLITE_IOERR and is_full(self._path.parent)):
            return StoreFull(f"The disk is full; nothing was written to {self._path}. {MAKE_ROOM}")
        if self._closed:
            return StoreError(f"The database {self._path} is closed.")
        return StoreError(f"The database {self._path} cannot be used: {error}.")


_HEADS_ARE_LOST = """
    SELECT NOT EXISTS (SELECT 1 FROM ledger_heads)
        AND (EXISTS (SELECT 1 FROM ledger) OR EXISTS (SELECT 1 FROM runs))
"""


class Writing:
    """A transaction on the writing connection, for `with`; threads take turns."""

    __slots__ = ("_database", "_durable")

    def __init__(self, database: SqliteDatabase, durable: bool) -> None:
        self._database = database
        self._durable = durable

    def __enter__(self) -> sqlite3.Connection:
        database = self._database
        if database._unsynced is not None:
            raise database.lost()
        database._take_turn()
        connection = database._writer.connection
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            database._lock.release()
            raise database.translated(error) from error
        return connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        database = self._database
        connection = database._writer.connection
        try:
            if error is None:
                connection.execute("COMMIT")
                database._committed += 1
            elif connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error as failure:
            with contextlib.suppress(sqlite3.Error):
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            raise database.translated(failure) from failure
        finally:
            commit = database._committed
            database._lock.release()
        if isinstance(error, sqlite3.Error):
            raise database.translated(error) from error
        if error is None and self._durable:
            database._sync(commit)
