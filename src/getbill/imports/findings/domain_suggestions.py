"""Suggestions for typing errors in e-mail addresses: a domain one edit away from a popular one.

A message to such an address reaches no mailbox, or a stranger. Only a domain one edit away from one with
millions of users is doubted, and not if it is known to be in use itself.
"""

import re
from functools import lru_cache
from typing import Final

from rapidfuzz.distance import OSA

from getbill.kit.text import emails

# The domains of most private addresses in our countries.
_POPULAR: Final = (
    "gmail.com",
    "hotmail.com",
    "hotmail.fr",
    "hotmail.be",
    "hotmail.de",
    "hotmail.es",
    "hotmail.it",
    "outlook.com",
    "outlook.fr",
    "yahoo.com",
    "yahoo.fr",
    "icloud.com",
    "orange.fr",
    "wanadoo.fr",
    "laposte.net",
    "sfr.fr",
    "free.fr",
    "bbox.fr",
    "neuf.fr",
    "numericable.fr",
    "live.com",
    "live.fr",
    "googlemail.com",
    "protonmail.com",
    "t-online.de",
    "libero.it",
    "virgilio.it",
    "telenet.be",
    "skynet.be",
    "proximus.be",
    "bluewin.ch",
    "ziggo.nl",
    "kpnmail.nl",
    "freenet.de",
)
# Domains in use that are one edit away from a popular one.
_REAL: Final = frozenset(
    [
        "email.com",
        "fmail.com",
        "hmail.com",
        "line.com",
        "love.com",
        "mail.com",
        "ymail.com",
        "zmail.com",
    ]
)
# Top-level domains that do not exist.
_ENDINGS: Final = {"con": "com", "cmo": "com", "ocm": "com", "comm": "com", "coom": "com", "vom": "com", "xom": "com",
                   "frr": "fr", "ffr": "fr", "nett": "net"}  # fmt: skip
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
