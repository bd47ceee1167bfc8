-- When there is something to lend. Functions without settings of their own have those of who calls them, and cost less.

-- The priorities that runs of a workflow have which are or will be due, the highest first: from one to the next in the index,
-- however many runs have it. It is SQL, and so becomes a part of the query that asks.
CREATE FUNCTION {schema}.priorities(wanted text) RETURNS SETOF smallint LANGUAGE sql STABLE
AS $$
    WITH RECURSIVE found(priority) AS (
        (SELECT priority FROM {schema}.run WHERE queue = wanted AND due_at IS NOT NULL ORDER BY priority DESC LIMIT 1)
        UNION ALL
        SELECT (SELECT priority FROM {schema}.run
                WHERE queue = wanted AND due_at IS NOT NULL AND priority < found.priority ORDER BY priority DESC LIMIT 1)
        FROM found WHERE found.priority IS NOT NULL
    )
    SELECT priority FROM found WHERE priority IS NOT NULL
$$;

-- When the first run is due of those of a workflow and a priority that a version knows. Those that are lent to who asks count only
-- if their leases were over at `ended`.
CREATE FUNCTION {schema}.first_due(wanted text, known bigint, level integer, asking bytea, ended bigint) RETURNS bigint
LANGUAGE plpgsql
AS $$
BEGIN
    RETURN (SELECT due_at FROM run
            WHERE queue = wanted AND priority = level AND due_at IS NOT NULL AND version <= known
                AND (session IS DISTINCT FROM asking OR due_at <= ended)
            ORDER BY due_at LIMIT 1);
END $$;

-- When there may be more to lend to who asks, with all that a claim may have changed.
CREATE FUNCTION {schema}.next_due(
    asking bytea, time_now bigint, w_queue text[], w_version bigint[], w_slots bigint[], w_at_once bigint[], w_starts bigint[],
    w_per bigint[]
) RETURNS bigint LANGUAGE plpgsql
AS $$
BEGIN
    RETURN least((
        SELECT min(first_due(w.queue, w.version, p.priority, asking, NULL))
        FROM unnest(w_queue, w_version, w_slots, w_at_once) AS w(queue, version, slots, at_once)
        CROSS JOIN LATERAL priorities(w.queue) AS p(priority)
        WHERE w.slots > 0 AND (w.at_once IS NULL OR lent(w.queue, NULL, NULL, time_now) < w.at_once)
    ), (
        -- Where no more may be lent, that is when a lease ends, or when somebody gives one back and tells so.
        SELECT min(r.due_at)
        FROM unnest(w_queue, w_slots, w_at_once) AS w(queue, slots, at_once)
        CROSS JOIN LATERAL (
            SELECT min(run.due_at) FILTER (WHERE run.due_at > time_now AND run.session <> asking) AS due_at FROM run
            WHERE run.queue = w.queue AND run.gated AND run.session IS NOT NULL) r
        WHERE w.slots > 0 AND w.at_once IS NOT NULL
    ), (
        -- When more may begin of those that are held back.
        SELECT min(next_start(w.queue, w.starts, w.per, time_now))
        FROM unnest(w_queue, w_version, w_slots, w_at_once, w_starts, w_per) AS w(queue, version, slots, at_once, starts, per)
        WHERE w.slots > 0
            AND EXISTS (SELECT FROM run WHERE run.queue = w.queue AND run.version <= w.version AND paced_at IS NOT NULL)
            AND (w.at_once IS NULL OR lent(w.queue, NULL, NULL, time_now) < w.at_once)
    ));
END $$;
