-- One spelling of a lease: `lease_until`, `fence` (grows with every claim), `crashes` (claims in a row that ended with
-- their lease). What is claimed is looked for inside one workspace.

ALTER TABLE webhook_deliveries
    ADD COLUMN fence bigint NOT NULL DEFAULT 0,
    ADD COLUMN crashes smallint NOT NULL DEFAULT 0;

ALTER TABLE imports RENAME COLUMN leased_until TO lease_until;
ALTER TABLE imports RENAME COLUMN tries TO crashes;
-- Tries counted every claim, crashes count only those that ended badly.
UPDATE imports SET crashes = crashes - 1 WHERE crashes > 0;
DROP INDEX imports_waiting;
CREATE INDEX imports_waiting ON imports (workspace_id, lease_until) WHERE task IS NOT NULL;

ALTER TABLE sftp_files RENAME COLUMN leased_until TO lease_until;
ALTER TABLE sftp_files RENAME COLUMN tries TO fence;
ALTER TABLE sftp_files ALTER COLUMN fence TYPE bigint, ADD COLUMN crashes smallint NOT NULL DEFAULT 0;
DROP INDEX sftp_files_waiting, sftp_files_taken;
CREATE INDEX sftp_files_waiting ON sftp_files (workspace_id, written_at) WHERE state = 'whole' AND is_finished;
CREATE INDEX sftp_files_taken ON sftp_files (workspace_id, written_at) WHERE state = 'taken';
