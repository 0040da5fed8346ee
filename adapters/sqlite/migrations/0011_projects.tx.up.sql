-- May run again if the process ends between this transaction and the mark that it was applied: everything is IF NOT EXISTS.

-- The projects that have names, whether or not they have users.
CREATE TABLE IF NOT EXISTS projects (
    project_id TEXT PRIMARY KEY NOT NULL,
    name       TEXT NOT NULL,
    name_key   TEXT NOT NULL UNIQUE -- the normal form of the name: names are the same if it is the same
) STRICT;
