-- May run again if a process ends between this transaction and the mark that it was applied: everything is IF [NOT] EXISTS.
-- The defaults let a process of the version before record events meanwhile.
ALTER TABLE events
    ADD COLUMN IF NOT EXISTS held bigint NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS want text;

COMMENT ON COLUMN events.held IS 'how long the lock was held that ended, in microseconds';
COMMENT ON COLUMN events.want IS 'what a claim asked for, in the first of its events; JSON, relative to the pool of the event; NULL in other events';
