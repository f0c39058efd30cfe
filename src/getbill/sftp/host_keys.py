"""Host keys of the SFTP server, by which clients detect a man in the middle.

Created once and sealed in the database: every process of an installation presents the same keys.
"""

import base64
import hashlib
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from getbill.kit import clock
from getbill.kit.database import Database, Statement
from getbill.vault import Vault

_INSERT = Statement(
    "sftp.insert_host_key",
    "Keep a host key, unless another process was first.",
    """
    INSERT INTO sftp_host_keys (algorithm, public, private, created_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (algorithm) DO NOTHING
    """,
)
_KEYS = Statement(
    "sftp.host_keys",
    "The installation's host keys, the one clients like best first.",
    "SELECT algorithm, public, private FROM sftp_host_keys ORDER BY algorithm DESC",
)
_PUBLIC = Statement(
    "sftp.public_host_keys",
    "The host keys as others may see them.",
    "SELECT public FROM sftp_host_keys ORDER BY algorithm DESC",
)
# The second is for clients older than 2014, which many legacy systems use.
_ALGORITHMS: Final = ("ssh-ed25519", "ecdsa-sha2-nistp256")


@dataclass(frozen=True, slots=True)
class HostKey:
    """A host key: its public half, and the private half in OpenSSH's format."""

    public: str
    private: bytes


def fingerprint(public: str) -> str:
    """Return the fingerprint of an OpenSSH public key, as `ssh-keygen -l` shows it."""
    blob = base64.b64decode(public.split()[1], validate=True)
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).rstrip(b"=").decode()


async def host_keys(database: Database, vault: Vault) -> list[HostKey]:
    """Return the installation's host keys, creating them if there are none."""
    rows = await database.fetch(_KEYS)
    if len(rows) < len(_ALGORITHMS):
        for algorithm in _ALGORITHMS:
            host_key = _generate_key(algorithm)
            sealed = vault.seal(host_key.private, _context(algorithm))
            await database.execute(_INSERT, algorithm, host_key.public, sealed, clock.wall())
        rows = await database.fetch(_KEYS)
    return [HostKey(row["public"], vault.open(row["private"], _context(row["algorithm"]))) for row in rows]


async def host_fingerprints(database: Database) -> list[str]:
    """Return the fingerprints of the host keys; none before the first SFTP process has started."""
    return [fingerprint(row["public"]) for row in await database.fetch(_PUBLIC)]


def _generate_key(algorithm: str) -> HostKey:
    key = (
        ed25519.Ed25519PrivateKey.generate()
        if algorithm == "ssh-ed25519"
        else ec.generate_private_key(ec.SECP256R1())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return HostKey(public.decode(), private)


def _context(algorithm: str) -> bytes:
    return b"sftp host key" + algorithm.encode()
