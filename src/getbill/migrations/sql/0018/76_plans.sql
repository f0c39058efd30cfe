-- What plans depend on beside debt and scenario: which channels have a provider, and which debts are to be planned anew.

CREATE TABLE contact_providers (
    is_only   boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    channels  text[] NOT NULL          -- as the worker that started last reported them; no row before the first
);

-- One row for each change that concerns many debts, until a worker has been through them.
CREATE TABLE replans (
    workspace_id  uuid NOT NULL REFERENCES workspaces (workspace_id),
    address_hash  bytea NOT NULL,      -- the debts of debtors with this address; empty: every debt
    reached_id    uuid NOT NULL,       -- the last debt that was looked at
    revision      bigint NOT NULL DEFAULT 0,  -- one more with each change: a pass under way begins again
    PRIMARY KEY (workspace_id, address_hash)
);
