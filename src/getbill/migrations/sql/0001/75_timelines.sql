-- The contact ledger: one row per debt, run, step and attempt. A row in `sending` is never sent again blindly.

CREATE TABLE contacts (
    workspace_id   uuid NOT NULL REFERENCES workspaces (workspace_id),
    debt_id        uuid NOT NULL,
    run            integer NOT NULL DEFAULT 1,
    step           text NOT NULL,
    attempt        integer NOT NULL DEFAULT 1,
    channel        text NOT NULL,     -- a channel, or `review` for the human at the scenario's end
    state          text NOT NULL CHECK (state IN ('planned', 'claimed', 'sending', 'accepted', 'failed', 'unknown',
                                                  'skipped', 'stopped', 'delivered', 'bounced', 'answered')),
    due_at         timestamptz NOT NULL,   -- workspace time
    is_live        boolean NOT NULL,
    contact_epoch  integer NOT NULL,       -- of the debt when planned; another one there stops it
    fence          bigint NOT NULL DEFAULT 0,
    lease_until    timestamptz,            -- wall time
    followup_id    uuid,
    address_hash   bytea,                  -- keyed hash of the address used, for caps over all its debts
    provider       text,
    provider_ref   text,
    reason         text,
    settled_at     timestamptz,            -- workspace time at which it reached its last state
    created_at     timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, debt_id, run, step, attempt),
    FOREIGN KEY (workspace_id, debt_id) REFERENCES debts (workspace_id, id)
);
CREATE INDEX contacts_due_live ON contacts (due_at) WHERE state = 'planned' AND is_live;
CREATE INDEX contacts_due_sandbox ON contacts (workspace_id, due_at) WHERE state = 'planned' AND NOT is_live;
CREATE INDEX contacts_leased ON contacts (lease_until) WHERE state IN ('claimed', 'sending');
CREATE INDEX contacts_address ON contacts (workspace_id, address_hash, settled_at) WHERE address_hash IS NOT NULL;
CREATE INDEX contacts_followup ON contacts (workspace_id, followup_id) WHERE followup_id IS NOT NULL;

-- A sandbox's clock being moved ahead: one at a time per workspace, resumed by any worker.
CREATE TABLE clock_advances (
    workspace_id  uuid NOT NULL REFERENCES workspaces (workspace_id),
    id            uuid NOT NULL,
    started_from  timestamptz NOT NULL,
    target_at     timestamptz NOT NULL,
    reached_at    timestamptz NOT NULL,
    lease_until   timestamptz,
    steps_done    integer NOT NULL DEFAULT 0,
    created_at    timestamptz NOT NULL,
    done_at       timestamptz,
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX clock_advances_one ON clock_advances (workspace_id) WHERE done_at IS NULL;
