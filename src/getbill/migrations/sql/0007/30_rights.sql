-- Who created a credential: a client, a key or a member of staff by its id, or the operator. Null: from before this was
-- recorded.

ALTER TABLE clients ADD created_by_kind text CHECK (created_by_kind IN ('client', 'key', 'user', 'operator')), ADD created_by uuid;
ALTER TABLE api_keys ADD created_by_kind text CHECK (created_by_kind IN ('client', 'key', 'user', 'operator')), ADD created_by uuid;
ALTER TABLE sftp_logins ADD created_by_kind text CHECK (created_by_kind IN ('client', 'key', 'user', 'operator')), ADD created_by uuid;
ALTER TABLE signing_keys ADD created_by_kind text CHECK (created_by_kind IN ('client', 'key', 'user', 'operator')), ADD created_by uuid;
ALTER TABLE webhook_endpoints
    ADD created_by_kind text CHECK (created_by_kind IN ('client', 'key', 'user', 'operator')),
    ADD created_by uuid,
    -- On whose right to read debts it is sent data: whoever created it, or last said where its data goes.
    ADD owner_kind text NOT NULL DEFAULT 'unknown'
        CHECK (owner_kind IN ('client', 'key', 'user', 'operator', 'unknown')),
    ADD owner uuid,
    ADD is_ids_only boolean NOT NULL DEFAULT false;  -- a person decided that it is sent ids only
ALTER TABLE webhook_endpoints ALTER owner_kind DROP DEFAULT;

-- Which credentials and people changed, rotated or used something that another created.
CREATE TABLE credential_uses (
    workspace_id  uuid NOT NULL REFERENCES workspaces (workspace_id),
    subject_id    uuid NOT NULL,  -- the SFTP login or endpoint
    actor_kind    text NOT NULL CHECK (actor_kind IN ('client', 'key', 'user', 'operator')),
    actor         uuid NOT NULL,  -- of the operator, zeros
    used_at       timestamptz NOT NULL,  -- wall time
    PRIMARY KEY (workspace_id, subject_id, actor_kind, actor)
);

-- Whether an attempt was sent ids only, because nobody answered for the right to read debts.
ALTER TABLE webhook_attempts ADD is_withheld boolean NOT NULL DEFAULT false;

-- Endpoints from before. The access log knows who created most of those of the last 90 days: an id is made while its
-- request is answered.
UPDATE webhook_endpoints w SET created_by_kind = known.kind, created_by = known.id, owner_kind = known.kind, owner = known.id
FROM (
    SELECT e.workspace_id, e.id AS endpoint_id, min(l.credential_id::text)::uuid AS id,
        CASE WHEN bool_and(k.id IS NULL) THEN 'client' ELSE 'key' END AS kind
    FROM webhook_endpoints e
    CROSS JOIN LATERAL (SELECT to_timestamp(
        ('x' || substr(replace(e.id::text, '-', ''), 1, 12))::bit(48)::bigint / 1000.0) AS at) AS made
    JOIN access_log l ON l.workspace_id = e.workspace_id AND l.at >= made.at AND l.at < made.at + interval '10 s'
        AND l.at - l.duration_ms * interval '1 ms' <= made.at + interval '1 s'
        AND l.method = 'POST' AND l.status = 201 AND l.path = '/external-api/v1/webhooks'
    LEFT JOIN api_keys k ON k.id = l.credential_id
    LEFT JOIN clients c ON c.id = l.credential_id
    WHERE (k.id IS NOT NULL OR c.id IS NOT NULL) AND NOT EXISTS (
        -- Nor has anybody without the right since said where its data goes.
        SELECT FROM access_log p JOIN clients r ON r.id = p.credential_id
        WHERE p.workspace_id = e.workspace_id AND p.at >= made.at AND p.method = 'PUT' AND p.status = 200
            AND p.path LIKE '/external-api/v1/webhooks/%' AND NOT 'debts:read' = ANY (r.scopes))
    GROUP BY e.workspace_id, e.id
    HAVING count(DISTINCT l.credential_id) = 1
) AS known
WHERE w.workspace_id = known.workspace_id AND w.id = known.endpoint_id;
-- Where every credential that could have created it could read debts too, nothing was handed to anybody who may not. The
-- others are sent ids only until a person decides (a todo asks).
UPDATE webhook_endpoints w SET owner_kind = 'operator'
WHERE w.owner_kind = 'unknown' AND NOT EXISTS (
    SELECT FROM clients c WHERE c.workspace_id = w.workspace_id AND 'webhooks:write' = ANY (c.scopes)
        AND NOT 'debts:read' = ANY (c.scopes));

-- The first start's client goes on as before; so does whoever managed SFTP logins in the last 90 days.
UPDATE clients c SET scopes = c.scopes || '{sftp:read,sftp:write,credentials:read,credentials:write}'
FROM workspaces w JOIN companies o ON o.id = w.company_id
WHERE w.workspace_id = c.workspace_id AND o.is_demo AND c.name = 'First client' AND c.revoked_at IS NULL
    AND c.scopes @> '{debts:read,debts:write,webhooks:write}';
UPDATE clients c SET scopes = c.scopes || CASE WHEN used.is_writer THEN '{sftp:read,sftp:write}'::text[] ELSE '{sftp:read}' END
FROM (
    SELECT l.credential_id, bool_or(l.method <> 'GET') AS is_writer FROM access_log l
    WHERE l.workspace_id IN (SELECT workspace_id FROM sftp_logins) AND l.path LIKE '/external-api/v1/sftp/logins%'
        AND l.status < 300
    GROUP BY l.credential_id
) AS used
WHERE c.id = used.credential_id AND c.revoked_at IS NULL AND NOT 'sftp:read' = ANY (c.scopes);

-- Which types there are is known to the program.
ALTER TABLE todos DROP CONSTRAINT IF EXISTS todos_type_check;
