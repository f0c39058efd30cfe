-- One row per running worker, written every few seconds: how the API knows that somebody does the work.

CREATE UNLOGGED TABLE heartbeats (
    process_id  uuid PRIMARY KEY,
    started_at  timestamptz NOT NULL,  -- wall time
    seen_at     timestamptz NOT NULL   -- wall time
);
