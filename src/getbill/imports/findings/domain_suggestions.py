"""Slips of the pen in e-mail addresses: a letter beside the right one in a domain that everybody knows.

A message to such an address reaches nobody, or a stranger. Only what lies one slip from a domain that millions use,
and is no domain known to be in use itself, is doubted.
"""

import re
from functools import lru_cache
from typing import Final

from rapidfuzz.distance import OSA

from getbill.kit.text import emails

# Where most private addresses of our countries are.
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
# One slip from one of these, and in use.
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
# Endings that no domain has.
_ENDINGS: Final = {"con": "com", "cmo": "com", "ocm": "com", "comm": "com", "coom": "com", "vom": "com", "xom": "com",
                   "frr": "fr", "ffr": "fr", "nett": "net"}  # fmt: skip
_LEAST_LETTERS: Final = 8


@lru_cache(maxsize=8192)
def suggest_domain(domain: str) -> str | None:
    """Return the domain that was probably meant; None where nothing is strange."""
    if domain in _REAL or domain in _POPULAR:
        return None
    name, _, ending = domain.rpartition(".")
    if name and ending in _ENDINGS:
        return f"{name}.{_ENDINGS[ending]}"
    for popular_domain in _POPULAR:
        popular_name, _, popular_ending = popular_domain.rpartition(".")
        if len(popular_domain) < _LEAST_LETTERS:
            continue
        # Another country's ending of the same name is another domain, not a slip.
        is_near = name != popular_name and OSA.distance(domain, popular_domain, score_cutoff=1) <= 1
        if is_near or (domain == popular_name + popular_ending):
            return popular_domain
    return None


_SPACE = re.compile(r"[\s\u200b\ufeff]+")


def suggest_address(text: str) -> str | None:
    """Return the address that was probably meant by one that no server could deliver to; None where none is plain."""
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
