-- People and firms who owe. Who they are is sealed; what must be found exactly stands beside it as keyed hashes.

CREATE TABLE debtors (
    workspace_id  uuid NOT NULL REFERENCES workspaces (workspace_id),
    id            uuid NOT NULL,
    identity      bytea,            -- sealed with the debtor's key; null once erased
    lookup        bytea[] NOT NULL, -- keyed hashes: e-mail, phone, reference, each word of the name
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    erased_at     timestamptz,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX debtors_lookup ON debtors USING gin (lookup);
CREATE INDEX debtors_newest ON debtors (workspace_id, created_at, id);

-- One row per way in which a later debt recognises the same person; unique, so two twins cannot be made at once.
CREATE TABLE debtor_matches (
    workspace_id  uuid NOT NULL,
    match         bytea NOT NULL,
    debtor_id     uuid NOT NULL,
    PRIMARY KEY (workspace_id, match),
    FOREIGN KEY (workspace_id, debtor_id) REFERENCES debtors (workspace_id, id)
);
CREATE INDEX debtor_matches_of ON debtor_matches (workspace_id, debtor_id);
