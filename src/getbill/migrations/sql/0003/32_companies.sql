-- What a company's letters carry: its address, and what the law wants on them (in France art. R123-237 C. com.).
ALTER TABLE companies
    ADD COLUMN address text[] NOT NULL DEFAULT '{}',
    ADD COLUMN imprint text;

-- The picture at the head of e-mails; beside its company, which is read far more often.
CREATE TABLE company_logos (
    workspace_id uuid PRIMARY KEY REFERENCES workspaces (workspace_id),
    media_type   text NOT NULL CHECK (media_type IN ('image/png', 'image/jpeg')),
    image        bytea NOT NULL
);
