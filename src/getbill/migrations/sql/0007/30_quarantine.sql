-- What failed and was set aside: one row for each thing, with why, and when it is tried again.

CREATE TABLE quarantine (
    workspace_id  uuid NOT NULL,     -- all zeros where it is the installation's own
    id            uuid NOT NULL,
    kind          text NOT NULL,     -- contact, sending, event, stream, delivery, endpoint, import, file, bounce, workspace, job
    subject_id    uuid NOT NULL,
    debt_id       uuid,              -- where it is about one debt
    reason        text NOT NULL,     -- says nothing of anybody
    tries         integer NOT NULL DEFAULT 1,
    since         timestamptz NOT NULL,  -- wall time, as all instants here
    failed_at     timestamptz NOT NULL,
    next_try_at   timestamptz,       -- null: a person puts it back
    retried_at    timestamptz,       -- put back since it failed last; gone after a while without another failure
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX quarantine_subject ON quarantine (workspace_id, kind, subject_id);
CREATE INDEX quarantine_due ON quarantine (next_try_at) WHERE next_try_at IS NOT NULL;

ALTER TABLE contacts DROP CONSTRAINT contacts_state_check, ADD CONSTRAINT contacts_state_check
    CHECK (state IN ('planned', 'claimed', 'sending', 'accepted', 'failed', 'unknown', 'skipped', 'stopped', 'delivered',
                     'bounced', 'answered', 'rehearsed', 'set_aside'));

ALTER TABLE todos DROP CONSTRAINT todos_type_check, ADD CONSTRAINT todos_type_check
    CHECK (type IN ('unknown_contact', 'escalation', 'import_mapping', 'set_aside'));
ALTER TABLE todos ADD COLUMN reason text;  -- of `set_aside`: what, and why
ALTER TABLE todos ADD COLUMN reason_fr text;
