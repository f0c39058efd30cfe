-- Immutable money entries of a debt. The balance on the debt's row always equals amount less their effect.

CREATE TABLE payments (
    workspace_id  uuid NOT NULL REFERENCES workspaces (workspace_id),
    id            uuid NOT NULL,
    debt_id       uuid NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('payment', 'refund', 'write_off', 'adjustment')),
    minor         bigint NOT NULL CHECK (minor <> 0),  -- change of the balance: negative lowers what is owed
    currency      text NOT NULL,
    method        text,
    provider      text,
    provider_id   text,            -- nulled when the debt is erased
    note          bytea,           -- sealed with the debt's key; nulled when it is erased
    paid_at       timestamptz NOT NULL,
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, debt_id) REFERENCES debts (workspace_id, id)
);
CREATE INDEX payments_of_debt ON payments (workspace_id, debt_id, id);
CREATE UNIQUE INDEX payments_provider ON payments (workspace_id, provider, provider_id) WHERE provider_id IS NOT NULL;
CREATE INDEX payments_when ON payments (workspace_id, paid_at);
