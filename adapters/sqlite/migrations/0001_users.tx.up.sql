-- May run again if the process ends between this transaction and the mark that it was applied: everything is IF NOT EXISTS.

-- Times are integers, microseconds since 1970 in UTC. STRICT keeps every column to its type.
CREATE TABLE IF NOT EXISTS users (
    user_id           TEXT    PRIMARY KEY NOT NULL,
    created_at        INTEGER NOT NULL,
    project_id        TEXT    NOT NULL,
    env               TEXT    NOT NULL,
    domain            TEXT    NOT NULL,
    login             TEXT    NOT NULL,
    password          BLOB    NOT NULL, -- sealed with a key of sealing_keys, for this user_id
    labels            TEXT    NOT NULL, -- a JSON object of texts
    fence             INTEGER NOT NULL, -- one higher with every lock; never goes down
    free_at           INTEGER NOT NULL, -- from when the user is free: 0 if it was never held, 9223372036854775807 if its lock has no end
    released_at       INTEGER,          -- end of the latest lock that was released; NULL if none was
    lock_lease        BLOB,             -- SHA-256 of the lease id; NULL for an open lock
    lock_position     INTEGER NOT NULL, -- index of the user in its lease
    lock_owner        TEXT,
    lock_note         TEXT,
    lock_acquired_at  INTEGER,          -- NULL if there is no lock, not even an expired one
    lock_expires_at   INTEGER,          -- NULL if the lock has no end
    quarantine_reason TEXT,
    quarantined_at    INTEGER,          -- NULL if the user is in circulation

    -- Two users for one real account could be locked at the same time.
    UNIQUE (project_id, env, login)
) STRICT;

-- The next user to hand out is the first entry of one range: the pool, up to now, longest rested first. Held users come after
-- the range, and quarantined ones are not in the index. So an exhausted pool is an empty range, and needs no scan.
CREATE INDEX IF NOT EXISTS users_free ON users (project_id, env, domain, free_at, user_id) WHERE quarantined_at IS NULL;

CREATE INDEX IF NOT EXISTS users_lease ON users (lock_lease) WHERE lock_lease IS NOT NULL;

-- Ended leases that no row of users has anymore, until they are forgotten. They distinguish an ended lease from an unknown one.
CREATE TABLE IF NOT EXISTS ended_leases (
    lease    BLOB    PRIMARY KEY NOT NULL, -- SHA-256 of the lease id
    ended_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Finds leases that are old enough to forget.
CREATE INDEX IF NOT EXISTS ended_leases_age ON ended_leases (ended_at);

-- Ids of the keys that sealed passwords of this database. A farm starts only if it has all of them.
CREATE TABLE IF NOT EXISTS sealing_keys (
    key_id        TEXT    PRIMARY KEY NOT NULL,
    first_used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
