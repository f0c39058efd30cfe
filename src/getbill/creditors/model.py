"""Creditor model: the sealed profile, the mandate, and the name by which a debt finds it."""

import unicodedata
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Annotated, Final
from uuid import UUID

from getbill.kit import calendar, json
from getbill.kit.http import ApiField
from getbill.vault import Key, Lookup

# Typographic variants of a character that people write in either way.
_VARIANTS: Final = str.maketrans({"\u2018": "'", "\u2019": "'", "\u2010": "-", "\u2011": "-", "\u2013": "-"})


@dataclass(frozen=True, slots=True, repr=False)
class CreditorProfile:
    """What is known of a creditor, sealed as a whole: it may be a private person."""

    name: Annotated[str, ApiField("text", "Name that debtors read.", example="Garage Martin SARL")]
    email: Annotated[str | None, ApiField("email", "E-mail address.")] = None
    phone: Annotated[str | None, ApiField("phone", "Phone number in E.164.")] = None
    address: Annotated[
        str | None, ApiField("line", "Street and house number, or the first lines of the address.")
    ] = None
    city: Annotated[str | None, ApiField("text", "City.")] = None
    postal_code: Annotated[str | None, ApiField("text", "Postal code.", aliases=("postalCode",))] = None
    country: Annotated[str | None, ApiField("country", "Country, ISO 3166-1 alpha-2.", example="FR")] = None
    registration_number: Annotated[
        str | None,
        ApiField(
            "text",
            "Number in the register of companies, such as the SIREN.",
            aliases=("registrationNumber",),
        ),
    ] = None
    tax_number: Annotated[str | None, ApiField("text", "VAT or tax number.", aliases=("taxNumber",))] = None
    contact_person: Annotated[
        str | None, ApiField("text", "Your contact at the creditor.", aliases=("contactPerson",))
    ] = None
    iban: Annotated[
        str | None,
        ApiField("iban", "IBAN of the creditor's own account. Without one, debtors pay to your account."),
    ] = None

    @property
    def address_lines(self) -> tuple[str, ...]:
        """The lines of the postal address, without the name."""
        town = " ".join(part for part in (self.postal_code, self.city) if part)
        country = self.country if self.country != calendar.DEFAULT_COUNTRY else None
        lines = (*(self.address or "").splitlines(), town, country or "")
        return tuple(line.strip() for line in lines if line.strip())


@dataclass(frozen=True, slots=True)
class Mandate:
    """The written agreement with a creditor for whom a third party collects (art. R124-3 CPCE)."""

    signed_on: date | None = None
    # Whether it gives the power to receive payments.
    power_to_receive: bool = True


@dataclass(frozen=True, slots=True, repr=False)
class Creditor:
    """A creditor as loaded or created: the opened profile, with the key that seals it."""

    id: UUID
    workspace_id: UUID
    profile: CreditorProfile
    key: Key
    mandate: Mandate
    has_logo: bool
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
