-- The priorities that runs of a workflow have which are or will be due, the highest first: from one to the next in the index,
-- however many runs have it.
CREATE FUNCTION {schema}.priorities(wanted text) RETURNS SETOF smallint LANGUAGE plpgsql
SET search_path = {schema}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    last smallint;
BEGIN
    SELECT priority INTO last FROM run WHERE queue = wanted AND due_at IS NOT NULL ORDER BY priority DESC LIMIT 1;
    WHILE last IS NOT NULL LOOP
        RETURN NEXT last;
        SELECT priority INTO last FROM run
        WHERE queue = wanted AND due_at IS NOT NULL AND priority < last ORDER BY priority DESC LIMIT 1;
    END LOOP;
END $$;

-- Takes due runs and reads them whole. The last row holds no run, and tells when the next one is due.
--
-- `here` and `over` are the sessions of the asking process that live and those that don't. Those of other processes live as
-- long as somebody has their advisory lock.
CREATE FUNCTION {schema}.claim(
    channel text, lock_class integer, asking bytea, keep bigint, most bigint, w_queue text[], w_version bigint[], w_slots bigint[],
    w_at_once bigint[], w_per_key bigint[], w_starts bigint[], w_per bigint[], here bytea[], over bytea[]
) RETURNS TABLE (
    id text, uid bytea, root text, parent text, queue text, input bytea, version bigint, status text, at text, head bytea,
    revision bigint, due_at bigint, session bytea, claims bigint, inbox_last bigint, inbox_read bigint, created_at bigint,
    updated_at bigint, ended_at bigint, priority smallint, limit_key text, blocked_at bigint,
    state bytea, part_names text[], part_bodies bytea[], seqs bigint[], keys text[], kinds text[], bodies bytea[], ats bigint[],
    owed_revisions bigint[], owed_places bigint[], owed_effects bytea[], claimed_at bigint, token bytea, next_due bigint
) LANGUAGE plpgsql
SET search_path = {schema}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    time_now bigint := clock();
    holder bytea := '';
    orphans bigint[];
    -- What is looked at, in its order: a want and a priority that runs of its workflow have. `place` is that of the want.
    looks record;
    look record;
    place bigint := 0;
    room bigint;
    got bigint[];
    one bigint;
    one_key text;
    one_version bigint;
    begins boolean;
    held_back boolean := false;
    -- How many may begin of the workflow that is looked at.
    left_to_start bigint;
    others bigint;
    blocked bigint;
    before bigint;
    one_keys text[];
    -- Whether something became due that others may not know of.
    told boolean := false;
    -- When more may begin of a workflow whose runs were held back.
    opens bigint;
    gates text[];
    f_queue text[] := '{}';
    f_key text[] := '{}';
    taken bigint[] := '{}';
BEGIN
    -- No power cut hurts a claim that is lost: its runs are due as before.
    PERFORM set_config('synchronous_commit', 'off', true);
    LOOP
        -- From one session to the next in the index, however many leases each has.
        SELECT session INTO holder FROM run WHERE session > holder ORDER BY session LIMIT 1;
        EXIT WHEN NOT FOUND;
        CONTINUE WHEN holder = asking OR holder = ANY (here);
        IF holder = ANY (over) OR (locks_tell() AND pg_try_advisory_xact_lock(lock_class, session_lock(holder))) THEN
            SELECT array_agg(key) INTO orphans
            FROM (SELECT key FROM run WHERE session = holder ORDER BY id FOR NO KEY UPDATE) theirs;
            UPDATE run SET session = NULL, due_at = time_now WHERE key = ANY (orphans);
            told := true;
            SELECT f_queue || coalesce(array_agg(queue), '{}'), f_key || coalesce(array_agg(limit_key), '{}')
            INTO f_queue, f_key
            FROM run WHERE key = ANY (orphans) AND (gated OR limit_key IS NOT NULL);
        END IF;
    END LOOP;
    SELECT array_agg(queue) INTO gates
    FROM unnest(w_queue, w_at_once, w_per_key, w_starts) AS w(queue, at_once, per_key, starts)
    WHERE w.at_once IS NOT NULL OR w.per_key IS NOT NULL OR w.starts IS NOT NULL;
    IF gates IS NOT NULL OR cardinality(f_queue) > 0 THEN
        PERFORM lock_gates(coalesce(gates, '{}') || f_queue);
        PERFORM follow(f_queue, f_key);
        -- Others may have had the locks for a while.
        time_now := clock();
    END IF;
    -- Those that were held back and may begin now.
    PERFORM let_begin(w.queue, w.version, least(
        w.slots,
        CASE WHEN w.at_once IS NOT NULL THEN greatest(0, w.at_once - lent(w.queue, NULL, NULL, time_now)) END,
        CASE WHEN w.starts IS NOT NULL THEN starts_left(w.queue, w.starts, w.per, time_now) END))
    FROM unnest(w_queue, w_version, w_slots, w_at_once, w_starts, w_per) AS w(queue, version, slots, at_once, starts, per)
    WHERE EXISTS (SELECT FROM run WHERE run.queue = w.queue AND run.version <= w.version AND paced_at IS NOT NULL);
    SELECT array_agg(w.place ORDER BY w.place, p.priority DESC) AS places,
           array_agg(w.queue ORDER BY w.place, p.priority DESC) AS queues,
           array_agg(w.version ORDER BY w.place, p.priority DESC) AS versions,
           array_agg(w.slots ORDER BY w.place, p.priority DESC) AS slots,
           array_agg(w.at_once ORDER BY w.place, p.priority DESC) AS at_onces,
           array_agg(w.per_key ORDER BY w.place, p.priority DESC) AS per_keys,
           array_agg(w.starts ORDER BY w.place, p.priority DESC) AS starts,
           array_agg(w.per ORDER BY w.place, p.priority DESC) AS pers,
           array_agg(p.priority ORDER BY w.place, p.priority DESC) AS priorities
    INTO looks
    FROM unnest(w_queue, w_version, w_slots, w_at_once, w_per_key, w_starts, w_per) WITH ORDINALITY
        AS w(queue, version, slots, at_once, per_key, starts, per, place)
    CROSS JOIN LATERAL priorities(w.queue) AS p(priority)
    WHERE w.slots > 0;
    FOR attempt IN 1 .. 3 LOOP
        FOR look IN
            SELECT * FROM unnest(looks.places, looks.queues, looks.versions, looks.slots, looks.at_onces, looks.per_keys,
                                 looks.starts, looks.pers, looks.priorities)
                AS l(place, queue, version, slots, at_once, per_key, starts, per, priority)
        LOOP
            IF look.place <> place THEN
                place := look.place;
                room := look.slots;
                blocked := 0;
                IF look.at_once IS NOT NULL THEN
                    room := least(room, look.at_once - lent(look.queue, NULL, NULL, time_now));
                END IF;
                IF look.starts IS NOT NULL THEN
                    left_to_start := starts_left(look.queue, look.starts, look.per, time_now);
                END IF;
            END IF;
            room := least(room, most - cardinality(taken));
            -- Again, as long as runs that were found become blocked and leave their places to others. That must not take long.
            WHILE room > 0 AND blocked < 1000 LOOP
                SELECT array_agg(key) INTO got
                FROM (SELECT key FROM run
                      WHERE run.queue = look.queue AND run.priority = look.priority AND run.due_at <= time_now
                          AND run.version <= look.version
                      ORDER BY run.due_at LIMIT room FOR NO KEY UPDATE SKIP LOCKED) due;
                EXIT WHEN got IS NULL;
                -- Lent at once: the workflow may be wanted a second time.
                IF look.per_key IS NULL AND look.starts IS NULL THEN
                    WITH now_lent AS (
                        UPDATE run SET token = uuid_send(gen_random_uuid()), session = asking, due_at = time_now + keep,
                            claims = claims + 1, gated = look.at_once IS NOT NULL, begun_at = nullif(begun_at, -1)
                        WHERE key = ANY (got) RETURNING limit_key
                    )
                    SELECT array_agg(DISTINCT limit_key) INTO one_keys FROM now_lent WHERE limit_key IS NOT NULL;
                    room := room - cardinality(got);
                    taken := taken || got;
                    FOREACH one_key IN ARRAY coalesce(one_keys, '{}') LOOP
                        told := let_through(look.queue, one_key, NULL) OR told;
                    END LOOP;
                    EXIT;
                END IF;
                before := blocked;
                FOREACH one IN ARRAY got LOOP
                    SELECT limit_key, look.starts IS NOT NULL AND coalesce(begun_at < 0, revision = 0)
                    INTO one_key, begins
                    FROM run WHERE key = one;
                    IF begins AND left_to_start = 0 THEN
                        UPDATE run SET paced_at = due_at, due_at = NULL, session = NULL WHERE key = one
                        RETURNING version INTO one_version;
                        blocked := blocked + 1;
                        held_back := true;
                        -- It leaves its turn to the next of its key that has begun, and to one of each other version; the others
                        -- follow when it has had its turn.
                        told := let_through(look.queue, one_key, one_version) OR told;
                        CONTINUE;
                    END IF;
                    IF one_key IS NOT NULL AND look.per_key IS NOT NULL THEN
                        others := lent(look.queue, one_key, one, time_now);
                        IF others >= look.per_key THEN
                            UPDATE run SET blocked_at = due_at, due_at = NULL, session = NULL WHERE key = one;
                            blocked := blocked + 1;
                            CONTINUE;
                        END IF;
                    END IF;
                    UPDATE run SET token = uuid_send(gen_random_uuid()), session = asking, due_at = time_now + keep,
                        claims = claims + 1,
                        gated = look.at_once IS NOT NULL OR look.per_key IS NOT NULL AND one_key IS NOT NULL,
                        begun_at = CASE WHEN begins THEN time_now ELSE nullif(begun_at, -1) END
                    WHERE key = one;
                    IF begins THEN
                        left_to_start := left_to_start - 1;
                    END IF;
                    room := room - 1;
                    taken := array_append(taken, one);
                    IF one_key IS NOT NULL AND (look.per_key IS NULL OR others + 1 < look.per_key) THEN
                        told := let_through(look.queue, one_key, NULL) OR told;
                    END IF;
                END LOOP;
                EXIT WHEN blocked = before;
                IF look.starts IS NOT NULL THEN
                    PERFORM let_begin(look.queue, look.version, least(room, left_to_start));
                END IF;
            END LOOP;
            IF held_back THEN
                opens := least(opens, next_start(look.queue, look.starts, look.per, time_now));
                held_back := false;
            END IF;
        END LOOP;
        -- Under the lock of a gate nobody waits for a run.
        EXIT WHEN cardinality(taken) > 0 OR gates IS NOT NULL;
        -- If there is one that was skipped, somebody is writing it at this moment: it is taken by them, or else by us. Nothing is
        -- locked here, so nobody waits for this wait.
        BEGIN
            PERFORM set_config('lock_timeout', '100', true);
            PERFORM
            FROM unnest(looks.queues, looks.versions, looks.priorities) AS l(queue, version, priority)
            CROSS JOIN LATERAL (
                SELECT key FROM run
                WHERE run.queue = l.queue AND run.priority = l.priority AND run.due_at <= time_now
                    AND run.version <= l.version
                ORDER BY run.due_at LIMIT 1) r
            JOIN run ON run.key = r.key
            LIMIT 1 FOR NO KEY UPDATE OF run;
            EXIT WHEN NOT FOUND;
        EXCEPTION WHEN lock_not_available THEN
            EXIT;
        END;
    END LOOP;
    IF cardinality(taken) > 0 THEN
        RETURN QUERY
        SELECT run.id, run.uid, run.root, run.parent, run.queue, run.input, run.version, run.status, run.at, run.head,
               run.revision, run.due_at, run.session, run.claims, run.inbox_last, run.inbox_read, run.created_at, run.updated_at,
               run.ended_at, run.priority, run.limit_key, run.blocked_at, run.state, parts.names, parts.bodies, mail.seqs,
               mail.keys, mail.kinds, mail.bodies, mail.ats,
               debts.revisions, debts.places, debts.effects, time_now, run.token, NULL::bigint
        FROM unnest(taken) WITH ORDINALITY AS t(key, place)
        CROSS JOIN LATERAL (SELECT * FROM run WHERE run.key = t.key OFFSET 0) run
        CROSS JOIN LATERAL (
            SELECT array_agg(name) AS names, array_agg(body) AS bodies
            FROM (SELECT name, body FROM part WHERE part.run = t.key ORDER BY name) p) parts
        CROSS JOIN LATERAL (
            SELECT array_agg(seq) AS seqs, array_agg(i.key) AS keys, array_agg(kind) AS kinds, array_agg(body) AS bodies,
                   array_agg(at) AS ats
            FROM (SELECT seq, inbox.key, kind, body, at FROM inbox
                  WHERE run.inbox_count > 0 AND inbox.run = t.key AND until IS NULL ORDER BY seq) i) mail
        CROSS JOIN LATERAL (
            SELECT array_agg(revision) AS revisions, array_agg(place) AS places, array_agg(effect) AS effects
            FROM (SELECT owed.revision, owed.place, effect FROM owed
                  WHERE run.owes AND owed.run = t.key ORDER BY owed.revision, owed.place) o) debts
        ORDER BY t.place;
    END IF;
    SELECT min(r.due_at) INTO next_due
    FROM unnest(w_queue, w_version, w_slots, w_at_once) AS w(queue, version, slots, at_once)
    -- Anew: what was let through may have a priority that none had before.
    CROSS JOIN LATERAL priorities(w.queue) AS p(priority)
    CROSS JOIN LATERAL (
        SELECT run.due_at FROM run
        WHERE run.queue = w.queue AND run.priority = p.priority AND run.due_at IS NOT NULL AND run.version <= w.version
            AND run.session IS DISTINCT FROM asking
        ORDER BY run.due_at LIMIT 1) r
    WHERE w.slots > 0 AND (w.at_once IS NULL OR lent(w.queue, NULL, NULL, time_now) < w.at_once);
    -- Where no more may be lent, that is when a lease ends, or when somebody gives one back and tells so.
    SELECT least(next_due, min(r.due_at)) INTO next_due
    FROM unnest(w_queue, w_slots, w_at_once) AS w(queue, slots, at_once)
    CROSS JOIN LATERAL (
        SELECT min(run.due_at) FILTER (WHERE run.due_at > time_now AND run.session <> asking) AS due_at FROM run
        WHERE run.queue = w.queue AND run.gated AND run.session IS NOT NULL) r
    WHERE w.slots > 0 AND w.at_once IS NOT NULL;
    -- When more may begin of those that are held back.
    SELECT least(next_due, min(next_start(w.queue, w.starts, w.per, time_now))) INTO next_due
    FROM unnest(w_queue, w_version, w_slots, w_at_once, w_starts, w_per) AS w(queue, version, slots, at_once, starts, per)
    WHERE w.slots > 0
        AND EXISTS (SELECT FROM run WHERE run.queue = w.queue AND run.version <= w.version AND paced_at IS NOT NULL)
        AND (w.at_once IS NULL OR lent(w.queue, NULL, NULL, time_now) < w.at_once);
    IF told OR opens IS NOT NULL THEN
        -- Without a sender: what became due is news in this process too.
        PERFORM ring(channel, '', ARRAY['d' || CASE WHEN told THEN time_now ELSE opens END]);
    END IF;
    claimed_at := time_now;
    RETURN NEXT;
END $$;

-- Extends leases, or gives them back if `keep` is zero. They are ordered by the run's id.
CREATE FUNCTION {schema}.renew(
    channel text, sender text, ids text[], tokens bytea[], keep bigint,
    OUT renewed_at bigint, OUT renewed smallint[]
) LANGUAGE plpgsql
SET search_path = {schema}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    lease record;
    messages boolean;
    freed record;
    -- The workflows and keys of those that are given back and have a limit.
    f_queue text[] := '{}';
    f_key text[] := '{}';
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM FROM run WHERE id = ANY (ids) ORDER BY id FOR NO KEY UPDATE;
    renewed_at := clock();
    renewed := array_fill(0::smallint, ARRAY[cardinality(ids)]);
    FOR lease IN SELECT * FROM unnest(ids, tokens) WITH ORDINALITY AS u(id, token, place) LOOP
        IF keep > 0 THEN
            UPDATE run SET due_at = renewed_at + keep
            WHERE id = lease.id AND token = lease.token AND session IS NOT NULL
            RETURNING inbox_last > inbox_read INTO messages;
            CONTINUE WHEN NOT FOUND;
            renewed[lease.place] := CASE WHEN messages THEN 2 ELSE 1 END;
        ELSE
            UPDATE run SET due_at = renewed_at, session = NULL, claims = greatest(claims - 1, 0)
            WHERE id = lease.id AND token = lease.token AND session IS NOT NULL
            RETURNING queue, limit_key, gated INTO freed;
            CONTINUE WHEN NOT FOUND;
            renewed[lease.place] := 3;
            IF freed.gated OR freed.limit_key IS NOT NULL THEN
                f_queue := array_append(f_queue, freed.queue);
                f_key := array_append(f_key, freed.limit_key);
            END IF;
        END IF;
    END LOOP;
    IF cardinality(f_queue) > 0 THEN
        PERFORM follow(f_queue, f_key);
    END IF;
    IF 3 = ANY (renewed) THEN
        PERFORM ring(channel, sender, ARRAY['d' || renewed_at]);
    END IF;
END $$;
