-- A contact that came too late, after an outage or a stop, and was then moved to an instant the rules allow, is late still.

ALTER TABLE contacts ADD COLUMN missed_at timestamptz;  -- workspace time at which it was due first
