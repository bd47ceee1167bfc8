-- How many runs of a workflow are lent at once: of all of them, or of those of one key. `gated` says that a run was last lent
-- under such a limit, `blocked_at` since when a due one waits for others of its key; `due_at` is not set then.
ALTER TABLE {schema}.run
    ADD COLUMN limit_key text COLLATE "C",
    ADD COLUMN gated boolean NOT NULL DEFAULT false,
    ADD COLUMN blocked_at bigint;
CREATE INDEX run_gated ON {schema}.run (queue, limit_key) WHERE gated AND session IS NOT NULL;
CREATE INDEX run_blocked ON {schema}.run (queue, limit_key, version, priority DESC, blocked_at) WHERE blocked_at IS NOT NULL;
