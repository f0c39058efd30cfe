-- What people did towards a debtor themselves stands beside what the scenario did. Such a row has no step.
ALTER TABLE followups
    ADD COLUMN reached_at   timestamptz,   -- when it was counted as having reached the debtor
    ADD COLUMN address_hash bytea,         -- keyed; of a contact that people made, for it counts for the caps too
    DROP CONSTRAINT followups_channel_check,
    ADD CONSTRAINT followups_channel_check
        CHECK (channel IN ('ai_call', 'sms', 'email', 'letter', 'whatsapp', 'phone', 'visit'));

UPDATE followups SET reached_at = coalesce(processed_at, updated_at)
WHERE status IN ('delivered', 'deal_found', 'deal_not_found', 'bad_behavior')
   OR (status = 'sent' AND processed_at IS NOT NULL);

CREATE INDEX followups_by_hand ON followups (workspace_id, address_hash, sent_at) WHERE step IS NULL;
