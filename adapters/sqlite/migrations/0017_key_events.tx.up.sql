ALTER TABLE events ADD COLUMN about_key_id TEXT; -- the API key that was created or revoked, for the kinds key_created and key_revoked; NULL in other events
ALTER TABLE events ADD COLUMN name TEXT; -- of that key, or the new name of the project for the kind project_named; NULL in other events, and for none

-- See the migration before.
INSERT INTO bun_migrations (name, group_id) SELECT '0017', coalesce(max(group_id), 0) + 1 FROM bun_migrations;
