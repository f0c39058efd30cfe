-- Append-only facts. `sequence` is gap-free per debt; `position` is the place in the workspace's stream, given
-- after the commit by the one sequencer.

CREATE TABLE events (
    workspace_id  uuid NOT NULL REFERENCES workspaces (workspace_id),
    id            uuid NOT NULL,
    debt_id       uuid NOT NULL,
    sequence      bigint NOT NULL CHECK (sequence > 0),
    kind          text NOT NULL,
    data          bytea,           -- sealed with the debt's key; null once the debt is erased
    occurred_at   timestamptz NOT NULL,  -- workspace time
    recorded_at   timestamptz NOT NULL,  -- wall time
    position      bigint,
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX events_of_debt ON events (workspace_id, debt_id, sequence);
CREATE UNIQUE INDEX events_stream ON events (workspace_id, position) WHERE position IS NOT NULL;
CREATE INDEX events_unsequenced ON events (recorded_at) WHERE position IS NULL;

CREATE TABLE streams (
    workspace_id  uuid PRIMARY KEY REFERENCES workspaces (workspace_id),
    position      bigint NOT NULL DEFAULT 0,  -- the last one given
    reacted       bigint NOT NULL DEFAULT 0,  -- up to here the reactions marked `after` have happened
    epoch         integer NOT NULL DEFAULT 1,
    CHECK (reacted <= position)
);
CREATE INDEX streams_behind ON streams (workspace_id) WHERE reacted < position;
