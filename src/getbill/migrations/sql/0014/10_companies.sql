-- What a company has on file that collects for others (in France art. R124-2 CPCE).
ALTER TABLE companies
    ADD COLUMN registration_number text,
    ADD COLUMN insurer             text,
    ADD COLUMN insurance_policy    text,
    ADD COLUMN insured_until       date,
    ADD COLUMN client_iban         text,  -- the account that holds creditors' money alone
    ADD COLUMN declared_on         date,
    ADD COLUMN declared_to         text;
