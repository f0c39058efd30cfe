-- Tenants and people. A company has a live workspace and sandboxes; everything a company owns hangs on one.

CREATE TABLE companies (
    id            uuid PRIMARY KEY,
    name          text NOT NULL CHECK (name <> ''),
    email         text,
    phone         text,
    iban          text,
    country       text NOT NULL DEFAULT 'FR',
    currency      text NOT NULL DEFAULT 'EUR',
    language      text NOT NULL DEFAULT 'fr',
    scenario      text NOT NULL DEFAULT 'standard_3_waves',
    collector     text NOT NULL DEFAULT 'creditor' CHECK (collector IN ('creditor', 'third_party')),
    lookup_key    bytea NOT NULL,  -- keys the hashes by which its debtors are looked up; wrapped by the master key
    is_demo       boolean NOT NULL DEFAULT false,
    created_at    timestamptz NOT NULL
);
CREATE UNIQUE INDEX companies_demo ON companies (is_demo) WHERE is_demo;

CREATE TABLE workspaces (
    workspace_id  uuid PRIMARY KEY,
    company_id    uuid NOT NULL REFERENCES companies (id),
    kind          text NOT NULL CHECK (kind IN ('live', 'sandbox')),
    name          text NOT NULL,
    clock_offset  interval NOT NULL DEFAULT '0',
    frozen_at     timestamptz,
    created_at    timestamptz NOT NULL,
    CHECK (kind = 'sandbox' OR (clock_offset = '0' AND frozen_at IS NULL))
);
CREATE INDEX workspaces_of_company ON workspaces (company_id);
CREATE UNIQUE INDEX workspaces_one_live ON workspaces (company_id) WHERE kind = 'live';

CREATE TABLE users (
    id             uuid PRIMARY KEY,
    company_id     uuid NOT NULL REFERENCES companies (id),
    email          text NOT NULL,
    first_name     text,
    last_name      text,
    role           text NOT NULL CHECK (role IN ('admin', 'manager', 'agent', 'developer', 'viewer')),
    password_hash  text NOT NULL,
    is_active      boolean NOT NULL DEFAULT true,
    last_seen_at   timestamptz,
    created_at     timestamptz NOT NULL
);
CREATE UNIQUE INDEX users_email ON users (lower(email));
CREATE INDEX users_of_company ON users (company_id);
