-- May run again if a process ends between this transaction and the mark that it was applied: everything is IF NOT EXISTS.

ALTER TABLE waiters
    ADD COLUMN IF NOT EXISTS call    bytea,
    ADD COLUMN IF NOT EXISTS owner   text NOT NULL DEFAULT '',
    ADD COLUMN IF NOT EXISTS note    text NOT NULL DEFAULT '',
    ADD COLUMN IF NOT EXISTS api_key uuid;

COMMENT ON COLUMN waiters.call IS 'the same for repetitions of a call, whose place is kept for half a minute after its claim has left';
COMMENT ON COLUMN waiters.api_key IS 'of the caller; NULL if it has none';

CREATE INDEX IF NOT EXISTS waiters_call ON waiters (call) WHERE call IS NOT NULL;
