-- Commits, new runs and messages, as many as there are, in one statement of the client's.
--
-- Each query in here sees what was committed before it began, so all that comes after the locks sees runs, inboxes and keys as
-- they are. In one query with sub-selects it would not: after it has waited for a lock, PostgreSQL reads the locked row anew
-- and leaves everything else as it was before.
--
-- Commits are named `c_`, and what belongs to them by their place among them: `x_` messages consumed, `s_` effects settled. New
-- runs are named `n_`, messages `m_`; both are ordered by the run's id, and `owner` is the place of the commit whose effects
-- they are, or 0. Parts `p_`, attributes `a_` and entries `e_` belong to the commit or the new run at the place `owner`, counted
-- through both.
CREATE FUNCTION {schema}.write(
    channel text, sender text, most_messages bigint, most_bytes bigint, key_memory bigint, most_entries bigint,
    c_id text[], c_token bytea[], c_revision bigint[], c_status text[], c_at text[], c_version bigint[], c_head bytea[],
    c_state bytea[], c_seen bigint[], c_then smallint[], c_due bigint[], c_unbegun boolean[], c_entries bigint[], c_consumed integer[],
    c_settled integer[], x_seq bigint[], s_revision bigint[], s_place bigint[],
    n_owner integer[], n_place bigint[], n_effect bytea[], n_id text[], n_uid bytea[], n_root text[], n_parent text[],
    n_queue text[], n_input bytea[], n_version bigint[], n_status text[], n_at text[], n_head bytea[], n_state bytea[],
    n_due bigint[], n_keep bigint[], n_token bytea[], n_session bytea[], n_entries bigint[], n_priority smallint[], n_key text[],
    m_owner integer[], m_to text[], m_uid bytea[], m_key text[], m_hash bytea[], m_kind text[], m_body bytea[],
    p_owner integer[], p_name text[], p_body bytea[],
    a_owner integer[], a_name text[], a_text text[], a_number bigint[],
    e_owner integer[], e_nth bigint[], e_body bytea[],
    OUT written_at bigint, OUT rings text[],
    OUT committed smallint[], OUT more boolean[],
    OUT owed_owner integer[], OUT owed_revision bigint[], OUT owed_place bigint[], OUT owed_effect bytea[],
    OUT created smallint[], OUT found_uid bytea[], OUT found_queue text[], OUT same_input boolean[],
    OUT lent_token bytea[], OUT lent_until bigint[],
    OUT delivered smallint[], OUT delivered_seq bigint[]
) LANGUAGE plpgsql
SET search_path = {schema}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    commits CONSTANT integer := cardinality(c_id);
    owners CONSTANT integer := cardinality(c_id) + cardinality(n_id);
    -- By owner: the run that parts, attributes and entries go to, its entries before, its revision.
    o_run bigint[] := array_fill(NULL::bigint, ARRAY[owners]);
    o_entries bigint[] := array_fill(0::bigint, ARRAY[owners]);
    o_revision bigint[] := array_fill(0::bigint, ARRAY[owners]);
    -- By commit: the run that owes effects.
    w_run bigint[] := array_fill(NULL::bigint, ARRAY[commits]);
    -- By the run that messages go to: its inbox.
    t_run bigint[] := '{}';
    t_id text[] := '{}';
    t_last bigint[] := '{}';
    t_count bigint[] := '{}';
    t_bytes bigint[] := '{}';
    t integer := 0;
    c record;
    n record;
    m record;
    was record;
    new_run bigint;
    consumed_count bigint;
    consumed_bytes bigint;
    owing boolean;
    any_owing boolean := false;
    ended boolean;
    due bigint;
    first_due bigint;
    -- The workflows and keys of runs that are lent no more, of those that have a limit.
    f_queue text[] := '{}';
    f_key text[] := '{}';
    x_from integer := 0;
    s_from integer := 0;
BEGIN
    IF commits + cardinality(m_to) > 0 THEN
        -- In one order for all, or batches that cross each other would wait for each other.
        PERFORM FROM run WHERE id = ANY (c_id || m_to) ORDER BY id FOR NO KEY UPDATE;
    END IF;
    written_at := clock();
    rings := '{}';
    committed := array_fill(0::smallint, ARRAY[commits]);
    more := array_fill(false, ARRAY[commits]);

    IF commits > 0 THEN
        FOR c IN
            SELECT u.*, r.*
            FROM unnest(c_id, c_token, c_revision, c_status, c_at, c_version, c_head, c_state, c_seen, c_then, c_due, c_unbegun,
                        c_entries, c_consumed, c_settled)
                WITH ORDINALITY AS u(id, token, revision, status, at, version, head, state, seen, goes, due, unbegun, new_entries,
                                     x_to, s_to, place)
            CROSS JOIN LATERAL (
                SELECT key, session, due_at, inbox_last, inbox_count, inbox_bytes, entries, owes, ended_at,
                       revision AS found_revision, queue, limit_key, gated
                FROM run WHERE run.id = u.id AND run.token = u.token OFFSET 0) r
        LOOP
            x_from := coalesce(c_consumed[c.place - 1], 0) + 1;
            s_from := coalesce(c_settled[c.place - 1], 0) + 1;
            ended := c.ended_at IS NOT NULL;
            owing := c.owes;
            IF c.found_revision = c.revision + 1 THEN
                -- It was applied before and is sent again.
                committed[c.place] := 1;
            ELSIF c.found_revision = c.revision AND c.session IS NOT NULL THEN
                committed[c.place] := 1;
                o_run[c.place] := c.key;
                o_entries[c.place] := c.entries;
                o_revision[c.place] := c.revision + 1;
                consumed_count := 0;
                consumed_bytes := 0;
                IF c.x_to >= x_from THEN
                    WITH kept AS (
                        UPDATE inbox SET until = written_at + key_memory, key = NULL, kind = '', body = ''
                        WHERE run = c.key AND seq = ANY (x_seq[x_from:c.x_to]) AND until IS NULL AND hash IS NOT NULL
                        RETURNING seq, bytes
                    ), gone AS (
                        DELETE FROM inbox
                        WHERE run = c.key AND seq = ANY (x_seq[x_from:c.x_to]) AND until IS NULL AND hash IS NULL
                        RETURNING seq, bytes
                    )
                    SELECT count(*), coalesce(sum(bytes), 0), bool_or(seq % 256 = 0) AS forget INTO was
                    FROM (SELECT seq, bytes FROM kept UNION ALL SELECT seq, bytes FROM gone) used;
                    consumed_count := was.count;
                    consumed_bytes := was.coalesce;
                    IF was.forget THEN
                        DELETE FROM inbox WHERE run = c.key AND hash IS NOT NULL AND until <= written_at;
                    END IF;
                END IF;
                IF c.goes = 2 AND c.inbox_count > consumed_count THEN
                    DELETE FROM inbox WHERE run = c.key AND until IS NULL;
                END IF;
                IF c.s_to >= s_from THEN
                    DELETE FROM owed USING unnest(s_revision[s_from:c.s_to], s_place[s_from:c.s_to]) AS s(revision, place)
                    WHERE owed.run = c.key AND owed.revision = s.revision AND owed.place = s.place;
                    owing := EXISTS (SELECT FROM owed WHERE run = c.key);
                END IF;
                due := CASE c.goes
                    WHEN 0 THEN c.due_at
                    WHEN 1 THEN CASE WHEN c.inbox_last > c.seen OR owing THEN written_at ELSE c.due END
                    ELSE CASE WHEN owing THEN written_at END
                END;
                IF c.goes <> 0 THEN
                    first_due := least(first_due, due);
                    IF c.gated OR c.limit_key IS NOT NULL THEN
                        f_queue := array_append(f_queue, c.queue);
                        f_key := array_append(f_key, c.limit_key);
                    END IF;
                END IF;
                IF c.goes = 2 AND NOT ended THEN
                    ended := true;
                    rings := array_append(rings, 'e' || c.id);
                END IF;
                UPDATE run SET
                    revision = c.revision + 1, claims = 0, updated_at = written_at, due_at = due, owes = owing,
                    status = c.status, at = c.at, version = c.version, head = c.head, state = coalesce(c.state, run.state),
                    session = CASE c.goes WHEN 0 THEN run.session END,
                    ended_at = CASE WHEN ended THEN coalesce(run.ended_at, written_at) END,
                    inbox_read = CASE c.goes WHEN 2 THEN run.inbox_last
                        ELSE greatest(run.inbox_read, least(c.seen, run.inbox_last)) END,
                    inbox_count = CASE c.goes WHEN 2 THEN 0 ELSE run.inbox_count - consumed_count END,
                    inbox_bytes = CASE c.goes WHEN 2 THEN 0 ELSE run.inbox_bytes - consumed_bytes END,
                    entries = run.entries + c.new_entries
                WHERE key = c.key;
                IF c.unbegun THEN
                    UPDATE run SET begun_at = -1 WHERE key = c.key;
                    -- Another one may begin instead.
                    first_due := least(first_due, written_at);
                END IF;
                IF (c.entries + c.new_entries) / (most_entries / 4 + 1) > c.entries / (most_entries / 4 + 1) THEN
                    DELETE FROM entry WHERE run = c.key AND seq <= c.entries + c.new_entries - most_entries;
                END IF;
            END IF;
            IF committed[c.place] = 1 THEN
                more[c.place] := NOT ended AND c.inbox_last > c.seen;
                IF owing THEN
                    w_run[c.place] := c.key;
                    any_owing := true;
                END IF;
            END IF;
        END LOOP;
    END IF;

    IF cardinality(n_id) > 0 THEN
        created := array_fill(0::smallint, ARRAY[cardinality(n_id)]);
        found_uid := array_fill(NULL::bytea, ARRAY[cardinality(n_id)]);
        found_queue := array_fill(NULL::text, ARRAY[cardinality(n_id)]);
        same_input := array_fill(NULL::boolean, ARRAY[cardinality(n_id)]);
        lent_token := array_fill(NULL::bytea, ARRAY[cardinality(n_id)]);
        lent_until := array_fill(NULL::bigint, ARRAY[cardinality(n_id)]);
        FOR n IN
            SELECT * FROM unnest(n_owner, n_place, n_effect, n_id, n_uid, n_root, n_parent, n_queue, n_input, n_version, n_status,
                                 n_at, n_head, n_state, n_due, n_keep, n_token, n_session, n_entries, n_priority, n_key)
                WITH ORDINALITY AS u(owner, effect_place, effect, id, uid, root, parent, queue, input, version, status,
                                     at, head, state, due, keep, token, session, entries, priority, limit_key, place)
        LOOP
            -- An effect of a commit that is lost.
            CONTINUE WHEN n.owner > 0 AND o_run[n.owner] IS NULL;
            due := coalesce(n.due, written_at + coalesce(n.keep, 0));
            new_run := NULL;
            INSERT INTO run (id, uid, root, parent, queue, input, version, status, at, revision, due_at, token, session, claims,
                             inbox_last, inbox_read, inbox_count, inbox_bytes, entries, owes, created_at, updated_at, head, state,
                             priority, limit_key)
            VALUES (n.id, n.uid, n.root, n.parent, n.queue, n.input, n.version, n.status, n.at, 0, due, n.token, n.session,
                    CASE WHEN n.session IS NULL THEN 0 ELSE 1 END, 0, 0, 0, 0, n.entries, false, written_at, written_at, n.head,
                    n.state, n.priority, n.limit_key)
            ON CONFLICT (id) DO NOTHING RETURNING key INTO new_run;
            IF new_run IS NOT NULL THEN
                created[n.place] := 1;
                o_run[commits + n.place] := new_run;
                IF n.session IS NULL THEN
                    first_due := least(first_due, due);
                ELSE
                    lent_token[n.place] := n.token;
                    lent_until[n.place] := due;
                END IF;
                CONTINUE;
            END IF;
            SELECT uid, queue, input, token, session, revision, due_at INTO was FROM run WHERE id = n.id;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'a run was purged while its id was taken anew' USING ERRCODE = 'serialization_failure';
            END IF;
            IF was.uid = n.uid THEN
                -- The same sent again: the first answer again, as long as it is still true.
                created[n.place] := 1;
                IF n.session IS NOT NULL AND was.session = n.session AND was.revision = 0 THEN
                    lent_token[n.place] := was.token;
                    lent_until[n.place] := was.due_at;
                END IF;
                CONTINUE;
            END IF;
            created[n.place] := 2;
            found_uid[n.place] := was.uid;
            found_queue[n.place] := was.queue;
            same_input[n.place] := was.input = n.input;
            IF n.owner > 0 THEN
                -- Its parent is told, and does not rest before.
                INSERT INTO owed (run, revision, place, effect)
                VALUES (o_run[n.owner], o_revision[n.owner], n.effect_place, n.effect);
                UPDATE run SET owes = true, due_at = CASE WHEN session IS NULL THEN written_at ELSE due_at END
                WHERE key = o_run[n.owner];
                w_run[n.owner] := o_run[n.owner];
                any_owing := true;
                first_due := least(first_due, written_at);
            END IF;
        END LOOP;
    END IF;

    IF cardinality(m_to) > 0 THEN
        delivered := array_fill(0::smallint, ARRAY[cardinality(m_to)]);
        delivered_seq := array_fill(NULL::bigint, ARRAY[cardinality(m_to)]);
        FOR m IN
            SELECT u.*, r.*
            FROM unnest(m_owner, m_to, m_uid, m_key, m_hash, m_kind, m_body)
                WITH ORDINALITY AS u(owner, id, uid, key, hash, kind, body, place)
            LEFT JOIN LATERAL (
                SELECT run.key AS run, run.uid AS run_uid, inbox_last, inbox_count, inbox_bytes, ended_at
                FROM run WHERE run.id = u.id OFFSET 0) r ON true
        LOOP
            CONTINUE WHEN m.owner > 0 AND o_run[m.owner] IS NULL;
            IF m.run IS NULL OR m.uid <> m.run_uid THEN
                delivered[m.place] := 4;
                CONTINUE;
            END IF;
            IF t = 0 OR t_run[t] <> m.run THEN
                t := t + 1;
                t_run[t] := m.run;
                t_id[t] := m.id;
                t_last[t] := m.inbox_last;
                t_count[t] := m.inbox_count;
                t_bytes[t] := m.inbox_bytes;
            END IF;
            IF m.hash IS NOT NULL AND EXISTS (
                SELECT FROM inbox WHERE run = m.run AND hash = m.hash AND (until IS NULL OR until > written_at)) THEN
                delivered[m.place] := 1;
            ELSIF m.ended_at IS NOT NULL THEN
                delivered[m.place] := 3;
            ELSIF m.owner = 0
                AND (t_count[t] >= most_messages OR t_bytes[t] + octet_length(m.body) > most_bytes) THEN
                delivered[m.place] := 2;
            ELSE
                t_last[t] := t_last[t] + 1;
                t_count[t] := t_count[t] + 1;
                t_bytes[t] := t_bytes[t] + octet_length(m.body);
                delivered_seq[m.place] := t_last[t];
                INSERT INTO inbox AS known (run, seq, key, hash, kind, body, bytes, at)
                VALUES (m.run, t_last[t], m.key, m.hash, m.kind, m.body, octet_length(m.body), written_at)
                -- A key whose time is over is free again.
                ON CONFLICT (run, hash) WHERE hash IS NOT NULL DO UPDATE SET
                    seq = excluded.seq, key = excluded.key, kind = excluded.kind, body = excluded.body, bytes = excluded.bytes,
                    at = excluded.at, until = NULL;
            END IF;
        END LOOP;
        FOR t IN 1 .. cardinality(t_run) LOOP
            UPDATE run SET inbox_last = t_last[t], inbox_count = t_count[t], inbox_bytes = t_bytes[t],
                -- A run that rests is due. In all other cases the due time stays, and with it the index.
                due_at = CASE WHEN session IS NULL THEN least(coalesce(due_at, blocked_at, paced_at), written_at) ELSE due_at END,
                blocked_at = NULL, paced_at = NULL
            WHERE key = t_run[t] AND inbox_last < t_last[t]
            RETURNING session INTO was;
            IF NOT FOUND THEN
                CONTINUE;
            ELSIF was.session IS NULL THEN
                first_due := least(first_due, written_at);
            ELSE
                rings := array_append(rings, 'b' || t_id[t]);
            END IF;
        END LOOP;
    END IF;

    IF cardinality(e_owner) > 0 THEN
        INSERT INTO entry (run, seq, revision, at, body)
        SELECT o_run[owner], o_entries[owner] + nth, o_revision[owner], written_at, body
        FROM unnest(e_owner, e_nth, e_body) AS e(owner, nth, body) WHERE o_run[owner] IS NOT NULL;
    END IF;
    IF cardinality(p_owner) > 0 THEN
        INSERT INTO part (run, name, body)
        SELECT o_run[owner], name, body FROM unnest(p_owner, p_name, p_body) AS p(owner, name, body)
        WHERE o_run[owner] IS NOT NULL AND body IS NOT NULL
        ON CONFLICT (run, name) DO UPDATE SET body = excluded.body;
        FOR was IN
            SELECT o_run[owner] AS run, name FROM unnest(p_owner, p_name, p_body) AS p(owner, name, body)
            WHERE o_run[owner] IS NOT NULL AND body IS NULL
        LOOP
            DELETE FROM part WHERE run = was.run AND name = was.name;
        END LOOP;
    END IF;
    IF cardinality(a_owner) > 0 THEN
        INSERT INTO attribute (run, name, text, number)
        SELECT o_run[owner], name, text, number FROM unnest(a_owner, a_name, a_text, a_number) AS a(owner, name, text, number)
        WHERE o_run[owner] IS NOT NULL AND (text IS NOT NULL OR number IS NOT NULL)
        ON CONFLICT (run, name) DO UPDATE SET text = excluded.text, number = excluded.number;
        FOR was IN
            SELECT o_run[owner] AS run, name FROM unnest(a_owner, a_name, a_text, a_number) AS a(owner, name, text, number)
            WHERE o_run[owner] IS NOT NULL AND text IS NULL AND number IS NULL
        LOOP
            DELETE FROM attribute WHERE run = was.run AND name = was.name;
        END LOOP;
    END IF;

    IF any_owing THEN
        SELECT array_agg(w.place), array_agg(o.revision), array_agg(o.place), array_agg(o.effect)
        INTO owed_owner, owed_revision, owed_place, owed_effect
        FROM unnest(w_run) WITH ORDINALITY AS w(run, place)
        CROSS JOIN LATERAL (
            SELECT * FROM owed WHERE owed.run = w.run ORDER BY revision, place) o;
    END IF;
    IF cardinality(f_queue) > 0 THEN
        -- Last, for it is held until the end.
        PERFORM follow(f_queue, f_key);
        first_due := least(first_due, written_at);
    END IF;
    IF first_due IS NOT NULL THEN
        rings := array_append(rings, 'd' || greatest(first_due, written_at));
    END IF;
    IF cardinality(rings) > 0 THEN
        PERFORM ring(channel, sender, rings);
    END IF;
END $$;
