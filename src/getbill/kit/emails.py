"""An e-mail address a debtor can be reached on, its domain in small letters.

Whether the domain exists is not asked here: that needs the network, and the bounce will tell. Domains kept
for tests and examples are accepted, so that nobody needs a real person's address to try the sandbox.
"""

from email_validator import EmailNotValidError, validate_email


class EmailInvalid(ValueError):
    """An e-mail address that no server could deliver to."""


def normalise(text: str) -> str:
    """Return the address in its canonical form, or raise `EmailInvalid` with what is wrong with it."""
    try:
        checked = validate_email(text.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise EmailInvalid(f"{error} Write it as name@example.com.") from None
    return checked.normalized
