-- Each state of an import has one meaning, and says by itself what a worker does.

ALTER TABLE imports DROP CONSTRAINT imports_state_check;
-- What a check counted as to be created is none of a pass that begins anew.
UPDATE imports SET created = 0, updated = 0 WHERE state = 'checked' AND task = 'correct';
UPDATE imports SET state = CASE
        WHEN task = 'read' THEN 'uploaded'
        WHEN task = 'check' THEN 'checking'
        WHEN task = 'import' THEN 'importing'
        WHEN task = 'correct' AND state = 'completed' THEN 'correcting'
        WHEN task = 'correct' THEN 'checking'
        WHEN task = 'undo' AND state = 'importing' THEN 'rolling_back'
        WHEN task = 'undo' THEN 'undoing'
        WHEN state = 'uploaded' THEN 'needs_mapping'
        ELSE state END
WHERE received_at IS NOT NULL AND (task IS NOT NULL OR state = 'uploaded');
ALTER TABLE imports ADD CONSTRAINT imports_state_check CHECK (
    CASE state
        WHEN 'uploaded' THEN task IS NOT DISTINCT FROM 'read' OR received_at IS NULL
        WHEN 'needs_mapping' THEN task IS NULL
        WHEN 'mapped' THEN task IS NULL
        WHEN 'checking' THEN coalesce(task, '') IN ('check', 'correct')
        WHEN 'checked' THEN task IS NULL
        WHEN 'importing' THEN task IS NOT DISTINCT FROM 'import'
        WHEN 'correcting' THEN task IS NOT DISTINCT FROM 'correct'
        WHEN 'completed' THEN task IS NULL
        WHEN 'rolling_back' THEN task IS NOT DISTINCT FROM 'undo'
        WHEN 'undoing' THEN task IS NOT DISTINCT FROM 'undo'
        WHEN 'undone' THEN task IS NULL
        WHEN 'failed' THEN task IS NULL
        ELSE false END);

-- Files that wait, with those of their sender and layout: they go on together.
ALTER TABLE imports ADD COLUMN is_changed boolean NOT NULL DEFAULT false;  -- a person has begun to say what its columns are
CREATE INDEX imports_of_layout ON imports (workspace_id, sender, signature) WHERE state IN ('needs_mapping', 'mapped');

-- By what a person is found in what imports keep, so that erasing them reaches all of it. Gone with the row, or the import.
CREATE TABLE import_people (
    workspace_id  uuid NOT NULL,
    import_id     uuid NOT NULL,
    line          bigint NOT NULL,          -- of the row; -1 for what the plan shows of the file
    hash          bytea NOT NULL,           -- keyed, of an address, a number, a reference or a name
    PRIMARY KEY (workspace_id, import_id, line, hash),
    FOREIGN KEY (workspace_id, import_id) REFERENCES imports (workspace_id, id)
);
CREATE INDEX import_people_found ON import_people (workspace_id, hash);
