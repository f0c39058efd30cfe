"""Who a debtor is, and by which keyed hashes they are found again."""

import re
import unicodedata
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from asyncpg import Record

from getbill.kit import json
from getbill.vault import Key, Lookup, Vault

# What belongs to one address; its country stands where a later one names none.
_OF_A_STREET = ("address", "street_address", "street_number", "postal_code", "city")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """All that is known of who a debtor is and how to reach them. Addresses are already normalised."""

    name: str
    first_name: str | None = None
    last_name: str | None = None
    civility: str | None = None
    birthdate: str | None = None
    company: str | None = None
    email: str | None = None
    phone: str | None = None
    language: str | None = None
    reference: str | None = None
    address: str | None = None
    street_address: str | None = None
    street_number: str | None = None
    postal_code: str | None = None
    city: str | None = None
    country: str | None = None

    @property
    def is_postal(self) -> bool:
        """Whether a letter would arrive: street, postcode and city are known."""
        return bool(self.street_address and self.postal_code and self.city)

    def updated(self, later: dict[str, str | None]) -> "Identity":
        """Return the identity with what a later source says, the rest as it was."""
        return replace(self, **later)  # type: ignore[arg-type]  # the keys are this class's fields

    def learned(self, later: "Identity") -> "Identity":
        """Return the identity with what a later debt of the same person says; nothing else is lost.

        Streets of two addresses never mix: one that is named takes the place of all that was known of the other.
        """
        given: dict[str, str | None] = dict(later.given())
        if later.street_address or later.address:
            given = dict.fromkeys(_OF_A_STREET) | given
        return self.updated(given)

    def given(self) -> dict[str, str]:
        """Return the fields that say something."""
        return {name: value for name, value in asdict(self).items() if value}


@dataclass(slots=True, repr=False)
class Debtor:
    """A debtor as loaded or just met: their identity open, with the key that seals it."""

    id: UUID
    workspace_id: UUID
    identity: Identity
    key: Key
    created_at: datetime
    updated_at: datetime
    # Met in this very transaction: the row is written at its edge.
    is_new: bool = False


def context(workspace_id: UUID, debtor_id: UUID) -> bytes:
    """Return the place a debtor's identity is sealed for."""
    return b"debtor" + workspace_id.bytes + debtor_id.bytes


_FIELDS = tuple(field.name for field in fields(Identity))


def seal(identity: Identity, key: Key, workspace_id: UUID, debtor_id: UUID) -> bytes:
    """Return the sealed form of an identity for its row."""
    known = {name: value for name in _FIELDS if (value := getattr(identity, name)) is not None}
    return key.seal(json.write(known), context(workspace_id, debtor_id))


def of_row(row: Record, vault: Vault, prefix: str = "debtor_") -> Debtor:
    """Open a debtor from a row that carries `queries.COLUMNS`."""
    workspace_id, debtor_id = row["workspace_id"], row[prefix + "id"]
    key = vault.unwrap(row[prefix + "key"], workspace_id, debtor_id)
    known = json.read_texts(key.open(row[prefix + "identity"], context(workspace_id, debtor_id)))
    return Debtor(
        debtor_id,
        workspace_id,
        Identity(**known),
        key,
        row[prefix + "created_at"],
        row[prefix + "updated_at"],
    )


@lru_cache(maxsize=4096)
def words(text: str) -> tuple[str, ...]:
    """Return the words of a name as they are compared: no accents, no case, no punctuation."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return tuple(_WORD.findall("".join(part for part in plain if not unicodedata.combining(part))))


def lookups(identity: Identity, lookup: Lookup) -> list[bytes]:
    """Return the hashes by which a search finds this debtor."""
    hashes = {lookup.hash("word", word) for word in words(identity.name)}
    if identity.company:
        hashes.update(lookup.hash("word", word) for word in words(identity.company))
    if identity.email:
        hashes.add(lookup.hash("email", identity.email.lower()))
    if identity.phone:
        hashes.add(lookup.hash("phone", identity.phone))
    if identity.reference:
        hashes.add(lookup.hash("reference", identity.reference))
    return sorted(hashes)


def matches(identity: Identity, lookup: Lookup) -> list[bytes]:
    """Return the hashes by which a later debt recognises this person, the surest first.

    The creditor's own reference for the person, then name with e-mail address, then name with phone number.
    """
    found = []
    if identity.reference:
        found.append(lookup.hash("match-reference", identity.reference))
    name = " ".join(sorted(words(identity.name)))
    if name and identity.email:
        found.append(lookup.hash("match-email", f"{name}\x00{identity.email.lower()}"))
    if name and identity.phone:
        found.append(lookup.hash("match-phone", f"{name}\x00{identity.phone}"))
    return found
