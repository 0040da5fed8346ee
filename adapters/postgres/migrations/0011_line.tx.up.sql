-- May run again if a process ends between this transaction and the mark that it was applied: everything is IF [NOT] EXISTS.

CREATE TABLE IF NOT EXISTS line_state (
    version bigint NOT NULL
);

COMMENT ON TABLE line_state IS 'The version of the line: each transaction that changes the table waiters raises it by one.';

INSERT INTO line_state SELECT 0 WHERE NOT EXISTS (SELECT FROM line_state);

ALTER TABLE waiters
    ADD COLUMN IF NOT EXISTS version bigint NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS gone    boolean NOT NULL DEFAULT false;

COMMENT ON COLUMN waiters.version IS 'the version of the line in which the row was changed last';
COMMENT ON COLUMN waiters.gone IS 'the claim has left for good: the row is kept for some seconds, for all replicas to read it';

-- Every transaction that gives users to a claim reads what has changed in the line.
CREATE INDEX IF NOT EXISTS waiters_version ON waiters (version);

DROP INDEX IF EXISTS waiters_want;
