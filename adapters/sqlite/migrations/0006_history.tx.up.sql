-- How long the claim of an event waited in line, in microseconds.
ALTER TABLE events ADD COLUMN waited INTEGER NOT NULL DEFAULT 0;
