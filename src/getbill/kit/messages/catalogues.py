"""Catalogues of translated sentences, as `locales/<language>/LC_MESSAGES/getbill.po` holds them.

Loaded with the first sentence that is said in another language: a process that speaks English alone does without Babel's reader.
"""

import gettext
from importlib.resources import files
from io import BytesIO

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po


def read(language: str) -> gettext.NullTranslations:
    """Return a language's sentences; none where there is no catalogue of it."""
    place = files("getbill") / "locales" / language / "LC_MESSAGES" / "getbill.po"
    if not place.is_file():
        return gettext.NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, read_po(BytesIO(place.read_bytes()), locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
