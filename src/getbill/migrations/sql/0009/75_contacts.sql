-- What is due, and whose lease ended, is looked for inside one workspace.

DROP INDEX contacts_due_live, contacts_due_sandbox, contacts_leased;
CREATE INDEX contacts_due ON contacts (workspace_id, due_at) WHERE state = 'planned';
CREATE INDEX contacts_leased ON contacts (workspace_id, lease_until) WHERE state IN ('claimed', 'sending');
DROP INDEX events_unsequenced;
CREATE INDEX events_unsequenced ON events (workspace_id, recorded_at) WHERE position IS NULL;
ALTER TABLE clock_advances ADD COLUMN crashes smallint NOT NULL DEFAULT 0;  -- claims in a row that ended with their lease
CREATE INDEX contacts_crashed ON contacts (workspace_id, due_at) WHERE state = 'planned' AND crashes > 0;
