-- Runs that run are found by their status; by workflow and session only those at rest are listed from an
-- index, so a run's start and wake need not touch it.

DROP INDEX runs_by_workflow;
CREATE INDEX runs_by_workflow ON runs (workflow_id, updated_us) WHERE status <> 'running';
DROP INDEX runs_by_session;
CREATE INDEX runs_by_session ON runs (session_id, updated_us)
WHERE session_id IS NOT NULL AND status <> 'running';
