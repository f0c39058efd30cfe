-- The answers that a repeated POST with the same Idempotency-Key gets again (wall time, 24 hours).

CREATE TABLE idempotency_keys (
    workspace_id   uuid NOT NULL REFERENCES workspaces (workspace_id),
    credential_id  uuid NOT NULL,
    route          text NOT NULL,
    key            bytea NOT NULL,   -- SHA-256 of the header
    request        bytea NOT NULL,   -- SHA-256 of path, query and body
    debt_id        uuid,             -- the debt the answer speaks of: goes when that debt is erased
    status         smallint NOT NULL,
    headers        jsonb NOT NULL,
    body           bytea NOT NULL,   -- sealed
    created_at     timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, credential_id, route, key)
);
CREATE INDEX idempotency_keys_of_debt ON idempotency_keys (workspace_id, debt_id) WHERE debt_id IS NOT NULL;
CREATE INDEX idempotency_keys_oldest ON idempotency_keys (created_at);
