"""Checks across the fields of a debt: contradicting names, birth dates, numbers and metadata size."""

from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from getbill.companies import Workspace
from getbill.creditors import PREFIX as CREDITOR_PREFIX
from getbill.creditors import CreditorChoice, unknown_creditor
from getbill.debtors import names_agree, names_alike
from getbill.kit import ids, json, phones
from getbill.kit.errors import FieldError, NotFound, WrongValue, refusal
from getbill.kit.messages import Message, excerpt, message

# The longest documented human life is 122 years.
_YEARS_MAX: Final = 125
_METADATA_BYTES_MAX: Final = 16 * 1024
# The earliest time zone, where tomorrow has begun.
_FIRST_ZONE: Final = timedelta(hours=14)


def check_metadata_size(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return metadata; raise WrongValue above the size limit."""
    size = len(json.write(metadata))
    if size > _METADATA_BYTES_MAX:
        raise WrongValue(
            message(
                "Metadata may have at most 16 kB ({most} bytes of JSON); this has {size}.",
                most=_METADATA_BYTES_MAX,
                size=size,
            )
        )
    return metadata


def do_names_disagree(name: str, first_name: str | None, last_name: str | None, company: str | None) -> bool:
    """Return whether a whole name contradicts its parts; a firm's name never contradicts its contact's."""
    return not names_agree(name, first_name, last_name) and not (company and names_alike(name, company))


def name_error(name: str, first_name: str | None, last_name: str | None) -> FieldError:
    """Return the error of a name that contradicts its parts."""
    name_parts = {"first_name": first_name, "last_name": last_name}
    parts = {field: value for field, value in name_parts.items() if value}
    detail = message(
        "name is '{name}', but its parts ({fields}) form '{parts}'. Send the same name in both, or only one of them.",
        name=excerpt(name),
        fields=list(parts),
        parts=excerpt(" ".join(parts.values())),
    )
    return FieldError("/debtor/name", "disagrees", detail)


def check_name(raw: dict[str, Any]) -> list[FieldError]:
    """Return the errors between the debtor's name and its parts, in either spelling."""
    debtor = raw.get("debtor") if isinstance(raw.get("debtor"), dict) else {}
    assert debtor is not None  # noqa: S101 - for the type checker
    name = _stripped_text(debtor.get("name"))
    first = _stripped_text(debtor.get("first_name")) or _stripped_text(raw.get("firstname"))
    last = _stripped_text(debtor.get("last_name")) or _stripped_text(raw.get("lastname"))
    company = _stripped_text(debtor.get("company")) or _stripped_text(raw.get("debtor_company"))
    if name and do_names_disagree(name, first, last, company):
        return [name_error(name, first, last)]
    return []


def _stripped_text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def check_destinations(raw: dict[str, Any], country: str, refused_zones: frozenset[str]) -> list[FieldError]:
    """Return an error per number dearer than a personal one, unless the body accepts the cost."""
    if raw.get("accept_expensive_destination") is True:
        return []
    debtor = raw.get("debtor")
    candidates = [("/phone", raw.get("phone"))]
    if isinstance(debtor, dict):
        candidates.append(("/debtor/phone", debtor.get("phone")))
    return [
        error
        for pointer, text in candidates
        if isinstance(text, str) and (error := _check_destination(pointer, text, country, refused_zones))
    ]


def _check_destination(
    pointer: str, text: str, country: str, refused_zones: frozenset[str]
) -> FieldError | None:
    try:
        number = phones.parse(text, country)
    except phones.PhoneInvalid:
        # Reported by another check.
        return None
    return destination_error(pointer, number, refused_zones)


def destination_error(pointer: str, number: str, refused_zones: frozenset[str]) -> FieldError | None:
    """Return the error of an E.164 number dearer than a personal one; None if it is not."""
    destination = phones.expensive_destination(number, refused_zones)
    if destination is None:
        return None
    return FieldError(pointer, "expensive-destination", phones.refusal(number, destination))


def check_birthdates(raw: dict[str, Any], now: datetime) -> list[FieldError]:
    """Return the errors of a birth date at the workspace's time."""
    debtor = raw.get("debtor")
    candidates = [("/birthdate", raw.get("birthdate"))]
    if isinstance(debtor, dict):
        candidates.append(("/debtor/birthdate", debtor.get("birthdate")))
    return [
        FieldError(pointer, "birthdate", sentence)
        for pointer, value in candidates
        if isinstance(value, str) and (sentence := _birthdate_error(value[:10], now)) is not None
    ]


def _birthdate_error(iso_date: str, now: datetime) -> Message | None:
    oldest, newest = birthdate_range(now)
    if oldest <= iso_date <= newest or not _is_day(iso_date):
        return None
    if iso_date > newest:
        return message("The date of birth {day} is in the future.", day=iso_date)
    return message(
        "By the date of birth {day}, the debtor is older than {years} years.", day=iso_date, years=_YEARS_MAX
    )


def birthdate_range(now: datetime) -> tuple[str, str]:
    """Return the first and last possible birth date of a living person, in ISO form."""
    newest = (now + _FIRST_ZONE).date()
    return date(newest.year - _YEARS_MAX, newest.month, min(newest.day, 28)).isoformat(), newest.isoformat()


def _is_day(iso_date: str) -> bool:
    try:
        date.fromisoformat(iso_date)
    except ValueError:
        return False
    return True


def read_creditor_id(text: str) -> UUID:
    """Return a creditor's id; raise Invalid if it is not one."""
    try:
        return ids.read(CREDITOR_PREFIX, text)
    except NotFound:
        raise refusal([unknown_creditor(text)]) from None


def check_creditor_id(raw: dict[str, Any]) -> list[FieldError]:
    """Return the error of a creditor's id that is not one."""
    text = raw.get("creditor_id")
    if not isinstance(text, str):
        return []
    try:
        ids.read(CREDITOR_PREFIX, text.strip())
    except NotFound:
        return [unknown_creditor(text)]
    return []


def is_creditor_missing(workspace: Workspace, name: str | None, creditor_id: Any) -> bool:
    """Return whether a debt of a third-party collector names no creditor but the collector itself."""
    if not workspace.company.is_third_party or creditor_id is not None:
        return False
    return not CreditorChoice(name=name).is_other_than(workspace)


def check_creditor_named(raw: dict[str, Any], workspace: Workspace) -> list[FieldError]:
    """Return the error of a third-party collector's debt without the creditor for whom it collects."""
    name = _stripped_text(raw.get("company"))
    if not is_creditor_missing(workspace, name, raw.get("creditor_id")):
        return []
    detail = message(
        "company is required: your company collects for others, so name the creditor in company or creditor_id."
    )
    return [FieldError("/company", "missing", detail)]
