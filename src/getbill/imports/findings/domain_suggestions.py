"""Suggestions for typing errors in e-mail addresses: a domain one edit away from a popular one.

A message to such an address reaches no mailbox, or a stranger. Only a domain one edit away from one with
millions of users is doubted, and not if it is known to be in use itself.
"""

import re
from functools import lru_cache
from pathlib import Path
from typing import Final

from rapidfuzz.distance import OSA

from getbill.kit.text import emails
from getbill.kit.text.word_lists import WordLists

LISTS = WordLists(Path(__file__).with_name("domains.toml"))
_POPULAR: Final = LISTS.words("popular")
_REAL: Final = frozenset(LISTS.words("real"))
_ENDINGS: Final = LISTS.concepts_by_word("endings")
_LEAST_LETTERS: Final = 8


@lru_cache(maxsize=8192)
def suggest_domain(domain: str) -> str | None:
    """Return the domain that was probably intended; None where the domain is not suspicious."""
    if domain in _REAL or domain in _POPULAR:
        return None
    name, _, ending = domain.rpartition(".")
    if name and ending in _ENDINGS:
        return f"{name}.{_ENDINGS[ending]}"
    for popular_domain in _POPULAR:
        popular_name, _, popular_ending = popular_domain.rpartition(".")
        if len(popular_domain) < _LEAST_LETTERS:
            continue
        # Another country's top-level domain with the same name is another domain, not a typing error.
        is_near = name != popular_name and OSA.distance(domain, popular_domain, score_cutoff=1) <= 1
        if is_near or (domain == popular_name + popular_ending):
            return popular_domain
    return None


_SPACE = re.compile(r"[\s\u200b\ufeff]+")


def suggest_address(text: str) -> str | None:
    """Return the probable correction of an undeliverable address; None where none is clear."""
    candidate = _SPACE.sub("", text).strip(".,;:<>()[]\"'").replace("mailto:", "")
    candidate = (
        candidate.replace("(at)", "@")
        .replace("[at]", "@")
        .replace("@@", "@")
        .replace("..", ".")
        .replace("@.", "@")
    )
    local, _, domain = candidate.rpartition("@")
    candidate = f"{local}@{domain.replace(',', '.').replace(';', '.')}"
    try:
        address = emails.normalise(candidate)
    except emails.EmailInvalid:
        return None
    local, _, domain = address.rpartition("@")
    return f"{local}@{suggest_domain(domain) or domain}" if address != text else None
