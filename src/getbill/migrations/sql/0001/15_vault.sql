-- The keys that personal data is sealed with, each wrapped by the master key. Destroying a row erases what it sealed.

CREATE TABLE vault_keys (
    workspace_id  uuid NOT NULL REFERENCES workspaces (workspace_id),
    subject_id    uuid NOT NULL,  -- the debtor or the debt whose data this key seals
    wrapped       bytea NOT NULL,
    PRIMARY KEY (workspace_id, subject_id)
);

-- Which master key this database is sealed under, so that a start with another one is refused.
CREATE TABLE vault_master (
    key_id       text PRIMARY KEY,
    is_current   boolean NOT NULL,
    installation_key bytea NOT NULL,  -- seals what belongs to no debtor or debt; wrapped by this master key
    created_at   timestamptz NOT NULL
);
CREATE UNIQUE INDEX vault_master_current ON vault_master (is_current) WHERE is_current;

-- What was erased and when: outlives a restore, after which every line is erased again.
CREATE TABLE erasures (
    workspace_id  uuid NOT NULL REFERENCES workspaces (workspace_id),
    subject_id    uuid NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('debt', 'debtor')),
    erased_at     timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, subject_id)
);
