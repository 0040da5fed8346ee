-- May run again if the process ends between this transaction and the mark that it was applied: everything is IF NOT EXISTS or
-- OR IGNORE.

-- The labels of label_sets, one by one. A search for labels goes from the label that the fewest sets have to these sets.
CREATE TABLE IF NOT EXISTS set_labels (
    name         TEXT    NOT NULL,
    value        TEXT    NOT NULL,
    pool_id      INTEGER NOT NULL,
    label_set_id INTEGER NOT NULL,

    PRIMARY KEY (name, value, pool_id, label_set_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER IF NOT EXISTS add_set_labels AFTER INSERT ON label_sets BEGIN
    INSERT INTO set_labels (name, value, pool_id, label_set_id)
    SELECT l.key, l.value, new.pool_id, new.label_set_id FROM json_each(new.labels) l;
END;

CREATE TRIGGER IF NOT EXISTS remove_set_labels AFTER DELETE ON label_sets BEGIN
    DELETE FROM set_labels WHERE label_set_id = old.label_set_id AND pool_id = old.pool_id
        AND (name, value) IN (SELECT l.key, l.value FROM json_each(old.labels) l);
END;

INSERT OR IGNORE INTO set_labels (name, value, pool_id, label_set_id)
SELECT l.key, l.value, s.pool_id, s.label_set_id FROM label_sets s, json_each(s.labels) l;
