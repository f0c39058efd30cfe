-- E-mails to admins have a queue of their own, and a row says when maintenance is due: pgqueuer served these two alone.

CREATE TABLE admin_notifications (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    user_id uuid NOT NULL,
    attempts smallint NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,       -- wall time; while it is claimed, the end of the lease
    held_at timestamptz,               -- no attempt is left until a person requests one
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, endpoint_id) REFERENCES webhook_endpoints (workspace_id, id)
);

CREATE INDEX admin_notifications_due ON admin_notifications (due_at, workspace_id) WHERE held_at IS NULL;

CREATE TABLE maintenance (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    due_at timestamptz NOT NULL        -- wall time; while a worker runs it, the end of the lease
);

INSERT INTO maintenance (due_at) VALUES (now());

-- What nobody can read is left behind: it could not be sent either.
DO $$
DECLARE
    job record;
BEGIN
    FOR job IN SELECT payload, status, execute_after FROM pgqueuer
        WHERE entrypoint = 'webhook_notice' AND status IN ('queued', 'picked', 'failed')
    LOOP
        BEGIN
            INSERT INTO admin_notifications (workspace_id, id, endpoint_id, user_id, due_at, held_at)
            SELECT (body ->> 'workspace_id')::uuid, gen_random_uuid(), (body ->> 'endpoint_id')::uuid, (body ->> 'user_id')::uuid,
                job.execute_after, CASE WHEN job.status = 'failed' THEN now() END
            FROM (SELECT convert_from(job.payload, 'UTF8')::jsonb) AS job (body);
        EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
            RAISE WARNING 'A job of the queue was left behind: it cannot be read.';
        END;
    END LOOP;
END $$;

DROP TABLE pgqueuer, pgqueuer_log, pgqueuer_schedules, pgqueuer_statistics;
DROP FUNCTION fn_pgqueuer_changed;
DROP TYPE pgqueuer_status;
