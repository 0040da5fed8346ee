-- May run again if a process ends between this transaction and the mark that it was applied: everything is IF NOT EXISTS.
-- A process of the version before records events without these meanwhile.
ALTER TABLE events
    ADD COLUMN IF NOT EXISTS about_key_id uuid,
    ADD COLUMN IF NOT EXISTS name text COLLATE "C";

COMMENT ON COLUMN events.about_key_id IS 'the API key that was created or revoked, for the kinds key_created and key_revoked; NULL in other events';
COMMENT ON COLUMN events.name IS 'of that key, or the new name of the project for the kind project_named; NULL in other events, and for none';
COMMENT ON COLUMN events.user_id IS 'all zeros if a claim of any user gave up, as project_id for a claim of any project; all zeros in an event about an API key or a project, too, as project_id for a key of all projects';
