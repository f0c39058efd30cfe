-- Creditors other than the company itself. Who they are is sealed with a key of their own.
CREATE TABLE creditors (
    workspace_id       uuid NOT NULL REFERENCES workspaces (workspace_id),
    id                 uuid NOT NULL,
    profile            bytea NOT NULL,
    name_hash          bytea NOT NULL,    -- keyed hash of the normalised name: one row for a name
    mandate_signed_on  date,
    mandate_receives   boolean NOT NULL DEFAULT true,   -- the mandate gives the power to receive (art. R124-3 CPCE)
    has_logo           boolean NOT NULL DEFAULT false,
    version            bigint NOT NULL DEFAULT 1,
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX creditors_name ON creditors (workspace_id, name_hash);
CREATE INDEX creditors_newest ON creditors (workspace_id, created_at, id);

-- Beside its creditor, which is read with every debt.
CREATE TABLE creditor_logos (
    workspace_id uuid NOT NULL,
    creditor_id  uuid NOT NULL,
    media_type   text NOT NULL CHECK (media_type IN ('image/png', 'image/jpeg')),
    image        bytea NOT NULL,
    PRIMARY KEY (workspace_id, creditor_id),
    FOREIGN KEY (workspace_id, creditor_id) REFERENCES creditors (workspace_id, id) ON DELETE CASCADE
);

-- Null: the company itself is the creditor.
ALTER TABLE debts
    ADD COLUMN creditor_id uuid,
    ADD FOREIGN KEY (workspace_id, creditor_id) REFERENCES creditors (workspace_id, id);
CREATE INDEX debts_of_creditor ON debts (workspace_id, creditor_id, created_at, id)
    WHERE creditor_id IS NOT NULL;
