-- What simulated debtors of a sandbox do after a contact: each response at its own instant of the sandbox's clock.

CREATE TABLE debtor_responses (
    workspace_id  uuid NOT NULL REFERENCES workspaces (workspace_id),
    id            uuid NOT NULL,
    debt_id       uuid NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('promise', 'payment', 'dispute', 'stop', 'not_me')),
    due_at        timestamptz NOT NULL,  -- workspace time
    percent       smallint NOT NULL,     -- of the balance, for a payment
    promise_days  smallint NOT NULL,     -- from a promise to the promised day
    address_kind  text NOT NULL CHECK (address_kind IN ('email', 'phone')),
    address_hash  bytea,                 -- keyed hash of the address that was contacted
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, debt_id) REFERENCES debts (workspace_id, id)
);
CREATE INDEX debtor_responses_due ON debtor_responses (workspace_id, due_at, id);
CREATE INDEX debtor_responses_of_debt ON debtor_responses (workspace_id, debt_id);
