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
    fence          bigint NOT NULL DEFAULT 0,  -- of the claim; whoever holds an older one writes nothing
    lease_until    timestamptz,            -- wall time
    followup_id    uuid,                   -- kept by the later attempts of a step
    address_hash   bytea,                  -- keyed hash of the address used, for caps over all its debts
    provider       text,
    provider_ref   text,
    reason         text,                   -- why it failed, was skipped, stopped or moved to a later instant
    sent_at        timestamptz,            -- workspace time at which the provider was asked
    settled_at     timestamptz,            -- workspace time at which it was known what became of it
    created_at     timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, debt_id, run, step, attempt),
    FOREIGN KEY (workspace_id, debt_id) REFERENCES debts (workspace_id, id)
);
CREATE INDEX contacts_due_live ON contacts (due_at) WHERE state = 'planned' AND is_live;
CREATE INDEX contacts_due_sandbox ON contacts (workspace_id, due_at) WHERE state = 'planned' AND NOT is_live;
CREATE INDEX contacts_leased ON contacts (lease_until) WHERE state IN ('claimed', 'sending');
CREATE INDEX contacts_address ON contacts (workspace_id, address_hash, sent_at) WHERE address_hash IS NOT NULL;
CREATE INDEX contacts_followup ON contacts (workspace_id, followup_id) WHERE followup_id IS NOT NULL;

-- A sandbox's clock being moved ahead: one at a time per workspace, resumed by any worker. While it runs the
-- workspace's clock stands still at each due instant in turn.
CREATE TABLE clock_advances (
    workspace_id  uuid NOT NULL REFERENCES workspaces (workspace_id),
    id            uuid NOT NULL,
    started_from  timestamptz NOT NULL,  -- workspace time
    target_at     timestamptz NOT NULL,
    reached_at    timestamptz NOT NULL,
    was_frozen    boolean NOT NULL,      -- the clock stood still before and does so again at the target
    fence         bigint NOT NULL DEFAULT 0,
    lease_until   timestamptz,           -- wall time
    contacts      integer NOT NULL DEFAULT 0,  -- carried out on the way
    created_at    timestamptz NOT NULL,  -- wall time
    arrived_at    timestamptz,           -- wall time at which the clock stood at the target
    done_at       timestamptz,           -- wall time at which all that follows from it had happened
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX clock_advances_one ON clock_advances (workspace_id) WHERE done_at IS NULL;
