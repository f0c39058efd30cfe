-- Scenarios of a workspace's own. A version never changes; which one new debts get stands on the workspace.

CREATE TABLE scenarios (
    workspace_id  uuid NOT NULL REFERENCES workspaces (workspace_id),
    name          text NOT NULL,
    version       integer NOT NULL,
    content       jsonb NOT NULL,
    created_at    timestamptz NOT NULL,  -- wall time
    PRIMARY KEY (workspace_id, name, version)
);

-- By name: from which version on a scenario is the workspace's own, and which version is the present one. It is
-- loaded with the caller, so that making a debt asks for nothing more.
ALTER TABLE workspaces ADD COLUMN own_scenarios jsonb NOT NULL DEFAULT '{}';
