"""Queries of creditors."""

from uuid import UUID

from asyncpg import Record

from getbill.creditors.model import Creditor, CreditorProfile, seal_context
from getbill.kit import json
from getbill.kit.database import Statement
from getbill.vault import Vault

# The columns that `open_creditor` needs to open a creditor: `c` is the creditor's row, `ck` its key's.
COLUMNS = """c.profile AS creditor_profile, ck.wrapped AS creditor_key,
    c.mandate_signed_on AS creditor_mandate_signed_on, c.mandate_receives AS creditor_mandate_receives,
    c.version AS creditor_version, c.created_at AS creditor_created_at, c.updated_at AS creditor_updated_at"""
# The creditor of a debt `d`, if it is not the company itself.
JOINS = """
    LEFT JOIN creditors c ON c.workspace_id = d.workspace_id AND c.id = d.creditor_id
    LEFT JOIN vault_keys ck ON ck.workspace_id = d.workspace_id AND ck.subject_id = d.creditor_id
    """

FIND_NAMED = Statement(
    "creditors.find_named",
    "Creditors with these names.",
    f"""
    SELECT c.workspace_id, c.id AS creditor_id, c.name_hash, {COLUMNS}
    FROM creditors c JOIN vault_keys ck ON ck.workspace_id = c.workspace_id AND ck.subject_id = c.id
    WHERE c.workspace_id = $1 AND c.name_hash = ANY($2)
    """,
)


def open_creditor(row: Record, vault: Vault) -> Creditor:
    """Open a creditor from a row that has `COLUMNS`, its id and its workspace's."""
    workspace_id: UUID = row["workspace_id"]
    creditor_id: UUID = row["creditor_id"]
    key = vault.unwrap(row["creditor_key"], workspace_id, creditor_id)
    profile_fields = json.read_texts(
        key.open(row["creditor_profile"], seal_context(workspace_id, creditor_id))
    )
    return Creditor(
        id=creditor_id,
        workspace_id=workspace_id,
        profile=CreditorProfile(**profile_fields),
        key=key,
        mandate_signed_on=row["creditor_mandate_signed_on"],
        mandate_receives=row["creditor_mandate_receives"],
        version=row["creditor_version"],
        created_at=row["creditor_created_at"],
        updated_at=row["creditor_updated_at"],
    )
