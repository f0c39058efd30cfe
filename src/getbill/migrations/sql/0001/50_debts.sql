-- The centre: one row per debt, carrying all that its answer shows, so that a read is one look-up.

CREATE TABLE debts (
    workspace_id       uuid NOT NULL REFERENCES workspaces (workspace_id),
    id                 uuid NOT NULL,
    debtor_id          uuid,              -- null once the debt is erased: the debtor may live on with others
    reference          text,              -- unique while the debt is not erased
    invoice_reference  text,
    fingerprint        bytea,             -- keyed hash of the body it was made from
    status             text NOT NULL CHECK (status IN ('pending', 'in_progress', 'on_hold', 'payment_plan',
                                                       'resolved', 'escalated', 'unresolved', 'archived')),
    resolution         text CHECK (resolution IN ('paid', 'settled', 'written_off')),
    currency           text NOT NULL,
    amount             bigint NOT NULL CHECK (amount > 0),  -- minor units, as claimed now
    balance            bigint NOT NULL,                     -- minor units still owed; negative when overpaid
    paid               bigint NOT NULL DEFAULT 0,           -- minor units received less refunds
    entries_count      integer NOT NULL DEFAULT 0,
    due_on             date,
    scenario           text NOT NULL,
    scenario_version   integer NOT NULL,
    details            bytea,             -- sealed with the debt's key: object, metadata, IBAN, links, dates
    started_on         date NOT NULL,     -- day 0 of the scenario
    next_action_at     timestamptz,
    run                integer NOT NULL DEFAULT 1,          -- how often the scenario was begun anew
    contact_epoch      integer NOT NULL DEFAULT 0,
    contacts_count     integer NOT NULL DEFAULT 0,
    answers_count      integer NOT NULL DEFAULT 0,
    has_plan           boolean NOT NULL DEFAULT false,
    event_sequence     bigint NOT NULL DEFAULT 0,
    version            bigint NOT NULL DEFAULT 1,           -- the ETag
    contacted_at       timestamptz,
    resolved_at        timestamptz,
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    erased_at          timestamptz,
    PRIMARY KEY (workspace_id, id),
    CHECK (debtor_id IS NOT NULL OR erased_at IS NOT NULL),
    FOREIGN KEY (workspace_id, debtor_id) REFERENCES debtors (workspace_id, id)
);
CREATE UNIQUE INDEX debts_reference ON debts (workspace_id, reference) WHERE reference IS NOT NULL;
CREATE INDEX debts_newest ON debts (workspace_id, created_at, id) WHERE erased_at IS NULL;
CREATE INDEX debts_largest ON debts (workspace_id, amount, id) WHERE erased_at IS NULL;
-- Partial: an index of all debts by their debtor looks as good as the key to a planner that has no statistics yet.
CREATE INDEX debts_of_debtor ON debts (workspace_id, debtor_id) WHERE erased_at IS NULL;
CREATE INDEX debts_changed ON debts (workspace_id, updated_at) WHERE erased_at IS NULL;
