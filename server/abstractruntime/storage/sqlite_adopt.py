"""Take over a file of the layout before ours, which had no version: its runs and ledgers stay.

The old tables are renamed, ours are created, the rows are copied, the old tables are dropped; all in
the transaction of the migration. Other tables in the file are left alone.
"""

from __future__ import annotations

import sqlite3

from .steps import moment_micros

_OURS = ("runs", "wait_index", "ledger", "ledger_heads")
_RUN_COLUMNS = (
    "workflow_id",
    "status",
    "wait_reason",
    "wait_until",
    "parent_run_id",
    "actor_id",
    "session_id",
    "created_at",
    "updated_at",
)


def set_old_aside(connection: sqlite3.Connection) -> None:
    """Rename the tables of an unversioned file and drop their indexes."""
    for table in _tables(connection, _OURS):
        for (index,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL",
            (table,),
        ).fetchall():
            connection.execute(f'DROP INDEX "{index}"')
        connection.execute(f'ALTER TABLE "{table}" RENAME TO "old_{table}"')


def bring_over(connection: sqlite3.Connection) -> None:
    """Copy the rows that were set aside and drop their tables."""
    connection.create_function("micros", 1, _micros, deterministic=True)
    old = _tables(connection, tuple(f"old_{table}" for table in _OURS))
    if "old_runs" in old:
        _bring_runs(connection)
    if "old_ledger" in old:
        _bring_ledger(connection)
    fill_heads(connection)
    for table in old:
        connection.execute(f'DROP TABLE "{table}"')


def fill_heads(connection: sqlite3.Connection) -> None:
    """Write the heads of runs and ledgers that have none."""
    connection.execute(
        """
        INSERT OR IGNORE INTO ledger_heads (run_id, last_seq, revision)
        SELECT run_id, MAX(seq), MAX(revision) FROM ledger GROUP BY run_id
        """
    )
    connection.execute(
        """
        INSERT INTO ledger_heads (run_id, last_seq, revision, updated_us, base_size, rest)
        SELECT r.run_id, 0, MAX(r.base_revision, COALESCE(
                (SELECT MAX(s.revision) FROM silent_steps AS s WHERE s.run_id = r.run_id), 0)),
            r.updated_us, LENGTH(r.run_json),
            CASE WHEN w.run_id IS NOT NULL THEN 2 WHEN r.status = 'running' THEN 0 ELSE 1 END
        FROM runs AS r LEFT JOIN wait_index AS w ON w.run_id = r.run_id WHERE TRUE
        ON CONFLICT (run_id) DO UPDATE SET
            revision = MAX(revision, excluded.revision), updated_us = excluded.updated_us,
            base_size = excluded.base_size, rest = excluded.rest
        WHERE ledger_heads.base_size = 0
        """
    )


def _bring_runs(connection: sqlite3.Connection) -> None:
    present = {row[1] for row in connection.execute('PRAGMA table_info("old_runs")')}
    columns = ", ".join(name if name in present else f"NULL AS {name}" for name in _RUN_COLUMNS)
    connection.execute(
        f"""
        INSERT INTO runs (run_id, {", ".join(_RUN_COLUMNS)}, wait_key, updated_us, base_revision, run_json)
        SELECT run_id, {columns},
            CASE WHEN status = 'waiting' AND json_valid(run_json)
                THEN json_extract(run_json, '$.waiting.wait_key') END,
            COALESCE(micros(updated_at), 0), 1, run_json
        FROM old_runs ORDER BY rowid
        """
    )
    connection.execute(
        """
        INSERT INTO wait_index (run_id, next_due_iso, updated_at_iso, due_us)
        SELECT run_id, wait_until, updated_at, micros(wait_until) FROM runs
        WHERE status = 'waiting' AND wait_reason = 'until' AND micros(wait_until) IS NOT NULL
        """
    )


def _bring_ledger(connection: sqlite3.Connection) -> None:
    sql = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'old_ledger'").fetchone()[0]
    order = "run_id, seq" if "WITHOUT ROWID" in sql.upper() else "rowid"
    connection.execute(
        f"""
        INSERT INTO ledger (run_id, seq, revision, done_key, record_json)
        SELECT run_id, seq, 0,
            CASE WHEN json_valid(record_json) AND json_extract(record_json, '$.status') = 'completed'
                AND json_type(record_json, '$.result') <> 'null'
                THEN json_extract(record_json, '$.idempotency_key') END,
            record_json
        FROM old_ledger ORDER BY {order}
        """
    )


def _tables(connection: sqlite3.Connection, names: tuple[str, ...]) -> list[str]:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return [row[0] for row in rows if row[0] in names]


def _micros(value: object) -> int | None:
    return moment_micros(value) if isinstance(value, str) else None
