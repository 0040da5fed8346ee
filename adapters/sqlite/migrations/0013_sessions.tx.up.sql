-- May run again if the process ends between this transaction and the mark that it was applied: SQLite can't add a column
-- twice safely, so the table is made anew.

-- What holders saved of a login. It is large, so it is not in the table users: nothing that hands users out reads it or writes to it.
CREATE TABLE IF NOT EXISTS sessions (
    user_id     TEXT    PRIMARY KEY NOT NULL,
    session     BLOB    NOT NULL, -- sealed for this user_id
    sealing_key TEXT    NOT NULL REFERENCES sealing_keys, -- the key that session is sealed with
    saved_at    INTEGER NOT NULL,
    expires_at  INTEGER -- NULL if it has no end
) STRICT;

CREATE INDEX IF NOT EXISTS sessions_expiry ON sessions (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE users_next (
    user_id           TEXT    PRIMARY KEY NOT NULL,
    created_at        INTEGER NOT NULL,
    project_id        TEXT    NOT NULL,
    env               TEXT    NOT NULL,
    domain            TEXT    NOT NULL,
    pool_id           INTEGER NOT NULL REFERENCES pools,
    login             TEXT    NOT NULL,
    login_key         BLOB    NOT NULL, -- the same for logins that are one account: the first 16 bytes of the SHA-256 of the normal form of the login
    duplicate         INTEGER NOT NULL DEFAULT 0, -- 0; above 0 for a user that is the same account as an older user, and in quarantine for that; such users are numbered from 1
    password          BLOB    NOT NULL, -- the password and, after a NUL, the TOTP secret if there is one; sealed for this user_id
    sealing_key       TEXT    NOT NULL REFERENCES sealing_keys, -- the key that password is sealed with
    labels            TEXT    NOT NULL, -- a JSON object of texts
    label_set_id      INTEGER REFERENCES label_sets, -- NULL if there are no labels
    last_code_at      INTEGER NOT NULL, -- when the window of the latest one-time code that was given out began; 0 if none was
    fence             INTEGER NOT NULL, -- one higher with every lock; never goes down
    free_at           INTEGER NOT NULL, -- from when a claim may take the user: 0 if nobody ever held it, 9223372036854775807 if a lock without an end does, or it is in quarantine
    released_at       INTEGER,          -- end of the latest lock that was released; NULL if none was
    lock_lease        BLOB,             -- SHA-256 of the lease id; NULL for an open lock
    lock_position     INTEGER NOT NULL, -- index of the user in its lease
    lock_quarantines  INTEGER NOT NULL, -- 1 if the user goes into quarantine when the lock expires, else 0
    lock_size         INTEGER NOT NULL, -- number of users that the lease was granted with; 0 if there is none
    lock_owner        TEXT,
    lock_note         TEXT,
    lock_acquired_at  INTEGER,          -- NULL if there is no lock, neither one that holds nor one that has expired
    lock_expires_at   INTEGER,          -- NULL if the lock has no end
    quarantine_reason TEXT,
    quarantined_at    INTEGER,          -- NULL if the user is in circulation

    session_saved_at   INTEGER NOT NULL DEFAULT 0, -- of the row of sessions; 0 if there is none
    session_expires_at INTEGER NOT NULL DEFAULT 0  -- 0 if it has no end
) STRICT;

INSERT INTO users_next (user_id, created_at, project_id, env, domain, pool_id, login, login_key, duplicate, password, sealing_key, labels, label_set_id,
    last_code_at, fence, free_at, released_at, lock_lease, lock_position, lock_quarantines, lock_size, lock_owner, lock_note,
    lock_acquired_at, lock_expires_at, quarantine_reason, quarantined_at)
SELECT user_id, created_at, project_id, env, domain, pool_id, login, login_key, duplicate, password, sealing_key, labels, label_set_id,
    last_code_at, fence, free_at, released_at, lock_lease, lock_position, lock_quarantines, lock_size, lock_owner, lock_note,
    lock_acquired_at, lock_expires_at, quarantine_reason, quarantined_at FROM users;

DROP TABLE users;
ALTER TABLE users_next RENAME TO users;

CREATE INDEX users_free ON users (pool_id, free_at, user_id);

CREATE INDEX users_free_labelled ON users (label_set_id, free_at, user_id) WHERE label_set_id IS NOT NULL;

CREATE INDEX users_lease ON users (lock_lease) WHERE lock_lease IS NOT NULL;

CREATE INDEX users_expiry ON users (lock_expires_at) WHERE lock_expires_at IS NOT NULL;

CREATE UNIQUE INDEX users_login_key ON users (project_id, env, login_key, duplicate);
