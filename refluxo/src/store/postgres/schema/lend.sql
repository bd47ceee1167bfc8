-- What a run has beside its row, with the settings of the claim that asks. Most have neither messages nor owed effects, and the row
-- tells so.
CREATE FUNCTION {schema}.rest_of(
    run bigint, has_mail boolean, owes boolean,
    OUT part_names text[], OUT part_bodies bytea[],
    OUT seqs bigint[], OUT keys text[], OUT kinds text[], OUT bodies bytea[], OUT ats bigint[],
    OUT owed_revisions bigint[], OUT owed_places bigint[], OUT owed_effects bytea[]
) LANGUAGE plpgsql
AS $$
#variable_conflict use_column
BEGIN
    SELECT array_agg(name), array_agg(body) INTO part_names, part_bodies
    FROM (SELECT name, body FROM part WHERE part.run = rest_of.run ORDER BY name) p;
    IF has_mail THEN
        SELECT array_agg(seq), array_agg(key), array_agg(kind), array_agg(body), array_agg(at)
        INTO seqs, keys, kinds, bodies, ats
        FROM (SELECT seq, key, kind, body, at FROM inbox WHERE inbox.run = rest_of.run AND until IS NULL ORDER BY seq) i;
    END IF;
    IF owes THEN
        SELECT array_agg(revision), array_agg(place), array_agg(effect) INTO owed_revisions, owed_places, owed_effects
        FROM (SELECT revision, place, effect FROM owed WHERE owed.run = rest_of.run ORDER BY revision, place) o;
    END IF;
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
    -- No power cut hurts a claim that is lost: its runs are due as before.
    unsynced CONSTANT text := set_config('synchronous_commit', 'off', true);
    time_now bigint := clock();
    holder bytea := '';
    orphans bigint[];
    -- A priority of the workflow that is looked at, and when the first of its runs is due.
    level integer;
    first bigint;
    any_due boolean;
    -- The place of the want that `room` and the like are for.
    looked_at integer;
    room bigint;
    got bigint[];
    one bigint;
    one_key text;
    one_version bigint;
    begins boolean;
    held_back boolean := false;
    -- Whether any run is held back, by this claim or an earlier one.
    any_held_back boolean := false;
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
    IF array_remove(w_at_once || w_per_key || w_starts, NULL) <> '{}' THEN
        SELECT array_agg(queue) INTO gates
        FROM unnest(w_queue, w_at_once, w_per_key, w_starts) AS w(queue, at_once, per_key, starts)
        WHERE w.at_once IS NOT NULL OR w.per_key IS NOT NULL OR w.starts IS NOT NULL;
    END IF;
    IF gates IS NOT NULL OR cardinality(f_queue) > 0 THEN
        PERFORM lock_gates(coalesce(gates, '{}') || f_queue);
        PERFORM follow(f_queue, f_key);
        -- Others may have had the locks for a while.
        time_now := clock();
    END IF;
    FOR attempt IN 1 .. 3 LOOP
        next_due := NULL;
        any_due := false;
        looked_at := 0;
        FOR place IN 1 .. cardinality(w_queue) LOOP
            CONTINUE WHEN w_slots[place] <= 0;
            IF EXISTS (SELECT FROM run
                       WHERE run.queue = w_queue[place] AND run.version <= w_version[place] AND paced_at IS NOT NULL) THEN
                -- Those that were held back and may begin now.
                PERFORM let_begin(w.queue, w.version, least(
                    w.slots,
                    CASE WHEN w.at_once IS NOT NULL THEN greatest(0, w.at_once - lent(w.queue, NULL, NULL, time_now)) END,
                    CASE WHEN w.starts IS NOT NULL THEN starts_left(w.queue, w.starts, w.per, time_now) END))
                FROM (SELECT w_queue[place], w_version[place], w_slots[place], w_at_once[place], w_starts[place], w_per[place])
                    AS w(queue, version, slots, at_once, starts, per);
                any_held_back := true;
            END IF;
            -- From one priority to the next in the index, however many runs have it.
            level := 32768;
            LOOP
                SELECT run.priority INTO level FROM run
                WHERE run.queue = w_queue[place] AND run.due_at IS NOT NULL AND run.priority < level
                ORDER BY run.priority DESC LIMIT 1;
                EXIT WHEN NOT FOUND;
                first := first_due(w_queue[place], w_version[place], level, asking, time_now);
                IF first IS NULL OR first > time_now THEN
                    next_due := least(next_due, first);
                    CONTINUE;
                END IF;
                any_due := true;
                IF looked_at <> place THEN
                    looked_at := place;
                    room := w_slots[place];
                    blocked := 0;
                    IF w_at_once[place] IS NOT NULL THEN
                        room := least(room, w_at_once[place] - lent(w_queue[place], NULL, NULL, time_now));
                    END IF;
                    IF w_starts[place] IS NOT NULL THEN
                        left_to_start := starts_left(w_queue[place], w_starts[place], w_per[place], time_now);
                    END IF;
                END IF;
                room := least(room, most - cardinality(taken));
                -- Again, as long as runs that were found become blocked and leave their places to others. That must not take long.
                WHILE room > 0 AND blocked < 1000 LOOP
                    got := ARRAY(
                        SELECT key FROM run
                        WHERE run.queue = w_queue[place] AND run.priority = level AND run.due_at <= time_now
                            AND run.version <= w_version[place]
                        ORDER BY run.due_at LIMIT room FOR NO KEY UPDATE SKIP LOCKED);
                    EXIT WHEN got = '{}';
                    -- Lent at once: the workflow may be wanted a second time.
                    IF w_per_key[place] IS NULL AND w_starts[place] IS NULL THEN
                        WITH now_lent AS (
                            UPDATE run SET token = uuid_send(gen_random_uuid()), session = asking, due_at = time_now + keep,
                                claims = claims + 1, gated = w_at_once[place] IS NOT NULL, begun_at = nullif(begun_at, -1)
                            WHERE key = ANY (got) RETURNING limit_key
                        )
                        SELECT array_agg(limit_key) INTO one_keys FROM now_lent WHERE limit_key IS NOT NULL;
                        room := room - cardinality(got);
                        taken := taken || got;
                        IF one_keys IS NOT NULL THEN
                            FOR one_key IN SELECT DISTINCT key FROM unnest(one_keys) AS k(key) LOOP
                                told := let_through(w_queue[place], one_key, NULL) OR told;
                            END LOOP;
                        END IF;
                        EXIT;
                    END IF;
                    before := blocked;
                    FOREACH one IN ARRAY got LOOP
                        SELECT limit_key, w_starts[place] IS NOT NULL AND coalesce(begun_at < 0, revision = 0)
                        INTO one_key, begins
                        FROM run WHERE key = one;
                        IF begins AND left_to_start = 0 THEN
                            UPDATE run SET paced_at = due_at, due_at = NULL, session = NULL WHERE key = one
                            RETURNING version INTO one_version;
                            blocked := blocked + 1;
                            held_back := true;
                            -- It leaves its turn to the next of its key that has begun, and to one of each other version; the
                            -- others follow when it has had its turn.
                            told := let_through(w_queue[place], one_key, one_version) OR told;
                            CONTINUE;
                        END IF;
                        IF one_key IS NOT NULL AND w_per_key[place] IS NOT NULL THEN
                            others := lent(w_queue[place], one_key, one, time_now);
                            IF others >= w_per_key[place] THEN
                                UPDATE run SET blocked_at = due_at, due_at = NULL, session = NULL WHERE key = one;
                                blocked := blocked + 1;
                                CONTINUE;
                            END IF;
                        END IF;
                        UPDATE run SET token = uuid_send(gen_random_uuid()), session = asking, due_at = time_now + keep,
                            claims = claims + 1,
                            gated = w_at_once[place] IS NOT NULL OR w_per_key[place] IS NOT NULL AND one_key IS NOT NULL,
                            begun_at = CASE WHEN begins THEN time_now ELSE nullif(begun_at, -1) END
                        WHERE key = one;
                        IF begins THEN
                            left_to_start := left_to_start - 1;
                        END IF;
                        room := room - 1;
                        taken := array_append(taken, one);
                        IF one_key IS NOT NULL AND (w_per_key[place] IS NULL OR others + 1 < w_per_key[place]) THEN
                            told := let_through(w_queue[place], one_key, NULL) OR told;
                        END IF;
                    END LOOP;
                    EXIT WHEN blocked = before;
                    IF w_starts[place] IS NOT NULL THEN
                        PERFORM let_begin(w_queue[place], w_version[place], least(room, left_to_start));
                    END IF;
                END LOOP;
                IF held_back THEN
                    opens := least(opens, next_start(w_queue[place], w_starts[place], w_per[place], time_now));
                    held_back := false;
                    any_held_back := true;
                END IF;
                next_due := least(next_due, first_due(w_queue[place], w_version[place], level, asking, NULL));
            END LOOP;
        END LOOP;
        -- Under the lock of a gate nobody waits for a run.
        EXIT WHEN cardinality(taken) > 0 OR gates IS NOT NULL OR NOT any_due;
        -- If there is one that was skipped, somebody is writing it at this moment: it is taken by them, or else by us. Nothing is
        -- locked here, so nobody waits for this wait.
        BEGIN
            PERFORM set_config('lock_timeout', '100', true);
            PERFORM
            FROM unnest(w_queue, w_version, w_slots) AS w(queue, version, slots)
            CROSS JOIN LATERAL priorities(w.queue) AS p(priority)
            CROSS JOIN LATERAL (
                SELECT key FROM run
                WHERE run.queue = w.queue AND run.priority = p.priority AND run.due_at <= time_now
                    AND run.version <= w.version
                ORDER BY run.due_at LIMIT 1) r
            JOIN run ON run.key = r.key
            WHERE w.slots > 0
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
               run.ended_at, run.priority, run.limit_key, run.blocked_at, run.state, rest.*, time_now, run.token, NULL::bigint
        FROM unnest(taken) WITH ORDINALITY AS t(key, place)
        CROSS JOIN LATERAL (SELECT * FROM run WHERE run.key = t.key OFFSET 0) run
        CROSS JOIN LATERAL rest_of(t.key, run.inbox_count > 0, run.owes) AS rest
        ORDER BY t.place;
    END IF;
    IF gates IS NOT NULL OR told OR any_held_back OR next_due <= time_now AND cardinality(w_queue) > 1 THEN
        -- Anew: limits have their own times, what was let through may have a priority that none had before, and what was left for
        -- one want may have been taken for another.
        next_due := next_due(asking, time_now, w_queue, w_version, w_slots, w_at_once, w_starts, w_per);
    END IF;
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
