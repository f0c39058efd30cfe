-- What a company has on file that collects for others (in France art. R124-2 CPCE).
ALTER TABLE companies
    ADD COLUMN registration_number text,
    ADD COLUMN insurer             text,
    ADD COLUMN insurance_policy    text,
    ADD COLUMN insured_until       date,
    ADD COLUMN client_iban         text,  -- the account that holds creditors' money alone
    ADD COLUMN declared_on         date,
    ADD COLUMN declared_to         text;

-- A declaration made with a sandbox's credential holds there alone; null: the company's own.
ALTER TABLE workspaces ADD COLUMN collector_file jsonb;

-- Debts up to this id may name a creditor in their sealed details only; maintenance gives them its row, the newest first.
ALTER TABLE workspaces ADD COLUMN creditors_unlinked_to uuid;
UPDATE workspaces w SET creditors_unlinked_to =
    (SELECT d.id FROM debts d WHERE d.workspace_id = w.workspace_id ORDER BY d.id DESC LIMIT 1);
