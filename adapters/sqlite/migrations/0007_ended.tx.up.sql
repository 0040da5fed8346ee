-- May run again if the process ends between this transaction and the mark that it was applied: SQLite can't add a column
-- twice safely, so this creates the table again.

CREATE TABLE ended_leases_next (
    lease    INTEGER PRIMARY KEY NOT NULL, -- the first eight bytes of the SHA-256 of the lease id, the highest first
    ending   TEXT,             -- how the lease ended: expired, released or forced; NULL if that was not recorded
    ended_at INTEGER NOT NULL, -- when the lease ended; when that was recorded if ending is NULL
    projects BLOB, -- ids of the projects of the users that left the lease, one after the other; NULL if they were not recorded

    -- Of each user that left the lease the id (16 bytes) and the fence of its lock (8 bytes, the highest first), one after the
    -- other: whether a user was acquired since can be told from its fence. The fence is 0 if the holder has reported a fault of
    -- the user. NULL if the users were not recorded.
    users BLOB
) STRICT;

INSERT INTO ended_leases_next (lease, ended_at, projects) SELECT lease, ended_at, projects FROM ended_leases;

DROP TABLE ended_leases;
ALTER TABLE ended_leases_next RENAME TO ended_leases;

CREATE INDEX ended_leases_age ON ended_leases (ended_at);
