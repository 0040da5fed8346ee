-- May run again if a process ends between this transaction and the mark that it was applied.

-- Times are nearly in the order of event ids, so a search for a time goes by the ids. Every acquire and every release wrote to
-- the index.
DROP INDEX IF EXISTS events_at;
