-- How often the lease of the lock was renewed.
ALTER TABLE users ADD COLUMN lock_renewals INTEGER NOT NULL DEFAULT 0;

-- SQLite can't add a column twice, and the process may end between this transaction and the mark that it was applied. So the
-- transaction marks that itself. A second mark does no harm.
INSERT INTO bun_migrations (name, group_id) SELECT '0016', coalesce(max(group_id), 0) + 1 FROM bun_migrations;
