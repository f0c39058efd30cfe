"""People in what imports keep, found again by keyed hashes: erasing somebody reaches every row, sample and file.

Hashed are addresses, numbers, references and names in the rows of which something is said, in the references of rows
that a debt had already, and in a plan's samples. A name alone counts only where a row has no address or number beside
it: two people may share a name, and then only what tells them apart does.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

from asyncpg import Record

from getbill.companies import Workspace
from getbill.debtors import words
from getbill.debts import ErasedPerson
from getbill.imports import findings
from getbill.imports.findings import Row, cells_out
from getbill.imports.reading_plan import Plan
from getbill.kit import json
from getbill.kit.database import Statement, Transaction
from getbill.kit.text import emails
from getbill.vault import Lookup

# The line of what a plan shows of its file.
SAMPLES: Final = -1
# The numbers of a person end alike, however they are written: with a country's prefix, with zeros, as a float.
_TAIL_DIGITS: Final = 8
_NUMBER_DIGITS_MAX: Final = 20
_NAME_WORDS_MAX: Final = 6
_ADDRESS: Final = re.compile(r"[^\s<>()\[\],;:\"']+@[^\s<>()\[\],;:\"']+")
_NO_DIGIT: Final = re.compile(r"\D+")
_BETWEEN_NUMBERS: Final = re.compile(r"[/;,|\n]")
_CIVILITIES: Final = frozenset(
    [
        "m",
        "mr",
        "mme",
        "mlle",
        "ms",
        "mrs",
        "miss",
        "monsieur",
        "madame",
        "mademoiselle",
        "dr",
        "herr",
        "frau",
        "sr",
        "sra",
    ]
)
_REFERENCES: Final = ("reference", "invoice_reference", "debtor_reference", "customer_reference")

_INSERT = Statement(
    "imports.insert_person",
    "Keep by which hash somebody is found in a row of an import, or in what is shown of its file.",
    "INSERT INTO import_people (workspace_id, import_id, line, hash) VALUES ($1, $2, $3, $4)",
)
_ADD = Statement(
    "imports.add_person",
    "Keep one more hash of a row.",
    """
    INSERT INTO import_people (workspace_id, import_id, line, hash) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
    """,
)
_FORGET = Statement(
    "imports.forget_people",
    "Nobody is found in an import any more.",
    "DELETE FROM import_people WHERE workspace_id = $1 AND import_id = $2",
)
_FORGET_LINES = Statement(
    "imports.forget_people_of_lines",
    "Nobody is found in some lines of an import any more.",
    "DELETE FROM import_people WHERE workspace_id = $1 AND import_id = $2 AND line = ANY($3)",
)
_FORGET_ROWS = Statement(
    "imports.forget_people_of_rows",
    "Nobody is found in the rows of an import any more.",
    "DELETE FROM import_people WHERE workspace_id = $1 AND import_id = $2 AND line >= 0",
)
_FOUND = Statement(
    "imports.people_found",
    "In which lines of which imports is a person found?",
    "SELECT DISTINCT import_id, line FROM import_people WHERE workspace_id = $1 AND hash = ANY($2)",
)


def keep_rows(tx: Transaction, workspace: Workspace, import_id: UUID, rows: Iterable[Row]) -> None:
    """Have the people in some rows found again, whatever was said of the rows."""
    for row in rows:
        for one in sorted(_of_row(workspace.lookup, row)):
            tx.defer(_INSERT, workspace.id, import_id, row.line, one)


def keep_references(
    tx: Transaction, workspace: Workspace, import_id: UUID, lines: Iterable[tuple[int, str]]
) -> None:
    """Have rows found again, by their references, of which there is nothing to say: their debts were there already."""
    for line, reference in lines:
        tx.defer(_INSERT, workspace.id, import_id, line, workspace.lookup.hash("trace-reference", reference))


def add_row(tx: Transaction, workspace: Workspace, import_id: UUID, row: Row) -> None:
    """Have the people in a row that somebody corrected found again too."""
    for one in sorted(_of_row(workspace.lookup, row)):
        tx.defer(_ADD, workspace.id, import_id, row.line, one)


async def keep_samples(tx: Transaction, workspace: Workspace, import_id: UUID, plan: Plan) -> None:
    """Have the people in what a plan shows of its file found again, in the place of those before."""
    await tx.execute(_FORGET_LINES, workspace.id, import_id, [SAMPLES])
    for one in sorted(_of_plan(workspace.lookup, json.read(plan.write()))):
        tx.defer(_INSERT, workspace.id, import_id, SAMPLES, one)


async def forget(tx: Transaction, workspace_id: UUID, import_id: UUID) -> None:
    """Find nobody in an import any more, which keeps nothing of anybody."""
    await tx.execute(_FORGET, workspace_id, import_id)


async def forget_rows(tx: Transaction, workspace_id: UUID, import_id: UUID) -> None:
    """Find nobody in the rows of an import any more."""
    await tx.execute(_FORGET_ROWS, workspace_id, import_id)


async def forget_lines(tx: Transaction, workspace_id: UUID, import_id: UUID, lines: Sequence[int]) -> None:
    """Find nobody in some lines of an import any more."""
    await tx.execute(_FORGET_LINES, workspace_id, import_id, lines)


async def lines_of(tx: Transaction, workspace_id: UUID, hashes: Iterable[bytes]) -> list[Record]:
    """Return where a person is found: imports and their lines, `SAMPLES` for what a plan shows."""
    return await tx.fetch(_FOUND, workspace_id, sorted(hashes))


def hashes_of(lookup: Lookup, person: ErasedPerson) -> set[bytes]:
    """Return every hash by which an erased person may be found."""
    found = {lookup.hash("trace-reference", reference) for reference in person.references}
    identity = person.identity
    if identity is None:
        return found
    if identity.reference:
        found.add(lookup.hash("trace-reference", identity.reference))
    for text in (identity.email, identity.phone):
        found |= _contacts(lookup, text or "")
    whole = f"{identity.first_name or ''} {identity.last_name or ''}"
    for text in (identity.name, whole, identity.company or ""):
        found |= _name(lookup, text)
    return found


def is_named(lookup: Lookup, hashes: set[bytes], text: str) -> bool:
    """Say whether a text holds an address or number of a person, or their name in more than one word."""
    names = _name(lookup, text) if len(words(text)) > 1 else set()
    return not hashes.isdisjoint(_contacts(lookup, text) | names)


def without(plan: Plan, lookup: Lookup, hashes: set[bytes]) -> Plan:
    """Return a plan that shows nothing of a person; how the file is read stays as it is."""
    stored = json.read(plan.write())

    def is_theirs(text: str) -> bool:
        return not hashes.isdisjoint(_of_text(lookup, text))

    profile = stored["profile"]
    rows = [cells for cells in profile["head"] if not hashes.isdisjoint(_of_cells(lookup, cells))]
    theirs = {text for cells in rows for text in _leaves(cells)}
    profile["head"] = [cells for cells in profile["head"] if cells not in rows]
    for column in profile["columns"]:
        column["samples"] = [
            one
            for one in column["samples"]
            if not any(text in theirs or is_theirs(text) for text in _leaves(one))
        ]
        column["values"] = {text: count for text, count in column["values"].items() if not is_theirs(text)}
    for part in ("mapping", "layout"):
        stored[part] = _masked(stored[part], is_theirs)
    return Plan.read(json.write(stored))


def _masked(value: Any, is_theirs: Callable[[str], bool]) -> Any:
    if isinstance(value, str):
        return "…" if is_theirs(value) else value
    if isinstance(value, dict):
        return {name: _masked(member, is_theirs) for name, member in value.items()}
    return [_masked(member, is_theirs) for member in value] if isinstance(value, list) else value


def _of_row(lookup: Lookup, row: Row) -> set[bytes]:
    read = row.read if row.read is not None else row.body or {}
    said = [text for one in row.findings for text in (one.value, one.suggestion)]
    cells = cells_out(row.cells or ())
    found: set[bytes] = set()
    objects = list(_objects(read))
    # What a row of a file was read as stands in its cells.
    for text in {*_leaves(said), *_leaves(cells or read)}:
        found |= _contacts(lookup, text)
    found |= {lookup.hash("trace-reference", text) for text in _references(objects)}
    if not _has_contact(objects):
        found |= _names(lookup, cells)
        for members in objects:
            found |= _names(lookup, [members.get("first_name"), members.get("last_name")])
            found |= _names(lookup, list(members.values()))
    return found


def _of_plan(lookup: Lookup, stored: Mapping[str, Any]) -> set[bytes]:
    profile, layout = stored["profile"], stored["layout"]
    found: set[bytes] = set()
    for cells in profile["head"]:
        found |= _of_cells(lookup, cells)
    shown = [[column["samples"], list(column["values"])] for column in profile["columns"]]
    reasons = [column["reason"] for column in stored["mapping"]["columns"]]
    for text in set(_leaves([shown, layout.get("skipped"), reasons, stored["mapping"]["questions"]])):
        found |= _of_text(lookup, text)
    return found


def _of_cells(lookup: Lookup, cells: Sequence[Any]) -> set[bytes]:
    found = _names(lookup, cells)
    for text in _leaves(cells):
        found |= _of_text(lookup, text)
    return found


def _of_text(lookup: Lookup, text: str) -> set[bytes]:
    found = _contacts(lookup, text) | _name(lookup, text)
    if any(letter.isdigit() for letter in text):
        found.add(lookup.hash("trace-reference", text.strip()))
    return found


def _contacts(lookup: Lookup, text: str) -> set[bytes]:
    """Return the hashes of the addresses and numbers in a text."""
    found = set()
    if "@" in text or "at" in text:
        found = {lookup.hash("trace-email", one) for one in _addresses(text)}
    if len(_NO_DIGIT.sub("", text)) >= _TAIL_DIGITS:
        for part in _BETWEEN_NUMBERS.split(text):
            digits = _NO_DIGIT.sub("", part.removesuffix(".0"))
            if _TAIL_DIGITS <= len(digits) <= _NUMBER_DIGITS_MAX:
                found.add(lookup.hash("trace-phone", digits[-_TAIL_DIGITS:]))
    return found


def _addresses(text: str) -> Iterator[str]:
    """Yield the addresses in a text, and those that are meant by a slip: whoever has the right one is found by it."""
    for one in _ADDRESS.findall(text):
        local, _, domain = one.strip(".").lower().rpartition("@")
        yield f"{local}@{domain}"
        if meant := findings.meant(domain):
            yield f"{local}@{meant}"
    if (mended := findings.mended_address(text)) is not None:
        yield mended.lower()


def _name(lookup: Lookup, text: str) -> set[bytes]:
    """Return the hash of a text that may be a name, its words together and in no order."""
    found = [word for word in words(text) if word not in _CIVILITIES]
    if not 1 <= len(found) <= _NAME_WORDS_MAX or any(map(str.isdigit, found)):
        return set()
    return {lookup.hash("trace-name", " ".join(sorted(found)))}


def _names(lookup: Lookup, cells: Sequence[Any]) -> set[bytes]:
    """Return the hashes of the names in a row: a cell each, and two cells side by side, as first and last name stand."""
    texts = [text for text in cells if isinstance(text, str) and text.strip() and "@" not in text]
    found: set[bytes] = set()
    for text in texts:
        found |= _name(lookup, text)
    for first, second in pairwise(texts):
        found |= _name(lookup, f"{first} {second}")
    return found


def _has_contact(objects: Iterable[Mapping[str, Any]]) -> bool:
    """Say whether a row has an address or number that tells one person from another of the same name."""
    for members in objects:
        phone, email = members.get("phone"), members.get("email")
        if sum(map(str.isdecimal, str(phone or ""))) >= _TAIL_DIGITS or _is_address(email):
            return True
    return False


def _is_address(email: Any) -> bool:
    try:
        return isinstance(email, str) and bool(emails.normalise(email))
    except emails.EmailInvalid:
        return False


def _references(objects: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for members in objects:
        for name in _REFERENCES:
            if isinstance(text := members.get(name), str) and text.strip():
                yield text.strip()


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict):
        yield value
        for member in value.values():
            yield from _objects(member)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from _leaves(member)
    elif isinstance(value, list | tuple):
        for member in value:
            yield from _leaves(member)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
