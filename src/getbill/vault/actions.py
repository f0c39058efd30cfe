"""Creation and destruction of keys, and unlocking of the vault."""

from pathlib import Path
from uuid import UUID

from getbill.kit import clock
from getbill.kit.database import Database, Statement, Transaction
from getbill.vault.keyfile import KeyFile, Version, Versions, of_another
from getbill.vault.model import Key, MasterKeyMissing, MasterKeyWrong, Vault, read_master_keys
from getbill.vault.rotation import REGISTER_MASTER

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


def make_key(tx: Transaction, vault: Vault, workspace_id: UUID, subject_id: UUID) -> Key:
    """Create the key of a new debtor or debt and store it at the edge."""
    key = Key.new()
    tx.defer(_INSERT_KEY, workspace_id, subject_id, vault.wrap(key, workspace_id, subject_id))
    return key


async def destroy(tx: Transaction, workspace_id: UUID, subject_id: UUID, kind: str) -> None:
    """Destroy the key of a debtor or a debt permanently: what it sealed can never be read again."""
    await tx.execute(_DESTROY_KEY, workspace_id, subject_id)
    await tx.execute(_WRITE_ERASURE, workspace_id, subject_id, kind, clock.wall())


async def drop_key(tx: Transaction, workspace_id: UUID, subject_id: UUID) -> None:
    """Delete the key of expired data, and with it all it sealed.

    No person is erased, so no erasure is recorded.
    """
    await tx.execute(_DESTROY_KEY, workspace_id, subject_id)


async def unlock(database: Database, key_text: str | None, path: Path, *, may_make: bool = False) -> Vault:
    """Return the vault of a database under the given master key, or the one in the file.

    With `may_make` a new database gets a new key, written to the file. Raises MasterKeyMissing if there is no
    key, MasterKeyWrong if the database was sealed under another.
    """
    source = None if key_text else KeyFile(path)
    async with database.transaction(clock.wall()) as tx:
        await tx.execute(_LOCK_MASTER)
        master_row = await tx.fetchrow(_CURRENT_MASTER)
        keys = _keys_of(key_text, source)
        if not keys:
            if master_row is not None or not may_make:
                raise MasterKeyMissing(
                    _missing_key_sentence(master_row["key_id"] if master_row else None, path)
                )
            first = Version(Key.new(), clock.wall())
            KeyFile(path).write(Versions(first))
            keys = [first.key]
        if master_row is None:
            vault = _own(Vault(keys, Key.new(), source=source))
            await tx.execute(REGISTER_MASTER, vault.current.id.hex(), vault.wrap_installation(), clock.wall())
            return vault
    vault = Vault(keys)
    if not vault.has_master(bytes.fromhex(master_row["key_id"])):
        raise MasterKeyWrong(_wrong_key_sentence(master_row["key_id"], vault.current, source, path))
    return _own(Vault(keys, vault.unwrap_installation(master_row["installation_key"]), source=source))


def _own(vault: Vault) -> Vault:
    """Return the vault; raise MasterKeyWrong if its file belongs to another installation."""
    source = vault.source
    if isinstance(source, KeyFile) and not source.read().is_of(vault.installation_id):
        raise MasterKeyWrong(of_another(source.path))
    return vault


def _keys_of(key_text: str | None, source: KeyFile | None) -> list[Key]:
    if source is None:
        return read_master_keys(key_text or "")
    return source.keys() if source.path.exists() else []


def _wrong_key_sentence(key_id: str, current: Key, source: KeyFile | None, path: Path) -> str:
    destroyed = source.read().destroyed if source else ()
    at = next((version.at for version in destroyed if version.hex_id == key_id), None)
    if at is not None:
        return (
            f"This database is a backup encrypted with the master key {key_id}, which was destroyed on {at:%Y-%m-%d} "
            "so that erased people stay erased (GETBILL_ERASURE_DAYS). It cannot be opened: restore a newer backup."
        )
    return (
        f"This database is encrypted with the master key {key_id}, but the given key is {current.id.hex()}. "
        f"Provide the right key in GETBILL_MASTER_KEY or in {path}."
    )


def _missing_key_sentence(key_id: str | None, path: Path) -> str:
    problem = (
        f"This database is encrypted with the master key {key_id}, which is missing"
        if key_id
        else "There is no master key"
    )
    return f"{problem}. Provide it in GETBILL_MASTER_KEY or in {path}; without it the data cannot be read."
