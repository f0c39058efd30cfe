"""Keys and sealed values: AES-256-GCM, with the key's id at the start of every sealed value.

A sealed value is one byte of format, eight bytes of key id, twelve of nonce, then ciphertext and tag.
"""

import base64
import binascii
import hashlib
import hmac
import os
from pathlib import Path
from typing import Protocol
from uuid import UUID

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from getbill.kit import clock
from getbill.kit.exit_errors import CannotRun
from getbill.kit.files import durable_files

_log = structlog.get_logger(__name__)

_FORMAT = b"\x01"
_ID_BYTES = 8
_NONCE_BYTES = 12
_KEY_BYTES = 32
_HEAD = 1 + _ID_BYTES
_BODY = _HEAD + _NONCE_BYTES
_INSTALLATION = b"installation"
# Unwrapped keys are cached, and all dropped at the first use after this: erasure reaches memory too.
_CACHE_SECONDS = 60.0
_CACHE_MAX = 4096
_REFRESH_SECONDS = 1.0
# Values read from the database before a master key was destroyed are opened within this.
_RETIRING_SECONDS = 60.0


class SealBroken(Exception):
    """The value was sealed by another key, for another context, or was altered."""


class SealedUnderUnknownKey(SealBroken):
    """The value was sealed under a master key that is not available, or was destroyed."""


class MasterKeyMissing(CannotRun):
    """The database is sealed and no master key was given."""


class MasterKeyWrong(CannotRun):
    """The given master key is not the one this database was sealed with, or not a key at all."""


class Key:
    """A 256-bit key that seals values, each bound to a context that is required to open it."""

    __slots__ = ("_aead", "_id", "secret")

    def __init__(self, secret: bytes) -> None:
        if len(secret) != _KEY_BYTES:
            raise MasterKeyWrong(f"A key has {_KEY_BYTES} bytes; this one has {len(secret)}.")
        self.secret = secret
        self._id: bytes | None = None
        self._aead = AESGCM(secret)

    @property
    def id(self) -> bytes:
        """Eight bytes that identify the key without revealing anything about it."""
        if self._id is None:
            self._id = hashlib.sha256(b"getbill key id\x00" + self.secret).digest()[:_ID_BYTES]
        return self._id

    @classmethod
    def new(cls) -> "Key":
        """Return a random key."""
        return cls(os.urandom(_KEY_BYTES))

    def __repr__(self) -> str:
        return f"Key({self.id.hex()})"

    def seal(self, plain: bytes, context: bytes) -> bytes:
        """Seal a value for one context."""
        nonce = os.urandom(_NONCE_BYTES)
        head = _FORMAT + self.id
        return head + nonce + self._aead.encrypt(nonce, plain, head + context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Open a value sealed with this key for the same context; raise SealBroken otherwise."""
        # The header is authenticated too: a value with the wrong key id cannot be opened.
        try:
            return self._aead.decrypt(sealed[_HEAD:_BODY], sealed[_BODY:], sealed[:_HEAD] + context)
        except (InvalidTag, ValueError) as error:
            is_ours = sealed[:_HEAD] == _FORMAT + self.id
            raise SealBroken(
                "changed, or moved from another place" if is_ours else "sealed with another key"
            ) from error


class Lookup:
    """A company's keyed hashes: equal texts have equal hashes, which cannot be guessed without the key."""

    __slots__ = ("_keyed",)

    def __init__(self, secret: bytes) -> None:
        # Copied for each hash: the work on the key is done once.
        self._keyed = hmac.new(secret, digestmod="sha256")

    def hash(self, kind: str, text: str) -> bytes:
        """Return 16 bytes that stand for a text of one kind (`email`, `phone`, `word`...)."""
        keyed = self._keyed.copy()
        keyed.update(f"{kind}\x00{text}".encode())
        return keyed.digest()[:16]


class Vault:
    """The master keys of an installation: the first wraps, all unwrap.

    What belongs to the installation and to no debtor or debt (signing keys, webhook secrets, look-up keys) is
    sealed by the installation's own key, so that a change of the master key rewraps one key and not all of
    that.

    With a source the keys are reloaded when it changes: before anything is wrapped, at most a second late,
    and at once if a value names an unknown key. Removed keys still open values read earlier for one more
    minute.
    """

    def __init__(
        self,
        masters: list[Key],
        installation: Key | None = None,
        *,
        cache_seconds: float = _CACHE_SECONDS,
        source: "KeySource | None" = None,
    ) -> None:
        if not masters:
            raise MasterKeyMissing("No master key was given.")
        self.current = masters[0]
        self.source = source
        self._masters = {key.id: key for key in masters}
        self._installation = installation or self.current
        self._cache: dict[tuple[bytes, UUID, UUID], Key] = {}
        self._cache_seconds = cache_seconds
        self._cache_expires_at = 0.0
        self._refreshed_at = -_REFRESH_SECONDS
        self._stamp: object = None
        self._retiring: dict[bytes, float] = {}
        self._temporary_keys: dict[bytes, Key] = {}

    @property
    def installation_id(self) -> str:
        """The id of the installation, independent of its master key and of restored backups."""
        return self._installation.id.hex()

    @property
    def masters(self) -> list[Key]:
        """The available master keys, the one that wraps first."""
        return [self.current, *(key for key in self._masters.values() if key is not self.current)]

    def refresh(self, *, at_once: bool = True) -> None:
        """Reload the master keys if their source changed; without `at_once` check at most once a second."""
        if self.source is None:
            return
        now = clock.monotonic()
        if not at_once and now < self._refreshed_at + _REFRESH_SECONDS:
            return
        self._refreshed_at = now
        stamp = self.source.stamp()
        if stamp is None or (stamp == self._stamp and not self._retiring):
            return
        self._stamp = stamp
        try:
            keys = self.source.keys()
        except (OSError, ValueError, MasterKeyWrong) as error:
            # The file is being edited; until that is complete the loaded keys stay valid.
            _log.warning("master_keys_unreadable", error=type(error).__name__)
            return
        self._replace_masters(keys, now)

    def _replace_masters(self, keys: list[Key], now: float) -> None:
        current = {key.id: key for key in keys}
        former = {key_id: key for key_id, key in self._masters.items() if key_id not in current}
        ends = {key_id: self._retiring.get(key_id, now + _RETIRING_SECONDS) for key_id in former}
        self._retiring = {key_id: end for key_id, end in ends.items() if end > now}
        self._masters = current | {key_id: former[key_id] for key_id in self._retiring}
        self.current = keys[0]
        self._temporary_keys = {
            key_id: key for key_id, key in self._temporary_keys.items() if key_id in self._masters
        }

    def wrap(self, key: Key, workspace_id: UUID, subject_id: UUID) -> bytes:
        """Wrap a key for its row in `vault_keys`."""
        self.refresh(at_once=False)
        return self.current.seal(key.secret, workspace_id.bytes + subject_id.bytes)

    def rewrap(self, wrapped: bytes, workspace_id: UUID, subject_id: UUID) -> bytes:
        """Return the same key under the current master key; raise SealBroken if none of ours wrapped it."""
        context = workspace_id.bytes + subject_id.bytes
        return self.current.seal(self._master_of(wrapped).open(wrapped, context), context)

    def unwrap(self, wrapped: bytes, workspace_id: UUID, subject_id: UUID) -> Key:
        """Return the key that `wrap` wrapped; raise SealBroken if no master key of ours did."""
        now = clock.monotonic()
        if now >= self._cache_expires_at or len(self._cache) >= _CACHE_MAX:
            self._cache.clear()
            self._cache_expires_at = now + self._cache_seconds
        cache_key = (wrapped, workspace_id, subject_id)
        key = self._cache.get(cache_key)
        if key is None:
            key = Key(self._master_of(wrapped).open(wrapped, workspace_id.bytes + subject_id.bytes))
            self._cache[cache_key] = key
        return key

    def wrap_installation(self) -> bytes:
        """Wrap the installation's own key for its row in `vault_master`."""
        return self.current.seal(self._installation.secret, _INSTALLATION)

    def unwrap_installation(self, wrapped: bytes) -> Key:
        """Return the installation's own key."""
        return Key(self._master_of(wrapped).open(wrapped, _INSTALLATION))

    def seal(self, plain: bytes, context: bytes) -> bytes:
        """Seal a value of the installation's own for one context."""
        return self._installation.seal(plain, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Open a value that `seal` sealed for the same context."""
        return self._installation.open(sealed, context)

    def seal_temporary(self, plain: bytes, context: bytes) -> bytes:
        """Seal a value that lasts for a day at most: no copy of it outlives the current master key."""
        self.refresh(at_once=False)
        return self._temporary_key_of(self.current).seal(plain, context)

    def open_temporary(self, sealed: bytes, context: bytes) -> bytes:
        """Open a value of `seal_temporary` for the same context; raise SealBroken if its key is gone."""
        key_id = bytes(sealed[1:_HEAD])
        if key_id == self._installation.id:
            # The format of earlier versions of the program.
            return self._installation.open(sealed, context)
        if not any(self._temporary_key_of(master).id == key_id for master in self._masters.values()):
            self.refresh()
        for master in self._masters.values():
            if self._temporary_key_of(master).id == key_id:
                return self._temporary_key_of(master).open(sealed, context)
        raise SealedUnderUnknownKey("sealed under a master key that was not given")

    def _temporary_key_of(self, master: Key) -> Key:
        key = self._temporary_keys.get(master.id)
        if key is None:
            hkdf = HKDF(SHA256(), _KEY_BYTES, salt=None, info=b"getbill passing")
            key = self._temporary_keys[master.id] = Key(hkdf.derive(master.secret))
        return key

    def has_master(self, key_id: bytes) -> bool:
        """Return whether a master key with this id is available."""
        return key_id in self._masters

    def _master_of(self, sealed: bytes) -> Key:
        key_id = bytes(sealed[1:_HEAD])
        if key_id not in self._masters:
            self.refresh()
        master = self._masters.get(key_id)
        if master is None:
            raise SealedUnderUnknownKey("sealed under a master key that was not given")
        return master


class KeySource(Protocol):
    """Source of master keys that may change while everything runs."""

    def stamp(self) -> object:
        """Return a value that changes whenever the keys do; None while they cannot be read."""

    def keys(self) -> list[Key]:
        """Return the master keys, the one that wraps first."""


def read_master_keys(text: str) -> list[Key]:
    """Parse base64 keys separated by commas or line ends, the current one first; `#` starts a comment."""
    keys = []
    for line in text.splitlines():
        for part in line.partition("#")[0].replace(",", " ").split():
            try:
                keys.append(Key(base64.b64decode(part, validate=True)))
            except binascii.Error as error:
                raise MasterKeyWrong("A master key is 32 bytes in base64.") from error
    return keys


def write_master_keys(path: Path, keys: list[Key]) -> None:
    """Write the master keys atomically, readable by their owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A database sealed under a lost key is lost: file and folder are synced.
    durable_files.replace(
        path, "".join(base64.b64encode(key.secret).decode() + "\n" for key in keys).encode()
    )
