"""Making, destroying and rewrapping keys."""

from pathlib import Path
from uuid import UUID

from getbill.kit import clock
from getbill.kit.db import Database, Statement, Transaction
from getbill.vault.model import (
    Key,
    MasterKeyMissing,
    MasterKeyWrong,
    Vault,
    read_master_keys,
    write_master_keys,
)

_INSERT_KEY = Statement(
    "vault.insert_key",
    "Keep the wrapped key of a debtor or a debt.",
    "INSERT INTO vault_keys (workspace_id, subject_id, wrapped) VALUES ($1, $2, $3)",
)
_DESTROY_KEY = Statement(
    "vault.destroy_key",
    "Destroy a key, and with it all it sealed.",
    "DELETE FROM vault_keys WHERE workspace_id = $1 AND subject_id = $2",
)
_WRITE_ERASURE = Statement(
    "vault.write_erasure",
    "Remember that a subject was erased, so that a restored backup is erased again.",
    """
    INSERT INTO erasures (workspace_id, subject_id, kind, erased_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (workspace_id, subject_id) DO NOTHING
    """,
)
_CURRENT_MASTER = Statement(
    "vault.current_master",
    "Which master key was this database sealed with last?",
    "SELECT key_id, installation_key FROM vault_master WHERE is_current",
)
_LOCK_MASTER = Statement(
    "vault.lock_master",
    "Let one process at a time decide which master key is current.",
    "LOCK TABLE vault_master IN EXCLUSIVE MODE",
)
_RETIRE_MASTER = Statement(
    "vault.retire_master",
    "The current master key is one no longer.",
    "UPDATE vault_master SET is_current = false WHERE is_current",
)
_REGISTER_MASTER = Statement(
    "vault.register_master",
    "Make a master key the current one.",
    """
    INSERT INTO vault_master (key_id, is_current, installation_key, created_at) VALUES ($1, true, $2, $3)
    ON CONFLICT (key_id) DO UPDATE SET is_current = true, installation_key = excluded.installation_key
    """,
)
_STALE_KEYS = Statement(
    "vault.stale_keys",
    "Some keys that another master key than the current one wraps.",
    """
    SELECT workspace_id, subject_id, wrapped FROM vault_keys
    WHERE substr(wrapped, 2, 8) <> $1 LIMIT 1000 FOR UPDATE SKIP LOCKED
    """,
)
_REWRAP = Statement(
    "vault.rewrap",
    "Replace a wrapped key by the same key under the current master key.",
    "UPDATE vault_keys SET wrapped = $3 WHERE workspace_id = $1 AND subject_id = $2",
)


def make_key(tx: Transaction, vault: Vault, workspace_id: UUID, subject_id: UUID) -> Key:
    """Make the key of a new debtor or debt and have it kept at the edge."""
    key = Key.new()
    tx.defer(_INSERT_KEY, workspace_id, subject_id, vault.wrap(key, workspace_id, subject_id))
    return key


async def destroy(tx: Transaction, workspace_id: UUID, subject_id: UUID, kind: str) -> None:
    """Destroy the key of a debtor or a debt, for good: what it sealed can never be read again."""
    await tx.execute(_DESTROY_KEY, workspace_id, subject_id)
    await tx.execute(_WRITE_ERASURE, workspace_id, subject_id, kind, clock.wall())


async def drop_key(tx: Transaction, workspace_id: UUID, subject_id: UUID) -> None:
    """Drop the key of something that ran out, and with it all it sealed; nobody was erased, so nothing is remembered."""
    await tx.execute(_DESTROY_KEY, workspace_id, subject_id)


async def unlock(database: Database, given: str | None, path: Path, *, may_make: bool = False) -> Vault:
    """Return the vault of a database under the master key given, or the one in the file.

    With `may_make` a database that never had one gets a new key, written to the file. Raises MasterKeyMissing when
    there is no key, MasterKeyWrong when the database was sealed under another.
    """
    async with database.transaction(clock.wall()) as tx:
        await tx.execute(_LOCK_MASTER)
        known = await tx.fetchrow(_CURRENT_MASTER)
        keys = _keys_of(given, path)
        if not keys:
            if known is not None or not may_make:
                raise MasterKeyMissing(_missing(known["key_id"] if known else None, path))
            keys = [Key.new()]
            write_master_keys(path, keys)
        if known is None:
            vault = Vault(keys, Key.new())
            await tx.execute(
                _REGISTER_MASTER, vault.current.id.hex(), vault.wrap_installation(), clock.wall()
            )
            return vault
    vault = Vault(keys)
    if not vault.knows(bytes.fromhex(known["key_id"])):
        raise MasterKeyWrong(
            f"This database is sealed with the master key {known['key_id']}; the one given is "
            f"{vault.current.id.hex()}. Give the right one in GETBILL_MASTER_KEY or in {path}."
        )
    return Vault(keys, vault.unwrap_installation(known["installation_key"]))


def _keys_of(given: str | None, path: Path) -> list[Key]:
    if given:
        return read_master_keys(given)
    return read_master_keys(path.read_text()) if path.exists() else []


def _missing(known: str | None, path: Path) -> str:
    which = (
        f"This database is sealed with the master key {known}, which is missing"
        if known
        else "There is no master key"
    )
    return f"{which}. Give it in GETBILL_MASTER_KEY or put it into {path}; without it nothing can be read."


async def rotate(database: Database, vault: Vault) -> int:
    """Rewrap every key under the current master key and return how many; safe to repeat after a crash."""
    done = 0
    while True:
        async with database.transaction(clock.wall()) as tx:
            rows = await tx.fetch(_STALE_KEYS, vault.current.id)
            for row in rows:
                workspace_id, subject_id = row["workspace_id"], row["subject_id"]
                key = vault.unwrap(row["wrapped"], workspace_id, subject_id)
                await tx.execute(_REWRAP, workspace_id, subject_id, vault.wrap(key, workspace_id, subject_id))
            if not rows:
                await tx.execute(_RETIRE_MASTER)
                wrapped = vault.wrap_installation()
                await tx.execute(_REGISTER_MASTER, vault.current.id.hex(), wrapped, clock.wall())
                return done
        done += len(rows)
