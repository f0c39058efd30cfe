"""Whether two descriptions beside one customer code can be the same person.

A code recognises somebody only where nothing that both descriptions say differs. Differences of writing are none: order,
accents, case, legal form, form of address, initials, or the contact of a company that both name.
"""

import re
from collections.abc import Iterator
from enum import Enum
from functools import lru_cache
from typing import Final

from getbill.debtors.model import OF_A_STREET, Identity, words


class Likeness(Enum):
    """What comparing two descriptions shows."""

    SAME = "nothing differs"
    # A changed address or name, or another person: nothing tells which.
    UNSURE = "something differs"
    OTHER = "two people"


_CIVILITIES: Final = frozenset(
    words(
        "m mr mrs ms miss mister mme mlle monsieur madame mademoiselle me maitre dr prof herr herrn frau hr"
        " sr sra srta senor senora don dona sig signor signora dhr mevr mevrouw mw heer pan pani"
    )
)
_LEGAL_FORMS: Final = frozenset(
    words(
        "sarl sas sasu sa eurl ei eirl sci snc scp scop selarl earl gaec societe ste ets etablissements gmbh ag kg ohg ug"
        " gbr ev bv bvba nv vof ltd limited plc llc llp inc corp srl spa sl slu lda sprl asbl spzoo ab oy aps"
        " sagl sarlau"
    )
)
_DOTTED: Final = re.compile(r"\b(?:[^\W\d_]\.\s?){2,}")
_APART: Final = ("birthdate", "civility", "country")


def compare(known: Identity, given: Identity) -> Likeness:
    """Tell whether two descriptions beside the same code may be one person's."""
    differing = frozenset(differences(known, given))
    if not differing:
        return Likeness.SAME
    return Likeness.OTHER if _are_two(known, given, differing) else Likeness.UNSURE


def differences(known: Identity, given: Identity) -> Iterator[str]:
    """Name the fields in which two descriptions contradict each other; what one of them leaves out does not."""
    if not _is_same_name(known, given):
        yield "name"
    if known.company and given.company and not is_alike(known.company, given.company):
        yield "company"
    if known.email and given.email and known.email.lower() != given.email.lower():
        yield "email"
    if known.phone and given.phone and known.phone != given.phone:
        yield "phone"
    if not _is_same_address(known, given):
        yield "address"
    for name in _APART:
        before, after = getattr(known, name), getattr(given, name)
        if before and after and before != after:
            yield name


def _are_two(known: Identity, given: Identity, differing: frozenset[str]) -> bool:
    if "birthdate" in differing or {"email", "phone"} <= differing:
        return True
    if "name" not in differing:
        return False
    shares_something = (
        _is_shared(known.email, given.email, "email" in differing)
        or _is_shared(known.phone, given.phone, "phone" in differing)
        or _is_shared(known.company, given.company, "company" in differing)
    )
    before, after = set(name_words(known.name)), set(name_words(given.name))
    return not (shares_something or before <= after or after <= before)


def _is_shared(before: str | None, after: str | None, is_different: bool) -> bool:
    return bool(before and after) and not is_different


def is_known_by_name(known: Identity, given: Identity) -> bool:
    """Tell whether name and e-mail address, or name and phone number, are the same."""
    if sorted(words(known.name)) != sorted(words(given.name)):
        return False
    is_mail_same = bool(known.email and given.email) and str(known.email).lower() == str(given.email).lower()
    return is_mail_same or bool(known.phone and known.phone == given.phone)


def _is_same_name(known: Identity, given: Identity) -> bool:
    if is_alike(known.name, given.name):
        return True
    before, after = known.company or known.name, given.company or given.name
    # One names the company, the other its contact there.
    return is_alike(before, after) and (is_alike(known.name, before) or is_alike(given.name, after))


@lru_cache(maxsize=4096)
def is_alike(one: str, other: str) -> bool:
    """Tell whether two names differ in their writing at most."""
    left, right = list(name_words(one)), list(name_words(other))
    for word in tuple(left):
        if word in right:
            left.remove(word)
            right.remove(word)
    if not left and not right:
        return True
    has_common = len(left) < len(name_words(one))
    return has_common and len(left) == len(right) and all(map(_is_initial, sorted(left), sorted(right)))


def _is_initial(one: str, other: str) -> bool:
    return min(len(one), len(other)) == 1 and one[0] == other[0]


@lru_cache(maxsize=4096)
def name_words(name: str) -> tuple[str, ...]:
    """Return the words of a name without forms of address and legal forms, unless there are no others."""
    every = words(_DOTTED.sub(_joined, name))
    return tuple(word for word in every if word not in _CIVILITIES and word not in _LEGAL_FORMS) or every


def _joined(dotted: re.Match[str]) -> str:
    letters = re.sub(r"[.\s]", "", dotted[0])
    return f"{letters} " if letters.casefold() in _LEGAL_FORMS else dotted[0]


def _is_same_address(known: Identity, given: Identity) -> bool:
    before, after = _address_words(known), _address_words(given)
    return before <= after or after <= before


def _address_words(identity: Identity) -> frozenset[str]:
    parts = (
        identity.street_number,
        identity.street_address,
        identity.address,
        identity.postal_code,
        identity.city,
    )
    return frozenset(word for part in parts if part for word in words(part))


_IN_ONE_LINE: Final = ("address",)
_IN_PARTS: Final = ("street_address", "street_number")


def filled(known: Identity, later: Identity) -> Identity:
    """Return a description with what a later one adds; what is known stays, and two addresses never mix."""
    missing: dict[str, str | None] = {
        name: value for name, value in later.given().items() if getattr(known, name) is None
    }
    kept: tuple[str, ...] = ()
    if not _is_same_address(known, later):
        kept = (*OF_A_STREET, "country")
    elif known.street_address:
        kept = _IN_ONE_LINE
    elif known.address:
        kept = _IN_PARTS
    return known.updated({name: value for name, value in missing.items() if name not in kept})
