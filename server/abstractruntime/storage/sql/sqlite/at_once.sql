-- Steps that are one statement, and so one transaction: views of the writing connection, and what to insert
-- into them means. Nothing is written unless the head of the run still stands where the step builds on.

CREATE TEMP VIEW one_record_step AS SELECT
    NULL AS run_id, NULL AS last_seq, NULL AS revision, NULL AS updated_us, NULL AS weight, NULL AS kept_weight,
    NULL AS from_revision, NULL AS from_seq, NULL AS done_key, NULL AS record_json, NULL AS delta;

CREATE TEMP TRIGGER one_record_step_is_written INSTEAD OF INSERT ON one_record_step BEGIN
    UPDATE ledger_heads SET last_seq = NEW.last_seq, revision = NEW.revision, updated_us = NEW.updated_us,
        weight = NEW.weight, kept_weight = NEW.kept_weight
    WHERE run_id = NEW.run_id AND revision = NEW.from_revision AND last_seq = NEW.from_seq
        AND rest = 0 AND chained = 1;
    SELECT RAISE(ABORT, 'the head has moved') WHERE changes() <> 1;
    INSERT INTO ledger (run_id, seq, revision, done_key, record_json, delta)
    VALUES (NEW.run_id, NEW.last_seq, NEW.revision, NEW.done_key, NEW.record_json, NEW.delta);
END;

CREATE TEMP VIEW two_record_step AS SELECT
    NULL AS run_id, NULL AS last_seq, NULL AS revision, NULL AS updated_us, NULL AS weight, NULL AS kept_weight,
    NULL AS from_revision, NULL AS from_seq, NULL AS first_key, NULL AS first_json,
    NULL AS done_key, NULL AS record_json, NULL AS delta;

CREATE TEMP TRIGGER two_record_step_is_written INSTEAD OF INSERT ON two_record_step BEGIN
    UPDATE ledger_heads SET last_seq = NEW.last_seq, revision = NEW.revision, updated_us = NEW.updated_us,
        weight = NEW.weight, kept_weight = NEW.kept_weight
    WHERE run_id = NEW.run_id AND revision = NEW.from_revision AND last_seq = NEW.from_seq
        AND rest = 0 AND chained = 1;
    SELECT RAISE(ABORT, 'the head has moved') WHERE changes() <> 1;
    INSERT INTO ledger (run_id, seq, revision, done_key, record_json, delta)
    VALUES (NEW.run_id, NEW.last_seq - 1, NEW.revision, NEW.first_key, NEW.first_json, NULL),
        (NEW.run_id, NEW.last_seq, NEW.revision, NEW.done_key, NEW.record_json, NEW.delta);
END;

CREATE TEMP VIEW new_run AS SELECT
    NULL AS run_id, NULL AS workflow_id, NULL AS parent_run_id, NULL AS actor_id, NULL AS session_id,
    NULL AS created_at, NULL AS updated_at, NULL AS updated_us, NULL AS pointer, NULL AS state_json, NULL AS size;

CREATE TEMP TRIGGER new_run_is_written INSTEAD OF INSERT ON new_run BEGIN
    SELECT RAISE(ABORT, 'there are records') WHERE EXISTS (SELECT 1 FROM ledger WHERE run_id = NEW.run_id);
    INSERT INTO ledger_heads (run_id, last_seq, revision, updated_us, base_size, chained)
    VALUES (NEW.run_id, 0, 1, NEW.updated_us, NEW.size, 1);
    INSERT INTO checkpoints (run_id, revision, seq, kept, state_json) VALUES (NEW.run_id, 1, 0, 1, NEW.state_json);
    INSERT INTO runs (run_id, workflow_id, status, parent_run_id, actor_id, session_id, created_at, updated_at,
        updated_us, base_revision, base_seq, apart, run_json)
    VALUES (NEW.run_id, NEW.workflow_id, 'running', NEW.parent_run_id, NEW.actor_id, NEW.session_id,
        NEW.created_at, NEW.updated_at, NEW.updated_us, 1, 0, 1, NEW.pointer);
END;

CREATE TEMP VIEW rest_step AS SELECT
    NULL AS run_id, NULL AS last_seq, NULL AS revision, NULL AS updated_us, NULL AS weight, NULL AS kept_weight,
    NULL AS from_revision, NULL AS from_seq, NULL AS from_rest, NULL AS rest, NULL AS first_key, NULL AS first_json,
    NULL AS done_key, NULL AS record_json, NULL AS delta, NULL AS status, NULL AS wait_reason, NULL AS wait_until,
    NULL AS wait_key, NULL AS updated_at, NULL AS due_us;

CREATE TEMP TRIGGER rest_step_is_written INSTEAD OF INSERT ON rest_step BEGIN
    UPDATE ledger_heads SET last_seq = NEW.last_seq, revision = NEW.revision, updated_us = NEW.updated_us,
        weight = NEW.weight, kept_weight = NEW.kept_weight, rest = NEW.rest
    WHERE run_id = NEW.run_id AND revision = NEW.from_revision AND last_seq = NEW.from_seq
        AND rest = NEW.from_rest AND chained = 1;
    SELECT RAISE(ABORT, 'the head has moved') WHERE changes() <> 1;
    UPDATE runs SET status = NEW.status, wait_reason = NEW.wait_reason, wait_until = NEW.wait_until,
        wait_key = NEW.wait_key, updated_at = NEW.updated_at, updated_us = NEW.updated_us
    WHERE run_id = NEW.run_id;
    SELECT RAISE(ABORT, 'the run is gone') WHERE changes() <> 1;
    INSERT INTO ledger (run_id, seq, revision, done_key, record_json, delta)
    SELECT NEW.run_id, NEW.last_seq - 1, NEW.revision, NEW.first_key, NEW.first_json, NULL
    WHERE NEW.first_json IS NOT NULL;
    INSERT INTO ledger (run_id, seq, revision, done_key, record_json, delta)
    VALUES (NEW.run_id, NEW.last_seq, NEW.revision, NEW.done_key, NEW.record_json, NEW.delta);
    DELETE FROM wait_index WHERE run_id = NEW.run_id AND NEW.from_rest = 2;
    INSERT INTO wait_index (run_id, next_due_iso, updated_at_iso, status, due_us)
    SELECT NEW.run_id, NEW.wait_until, NEW.updated_at, 'waiting_until', NEW.due_us WHERE NEW.due_us IS NOT NULL;
END;

CREATE TEMP VIEW last_step AS SELECT
    NULL AS run_id, NULL AS last_seq, NULL AS revision, NULL AS updated_us, NULL AS weight, NULL AS kept_weight,
    NULL AS from_revision, NULL AS from_seq, NULL AS from_rest, NULL AS first_key, NULL AS first_json,
    NULL AS second_key, NULL AS second_json, NULL AS third_key, NULL AS third_json, NULL AS done_key, NULL AS record_json, NULL AS delta, NULL AS status, NULL AS updated_at,
    NULL AS run_json, NULL AS size;

CREATE TEMP TRIGGER last_step_is_written INSTEAD OF INSERT ON last_step BEGIN
    UPDATE ledger_heads SET last_seq = NEW.last_seq, revision = NEW.revision, updated_us = NEW.updated_us,
        weight = NEW.weight, kept_weight = NEW.kept_weight, base_size = NEW.size, rest = 1
    WHERE run_id = NEW.run_id AND revision = NEW.from_revision AND last_seq = NEW.from_seq
        AND rest = NEW.from_rest AND chained = 1;
    SELECT RAISE(ABORT, 'the head has moved') WHERE changes() <> 1;
    UPDATE runs SET status = NEW.status, wait_reason = NULL, wait_until = NULL, wait_key = NULL,
        updated_at = NEW.updated_at, updated_us = NEW.updated_us,
        base_revision = IIF(NEW.run_json IS NULL, base_revision, NEW.revision),
        base_seq = IIF(NEW.run_json IS NULL, base_seq, NEW.last_seq),
        apart = IIF(NEW.run_json IS NULL, apart, 0), run_json = COALESCE(NEW.run_json, run_json)
    WHERE run_id = NEW.run_id;
    SELECT RAISE(ABORT, 'the run is gone') WHERE changes() <> 1;
    INSERT INTO ledger (run_id, seq, revision, done_key, record_json, delta)
    SELECT NEW.run_id, NEW.last_seq - 3, NEW.revision, NEW.first_key, NEW.first_json, NULL
    WHERE NEW.first_json IS NOT NULL;
    INSERT INTO ledger (run_id, seq, revision, done_key, record_json, delta)
    SELECT NEW.run_id, NEW.last_seq - 2, NEW.revision, NEW.second_key, NEW.second_json, NULL
    WHERE NEW.second_json IS NOT NULL;
    INSERT INTO ledger (run_id, seq, revision, done_key, record_json, delta)
    VALUES (NEW.run_id, NEW.last_seq - 1, NEW.revision, NEW.third_key, NEW.third_json, NULL),
        (NEW.run_id, NEW.last_seq, NEW.revision, NEW.done_key, NEW.record_json, NEW.delta);
    DELETE FROM wait_index WHERE run_id = NEW.run_id AND NEW.from_rest = 2;
    DELETE FROM listening WHERE run_id = NEW.run_id;
END;
