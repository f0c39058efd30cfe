"""Creation and update of creditors."""

from collections.abc import Iterable

from getbill import vault
from getbill.companies import Workspace
from getbill.creditors.model import Creditor, CreditorProfile, hash_name, seal
from getbill.creditors.queries import FIND_NAMED, open_creditor
from getbill.kit import ids
from getbill.kit.database import Statement, Transaction

_INSERT = Statement(
    "creditors.insert_creditor",
    "Insert a creditor; fails if another transaction inserted the name.",
    """
    INSERT INTO creditors (workspace_id, id, profile, name_hash, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $5)
    """,
)


async def find_or_create(tx: Transaction, workspace: Workspace, names: Iterable[str]) -> dict[str, Creditor]:
    """Return the creditor of each name, by the name as given; one statement finds all that exist.

    Names are unique: of two concurrent changes that create the same creditor, the loser fails and must retry.
    """
    hashes = {name: hash_name(workspace.lookup, name) for name in names}
    if not hashes:
        return {}
    rows = await tx.peek(FIND_NAMED, workspace.id, list(set(hashes.values())))
    creditors_by_hash = {row["name_hash"]: open_creditor(row, workspace.vault) for row in rows}
    for name, name_hash in hashes.items():
        if name_hash not in creditors_by_hash:
            creditors_by_hash[name_hash] = create(tx, workspace, CreditorProfile(name))
    return {name: creditors_by_hash[name_hash] for name, name_hash in hashes.items()}


def create(tx: Transaction, workspace: Workspace, profile: CreditorProfile) -> Creditor:
    """Create a creditor without a mandate; its name must be free."""
    creditor_id = ids.new()
    key = vault.make_key(tx, workspace.vault, workspace.id, creditor_id)
    tx.defer(
        _INSERT,
        workspace.id,
        creditor_id,
        seal(profile, key, workspace.id, creditor_id),
        hash_name(workspace.lookup, profile.name),
        tx.now,
    )
    return Creditor(
        id=creditor_id,
        workspace_id=workspace.id,
        profile=profile,
        key=key,
        mandate_signed_on=None,
        mandate_receives=False,
        version=1,
        created_at=tx.now,
        updated_at=tx.now,
    )
