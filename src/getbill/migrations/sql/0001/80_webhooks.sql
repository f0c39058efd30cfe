-- Where events are pushed to, what is owed to each endpoint, and every attempt made.

CREATE TABLE webhook_endpoints (
    workspace_id   uuid NOT NULL REFERENCES workspaces (workspace_id),
    id             uuid NOT NULL,
    url            text NOT NULL,
    events         text[] NOT NULL,
    description    text,
    is_enabled     boolean NOT NULL DEFAULT true,
    secret         bytea NOT NULL,             -- sealed by the master key
    from_position  bigint NOT NULL,            -- events after this place in the stream are owed to it
    failures       integer NOT NULL DEFAULT 0, -- attempts failed since the last success
    failing_since  timestamptz,                -- wall time of the first of them
    down_until     timestamptz,                -- wall time before which nothing is tried
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    deleted_at     timestamptz,
    PRIMARY KEY (workspace_id, id)
);

-- One row per event and endpoint; what stands in `pending` is owed. An event's lane is its debt: only the first
-- pending delivery of a lane may be tried. No foreign key to `events`, which never lose a row: thousands a second.
CREATE TABLE webhook_deliveries (
    workspace_id  uuid NOT NULL,
    endpoint_id   uuid NOT NULL,
    event_id      uuid NOT NULL,
    debt_id       uuid NOT NULL,
    position      bigint NOT NULL,
    state         text NOT NULL CHECK (state IN ('pending', 'delivered', 'exhausted', 'cancelled')),
    attempts      integer NOT NULL DEFAULT 0,
    next_try_at   timestamptz NOT NULL,  -- wall time
    lease_until   timestamptz,           -- wall time; a courier has it in hand until then
    created_at    timestamptz NOT NULL,
    settled_at    timestamptz,
    PRIMARY KEY (workspace_id, endpoint_id, event_id),
    FOREIGN KEY (workspace_id, endpoint_id) REFERENCES webhook_endpoints (workspace_id, id)
) WITH (fillfactor = 75);  -- room on the page for the lease, which no index knows of
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (workspace_id, endpoint_id, next_try_at, position)
    WHERE state = 'pending';
CREATE INDEX webhook_deliveries_lane ON webhook_deliveries (workspace_id, endpoint_id, debt_id, position)
    WHERE state = 'pending';

CREATE TABLE webhook_attempts (
    workspace_id   uuid NOT NULL,
    endpoint_id    uuid NOT NULL,
    event_id       uuid NOT NULL,
    attempt        integer NOT NULL,
    started_at     timestamptz NOT NULL,
    duration_ms    integer NOT NULL,
    status         integer,
    error          text,   -- what went wrong where no status came back, or why it did not count
    response       bytea,  -- at most 4 kB of what came back, sealed with the debt's key
    PRIMARY KEY (workspace_id, endpoint_id, event_id, attempt)
);
