"""Name parser: `M. DUPONT Jean`, `Dupont, Jean`, `ACME SARL`; split only where the notation is clear."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from getbill.mapping.values.cells import LISTS
from getbill.mapping.vocabulary import CIVILITIES, countries_of_city, is_company, is_form

_PREFIX = LISTS.pattern("name_prefixes", "({}) +(?!{prefixes_joined})")
_JOINED = frozenset(LISTS.words("joining"))
# An unlisted legal form: three letters and a point. One letter is an initial.
_ABBREVIATED = re.compile(r"[^\W\d_]{2,5}\.")
_PARTNER = LISTS.pattern("partner", flags=re.IGNORECASE)
_WITH_PLACE = re.compile(
    r"(?P<name>[^,]*[^\W\d][^,]*),\s+(?:[A-Z]{1,2}-)?(?P<code>\d{4,5})\s+(?P<city>[^\W\d][^\d,]*)"
)
_GIVEN = re.compile(r"[^\W\d_][^\W\d_.\x27\u2019-]*(?:[-\x27\u2019][^\W\d_]+)*\.?")
# Shorter ones may be abbreviations: HOA, GIE.
_SURNAME = re.compile(r"[^\W\d_a-z](?:[^\W\d_a-z]|[-\x27\u2019]){3,}")
_INITIALS = re.compile(r"(?:[^\W\d_a-z]\.[ -]?)+")
_PART = re.compile(r"[^\W\d_][^\d,;/@&]*")


Comma = Literal["last_first", "company_contact", "whole"]


@dataclass(frozen=True, slots=True)
class Style:
    """A column's name style: the meaning of a comma, and whether capitals are last names."""

    comma: Comma = "last_first"
    has_capitals: bool = True


def style_of(header: str, texts: Sequence[str]) -> Style:
    """Return the meaning of a comma in a name column: last and first name, company and contact, or unclear.

    Last, First is shown by cells whose second part is one word, where no cell has a person without a comma.
    """
    people = [text for text in texts if len(text.split()) > 1 and not is_company(text) and not text.isupper()]
    capitals = sum(1 for text in people if any(_SURNAME.fullmatch(word) for word in text.split()))
    return Style(_comma_of(header, texts), has_capitals=2 * capitals >= len(people))


def _comma_of(header: str, texts: Sequence[str]) -> Comma:
    if _PARTNER.search(header):
        return "company_contact"
    pairs = [pair for text in texts if (pair := _comma_pair(text))]
    plain = [
        text
        for text in texts
        if "," not in text and len(text.split()) > 1 and not is_company(text) and not _PREFIX.match(text)
    ]
    single = sum(1 for _, first in pairs if len(first.split()) == 1)
    return "last_first" if pairs and not plain and 2 * single >= len(pairs) else "whole"


# QuickBooks writes a customer and one of their jobs as `Sandoval, Ruben:Kitchen`.
_CUSTOMER_JOB = re.compile(r"(?<=[\w.)])(?<!\bRef)(?<!\bAtt):(?=[^\s/]).*")


def split_name(text: str, style: Style = Style()) -> dict[str, str]:
    """Return a full name as the fields of a debtor: always `name`, and the parts that are certain."""
    whole = _CUSTOMER_JOB.sub("", " ".join(text.split()))
    pair = _comma_pair(whole)
    if pair and _INITIALS.fullmatch(pair[1]) and not is_company(pair[0]):
        return {"name": f"{pair[1]} {pair[0]}", "first_name": pair[1], "last_name": pair[0]}
    if pair and not is_company(pair[1]) and (style.comma == "company_contact" or _is_contact_of(*pair)):
        return {"name": pair[1], "company": pair[0]}
    if is_company(whole):
        return {"name": whole, "company": whole}
    fields: dict[str, str] = {}
    if prefix := _PREFIX.match(whole):
        civility = CIVILITIES.get(prefix[1].casefold().rstrip("."))
        if civility:
            fields["civility"] = civility
            whole = whole[prefix.end() :]
    first, last = _split(whole, style)
    if first and last:
        return fields | {"name": f"{first} {last}", "first_name": first, "last_name": last}
    return fields | {"name": whole}


def name_with_place(text: str) -> tuple[str, str, str] | None:
    """Return name, postal code and city of `Bergmann Treuhand AG, 6003 Luzern`; None for a name alone."""
    match = _WITH_PLACE.fullmatch(" ".join(text.split()))
    return (match["name"], match["code"], match["city"]) if match else None


def _comma_pair(text: str) -> tuple[str, str] | None:
    """Return the parts before and after a name's only comma; None for a legal form or another text."""
    if text.count(",") != 1:
        return None
    before, behind = (side.strip() for side in text.split(","))
    if not before or not behind or is_form(behind) or _ABBREVIATED.fullmatch(behind):
        return None
    return before, behind


def _is_contact_of(company: str, contact: str) -> bool:
    """Return whether a name is a company and, after the comma, its contact rather than its town."""
    words = contact.split()
    return (
        is_company(company)
        and 2 <= len(words) <= 3
        and all(_GIVEN.fullmatch(word) for word in words)
        and not countries_of_city(contact)
    )


def _split(whole: str, style: Style) -> tuple[str, str]:
    if "," in whole:
        pair = _comma_pair(whole) if style.comma == "last_first" else None
        if pair and _is_part(pair[0]) and _is_part(pair[1]):
            return pair[1], pair[0]
        return "", ""
    words = whole.split(" ")
    if not style.has_capitals or not 2 <= len(words) <= 5 or whole.isupper() or not _JOINED.isdisjoint(words):
        return "", ""
    capitals = [word.isupper() and len(word) > 1 and "." not in word for word in words]
    if capitals[0] and True not in capitals[capitals.index(False) :]:
        at = capitals.index(False)
        return " ".join(words[at:]), " ".join(words[:at])
    if capitals[-1] and not capitals[0]:
        at = capitals.index(True)
        if all(capitals[at:]):
            return " ".join(words[:at]), " ".join(words[at:])
    return "", ""


def _is_part(text: str) -> bool:
    return bool(_PART.fullmatch(text)) and len(text.split()) <= 3
