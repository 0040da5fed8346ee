-- May run again if a process ends between this transaction and the mark that it was applied: everything is IF NOT EXISTS.

ALTER TABLE events ADD COLUMN IF NOT EXISTS changed text COLLATE "C" NOT NULL DEFAULT '';

COMMENT ON COLUMN events.changed IS 'for the kind changed: the names of the fields of the user that changed, with commas between them; empty for the other kinds';

-- Finds the few events of these kinds among the many of leases. The events of every lease are not in it, so that an acquire and its
-- release do not write to it.
CREATE INDEX IF NOT EXISTS events_rare ON events (kind, event_id) WHERE kind NOT IN ('acquired', 'renewed', 'released', 'expired');
