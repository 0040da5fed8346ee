-- May run again if a process ends between this transaction and the mark that it was applied.

-- Lists are in the order of ids. A page of the users of a pool, or of those with a label, reads no more than its own size.
CREATE INDEX IF NOT EXISTS users_pool ON users (pool_id, user_id);

CREATE INDEX IF NOT EXISTS users_labelled ON users (label_set_id, user_id) WHERE label_set_id IS NOT NULL;

-- Of users that are held, those whose lock ends have users_expiry.
CREATE INDEX IF NOT EXISTS users_endless ON users (user_id) WHERE lock_acquired_at IS NOT NULL AND lock_expires_at IS NULL;

CREATE INDEX IF NOT EXISTS users_quarantined ON users (user_id) WHERE quarantined_at IS NOT NULL;
