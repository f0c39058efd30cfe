"""Comparison of two descriptions with the same customer code: one person or two.

A code recognises a debtor only if nothing that both descriptions state differs. Differences of spelling do
not count: order, accents, case, legal form, form of address, initials, or the contact of a company that both
name.
"""

import re
from collections.abc import Iterator
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Final

from getbill.debtors.model import STREET_FIELDS, Identity, comparable_words
from getbill.kit.text.word_lists import WordLists


class Likeness(Enum):
    """The result of a comparison."""

    SAME = "nothing differs"
    # A changed address or name, or another person: undecidable.
    UNSURE = "something differs"
    OTHER = "two people"


LISTS = WordLists(Path(__file__).with_name("names.toml"))
_CIVILITIES: Final = frozenset(LISTS.words("civilities"))
_LEGAL_FORMS: Final = frozenset(LISTS.words("legal_forms"))
_DOTTED_LETTERS: Final = re.compile(r"\b(?:[^\W\d_]\.\s?){2,}")
_SINGLE_FIELDS: Final = ("birthdate", "civility", "country")


def compare(existing: Identity, incoming: Identity) -> Likeness:
    """Return whether two descriptions with the same code may be one person's."""
    differing = frozenset(differences(existing, incoming))
    if not differing:
        return Likeness.SAME
    return Likeness.OTHER if _are_two(existing, incoming, differing) else Likeness.UNSURE


def differences(existing: Identity, incoming: Identity) -> Iterator[str]:
    """Yield the fields in which two descriptions contradict each other; a missing value does not."""
    if not _is_same_name(existing, incoming):
        yield "name"
    if existing.company and incoming.company and not names_alike(existing.company, incoming.company):
        yield "company"
    for kind in ("email", "phone"):
        if _are_apart(existing.values(kind), incoming.values(kind)):
            yield kind
    if not _is_same_address(existing, incoming):
        yield "address"
    for name in _SINGLE_FIELDS:
        before, after = getattr(existing, name), getattr(incoming, name)
        if before and after and before != after:
            yield name


def _are_apart(before: tuple[str, ...], after: tuple[str, ...]) -> bool:
    """Return whether both descriptions have addresses, and none in common."""
    return bool(before and after) and not _have_common(before, after)


def _have_common(before: tuple[str, ...], after: tuple[str, ...]) -> bool:
    return before[:1] == after[:1] != () or not {value.lower() for value in before}.isdisjoint(
        value.lower() for value in after
    )


def _are_two(existing: Identity, incoming: Identity, differing: frozenset[str]) -> bool:
    if "birthdate" in differing or {"email", "phone"} <= differing:
        return True
    if "name" not in differing:
        return False
    shares_something = (
        _is_shared(existing.email, incoming.email, "email" in differing)
        or _is_shared(existing.phone, incoming.phone, "phone" in differing)
        or _is_shared(existing.company, incoming.company, "company" in differing)
    )
    before, after = set(name_words(existing.name)), set(name_words(incoming.name))
    return not (shares_something or before <= after or after <= before)


def _is_shared(before: str | None, after: str | None, is_different: bool) -> bool:
    return bool(before and after) and not is_different


def is_same_by_name(existing: Identity, incoming: Identity) -> bool:
    """Return whether name and e-mail address, or name and phone number, are the same."""
    words = sorted(comparable_words(incoming.name))
    if all(sorted(comparable_words(name)) != words for name in existing.all_names):
        return False
    return any(_have_common(existing.values(kind), incoming.values(kind)) for kind in ("email", "phone"))


def _is_same_name(existing: Identity, incoming: Identity) -> bool:
    if any(names_alike(name, other_name) for name in existing.all_names for other_name in incoming.all_names):
        return True
    before, after = existing.company or existing.name, incoming.company or incoming.name
    # One names the company, the other its contact there.
    return names_alike(before, after) and (
        names_alike(existing.name, before) or names_alike(incoming.name, after)
    )


@lru_cache(maxsize=4096)
def names_alike(name: str, other_name: str) -> bool:
    """Return whether two names differ in spelling only."""
    left, right = list(name_words(name)), list(name_words(other_name))
    for word in tuple(left):
        if word in right:
            left.remove(word)
            right.remove(word)
    if not left and not right:
        return True
    has_common = len(left) < len(name_words(name))
    return has_common and len(left) == len(right) and all(map(_is_initial, sorted(left), sorted(right)))


def _is_initial(word: str, other_word: str) -> bool:
    return min(len(word), len(other_word)) == 1 and word[0] == other_word[0]


@lru_cache(maxsize=4096)
def name_words(name: str) -> tuple[str, ...]:
    """Return the words of a name without forms of address and legal forms, unless it has no others."""
    all_words = comparable_words(_DOTTED_LETTERS.sub(_join_letters, name))
    return (
        tuple(word for word in all_words if word not in _CIVILITIES and word not in _LEGAL_FORMS) or all_words
    )


def _join_letters(match: re.Match[str]) -> str:
    letters = re.sub(r"[.\s]", "", match[0])
    return f"{letters} " if letters.casefold() in _LEGAL_FORMS else match[0]


def _is_same_address(existing: Identity, incoming: Identity) -> bool:
    before, after = _address_words(existing), _address_words(incoming)
    return before <= after or after <= before


def _address_words(identity: Identity) -> frozenset[str]:
    parts = (
        identity.street_number,
        identity.street_address,
        identity.address,
        identity.postal_code,
        identity.city,
    )
    return frozenset(word for part in parts if part for word in comparable_words(part))


_IN_ONE_LINE: Final = ("address",)
_IN_PARTS: Final = ("street_address", "street_number")


def fill_missing(existing: Identity, later: Identity) -> Identity:
    """Return a description filled from a later one; known fields stay, and two addresses never mix."""
    missing_fields: dict[str, str | None] = {
        name: value for name, value in later.present_fields().items() if getattr(existing, name) is None
    }
    protected_fields: tuple[str, ...] = ()
    if not _is_same_address(existing, later):
        protected_fields = (*STREET_FIELDS, "country")
    elif existing.street_address:
        protected_fields = _IN_ONE_LINE
    elif existing.address:
        protected_fields = _IN_PARTS
    return existing.with_changes(
        {name: value for name, value in missing_fields.items() if name not in protected_fields}
    )
