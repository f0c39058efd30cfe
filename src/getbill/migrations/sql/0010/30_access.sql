-- One row per request without a caller: partitioned and kept as access_log, but of no workspace.
CREATE TABLE anonymous_log (
    at             timestamptz NOT NULL,
    request_id     text NOT NULL,
    method         text NOT NULL,
    path           text NOT NULL,  -- without the query
    status         smallint NOT NULL,
    duration_ms    real NOT NULL,
    address        text NOT NULL
) PARTITION BY RANGE (at);

-- Day by day: the lines without a workspace are found by the index of workspaces.
DO $$
DECLARE
    day record;
BEGIN
    FOR day IN
        SELECT c.oid::regclass AS name, right(c.relname, 8) AS date, pg_get_expr(c.relpartbound, c.oid) AS bounds
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'access_log'::regclass ORDER BY c.relname
    LOOP
        EXECUTE format('CREATE TABLE anonymous_log_%s PARTITION OF anonymous_log %s', day.date, day.bounds);
        EXECUTE format(
            'INSERT INTO anonymous_log_%s (at, request_id, method, path, status, duration_ms, address)
             SELECT at, request_id, method, path, status, duration_ms, address FROM %s WHERE workspace_id IS NULL',
            day.date, day.name);
        EXECUTE format('DELETE FROM %s WHERE workspace_id IS NULL', day.name);
    END LOOP;
END
$$;
ALTER TABLE access_log ALTER COLUMN workspace_id SET NOT NULL;
