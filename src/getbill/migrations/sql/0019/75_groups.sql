-- One message to one person about several debts: its contacts share a group, and one of them leads.

ALTER TABLE contacts
    ADD COLUMN group_id uuid,                           -- of the last message that covered it and others; null where alone
    ADD COLUMN is_leader boolean NOT NULL DEFAULT true; -- false: another contact of its group carries the message
CREATE INDEX contacts_group ON contacts (workspace_id, group_id) WHERE group_id IS NOT NULL;

ALTER TABLE followups ADD COLUMN group_id uuid;
CREATE INDEX followups_group ON followups (workspace_id, group_id) WHERE group_id IS NOT NULL;

-- Contacts with one person, and at one address, on one local day over all debts; 0 for any number.
ALTER TABLE workspaces
    ADD COLUMN contacts_per_day smallint NOT NULL DEFAULT 1 CHECK (contacts_per_day BETWEEN 0 AND 20),
    ADD COLUMN grouping text NOT NULL DEFAULT 'by_debtor' CHECK (grouping IN ('by_debtor', 'off'));
