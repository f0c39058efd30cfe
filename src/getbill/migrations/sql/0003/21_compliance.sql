-- Addresses nobody is contacted at any more, as keyed hashes only: they outlive the debts, and the erasure of whoever
-- had them.

CREATE TABLE suppressions (
    workspace_id  uuid NOT NULL REFERENCES workspaces (workspace_id),
    address_hash  bytea NOT NULL,
    id            uuid NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('email', 'phone')),
    reason        text NOT NULL CHECK (reason IN ('stop', 'not_me', 'hard_bounce')),
    created_at    timestamptz NOT NULL,  -- workspace time
    PRIMARY KEY (workspace_id, address_hash)
);
CREATE UNIQUE INDEX suppressions_id ON suppressions (workspace_id, id);
