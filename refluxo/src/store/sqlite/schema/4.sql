-- How many runs of a workflow are lent at once: of all of them, or of those of one key. `gated` says that a run was last lent
-- under such a limit, `blocked_at` since when a due one waits for others of its key; `due_at` is not set then.
ALTER TABLE run ADD COLUMN limit_key TEXT;
ALTER TABLE run ADD COLUMN gated INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN blocked_at INTEGER;
CREATE INDEX run_gated ON run (queue, limit_key) WHERE gated AND session IS NOT NULL;
CREATE INDEX run_blocked ON run (queue, limit_key, version, priority DESC, blocked_at) WHERE blocked_at IS NOT NULL;
