"""The truths of a layout beside what the API made of its file: each value right, questioned, reported, missing or wrong.

Wrong is what is wrong in silence: the value differs, or a debt that nobody owes exists, or an owed row is none, or two
people are one debtor, and neither a question concerned it nor a finding names that row and field.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from itertools import combinations
from typing import Any

from testbed.corpus.exports.answers import ROWS, SCORED, Shown, scored_as
from testbed.corpus.exports.layout import Layout, Truth
from testbed.corpus.exports.upload import Exchange

RIGHT, QUESTIONED, REPORTED, MISSING, WRONG = "right", "questioned", "reported", "missing", "wrong"
OUTCOMES = (RIGHT, QUESTIONED, REPORTED, MISSING, WRONG)
# Only what the file has is among the truths: these come from nowhere else, so that a value too many is wrong.
_NOT_MADE_UP = ("due_date", "invoice_date", "email", "phone", "postal_code", "city")
_CIVILITIES = (
    "m", "mr", "mrs", "ms", "miss", "mme", "mlle", "monsieur", "madame", "mademoiselle", "dr", "herr", "herrn", "frau",
    "sr", "sra", "srta", "d", "dna", "sig", "sigra", "dhr", "mevr", "mw", "pan", "pani",
)  # fmt: skip
_WORD = re.compile(r"[\w&+'-]+")
_POINTERS = {
    "/debtor/name": "name", "/debtor/first_name": "name", "/debtor/last_name": "name", "/debtor/company": "name",
    "/debtor/email": "email", "/debtor/phone": "phone", "/debtor/address/postal_code": "postal_code",
    "/debtor/address/city": "city", "/debtor/address/country": "country",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Miss:
    """One thing that is not as the truth has it."""

    layout: str
    line: int | None
    name: str
    outcome: str
    truth: str
    value: str
    codes: str

    def __str__(self) -> str:
        """Return it as one line of a listing."""
        place = f"line {self.line}" if self.line else "no line"
        return f"{self.layout}: {place}: {self.name} {self.outcome}: truth {self.truth!r}, is {self.value!r} [{self.codes}]"


@dataclass(slots=True)
class Verdict:
    """What is said of one file, or of many together."""

    files: int = 0
    files_without_question: int = 0
    # By what is scored: how many values came out how.
    outcomes: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in SCORED})
    # Of those questioned, the values that the file alone cannot settle.
    undecidable: Counter[str] = field(default_factory=Counter)
    # Taken without a question though the file alone cannot settle it, and right all the same.
    guessed: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    second_rounds: int = 0
    wrong_after_answers: int = 0
    questions: Counter[str] = field(default_factory=Counter)
    misses: list[Miss] = field(default_factory=list)
    # Per file, what was asked.
    asking: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def values(self) -> int:
        """How many values the truths have."""
        return sum(sum(counted.values()) for counted in self.outcomes.values())

    @property
    def right(self) -> int:
        """How many of them were right without a question."""
        return sum(counted[RIGHT] for counted in self.outcomes.values())

    @property
    def wrong(self) -> int:
        """How many values and rows are wrong in silence."""
        return sum(counted[WRONG] for counted in self.outcomes.values()) + self.rows[WRONG]

    @property
    def lost(self) -> int:
        """How many values the file has and the debts have not, without a word."""
        return sum(counted[MISSING] for counted in self.outcomes.values())

    def add(self, other: "Verdict") -> None:
        """Count another verdict in."""
        self.files += other.files
        self.files_without_question += other.files_without_question
        for name, counted in other.outcomes.items():
            self.outcomes[name] += counted
        for mine, its in (
            (self.undecidable, other.undecidable),
            (self.guessed, other.guessed),
            (self.rows, other.rows),
            (self.questions, other.questions),
        ):
            mine.update(its)
        self.second_rounds += other.second_rounds
        self.wrong_after_answers += other.wrong_after_answers
        self.misses += other.misses
        self.asking += other.asking
        self.faults += other.faults


def judge(exchange: Exchange) -> Verdict:
    """Hold what became of a file against its truths."""
    return _Judge(exchange).verdict()


def judged(exchanges: Sequence[Exchange]) -> Verdict:
    """Hold many files against their truths."""
    total = Verdict()
    for exchange in exchanges:
        total.add(judge(exchange))
    return total


class _Judge:
    def __init__(self, exchange: Exchange) -> None:
        self.one, self.layout = exchange, exchange.layout
        self.result = Verdict(files=1)
        self.findings = _by_line(exchange)
        self.is_refused = not exchange.import_id or exchange.shown.get("state") == "failed"

    def verdict(self) -> Verdict:
        item, result = self.one, self.result
        result.files_without_question = int(not item.rounds)
        result.second_rounds = max(0, len(item.rounds) - 1)
        result.questions.update(code for codes in item.rounds for code in set(codes))
        result.asking += [f"{self.layout.name}: {question}" for question in item.questions]
        result.faults += [f"{self.layout.name}: {fault}" for fault in item.faults]
        if result.second_rounds:
            result.faults.append(f"{self.layout.name}: more than one round of questions: {item.rounds}")
        if item.needs_answers:
            result.faults.append(f"{self.layout.name}: still waits for {item.shown['waiting_for']}")
        pairs, strangers = matched(self.layout.debts, item.debts)
        for truth, debt in pairs:
            if debt is None:
                self._lost(truth)
            else:
                for name in SCORED:
                    self._compare(truth, debt, name)
        for debt in strangers:
            is_questioned = ROWS in self.one.concerned
            self._wrong_row(None, "debt", ("owed by nobody", _of_debt(debt)), is_questioned=is_questioned)
        self._merged([(truth, debt) for truth, debt in pairs if debt is not None])
        return result

    def _lost(self, truth: Truth) -> None:
        """Count an owed row that is no debt."""
        whole = self.findings.get(truth.line, {})
        is_questioned = ROWS in self.one.concerned or self.one.needs_answers
        outcome = REPORTED if self.is_refused or whole.get("") else QUESTIONED if is_questioned else MISSING
        codes = whole.get("") or self._error()
        for name in SCORED:
            if truth.get(name) is not None:
                self.result.outcomes[name][outcome] += 1
        if outcome == MISSING:
            self._wrong_row(truth.line, "owed row", (_brief(truth), "no debt"), is_questioned=False)
        else:
            self._miss(truth.line, "owed row", outcome, (_brief(truth), "no debt"), codes or self.questions)

    def _error(self) -> str:
        error = self.one.shown.get("error") if self.one.shown else None
        return error["code"] if error else ""

    def _compare(self, truth: Truth, debt: Shown, name: str) -> None:
        company, value = truth.get(name), _values(debt)[name]
        if name == "name" and company is None:
            company = truth.get("company")
        if company is None:
            self._too_much(truth, name, value)
            return
        is_right = _SAME[name](truth, company, debt)
        codes = self.findings.get(truth.line, {}).get(name, "")
        if name in self.one.concerned:
            self._count(truth.line, name, QUESTIONED, (company, value), codes, is_right=is_right)
        elif is_right:
            self._count(truth.line, name, RIGHT, (company, value), codes, is_right=True)
            self.result.guessed[name] += name in self.layout.must_ask
        else:
            outcome = REPORTED if codes else WRONG if value else MISSING
            self._count(truth.line, name, outcome, (company, value), codes)

    def _too_much(self, truth: Truth, name: str, value: str) -> None:
        """Count a value that the truth does not have: taken from elsewhere, or without the evidence for it."""
        # Where no column is a reference, rows are told apart by columns that are, and the reference says which.
        is_composed = name == "reference" and bool(self.one.mapping.get("reference_from"))
        # The customer's own code does so too, in a list of customers' totals.
        is_composed |= name == "reference" and value == truth.get("debtor_reference")
        may_not = (name in _NOT_MADE_UP or name in self.layout.must_ask) and not is_composed
        is_silent = name not in self.one.concerned and name not in self.findings.get(truth.line, {})
        if value and may_not and is_silent:
            self._count(truth.line, name, WRONG, ("", value), "")

    def _count(
        self,
        line: int,
        name: str,
        outcome: str,
        values: tuple[str, str],
        codes: str,
        *,
        is_right: bool = False,
    ) -> None:
        self.result.outcomes[name][outcome] += 1
        is_undecidable = outcome == QUESTIONED and self._must_ask(name)
        self.result.undecidable[name] += is_undecidable
        if outcome == QUESTIONED and not is_right and not codes:
            self.result.wrong_after_answers += 1
            outcome = "wrong or missing after the answers"
        if outcome != RIGHT and not is_undecidable:
            self._miss(line, name, outcome, values, codes or ("" if outcome == WRONG else self.questions))

    def _must_ask(self, name: str) -> bool:
        """Tell whether the file alone cannot settle a value: by its field, or by every question that the file asks."""
        codes = {code for codes in self.one.rounds for code in codes}
        return name in self.layout.must_ask or (bool(codes) and codes <= self.layout.must_ask)

    def _wrong_row(
        self, line: int | None, what: str, values: tuple[str, str], *, is_questioned: bool
    ) -> None:
        outcome = QUESTIONED if is_questioned else WRONG
        self.result.rows[outcome] += 1
        self.result.wrong_after_answers += is_questioned
        answer = "wrong after the answers" if is_questioned else WRONG
        self._miss(line, what, answer, values, self.questions)

    def _miss(self, line: int | None, name: str, outcome: str, values: tuple[str, str], codes: str) -> None:
        self.result.misses.append(Miss(self.layout.name, line, name, outcome, *values, codes))

    @property
    def questions(self) -> str:
        """The codes of all questions of the file."""
        return ",".join(code for codes in self.one.rounds for code in codes)

    def _merged(self, pairs: Sequence[tuple[Truth, Shown]]) -> None:
        """Count people who became one debtor."""
        by_debtor: dict[str, list[Truth]] = {}
        for truth, debt in pairs:
            by_debtor.setdefault(debt["debtor"]["id"], []).append(truth)
        for truths in by_debtor.values():
            strangers = [pair for pair in combinations(truths, 2) if _are_different_people(*pair)]
            if strangers:
                first, second = strangers[0]
                names = f"{_brief(first)} and {_brief(second)}"
                is_questioned = "name" in self.one.concerned
                self._wrong_row(
                    second.line, "people made one debtor", (names, ""), is_questioned=is_questioned
                )


def _by_line(exchange: Exchange) -> dict[int, dict[str, str]]:
    """Return the codes of findings by line and by what is scored; `""` has those of rows that are no debts."""
    fields = {column["letter"]: column for column in exchange.mapping.get("columns", ())}
    by_line: dict[int, dict[str, str]] = {}
    for finding in exchange.findings:
        codes = by_line.setdefault(finding["line"], {})
        code = f"{finding['code']} of {finding['column']}" if finding["column"] else finding["code"]
        for name in _named(exchange.layout, fields.get(finding["letter"]), finding):
            codes[name] = f"{codes[name]}, {code}" if name in codes else code
    return by_line


def _named(layout: Layout, column: Shown | None, finding: Shown) -> Iterator[str]:
    if finding["outcome"] in {"rejected", "skipped"}:
        yield ""
    if column is not None:
        label = layout.label(column["header"], column["letter"])
        yield from scored_as(column["field"]) | scored_as(label)
        if layout.statuses(column["header"], column["letter"]) is not None:
            yield "amount"
    elif (pointer := str(finding["column"] or "")).startswith("/"):
        yield _POINTERS.get(pointer, pointer.strip("/"))


def matched(
    truths: Sequence[Truth], debts: Sequence[Shown]
) -> tuple[list[tuple[Truth, Shown | None]], list[Shown]]:
    """Pair truths with debts, by their reference and else by what they have in common; return also the debts left."""
    left = list(debts)
    pairs: dict[int, Shown | None] = {}
    for least in (_SURE, _LIKELY):
        offers = sorted(
            (
                (_likeness(truth, debt), -number, -place, debt)
                for number, truth in enumerate(truths)
                if number not in pairs
                for place, debt in enumerate(left)
            ),
            key=lambda offer: offer[:3],
            reverse=True,
        )
        for likeness, minus_number, _, debt in offers:
            if likeness >= least and -minus_number not in pairs and any(debt is other for other in left):
                pairs[-minus_number] = debt
                left = [other for other in left if other is not debt]
    return [(truth, pairs.get(number)) for number, truth in enumerate(truths)], left


_SURE, _LIKELY = 100, 5


def _likeness(truth: Truth, debt: Shown) -> int:
    """Return how likely a debt is the truth's: its reference decides, else two of amount, name, e-mail and date."""
    same = {
        name
        for name in SCORED
        if (expected := truth.get(name)) is not None and _SAME[name](truth, expected, debt)
    }
    weights = {"reference": 100, "amount": 3, "name": 3, "email": 3, "due_date": 2, "invoice_date": 2}
    return sum(weights.get(name, 0) for name in same)


def _are_different_people(truth: Truth, other: Truth) -> bool:
    codes = truth.get("debtor_reference"), other.get("debtor_reference")
    if codes[0] is not None and codes[0] == codes[1]:
        return False
    names = [
        {_words(value) for value in (truth.get("name"), truth.get("company")) if value}
        for truth in (truth, other)
    ]
    return not names[0] & names[1]


def _values(debt: Shown) -> dict[str, str]:
    debtor = debt["debtor"]
    address = debtor["address"] or {}
    company = f" ({debtor['company']})" if debtor["company"] and debtor["company"] != debtor["name"] else ""
    values = {
        "reference": debt["reference"], "name": f"{debtor['name']}{company}", "amount": debt["balance"],
        "currency": debt["currency"], "due_date": debt["due_date"], "invoice_date": debt["invoice_date"],
        "email": debtor["email"], "phone": debtor["phone"], "postal_code": address.get("postal_code"),
        "city": address.get("city"), "country": address.get("country"),
    }  # fmt: skip
    return {name: "" if value is None else str(value) for name, value in values.items()}


def _brief(truth: Truth) -> str:
    return f"{truth.get('reference')} {truth.get('name') or truth.get('company')} {truth.get('amount')}"


def _of_debt(debt: Shown) -> str:
    return f"{debt['reference']} {debt['debtor']['name']} {debt['balance']}"


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _words(text: str) -> tuple[str, ...]:
    """Return a name's words in no order, without its civility."""
    words = sorted(_WORD.findall(_folded(text).replace(".", "")))
    return tuple(word for word in words if word not in _CIVILITIES) or tuple(words)


def _is_name(truth: Truth, name: str, debt: Shown) -> bool:
    debtor = debt["debtor"]
    both = " ".join(part for part in (debtor["first_name"], debtor["last_name"]) if part)
    names = {_words(name) for name in (debtor["name"], debtor["company"], both) if name}
    company = truth.get("company")
    # Of a row with a company and its contact the debtor is the company.
    return _words(company or name) in names


def _is_reference(truth: Truth, name: str, debt: Shown) -> bool:
    texts = {_folded(debt[name]) for name in ("reference", "invoice_reference") if debt[name]}
    # Instalments of one invoice: the reference carries the due date.
    is_instalment = debt["due_date"] is not None and debt["due_date"] == truth.get("due_date")
    is_carried = is_instalment and _folded(debt["reference"]).startswith(_folded(name))
    return _folded(name) in texts or is_carried


def _is_amount(_truth: Truth, name: str, debt: Shown) -> bool:
    try:
        return Decimal(name) == Decimal(str(debt["balance"]))
    except InvalidOperation:
        return False


def _is_text(name: str) -> Any:
    def same(_truth: Truth, full_name: str, debt: Shown) -> bool:
        return _folded(full_name) == _folded(_values(debt)[name])

    return same


def _is_code(name: str) -> Any:
    def same(_truth: Truth, full_name: str, debt: Shown) -> bool:
        return _folded(full_name).replace(" ", "") == _folded(_values(debt)[name]).replace(" ", "")

    return same


_SAME: Mapping[str, Any] = {
    **{name: _is_text(name) for name in SCORED},
    **{name: _is_code(name) for name in ("phone", "postal_code")},
    "reference": _is_reference,
    "name": _is_name,
    "amount": _is_amount,
}
