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
