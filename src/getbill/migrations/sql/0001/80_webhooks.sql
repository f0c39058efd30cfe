-- Where events are pushed to, what is owed to each endpoint, and every attempt made.

CREATE TABLE webhook_endpoints (
    workspace_id  uuid NOT NULL REFERENCES workspaces (workspace_id),
    id            uuid NOT NULL,
    url           text NOT NULL,
    events        text[] NOT NULL,
    description   text,
    is_enabled    boolean NOT NULL DEFAULT true,
    secret        bytea NOT NULL,       -- wrapped by the master key
    from_position bigint NOT NULL,      -- events after this place in the stream are owed to it
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    deleted_at    timestamptz,
    PRIMARY KEY (workspace_id, id)
);

CREATE TABLE webhook_deliveries (
    workspace_id  uuid NOT NULL,
    endpoint_id   uuid NOT NULL,
    event_id      uuid NOT NULL,
    debt_id       uuid NOT NULL,
    position      bigint NOT NULL,
    state         text NOT NULL CHECK (state IN ('pending', 'sending', 'delivered', 'exhausted', 'cancelled')),
    attempts      integer NOT NULL DEFAULT 0,
    next_try_at   timestamptz NOT NULL,  -- wall time
    lease_until   timestamptz,
    created_at    timestamptz NOT NULL,
    settled_at    timestamptz,
    PRIMARY KEY (workspace_id, endpoint_id, event_id),
    FOREIGN KEY (workspace_id, endpoint_id) REFERENCES webhook_endpoints (workspace_id, id),
    FOREIGN KEY (workspace_id, event_id) REFERENCES events (workspace_id, id)
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_try_at) WHERE state IN ('pending', 'sending');
CREATE INDEX webhook_deliveries_of_debt ON webhook_deliveries (workspace_id, debt_id, endpoint_id, position)
    WHERE state IN ('pending', 'sending');

CREATE TABLE webhook_attempts (
    workspace_id   uuid NOT NULL,
    endpoint_id    uuid NOT NULL,
    event_id       uuid NOT NULL,
    attempt        integer NOT NULL,
    started_at     timestamptz NOT NULL,
    duration_ms    integer NOT NULL,
    status         integer,
    error          text,
    response       text,   -- at most 4 kB of what came back
    PRIMARY KEY (workspace_id, endpoint_id, event_id, attempt),
    FOREIGN KEY (workspace_id, endpoint_id, event_id) REFERENCES webhook_deliveries (workspace_id, endpoint_id, event_id)
);
