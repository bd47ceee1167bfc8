-- Which of a workflow's due runs comes first: the one with the highest priority, and of those the one that was due first.
ALTER TABLE run ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
-- What a claim looks at, in place of the one without priorities. A commit that goes on changes nothing in it.
DROP INDEX run_due;
CREATE INDEX run_due ON run (queue, priority, due_at, version, session) WHERE due_at IS NOT NULL;
