"""Creditor model: the sealed profile, the mandate, and the name by which a debt finds it."""

import unicodedata
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from getbill.kit import json
from getbill.vault import Key, Lookup

# Typographic variants of a character that people write in either way.
_VARIANTS: Final = str.maketrans({"\u2018": "'", "\u2019": "'", "\u2010": "-", "\u2011": "-", "\u2013": "-"})


@dataclass(frozen=True, slots=True, repr=False)
class CreditorProfile:
    """What is known of a creditor, sealed as a whole: it may be a private person."""

    name: str
    email: str | None = None
    phone: str | None = None
    street_address: str | None = None
    street_number: str | None = None
    postal_code: str | None = None
    city: str | None = None
    country: str | None = None
    registration_number: str | None = None
    tax_number: str | None = None
    contact_person: str | None = None
    iban: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Creditor:
    """A creditor as loaded or created: the opened profile, with the key that seals it."""

    id: UUID
    workspace_id: UUID
    profile: CreditorProfile
    key: Key
    mandate_signed_on: date | None
    # Whether the mandate gives the power to receive payments (art. R124-3 CPCE).
    mandate_receives: bool
    version: int
    created_at: datetime
    updated_at: datetime

    @property
    def name(self) -> str:
        """The name that debtors read."""
        return self.profile.name


def normalise_name(name: str) -> str:
    """Return a name without differences of case, accents and spaces; everything else counts."""
    decomposed = unicodedata.normalize("NFKD", name.translate(_VARIANTS).casefold())
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return " ".join(plain.split())


def hash_name(lookup: Lookup, name: str) -> bytes:
    """Return the keyed hash of a name, equal for names that are the same when normalised."""
    return lookup.hash("creditor", normalise_name(name))


def seal_context(workspace_id: UUID, creditor_id: UUID) -> bytes:
    """Return the sealing context of a creditor's profile."""
    return b"creditor" + workspace_id.bytes + creditor_id.bytes


def seal(profile: CreditorProfile, key: Key, workspace_id: UUID, creditor_id: UUID) -> bytes:
    """Return the sealed form of a profile for its row."""
    profile_fields = {name: value for name, value in asdict(profile).items() if value is not None}
    return key.seal(json.write(profile_fields), seal_context(workspace_id, creditor_id))
