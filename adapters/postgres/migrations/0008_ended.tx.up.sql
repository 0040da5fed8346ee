-- May run again if a process ends between this transaction and the mark that it was applied: everything is IF NOT EXISTS.

ALTER TABLE ended_leases
    ADD COLUMN IF NOT EXISTS ending text COLLATE "C",
    ADD COLUMN IF NOT EXISTS users  bytea;

COMMENT ON COLUMN ended_leases.ending IS 'how the lease ended: expired, released or forced; NULL if that was not recorded';
COMMENT ON COLUMN ended_leases.ended_at IS 'when the lease ended, microseconds since 1970; when that was recorded if ending is NULL';
COMMENT ON COLUMN ended_leases.users IS 'of each user that left the lease the id (16 bytes) and the fence of its lock (8 bytes, the highest first), one after the other: whether a user was acquired since can be told from its fence. The fence is 0 if the holder has reported a fault of the user. NULL if the users were not recorded';
