"""A debtor's e-mail address, its domain in lower case.

Whether the domain exists is not checked here: that needs the network, and a bounce will show it. Domains
reserved for tests and examples are accepted, so that the sandbox can be tried without a real person's
address.
"""

import re
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email
from email_validator.rfc_constants import CASE_INSENSITIVE_MAILBOX_NAMES

from getbill.kit.errors import WrongValue
from getbill.kit.messages import Message, excerpt, message

# The form of nearly every address: nothing before the @ that the library would change.
_PLAIN = re.compile(r"([A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)@([A-Za-z0-9.-]+)")
_SHARED = frozenset(CASE_INSENSITIVE_MAILBOX_NAMES)
_LOCAL_MAX, _ADDRESS_MAX = 64, 254  # RFC 5321 section 4.5.3.1


class EmailInvalid(WrongValue):
    """An undeliverable e-mail address."""


def normalise(text: str) -> str:
    """Return the address in its canonical form; raise `EmailInvalid` with what is wrong."""
    text = text.strip()
    plain = _PLAIN.fullmatch(text)
    if plain and len(text) <= _ADDRESS_MAX:
        local, domain = plain[1], plain[2].lower()
        if len(local) <= _LOCAL_MAX and _is_plain_domain(domain):
            # Case means nothing in role mailboxes (RFC 2142); in others it may.
            return f"{local.lower() if local.lower() in _SHARED else local}@{domain}"
    try:
        return validate_email(text, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        raise EmailInvalid(_email_error(text)) from None


def _email_error(text: str) -> Message:
    local, at, domain = text.rpartition("@")
    if not at or "@" in local:
        return message("An e-mail address must have one @. Write it as name@example.com.")
    if not local or not domain:
        return message("The part before or after the @ is missing. Write it as name@example.com.")
    if len(text) > _ADDRESS_MAX or len(local) > _LOCAL_MAX:
        return message("The e-mail address is too long. Write it as name@example.com.")
    if not _is_plain_domain(domain):
        return message(
            "'{domain}' is not a domain that receives mail. Write it as name@example.com.",
            domain=excerpt(domain),
        )
    return message("'{local}' is not valid before the @. Write it as name@example.com.", local=excerpt(local))


# Half of the library's work is on the domain, and most addresses share a few.
@lru_cache(maxsize=4096)
def _is_plain_domain(domain: str) -> bool:
    """Return whether the domain is deliverable and in its canonical form."""
    try:
        checked = validate_email(f"name@{domain}", check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return False
    return checked.domain == domain
