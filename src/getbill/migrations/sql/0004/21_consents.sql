-- What whoever has an address agreed to, as the law asks for some contacts: keyed hashes only. A consent that was
-- withdrawn stays, for what was done under it.

CREATE TABLE consents (
    workspace_id  uuid NOT NULL REFERENCES workspaces (workspace_id),
    id            uuid NOT NULL,
    address_hash  bytea NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('email', 'phone')),
    consent       text NOT NULL,
    source        text NOT NULL,         -- how it was given, in the creditor's words
    given_at      timestamptz NOT NULL,  -- workspace time
    created_at    timestamptz NOT NULL,  -- workspace time
    withdrawn_at  timestamptz,           -- workspace time
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX consents_in_force ON consents (workspace_id, address_hash, consent) WHERE withdrawn_at IS NULL;
CREATE INDEX consents_newest ON consents (workspace_id, created_at, id);
