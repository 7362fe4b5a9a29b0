-- Commands, cursors, snapshots, artifacts and anchors. A file of the layout before ours may have the first two.

CREATE TABLE IF NOT EXISTS commands (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    command_id   TEXT NOT NULL UNIQUE,
    run_id       TEXT NOT NULL,
    type         TEXT NOT NULL,
    payload_json TEXT NOT NULL,
    ts           TEXT NOT NULL,
    client_id    TEXT
);
CREATE INDEX IF NOT EXISTS commands_by_run ON commands (run_id);

CREATE TABLE IF NOT EXISTS command_cursors (
    consumer_id TEXT PRIMARY KEY,
    cursor      INTEGER NOT NULL,
    updated_at  TEXT
);

CREATE TABLE snapshots (
    snapshot_id   TEXT PRIMARY KEY,
    run_id        TEXT NOT NULL,
    created_us    INTEGER NOT NULL,
    snapshot_json TEXT NOT NULL
);
CREATE INDEX snapshots_by_run ON snapshots (run_id);

CREATE TABLE artifacts (
    artifact_id   TEXT PRIMARY KEY,
    run_id        TEXT,
    created_us    INTEGER NOT NULL,
    blob_id       TEXT NOT NULL,
    metadata_json TEXT NOT NULL
);
CREATE INDEX artifacts_by_run ON artifacts (run_id, created_us, artifact_id) WHERE run_id IS NOT NULL;
CREATE INDEX artifacts_by_time ON artifacts (created_us, artifact_id);
CREATE INDEX artifacts_by_blob ON artifacts (blob_id);

CREATE TABLE blobs (                             -- bytes, once, whichever artifacts share them
    blob_id TEXT PRIMARY KEY,
    content BLOB NOT NULL
);

CREATE TABLE chain_anchors (                     -- length and head of each run's chain, apart from its records
    run_id TEXT PRIMARY KEY,
    length INTEGER NOT NULL,
    head   TEXT NOT NULL,
    seal   TEXT                                  -- an HMAC over both, where there is a key
) WITHOUT ROWID;
