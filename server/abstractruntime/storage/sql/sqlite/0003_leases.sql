-- Who drives a run just now, so that of several processes at one file only one carries out its effects.

CREATE TABLE leases (                            -- a row while somebody drives the run
    run_id   TEXT PRIMARY KEY,
    owner    TEXT NOT NULL,
    epoch    INTEGER NOT NULL,                   -- of this taking, unique for its owner
    until_us INTEGER NOT NULL,                   -- not renewed by then: the owner is taken for dead
    losses   INTEGER NOT NULL DEFAULT 0,         -- owners lost in a row at the very same state
    mark     TEXT                                -- digest of that state
) WITHOUT ROWID;
