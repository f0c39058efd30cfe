-- Who may call. A secret is kept only as the SHA-256 of its 256 random bits, so nothing here can be turned back into one.

CREATE TABLE clients (
    id                uuid PRIMARY KEY,
    workspace_id      uuid NOT NULL REFERENCES workspaces (workspace_id),
    name              text NOT NULL CHECK (name <> ''),
    secret_hash       bytea NOT NULL,
    grants            text[] NOT NULL CHECK (cardinality(grants) > 0),
    scopes            text[] NOT NULL CHECK (cardinality(scopes) > 0),
    redirect_uris     text[] NOT NULL DEFAULT '{}',
    limit_per_minute  integer CHECK (limit_per_minute > 0),  -- null: the installation's
    created_at        timestamptz NOT NULL,
    revoked_at        timestamptz
);
CREATE INDEX clients_of_workspace ON clients (workspace_id);

-- Static keys of sandboxes: every scope, sent as Bearer.
CREATE TABLE api_keys (
    id                uuid PRIMARY KEY,
    workspace_id      uuid NOT NULL REFERENCES workspaces (workspace_id),
    name              text NOT NULL CHECK (name <> ''),
    hash              bytea NOT NULL,
    last4             text NOT NULL,
    limit_per_minute  integer CHECK (limit_per_minute > 0),
    created_at        timestamptz NOT NULL,
    revoked_at        timestamptz
);
CREATE UNIQUE INDEX api_keys_hash ON api_keys (hash);
CREATE INDEX api_keys_of_workspace ON api_keys (workspace_id);

-- What access tokens are signed with. A retired key still verifies until the last token it signed has expired.
CREATE TABLE signing_keys (
    id          uuid PRIMARY KEY,
    public      text NOT NULL,   -- JWK
    private     bytea NOT NULL,  -- JWK, wrapped by the master key
    created_at  timestamptz NOT NULL,
    retired_at  timestamptz
);
CREATE UNIQUE INDEX signing_keys_current ON signing_keys ((true)) WHERE retired_at IS NULL;

-- All tokens that descend from one grant.
CREATE TABLE token_families (
    id          uuid PRIMARY KEY,
    client_id   uuid NOT NULL REFERENCES clients (id),
    scopes      text[] NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,  -- of its newest refresh token
    revoked_at  timestamptz
);
CREATE INDEX token_families_of_client ON token_families (client_id);
CREATE INDEX token_families_expiry ON token_families (expires_at);

CREATE TABLE refresh_tokens (
    hash         bytea PRIMARY KEY,
    family_id    uuid NOT NULL REFERENCES token_families (id) ON DELETE CASCADE,
    parent       bytea,  -- the one it was exchanged for
    expires_at   timestamptz NOT NULL,
    replaced_at  timestamptz
);
CREATE INDEX refresh_tokens_of_family ON refresh_tokens (family_id);

-- Access tokens revoked one by one, by their `jti`, until they would have expired anyway.
CREATE TABLE revoked_tokens (
    id          uuid PRIMARY KEY,
    expires_at  timestamptz NOT NULL
);
CREATE INDEX revoked_tokens_expiry ON revoked_tokens (expires_at);

-- How much of its minute a credential, or a sandbox, has handed out to the processes that count for it.
CREATE UNLOGGED TABLE rate_counts (
    subject_id  uuid PRIMARY KEY,
    ends_at     timestamptz NOT NULL,  -- wall time
    used        integer NOT NULL,
    leased      integer NOT NULL       -- what the last lease was given
);

-- One row per request, kept 90 days: a partition per day (UTC), made ahead and dropped whole.
CREATE TABLE access_log (
    at             timestamptz NOT NULL,
    request_id     text NOT NULL,
    method         text NOT NULL,
    path           text NOT NULL,  -- without the query
    status         smallint NOT NULL,
    duration_ms    real NOT NULL,
    workspace_id   uuid,
    credential_id  uuid,
    address        text NOT NULL
) PARTITION BY RANGE (at);
CREATE INDEX access_log_of_workspace ON access_log (workspace_id, at);
