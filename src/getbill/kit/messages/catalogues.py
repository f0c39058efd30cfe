"""Translation catalogues, in `locales/<language>/LC_MESSAGES/getbill.po`.

A catalogue is loaded with the first sentence in its language: a process that needs English alone never
imports Babel's reader.
"""

import gettext
from importlib.resources import files
from io import BytesIO

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po


def read(language: str) -> gettext.NullTranslations:
    """Return a language's translations; empty if it has no catalogue."""
    place = files("getbill") / "locales" / language / "LC_MESSAGES" / "getbill.po"
    if not place.is_file():
        return gettext.NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, read_po(BytesIO(place.read_bytes()), locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
