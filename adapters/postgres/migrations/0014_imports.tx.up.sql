-- May run again if a process ends between this transaction and the mark that it was applied: everything is IF NOT EXISTS.

CREATE TABLE IF NOT EXISTS imports (
    import_id  uuid   PRIMARY KEY,
    row_count  bigint NOT NULL DEFAULT 0,
    touched_at bigint NOT NULL,
    idle_since bigint
);

COMMENT ON TABLE imports IS 'Imports of users in several chunks. One that was decided is carried out, whatever crashes. Times are microseconds since 1970.';
COMMENT ON COLUMN imports.row_count IS 'of an import that was decided; 0 before that';
COMMENT ON COLUMN imports.touched_at IS 'when a chunk was added or ended, or the import was decided';
COMMENT ON COLUMN imports.idle_since IS 'the same; NULL while chunks of a decided import have not ended, so that it is not forgotten';

CREATE TABLE IF NOT EXISTS import_chunks (
    import_id   uuid    NOT NULL REFERENCES imports ON DELETE CASCADE,
    first_row   bigint  NOT NULL,
    identities  bytea   NOT NULL,
    payload     bytea,
    sealing_key text    COLLATE "C" REFERENCES sealing_keys,
    ended       boolean NOT NULL,
    added       integer NOT NULL,
    changed     integer NOT NULL,
    unchanged   integer NOT NULL,
    refused     integer NOT NULL,

    PRIMARY KEY (import_id, first_row)
);

COMMENT ON COLUMN import_chunks.first_row IS 'the number of its first row in the import, from 1';
COMMENT ON COLUMN import_chunks.identities IS 'of each row 16 bytes that are the same for rows that name the same account; 16 zeros for a row that can not be imported';
COMMENT ON COLUMN import_chunks.payload IS 'the rows, sealed with sealing_key; NULL for a chunk with errors, and when it has ended';
COMMENT ON COLUMN import_chunks.added IS 'the number of rows by which a user was added; and so on';
