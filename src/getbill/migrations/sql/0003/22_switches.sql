-- Whether debtors are contacted at all: per workspace, and for the whole installation.

ALTER TABLE workspaces
    -- `dry_run` plans and writes every message and sends none.
    ADD COLUMN contact text NOT NULL DEFAULT 'on' CHECK (contact IN ('on', 'dry_run', 'stopped')),
    -- How long an imported debt is left alone.
    ADD COLUMN grace_hours integer NOT NULL DEFAULT 24 CHECK (grace_hours BETWEEN 0 AND 720);

-- While it has its one row nobody is contacted, from no workspace.
CREATE TABLE contact_stop (
    is_on       boolean PRIMARY KEY DEFAULT true CHECK (is_on),
    stopped_at  timestamptz NOT NULL  -- wall time
);

ALTER TABLE debts ADD COLUMN not_before timestamptz;  -- no contact before this instant, in workspace time

ALTER TABLE contacts DROP CONSTRAINT contacts_state_check, ADD CONSTRAINT contacts_state_check
    CHECK (state IN ('planned', 'claimed', 'sending', 'accepted', 'failed', 'unknown', 'skipped', 'stopped', 'delivered',
                     'bounced', 'answered', 'rehearsed'));
