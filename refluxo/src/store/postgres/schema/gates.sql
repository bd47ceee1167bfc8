-- How many runs of a workflow are lent at once, and how many begin in a time.
--
-- Those that came through a gate are counted in an index that has no others, so a limit costs what it allows. Whoever counts and
-- lends, and whoever gives back, does so under the lock of the workflow's gate until the end of its transaction. Without it a
-- claim could count a run that is being given back and block another one, which nobody would wake. Locks of runs come before locks
-- of gates; under the lock of a gate nobody waits for a run but for one that is blocked, which others lock in passing only.

-- Takes the locks of the gates of workflows, in one order for all.
CREATE FUNCTION {schema}.lock_gates(queues text[]) RETURNS void LANGUAGE plpgsql
SET search_path = {schema}, pg_temp AS $$
DECLARE
    gate bigint;
BEGIN
    FOR gate IN
        SELECT DISTINCT hashtextextended(current_schema() || '/' || queue, 0) AS hash FROM unnest(queues) AS q(queue) ORDER BY hash
    LOOP
        PERFORM pg_advisory_xact_lock(gate);
    END LOOP;
END $$;

-- How many runs of a workflow came through a gate and are lent: of all of them or of one key, but for one run.
CREATE FUNCTION {schema}.lent(wanted text, wanted_key text, but bigint, time_now bigint) RETURNS bigint LANGUAGE plpgsql
SET search_path = {schema}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    IF wanted_key IS NULL THEN
        RETURN (SELECT count(*) FILTER (WHERE due_at > time_now) FROM run WHERE queue = wanted AND gated AND session IS NOT NULL);
    END IF;
    RETURN (SELECT count(*) FILTER (WHERE due_at > time_now AND key <> but) FROM run
            WHERE queue = wanted AND limit_key = wanted_key AND gated AND session IS NOT NULL);
END $$;

-- Makes the next runs of a key due, one of each version: who can't run the first of a higher one needs another. Of the version
-- `held_back`, one of those that have begun. Tells whether there are any.
CREATE FUNCTION {schema}.let_through(wanted text, wanted_key text, held_back bigint) RETURNS boolean LANGUAGE plpgsql
SET search_path = {schema}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    last bigint := -1;
    first bigint;
    any_due boolean := false;
BEGIN
    LOOP
        SELECT version INTO last FROM run
        WHERE queue = wanted AND limit_key = wanted_key AND version > last AND blocked_at IS NOT NULL ORDER BY version LIMIT 1;
        EXIT WHEN NOT FOUND;
        SELECT key INTO first FROM run
        WHERE queue = wanted AND limit_key = wanted_key AND version = last AND blocked_at IS NOT NULL
            AND (version IS DISTINCT FROM held_back OR coalesce(begun_at > 0, revision > 0))
        ORDER BY priority DESC, blocked_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;
        IF NOT FOUND THEN
            -- Somebody writes the only one at this moment.
            SELECT key INTO first FROM run
            WHERE queue = wanted AND limit_key = wanted_key AND version = last AND blocked_at IS NOT NULL
                AND (version IS DISTINCT FROM held_back OR coalesce(begun_at > 0, revision > 0))
            ORDER BY priority DESC, blocked_at LIMIT 1 FOR NO KEY UPDATE;
            CONTINUE WHEN NOT FOUND;
        END IF;
        UPDATE run SET due_at = blocked_at, blocked_at = NULL WHERE key = first AND blocked_at IS NOT NULL;
        any_due := true;
    END LOOP;
    RETURN any_due;
END $$;

-- Has those follow that waited for runs which are lent no more. The lock of a run that was given back is held here.
CREATE FUNCTION {schema}.follow(queues text[], keys text[]) RETURNS void LANGUAGE plpgsql
SET search_path = {schema}, pg_temp AS $$
BEGIN
    PERFORM lock_gates(queues);
    PERFORM let_through(queue, key, NULL)
    FROM (SELECT DISTINCT queue, key FROM unnest(queues, keys) AS f(queue, key) WHERE key IS NOT NULL) freed;
END $$;

-- How many runs of a workflow may begin now, if so many may in a time. Asked under the lock of its gate.
CREATE FUNCTION {schema}.starts_left(wanted text, starts bigint, per bigint, time_now bigint) RETURNS bigint LANGUAGE plpgsql
SET search_path = {schema}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    RETURN greatest(0, starts - (SELECT count(*) FROM run WHERE queue = wanted AND begun_at > 0 AND begun_at > time_now - per));
END $$;

-- Makes so many of those due that were held back. The keys are an array, since a join might read all runs.
CREATE FUNCTION {schema}.let_begin(wanted text, known bigint, most bigint) RETURNS void LANGUAGE plpgsql
SET search_path = {schema}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    UPDATE run SET due_at = paced_at, paced_at = NULL WHERE key = ANY (ARRAY(
        SELECT key FROM run WHERE queue = wanted AND version <= known AND paced_at IS NOT NULL AND due_at IS NULL
        ORDER BY priority DESC, paced_at LIMIT most FOR NO KEY UPDATE SKIP LOCKED));
END $$;

-- When the next run of a workflow may begin: when the time of the last one is over that makes them as many as there may be.
CREATE FUNCTION {schema}.next_start(wanted text, starts bigint, per bigint, time_now bigint) RETURNS bigint
LANGUAGE plpgsql
SET search_path = {schema}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    -- At once if there is no such run, or no limit.
    RETURN greatest(time_now, per + (SELECT begun_at FROM run WHERE queue = wanted AND begun_at > 0
                                     ORDER BY begun_at DESC LIMIT 1 OFFSET starts - 1));
END $$;
