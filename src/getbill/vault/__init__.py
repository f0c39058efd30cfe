"""The vault: personal data is stored encrypted, and a person is erased by destroying their key.

Each debtor has a key for their identity, each debt a key for its events, messages and documents. Every key is
wrapped by a master key that is never in the database. A sealed value names the key that sealed it and is
bound to its context: moved to another row it cannot be opened. A master key in a file is rotated while
everything runs and its replaced versions are destroyed, so that a destroyed key is soon unreadable in every
backup too.
"""

from getbill.vault.actions import destroy, drop_key, make_key, unlock
from getbill.vault.key_holders import hold_keys
from getbill.vault.keyfile import KeyFile, Version, Versions
from getbill.vault.model import (
    Key,
    Lookup,
    MasterKeyMissing,
    MasterKeyWrong,
    SealBroken,
    SealedUnderUnknownKey,
    Vault,
    read_master_keys,
    write_master_keys,
)
from getbill.vault.residue import Residue, ServerFilesClosed, find_residue
from getbill.vault.rotation import SETTLE_DELAY, MasterKeyRotation, rotate
from getbill.vault.status import MasterKeyStatus, master_key_status
from getbill.vault.vacuum import vacuum_keys
