-- May run again if a process ends between this transaction and the mark that it was applied: everything is IF NOT EXISTS, or
-- replaces what is there.

-- A search for labels goes from the label that the fewest sets have to these sets.
CREATE TABLE IF NOT EXISTS set_labels (
    name         text COLLATE "C" NOT NULL,
    value        text COLLATE "C" NOT NULL,
    pool_id      integer NOT NULL,
    label_set_id bigint  NOT NULL REFERENCES label_sets ON DELETE CASCADE,

    PRIMARY KEY (name, value, pool_id, label_set_id)
);

COMMENT ON TABLE set_labels IS 'The labels of label_sets, one by one. A trigger adds them.';

CREATE INDEX IF NOT EXISTS set_labels_set ON set_labels (label_set_id);

-- A trigger does it also for replicas that do not know this table yet.
CREATE OR REPLACE FUNCTION add_set_labels() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO set_labels (name, value, pool_id, label_set_id)
    SELECT l.key, l.value, s.pool_id, s.label_set_id FROM added s CROSS JOIN LATERAL jsonb_each_text(s.labels) l;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER add_set_labels AFTER INSERT ON label_sets
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION add_set_labels();

INSERT INTO set_labels (name, value, pool_id, label_set_id)
SELECT l.key, l.value, s.pool_id, s.label_set_id FROM label_sets s CROSS JOIN LATERAL jsonb_each_text(s.labels) l
ON CONFLICT DO NOTHING;
