-- What waits for a human: one row per question, open until somebody decides or the question goes away by itself.

CREATE TABLE todos (
    workspace_id  uuid NOT NULL REFERENCES workspaces (workspace_id),
    id            uuid NOT NULL,
    type          text NOT NULL CHECK (type IN ('unknown_contact', 'escalation', 'import_mapping')),
    subject_id    uuid NOT NULL,     -- the followup, the debt or the import that the question is about
    debt_id       uuid,              -- null where it is about no single debt
    created_at    timestamptz NOT NULL,  -- workspace time
    decided_at    timestamptz,       -- workspace time
    decision      text,              -- what was decided; `gone` where there was nothing to decide any more
    decided_by    text,              -- the credential, or null where it went away by itself
    PRIMARY KEY (workspace_id, id),
    CHECK ((decided_at IS NULL) = (decision IS NULL)),
    FOREIGN KEY (workspace_id, debt_id) REFERENCES debts (workspace_id, id)
);
-- A question is asked once while it is open.
CREATE UNIQUE INDEX todos_open ON todos (workspace_id, type, subject_id) WHERE decided_at IS NULL;
CREATE INDEX todos_newest ON todos (workspace_id, created_at, id);
CREATE INDEX todos_of_debt ON todos (workspace_id, debt_id) WHERE debt_id IS NOT NULL;
