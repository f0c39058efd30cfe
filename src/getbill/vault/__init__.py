"""The vault: personal data is stored sealed, and erasing a person is destroying their key.

Each debtor has a key for who they are, each debt a key for its events, messages and documents. Every key is
wrapped by a master key that never stands in the database. A sealed value names the key that sealed it and is
bound to its place: moved to another row it does not open.
"""

from getbill.vault.actions import destroy, drop_key, make_key, rotate, unlock
from getbill.vault.model import (
    Key,
    Lookup,
    MasterKeyMissing,
    MasterKeyWrong,
    SealBroken,
    Vault,
    read_master_keys,
    write_master_keys,
)

__all__ = [
    "Key",
    "Lookup",
    "MasterKeyMissing",
    "MasterKeyWrong",
    "SealBroken",
    "Vault",
    "destroy",
    "drop_key",
    "make_key",
    "read_master_keys",
    "rotate",
    "unlock",
    "write_master_keys",
]
