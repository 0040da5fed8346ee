-- May run again if a process ends between this transaction and the mark that it was applied: everything is IF NOT EXISTS.

-- Two users of one real account would defeat the lock. Which logins are one account, SQL can't compute: when a farm starts, it
-- computes the keys of all logins, unless they were computed by the same rule. Until then, each login has a key of its own.
ALTER TABLE users ADD COLUMN IF NOT EXISTS login_key bytea;
ALTER TABLE users ADD COLUMN IF NOT EXISTS duplicate integer NOT NULL DEFAULT 0;

UPDATE users SET login_key = convert_to(login, 'UTF8') WHERE login_key IS NULL;

ALTER TABLE users ALTER COLUMN login_key SET NOT NULL;
ALTER TABLE users DROP CONSTRAINT IF EXISTS users_login;
CREATE UNIQUE INDEX IF NOT EXISTS users_login_key ON users (project_id, env, login_key, duplicate);

COMMENT ON COLUMN users.login_key IS 'the same for logins that are one account: the first 16 bytes of the SHA-256 of the normal form of the login';
COMMENT ON COLUMN users.duplicate IS '0; above 0 for a user that is the same account as an older user, and in quarantine for that; such users are numbered from 1';

CREATE TABLE IF NOT EXISTS login_rule (
    rule text COLLATE "C" NOT NULL
);

COMMENT ON TABLE login_rule IS 'The rule by which login_key of all users was computed; empty if it was not computed yet.';

INSERT INTO login_rule SELECT '' WHERE NOT EXISTS (SELECT FROM login_rule);
