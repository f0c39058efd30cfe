-- What is owed and what is settled part ways: `webhook_deliveries` keeps only what is owed, so that it stays as small
-- as the backlog; what is settled goes to `webhook_log`, a partition a day, dropped after 90 days.

ALTER TABLE webhook_endpoints
    ADD headers          bytea,      -- further headers of the creditor's own, JSON, sealed by the master key
    ADD fields           text[],     -- the keys of `data` that are sent; null for all
    ADD retry_seconds    integer[] NOT NULL DEFAULT '{60,600,3600,18000,64800}',
    ADD concurrency      integer NOT NULL DEFAULT 16,
    ADD rate_per_second  integer,    -- null for as fast as it takes them
    -- While a secret is being replaced: see webhooks/secret_rotation.py.
    ADD next_secret      bytea,
    ADD rotation_ends_at timestamptz, -- wall time from which only the next secret counts
    ADD cut_over_at      timestamptz, -- wall time from which X-GetBill-Signature is made with the next secret
    ADD disabled_at      timestamptz, -- wall time
    ADD disabled_reason  text CHECK (disabled_reason IN ('asked', 'gone', 'failing')),
    -- Nothing after this place in the stream was owed since it was disabled.
    ADD missed_from      bigint,
    -- Enabled again and sent what it missed: up to here that is owed by now; null once it is with the stream.
    ADD catching_up_from bigint,
    ADD event_sequence   bigint NOT NULL DEFAULT 0;  -- of the events about the endpoint itself

CREATE INDEX webhook_endpoints_catching_up ON webhook_endpoints (workspace_id, id) WHERE catching_up_from IS NOT NULL;

UPDATE webhook_endpoints e SET disabled_at = e.updated_at, disabled_reason = 'asked', missed_from = s.reacted
FROM streams s WHERE s.workspace_id = e.workspace_id AND NOT e.is_enabled;

-- The last event of a debt that an endpoint was due, for the `previous_sequence` of the next.
CREATE TABLE webhook_lanes (
    workspace_id uuid NOT NULL,
    endpoint_id  uuid NOT NULL,
    debt_id      uuid NOT NULL,
    sequence     bigint NOT NULL,
    PRIMARY KEY (workspace_id, endpoint_id, debt_id),
    FOREIGN KEY (workspace_id, endpoint_id) REFERENCES webhook_endpoints (workspace_id, id)
);

ALTER TABLE webhook_deliveries RENAME TO webhook_deliveries_0001;
ALTER INDEX webhook_deliveries_due RENAME TO webhook_deliveries_0001_due;
ALTER INDEX webhook_deliveries_lane RENAME TO webhook_deliveries_0001_lane;
ALTER TABLE webhook_deliveries_0001 RENAME CONSTRAINT webhook_deliveries_pkey TO webhook_deliveries_0001_pkey;
ALTER TABLE webhook_attempts RENAME TO webhook_attempts_0001;
ALTER TABLE webhook_attempts_0001 RENAME CONSTRAINT webhook_attempts_pkey TO webhook_attempts_0001_pkey;

-- One row per event and endpoint that is owed. An event's lane is its debt: only the first delivery of a lane, by
-- position and id, may be tried. No foreign key to `events`, which never lose a row: thousands a second.
CREATE TABLE webhook_deliveries (
    workspace_id      uuid NOT NULL,
    id                uuid NOT NULL,
    endpoint_id       uuid NOT NULL,
    event_id          uuid NOT NULL,
    debt_id           uuid NOT NULL,
    kind              text NOT NULL,
    position          bigint NOT NULL,
    sequence          bigint NOT NULL,
    previous_sequence bigint,              -- the last of this debt that was due here before; null for none
    fields            text[],              -- of the endpoint as it was, so that every attempt sends the same bytes
    is_replay         boolean NOT NULL DEFAULT false,
    attempts          integer NOT NULL DEFAULT 0,
    next_try_at       timestamptz NOT NULL,  -- wall time; while it is in hand, the end of the lease
    lease_until       timestamptz,           -- wall time; a courier has it in hand until then
    created_at        timestamptz NOT NULL,  -- wall time
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, endpoint_id) REFERENCES webhook_endpoints (workspace_id, id)
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (workspace_id, endpoint_id, next_try_at, position);
CREATE INDEX webhook_deliveries_lane ON webhook_deliveries (workspace_id, endpoint_id, debt_id, position, id);
-- What is in some courier's hand: few, so that counting them for an endpoint costs nothing.
CREATE INDEX webhook_deliveries_in_hand ON webhook_deliveries (workspace_id, endpoint_id, debt_id)
    WHERE lease_until IS NOT NULL;

-- From when an endpoint with a rate may be sent the next: apart from its row, so that a courier locks nothing there.
CREATE TABLE webhook_rates (
    workspace_id uuid NOT NULL,
    endpoint_id  uuid NOT NULL,
    free_at      timestamptz NOT NULL,  -- wall time
    PRIMARY KEY (workspace_id, endpoint_id),
    FOREIGN KEY (workspace_id, endpoint_id) REFERENCES webhook_endpoints (workspace_id, id)
);

-- Deliveries that are settled.
CREATE TABLE webhook_log (
    workspace_id      uuid NOT NULL,
    id                uuid NOT NULL,
    endpoint_id       uuid NOT NULL,
    event_id          uuid NOT NULL,
    debt_id           uuid NOT NULL,
    kind              text NOT NULL,
    position          bigint NOT NULL,
    sequence          bigint NOT NULL,
    previous_sequence bigint,
    fields            text[],
    is_replay         boolean NOT NULL,
    state             text NOT NULL CHECK (state IN ('delivered', 'exhausted', 'cancelled')),
    attempts          integer NOT NULL,
    created_at        timestamptz NOT NULL,
    settled_at        timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id, settled_at)
) PARTITION BY RANGE (settled_at);
CREATE INDEX webhook_log_of_endpoint ON webhook_log (workspace_id, endpoint_id, settled_at, id);
CREATE INDEX webhook_log_exhausted ON webhook_log (settled_at) WHERE state = 'exhausted';

CREATE TABLE webhook_attempts (
    workspace_id   uuid NOT NULL,
    delivery_id    uuid NOT NULL,
    attempt        integer NOT NULL,
    endpoint_id    uuid NOT NULL,
    kind           text NOT NULL,
    url            text NOT NULL,
    started_at     timestamptz NOT NULL,
    duration_ms    integer NOT NULL,
    status         integer,
    error          text,   -- what went wrong where no status came back, or why it did not count
    response       bytea,  -- at most 4 kB of what came back, sealed with the debt's key
    PRIMARY KEY (workspace_id, delivery_id, attempt, started_at)
) PARTITION BY RANGE (started_at);
CREATE INDEX webhook_attempts_by_time ON webhook_attempts (workspace_id, started_at);

-- What 0001 knew. A partition for each of its days, as kit/database/partitions.py names them; upkeep drops those that are old.
DO $$
DECLARE
    day date;
BEGIN
    FOR day IN
        SELECT DISTINCT (settled_at AT TIME ZONE 'UTC')::date FROM webhook_deliveries_0001 WHERE state <> 'pending'
    LOOP
        EXECUTE format('CREATE TABLE webhook_log_%s PARTITION OF webhook_log FOR VALUES FROM (%L) TO (%L)',
            to_char(day, 'YYYYMMDD'), to_char(day, 'YYYY-MM-DD 00:00:00+00'),
            to_char(day + 1, 'YYYY-MM-DD 00:00:00+00'));
    END LOOP;
    FOR day IN SELECT DISTINCT (started_at AT TIME ZONE 'UTC')::date FROM webhook_attempts_0001 LOOP
        EXECUTE format('CREATE TABLE webhook_attempts_%s PARTITION OF webhook_attempts FOR VALUES FROM (%L) TO (%L)',
            to_char(day, 'YYYYMMDD'), to_char(day, 'YYYY-MM-DD 00:00:00+00'),
            to_char(day + 1, 'YYYY-MM-DD 00:00:00+00'));
    END LOOP;
END $$;

-- Each delivery with its new id and what came before it; 0001 never sent a lane's events in another order.
CREATE TEMPORARY TABLE carried ON COMMIT DROP AS
SELECT d.*, gen_random_uuid() AS id, e.kind, e.sequence, lag(e.sequence) OVER (
    PARTITION BY d.workspace_id, d.endpoint_id, d.debt_id ORDER BY d.position) AS previous_sequence
FROM webhook_deliveries_0001 d JOIN events e ON e.workspace_id = d.workspace_id AND e.id = d.event_id;

INSERT INTO webhook_lanes (workspace_id, endpoint_id, debt_id, sequence)
SELECT workspace_id, endpoint_id, debt_id, max(sequence) FROM carried GROUP BY workspace_id, endpoint_id, debt_id;

INSERT INTO webhook_deliveries (workspace_id, id, endpoint_id, event_id, debt_id, kind, position, sequence,
    previous_sequence, attempts, next_try_at, created_at)
SELECT workspace_id, id, endpoint_id, event_id, debt_id, kind, position, sequence, previous_sequence, attempts,
    greatest(next_try_at, lease_until), created_at
FROM carried WHERE state = 'pending';

INSERT INTO webhook_log (workspace_id, id, endpoint_id, event_id, debt_id, kind, position, sequence,
    previous_sequence, is_replay, state, attempts, created_at, settled_at)
SELECT workspace_id, id, endpoint_id, event_id, debt_id, kind, position, sequence, previous_sequence, false, state,
    attempts, created_at, settled_at
FROM carried WHERE state <> 'pending';

INSERT INTO webhook_attempts (workspace_id, delivery_id, attempt, endpoint_id, kind, url, started_at, duration_ms,
    status, error, response)
SELECT a.workspace_id, c.id, a.attempt, a.endpoint_id, c.kind, w.url, a.started_at, a.duration_ms, a.status, a.error,
    a.response
FROM webhook_attempts_0001 a
JOIN carried c ON c.workspace_id = a.workspace_id AND c.endpoint_id = a.endpoint_id AND c.event_id = a.event_id
JOIN webhook_endpoints w ON w.workspace_id = a.workspace_id AND w.id = a.endpoint_id;

DROP TABLE webhook_attempts_0001;
DROP TABLE webhook_deliveries_0001;
DROP TABLE carried;
