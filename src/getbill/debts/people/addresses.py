"""Bounced addresses: the address is marked, and the next usable one of its kind becomes the preferred one."""

from collections.abc import Mapping
from uuid import UUID

from getbill import compliance, debtors
from getbill.debts.model import Debt
from getbill.kit.database import Transaction


async def mark_bounced(tx: Transaction, debt: Debt, kind: str, address_hash: bytes) -> None:
    """Mark an address of a debt's debtor as bounced; lock the debts of the debtor first.

    Where it is the preferred one, the next address that is neither bounced nor suppressed takes its place.
    """
    workspace = debt.workspace
    if all(_hash(debt, kind, value) != address_hash for value in debt.debtor.identity.values(kind)):
        return
    debtor = await debtors.lock(tx, workspace, debt.debtor.id)
    hashes = {value: _hash(debt, kind, value) for value in debtor.identity.values(kind)}
    bounced = next((value for value, known_hash in hashes.items() if known_hash == address_hash), None)
    if bounced is None:
        return
    identity = debtors.with_health(debtor.identity, kind, bounced, "bounced")
    if bounced == getattr(identity, kind):
        identity = debtors.with_next_preferred(identity, kind, await _suppressed(tx, workspace.id, hashes))
    await debtors.update(tx, workspace, debtor, identity)
    debt.debtor = debtor


async def _suppressed(tx: Transaction, workspace_id: UUID, hashes: Mapping[str, bytes]) -> frozenset[str]:
    suppressed_hashes = await compliance.suppressed_hashes(tx, workspace_id, hashes.values())
    return frozenset(value for value, known_hash in hashes.items() if known_hash in suppressed_hashes)


def _hash(debt: Debt, kind: str, value: str) -> bytes:
    return debt.workspace.lookup.hash(kind, value.lower())
