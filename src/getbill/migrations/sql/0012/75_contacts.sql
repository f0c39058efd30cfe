-- The journal of hand-overs of a worker knows the message of a contact by this id.

ALTER TABLE contacts ADD COLUMN handover_id uuid;  -- set with `sending`; null where no journal knows it
