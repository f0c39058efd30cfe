-- Where a debt stood when it was resolved, so that it is reopened there. Null for a debt resolved before this revision:
-- it is reopened on hold, and a person is asked.
ALTER TABLE debts ADD COLUMN status_before_resolution text CHECK (status_before_resolution IN ('pending', 'in_progress',
    'on_hold', 'payment_plan', 'escalated', 'unresolved', 'archived'));
-- The balance below the workspace's minimum about which a person was asked.
ALTER TABLE debts ADD COLUMN reviewed_balance bigint;

ALTER TABLE payments DROP CONSTRAINT payments_kind_check, ADD CONSTRAINT payments_kind_check
    CHECK (kind IN ('payment', 'refund', 'chargeback', 'write_off', 'adjustment', 'reversal'));
-- The entry of the same debt that this one reverses, or the payment that it returns; read under the debt's lock.
ALTER TABLE payments ADD COLUMN related_id uuid;
ALTER TABLE payments ADD COLUMN reversed_kind text CHECK (reversed_kind IN ('payment', 'write_off'));
-- An entry is reversed once.
CREATE UNIQUE INDEX payments_reversal ON payments (workspace_id, related_id) WHERE kind = 'reversal';

-- Amount in minor units that a todo is about.
ALTER TABLE todos ADD COLUMN minor bigint;
ALTER TABLE todos ADD COLUMN currency text;

-- In units of each debt's currency. 0: there is no minimum.
ALTER TABLE workspaces ADD COLUMN minimum_balance numeric(12, 3) NOT NULL DEFAULT 1 CHECK (minimum_balance >= 0);
ALTER TABLE workspaces ADD COLUMN writes_off_small_balances boolean NOT NULL DEFAULT false;
