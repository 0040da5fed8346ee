-- May run again if a process ends between this transaction and the mark that it was applied.

ALTER TABLE users ADD COLUMN IF NOT EXISTS lock_renewals integer NOT NULL DEFAULT 0;

COMMENT ON COLUMN users.lock_renewals IS 'how often the lease of the lock was renewed';
