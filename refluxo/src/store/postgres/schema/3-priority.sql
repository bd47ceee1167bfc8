-- Which of a workflow's due runs comes first: the one with the highest priority, and of those the one that was due first.
ALTER TABLE {schema}.run ADD COLUMN priority smallint NOT NULL DEFAULT 0;
-- What a claim looks at, in place of the one without priorities.
DROP INDEX {schema}.run_due;
CREATE INDEX run_due ON {schema}.run (queue, priority, due_at, version) WHERE due_at IS NOT NULL;
