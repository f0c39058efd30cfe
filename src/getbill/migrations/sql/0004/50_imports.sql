-- Debts that arrive many at a time: in a batch, in a file, over SFTP. One row per import, whatever it came by.

CREATE TABLE imports (
    workspace_id   uuid NOT NULL REFERENCES workspaces (workspace_id),
    id             uuid NOT NULL,
    file_id        uuid NOT NULL,           -- whose key seals the chunks; the import's own id names the key of the rest
    source         text NOT NULL CHECK (source IN ('batch', 'upload', 'sftp')),
    sender         text NOT NULL,           -- who sends such files: a credential, an SFTP login
    name           text NOT NULL,
    language       text NOT NULL,           -- of the findings
    state          text NOT NULL DEFAULT 'uploaded' CHECK (state IN ('uploaded', 'mapped', 'checked', 'importing',
                                                                     'completed', 'undone', 'failed')),
    received_at    timestamptz,             -- workspace time; null until every byte is here
    size           bigint NOT NULL DEFAULT 0,  -- in bytes
    digest         bytea,                   -- keyed hash of the bytes: the same file again is known
    same_as        uuid,                    -- the import that had the same bytes before
    -- What was asked.
    is_auto        boolean NOT NULL DEFAULT false,
    is_dry_run     boolean NOT NULL DEFAULT false,
    mode           text NOT NULL DEFAULT 'partial' CHECK (mode IN ('partial', 'all_or_nothing')),
    on_duplicate   text NOT NULL DEFAULT 'skip' CHECK (on_duplicate IN ('skip', 'update', 'error')),
    grace_hours    integer NOT NULL CHECK (grace_hours BETWEEN 0 AND 720),
    -- How it is read: layout, mapping, warnings; sealed with the import's key.
    plan           bytea,
    signature      text,                    -- of the layout
    is_confirmed   boolean NOT NULL DEFAULT false,
    error          text,                    -- the code of what stopped it
    problem        bytea,                   -- the same in words, sealed with the import's key
    -- How far it has come. Each moves in the transaction of what it counts.
    cursor         bigint NOT NULL DEFAULT 0,  -- the last line (a batch: row) of the pass under way that is done
    rows_total     bigint,
    rows_done      bigint NOT NULL DEFAULT 0,
    created        bigint NOT NULL DEFAULT 0,
    updated        bigint NOT NULL DEFAULT 0,
    unchanged      bigint NOT NULL DEFAULT 0,
    skipped        bigint NOT NULL DEFAULT 0,
    rejected       bigint NOT NULL DEFAULT 0,
    warnings       bigint NOT NULL DEFAULT 0,
    undone         bigint NOT NULL DEFAULT 0,
    kept           bigint NOT NULL DEFAULT 0,  -- that undoing left, each with its reason
    -- What is to be done, and who does it. Wall time.
    task           text CHECK (task IN ('read', 'check', 'import', 'correct', 'undo')),
    accepts        text[] NOT NULL DEFAULT '{}',  -- the kinds of finding whose suggestions a person accepted
    fence          bigint NOT NULL DEFAULT 0,
    leased_until   timestamptz,
    tries          integer NOT NULL DEFAULT 0,    -- since anything moved
    begun_at       timestamptz,
    ended_at       timestamptz,
    created_at     timestamptz NOT NULL,          -- workspace time
    drop_at        timestamptz,                   -- wall time: when all it keeps of people goes; null once it went
    is_unwanted    boolean NOT NULL DEFAULT false,  -- its file goes as soon as nobody needs it: somebody in it was erased
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX imports_newest ON imports (workspace_id, created_at, id) WHERE received_at IS NOT NULL;
CREATE INDEX imports_same ON imports (workspace_id, digest) WHERE digest IS NOT NULL;
-- Short: what waits for a worker.
CREATE INDEX imports_waiting ON imports (leased_until) WHERE task IS NOT NULL;
CREATE INDEX imports_kept ON imports (drop_at) WHERE drop_at IS NOT NULL;

-- The bytes of a file as they came in, or the accepted bodies of a batch, 1,000 in a chunk.
CREATE TABLE import_chunks (
    workspace_id  uuid NOT NULL,
    import_id     uuid NOT NULL,
    number        integer NOT NULL,
    sealed        bytea NOT NULL,
    PRIMARY KEY (workspace_id, import_id, number),
    FOREIGN KEY (workspace_id, import_id) REFERENCES imports (workspace_id, id)
);
-- Sealed bytes do not get smaller.
ALTER TABLE import_chunks ALTER COLUMN sealed SET STORAGE EXTERNAL;

-- Rows of which there is something to say: one row each, whatever is wrong with it.
CREATE TABLE import_findings (
    workspace_id  uuid NOT NULL,
    import_id     uuid NOT NULL,
    line          bigint NOT NULL,          -- as the person sees it in their file; in a batch the index
    index         bigint NOT NULL,          -- of the row among the data rows, from 0
    outcome       text NOT NULL CHECK (outcome IN ('rejected', 'skipped', 'warned')),
    codes         text[] NOT NULL,          -- of all findings of the row
    sealed        bytea NOT NULL,           -- the findings and the row itself, with the import's key
    debt_id       uuid,                     -- what it became, or met
    PRIMARY KEY (workspace_id, import_id, line),
    FOREIGN KEY (workspace_id, import_id) REFERENCES imports (workspace_id, id),
    FOREIGN KEY (workspace_id, debt_id) REFERENCES debts (workspace_id, id)
);
CREATE INDEX import_findings_of_debt ON import_findings (workspace_id, debt_id) WHERE debt_id IS NOT NULL;

-- Rows as a person corrected them; they are read in the place of what the file says.
CREATE TABLE import_corrections (
    workspace_id  uuid NOT NULL,
    import_id     uuid NOT NULL,
    line          bigint NOT NULL,
    sealed        bytea NOT NULL,           -- the row's cells or body, with the import's key
    PRIMARY KEY (workspace_id, import_id, line),
    FOREIGN KEY (workspace_id, import_id) REFERENCES imports (workspace_id, id)
);

-- How a sender's files are read, as a person confirmed it.
CREATE TABLE import_mappings (
    workspace_id  uuid NOT NULL REFERENCES workspaces (workspace_id),
    sender        text NOT NULL,
    signature     text NOT NULL,
    mapping       bytea NOT NULL,           -- sealed by the installation: it names columns, not people
    confirmed_by  uuid,                     -- the credential
    confirmed_at  timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, sender, signature)
);

-- Where a debt came from, and whether its import was taken back.
ALTER TABLE debts
    ADD COLUMN import_id uuid,
    ADD COLUMN import_line integer,
    ADD COLUMN undone_at timestamptz;
CREATE INDEX debts_of_import ON debts (workspace_id, import_id, import_line) WHERE import_id IS NOT NULL;
-- An undone debt frees its reference.
DROP INDEX debts_reference;
CREATE UNIQUE INDEX debts_reference ON debts (workspace_id, reference)
    WHERE reference IS NOT NULL AND undone_at IS NULL;

-- Two hours are enough to take a wrong file back. Also in sandboxes there are, which contact nobody; in live an update
-- has nobody contacted sooner.
ALTER TABLE workspaces ALTER COLUMN grace_hours SET DEFAULT 2;
UPDATE workspaces SET grace_hours = 2 WHERE kind = 'sandbox' AND grace_hours = 24;
