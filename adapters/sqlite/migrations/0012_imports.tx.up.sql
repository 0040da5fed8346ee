-- May run again if the process ends between this transaction and the mark that it was applied: everything is IF NOT EXISTS.

-- Imports of users in several chunks. One that was decided is carried out, whatever crashes. Times are microseconds since 1970.
CREATE TABLE IF NOT EXISTS imports (
    import_id  TEXT    PRIMARY KEY NOT NULL,
    row_count  INTEGER NOT NULL DEFAULT 0, -- of an import that was decided; 0 before that
    touched_at INTEGER NOT NULL, -- when a chunk was added or ended, or the import was decided
    idle_since INTEGER           -- the same; NULL while chunks of a decided import have not ended, so that it is not forgotten
) STRICT;

CREATE TABLE IF NOT EXISTS import_chunks (
    import_id   TEXT    NOT NULL REFERENCES imports ON DELETE CASCADE,
    first_row   INTEGER NOT NULL, -- the number of its first row in the import, from 1
    identities  BLOB    NOT NULL, -- of each row 16 bytes that are the same for rows that name the same account; 16 zeros for a row that can't be imported
    payload     BLOB,             -- the rows, sealed with sealing_key; NULL for a chunk with errors, and when it has ended
    sealing_key TEXT    REFERENCES sealing_keys,
    ended       INTEGER NOT NULL, -- 1 or 0
    added       INTEGER NOT NULL, -- the number of rows by which a user was added; and so on
    changed     INTEGER NOT NULL,
    unchanged   INTEGER NOT NULL,
    refused     INTEGER NOT NULL,

    PRIMARY KEY (import_id, first_row)
) STRICT;
