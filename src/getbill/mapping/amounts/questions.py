"""Questions about amount columns."""

from getbill import sheets
from getbill.mapping.amounts.roles import ADDING_UP_MIN, leave_out
from getbill.mapping.columns import Candidate, has_fractions, texts_of
from getbill.mapping.cross_column_evidence import SampleRows
from getbill.mapping.fields import Field
from getbill.mapping.model import CERTAIN, Question
from getbill.mapping.vocabulary import Claim

# A lower share of negative amounts means credits between debts.
_NEGATIVE_MIN = 0.8


def ask_tax_included(amount: Candidate, candidates: list[Candidate], head: SampleRows) -> list[Question]:
    """Ask whether a lone amount includes the tax in an adjacent column."""
    for candidate in candidates:
        is_rate = "discount" in candidate.concepts
        if (
            "tax" in candidate.concepts
            and not is_rate
            and candidate.profile.filled
            and has_fractions(candidate.profile)
        ):
            if head.includes_tax(amount.profile, candidate.profile):
                return []
            if any(
                head.is_sum(amount.profile, [candidate.profile, net.profile])
                for net in candidates
                if _is_net(net, amount, candidate)
            ):
                return []
            proposed = Field.AMOUNT.value
            facts = amount.heading | {"tax": candidate.heading["header"]}
            return [
                Question("tax_included", (amount.column.index,), Field.AMOUNT, (proposed,), proposed, facts)
            ]
    return []


def _is_net(net: Candidate, amount: Candidate, tax: Candidate) -> bool:
    return net not in (amount, tax) and net.profile.number is not None and bool(net.profile.filled)


def ask_invoiced_only(candidate: Candidate, field: Field = Field.AMOUNT_INVOICED) -> Question:
    """Return the question whether an amount invoiced is still due in full."""
    proposed = field.value
    return Question(
        "invoiced_only", (candidate.column.index,), Field.AMOUNT, (proposed,), proposed, candidate.heading
    )


def ask_disagreement(
    due: Candidate,
    invoiced: list[Candidate],
    paid: list[Candidate],
    other_profiles: list[sheets.ColumnProfile],
    head: SampleRows,
) -> list[Question]:
    """Ask which column is wrong, where the amounts due and paid do not add up to the amount invoiced."""
    if not invoiced:
        return []
    columns = [due, *invoiced, *paid]
    if paid:
        if paid[0].best and paid[0].best.score < CERTAIN:
            leave_out(paid, "not_ours", paid[0])
            return []
        share = head.share_adding_up(due.profile, invoiced[0].profile, paid[0].profile)
        if share < ADDING_UP_MIN:
            # A credit note or a discount in its own column completes the sum.
            share = max(
                [
                    share,
                    *(
                        head.share_adding_up(due.profile, invoiced[0].profile, paid[0].profile, column)
                        for column in other_profiles
                    ),
                ]
            )
    else:
        share = head.share_within(due.profile, invoiced[0].profile)
    if share >= ADDING_UP_MIN:
        return []
    indexes = tuple(column.column.index for column in columns)
    facts = {"share": round(share, 2), "due": due.heading["header"]}
    return [Question("amounts_disagree", indexes, Field.AMOUNT, (), Field.AMOUNT.value, facts)]


def other_amounts(candidates: list[Candidate], excluded: list[Candidate]) -> list[sheets.ColumnProfile]:
    """Return the profiles of the columns of numbers besides some."""
    return [
        candidate.profile
        for candidate in candidates
        if candidate not in excluded
        and candidate.profile.number
        and candidate.profile.share(sheets.CellKind.NUMBER) >= CERTAIN
    ]


def ask_negative(due: Candidate, head: SampleRows) -> list[Question]:
    """Ask whether amounts are due that are nearly all negative."""
    if due.is_negated:
        return []
    if head.share_negative(due.profile) < _NEGATIVE_MIN:
        return []
    return [Question("negative_amounts", (due.column.index,), Field.AMOUNT, (), None, due.heading)]


def which_amount(cause: str, candidates: list[Candidate]) -> Question:
    """Return the question which of several columns is the amount due."""
    indexes = tuple(candidate.column.index for candidate in candidates)
    options = tuple(str(index) for index in indexes)
    facts = {"why": cause, "columns": [candidate.heading["header"] for candidate in candidates]}
    facts["examples"] = [next(iter(texts_of(candidate.profile)), "") for candidate in candidates]
    for candidate in candidates:
        candidate.set_claims(
            [Claim(claim.field, min(claim.score, 0.7), claim.role) for claim in candidate.claims]
        )
    return Question("which_amount", indexes, Field.AMOUNT, options, None, facts)
