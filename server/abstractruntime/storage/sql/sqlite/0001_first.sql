-- The first layout. The tables and columns of the published contract keep their names: runs,
-- wait_index, ledger(run_id, seq, record_json), ledger_heads(run_id, last_seq).
--
-- What a step writes: its rows in ledger (the last of them with the delta) and one narrow row in
-- ledger_heads. runs is written when a run parks, wakes, ends, and at whole checkpoints.

CREATE TABLE runs (
    run_id        TEXT PRIMARY KEY,
    workflow_id   TEXT NOT NULL,
    status        TEXT NOT NULL,
    wait_reason   TEXT,
    wait_until    TEXT,
    wait_key      TEXT,                          -- only while the run waits
    parent_run_id TEXT,
    actor_id      TEXT,
    session_id    TEXT,
    created_at    TEXT,
    updated_at    TEXT,
    updated_us    INTEGER NOT NULL DEFAULT 0,    -- updated_at as an instant, microseconds since 1970
    base_revision INTEGER NOT NULL DEFAULT 0,    -- revision of the whole checkpoint in run_json
    base_seq      INTEGER NOT NULL DEFAULT 0,    -- last ledger record that it includes
    apart         INTEGER NOT NULL DEFAULT 0,    -- 1: too large for here, it lies in checkpoints
    run_json      TEXT NOT NULL
);
CREATE INDEX runs_by_status ON runs (status, updated_us);
CREATE INDEX runs_by_workflow ON runs (workflow_id, updated_us);
CREATE INDEX runs_by_session ON runs (session_id, updated_us) WHERE session_id IS NOT NULL;
CREATE INDEX runs_by_parent ON runs (parent_run_id) WHERE parent_run_id IS NOT NULL;
CREATE INDEX runs_by_wait_key ON runs (wait_key) WHERE wait_key IS NOT NULL;

CREATE TABLE wait_index (                        -- a row for every run that waits for a moment
    run_id         TEXT PRIMARY KEY,
    next_due_iso   TEXT NOT NULL,
    updated_at_iso TEXT,
    status         TEXT NOT NULL DEFAULT 'waiting_until',
    due_us         INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX wait_index_by_due ON wait_index (due_us);

CREATE TABLE ledger (
    position    INTEGER PRIMARY KEY,             -- grows across all runs, in commit order
    run_id      TEXT NOT NULL,
    seq         INTEGER NOT NULL,
    revision    INTEGER NOT NULL DEFAULT 0,      -- of the commit that wrote it
    done_key    TEXT,                            -- idempotency key of a result that may be reused
    record_json TEXT NOT NULL,
    delta       TEXT,                            -- what the commit changed; on its last record
    UNIQUE (run_id, seq)
);
CREATE INDEX ledger_by_done_key ON ledger (run_id, done_key) WHERE done_key IS NOT NULL;

CREATE TABLE ledger_heads (
    run_id      TEXT PRIMARY KEY,
    last_seq    INTEGER NOT NULL,
    revision    INTEGER NOT NULL DEFAULT 0,    -- of the run; 0: records without a run
    updated_us  INTEGER NOT NULL DEFAULT 0,
    weight      INTEGER NOT NULL DEFAULT 0,    -- characters of deltas since run_json
    kept_weight INTEGER NOT NULL DEFAULT 0,    -- characters of deltas since the last kept checkpoint
    base_size   INTEGER NOT NULL DEFAULT 0,    -- characters of the last whole checkpoint
    chained     INTEGER NOT NULL DEFAULT 0,    -- 1: a kept checkpoint and deltas lead up to here
    rest        INTEGER NOT NULL DEFAULT 0     -- 1: not plainly running; 2: and wait_index has a row
) WITHOUT ROWID;

CREATE TABLE silent_steps (                      -- deltas of commits without a record
    run_id   TEXT NOT NULL,
    revision INTEGER NOT NULL,
    delta    TEXT NOT NULL,
    PRIMARY KEY (run_id, revision)
) WITHOUT ROWID;

CREATE TABLE checkpoints (                       -- whole states: kept for history, or too large for runs
    run_id     TEXT NOT NULL,
    revision   INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    kept       INTEGER NOT NULL,
    state_json TEXT NOT NULL,
    PRIMARY KEY (run_id, revision)
) WITHOUT ROWID;
