-- A contact that kills the process which works on it leaves no other trace than the claims that never came to their end.

ALTER TABLE contacts ADD COLUMN crashes smallint NOT NULL DEFAULT 0;  -- claims in a row that ended with their lease
