-- Who may drop files over SFTP, and what they dropped: folders of each login's own, sealed, in the database.

CREATE TABLE sftp_logins (
    id            uuid PRIMARY KEY,
    workspace_id  uuid NOT NULL REFERENCES workspaces (workspace_id),
    username      text NOT NULL,
    name          text NOT NULL CHECK (name <> ''),
    password_hash text,                          -- argon2; null where only keys open
    fingerprints  text[] NOT NULL DEFAULT '{}',  -- of public keys, as ssh-keygen -l shows them
    failures      integer NOT NULL DEFAULT 0,    -- wrong passwords since the last right one
    locked_until  timestamptz,                   -- no password opens before; wall time
    created_at    timestamptz NOT NULL,
    rotated_at    timestamptz,
    used_at       timestamptz,
    revoked_at    timestamptz,
    UNIQUE (workspace_id, id),
    CHECK (password_hash IS NOT NULL OR cardinality(fingerprints) > 0)
);
CREATE UNIQUE INDEX sftp_logins_username ON sftp_logins (username);

CREATE TABLE sftp_files (
    workspace_id  uuid NOT NULL REFERENCES workspaces (workspace_id),
    id            uuid NOT NULL,
    login_id      uuid NOT NULL,
    folder        text NOT NULL CHECK (folder IN ('', 'incoming', 'processed', 'rejected', 'reports')),
    name_hash     bytea NOT NULL,  -- keyed
    name          bytea NOT NULL,  -- sealed with the file's own key, as its chunks are
    size          bigint NOT NULL DEFAULT 0,
    room          bigint NOT NULL DEFAULT 0,  -- bytes its login has left for it; while it is written to, more than its size
    state         text NOT NULL CHECK (state IN ('open', 'cut', 'whole', 'taken', 'kept')),
    writer        uuid,            -- whoever opened it for writing last; all others write no more
    written_at    timestamptz NOT NULL,  -- wall time
    is_finished   boolean NOT NULL,      -- by its name: no `.part`, and not hidden
    asked_at      timestamptz,     -- when somebody asked for it to be picked up at once
    leased_until  timestamptz,     -- until when one worker has it
    tries         integer NOT NULL DEFAULT 0,
    import_id     uuid,            -- what it became, or tells of
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, login_id) REFERENCES sftp_logins (workspace_id, id)
);
CREATE UNIQUE INDEX sftp_files_place ON sftp_files (workspace_id, login_id, folder, name_hash);
CREATE INDEX sftp_files_waiting ON sftp_files (written_at) WHERE state = 'whole' AND is_finished;
CREATE INDEX sftp_files_taken ON sftp_files (written_at) WHERE state = 'taken';
CREATE INDEX sftp_files_age ON sftp_files (written_at);
CREATE INDEX sftp_files_of_import ON sftp_files (workspace_id, import_id) WHERE import_id IS NOT NULL;

-- Written only by the statement that holds the file's row, and deleted with it.
CREATE TABLE sftp_chunks (
    workspace_id  uuid NOT NULL REFERENCES workspaces (workspace_id),
    file_id       uuid NOT NULL,
    number        integer NOT NULL,
    sealed        bytea NOT NULL,
    PRIMARY KEY (workspace_id, file_id, number)
);
-- What is sealed cannot be compressed: do not try.
ALTER TABLE sftp_chunks ALTER COLUMN sealed SET STORAGE EXTERNAL;

-- By what clients recognise the server, whichever process answers and however often it starts.
CREATE TABLE sftp_host_keys (
    algorithm   text PRIMARY KEY,
    public      text NOT NULL,
    private     bytea NOT NULL,  -- sealed with the installation's key
    created_at  timestamptz NOT NULL
);
