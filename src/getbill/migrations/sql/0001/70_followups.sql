-- What was done towards a debtor: one row per call, message or letter, whoever did it.

CREATE TABLE followups (
    workspace_id   uuid NOT NULL REFERENCES workspaces (workspace_id),
    id             uuid NOT NULL,
    debt_id        uuid NOT NULL,
    channel        text NOT NULL CHECK (channel IN ('ai_call', 'sms', 'email', 'letter', 'whatsapp')),
    type           text NOT NULL CHECK (type IN ('call', 'sms', 'email', 'whatsapp', 'voicemail', 'manual_call',
                                                 'physical', 'postmail')),
    status         text NOT NULL CHECK (status IN ('on_hold', 'scheduled', 'in_progress', 'sent', 'delivered',
                                                   'deal_found', 'no_answer', 'deal_not_found', 'bad_behavior',
                                                   'failed', 'cancelled')),
    step           text,
    scheduled_at   timestamptz,
    sent_at        timestamptz,
    processed_at   timestamptz,
    content        bytea,   -- sealed with the debt's key: address used, subject, text, summary, notes
    provider_ref   text,
    duration_ms    integer,
    direction      text CHECK (direction IN ('inbound', 'outbound')),
    disconnection_reason text,
    is_retry       boolean NOT NULL DEFAULT false,
    triggered_payment boolean NOT NULL DEFAULT false,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, debt_id) REFERENCES debts (workspace_id, id)
);
CREATE INDEX followups_of_debt ON followups (workspace_id, debt_id, id);
CREATE INDEX followups_newest ON followups (workspace_id, created_at, id);
