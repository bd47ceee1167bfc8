-- A run. The columns that every step changes stand before the two that may be long, so that they are read without
-- following overflow pages. `due_at` is also the end of the lease, if `session` is set.
CREATE TABLE run (
    key         INTEGER PRIMARY KEY,
    id          TEXT    NOT NULL,
    uid         BLOB    NOT NULL,
    root        TEXT    NOT NULL,
    parent      TEXT,
    queue       TEXT    NOT NULL,
    input       BLOB    NOT NULL,
    version     INTEGER NOT NULL,
    status      TEXT    NOT NULL,
    at          TEXT    NOT NULL,
    revision    INTEGER NOT NULL,
    due_at      INTEGER,
    token       BLOB,
    session     BLOB,
    claims      INTEGER NOT NULL,
    inbox_last  INTEGER NOT NULL,
    inbox_read  INTEGER NOT NULL,
    inbox_count INTEGER NOT NULL,
    inbox_bytes INTEGER NOT NULL,
    entries     INTEGER NOT NULL,
    last_entry  INTEGER,
    owes        INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    ended_at    INTEGER,
    head        BLOB    NOT NULL,
    state       BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX run_id ON run (id);
-- What a claim looks at. A commit that goes on changes nothing in it, nor in the others.
CREATE INDEX run_due ON run (queue, due_at, version, session) WHERE due_at IS NOT NULL;
CREATE INDEX run_session ON run (session) WHERE session IS NOT NULL;
CREATE INDEX run_parent ON run (parent) WHERE parent IS NOT NULL;
CREATE INDEX run_created ON run (created_at, id);
CREATE INDEX run_status ON run (queue, status, created_at, id);

-- Pieces of states that are written once.
CREATE TABLE part (run INTEGER NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX part_name ON part (run, name);

CREATE TABLE inbox (
    run  INTEGER NOT NULL,
    seq  INTEGER NOT NULL,
    key  TEXT,
    kind TEXT    NOT NULL,
    body BLOB    NOT NULL,
    at   INTEGER NOT NULL,
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;

-- The senders' keys: `until` is not set while the message waits, and tells when the key is forgotten once it was consumed.
CREATE TABLE sender_key (
    run   INTEGER NOT NULL,
    key   TEXT    NOT NULL,
    until INTEGER,
    PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;

-- The history. Only ever appended to, without an index: each entry names the one before it, and the run the last one. The
-- chain costs a third less than an index that grows in as many places as there are runs.
CREATE TABLE entry (
    id       INTEGER PRIMARY KEY,
    run      INTEGER NOT NULL,
    prev     INTEGER,
    revision INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    body     BLOB    NOT NULL
) STRICT;

CREATE TABLE attribute (
    run   INTEGER NOT NULL,
    name  TEXT    NOT NULL,
    value ANY     NOT NULL,
    PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX attribute_value ON attribute (name, value);

-- Effects that could not be applied with their commit.
CREATE TABLE owed (
    run      INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    place    INTEGER NOT NULL,
    effect   BLOB    NOT NULL,
    PRIMARY KEY (run, revision, place)
) STRICT, WITHOUT ROWID;
