"""Languages that people speak, by their codes of ISO 639-1."""

from functools import cache

from babel import Locale

from getbill.kit.errors import WrongValue
from getbill.kit.messages import Message, excerpt, message


@cache
def codes() -> frozenset[str]:
    """Return every code."""
    return frozenset(code for code in map(str, Locale("en").languages) if len(code) == 2)


def normalise_code(code: str) -> str:
    """Return a code in small letters; raise WrongValue when no language has it."""
    normalised = code.lower()
    if normalised not in codes():
        raise WrongValue(unknown_language(code))
    return normalised


def unknown_language(code: str) -> Message:
    """Return the sentence that refuses a code no language has."""
    return message("'{code}' is not an ISO 639-1 language. Send for example fr.", code=excerpt(code))
