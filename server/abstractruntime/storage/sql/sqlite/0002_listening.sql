-- Which runs listen for an event for good: a listener is found by its key also while it is busy.

CREATE TABLE listening (                         -- until the run is over
    run_id   TEXT PRIMARY KEY,
    wait_key TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX listening_by_wait_key ON listening (wait_key);
