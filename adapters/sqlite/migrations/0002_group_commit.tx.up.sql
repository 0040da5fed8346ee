-- May run again if the process ends between this transaction and the mark that it was applied: it creates the tables again from
-- their contents.

-- A search for a free user starts from a pool id instead of the texts that name the pool: it is small in the index that every
-- lock and every release writes to. Every pool that ever had a user is here.
CREATE TABLE IF NOT EXISTS pools (
    pool_id    INTEGER PRIMARY KEY NOT NULL,
    project_id TEXT    NOT NULL,
    env        TEXT    NOT NULL,
    domain     TEXT    NOT NULL,

    UNIQUE (project_id, env, domain)
) STRICT;

-- A search for labels reads the sets of labels that contain them, and the free users of each set. So it reads as little as a
-- search without labels, no matter how many users have other labels or are locked. The empty set is not stored.
CREATE TABLE IF NOT EXISTS label_sets (
    label_set_id INTEGER PRIMARY KEY NOT NULL,
    pool_id      INTEGER NOT NULL REFERENCES pools,
    labels       TEXT    NOT NULL, -- a JSON object of texts, its keys in order

    UNIQUE (pool_id, labels)
) STRICT;

INSERT OR IGNORE INTO pools (project_id, env, domain) SELECT DISTINCT project_id, env, domain FROM users;

INSERT OR IGNORE INTO label_sets (pool_id, labels)
SELECT DISTINCT p.pool_id, u.labels FROM users u JOIN pools p USING (project_id, env, domain) WHERE u.labels <> '{}';

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

INSERT INTO users_next (
    user_id, created_at, project_id, env, domain, pool_id, login, password, labels, label_set_id, fence, free_at,
    released_at, lock_lease, lock_position, lock_size, lock_owner, lock_note, lock_acquired_at, lock_expires_at,
    quarantine_reason, quarantined_at
)
SELECT
    u.user_id, u.created_at, u.project_id, u.env, u.domain, p.pool_id, u.login, u.password, u.labels,
    (SELECT s.label_set_id FROM label_sets s WHERE s.pool_id = p.pool_id AND s.labels = u.labels),
    u.fence, iif(u.quarantined_at IS NULL, u.free_at, 9223372036854775807),
    u.released_at, u.lock_lease, u.lock_position,
    (SELECT count(*) FROM users l WHERE l.lock_lease = u.lock_lease), u.lock_owner, u.lock_note, u.lock_acquired_at, u.lock_expires_at,
    u.quarantine_reason, u.quarantined_at
FROM users u JOIN pools p USING (project_id, env, domain);

DROP TABLE users;
ALTER TABLE users_next RENAME TO users;

-- The next user to hand out is the first entry of one range: the pool, up to now, longest rested first. Users that are held or in
-- quarantine come after the range. So an exhausted pool is an empty range, and needs no scan.
CREATE INDEX users_free ON users (pool_id, free_at, user_id);

CREATE INDEX users_free_labelled ON users (label_set_id, free_at, user_id) WHERE label_set_id IS NOT NULL;

CREATE INDEX users_lease ON users (lock_lease) WHERE lock_lease IS NOT NULL;

-- There are many ended leases, and lookups are rare. Eight bytes of the digest, as an integer, are enough to identify one.
CREATE TABLE ended_leases_next (
    lease    INTEGER PRIMARY KEY NOT NULL, -- the first eight bytes of the SHA-256 of the lease id, the highest first
    ended_at INTEGER NOT NULL
) STRICT;

INSERT OR IGNORE INTO ended_leases_next (lease, ended_at)
WITH RECURSIVE digits (lease, ended_at, next, key) AS (
    SELECT lease, ended_at, 1, 0 FROM ended_leases WHERE typeof(lease) = 'blob'
    UNION ALL
    SELECT lease, ended_at, next + 1, (key << 4) | (instr('0123456789ABCDEF', substr(hex(lease), next, 1)) - 1)
    FROM digits WHERE next <= 16
)
SELECT key, ended_at FROM digits WHERE next = 17
UNION ALL
SELECT lease, ended_at FROM ended_leases WHERE typeof(lease) = 'integer';

DROP TABLE ended_leases;
ALTER TABLE ended_leases_next RENAME TO ended_leases;

CREATE INDEX ended_leases_age ON ended_leases (ended_at);
