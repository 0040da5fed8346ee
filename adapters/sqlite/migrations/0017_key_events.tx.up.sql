-- May run again if the process ends between this transaction and the mark that it was applied: SQLite can't add a column
-- twice safely, so this creates the table again.
CREATE TABLE events_next (
    event_id   INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    user_id    TEXT    NOT NULL,
    login      TEXT    NOT NULL,
    project_id TEXT    NOT NULL,
    env        TEXT    NOT NULL,
    domain     TEXT    NOT NULL,
    owner      TEXT    NOT NULL, -- of the lock that it is about
    note       TEXT    NOT NULL,
    fence      INTEGER NOT NULL,
    reason     TEXT    NOT NULL,
    key_id     TEXT,             -- the API key that caused the event; NULL if none was needed, and for an expiry
    waited     INTEGER NOT NULL DEFAULT 0, -- how long the claim waited in line, in microseconds
    changed    TEXT    NOT NULL DEFAULT '', -- for the kind changed: the names of the fields of the user that changed, with commas between them
    held       INTEGER NOT NULL DEFAULT 0, -- how long the lock was held that ended, in microseconds
    want       TEXT, -- what a claim asked for, in the first of its events; JSON, relative to the pool of the event; NULL in other events
    about_key_id TEXT, -- the API key that was created or revoked, for the kinds key_created and key_revoked; NULL in other events
    name       TEXT  -- of that key, or the new name of the project for the kind project_named; NULL in other events, and for none
) STRICT;

INSERT INTO events_next (event_id, at, kind, user_id, login, project_id, env, domain, owner, note, fence, reason, key_id, waited, changed,
    held, want)
SELECT event_id, at, kind, user_id, login, project_id, env, domain, owner, note, fence, reason, key_id, waited, changed,
    held, want FROM events;

-- Ids continue after the highest one ever used, even if its event was forgotten.
DELETE FROM sqlite_sequence WHERE name = 'events_next';
INSERT INTO sqlite_sequence (name, seq) SELECT 'events_next', seq FROM sqlite_sequence WHERE name = 'events';

DROP TABLE events;
ALTER TABLE events_next RENAME TO events;

CREATE INDEX events_user ON events (user_id, event_id);
CREATE INDEX events_owner ON events (owner, event_id) WHERE owner <> '';
CREATE INDEX events_project ON events (project_id, event_id);

-- Finds the few events of these kinds among the many of leases. The events of every lease are not in it, so that an acquire and its
-- release do not write to it.
CREATE INDEX events_rare ON events (kind, event_id) WHERE kind NOT IN ('acquired', 'renewed', 'released', 'expired');
