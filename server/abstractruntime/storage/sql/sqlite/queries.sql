-- Named queries. A name begins a query, the text up to the next name is the query.

-- name: head
-- What the next commit of a run must know.
SELECT last_seq, revision, weight, kept_weight, base_size, chained, rest
FROM ledger_heads WHERE run_id = ?;

-- name: lost_head
-- The same, recovered from the other tables, for a run whose head somebody removed.
SELECT
    COALESCE((SELECT MAX(seq) FROM ledger WHERE run_id = :run_id), 0),
    MAX(
        COALESCE((SELECT base_revision FROM runs WHERE run_id = :run_id), 0),
        COALESCE((SELECT MAX(revision) FROM ledger WHERE run_id = :run_id), 0),
        COALESCE((SELECT MAX(revision) FROM silent_steps WHERE run_id = :run_id), 0)
    );

-- name: put_head
INSERT INTO ledger_heads
    (run_id, last_seq, revision, updated_us, weight, kept_weight, base_size, chained, rest)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (run_id) DO UPDATE SET
    last_seq = excluded.last_seq, revision = excluded.revision, updated_us = excluded.updated_us,
    weight = excluded.weight, kept_weight = excluded.kept_weight, base_size = excluded.base_size,
    chained = excluded.chained, rest = excluded.rest;

-- name: move_head
-- After a step that wrote only a delta: its history is complete and it is plainly running.
UPDATE ledger_heads SET last_seq = ?, revision = ?, updated_us = ?, weight = ?, kept_weight = ?,
    chained = 1, rest = 0
WHERE run_id = ?;

-- name: move_head_seq
-- After a record was appended outside of any step.
INSERT INTO ledger_heads (run_id, last_seq, revision) VALUES (?, ?, ?)
ON CONFLICT (run_id) DO UPDATE SET last_seq = excluded.last_seq;

-- name: add_record
INSERT INTO ledger (run_id, seq, revision, done_key, record_json, delta) VALUES (?, ?, ?, ?, ?, ?);

-- name: write_one
-- A plain step with one record, all of it: see at_once.sql.
INSERT INTO one_record_step VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: write_two
INSERT INTO two_record_step VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: write_new
-- A new run without records, all of it.
INSERT INTO new_run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: write_rest
-- A step with one record or two by which a run comes to rest, or goes on from it.
INSERT INTO rest_step VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: write_last
-- The last step of a run, with two records to four, and its state whole where that is written.
INSERT INTO last_step VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: add_silent_step
INSERT INTO silent_steps (run_id, revision, delta) VALUES (?, ?, ?);

-- name: add_run
INSERT INTO runs
    (run_id, workflow_id, status, wait_reason, wait_until, wait_key, parent_run_id, actor_id, session_id,
     created_at, updated_at, updated_us, base_revision, base_seq, apart, run_json)
VALUES
    (:run_id, :workflow_id, :status, :wait_reason, :wait_until, :wait_key, :parent_run_id, :actor_id,
     :session_id, :created_at, :updated_at, :updated_us, :base_revision, :base_seq, :apart, :run_json);

-- name: move_run
-- A whole checkpoint by the engine, which never changes who a run is.
UPDATE runs SET status = :status, wait_reason = :wait_reason, wait_until = :wait_until,
    wait_key = :wait_key, updated_at = :updated_at, updated_us = :updated_us,
    base_revision = :base_revision, base_seq = :base_seq, apart = :apart, run_json = :run_json
WHERE run_id = :run_id;

-- name: rest_run
-- The run comes to rest; the delta of the step says how, its whole state is not touched.
UPDATE runs SET status = :status, wait_reason = :wait_reason, wait_until = :wait_until,
    wait_key = :wait_key, updated_at = :updated_at, updated_us = :updated_us
WHERE run_id = :run_id;

-- name: replace_run
-- A whole checkpoint by the host, whatever was there; only the time of creation stays.
UPDATE runs SET workflow_id = :workflow_id, parent_run_id = :parent_run_id, actor_id = :actor_id,
    session_id = :session_id, status = :status, wait_reason = :wait_reason, wait_until = :wait_until,
    wait_key = :wait_key, updated_at = :updated_at, updated_us = :updated_us,
    base_revision = :base_revision, base_seq = :base_seq, apart = :apart, run_json = :run_json
WHERE run_id = :run_id;

-- name: wake_run
-- The run goes on from its rest; its checkpoint is not touched.
UPDATE runs SET status = 'running', wait_reason = NULL, wait_until = NULL, wait_key = NULL,
    updated_at = ?, updated_us = ?
WHERE run_id = ?;

-- name: put_due
INSERT INTO wait_index (run_id, next_due_iso, updated_at_iso, status, due_us)
VALUES (?, ?, ?, 'waiting_until', ?)
ON CONFLICT (run_id) DO UPDATE SET next_due_iso = excluded.next_due_iso,
    updated_at_iso = excluded.updated_at_iso, due_us = excluded.due_us;

-- name: drop_due
DELETE FROM wait_index WHERE run_id = ?;

-- name: put_checkpoint
INSERT OR REPLACE INTO checkpoints (run_id, revision, seq, kept, state_json) VALUES (?, ?, ?, ?, ?);

-- name: drop_unkept
DELETE FROM checkpoints WHERE run_id = ? AND kept = 0;

-- name: keep_base_apart
UPDATE checkpoints SET kept = 1 WHERE run_id = ? AND kept = 0;

-- name: keep_base_inline
INSERT OR IGNORE INTO checkpoints (run_id, revision, seq, kept, state_json)
SELECT run_id, base_revision, base_seq, 1, run_json FROM runs WHERE run_id = ? AND apart = 0;

-- name: base
-- A run's last whole checkpoint and the revision it stands at now.
SELECT r.base_revision, r.base_seq, r.apart, r.run_json, h.revision
FROM runs AS r LEFT JOIN ledger_heads AS h ON h.run_id = r.run_id
WHERE r.run_id = ?;

-- name: state
-- The same with the text of that checkpoint, the run's head, and what changed since: a delta a line, in order, without
-- what is in silent_steps.
SELECT r.base_revision, r.base_seq, IIF(r.apart, c.state_json, r.run_json),
    h.last_seq, h.revision, h.weight, h.kept_weight, h.base_size, h.chained, h.rest,
    (SELECT group_concat(delta, char(10)) FROM (
        SELECT delta FROM ledger
        WHERE run_id = r.run_id AND seq > r.base_seq AND revision > r.base_revision AND delta IS NOT NULL
        ORDER BY seq
    ))
FROM runs AS r LEFT JOIN ledger_heads AS h ON h.run_id = r.run_id
    LEFT JOIN checkpoints AS c ON c.run_id = r.run_id AND c.revision = r.base_revision AND r.apart
WHERE r.run_id = ?;

-- name: workflow_of
SELECT workflow_id FROM runs WHERE run_id = ?;

-- name: checkpoint
SELECT state_json FROM checkpoints WHERE run_id = ? AND revision = ?;

-- name: kept_before
-- The last kept checkpoint that a revision builds on.
SELECT revision, seq, state_json FROM checkpoints
WHERE run_id = ? AND revision <= ? AND kept = 1 ORDER BY revision DESC LIMIT 1;

-- name: first_kept
SELECT revision, seq, state_json FROM checkpoints WHERE run_id = ? AND kept = 1 ORDER BY revision LIMIT 1;

-- name: deltas
-- What changed after a checkpoint (its seq and revision) up to a revision, in order; without what is in silent_steps.
SELECT revision, delta FROM ledger
WHERE run_id = :run_id AND seq > :seq AND revision > :base AND revision <= :last AND delta IS NOT NULL
ORDER BY seq;

-- name: silent_deltas
SELECT revision, delta FROM silent_steps WHERE run_id = :run_id AND revision > :base AND revision <= :last
ORDER BY revision;

-- name: revision_of_record
SELECT revision FROM ledger WHERE run_id = ? AND seq = ?;

-- name: records
SELECT record_json FROM ledger WHERE run_id = ? ORDER BY seq;

-- name: records_after
SELECT seq, record_json FROM ledger WHERE run_id = ? AND seq > ? ORDER BY seq LIMIT ?;

-- name: find_completed
SELECT seq, record_json FROM ledger WHERE run_id = ? AND done_key = ? ORDER BY position LIMIT 1;

-- name: count
SELECT last_seq FROM ledger_heads WHERE run_id = ? AND last_seq > 0;

-- name: family_with_news
-- A run and its descendants, those with a record after a position.
WITH RECURSIVE family (run_id) AS (
    SELECT ? UNION SELECT r.run_id FROM runs AS r JOIN family AS f ON r.parent_run_id = f.run_id
)
SELECT f.run_id, h.last_seq
FROM family AS f
JOIN ledger_heads AS h ON h.run_id = f.run_id
JOIN ledger AS l ON l.run_id = h.run_id AND l.seq = h.last_seq
WHERE l.position > ?;

-- name: position_of
SELECT position FROM ledger WHERE run_id = ? AND seq = ?;

-- name: positions_from
SELECT position, seq, run_id FROM ledger WHERE run_id = ? AND seq >= ? ORDER BY seq LIMIT ?;

-- name: record_at
SELECT record_json FROM ledger WHERE position = ?;

-- name: with_artifacts
-- Reads all text that is kept, and takes none of it apart; a run may be named more than once.
SELECT run_id FROM ledger WHERE INSTR(record_json, 'artifact') OR INSTR(COALESCE(delta, ''), 'artifact')
UNION ALL SELECT run_id FROM silent_steps WHERE INSTR(delta, 'artifact')
UNION ALL SELECT run_id FROM runs WHERE INSTR(run_json, 'artifact')
UNION ALL SELECT run_id FROM checkpoints WHERE INSTR(state_json, 'artifact');

-- name: find_waiting
SELECT run_id FROM runs WHERE wait_key = ? LIMIT ?;

-- name: listen
INSERT INTO listening (run_id, wait_key) VALUES (?, ?)
ON CONFLICT (run_id) DO UPDATE SET wait_key = excluded.wait_key WHERE wait_key <> excluded.wait_key;

-- name: stop_listening
DELETE FROM listening WHERE run_id = ?;

-- name: find_listening
SELECT run_id FROM listening WHERE wait_key = ? LIMIT ?;

-- name: waiting_keys
SELECT DISTINCT wait_key FROM runs WHERE wait_key >= ? AND wait_key < ? ORDER BY wait_key LIMIT ?;

-- name: perhaps_stranded
-- Runs that wait for a child and have one that is over; looks at those that wait for a child only.
SELECT p.run_id FROM runs AS p INDEXED BY runs_by_wait_key
WHERE p.wait_key >= 'subworkflow:' AND p.wait_key < 'subworkflow;' AND (
    EXISTS (SELECT 1 FROM runs AS c WHERE c.run_id = SUBSTR(p.wait_key, 13)
        AND c.status IN ('completed', 'failed', 'cancelled'))
    OR EXISTS (SELECT 1 FROM runs AS c INDEXED BY runs_by_parent WHERE c.parent_run_id = p.run_id
        AND c.status IN ('completed', 'failed', 'cancelled'))
);

-- name: due
SELECT run_id FROM wait_index WHERE due_us <= ? ORDER BY due_us LIMIT ?;

-- name: children
SELECT run_id FROM runs WHERE parent_run_id = :parent_run_id AND (:status IS NULL OR status = :status)
ORDER BY created_at, run_id;

-- name: newest_by_status
-- Runs at rest; those that run have a fresher time in ledger_heads, see newest_running.
SELECT run_id, workflow_id, status, wait_reason, wait_until, parent_run_id, actor_id, session_id,
    created_at, updated_at, updated_us
FROM runs INDEXED BY runs_by_status
WHERE status = :status AND (:wait_reason IS NULL OR wait_reason = :wait_reason)
    AND (:root_only = 0 OR parent_run_id IS NULL OR parent_run_id = '')
ORDER BY updated_us DESC LIMIT :limit;

-- name: newest_by_workflow
SELECT run_id, workflow_id, status, wait_reason, wait_until, parent_run_id, actor_id, session_id,
    created_at, updated_at, updated_us
FROM runs INDEXED BY runs_by_workflow
WHERE workflow_id = :workflow_id AND status <> 'running' AND (:status IS NULL OR status = :status)
    AND (:session_id IS NULL OR session_id = :session_id)
    AND (:wait_reason IS NULL OR wait_reason = :wait_reason)
    AND (:root_only = 0 OR parent_run_id IS NULL OR parent_run_id = '')
ORDER BY updated_us DESC LIMIT :limit;

-- name: newest_by_session
SELECT run_id, workflow_id, status, wait_reason, wait_until, parent_run_id, actor_id, session_id,
    created_at, updated_at, updated_us
FROM runs INDEXED BY runs_by_session
WHERE session_id = :session_id AND status <> 'running' AND (:status IS NULL OR status = :status)
    AND (:wait_reason IS NULL OR wait_reason = :wait_reason)
    AND (:root_only = 0 OR parent_run_id IS NULL OR parent_run_id = '')
ORDER BY updated_us DESC LIMIT :limit;

-- name: newest_running
SELECT r.run_id, r.workflow_id, r.status, r.wait_reason, r.wait_until, r.parent_run_id, r.actor_id,
    r.session_id, r.created_at, NULL, MAX(r.updated_us, COALESCE(h.updated_us, 0)) AS fresh_us
FROM runs AS r INDEXED BY runs_by_status LEFT JOIN ledger_heads AS h ON h.run_id = r.run_id
WHERE r.status = 'running' AND (:workflow_id IS NULL OR r.workflow_id = :workflow_id)
    AND (:session_id IS NULL OR r.session_id = :session_id)
    AND (:root_only = 0 OR r.parent_run_id IS NULL OR r.parent_run_id = '')
ORDER BY fresh_us DESC LIMIT :limit;

-- name: running
-- All runs that run and when they were last touched, in no order.
SELECT r.run_id, MAX(r.updated_us, COALESCE(h.updated_us, 0))
FROM runs AS r INDEXED BY runs_by_status LEFT JOIN ledger_heads AS h ON h.run_id = r.run_id
WHERE r.status = 'running';

-- name: lease
SELECT owner, epoch, until_us, losses, mark FROM leases WHERE run_id = ?;

-- name: put_lease
INSERT OR REPLACE INTO leases (run_id, owner, epoch, until_us, losses, mark) VALUES (?, ?, ?, ?, ?, ?);

-- name: renew_lease
UPDATE leases SET until_us = ? WHERE run_id = ? AND owner = ? AND epoch = ?;

-- name: drop_lease
DELETE FROM leases WHERE run_id = ? AND owner = ? AND epoch = ?;

-- name: leases_of_others
SELECT l.run_id, l.owner FROM runs AS r INDEXED BY runs_by_status JOIN leases AS l ON l.run_id = r.run_id
WHERE r.status = 'running' AND l.owner <> ? AND l.until_us > ?;

-- name: command_seq
SELECT seq FROM commands WHERE command_id = ?;

-- name: add_command
INSERT INTO commands (command_id, run_id, type, payload_json, ts, client_id) VALUES (?, ?, ?, ?, ?, ?);

-- name: commands_after
SELECT command_id, run_id, type, NULL AS payload, ts, client_id, seq, payload_json
FROM commands WHERE seq > ? ORDER BY seq LIMIT ?;

-- name: last_command
SELECT COALESCE(MAX(seq), 0) FROM commands;

-- name: cursor
SELECT cursor FROM command_cursors WHERE consumer_id = ?;

-- name: put_cursor
INSERT INTO command_cursors (consumer_id, cursor, updated_at) VALUES (?, ?, ?)
ON CONFLICT (consumer_id) DO UPDATE SET cursor = excluded.cursor, updated_at = excluded.updated_at;

-- name: put_snapshot
INSERT OR REPLACE INTO snapshots (snapshot_id, run_id, created_us, snapshot_json) VALUES (?, ?, ?, ?);

-- name: snapshot
SELECT snapshot_json FROM snapshots WHERE snapshot_id = ?;

-- name: drop_snapshot
DELETE FROM snapshots WHERE snapshot_id = ?;

-- name: snapshots
SELECT snapshot_id, snapshot_json FROM snapshots WHERE :run_id IS NULL OR run_id = :run_id;

-- name: artifact
SELECT metadata_json FROM artifacts WHERE artifact_id = ?;

-- name: put_artifact
INSERT OR REPLACE INTO artifacts (artifact_id, run_id, created_us, blob_id, metadata_json)
VALUES (?, ?, ?, ?, ?);

-- name: drop_artifact
DELETE FROM artifacts WHERE artifact_id = ?;

-- name: artifacts_of_run
SELECT artifact_id, metadata_json FROM artifacts WHERE run_id = ?
ORDER BY created_us DESC, artifact_id DESC;

-- name: newest_artifacts
SELECT artifact_id, metadata_json FROM artifacts ORDER BY created_us DESC, artifact_id DESC LIMIT ?;

-- name: put_blob
INSERT OR REPLACE INTO blobs (blob_id, content) VALUES (?, ?);

-- name: blob
SELECT content FROM blobs WHERE blob_id = ?;

-- name: count_blobs
SELECT COUNT(*) FROM blobs;

-- name: count_unused_blobs
SELECT COUNT(*), COALESCE(SUM(LENGTH(content)), 0) FROM blobs
WHERE blob_id NOT IN (SELECT blob_id FROM artifacts);

-- name: drop_unused_blobs
DELETE FROM blobs WHERE blob_id NOT IN (SELECT blob_id FROM artifacts);

-- name: remove_records
DELETE FROM ledger WHERE run_id = ?;

-- name: remove_silent_steps
DELETE FROM silent_steps WHERE run_id = ?;

-- name: remove_checkpoints
DELETE FROM checkpoints WHERE run_id = ?;

-- name: remove_head
DELETE FROM ledger_heads WHERE run_id = ?;

-- name: remove_lease
DELETE FROM leases WHERE run_id = ?;

-- name: remove_run
DELETE FROM runs WHERE run_id = ?;

-- name: anchor
SELECT length, head, seal FROM chain_anchors WHERE run_id = ?;

-- name: put_anchor
INSERT INTO chain_anchors (run_id, length, head, seal) VALUES (?, ?, ?, ?)
ON CONFLICT (run_id) DO UPDATE SET length = excluded.length, head = excluded.head, seal = excluded.seal
WHERE excluded.length > length;

-- name: drop_anchor
DELETE FROM chain_anchors WHERE run_id = ?;
