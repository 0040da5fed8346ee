-- May run again if the process ends between this transaction and the mark that it was applied: SQLite can't add a column
-- twice safely, so this creates the tables again.

-- A foreign key ensures that a key is not removed while a user is sealed with it. No index supports the foreign key: every lock
-- and every release would have to write to it, and a key is removed about once a year.
INSERT OR IGNORE INTO sealing_keys (key_id, first_used_at)
SELECT DISTINCT lower(hex(substr(password, 2, 4))), CAST(unixepoch('subsec') * 1000000 AS INTEGER) FROM users;

-- Keys that must not seal users anymore, because there may be no copy of them.
CREATE TABLE IF NOT EXISTS removed_sealing_keys (
    key_id     TEXT    PRIMARY KEY NOT NULL,
    removed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE users_next (
    user_id           TEXT    PRIMARY KEY NOT NULL,
    created_at        INTEGER NOT NULL,
    project_id        TEXT    NOT NULL,
    env               TEXT    NOT NULL,
    domain            TEXT    NOT NULL,
    pool_id           INTEGER NOT NULL REFERENCES pools,
    login             TEXT    NOT NULL,
    password          BLOB    NOT NULL, -- the password and, after a NUL, the TOTP secret if there is one; sealed for this user_id
    sealing_key       TEXT    NOT NULL REFERENCES sealing_keys, -- the key that password is sealed with
    labels            TEXT    NOT NULL, -- a JSON object of texts
    label_set_id      INTEGER REFERENCES label_sets, -- NULL if there are no labels
    last_code_at      INTEGER NOT NULL, -- when the window of the latest one-time code that was given out began; 0 if none was
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
    quarantine_reason, quarantined_at, lock_quarantines, sealing_key, last_code_at)
SELECT user_id, created_at, project_id, env, domain, pool_id, login, password, labels, label_set_id, fence, free_at,
    released_at, lock_lease, lock_position, lock_size, lock_owner, lock_note, lock_acquired_at, lock_expires_at,
    quarantine_reason, quarantined_at, lock_quarantines, lower(hex(substr(password, 2, 4))), 0 FROM users;

DROP TABLE users;
ALTER TABLE users_next RENAME TO users;

CREATE INDEX users_free ON users (pool_id, free_at, user_id);

CREATE INDEX users_free_labelled ON users (label_set_id, free_at, user_id) WHERE label_set_id IS NOT NULL;

CREATE INDEX users_lease ON users (lock_lease) WHERE lock_lease IS NOT NULL;

CREATE INDEX users_expiry ON users (lock_expires_at) WHERE lock_expires_at IS NOT NULL;

-- API keys, including those that have expired or were revoked. None is ever removed: a farm without keys is open to every caller.
CREATE TABLE IF NOT EXISTS api_keys (
    key_id       TEXT    PRIMARY KEY NOT NULL,
    name         TEXT    NOT NULL,
    role         TEXT    NOT NULL,
    projects     TEXT,             -- a JSON array of the ids of its projects; NULL if it is for all projects
    digest       BLOB    NOT NULL UNIQUE, -- SHA-256 of the token, which is not stored
    created_at   INTEGER NOT NULL,
    created_by   TEXT,             -- the key that created it; NULL if none was needed
    expires_at   INTEGER NOT NULL, -- 0 if it never expires
    revoked_at   INTEGER NOT NULL, -- 0 if it was not revoked
    revoked_by   TEXT,             -- the key that revoked it; NULL if none was needed
    last_used_at INTEGER NOT NULL  -- 0 if it was never used
) STRICT;

CREATE INDEX IF NOT EXISTS api_keys_active ON api_keys (expires_at) WHERE revoked_at = 0;

CREATE TABLE events_next (
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
    reason     TEXT    NOT NULL,
    key_id     TEXT              -- the API key that caused the event; NULL if none was needed, and for an expiry
) STRICT;

INSERT INTO events_next (event_id, at, kind, user_id, login, project_id, env, domain, owner, note, fence, reason)
SELECT event_id, at, kind, user_id, login, project_id, env, domain, owner, note, fence, reason FROM events;

-- Ids continue after the highest one ever used, even if its event was forgotten.
DELETE FROM sqlite_sequence WHERE name = 'events_next';
INSERT INTO sqlite_sequence (name, seq) SELECT 'events_next', seq FROM sqlite_sequence WHERE name = 'events';

DROP TABLE events;
ALTER TABLE events_next RENAME TO events;

CREATE INDEX events_at ON events (at);
CREATE INDEX events_user ON events (user_id, event_id);
CREATE INDEX events_owner ON events (owner, event_id) WHERE owner <> '';

-- For callers that may see only some projects.
CREATE INDEX events_project ON events (project_id, event_id);

CREATE TABLE ended_leases_next (
    lease    INTEGER PRIMARY KEY NOT NULL, -- the first eight bytes of the SHA-256 of the lease id, the highest first
    ended_at INTEGER NOT NULL,
    projects BLOB -- ids of the projects of the users that left the lease, one after the other; NULL if they were not recorded
) STRICT;

INSERT INTO ended_leases_next (lease, ended_at) SELECT lease, ended_at FROM ended_leases;

DROP TABLE ended_leases;
ALTER TABLE ended_leases_next RENAME TO ended_leases;

CREATE INDEX ended_leases_age ON ended_leases (ended_at);
