-- What happened to the debt while a message was on its way to the debtor: `payment`, or the status that ended contact.
ALTER TABLE followups ADD COLUMN crossed_by text;
CREATE INDEX followups_crossed ON followups (workspace_id, created_at, id) WHERE crossed_by IS NOT NULL;
