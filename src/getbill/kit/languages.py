"""Languages that people speak, by their codes of ISO 639-1."""

from functools import cache

from babel import Locale


@cache
def codes() -> frozenset[str]:
    """Return every code."""
    return frozenset(code for code in map(str, Locale("en").languages) if len(code) == 2)


def known(code: str) -> str:
    """Return a code in small letters; raise ValueError when no language has it."""
    found = code.lower()
    if found not in codes():
        raise ValueError(f"{code!r} is not an ISO 639-1 language. Send for example fr.")
    return found
