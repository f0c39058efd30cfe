"""Header rules, from `header_rules.toml`: the first whose concepts are all present decides the fields."""

from dataclasses import dataclass
from pathlib import Path

from getbill.kit.text.word_lists import WordLists
from getbill.mapping.fields import Field
from getbill.mapping.vocabulary.header_words import CONCEPTS
from getbill.mapping.vocabulary.headers import HeaderTokens


@dataclass(frozen=True, slots=True)
class Claim:
    """A possible field of a column, with its score.

    `role` adds details to the field: `net`, `debit`, `credit`, `contact`, where other columns decide.
    """

    field: Field
    score: float
    role: str = ""


# Names in the rules that stand for a field with a role.
_ROLES = {
    "amount_net": (Field.AMOUNT_INVOICED, "net"),
    "debit": (Field.AMOUNT_INVOICED, "debit"),
    "credit": (Field.AMOUNT_PAID, "credit"),
    "contact": (Field.NAME, "contact"),
}


def claims(tokens: HeaderTokens) -> tuple[Claim, ...] | None:
    """Return the fields of a header, best first; empty for a known header without one, None when unknown."""
    if tokens.whole:
        return (Claim(Field(tokens.whole), 0.99),)
    for needs, rule_claims in _RULES:
        if needs <= tokens.concepts:
            extra = 0.02 * max(0, len(tokens.concepts - needs - _HARMLESS))
            deduction = tokens.doubt + extra
            return tuple(Claim(claim.field, claim.score - deduction, claim.role) for claim in rule_claims)
    return None


def _claim(name: str, score: float) -> Claim:
    field, role = _ROLES.get(name) or (Field(name), "")
    return Claim(field, score, role)


_LISTS = WordLists(Path(__file__).with_name("header_rules.toml"))
_RULES = tuple(
    (needs, tuple(_claim(name, score) for name, score in fields.items()))
    for needs, fields in _LISTS.rules("rules", CONCEPTS, {*Field, *_ROLES}).items()
)
# Concepts that name the owner of a value without changing its kind.
_HARMLESS = frozenset(_LISTS.words("harmless", "groups"))
