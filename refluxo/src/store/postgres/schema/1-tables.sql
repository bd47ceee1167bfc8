-- The store's clock, in microseconds since 1970. Whatever asks for the time asks here.
CREATE FUNCTION {schema}.clock() RETURNS bigint LANGUAGE sql VOLATILE
    AS 'SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint';

-- A run. `due_at` is also the end of the lease, if `session` is set. A commit that goes from one step to the next changes no
-- column of an index, and finds room for the row's next version on the same page.
CREATE TABLE {schema}.run (
    key         bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id          text    COLLATE "C" NOT NULL,
    uid         bytea   NOT NULL,
    root        text    COLLATE "C" NOT NULL,
    parent      text    COLLATE "C",
    queue       text    COLLATE "C" NOT NULL,
    input       bytea   NOT NULL,
    version     bigint  NOT NULL,
    status      text    COLLATE "C" NOT NULL,
    at          text    COLLATE "C" NOT NULL,
    revision    bigint  NOT NULL,
    due_at      bigint,
    token       bytea,
    session     bytea,
    claims      bigint  NOT NULL,
    inbox_last  bigint  NOT NULL,
    inbox_read  bigint  NOT NULL,
    inbox_count bigint  NOT NULL,
    inbox_bytes bigint  NOT NULL,
    entries     bigint  NOT NULL,
    owes        boolean NOT NULL,
    created_at  bigint  NOT NULL,
    updated_at  bigint  NOT NULL,
    ended_at    bigint,
    head        bytea   NOT NULL,
    state       bytea   NOT NULL
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX run_id ON {schema}.run (id);
-- What a claim looks at.
CREATE INDEX run_due ON {schema}.run (queue, due_at, version) WHERE due_at IS NOT NULL;
CREATE INDEX run_session ON {schema}.run (session) WHERE session IS NOT NULL;
CREATE INDEX run_parent ON {schema}.run (parent) WHERE parent IS NOT NULL;
CREATE INDEX run_created ON {schema}.run (created_at, id);
CREATE INDEX run_status ON {schema}.run (queue, status, created_at, id);

-- Pieces of states that are written once.
CREATE TABLE {schema}.part (
    run  bigint NOT NULL,
    name text   COLLATE "C" NOT NULL,
    body bytea  NOT NULL,
    PRIMARY KEY (run, name)
);

-- Messages. One that was consumed stays without its body until its key is forgotten (`until`); one without a key goes at
-- once. `hash` is the key's, for a key may be longer than an index takes.
CREATE TABLE {schema}.inbox (
    run   bigint NOT NULL,
    seq   bigint NOT NULL,
    key   text,
    hash  bytea,
    kind  text   NOT NULL,
    body  bytea  NOT NULL,
    bytes bigint NOT NULL,
    at    bigint NOT NULL,
    until bigint
);
CREATE UNIQUE INDEX inbox_waiting ON {schema}.inbox (run, seq) WHERE until IS NULL;
CREATE UNIQUE INDEX inbox_hash ON {schema}.inbox (run, hash) WHERE hash IS NOT NULL;

-- The history.
CREATE TABLE {schema}.entry (
    run      bigint NOT NULL,
    seq      bigint NOT NULL,
    revision bigint NOT NULL,
    at       bigint NOT NULL,
    body     bytea  NOT NULL,
    PRIMARY KEY (run, seq)
);

-- Searchable attributes: a text or a number. An index takes the beginning of a text only.
CREATE TABLE {schema}.attribute (
    run    bigint NOT NULL,
    name   text   COLLATE "C" NOT NULL,
    text   text   COLLATE "C",
    number bigint,
    PRIMARY KEY (run, name)
);
CREATE INDEX attribute_text ON {schema}.attribute (name, left(text, 100)) WHERE text IS NOT NULL;
CREATE INDEX attribute_number ON {schema}.attribute (name, number) WHERE number IS NOT NULL;

-- Effects that could not be applied with their commit.
CREATE TABLE {schema}.owed (
    run      bigint NOT NULL,
    revision bigint NOT NULL,
    place    bigint NOT NULL,
    effect   bytea  NOT NULL,
    PRIMARY KEY (run, revision, place)
);
