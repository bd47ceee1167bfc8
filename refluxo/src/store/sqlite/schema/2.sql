-- What a purge looks at: it asks again and again, and must not look at the runs that live.
CREATE INDEX run_ended ON run (ended_at, id) WHERE ended_at IS NOT NULL;
