-- Processes at work and the master keys they can open: a new one wraps nothing before all of them know it.
CREATE TABLE vault_holders (
    process_id  uuid PRIMARY KEY,
    process     text NOT NULL,        -- `api`, `worker`, `sftp`
    key_ids     text[] NOT NULL,
    current_id  text NOT NULL,        -- what it wraps with
    seen_at     timestamptz NOT NULL  -- wall time
);

-- A dead row of these tables is a wrapped key that was destroyed or replaced: it goes after a few, not after a fifth of
-- the table.
ALTER TABLE vault_keys SET (autovacuum_vacuum_threshold = 10, autovacuum_vacuum_scale_factor = 0);
ALTER TABLE vault_master SET (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0);

-- Since when a rotation is due where nobody but a person can rotate: since the first erasure under the key in use.
CREATE INDEX erasures_at ON erasures (erased_at);
