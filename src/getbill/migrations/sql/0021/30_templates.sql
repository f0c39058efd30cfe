-- What administrators confirmed when the version was published: the rule, the reason, and who.
ALTER TABLE templates ADD COLUMN confirmations jsonb NOT NULL DEFAULT '[]';
