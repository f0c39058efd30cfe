-- A debtor's version is their ETag. One merged into another keeps that one's id, and nothing else.
ALTER TABLE debtors ADD COLUMN version bigint NOT NULL DEFAULT 1;
ALTER TABLE debtors ADD COLUMN merged_into uuid;

-- Changes, splits and merges of a debtor: ids and names of fields, no personal data.
CREATE TABLE debtor_history (
    workspace_id  uuid NOT NULL,
    debtor_id     uuid NOT NULL,
    id            uuid NOT NULL,
    action        text NOT NULL CHECK (action IN ('updated', 'split', 'split_from', 'merged')),
    at            timestamptz NOT NULL,
    actor         text,             -- kind of the credential that asked for it; null for the program itself
    actor_id      uuid,
    other_id      uuid,             -- the other debtor of a split or merge
    fields        text[] NOT NULL DEFAULT '{}',
    debt_ids      uuid[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (workspace_id, debtor_id, id),
    FOREIGN KEY (workspace_id, debtor_id) REFERENCES debtors (workspace_id, id)
);
