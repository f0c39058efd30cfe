"""Roles of amount columns: the amount due, the amount invoiced and the amount paid.

The wrong column bills debtors for paid amounts, so every doubt becomes a question: two columns that could
both be due, an amount without tax only, a debit and a credit, columns that do not add up.
"""

from collections.abc import Iterable
from dataclasses import replace
from itertools import permutations

from getbill import sheets
from getbill.mapping.amounts.units import LISTS
from getbill.mapping.columns import Candidate, has_fractions, texts_of
from getbill.mapping.cross_column_evidence import Head
from getbill.mapping.model import AMOUNTS, CERTAIN, NAMES, ColumnReason, Field, Question
from getbill.mapping.vocabulary import CONCEPTS, Claim, normalize

_PLAIN_MIN = 0.5
_NO_REMAINDER = LISTS.members("no_remainder", "concepts", CONCEPTS)
_PAYMENT = LISTS.pattern("payment")
_LOCAL = LISTS.pattern("local", r"\b(?:{})\b")
_PART = LISTS.pattern("remaining")
_DAYS_CHARS_MAX = 3
_OF_MONEY = LISTS.members("money", "concepts", CONCEPTS)
# A lower share of negative amounts means credits between debts.
_NEGATIVE_MIN = 0.8
# The reason code for leaving out a column that is one part of the amount due.
PART_OF_DUE = "part_of_due"
# Minimum share of rows in which the amount due is the amount invoiced less the amount paid.
ADDING_UP_MIN = 0.75


def weigh_amounts(candidates: list[Candidate], head: Head, *, has_open_items: bool = False) -> list[Question]:
    """Assign the amount columns, and return the questions that only a person can decide."""
    _leave_balances(candidates, head)
    _take_credits(candidates)
    _take_payments(candidates, head)
    paid = _clearest_paid(
        [candidate for candidate in _claiming(candidates, Field.AMOUNT_PAID) if not _role(candidate)], head
    )
    _take_aged(candidates, head)
    _take_remainder(candidates, paid, head)
    due = [candidate for candidate in _claiming(candidates, Field.AMOUNT) if _is_due(candidate)]
    unqualified = [
        candidate
        for candidate in _claiming(candidates, Field.AMOUNT)
        if candidate not in due and candidate.is_known
    ]
    invoiced = [
        candidate for candidate in _claiming(candidates, Field.AMOUNT_INVOICED) if _role(candidate) == ""
    ]
    due = _without_local(_without_days(due, [*unqualified, *invoiced]), candidates, head)
    net = [
        candidate for candidate in _claiming(candidates, Field.AMOUNT_INVOICED) if _role(candidate) == "net"
    ]
    ledger = [candidate for candidate in candidates if _role(candidate) in {"debit", "credit"}]
    _turn_credits_less_debits(due, ledger, head)
    if due:
        other_amounts = [*net, *ledger]
        return _ask_aged_or_part(due, candidates, head) or _decide_with_due(
            due, [*invoiced, *unqualified], other_amounts, paid, candidates, head
        )
    if ledger and not (unqualified or invoiced):
        return _decide_ledger(ledger, candidates, head, has_open_items=has_open_items)
    # An unexplained amount that differs from the other may be its remaining amount.
    unexplained = [
        candidate
        for candidate in _claiming(candidates, Field.AMOUNT)
        if (unqualified or invoiced) and not candidate.is_known and has_fractions(candidate.profile)
    ]
    unexplained += _remainders(candidates, [*unqualified, *invoiced, *unexplained], head)
    if unexplained or (unqualified and invoiced) or len(unqualified) > 1:
        return _several_amounts([*unqualified, *invoiced, *unexplained], net, head)
    if unqualified:
        _leave_out([*net, *ledger], "net_of_tax", unqualified[0])
        if "currency" in unqualified[0].tokens.concepts and any(
            candidate.may_be((Field.CURRENCY,), 0.8) for candidate in candidates
        ):
            # The amount in the currency of the adjacent column.
            unqualified[0].reassign(Field.AMOUNT, Field.AMOUNT, 0.8)
        return _decide_plain_alone(unqualified[0], paid, candidates) or _ask_tax_included(
            unqualified[0], candidates, head
        )
    if invoiced:
        _leave_out([*net, *ledger], "net_of_tax", invoiced[0])
        return _several_amounts(invoiced, [], head) or ([] if paid else [_ask_invoiced_only(invoiced[0])])
    return [_which_amount("only_net", net)] if net else []


def _take_payments(candidates: list[Candidate], head: Head) -> None:
    """Use a "payment" column as the amount paid where in every row the amount due is the invoice less it."""
    due = [candidate for candidate in _claiming(candidates, Field.AMOUNT) if _is_due(candidate)]
    invoiced = [
        candidate for candidate in _claiming(candidates, Field.AMOUNT_INVOICED) if not _role(candidate)
    ]
    payments = [candidate for candidate in due if _PAYMENT.search(normalize(candidate.column.header))]
    if len(due) == 2 and len(payments) == len(invoiced) == 1:
        remainder = next(candidate for candidate in due if candidate is not payments[0])
        if head.share_adding_up(remainder.profile, invoiced[0].profile, payments[0].profile) == 1:
            payments[0].set_claims(
                [Claim(Field.AMOUNT_PAID, 0.93)], ColumnReason("header", payments[0].heading)
            )


def _without_local(due: list[Candidate], candidates: list[Candidate], head: Head) -> list[Candidate]:
    """Leave out the amount due in the company's currency beside the same amount in the row's currency.

    The two differ only in rows that name a currency.
    """
    local = [candidate for candidate in due if _LOCAL.search(normalize(candidate.column.header))]
    in_row_currency = [
        candidate for candidate in due if "local" not in candidate.tokens.concepts and candidate not in local
    ]
    currency_profiles = [
        candidate.profile for candidate in candidates if candidate.may_be((Field.CURRENCY,), 0.8)
    ]
    if len(due) != 2 or len(local) != 1 or len(in_row_currency) != 1 or len(currency_profiles) != 1:
        return due
    if not head.differs_only_beside(in_row_currency[0].profile, local[0].profile, currency_profiles[0]):
        return due
    _leave_out(local, "not_due", in_row_currency[0])
    return in_row_currency


def _take_credits(candidates: list[Candidate]) -> None:
    """Propose amounts of credit notes beside those of invoices as possibly paid, which raises a question."""
    if any(_is_due(candidate) for candidate in candidates):
        # The remaining amount includes the credits already.
        return
    for candidate in candidates:
        concepts = candidate.tokens.concepts
        if "credit_note" not in concepts or concepts & {
            "number",
            "id",
            "reference",
            "date",
            "status",
            "kind",
        }:
            continue
        has_zeros = any(text.strip("0.,- ") == "" for text in texts_of(candidate.profile))
        if candidate.profile.share(sheets.CellKind.NUMBER) >= CERTAIN and (
            has_zeros or has_fractions(candidate.profile)
        ):
            candidate.set_claims([Claim(Field.AMOUNT_PAID, 0.7)], ColumnReason("header", candidate.heading))


def _ask_aged_or_part(due: list[Candidate], candidates: list[Candidate], head: Head) -> list[Question]:
    """Ask whether the sum of the ageing buckets is due, or a part of it in an unknown column."""
    if len(due) > 1 or due[0].reason.code != "aged":
        return []
    remainders = _remainders(candidates, due, head)
    return [_which_amount("several_due", [*due, *remainders])] if remainders else []


def _turn_credits_less_debits(due: list[Candidate], ledger: list[Candidate], head: Head) -> None:
    """Negate a balance that is in every row credits less debits: it is due where it is below zero."""
    sides = [
        next((candidate for candidate in ledger if _role(candidate) == role), None)
        for role in ("debit", "credit")
    ]
    if (
        len(due) == 1
        and sides[0]
        and sides[1]
        and head.is_difference(due[0].profile, sides[1].profile, sides[0].profile)
    ):
        due[0].is_negated = True


def _remainders(candidates: list[Candidate], amounts: list[Candidate], head: Head) -> list[Candidate]:
    """Return the unknown columns that may be the remaining amount of the only amount column."""
    if len(amounts) != 1:
        return []
    remainders = [
        candidate
        for candidate in candidates
        if candidate is not amounts[0]
        and not candidate.may_be(AMOUNTS)
        and not candidate.tokens.concepts & _NO_REMAINDER
        and candidate.profile.number
        and candidate.profile.share(sheets.CellKind.NUMBER) >= CERTAIN
        and has_fractions(candidate.profile)
        and head.is_part_of(candidate.profile, amounts[0].profile)
    ]
    for candidate in remainders:
        candidate.set_claims([Claim(Field.AMOUNT, 0.7)])
    return remainders


def _decide_ledger(
    ledger: list[Candidate], candidates: list[Candidate], head: Head, *, has_open_items: bool
) -> list[Question]:
    """Use the debits of open items, or of a reconciled ledger without an open credit; otherwise ask."""
    marks = [candidate.profile for candidate in candidates if "lettering" in candidate.tokens.concepts]
    debits = [candidate for candidate in ledger if _role(candidate) == "debit"]
    credits_ = [candidate for candidate in ledger if _role(candidate) == "credit"]
    named = [candidate for candidate in candidates if candidate.may_be(NAMES)]
    names = (
        [max(named, key=lambda candidate: candidate.best.score if candidate.best else 0).profile]
        if named
        else []
    )
    is_reconciled = bool(marks) and not any(
        head.has_open(candidate.profile, marks, names) for candidate in credits_
    )
    papers = [
        candidate for candidate in candidates if candidate.may_be((Field.INVOICE_REFERENCE, Field.REFERENCE))
    ]
    are_items = (
        has_open_items
        and not marks
        and any(candidate.profile.filled == candidate.profile.distinct for candidate in papers)
        and not any(
            head.offsets(credit.profile, debit.profile, names) for credit in credits_ for debit in debits
        )
    )
    if len(debits) == 1 and (is_reconciled or are_items):
        why = "open_debits" if is_reconciled else "open_items"
        debits[0].set_claims([Claim(Field.AMOUNT, 0.88)], ColumnReason(why, debits[0].heading))
        _leave_out(credits_, why, debits[0])
        return []
    return [_which_amount("ledger", ledger)]


def _take_aged(candidates: list[Candidate], head: Head) -> None:
    """Treat the sum of ageing buckets as the amount due: a paid amount has no age."""
    ages = [
        candidate.profile
        for candidate in candidates
        if "bucket" in candidate.tokens.concepts and candidate.profile.filled
    ]
    amounts = [
        candidate for candidate in candidates if candidate.may_be({Field.AMOUNT, Field.AMOUNT_INVOICED})
    ]
    sums = [candidate for candidate in amounts if len(ages) > 1 and head.is_sum(candidate.profile, ages)]
    if len(sums) == 1 and not any(_is_due(candidate) for candidate in amounts):
        sums[0].tokens = replace(sums[0].tokens, concepts=sums[0].tokens.concepts | {"open"})
        sums[0].set_claims([Claim(Field.AMOUNT, 0.93)], ColumnReason("aged", sums[0].heading))


def _take_remainder(candidates: list[Candidate], paid: list[Candidate], head: Head) -> None:
    """Find an unlabelled remaining amount: the only one that is another less the amount paid in every row."""
    amounts = [
        candidate
        for candidate in candidates
        if candidate.may_be({Field.AMOUNT, Field.AMOUNT_INVOICED})
        and _role(candidate) not in {"net", "credit"}
    ]
    if not paid or any(_is_due(candidate) for candidate in amounts):
        return
    pairs = [
        (whole, remainder)
        for whole, remainder in permutations(amounts, 2)
        if remainder.profile.filled == whole.profile.filled > 0
        and head.share_adding_up(remainder.profile, whole.profile, paid[0].profile) == 1
    ]
    if len(pairs) == 1:
        whole, remainder = pairs[0]
        remainder.tokens = replace(remainder.tokens, concepts=remainder.tokens.concepts | {"open"})
        remainder.set_claims([Claim(Field.AMOUNT, 0.93)], ColumnReason("less_paid", paid[0].heading))
        whole.set_claims([Claim(Field.AMOUNT_INVOICED, 0.9)], ColumnReason("beside_due", remainder.heading))
        paid[0].set_claims([Claim(Field.AMOUNT_PAID, 0.9)])


def _leave_balances(candidates: list[Candidate], head: Head) -> None:
    """Leave out aggregates of lines: a customer's total on each of their lines, and a running balance."""
    amounts = [candidate for candidate in candidates if candidate.may_be(AMOUNTS)]
    keys = [
        candidate.profile for candidate in candidates if candidate.may_be(NAMES | {Field.DEBTOR_REFERENCE})
    ]
    sides = [
        next((candidate.profile for candidate in amounts if _role(candidate) == role), None)
        for role in ("debit", "credit")
    ]
    ledger = [side for side in sides if side]
    has_lines = any(candidate.may_be({Field.INVOICE_REFERENCE, Field.DUE_DATE}) for candidate in candidates)
    has_lines |= any(key.filled > key.distinct for key in keys)
    for candidate in amounts:
        if (
            len(ledger) > 1
            and not _role(candidate)
            and head.is_running_of_sides(candidate.profile, ledger, keys)
        ):
            _leave_out([candidate], "running_balance", candidate)
            continue
        other_amounts = [other for other in amounts if other is not candidate and other.claims]
        if any(head.is_running(candidate.profile, other.profile, keys) for other in other_amounts):
            _leave_out([candidate], "running_balance", candidate)
        elif (
            has_lines
            and "paid" not in candidate.tokens.concepts
            and any(_is_total(candidate, other, head, keys) for other in other_amounts)
        ):
            _leave_out([candidate], "customer_total", candidate)


def _is_total(candidate: Candidate, other: Candidate, head: Head, keys: list[sheets.ColumnProfile]) -> bool:
    """Return whether a column is a customer's total of another's amounts, by its cells or by both headers."""
    is_named = _is_of_customer(candidate) and not _is_of_customer(other)
    # An invoice's total on each of its lines is not a customer's total.
    is_of_invoice = "invoice" in candidate.tokens.concepts and "invoice" not in other.tokens.concepts
    return is_named or (not is_of_invoice and head.is_total_of(candidate.profile, other.profile, keys))


def _is_of_customer(candidate: Candidate) -> bool:
    """Return whether a header names a customer's balance or total."""
    concepts = candidate.tokens.concepts
    is_part = bool(_PART.search(normalize(candidate.column.header)))
    return "debtor" in concepts and bool(concepts & {"open", "total"}) and not is_part


def _decide_with_due(
    due: list[Candidate],
    invoiced: list[Candidate],
    other_candidates: list[Candidate],
    paid: list[Candidate],
    candidates: list[Candidate],
    head: Head,
) -> list[Question]:
    _leave_out(other_candidates, "not_due", due[0])
    # The amount of an instalment or a claim, where another column has its remaining amount.
    open_amounts = [
        candidate
        for candidate in due
        if candidate.tokens.concepts & {"open", "overdue"} or candidate.tokens.whole
    ]
    if open_amounts and len(open_amounts) < len(due):
        invoiced = invoiced + [candidate for candidate in due if candidate not in open_amounts]
        due = open_amounts
    _leave_days(due)
    due = [candidate for candidate in due if candidate.claims]
    doubtful = [candidate for candidate in due if candidate.best and candidate.best.score < CERTAIN]
    sure = [candidate for candidate in due if candidate not in doubtful]
    # Open and overdue amounts are equal where all of the open amount is overdue.
    due = _distinct(sure + doubtful, head)
    if pair := _less_paid(due, paid, head):
        whole, remainder = pair
        _leave_out(
            [candidate for candidate in [*invoiced, *due] if candidate not in pair], "not_due", remainder
        )
        due, invoiced = [remainder], [whole]
    invoiced = _distinct(invoiced, head)
    if len(invoiced) > 1:
        named = [
            candidate for candidate in invoiced if {"incl", "total", "invoice"} & candidate.tokens.concepts
        ] or invoiced
        # Of several totals, the one that the amounts due and paid add up to.
        chosen = max(named, key=lambda candidate: _fitness(due[0], candidate, paid, head))
        _leave_out([candidate for candidate in invoiced if candidate is not chosen], "not_due", due[0])
        invoiced = [chosen]
    for candidate in invoiced:
        candidate.set_claims([Claim(Field.AMOUNT_INVOICED, 0.9)], ColumnReason("beside_due", due[0].heading))
    if len(due) > 1 and (sums := [candidate for candidate in due if _sums_up(candidate, due, head)]):
        parts = [candidate for candidate in due if candidate is not sums[0]]
        _leave_out(parts, PART_OF_DUE, sums[0])
        sums[0].set_claims(sums[0].claims, ColumnReason("sum_of_due", parts[0].heading))
        due = sums[:1]
    if len(due) > 1:
        return [_which_amount("several_due", due)]
    if not open_amounts and "due" in due[0].tokens.concepts and not invoiced:
        # An amount that fell due on a date may have been paid in part since.
        return [_ask_invoiced_only(due[0], Field.AMOUNT)]
    return _ask_disagreement(
        due[0], invoiced, paid, _other_amounts(candidates, [due[0], *invoiced, *paid]), head
    ) + _ask_negative(due[0], head)


def _sums_up(candidate: Candidate, due: list[Candidate], head: Head) -> bool:
    """Return whether one of several amounts due is in every row the sum of the others."""
    parts = [other.profile for other in due if other is not candidate]
    return len(parts) > 1 and head.is_sum(candidate.profile, parts)


def _fitness(due: Candidate, invoiced: Candidate, paid: list[Candidate], head: Head) -> float:
    """Return the share of rows in which the amounts due and paid add up to the amount invoiced."""
    if paid:
        return head.share_adding_up(due.profile, invoiced.profile, paid[0].profile)
    return head.share_within(due.profile, invoiced.profile)


def _less_paid(due: list[Candidate], paid: list[Candidate], head: Head) -> tuple[Candidate, Candidate] | None:
    """Return the amounts before and after the payments, where exactly one pair of columns fits."""
    shares = [
        (head.share_adding_up(remainder.profile, whole.profile, paid[0].profile), whole, remainder)
        for whole, remainder in permutations(due, 2)
        if paid
    ]
    pairs = [(whole, remainder) for share, whole, remainder in shares if share >= ADDING_UP_MIN]
    return pairs[0] if len(pairs) == 1 else None


def _without_days(due: list[Candidate], other_amounts: list[Candidate]) -> list[Candidate]:
    """Leave out payment terms in days (30, 45) below a header about the due date."""
    days = [
        candidate
        for candidate in due
        if "due" in candidate.tokens.concepts and not candidate.tokens.concepts & _OF_MONEY
    ]
    days = [
        candidate
        for candidate in days
        if all(len(text) <= _DAYS_CHARS_MAX for text in texts_of(candidate.profile))
    ]
    amounts = [
        candidate
        for candidate in [*due, *other_amounts]
        if candidate not in days and has_fractions(candidate.profile)
    ]
    if not amounts:
        return due
    _leave_out(days, "not_ours", amounts[0])
    return [candidate for candidate in due if candidate not in days]


def _leave_days(due: list[Candidate]) -> None:
    """Leave out a column of days overdue: whole numbers beside amounts with cents."""
    amounts = [
        candidate
        for candidate in due
        if "overdue" not in candidate.tokens.concepts and has_fractions(candidate.profile)
    ]
    for candidate in due:
        if (
            amounts
            and candidate not in amounts
            and "amount" not in candidate.tokens.concepts
            and not has_fractions(candidate.profile)
        ):
            _leave_out([candidate], "not_ours", candidate)


def _several_amounts(candidates: list[Candidate], net: list[Candidate], head: Head) -> list[Question]:
    candidates = _distinct(candidates, head)
    _leave_out(net, "net_of_tax", candidates[0])
    if len(candidates) > 1:
        return [_which_amount("several_amounts", candidates)]
    return _ask_negative(candidates[0], head)


def _accept_local_alone(amount: Candidate, candidates: list[Candidate]) -> list[Question]:
    """Accept an amount in local currency, unless the adjacent currency belongs to another amount."""
    currencies = [
        candidate
        for candidate in candidates
        if candidate.may_be((Field.CURRENCY,)) and candidate.profile.filled
    ]
    if all("local" in candidate.tokens.concepts for candidate in currencies) and not amount.tokens.unknown:
        amount.reassign(Field.AMOUNT, Field.AMOUNT, 0.85, ColumnReason("only_amount", amount.heading))
    return []


def _decide_plain_alone(
    amount: Candidate, paid: list[Candidate], candidates: list[Candidate]
) -> list[Question]:
    if paid:
        # The header does not tell whether this is the amount invoiced or the remaining amount.
        amount.reassign(Field.AMOUNT, Field.AMOUNT_INVOICED, 0.7)
        options = (Field.AMOUNT_INVOICED.value, Field.AMOUNT.value)
        index = amount.column.index
        return [Question("amount_or_invoiced", (index,), Field.AMOUNT, options, None, paid[0].heading)]
    if "local" in amount.tokens.concepts:
        return _accept_local_alone(amount, candidates)
    claim = amount.claim(Field.AMOUNT)
    score = claim.score if claim else 0.0
    # An amount with unknown header words raises a question; an unqualified amount is the subject of the file.
    score = min(score, 0.75) if amount.tokens.unknown else score + 0.07 if score >= 0.7 else score
    amount.set_claims([Claim(Field.AMOUNT, score)], ColumnReason("only_amount", amount.heading))
    return []


def _ask_tax_included(amount: Candidate, candidates: list[Candidate], head: Head) -> list[Question]:
    """Ask whether a lone amount includes the tax in an adjacent column."""
    for candidate in candidates:
        is_rate = "discount" in candidate.tokens.concepts
        if (
            "tax" in candidate.tokens.concepts
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


def _ask_invoiced_only(candidate: Candidate, field: Field = Field.AMOUNT_INVOICED) -> Question:
    proposed = field.value
    return Question(
        "invoiced_only", (candidate.column.index,), Field.AMOUNT, (proposed,), proposed, candidate.heading
    )


def _ask_disagreement(
    due: Candidate,
    invoiced: list[Candidate],
    paid: list[Candidate],
    other_profiles: list[sheets.ColumnProfile],
    head: Head,
) -> list[Question]:
    if not invoiced:
        return []
    columns = [due, *invoiced, *paid]
    if paid:
        if paid[0].best and paid[0].best.score < CERTAIN:
            _leave_out(paid, "not_ours", paid[0])
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


def _other_amounts(candidates: list[Candidate], excluded: list[Candidate]) -> list[sheets.ColumnProfile]:
    return [
        candidate.profile
        for candidate in candidates
        if candidate not in excluded
        and candidate.profile.number
        and candidate.profile.share(sheets.CellKind.NUMBER) >= CERTAIN
    ]


def _ask_negative(due: Candidate, head: Head) -> list[Question]:
    if due.is_negated:
        return []
    if head.share_negative(due.profile) < _NEGATIVE_MIN:
        return []
    return [Question("negative_amounts", (due.column.index,), Field.AMOUNT, (), None, due.heading)]


def _which_amount(cause: str, candidates: list[Candidate]) -> Question:
    indexes = tuple(candidate.column.index for candidate in candidates)
    options = tuple(str(index) for index in indexes)
    facts = {"why": cause, "columns": [candidate.heading["header"] for candidate in candidates]}
    facts["examples"] = [next(iter(texts_of(candidate.profile)), "") for candidate in candidates]
    for candidate in candidates:
        candidate.set_claims(
            [Claim(claim.field, min(claim.score, 0.7), claim.role) for claim in candidate.claims]
        )
    return Question("which_amount", indexes, Field.AMOUNT, options, None, facts)


def _distinct(candidates: list[Candidate], head: Head) -> list[Candidate]:
    """Leave out columns that repeat another's amounts in every row."""
    distinct: list[Candidate] = []
    for candidate in candidates:
        twin = next((other for other in distinct if head.are_equal(candidate.profile, other.profile)), None)
        is_empty = len(candidates) > 1 and (candidate.profile.filled == 0 or head.is_zero(candidate.profile))
        if twin or is_empty:
            _leave_out([candidate], "same_amounts" if twin else "empty", twin or candidate)
        else:
            distinct.append(candidate)
    return distinct or candidates[:1]


def _clearest_paid(paid: list[Candidate], head: Head) -> list[Candidate]:
    """Keep one column of the amount paid: the clearest."""
    paid = (
        sorted(_distinct(paid, head), key=lambda candidate: -(candidate.best.score if candidate.best else 0))
        if paid
        else []
    )
    _leave_out(paid[1:], "not_due", paid[0]) if paid else None
    return paid[:1]


def _leave_out(candidates: Iterable[Candidate], why: str, instead: Candidate) -> None:
    for candidate in candidates:
        candidate.set_claims([], ColumnReason(why, instead.heading))


def _claiming(candidates: list[Candidate], field: Field) -> list[Candidate]:
    return [candidate for candidate in candidates if candidate.may_be((field,), _PLAIN_MIN)]


def _is_due(candidate: Candidate) -> bool:
    concepts = candidate.tokens.concepts
    claim = candidate.claim(Field.AMOUNT)
    if claim is None or not candidate.is_known:
        return False
    return bool(concepts & {"open", "overdue", "due", "case"}) or candidate.tokens.whole == Field.AMOUNT.value


def _role(candidate: Candidate) -> str | None:
    return (
        candidate.best.role
        if candidate.best and candidate.best.field in {Field.AMOUNT_INVOICED, Field.AMOUNT_PAID}
        else None
    )
