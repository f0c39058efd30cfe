"""Names as files write them: `M. DUPONT Jean`, `Dupont, Jean`, `ACME SARL`; split only where the writing shows how."""

import re

from getbill.imports.mapping.contents import is_company
from getbill.imports.mapping.tables import CIVILITIES

_PREFIX = re.compile(
    r"(M\.|M(?= [A-ZÉÈ])|Mr\.?|Mme\.?|Mlle\.?|Monsieur|Madame|Mademoiselle|Mrs\.?|Ms\.?|Miss|Herrn?|Frau|Sr\.|Sra\.|Señora?"
    r"|Sig\.ra|Sig\.na|Sig\.|Signora?|Dhr\.?|Mevr\.?|Mw\.|MONSIEUR|MADAME|MME|MR\.?|MLLE) +(?!et |ou |und |and |& |\+)"
)
# Two people are not one.
_JOINED = frozenset({"et", "&", "und", "and", "ou", "y", "e", "en", "+"})
_PART = re.compile(r"[^\W\d_][^\d,;/@&]*")


def parts(text: str) -> dict[str, str]:
    """Return a whole name as the fields of a debtor: always `name`, and what its writing shows for sure."""
    whole = " ".join(text.split())
    if is_company(whole):
        return {"name": whole, "company": whole}
    found: dict[str, str] = {}
    if prefix := _PREFIX.match(whole):
        civility = CIVILITIES.get(prefix[1].casefold().rstrip("."))
        if civility:
            found["civility"] = civility
            whole = whole[prefix.end() :]
    first, last = _split(whole)
    if first and last:
        return found | {"name": f"{first} {last}", "first_name": first, "last_name": last}
    return found | {"name": whole}


def _split(whole: str) -> tuple[str, str]:
    if whole.count(",") == 1:
        last, first = (side.strip() for side in whole.split(","))
        if _is_part(last) and _is_part(first):
            return first, last
        return "", ""
    words = whole.split(" ")
    if not 2 <= len(words) <= 5 or whole.isupper() or not _JOINED.isdisjoint(words):
        return "", ""
    capitals = [word.isupper() and len(word) > 1 and "." not in word for word in words]
    if capitals[0] and True not in capitals[capitals.index(False) :]:
        at = capitals.index(False)
        return " ".join(words[at:]), " ".join(words[:at])
    if capitals[-1] and not capitals[0]:
        at = capitals.index(True)
        if all(capitals[at:]):
            return " ".join(words[:at]), " ".join(words[at:])
    return "", ""


def _is_part(text: str) -> bool:
    return bool(_PART.fullmatch(text)) and len(text.split()) <= 3
