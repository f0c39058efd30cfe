"""Candidate fields of each column, before the columns are compared with each other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from getbill import sheets
from getbill.kit.text.word_lists import WordLists
from getbill.mapping import vocabulary
from getbill.mapping.columns import contents
from getbill.mapping.fields import AMOUNTS, DATES, NAMES, Field
from getbill.mapping.model import CERTAIN, ColumnReason
from getbill.mapping.vocabulary import (
    CONCEPTS,
    Claim,
    HeaderTokens,
    claims,
    header_homonyms,
    normalize,
    parse_header,
)

# A claim below this score is not worth a question.
_NOTHING = 0.5
# Number of headers that determine a file's language.
_HEADERS_MIN = 3
# Contents that contradict the header raise a question, however clear they are.
_CONTRADICTED = 0.7
# A number filled in a smaller share of rows does not identify them.
MOST = 0.75
# The field and score of each part of a heading row about a customer.
_HEADINGS = {
    "name": (Field.NAME, 0.97),
    "name?": (Field.NAME, 0.6),
    "code": (Field.DEBTOR_REFERENCE, 0.97),
    "phone": (Field.PHONE, 0.97),
    "email": (Field.EMAIL, 0.97),
}
LISTS = WordLists(Path(__file__).with_name("columns.toml"))
_OWED = LISTS.members("due", "concepts", CONCEPTS)
_CRITICAL = (
    frozenset({Field.DUE_DATE, Field.INVOICE_DATE, Field.REFERENCE, Field.INVOICE_REFERENCE, Field.CURRENCY})
    | frozenset({Field.AMOUNT, Field.AMOUNT_INVOICED, Field.EMAIL, Field.PHONE, Field.MOBILE, Field.IBAN})
    | NAMES
)


@dataclass(slots=True)
class Candidate:
    """A column, its header tokens, its profile, and the fields it may be, best first."""

    column: sheets.Column
    profile: sheets.ColumnProfile
    tokens: HeaderTokens
    claims: list[Claim]
    reason: ColumnReason
    # Whether the header's words are known, even as something other than our fields.
    is_known: bool
    # Whether its negative amounts are due, as adjacent columns show.
    is_negated: bool = False
    # The field that the header names and the cells contradict.
    denied: Field | None = None

    @property
    def best(self) -> Claim | None:
        """The likeliest field."""
        return self.claims[0] if self.claims else None

    @property
    def heading(self) -> dict[str, str]:
        """The header as a fact of a reason or a question; the column's letter where it has none."""
        return {"header": self.column.header or self.column.letter}

    @property
    def concepts(self) -> frozenset[str]:
        """The concepts of the header."""
        return self.tokens.concepts

    @property
    def plain_header(self) -> str:
        """The header as patterns are compared with it."""
        return normalize(self.column.header)

    @property
    def is_unique(self) -> bool:
        """Whether nearly every row has its own value."""
        profile = self.profile
        return profile.filled == profile.distinct > 1 and profile.filled >= MOST * profile.rows

    def claim(self, field: Field) -> Claim | None:
        """Return the column's claim to a field."""
        return next((claim for claim in self.claims if claim.field == field), None)

    def may_be(self, fields: Iterable[Field], least: float = 0.0) -> bool:
        """Return whether the likeliest field is one of `fields`, with at least the score `least`."""
        return self.best is not None and self.best.field in set(fields) and self.best.score >= least

    def set_claims(self, claims: Sequence[Claim], reason: ColumnReason | None = None) -> None:
        """Set the fields that the column may be, from the evidence of adjacent columns."""
        self.claims = sorted(claims, key=lambda claim: -claim.score)
        if reason:
            self.reason = reason

    def decide(self, field: Field, score: float, why: str = "", other: "Candidate | None" = None) -> None:
        """Set the only field that the column may be, because of another column or of its own cells."""
        self.set_claims([Claim(field, score)], ColumnReason(why, (other or self).heading) if why else None)

    def leave_out(self, why: str, other: "Candidate | None" = None) -> None:
        """Leave the column without a field, because of another column or of its own cells."""
        self.set_claims([], ColumnReason(why, (other or self).heading))

    def reassign(
        self, old: Field, new: Field, score: float | None = None, reason: ColumnReason | None = None
    ) -> None:
        """Turn a claim to one field into a claim to another."""
        turned = [
            Claim(new, claim.score if score is None else score, claim.role) if claim.field == old else claim
            for claim in self.claims
            if claim.field == old or claim.field != new
        ]
        self.set_claims(turned, reason)


def candidates_for(candidates: Iterable[Candidate], *fields: Field) -> list[Candidate]:
    """Return the columns that are best claimed by any of some fields."""
    return [candidate for candidate in candidates if candidate.may_be(fields)]


def build_candidates(layout: sheets.Layout, profile: sheets.Profile) -> list[Candidate]:
    """Return each column of a file with the fields that its header and its contents suggest."""
    by_index = {column_profile.column.index: column_profile for column_profile in profile.columns}
    header_tokens = [
        _parse_column_header(column, by_index[column.index], layout) for column in layout.columns
    ]
    return [
        _candidate(column, by_index[column.index], tokens)
        for column, tokens in zip(layout.columns, header_tokens, strict=True)
    ]


def _parse_column_header(
    column: sheets.Column, profile: sheets.ColumnProfile, layout: sheets.Layout
) -> HeaderTokens:
    """Return the tokens of a header; an ambiguous word is read in the language of the other headers."""
    meanings = header_homonyms(column.header)
    if meanings:
        languages, headers = vocabulary.languages([other.header for other in layout.columns])
        matches = {meanings.get(language) for language in languages}
        concepts = matches.pop() if len(matches) == 1 and headers >= _HEADERS_MIN else None
        tokens = HeaderTokens(concepts) if concepts else None
        named = claims(tokens) if tokens else None
        if tokens and named is not None and (not named or _fit_claims(named, profile, 0)):
            return tokens
    return parse_header(column.header, column.group)


def _candidate(column: sheets.Column, profile: sheets.ColumnProfile, tokens: HeaderTokens) -> Candidate:
    if column.heading:
        claim = Claim(*_HEADINGS[column.heading])
        return Candidate(column, profile, tokens, [claim], ColumnReason("row_above", {}), is_known=True)
    if "days" in tokens.concepts and tokens.concepts & _OWED and contents.has_fractions(profile):
        # The amount due to date, not a number of days.
        tokens = replace(tokens, concepts=tokens.concepts - {"days"})
    named = claims(tokens) if tokens.concepts or tokens.whole else None
    facts = {"header": column.header}
    fitted = _fit_claims(named, profile, tokens.ordinal) if named else []
    if named and not fitted and tokens.typos:
        # A word read as a similar known one, which the cells contradict.
        tokens, named = replace(tokens, concepts=frozenset(), unknown=tokens.typos), None
    if named is None:
        content_claims = [
            claim for claim in contents.claims_from_contents(profile) if claim.score >= _NOTHING
        ]
        code = "contents" if content_claims else "empty" if not profile.filled else "unknown"
        return Candidate(
            column,
            profile,
            tokens,
            content_claims,
            ColumnReason(code, _content_facts(profile)),
            is_known=False,
        )
    if named == () and "terms" in tokens.concepts and profile.share(sheets.CellKind.DATE) >= CERTAIN:
        claim = Claim(Field.DUE_DATE, 0.85)
        return Candidate(column, profile, tokens, [claim], ColumnReason("header", facts), is_known=True)
    if not named:
        return Candidate(column, profile, tokens, [], ColumnReason("not_ours", facts), is_known=True)
    if fitted:
        code = "header_typo" if tokens.typos else "header"
        facts |= {"word": tokens.typos[0]} if tokens.typos else {}
        return Candidate(column, profile, tokens, fitted, ColumnReason(code, facts), is_known=True)
    # Contents are not accepted as an amount or a date below a header that names another field.
    named_fields = {claim.field for claim in named}
    content_claims = [
        Claim(claim.field, min(claim.score, _CONTRADICTED))
        for claim in contents.claims_from_contents(profile)
        if not any(claim.field in group and not named_fields & group for group in (AMOUNTS, DATES))
    ]
    reason = ColumnReason("contradicted", facts | _content_facts(profile) | {"field": named[0].field.value})
    first = named[0]
    denied = first.field if first.field in _CRITICAL and first.score >= CERTAIN else None
    return Candidate(column, profile, tokens, content_claims, reason, is_known=True, denied=denied)


def _fit_claims(named: tuple[Claim, ...], profile: sheets.ColumnProfile, ordinal: int) -> list[Claim]:
    fitted = [
        Claim(claim.field, min(0.99, claim.score * contents.fit(claim, profile) + 0.02), claim.role)
        for claim in named
    ]
    if ordinal > 1:
        # A second phone column is not the main phone number.
        fitted = [Claim(claim.field, claim.score - 0.12, claim.role) for claim in fitted]
    return sorted((claim for claim in fitted if claim.score >= _NOTHING), key=lambda claim: -claim.score)


def _content_facts(profile: sheets.ColumnProfile) -> dict[str, object]:
    return {"example": next(iter(contents.texts_of(profile)), ""), "filled": profile.filled}
