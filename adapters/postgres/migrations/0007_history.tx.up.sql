-- May run again if a process ends between this transaction and the mark that it was applied: everything is IF [NOT] EXISTS.

CREATE SEQUENCE IF NOT EXISTS event_numbers;

COMMENT ON COLUMN events.event_id IS 'a number of event_numbers, which each transaction draws once it holds all rows that it is about, times 2^20, and the place in the transaction: so the events of a user are in the order in which its row was locked';

DROP TABLE IF EXISTS history_base;

ALTER TABLE events ADD COLUMN IF NOT EXISTS waited bigint NOT NULL DEFAULT 0;

COMMENT ON COLUMN events.waited IS 'how long the claim waited in line, in microseconds';
COMMENT ON COLUMN events.user_id IS 'all zeros if a claim of any user gave up, as project_id for a claim of any project';
