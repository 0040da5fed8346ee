-- May run again if a process ends between this transaction and the mark that it was applied: everything is IF NOT EXISTS.

-- Texts compare by their bytes (COLLATE "C"), as they do in Go and in SQLite, whatever the database's locale: lists of
-- pools have one order everywhere, and an update of the C library can't corrupt an index.
CREATE TABLE IF NOT EXISTS users (
    user_id           uuid   PRIMARY KEY,
    created_at        bigint NOT NULL,
    project_id        uuid   NOT NULL,
    env               text   COLLATE "C" NOT NULL,
    domain            text   COLLATE "C" NOT NULL,
    login             text   COLLATE "C" NOT NULL,
    password          bytea  NOT NULL,
    labels            jsonb  NOT NULL,
    fence             bigint NOT NULL,
    free_at           bigint NOT NULL,
    released_at       bigint,
    lock_lease        bytea,
    lock_position     integer NOT NULL,
    lock_owner        text,
    lock_note         text,
    lock_acquired_at  bigint,
    lock_expires_at   bigint,
    quarantine_reason text,
    quarantined_at    bigint,

    -- Two users for one real account could be locked at the same time.
    CONSTRAINT users_login UNIQUE (project_id, env, login)
) WITH (
    -- Every lock and every release leaves a dead entry at the low end of users_free, exactly where the search for a free user
    -- begins. By default, autovacuum waits until a fifth of the table is dead. In a large, busy farm, searches would then have
    -- to skip more and more dead entries.
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 500
);

COMMENT ON TABLE users IS 'Test users and their locks. Times are microseconds since 1970 in UTC: integers, because they say what they are in every client, and are the same in both databases that userfarm runs on.';
COMMENT ON COLUMN users.created_at IS 'microseconds since 1970';
COMMENT ON COLUMN users.password IS 'sealed with a key of sealing_keys, for this user_id';
COMMENT ON COLUMN users.fence IS 'one higher with every lock; never goes down';
COMMENT ON COLUMN users.free_at IS 'from when nobody holds the user, microseconds since 1970: 0 if nobody ever did, 9223372036854775807 if a lock without an end does';
COMMENT ON COLUMN users.released_at IS 'end of the latest lock that was released, microseconds since 1970; NULL if none was';
COMMENT ON COLUMN users.lock_lease IS 'SHA-256 of the lease id; NULL for an open lock';
COMMENT ON COLUMN users.lock_position IS 'index of the user in its lease';
COMMENT ON COLUMN users.lock_acquired_at IS 'microseconds since 1970; NULL if there is no lock, neither one that holds nor one that has expired';
COMMENT ON COLUMN users.lock_expires_at IS 'microseconds since 1970; NULL if the lock has no end';
COMMENT ON COLUMN users.quarantined_at IS 'microseconds since 1970; NULL if the user is in circulation';

-- The next user to hand out is the first entry of one range: the pool, up to now, longest rested first. Held users come after
-- the range, and quarantined ones are not in the index. So an exhausted pool is an empty range, and needs no scan.
CREATE INDEX IF NOT EXISTS users_free ON users (project_id, env, domain, free_at, user_id) WHERE quarantined_at IS NULL;

CREATE INDEX IF NOT EXISTS users_lease ON users (lock_lease) WHERE lock_lease IS NOT NULL;

CREATE TABLE IF NOT EXISTS ended_leases (
    lease    bytea  PRIMARY KEY,
    ended_at bigint NOT NULL
);

COMMENT ON TABLE ended_leases IS 'Leases that are on no row of users anymore, until they are forgotten: what is over can be told from what never was.';
COMMENT ON COLUMN ended_leases.lease IS 'SHA-256 of the lease id';
COMMENT ON COLUMN ended_leases.ended_at IS 'microseconds since 1970';

-- Finds leases that are old enough to forget.
CREATE INDEX IF NOT EXISTS ended_leases_age ON ended_leases (ended_at);

CREATE TABLE IF NOT EXISTS sealing_keys (
    key_id        text   COLLATE "C" PRIMARY KEY,
    first_used_at bigint NOT NULL
);

COMMENT ON TABLE sealing_keys IS 'Ids of the keys that sealed passwords of this database. A farm starts only with all of them at hand.';
COMMENT ON COLUMN sealing_keys.first_used_at IS 'microseconds since 1970';
