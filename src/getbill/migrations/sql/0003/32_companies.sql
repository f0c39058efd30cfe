-- What a company's letters carry: its address, and what the law wants on them (in France art. R123-237 C. com.).
ALTER TABLE companies
    ADD COLUMN address text[] NOT NULL DEFAULT '{}',
    ADD COLUMN imprint text;
