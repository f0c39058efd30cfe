-- What is over is looked for workspace by workspace.
DROP INDEX idempotency_keys_oldest;
CREATE INDEX idempotency_keys_oldest ON idempotency_keys (workspace_id, created_at);
DROP INDEX imports_kept;
CREATE INDEX imports_kept ON imports (workspace_id, drop_at) WHERE drop_at IS NOT NULL;
DROP INDEX sftp_files_age;
CREATE INDEX sftp_files_age ON sftp_files (workspace_id, written_at);
