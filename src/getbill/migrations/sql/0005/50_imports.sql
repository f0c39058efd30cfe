-- What an import replaced on debts that existed before: kept for as long as the import can be taken back.
CREATE TABLE import_changes (
    workspace_id  uuid NOT NULL,
    import_id     uuid NOT NULL,
    number        bigint GENERATED ALWAYS AS IDENTITY,  -- the later is given back first
    line          bigint NOT NULL,
    debt_id       uuid NOT NULL,
    people        bytea[] NOT NULL,         -- the debtors before and after: their ids and keyed hashes
    contacts      bigint NOT NULL,          -- about the debt, until then
    all_contacts  bigint NOT NULL,          -- about every debt of the debtor before, until then
    entries       bigint NOT NULL,          -- of money on the debt, until then
    sealed        bytea,                    -- debt and debtor before and after, with the import's key
    kept          text,                     -- the code of what kept it from being given back
    PRIMARY KEY (workspace_id, import_id, number),
    FOREIGN KEY (workspace_id, import_id) REFERENCES imports (workspace_id, id),
    FOREIGN KEY (workspace_id, debt_id) REFERENCES debts (workspace_id, id)
);
CREATE INDEX import_changes_of_debt ON import_changes (workspace_id, debt_id);
CREATE INDEX import_changes_people ON import_changes USING gin (people);

ALTER TABLE imports ADD COLUMN restored bigint NOT NULL DEFAULT 0;  -- rows whose changes were given back
