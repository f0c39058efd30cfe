"""Languages, by their ISO 639-1 codes."""

from functools import cache

from babel import Locale

from getbill.kit.errors import WrongValue
from getbill.kit.messages import Message, excerpt, message


@cache
def codes() -> frozenset[str]:
    """Return every code."""
    return frozenset(code for code in map(str, Locale("en").languages) if len(code) == 2)


def normalise_code(code: str) -> str:
    """Return a code in lower case; raise WrongValue if it is not a language."""
    normalised = code.lower()
    if normalised not in codes():
        raise WrongValue(unknown_language(code))
    return normalised


def unknown_language(code: str) -> Message:
    """Return the message that refuses an unknown language code."""
    return message("'{code}' is not an ISO 639-1 language. Send, for example, fr.", code=excerpt(code))
