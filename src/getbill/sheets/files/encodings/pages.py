"""Code pages: what each byte is, and what it may stand beside."""

from dataclasses import dataclass
from functools import lru_cache

from getbill.sheets.files.encodings.languages import Triple, WrittenLanguage, any_letters, languages

# A letter of another language, a symbol between letters, a symbol beside them, a control character.
STRANGE, _INSIDE, _BESIDE, _UNDEFINED = -16.0, -17.0, -9.0, -18.0
_REGIONS = {
    "west": ("cp1252", "mac_roman", "cp850", "iso8859-15"),
    "central": ("cp1250", "iso8859-2", "cp852", "mac_latin2"),
    "turkish": ("cp1254", "cp857"),
    "baltic": ("cp1257", "cp775"),
    "greek": ("cp1253", "iso8859-7", "cp737"),
    "cyrillic": ("cp1251", "koi8-u", "cp866", "iso8859-5", "mac_cyrillic"),
}
# Of pages that read a file alike, the first is returned.
PAGES = {page: region for region, pages in _REGIONS.items() for page in pages}
_LATIN_REGIONS = frozenset(("west", "central", "turkish", "baltic"))
_SIGN, _TOUCHING = -5.0, -12.0
_COMMON_SIGNS = frozenset("\u00a0«»€°\u2019\u2018\u201c\u201d\u201e\u2013\u2014…§²№ºª£®©")
_APOSTROPHES = frozenset("\u2019\u00a0\u00b4`")
_OPENING, _CLOSING = "«\u201e\u201c\u2018", "»\u201d"
# Placeholders for symbols: one that may stand beside a word, and one that may not.
_MARK = "\u00a4"
NO_LETTERS = frozenset(("_", _MARK))
_QUOTES = frozenset("\u00a0«»\u2019\u2018\u201c\u201d\u201e°ºª")
# A file in a language for which other pages exist.
_ELSEWHERE = -6.0


@dataclass(frozen=True, slots=True)
class CodePage:
    """A code page: the sign of each byte, and what these signs say of a language."""

    name: str
    signs: str
    # In lower case, with placeholders for symbols.
    letters: str
    upper: frozenset[int]
    is_other_script: bool
    # The possible main languages, with a penalty for each.
    main: tuple[tuple[WrittenLanguage, float], ...]
    # The best likelihood of each byte.
    best: tuple[float, ...]


def of_sign(sign: str, around: Triple) -> float:
    """Return the likelihood of a symbol between its neighbours."""
    if sign == "\ufffd" or not (sign.isprintable() or sign == "\u00a0"):
        return _UNDEFINED
    if around[0] != "_" and around[2] != "_" and sign not in _APOSTROPHES:
        return _INSIDE
    if sign in _OPENING or sign in _CLOSING:
        return _TOUCHING if around[0 if sign in _OPENING else 2] != "_" else _SIGN
    if sign in "ºª":
        return _SIGN if around[0] in "_nmd" else _TOUCHING
    if sign not in _QUOTES and (around[0] != "_" or around[2] != "_"):
        return _TOUCHING
    return _SIGN if sign in _COMMON_SIGNS else _BESIDE


@lru_cache
def page_of(name: str) -> CodePage:
    """Return a code page by its name."""
    signs = "".join(bytes([byte]).decode(name, "replace") for byte in range(256))
    region = PAGES[name]
    scripts = _LATIN_REGIONS if region in _LATIN_REGIONS else frozenset((region,))
    letters = "".join(_small(sign) for sign in signs)
    return CodePage(
        name,
        signs,
        letters,
        frozenset(byte for byte, sign in enumerate(signs) if sign.isupper()),
        region not in _LATIN_REGIONS,
        tuple(
            (language, 0 if region in language.regions else _ELSEWHERE)
            for language in languages()
            if language.regions & scripts
        ),
        tuple(map(_best, letters, signs)),
    )


def _best(letter: str, sign: str) -> float:
    """Return the likelihood of a byte between its best neighbours."""
    if letter in NO_LETTERS:
        return max(of_sign(sign, ("_", letter, neighbour)) for neighbour in "_a")
    share, *neighbours = any_letters().get(letter, (STRANGE, ({}, 0.0), ({}, 0.0)))
    return share + sum(max(listed.values(), default=rare) for listed, rare in neighbours)


def _small(sign: str) -> str:
    if not sign.isalpha() or sign in "ºª":
        return "_" if sign.isascii() or sign in _QUOTES else _MARK
    return sign if sign == "İ" else sign.lower()
