"""Parser of single-cell addresses, by country format: street and number, postal code, city, country.

A text in an unknown format stays one line, because a wrong city is worse than none.
"""

import re

from getbill.sheets import country_of

_BREAKS = re.compile(r"\s*(?:[\r\n;|]+|,\s*,)\s*")
# A postal code at any position: 75002, D-10115, 1015 CJ, SW1A 2AA, 62701-1234.
_CODE = re.compile(
    r"(?<![\w-])(?:(?P<land>[A-Z]{1,2})-)?(?P<code>\d{5}(?:-\d{4})?|\d{4} ?[A-Z]{2}|\d{4}|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2})(?!\w)"
)
_CITY = re.compile(r"\s+(?P<city>[^\W\d][^,]*)")
_STATE = re.compile(r"(?P<street>.+),\s*(?P<city>[^,\d]+?),?\s+(?P<state>[A-Z]{2})")
_NUMBER_FIRST = re.compile(
    r"(?P<number>\d{1,5}(?: ?(?:bis|ter|quater|[A-Za-z])\b)?(?: ?[-/] ?\d{1,4})?),? +(?P<street>[^\W\d].*|\d+(?:st|nd|rd|th)\b.*)",
    re.IGNORECASE,
)
_NUMBER_LAST = re.compile(
    r"(?P<street>[^\d]*[^\W\d][^\d]*?),?\s+(?:n[°ºo.]*\s*)?(?P<number>\d{1,5}(?: ?[a-zA-Z])?(?: ?[-/] ?\w{1,4})?)(?P<extra>,\s*(?:\d+\s*[ºª°]|[^\d\s]).*)?",
    re.IGNORECASE,
)
_POSTAL_CITY = re.compile(
    r"(?:(?P<land>[A-Z]{1,2})[-\s])?(?P<postal_code>\d{4} ?[A-Z]{2}(?= )|\d{4,5}|\d{3} \d{2}(?=[\s,]))[\s,]+(?P<city>[^\W\d].*)"
)
_CITY_POSTAL = re.compile(
    r"(?P<city>[^\W\d][^\d,]*?),?\s+(?P<postal_code>[A-Z]{2} \d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|\d{5})"
)


def split_address(text: str) -> dict[str, str] | None:
    """Return the parts of an address under the API's field names, or None for an unknown format."""
    line = ", ".join(part.strip(" ,") for part in _BREAKS.split(text.strip()) if part.strip(" ,"))
    line, country = _split_country(line)
    parts = _shape(line)
    if parts is None:
        return None
    parts = {name: value.strip(" ,") for name, value in parts.items() if value and value.strip(" ,")}
    country = _land(parts.pop("land", "")) if country is None else country
    parts.pop("land", None)
    return parts | ({"country": country} if country else {})


def postal_city(text: str) -> dict[str, str]:
    """Return the postal code and the city of one cell; all of it as the city where it has no code."""
    plain = " ".join(text.split())
    if match := _POSTAL_CITY.fullmatch(plain):
        country = _land(match["land"] or "")
        whole = {"postal_code": match["postal_code"], "city": match["city"].strip()}
        return whole | ({"country": country} if country else {})
    if match := _CITY_POSTAL.fullmatch(plain):
        return {"postal_code": match["postal_code"], "city": match["city"].strip()}
    return {"city": plain}


def street(text: str) -> dict[str, str]:
    """Return the street and the number of a street line; the line unchanged without a clear number."""
    plain = text.strip(" ,")
    if match := _NUMBER_FIRST.fullmatch(plain):
        return {"street_number": match["number"], "street_address": match["street"]}
    if match := _NUMBER_LAST.fullmatch(plain):
        return {"street_number": match["number"], "street_address": match["street"] + (match["extra"] or "")}
    return {"street_address": plain}


def _split_country(line: str) -> tuple[str, str | None]:
    before, comma, last = line.rpartition(",")
    if comma and len(last.strip()) > 2 and (country := country_of(last)):
        return before.strip(" ,"), country
    # « 75002 Paris France »: full country names only, since two letters may be a province or a state.
    words = line.rsplit(" ", 1)
    if len(words) == 2 and len(words[1]) > 3 and words[1].isalpha() and (country := country_of(words[1])):
        return words[0].strip(" ,"), country
    return line, None


def _shape(line: str) -> dict[str, str] | None:
    code = None
    for match in _CODE.finditer(line):
        # A house number is not a postal code: a postal code is last, or followed by a city alone.
        if match.end() == len(line) or _CITY.fullmatch(line, match.end()):
            code = match
    if code is None:
        return None
    before, after = line[: code.start()].rstrip(" ,"), line[code.end() :].strip()
    if after:
        place = {"postal_code": code["code"], "city": after, "land": code["land"] or ""}
        return (street(before) if before else {}) | place if code["code"][0].isdigit() else None
    return _code_last(before, code["code"])


def _code_last(before: str, code: str) -> dict[str, str] | None:
    if code[0].isalpha():
        road, comma, city = before.rpartition(",")
        return street(road) | {"postal_code": code, "city": city, "land": "GB"} if comma else None
    if match := _STATE.fullmatch(before):
        city = f"{match['city'].strip()}, {match['state']}"
        return street(match["street"]) | {"postal_code": code, "city": city}
    return None


def _land(letters: str) -> str | None:
    return country_of(letters) if letters else None
