-- What a workspace says in its own words instead of ours: the version with the highest number is in force.
CREATE TABLE templates (
    workspace_id uuid NOT NULL REFERENCES workspaces (workspace_id),
    name         text NOT NULL,
    language     text NOT NULL,
    version      integer NOT NULL CHECK (version > 0),
    subject      text,
    text         text NOT NULL,
    html         text,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, name, language, version)
);
