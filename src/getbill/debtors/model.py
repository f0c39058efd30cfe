"""The identity of a debtor and the keyed hashes that find them."""

import re
import unicodedata
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, Literal
from uuid import UUID

from asyncpg import Record

from getbill.kit import calendar, json
from getbill.kit.http import ApiField
from getbill.vault import Key, Lookup, Vault

# Fields of one address; its country stays if a later one names none.
STREET_FIELDS = ("address", "street_address", "street_number", "postal_code", "city")
# Countries where the house number follows the street, after a space or a comma (UPU, postal addressing
# systems of its members). Elsewhere, as in France, it goes before.
_NUMBER_AFTER_SPACE = frozenset(
    {"AL", "AR", "AT", "BA", "BE", "BG", "BO", "CH", "CL", "CY", "CZ", "DE", "DK", "EE", "FI", "FO", "GR"}
    | {"HR", "HU", "IS", "LI", "LT", "LV", "ME", "MK", "MX", "NL", "NO", "PE", "PL", "PT", "RO", "RS", "SE"}
    | {"SI", "SK", "TR", "UY"}
)
_NUMBER_AFTER_COMMA = frozenset({"BR", "ES", "IT", "SM", "VA"})
_WORD = re.compile(r"[^\W_]+")


Health = Literal["unknown", "delivered", "bounced", "suppressed"]


@dataclass(frozen=True, slots=True, repr=False)
class ContactPoint:
    """An e-mail address or phone number of a debtor: where it comes from, and whether it accepts messages."""

    kind: str
    value: str
    # `api`, `file`, `staff` or `debtor`; `unknown` for one stored before sources were.
    source: str = "unknown"
    health: Health = "unknown"


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """The known personal data of a debtor and how to reach them. Addresses are normalised.

    `email` and `phone` are the preferred of its contact points; the others recognise the debtor too, as do
    other spellings of the name and other codes of the creditor.
    """

    name: Annotated[str, ApiField("name", "Full name of the person or company.", example="Jean Dupont")]
    first_name: Annotated[str | None, ApiField("text", "First name.", aliases=("firstname",))] = None
    last_name: Annotated[str | None, ApiField("text", "Last name.", aliases=("lastname",))] = None
    civility: Annotated[str | None, ApiField("civility", "Form of address.", aliases=("civility",))] = None
    birthdate: Annotated[
        str | None, ApiField("birthdate", "Date of birth, YYYY-MM-DD.", aliases=("birthdate",))
    ] = None
    company: Annotated[
        str | None,
        ApiField(
            "text",
            "Name of the debtor company, for a debt between businesses.",
            aliases=("debtor_company",),
        ),
    ] = None
    email: Annotated[
        str | None,
        ApiField("email", "E-mail address.", aliases=("email",), example="jean.dupont@email.com"),
    ] = None
    phone: Annotated[
        str | None,
        ApiField(
            "phone",
            "Phone number in E.164, such as +33612345678.",
            aliases=("phone",),
            example="+33612345678",
        ),
    ] = None
    language: Annotated[
        str | None,
        ApiField("language", "Language of messages to the debtor, ISO 639-1; defaults to the company's."),
    ] = None
    reference: Annotated[
        str | None,
        ApiField(
            "text",
            "Your reference for the debtor. It identifies the debtor only if it is unique.",
            aliases=("debtor_reference",),
        ),
    ] = None
    # Bodies also take it nested, in place of its parts.
    address: Annotated[
        str | None, ApiField("line", "Postal address.", aliases=("address",), is_shown=False)
    ] = None
    street_address: Annotated[
        str | None,
        ApiField(
            "line",
            "Street, with the house number unless `street_number` has it.",
            aliases=("street_address",),
            parent="address",
        ),
    ] = None
    street_number: Annotated[
        str | None,
        ApiField(
            "text",
            "House number, if `street_address` does not contain it.",
            aliases=("street_number",),
            parent="address",
        ),
    ] = None
    postal_code: Annotated[
        str | None, ApiField("text", "Postal code.", aliases=("postal_code",), parent="address")
    ] = None
    city: Annotated[str | None, ApiField("text", "City.", aliases=("city",), parent="address")] = None
    country: Annotated[
        str | None,
        ApiField("country", "Country, ISO 3166-1 alpha-2.", aliases=("country",), parent="address"),
    ] = None
    # The e-mail addresses and phone numbers with a known source, the preferred ones among them.
    contact_points: tuple[ContactPoint, ...] = ()
    other_names: tuple[str, ...] = ()
    other_references: tuple[str, ...] = ()
    # Postal addresses that later descriptions named, each in one line.
    other_addresses: tuple[str, ...] = ()

    @classmethod
    def from_fields(cls, identity_fields: dict[str, Any]) -> "Identity":
        """Return the identity of stored fields, which are texts and lists as JSON has them."""
        if not identity_fields.keys().isdisjoint(_LISTS):
            identity_fields = dict(identity_fields)
            points = identity_fields.pop("contact_points", ())
            identity_fields["contact_points"] = tuple(ContactPoint(**point) for point in points)
            for name in _LISTS - {"contact_points"}:
                identity_fields[name] = tuple(identity_fields.get(name, ()))
        return cls(**identity_fields)

    @property
    def all_names(self) -> tuple[str, ...]:
        """The name and its other spellings."""
        return (self.name, *self.other_names)

    @property
    def references(self) -> tuple[str, ...]:
        """The creditor's codes for the debtor."""
        return (self.reference, *self.other_references) if self.reference else self.other_references

    def points(self, kind: str) -> tuple[ContactPoint, ...]:
        """Return the contact points of a kind (`email` or `phone`), the preferred one first."""
        preferred: str | None = getattr(self, kind)
        points = [point for point in self.contact_points if point.kind == kind]
        if preferred is not None and all(point.value != preferred for point in points):
            points.append(ContactPoint(kind, preferred))
        return tuple(sorted(points, key=lambda point: point.value != preferred))

    def values(self, kind: str) -> tuple[str, ...]:
        """Return the e-mail addresses or phone numbers, the preferred one first."""
        preferred: str | None = getattr(self, kind)
        others = tuple(
            point.value for point in self.contact_points if point.kind == kind and point.value != preferred
        )
        return others if preferred is None else (preferred, *others)

    @property
    def is_postal(self) -> bool:
        """Whether a letter can be delivered: street, postcode and city are known."""
        return bool(self.street_address and self.postal_code and self.city)

    @property
    def street_line(self) -> str:
        """The street with its house number, in the order of the address's country."""
        street, number = self.street_address or "", self.street_number or ""
        if not street or not number:
            return street or number
        if self.country in _NUMBER_AFTER_COMMA:
            return f"{street}, {number}"
        return f"{street} {number}" if self.country in _NUMBER_AFTER_SPACE else f"{number} {street}"

    @property
    def address_line(self) -> str:
        """The postal address in one line."""
        town = " ".join(part for part in (self.postal_code, self.city) if part)
        return ", ".join(part for part in (self.street_line or self.address, town, self.country) if part)

    @property
    def zones(self) -> tuple[str, ...]:
        """Every time zone the debtor may live in, the likeliest first."""
        return calendar.zones_of(self.country, self.postal_code, self.phone)

    def with_changes(self, later: dict[str, Any]) -> "Identity":
        """Return the identity with some fields replaced, the rest unchanged."""
        return replace(self, **later)

    def present_fields(self) -> dict[str, Any]:
        """Return the fields that have a value."""
        return {name: value for name, value in asdict(self).items() if value}


_LISTS = frozenset({"contact_points", "other_names", "other_references", "other_addresses"})
_EMPTY: tuple[Any, ...] = (None, ())


@dataclass(slots=True, repr=False)
class Debtor:
    """A debtor as loaded or created: the opened identity, with the key that seals it."""

    id: UUID
    workspace_id: UUID
    identity: Identity
    key: Key
    created_at: datetime
    updated_at: datetime
    # Raised by every change.
    version: int = 1
    # Created in this transaction: the row is written at its end.
    is_new: bool = False
    # Whether its row is written at the end of the transaction.
    is_write_deferred: bool = False
    # The sealed identity as loaded, if there was a row.
    sealed: bytes | None = None
    # Match hashes learned in the creating transaction, and codes found there to be shared.
    learned_matches: frozenset[bytes] = frozenset()
    shared_codes: frozenset[bytes] = frozenset()


def seal_context(workspace_id: UUID, debtor_id: UUID) -> bytes:
    """Return the sealing context of a debtor's identity."""
    return b"debtor" + workspace_id.bytes + debtor_id.bytes


_FIELDS = tuple(field.name for field in fields(Identity))
# The fields that a body states, each one text or none.
STATED_FIELDS = tuple(name for name in _FIELDS if name not in _LISTS)


def seal(identity: Identity, key: Key, workspace_id: UUID, debtor_id: UUID) -> bytes:
    """Return the sealed form of an identity for its row."""
    identity_fields = {name: value for name in _FIELDS if (value := getattr(identity, name)) not in _EMPTY}
    return key.seal(json.write(identity_fields), seal_context(workspace_id, debtor_id))


def from_row(row: Record, vault: Vault, prefix: str = "debtor_") -> Debtor:
    """Open a debtor from a row that has `queries.COLUMNS`."""
    workspace_id, debtor_id = row["workspace_id"], row[prefix + "id"]
    key = vault.unwrap(row[prefix + "key"], workspace_id, debtor_id)
    sealed = row[prefix + "identity"]
    identity_fields = json.read_texts(key.open(sealed, seal_context(workspace_id, debtor_id)))
    return Debtor(
        debtor_id,
        workspace_id,
        Identity.from_fields(identity_fields),
        key,
        row[prefix + "created_at"],
        row[prefix + "updated_at"],
        row[prefix + "version"],
        sealed=sealed,
    )


@lru_cache(maxsize=4096)
def comparable_words(text: str) -> tuple[str, ...]:
    """Return the words of a name for comparison: without accents, case or punctuation."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return tuple(_WORD.findall("".join(part for part in plain if not unicodedata.combining(part))))


@dataclass(frozen=True, slots=True)
class IdentityHashes:
    """The keyed hashes of a person: of each address, for search, and for matching later debts.

    `matches` are in order of certainty: the creditor's own reference, then name with e-mail address, then
    name with phone number.
    """

    email: bytes | None
    phone: bytes | None
    lookups: list[bytes]
    matches: list[bytes]


class Hasher:
    """A hasher under a company's key; words that many names share are hashed once."""

    def __init__(self, lookup: Lookup) -> None:
        self._hash = lookup.hash
        self._words: dict[str, bytes] = {}

    def hash_identity(self, identity: Identity) -> IdentityHashes:
        """Return the hashes of a person, the creditor's own codes first among the matches."""
        lookups, matches = set[bytes](), list[bytes]()
        for reference in identity.references:
            lookups.add(self._hash("reference", reference))
            matches.append(self._hash("match-reference", reference))
        sorted_names = []
        for name in identity.all_names:
            words = comparable_words(name)
            lookups.update(map(self._hash_word, words))
            if words and (sorted_name := " ".join(sorted(words))) not in sorted_names:
                sorted_names.append(sorted_name)
        lookups.update(map(self._hash_word, comparable_words(identity.company or "")))
        hashes: dict[str, bytes | None] = {"email": None, "phone": None}
        for kind in hashes:
            for value in identity.values(kind):
                address = value.lower()
                address_hash = self._hash(kind, address)
                if value == getattr(identity, kind):
                    hashes[kind] = address_hash
                lookups.add(address_hash)
                matches += [self._hash(f"match-{kind}", f"{name}\x00{address}") for name in sorted_names]
        return IdentityHashes(hashes["email"], hashes["phone"], sorted(lookups), matches)

    def _hash_word(self, word: str) -> bytes:
        return self._words.get(word) or self._words.setdefault(word, self._hash("word", word))


def hash_identity(identity: Identity, lookup: Lookup) -> IdentityHashes:
    """Return the keyed hashes of one person."""
    return Hasher(lookup).hash_identity(identity)
