-- From when a workspace may have work of a kind. Entries are inserted and deleted, never updated: nobody waits here.

CREATE TABLE work (
    workspace_id  uuid NOT NULL REFERENCES workspaces (workspace_id),
    kind          text NOT NULL,
    id            uuid NOT NULL,
    due_at        timestamptz NOT NULL,  -- wall time; of `sandbox_contacts` the sandbox's own
    PRIMARY KEY (workspace_id, kind, due_at, id)
) WITH (autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);  -- read from its start: dead entries cost
CREATE INDEX work_due ON work (kind, due_at, workspace_id);

-- Whatever there is already: the first visit of each kind finds it, and computes the instant.
INSERT INTO work (workspace_id, kind, id, due_at)
SELECT w.workspace_id, entry.kind, gen_random_uuid(), to_timestamp(0)
FROM workspaces w CROSS JOIN unnest(
    '{contacts,sandbox_contacts,stream,deliveries,imports,files,clocks}'::text[]) AS entry (kind);
