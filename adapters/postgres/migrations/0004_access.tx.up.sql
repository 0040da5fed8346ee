-- May run again if a process ends between this transaction and the mark that it was applied: everything is IF NOT EXISTS.

-- A foreign key ensures that a key is not removed while a user is sealed with it: a transaction that seals locks the row of the
-- key until it has committed. No index supports the foreign key: every lock and every release would have to write to it, and a
-- key is removed about once a year.
ALTER TABLE users ADD COLUMN IF NOT EXISTS sealing_key text COLLATE "C";

UPDATE users SET sealing_key = encode(substring(password FROM 2 FOR 4), 'hex') WHERE sealing_key IS NULL;

INSERT INTO sealing_keys (key_id, first_used_at)
SELECT DISTINCT sealing_key, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint FROM users ON CONFLICT DO NOTHING;

ALTER TABLE users ALTER COLUMN sealing_key SET NOT NULL;
ALTER TABLE users DROP CONSTRAINT IF EXISTS users_sealing_key;
ALTER TABLE users ADD CONSTRAINT users_sealing_key FOREIGN KEY (sealing_key) REFERENCES sealing_keys;

CREATE TABLE IF NOT EXISTS removed_sealing_keys (
    key_id     text   COLLATE "C" PRIMARY KEY,
    removed_at bigint NOT NULL
);

COMMENT ON TABLE removed_sealing_keys IS 'Keys that nobody may be sealed with anymore: there may be no copy of them left.';
COMMENT ON COLUMN removed_sealing_keys.removed_at IS 'microseconds since 1970';

ALTER TABLE users ADD COLUMN IF NOT EXISTS last_code_at bigint NOT NULL DEFAULT 0;

COMMENT ON COLUMN users.password IS 'the password and, after a NUL, the TOTP secret if there is one; sealed with sealing_key for this user_id';
COMMENT ON COLUMN users.sealing_key IS 'the key that password is sealed with';
COMMENT ON COLUMN users.last_code_at IS 'when the window of the latest one-time code that was given out began, microseconds since 1970; 0 if none was';

CREATE TABLE IF NOT EXISTS api_keys (
    key_id       uuid   PRIMARY KEY,
    name         text   NOT NULL,
    role         text   COLLATE "C" NOT NULL,
    projects     text,
    digest       bytea  NOT NULL UNIQUE,
    created_at   bigint NOT NULL,
    created_by   uuid,
    expires_at   bigint NOT NULL,
    revoked_at   bigint NOT NULL,
    revoked_by   uuid,
    last_used_at bigint NOT NULL
);

CREATE INDEX IF NOT EXISTS api_keys_active ON api_keys (expires_at) WHERE revoked_at = 0;

COMMENT ON TABLE api_keys IS 'API keys, also those that have expired or were revoked: none is ever removed, lest a farm that had one be open to everybody. Times are microseconds since 1970; 0 stands for never.';
COMMENT ON COLUMN api_keys.projects IS 'a JSON array of the ids of the only projects that it is for; NULL if it is for all';
COMMENT ON COLUMN api_keys.digest IS 'SHA-256 of the token, which is kept nowhere';

ALTER TABLE events ADD COLUMN IF NOT EXISTS key_id uuid;
COMMENT ON COLUMN events.key_id IS 'API key of whoever did it; NULL if that needed none, and for what time alone made happen';

ALTER TABLE ended_leases ADD COLUMN IF NOT EXISTS projects bytea;
COMMENT ON COLUMN ended_leases.projects IS 'ids of the projects of the users that left the lease, one after the other; NULL if they were not noted';

-- For callers that may see only some projects.
CREATE INDEX IF NOT EXISTS events_project ON events (project_id, event_id);
