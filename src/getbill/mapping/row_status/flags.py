"""Row statuses of flags and reconciliation marks: yes and no, crosses and blanks."""

from collections.abc import Mapping
from typing import Final

from getbill import sheets
from getbill.mapping.columns import Candidate
from getbill.mapping.row_status.model import ANY_VALUE
from getbill.mapping.row_status.words import LISTS, Status, normalize_words, status_of

YES: Final = frozenset(LISTS.words("yes", "values"))
NO: Final = frozenset(LISTS.words("no", "values"))
# Row status by flag: for a concept of its header, the status where the flag is set, and where it is not.
_FLAGS: Final[tuple[tuple[str, Status, Status], ...]] = (
    ("disputed", "excluded", "open"),
    ("cancelled", "paid", "open"),
    ("lettering", "paid", "open"),
    ("credit_note", "credit", "open"),
    ("paid", "paid", "open"),
    ("open", "open", "paid"),
)
_BOOKED: Final = LISTS.pattern("booked", r"^(?:is )?(?:{})$")
_TO_DO: Final = LISTS.pattern("to_do", r"(?:{})\b")


def lettering_statuses(profile: sheets.ColumnProfile) -> dict[str, str | None] | None:
    """Return the row status of reconciliation marks: any mark means settled, except words such as no."""
    words = {value: normalize_words(value) for value in profile.values if value.strip()}
    if words and all(word in YES | NO for word in words.values()):
        return {value: "paid" if word in YES else "open" for value, word in words.items()}
    refused: dict[str, str | None] = {
        value: "open" for value, word in words.items() if word in NO or status_of(value) == "open"
    }
    return refused | {ANY_VALUE: "paid"}


def read_flags(candidate: Candidate) -> dict[str, str | None] | None:
    """Read a column of yes and no, or of crosses and blanks, by its header; other words are states."""
    profile, concepts = candidate.profile, candidate.concepts
    words = {value: normalize_words(value) for value in profile.values if value.strip()}
    # Zeros may be amounts.
    if not _are_flags(words) or (set(words.values()) == {"0"} and "open" in concepts):
        return None
    for concept, when_set, otherwise in _FLAGS:
        if concept in concepts:
            return _flag_statuses(words, when_set, otherwise, knows_states=concept in {"paid", "open"})
    if _BOOKED.search(candidate.plain_header) and "date" not in concepts:
        # A document that is not posted yet is a draft.
        return _flag_statuses(words, "open", "paid", knows_states=False)
    status = status_of(candidate.column.header)
    if status == "open" and _TO_DO.match(candidate.plain_header):
        return {value: "open" if word in YES else None for value, word in words.items()}
    if status not in {None, "open"}:
        return _flag_statuses(words, str(status), "open", knows_states=False)
    return None


def _are_flags(words: Mapping[str, str]) -> bool:
    """Return whether most words are yes and no; other numbers beside 0 and 1 make them amounts."""
    flags = [word for word in words.values() if word in YES | NO]
    other_words = set(words.values()) - YES - NO
    are_numbers = any(word.replace(" ", "").isdigit() for word in other_words)
    return bool(flags) and 2 * len(flags) >= len(words) and not are_numbers


def _flag_statuses(
    words: Mapping[str, str], when_set: str, otherwise: str, *, knows_states: bool
) -> dict[str, str | None]:
    """Return the row status of flags; with `knows_states`, other words are read as states."""
    return {
        value: when_set
        if word in YES
        else otherwise
        if word in NO
        else status_of(value)
        if knows_states
        else None
        for value, word in words.items()
    }
