-- May run again if a process ends between this transaction and the mark that it was applied: everything is IF NOT EXISTS.

-- What holders saved of a login. It is large, so it is not in the table users: nothing that hands users out reads it or writes to it.
CREATE TABLE IF NOT EXISTS sessions (
    user_id     uuid   PRIMARY KEY,
    session     bytea  NOT NULL,
    sealing_key text   COLLATE "C" NOT NULL REFERENCES sealing_keys,
    saved_at    bigint NOT NULL,
    expires_at  bigint
);

COMMENT ON TABLE sessions IS 'What holders of users saved of a login, for the next holder.';
COMMENT ON COLUMN sessions.session IS 'sealed with sealing_key for this user_id';
COMMENT ON COLUMN sessions.saved_at IS 'microseconds since 1970';
COMMENT ON COLUMN sessions.expires_at IS 'microseconds since 1970; NULL if it has no end';

CREATE INDEX IF NOT EXISTS sessions_expiry ON sessions (expires_at) WHERE expires_at IS NOT NULL;

ALTER TABLE users
    ADD COLUMN IF NOT EXISTS session_saved_at   bigint NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS session_expires_at bigint NOT NULL DEFAULT 0;

COMMENT ON COLUMN users.session_saved_at IS 'of the row of sessions, microseconds since 1970; 0 if there is none';
COMMENT ON COLUMN users.session_expires_at IS 'likewise; 0 if it has no end';
