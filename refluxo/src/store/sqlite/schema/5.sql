-- How many runs of a workflow begin in a time. `begun_at` says when a run was first lent under such a limit, or is -1 if a commit says
-- that it has not begun. `paced_at` says since when a due one that has not begun waits until more may; `due_at` is not set then.
ALTER TABLE run ADD COLUMN begun_at INTEGER;
ALTER TABLE run ADD COLUMN paced_at INTEGER;
CREATE INDEX run_begun ON run (queue, begun_at) WHERE begun_at > 0;
CREATE INDEX run_paced ON run (queue, priority DESC, paced_at, version) WHERE paced_at IS NOT NULL;
