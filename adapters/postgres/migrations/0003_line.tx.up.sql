-- May run again if a process ends between this transaction and the mark that it was applied: everything is IF NOT EXISTS.

ALTER TABLE users ADD COLUMN IF NOT EXISTS lock_quarantines boolean NOT NULL DEFAULT false;

COMMENT ON COLUMN users.lock_quarantines IS 'the user goes into quarantine when the lock expires';

-- The locks that have expired, and the next one to expire, are the beginning of one range.
CREATE INDEX IF NOT EXISTS users_expiry ON users (lock_expires_at) WHERE lock_expires_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS replicas (
    replica_id bigint PRIMARY KEY,
    seen_at    bigint NOT NULL
);

COMMENT ON TABLE replicas IS 'Processes that have somebody in line, and when they last said so.';
COMMENT ON COLUMN replicas.seen_at IS 'microseconds since 1970';

CREATE TABLE IF NOT EXISTS waiters (
    place      bigint PRIMARY KEY,
    replica_id bigint NOT NULL,
    want_key   bigint NOT NULL,
    want       text   NOT NULL,
    since      bigint NOT NULL,
    until      bigint NOT NULL
) WITH (
    -- Many rows come and go, and their dead entries are where the next search begins.
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 500,
    autovacuum_vacuum_cost_delay = 0
);

COMMENT ON TABLE waiters IS 'Claims that stand in line, in the order of their places, as long as their replica lives.';
COMMENT ON COLUMN waiters.want IS 'the selectors, as JSON';
COMMENT ON COLUMN waiters.want_key IS 'the same for those that want the same';
COMMENT ON COLUMN waiters.since IS 'microseconds since 1970';
COMMENT ON COLUMN waiters.until IS 'when it leaves the line in any case, microseconds since 1970';

-- Of the waiters that want the same, a search needs only the first few.
CREATE INDEX IF NOT EXISTS waiters_want ON waiters (want_key, place);

CREATE INDEX IF NOT EXISTS waiters_until ON waiters (until);

CREATE TABLE IF NOT EXISTS calls (
    key       bytea  PRIMARY KEY,
    request   bytea  NOT NULL,
    outcome   uuid   NOT NULL,
    called_at bigint NOT NULL
);

COMMENT ON TABLE calls IS 'Calls with an idempotency key that were carried out. Neither the key nor the request can be told from it by who does not know the key.';
COMMENT ON COLUMN calls.called_at IS 'microseconds since 1970';

CREATE INDEX IF NOT EXISTS calls_age ON calls USING brin (called_at);

CREATE TABLE IF NOT EXISTS events (
    event_id   bigint PRIMARY KEY,
    at         bigint NOT NULL,
    kind       text   COLLATE "C" NOT NULL,
    user_id    uuid   NOT NULL,
    login      text   COLLATE "C" NOT NULL,
    project_id uuid   NOT NULL,
    env        text   COLLATE "C" NOT NULL,
    domain     text   COLLATE "C" NOT NULL,
    owner      text   COLLATE "C" NOT NULL,
    note       text   COLLATE "C" NOT NULL,
    fence      bigint NOT NULL,
    reason     text   COLLATE "C" NOT NULL
);

COMMENT ON TABLE events IS 'What happened to users. Nothing is ever changed in it. It tells no secret.';
COMMENT ON COLUMN events.event_id IS 'number of the transaction (counted from that in history_base) times 2^20, and the place in it: so that who reads up to the oldest transaction that is under way misses nothing that commits later';
COMMENT ON COLUMN events.at IS 'microseconds since 1970';
COMMENT ON COLUMN events.owner IS 'of the lock that it is about';

CREATE INDEX IF NOT EXISTS events_at ON events (at);
CREATE INDEX IF NOT EXISTS events_user ON events (user_id, event_id);
CREATE INDEX IF NOT EXISTS events_owner ON events (owner, event_id) WHERE owner <> '';

CREATE TABLE IF NOT EXISTS history_base (
    transactions bigint NOT NULL
);

COMMENT ON TABLE history_base IS 'What is added to the numbers of transactions in event_id: above 0 where the history was restored from another server, whose numbers were higher.';

INSERT INTO history_base SELECT 0 WHERE NOT EXISTS (SELECT FROM history_base);
