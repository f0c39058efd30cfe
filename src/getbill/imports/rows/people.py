"""Hash index of the people in stored import data: an erasure reaches every row, sample and file.

Hashed are addresses, numbers, references and names in rows with findings, in references of rows that matched
existing debts, and in a plan's samples. A name alone is hashed only in a row without an address or number:
two people may share a name, and then only their contact details distinguish them.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from asyncpg import Record

from getbill.companies import Workspace
from getbill.debtors import comparable_words
from getbill.debts import ErasedPerson
from getbill.imports import findings
from getbill.imports.findings import ImportRow, cells_out
from getbill.imports.reading_plan import ReadingPlan
from getbill.kit import json
from getbill.kit.database import Statement, Transaction
from getbill.kit.text import emails
from getbill.kit.text.word_lists import WordLists
from getbill.vault import Lookup

# The line number that stands for a plan's samples.
SAMPLES: Final = -1
# A person's numbers share their last digits, whatever the notation: with a country prefix, with zeros, as a
# float.
_TAIL_DIGITS: Final = 8
_NUMBER_DIGITS_MAX: Final = 20
_NAME_WORDS_MAX: Final = 6
_ADDRESS: Final = re.compile(r"[^\s<>()\[\],;:\"']+@[^\s<>()\[\],;:\"']+")
_NO_DIGIT: Final = re.compile(r"\D+")
_BETWEEN_NUMBERS: Final = re.compile(r"[/;,|\n]")
_CIVILITIES: Final = frozenset(WordLists(Path(__file__).with_name("people.toml")).words("civilities"))
_REFERENCES: Final = ("reference", "invoice_reference", "debtor_reference", "customer_reference")

_INSERT = Statement(
    "imports.insert_person",
    "Insert the hash of a person in a row or in the samples of an import.",
    "INSERT INTO import_people (workspace_id, import_id, line, hash) VALUES ($1, $2, $3, $4)",
)
_ADD = Statement(
    "imports.add_person",
    "Insert one more hash of a row.",
    """
    INSERT INTO import_people (workspace_id, import_id, line, hash) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
    """,
)
_DELETE = Statement(
    "imports.delete_people",
    "Delete the hashes of people of an import.",
    "DELETE FROM import_people WHERE workspace_id = $1 AND import_id = $2",
)
_DELETE_LINES = Statement(
    "imports.delete_people_of_lines",
    "Delete the hashes of people of some lines.",
    "DELETE FROM import_people WHERE workspace_id = $1 AND import_id = $2 AND line = ANY($3)",
)
_DELETE_ROWS = Statement(
    "imports.delete_people_of_rows",
    "Delete the hashes of people of all rows, but not of the samples.",
    "DELETE FROM import_people WHERE workspace_id = $1 AND import_id = $2 AND line >= 0",
)
_LINES_OF_PERSON = Statement(
    "imports.find_lines_of_person",
    "Imports and lines that contain a person.",
    "SELECT DISTINCT import_id, line FROM import_people WHERE workspace_id = $1 AND hash = ANY($2)",
)


def index_rows(tx: Transaction, workspace: Workspace, import_id: UUID, rows: Iterable[ImportRow]) -> None:
    """Index the people in some rows, whatever their findings."""
    for row in rows:
        for person_hash in sorted(_hash_row(workspace.lookup, row)):
            tx.defer(_INSERT, workspace.id, import_id, row.line, person_hash)


def index_references(
    tx: Transaction, workspace: Workspace, import_id: UUID, lines: Iterable[tuple[int, str]]
) -> None:
    """Index rows without findings by their references: their debts existed already."""
    for line, reference in lines:
        tx.defer(_INSERT, workspace.id, import_id, line, workspace.lookup.hash("trace-reference", reference))


def index_row(tx: Transaction, workspace: Workspace, import_id: UUID, row: ImportRow) -> None:
    """Index the people in a corrected row in addition."""
    for person_hash in sorted(_hash_row(workspace.lookup, row)):
        tx.defer(_ADD, workspace.id, import_id, row.line, person_hash)


async def index_samples(tx: Transaction, workspace: Workspace, import_id: UUID, plan: ReadingPlan) -> None:
    """Replace the index of the people in a plan's samples."""
    await tx.execute(_DELETE_LINES, workspace.id, import_id, [SAMPLES])
    for person_hash in sorted(_hash_plan(workspace.lookup, json.read(plan.write()))):
        tx.defer(_INSERT, workspace.id, import_id, SAMPLES, person_hash)


async def delete_people(tx: Transaction, workspace_id: UUID, import_id: UUID) -> None:
    """Delete the whole index of an import that no longer holds personal data."""
    await tx.execute(_DELETE, workspace_id, import_id)


async def delete_rows(tx: Transaction, workspace_id: UUID, import_id: UUID) -> None:
    """Delete the index of an import's rows."""
    await tx.execute(_DELETE_ROWS, workspace_id, import_id)


async def delete_lines(tx: Transaction, workspace_id: UUID, import_id: UUID, lines: Sequence[int]) -> None:
    """Delete the index of some lines of an import."""
    await tx.execute(_DELETE_LINES, workspace_id, import_id, lines)


async def find_lines(tx: Transaction, workspace_id: UUID, hashes: Iterable[bytes]) -> list[Record]:
    """Return the imports and lines where a person occurs; `SAMPLES` stands for a plan's samples."""
    return await tx.fetch(_LINES_OF_PERSON, workspace_id, sorted(hashes))


def hash_person(lookup: Lookup, person: ErasedPerson) -> set[bytes]:
    """Return every hash by which an erased person may be found."""
    hashes = {lookup.hash("trace-reference", reference) for reference in person.references}
    identity = person.identity
    if identity is None:
        return hashes
    for reference in identity.references:
        hashes.add(lookup.hash("trace-reference", reference))
    for text in (*identity.values("email"), *identity.values("phone")):
        hashes |= _hash_contacts(lookup, text)
    full_name = f"{identity.first_name or ''} {identity.last_name or ''}"
    for text in (*identity.all_names, full_name, identity.company or ""):
        hashes |= _hash_name(lookup, text)
    return hashes


def is_named(lookup: Lookup, hashes: set[bytes], text: str) -> bool:
    """Return whether a text has an address or number of a person, or their name in more than one word."""
    names = _hash_name(lookup, text) if len(comparable_words(text)) > 1 else set()
    return not hashes.isdisjoint(_hash_contacts(lookup, text) | names)


def without_person(plan: ReadingPlan, lookup: Lookup, hashes: set[bytes]) -> ReadingPlan:
    """Return a plan without samples of a person; how the file is read stays unchanged."""
    stored = json.read(plan.write())

    def is_of_person(text: str) -> bool:
        return not hashes.isdisjoint(_hash_text(lookup, text))

    profile = stored["profile"]
    rows = [cells for cells in profile["head"] if not hashes.isdisjoint(_hash_cells(lookup, cells))]
    person_texts = {text for cells in rows for text in _leaves(cells)}
    profile["head"] = [cells for cells in profile["head"] if cells not in rows]
    for column in profile["columns"]:
        column["samples"] = [
            sample
            for sample in column["samples"]
            if not any(text in person_texts or is_of_person(text) for text in _leaves(sample))
        ]
        column["values"] = {text: count for text, count in column["values"].items() if not is_of_person(text)}
    for part in ("mapping", "layout"):
        stored[part] = _masked(stored[part], is_of_person)
    return ReadingPlan.read(json.write(stored))


def _masked(value: Any, is_of_person: Callable[[str], bool]) -> Any:
    if isinstance(value, str):
        return "…" if is_of_person(value) else value
    if isinstance(value, dict):
        return {name: _masked(member, is_of_person) for name, member in value.items()}
    return [_masked(member, is_of_person) for member in value] if isinstance(value, list) else value


def _hash_row(lookup: Lookup, row: ImportRow) -> set[bytes]:
    body = row.parsed_body if row.parsed_body is not None else row.body or {}
    finding_values = [text for finding in row.findings for text in (finding.value, finding.suggestion)]
    cells = cells_out(row.cells or ())
    hashes: set[bytes] = set()
    objects = list(_objects(body))
    # The parsed body of a file's row repeats its cells.
    for text in {*_leaves(finding_values), *_leaves(cells or body)}:
        hashes |= _hash_contacts(lookup, text)
    hashes |= {lookup.hash("trace-reference", text) for text in _references(objects)}
    if not _has_contact(objects):
        hashes |= _hash_names(lookup, cells)
        for members in objects:
            hashes |= _hash_names(lookup, [members.get("first_name"), members.get("last_name")])
            hashes |= _hash_names(lookup, list(members.values()))
    return hashes


def _hash_plan(lookup: Lookup, stored: Mapping[str, Any]) -> set[bytes]:
    profile, layout = stored["profile"], stored["layout"]
    hashes: set[bytes] = set()
    for cells in profile["head"]:
        hashes |= _hash_cells(lookup, cells)
    samples = [[column["samples"], list(column["values"])] for column in profile["columns"]]
    reasons = [column["reason"] for column in stored["mapping"]["columns"]]
    for text in set(_leaves([samples, layout.get("skipped"), reasons, stored["mapping"]["questions"]])):
        hashes |= _hash_text(lookup, text)
    return hashes


def _hash_cells(lookup: Lookup, cells: Sequence[Any]) -> set[bytes]:
    hashes = _hash_names(lookup, cells)
    for text in _leaves(cells):
        hashes |= _hash_text(lookup, text)
    return hashes


def _hash_text(lookup: Lookup, text: str) -> set[bytes]:
    hashes = _hash_contacts(lookup, text) | _hash_name(lookup, text)
    if any(letter.isdigit() for letter in text):
        hashes.add(lookup.hash("trace-reference", text.strip()))
    return hashes


def _hash_contacts(lookup: Lookup, text: str) -> set[bytes]:
    """Return the hashes of the addresses and numbers in a text."""
    hashes = set()
    if "@" in text or "at" in text:
        hashes = {lookup.hash("trace-email", address) for address in _addresses(text)}
    if len(_NO_DIGIT.sub("", text)) >= _TAIL_DIGITS:
        for part in _BETWEEN_NUMBERS.split(text):
            digits = _NO_DIGIT.sub("", part.removesuffix(".0"))
            if _TAIL_DIGITS <= len(digits) <= _NUMBER_DIGITS_MAX:
                hashes.add(lookup.hash("trace-phone", digits[-_TAIL_DIGITS:]))
    return hashes


def _addresses(text: str) -> Iterator[str]:
    """Yield the addresses in a text and their suggested corrections, to find the owner of either."""
    for address in _ADDRESS.findall(text):
        local, _, domain = address.strip(".").lower().rpartition("@")
        yield f"{local}@{domain}"
        if suggested_domain := findings.suggest_domain(domain):
            yield f"{local}@{suggested_domain}"
    if (suggested_address := findings.suggest_address(text)) is not None:
        yield suggested_address.lower()


def _hash_name(lookup: Lookup, text: str) -> set[bytes]:
    """Return the hash of a text that may be a name, with its words in any order."""
    name_words = [word for word in comparable_words(text) if word not in _CIVILITIES]
    if not 1 <= len(name_words) <= _NAME_WORDS_MAX or any(map(str.isdigit, name_words)):
        return set()
    return {lookup.hash("trace-name", " ".join(sorted(name_words)))}


def _hash_names(lookup: Lookup, cells: Sequence[Any]) -> set[bytes]:
    """Return the hashes of the names in a row: single cells, and adjacent cells as first and last name."""
    texts = [text for text in cells if isinstance(text, str) and text.strip() and "@" not in text]
    hashes: set[bytes] = set()
    for text in texts:
        hashes |= _hash_name(lookup, text)
    for first, second in pairwise(texts):
        hashes |= _hash_name(lookup, f"{first} {second}")
    return hashes


def _has_contact(objects: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether a row has an address or number that distinguishes people with the same name."""
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
