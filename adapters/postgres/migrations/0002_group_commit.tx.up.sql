-- May run again if a process ends between this transaction and the mark that it was applied.

-- A search for a free user starts from a pool id instead of the texts that name the pool: a number is fast to compare, and small
-- in the index that every lock and every release writes to.
CREATE TABLE IF NOT EXISTS pools (
    pool_id    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id uuid NOT NULL,
    env        text COLLATE "C" NOT NULL,
    domain     text COLLATE "C" NOT NULL,

    UNIQUE (project_id, env, domain)
);

COMMENT ON TABLE pools IS 'Every pool that ever had a user.';

-- A search for labels reads the sets of labels that contain them, and the free users of each set. So it reads as little as a
-- search without labels, no matter how many users have other labels or are locked.
CREATE TABLE IF NOT EXISTS label_sets (
    label_set_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pool_id      integer NOT NULL REFERENCES pools,
    labels       jsonb   NOT NULL
);

COMMENT ON TABLE label_sets IS 'Every set of labels that a user of a pool ever had, the empty one left out. Two replicas may write the same set at once: then it is there twice, which does no harm.';

CREATE INDEX IF NOT EXISTS label_sets_same ON label_sets USING hash (labels);

CREATE INDEX IF NOT EXISTS label_sets_contain ON label_sets USING gin (labels jsonb_path_ops);

ALTER TABLE users ADD COLUMN IF NOT EXISTS pool_id integer;
ALTER TABLE users ADD COLUMN IF NOT EXISTS label_set_id bigint;
ALTER TABLE users ADD COLUMN IF NOT EXISTS lock_size integer NOT NULL DEFAULT 0;

INSERT INTO pools (project_id, env, domain) SELECT DISTINCT project_id, env, domain FROM users ON CONFLICT DO NOTHING;

INSERT INTO label_sets (pool_id, labels)
SELECT DISTINCT p.pool_id, u.labels FROM users u JOIN pools p USING (project_id, env, domain)
WHERE u.labels <> '{}' AND u.pool_id IS NULL;

UPDATE users u SET
    pool_id = p.pool_id,
    label_set_id = (SELECT min(s.label_set_id) FROM label_sets s WHERE s.pool_id = p.pool_id AND s.labels = u.labels),
    free_at = CASE WHEN u.quarantined_at IS NULL THEN u.free_at ELSE 9223372036854775807 END
FROM pools p
WHERE u.pool_id IS NULL AND (p.project_id, p.env, p.domain) = (u.project_id, u.env, u.domain);

ALTER TABLE users ALTER COLUMN pool_id SET NOT NULL;

UPDATE users u SET lock_size = lease.size
FROM (SELECT lock_lease, count(*) AS size FROM users WHERE lock_lease IS NOT NULL GROUP BY lock_lease) lease
WHERE u.lock_lease = lease.lock_lease AND u.lock_size = 0;

COMMENT ON COLUMN users.pool_id IS 'pool of (project_id, env, domain)';
COMMENT ON COLUMN users.label_set_id IS 'set of labels; NULL if there are none';
COMMENT ON COLUMN users.lock_size IS 'number of users that the lease was granted with; 0 if there is none';
COMMENT ON COLUMN users.free_at IS 'from when a claim may take the user, microseconds since 1970: 0 if nobody ever held it, 9223372036854775807 if a lock without an end does, or it is in quarantine';

-- The next user to hand out is the first entry of one range: the pool, up to now, longest rested first. Users that are held or in
-- quarantine come after the range. So an exhausted pool is an empty range, and needs no scan.
DROP INDEX IF EXISTS users_free;
CREATE INDEX users_free ON users (pool_id, free_at, user_id);

DROP INDEX IF EXISTS users_free_labelled;
CREATE INDEX users_free_labelled ON users (label_set_id, free_at, user_id) WHERE label_set_id IS NOT NULL;

-- Every lock and every release writes a new version of a row and, because free_at is in an index, of all its index entries. The
-- space that a full page keeps free lets the new version stay on the same page as the old one. Autovacuum must not pause: the
-- entries that it removes are at the low end of users_free, exactly where a search begins.
ALTER TABLE users SET (
    fillfactor = 60,
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 500,
    autovacuum_vacuum_cost_delay = 0
);

-- There are many ended leases, and lookups are rare: only for a lease id that has ended or never existed. So the table is small:
-- eight bytes of the digest, and only a block range index over the age. A lease may be here twice, if its users were taken one
-- after the other after it had expired: a unique index would make one transaction wait for another.
DO $$
BEGIN
    IF (SELECT data_type FROM information_schema.columns
        WHERE table_schema = current_schema() AND table_name = 'ended_leases' AND column_name = 'lease') = 'bytea' THEN
        ALTER TABLE ended_leases DROP CONSTRAINT ended_leases_pkey;
        ALTER TABLE ended_leases
            ALTER COLUMN lease TYPE bigint USING ('x' || encode(substring(lease FROM 1 FOR 8), 'hex'))::bit(64)::bigint;
    END IF;
END $$;

CREATE INDEX IF NOT EXISTS ended_leases_lease ON ended_leases (lease);

DROP INDEX IF EXISTS ended_leases_age;
CREATE INDEX ended_leases_age ON ended_leases USING brin (ended_at);

COMMENT ON COLUMN ended_leases.lease IS 'the first eight bytes of the SHA-256 of the lease id, the highest first';
