-- May run again if a process ends between this transaction and the mark that it was applied: everything is IF NOT EXISTS.

CREATE TABLE IF NOT EXISTS projects (
    project_id uuid PRIMARY KEY,
    name       text NOT NULL,
    name_key   text COLLATE "C" NOT NULL UNIQUE
);

COMMENT ON TABLE projects IS 'The projects that have names, whether or not they have users.';
COMMENT ON COLUMN projects.name_key IS 'the normal form of the name: names are the same if it is the same';
