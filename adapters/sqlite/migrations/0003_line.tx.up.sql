-- May run again if the process ends between this transaction and the mark that it was applied: SQLite can't add a column
-- twice safely, so this creates the table again.

-- What happened to users, oldest first. Rows never change. They contain no secret.
CREATE TABLE IF NOT EXISTS events (
    event_id   INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    user_id    TEXT    NOT NULL,
    login      TEXT    NOT NULL,
    project_id TEXT    NOT NULL,
    env        TEXT    NOT NULL,
    domain     TEXT    NOT NULL,
    owner      TEXT    NOT NULL, -- of the lock that it is about
    note       TEXT    NOT NULL,
    fence      INTEGER NOT NULL,
    reason     TEXT    NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS events_at ON events (at);
CREATE INDEX IF NOT EXISTS events_user ON events (user_id, event_id);
CREATE INDEX IF NOT EXISTS events_owner ON events (owner, event_id) WHERE owner <> '';

-- Calls with an idempotency key that were carried out. The digests reveal neither the key nor the request to a reader that does
-- not know the key.
CREATE TABLE IF NOT EXISTS calls (
    key       BLOB    PRIMARY KEY NOT NULL,
    request   BLOB    NOT NULL,
    outcome   BLOB    NOT NULL,
    called_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS calls_age ON calls (called_at);

CREATE TABLE users_next (
    user_id           TEXT    PRIMARY KEY NOT NULL,
    created_at        INTEGER NOT NULL,
    project_id        TEXT    NOT NULL,
    env               TEXT    NOT NULL,
    domain            TEXT    NOT NULL,
    pool_id           INTEGER NOT NULL REFERENCES pools,
    login             TEXT    NOT NULL,
    password          BLOB    NOT NULL, -- sealed with a key of sealing_keys, for this user_id
    labels            TEXT    NOT NULL, -- a JSON object of texts
    label_set_id      INTEGER REFERENCES label_sets, -- NULL if there are no labels
    fence             INTEGER NOT NULL, -- one higher with every lock; never goes down
    free_at           INTEGER NOT NULL, -- from when a claim may take the user: 0 if it was never held, 9223372036854775807 if its lock has no end or it is in quarantine
    released_at       INTEGER,          -- end of the latest lock that was released; NULL if none was
    lock_lease        BLOB,             -- SHA-256 of the lease id; NULL for an open lock
    lock_position     INTEGER NOT NULL, -- index of the user in its lease
    lock_quarantines  INTEGER NOT NULL, -- 1 if the user goes into quarantine when the lock expires, else 0
    lock_size         INTEGER NOT NULL, -- number of users that the lease was granted with; 0 if there is none
    lock_owner        TEXT,
    lock_note         TEXT,
    lock_acquired_at  INTEGER,          -- NULL if there is no lock, not even an expired one
    lock_expires_at   INTEGER,          -- NULL if the lock has no end
    quarantine_reason TEXT,
    quarantined_at    INTEGER,          -- NULL if the user is in circulation

    -- Two users for one real account could be locked at the same time.
    UNIQUE (project_id, env, login)
) STRICT;

INSERT INTO users_next (user_id, created_at, project_id, env, domain, pool_id, login, password, labels, label_set_id, fence, free_at,
    released_at, lock_lease, lock_position, lock_size, lock_owner, lock_note, lock_acquired_at, lock_expires_at,
    quarantine_reason, quarantined_at, lock_quarantines)
SELECT user_id, created_at, project_id, env, domain, pool_id, login, password, labels, label_set_id, fence, free_at,
    released_at, lock_lease, lock_position, lock_size, lock_owner, lock_note, lock_acquired_at, lock_expires_at,
    quarantine_reason, quarantined_at, 0 FROM users;

DROP TABLE users;
ALTER TABLE users_next RENAME TO users;

CREATE INDEX users_free ON users (pool_id, free_at, user_id);

CREATE INDEX users_free_labelled ON users (label_set_id, free_at, user_id) WHERE label_set_id IS NOT NULL;

CREATE INDEX users_lease ON users (lock_lease) WHERE lock_lease IS NOT NULL;

-- The locks that have expired, and the next one to expire, are the beginning of one range.
CREATE INDEX users_expiry ON users (lock_expires_at) WHERE lock_expires_at IS NOT NULL;
