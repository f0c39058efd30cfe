"""Which column is what is owed now, which was invoiced and which was paid.

The wrong one bills people what they have paid already, so every doubt becomes a question: two columns that could
both be due, an amount without tax only, a debit and a credit, columns that do not add up.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from itertools import permutations

from getbill import sheets
from getbill.mapping.columns import Candidate, has_fractions, texts_of
from getbill.mapping.cross_column_checks import Head
from getbill.mapping.model import AMOUNTS, CERTAIN, NAMES, Field, Question, Reason
from getbill.mapping.vocabulary import Claim, plain

_PLAIN_MIN = 0.5
_NO_REMAINDER = {
    "bucket",
    "tax",
    "excl",
    "quantity",
    "price",
    "days",
    "discount",
    "fees",
    "paid",
    "refund",
    "running",
}
# To be paid or paid: the header says one as well as the other.
_PAYMENT = re.compile(r"zahlbetrag|zahlungsbetrag|a payer|payable|amount to pay|da pagare|a pagar|te betalen")
# The company's own currency, as a header says it beside the row's.
_LOCAL = re.compile(
    r"\b(?:lcy|mw|hw|lw|bw|ml|local|hauswahrung|mandantenwahrung|tenue|base|company currency|lv)\b"
)
# What is left of an invoice, whoever owes it.
_PART = re.compile(r"^du\b|\breste|\brestant|\bremaining|\brest(?:betrag)?\b")
_DAYS_CHARS_MAX = 3
_OF_MONEY = frozenset({"amount", "open", "total", "overdue", "payment", "invoice", "case"})
# Fewer amounts below zero are credits between debts.
_NEGATIVE_MIN = 0.8
# Why a column is left out that is one part of what is due.
PART_OF_DUE = "part_of_due"
# In how many rows what is due is what was invoiced less what was paid.
ADDING_UP_MIN = 0.75


def weigh_amounts(candidates: list[Candidate], head: Head, *, has_open_items: bool = False) -> list[Question]:
    """Decide between the columns of amounts, and return what only a human can decide."""
    _leave_balances(candidates, head)
    _take_credits(candidates)
    _take_payments(candidates, head)
    paid = _only([one for one in _claiming(candidates, Field.AMOUNT_PAID) if not _role(one)], head)
    _take_aged(candidates, head)
    _take_rest(candidates, paid, head)
    due = [one for one in _claiming(candidates, Field.AMOUNT) if _is_due(one)]
    plain = [one for one in _claiming(candidates, Field.AMOUNT) if one not in due and one.is_known]
    invoiced = [one for one in _claiming(candidates, Field.AMOUNT_INVOICED) if _role(one) == ""]
    due = _without_local(_without_days(due, [*plain, *invoiced]), candidates, head)
    net = [one for one in _claiming(candidates, Field.AMOUNT_INVOICED) if _role(one) == "net"]
    ledger = [one for one in candidates if _role(one) in {"debit", "credit"}]
    _turn_credits_less_debits(due, ledger, head)
    if due:
        others = [*net, *ledger]
        return _aged_or_part(due, candidates, head) or _with_due(
            due, [*invoiced, *plain], others, paid, candidates, head
        )
    if ledger and not (plain or invoiced):
        return _ledger(ledger, candidates, head, has_open_items=has_open_items)
    # An amount of which nobody knows what it is, where it differs, may be what is left of the other.
    unknown = [
        one
        for one in _claiming(candidates, Field.AMOUNT)
        if (plain or invoiced) and not one.is_known and has_fractions(one.found)
    ]
    unknown += _remainders(candidates, [*plain, *invoiced, *unknown], head)
    if unknown or (plain and invoiced) or len(plain) > 1:
        return _several([*plain, *invoiced, *unknown], net, head)
    if plain:
        _leave([*net, *ledger], "net_of_tax", plain[0])
        if "currency" in plain[0].spoken.concepts and any(
            one.may_be((Field.CURRENCY,), 0.8) for one in candidates
        ):
            # The amount in the currency that stands beside it.
            plain[0].turn(Field.AMOUNT, Field.AMOUNT, 0.8)
        return _plain_alone(plain[0], paid, candidates) or _tax_beside(plain[0], candidates, head)
    if invoiced:
        _leave([*net, *ledger], "net_of_tax", invoiced[0])
        return _several(invoiced, [], head) or ([] if paid else [_invoiced_only(invoiced[0])])
    return [_which("only_net", net)] if net else []


def _take_payments(candidates: list[Candidate], head: Head) -> None:
    """Take what a header calls an amount of payment for what was paid, where every row is the invoice less it."""
    due = [one for one in _claiming(candidates, Field.AMOUNT) if _is_due(one)]
    whole = [one for one in _claiming(candidates, Field.AMOUNT_INVOICED) if not _role(one)]
    payments = [one for one in due if _PAYMENT.search(plain(one.column.header))]
    if len(due) == 2 and len(payments) == len(whole) == 1:
        rest = next(one for one in due if one is not payments[0])
        if head.share_adding_up(rest.found, whole[0].found, payments[0].found) == 1:
            payments[0].become([Claim(Field.AMOUNT_PAID, 0.93)], Reason("header", payments[0].heading))


def _without_local(due: list[Candidate], candidates: list[Candidate], head: Head) -> list[Candidate]:
    """Leave out what is due in the company's currency beside the same in the currency of its row.

    The two differ in no row but those that name a currency.
    """
    local = [one for one in due if _LOCAL.search(plain(one.column.header))]
    others = [one for one in due if "local" not in one.spoken.concepts and one not in local]
    named = [one.found for one in candidates if one.may_be((Field.CURRENCY,), 0.8)]
    if len(due) != 2 or len(local) != 1 or len(others) != 1 or len(named) != 1:
        return due
    if not head.differs_only_beside(others[0].found, local[0].found, named[0]):
        return due
    _leave(local, "not_due", others[0])
    return others


def _take_credits(candidates: list[Candidate]) -> None:
    """Take the amounts of credit notes beside those of invoices for what may be paid of them: it is asked."""
    if any(_is_due(one) for one in candidates):
        # What is left says it already.
        return
    for one in candidates:
        concepts = one.spoken.concepts
        if "credit_note" not in concepts or concepts & {
            "number",
            "id",
            "reference",
            "date",
            "status",
            "kind",
        }:
            continue
        has_zeros = any(text.strip("0.,- ") == "" for text in texts_of(one.found))
        if one.found.share(sheets.Kind.NUMBER) >= CERTAIN and (has_zeros or has_fractions(one.found)):
            one.become([Claim(Field.AMOUNT_PAID, 0.7)], Reason("header", one.heading))


def _aged_or_part(due: list[Candidate], candidates: list[Candidate], head: Head) -> list[Question]:
    """Ask whether the sum of the ages is owed, or a part of it that stands in a column of nothing known."""
    if len(due) > 1 or due[0].reason.code != "aged":
        return []
    rest = _remainders(candidates, due, head)
    return [_which("several_due", [*due, *rest])] if rest else []


def _turn_credits_less_debits(due: list[Candidate], ledger: list[Candidate], head: Head) -> None:
    """Read a balance that is in every row credits less debits as owed where it is below zero."""
    sides = [next((one for one in ledger if _role(one) == role), None) for role in ("debit", "credit")]
    if (
        len(due) == 1
        and sides[0]
        and sides[1]
        and head.is_difference(due[0].found, sides[1].found, sides[0].found)
    ):
        due[0].is_negated = True


def _remainders(candidates: list[Candidate], amounts: list[Candidate], head: Head) -> list[Candidate]:
    """Return the columns of nothing known that may be what is left of the one amount there is."""
    if len(amounts) != 1:
        return []
    rest = [
        one
        for one in candidates
        if one is not amounts[0]
        and not one.may_be(AMOUNTS)
        and not one.spoken.concepts & _NO_REMAINDER
        and one.found.number
        and one.found.share(sheets.Kind.NUMBER) >= CERTAIN
        and has_fractions(one.found)
        and head.is_part_of(one.found, amounts[0].found)
    ]
    for one in rest:
        one.become([Claim(Field.AMOUNT, 0.7)])
    return rest


def _ledger(
    ledger: list[Candidate], candidates: list[Candidate], head: Head, *, has_open_items: bool
) -> list[Question]:
    """Take the debits for what is owed of open items, and of a reconciled ledger without an open credit; else ask."""
    marks = [one.found for one in candidates if "lettering" in one.spoken.concepts]
    debits = [one for one in ledger if _role(one) == "debit"]
    credits_ = [one for one in ledger if _role(one) == "credit"]
    named = [one for one in candidates if one.may_be(NAMES)]
    names = [max(named, key=lambda one: one.best.score if one.best else 0).found] if named else []
    is_reconciled = bool(marks) and not any(head.has_open(one.found, marks, names) for one in credits_)
    papers = [one for one in candidates if one.may_be((Field.INVOICE_REFERENCE, Field.REFERENCE))]
    are_items = (
        has_open_items
        and not marks
        and any(one.found.filled == one.found.distinct for one in papers)
        and not any(head.offsets(credit.found, debit.found, names) for credit in credits_ for debit in debits)
    )
    if len(debits) == 1 and (is_reconciled or are_items):
        why = "open_debits" if is_reconciled else "open_items"
        debits[0].become([Claim(Field.AMOUNT, 0.88)], Reason(why, debits[0].heading))
        _leave(credits_, why, debits[0])
        return []
    return [_which("ledger", ledger)]


def _take_aged(candidates: list[Candidate], head: Head) -> None:
    """Take the sum of a list's ages for what is due: what is paid has no age."""
    ages = [one.found for one in candidates if "bucket" in one.spoken.concepts and one.found.filled]
    amounts = [one for one in candidates if one.may_be({Field.AMOUNT, Field.AMOUNT_INVOICED})]
    sums = [one for one in amounts if len(ages) > 1 and head.is_sum(one.found, ages)]
    if len(sums) == 1 and not any(_is_due(one) for one in amounts):
        sums[0].spoken = replace(sums[0].spoken, concepts=sums[0].spoken.concepts | {"open"})
        sums[0].become([Claim(Field.AMOUNT, 0.93)], Reason("aged", sums[0].heading))


def _take_rest(candidates: list[Candidate], paid: list[Candidate], head: Head) -> None:
    """Take what is left where no header says so, but one amount alone is another less what was paid in every row."""
    amounts = [
        one
        for one in candidates
        if one.may_be({Field.AMOUNT, Field.AMOUNT_INVOICED}) and _role(one) not in {"net", "credit"}
    ]
    if not paid or any(_is_due(one) for one in amounts):
        return
    pairs = [
        (whole, rest)
        for whole, rest in permutations(amounts, 2)
        if rest.found.filled == whole.found.filled > 0
        and head.share_adding_up(rest.found, whole.found, paid[0].found) == 1
    ]
    if len(pairs) == 1:
        whole, rest = pairs[0]
        rest.spoken = replace(rest.spoken, concepts=rest.spoken.concepts | {"open"})
        rest.become([Claim(Field.AMOUNT, 0.93)], Reason("less_paid", paid[0].heading))
        whole.become([Claim(Field.AMOUNT_INVOICED, 0.9)], Reason("beside_due", rest.heading))
        paid[0].become([Claim(Field.AMOUNT_PAID, 0.9)])


def _leave_balances(candidates: list[Candidate], head: Head) -> None:
    """Leave out what adds up lines: a customer's total on each of their lines, and a running balance."""
    amounts = [one for one in candidates if one.may_be(AMOUNTS)]
    keys = [one.found for one in candidates if one.may_be(NAMES | {Field.DEBTOR_REFERENCE})]
    sides = [next((one.found for one in amounts if _role(one) == role), None) for role in ("debit", "credit")]
    ledger = [side for side in sides if side]
    has_lines = any(one.may_be({Field.INVOICE_REFERENCE, Field.DUE_DATE}) for one in candidates)
    has_lines |= any(key.filled > key.distinct for key in keys)
    for one in amounts:
        if len(ledger) > 1 and not _role(one) and head.is_running_of_sides(one.found, ledger, keys):
            _leave([one], "running_balance", one)
            continue
        others = [other for other in amounts if other is not one and other.claims]
        if any(head.is_running(one.found, other.found, keys) for other in others):
            _leave([one], "running_balance", one)
        elif (
            has_lines
            and "paid" not in one.spoken.concepts
            and any(_is_total(one, other, head, keys) for other in others)
        ):
            _leave([one], "customer_total", one)


def _is_total(one: Candidate, other: Candidate, head: Head, keys: list[sheets.ColumnProfile]) -> bool:
    """Tell whether a column is a customer's total of another's amounts, by its cells or by both headers."""
    is_named = _is_of_customer(one) and not _is_of_customer(other)
    # The invoice's total on each of its lines is no customer's.
    is_of_invoice = "invoice" in one.spoken.concepts and "invoice" not in other.spoken.concepts
    return is_named or (not is_of_invoice and head.is_total_of(one.found, other.found, keys))


def _is_of_customer(one: Candidate) -> bool:
    """Tell whether a header speaks of a customer's balance or total."""
    concepts = one.spoken.concepts
    is_part = bool(_PART.search(plain(one.column.header)))
    return "debtor" in concepts and bool(concepts & {"open", "total"}) and not is_part


def _with_due(
    due: list[Candidate],
    invoiced: list[Candidate],
    others: list[Candidate],
    paid: list[Candidate],
    candidates: list[Candidate],
    head: Head,
) -> list[Question]:
    _leave(others, "not_due", due[0])
    # The amount of an instalment or of a claim, where another column says what is left of it.
    left = [one for one in due if one.spoken.concepts & {"open", "overdue"} or one.spoken.whole]
    if left and len(left) < len(due):
        invoiced = invoiced + [one for one in due if one not in left]
        due = left
    _leave_days(due)
    due = [one for one in due if one.claims]
    doubtful = [one for one in due if one.best and one.best.score < CERTAIN]
    sure = [one for one in due if one not in doubtful]
    # Open and overdue: where all of it is overdue they are the same amount.
    due = _distinct(sure + doubtful, head)
    if pair := _less_paid(due, paid, head):
        whole, rest = pair
        _leave([one for one in [*invoiced, *due] if one not in pair], "not_due", rest)
        due, invoiced = [rest], [whole]
    invoiced = _distinct(invoiced, head)
    if len(invoiced) > 1:
        named = [one for one in invoiced if {"incl", "total", "invoice"} & one.spoken.concepts] or invoiced
        # Of several totals the one that what is due and what was paid add up to.
        chosen = max(named, key=lambda one: _fitness(due[0], one, paid, head))
        _leave([one for one in invoiced if one is not chosen], "not_due", due[0])
        invoiced = [chosen]
    for one in invoiced:
        one.become([Claim(Field.AMOUNT_INVOICED, 0.9)], Reason("beside_due", due[0].heading))
    if len(due) > 1 and (sums := [one for one in due if _sums_up(one, due, head)]):
        parts = [one for one in due if one is not sums[0]]
        _leave(parts, PART_OF_DUE, sums[0])
        sums[0].become(sums[0].claims, Reason("sum_of_due", parts[0].heading))
        due = sums[:1]
    if len(due) > 1:
        return [_which("several_due", due)]
    if not left and "due" in due[0].spoken.concepts and not invoiced:
        # What fell due on a day, which part may have been paid of since.
        return [_invoiced_only(due[0], Field.AMOUNT)]
    return _do_not_add_up(
        due[0], invoiced, paid, _other_amounts(candidates, [due[0], *invoiced, *paid]), head
    ) + _negative(due[0], head)


def _sums_up(one: Candidate, due: list[Candidate], head: Head) -> bool:
    """Tell whether one of several amounts due is in every row the sum of the others."""
    parts = [other.found for other in due if other is not one]
    return len(parts) > 1 and head.is_sum(one.found, parts)


def _fitness(due: Candidate, invoiced: Candidate, paid: list[Candidate], head: Head) -> float:
    """Return in which share of rows what is due, and was paid, makes up what was invoiced."""
    if paid:
        return head.share_adding_up(due.found, invoiced.found, paid[0].found)
    return head.share_within(due.found, invoiced.found)


def _less_paid(due: list[Candidate], paid: list[Candidate], head: Head) -> tuple[Candidate, Candidate] | None:
    """Return the one of which the payments were taken off and what is left of it, where only two are so in every row."""
    shares = [
        (head.share_adding_up(rest.found, whole.found, paid[0].found), whole, rest)
        for whole, rest in permutations(due, 2)
        if paid
    ]
    pairs = [(whole, rest) for share, whole, rest in shares if share >= ADDING_UP_MIN]
    return pairs[0] if len(pairs) == 1 else None


def _without_days(due: list[Candidate], others: list[Candidate]) -> list[Candidate]:
    """Leave out the days within which is paid, below a header that speaks of a due date: 30, 45."""
    days = [one for one in due if "due" in one.spoken.concepts and not one.spoken.concepts & _OF_MONEY]
    days = [one for one in days if all(len(text) <= _DAYS_CHARS_MAX for text in texts_of(one.found))]
    amounts = [one for one in [*due, *others] if one not in days and has_fractions(one.found)]
    if not amounts:
        return due
    _leave(days, "not_ours", amounts[0])
    return [one for one in due if one not in days]


def _leave_days(due: list[Candidate]) -> None:
    """Leave out a column of days overdue: whole numbers beside amounts that have cents."""
    amounts = [one for one in due if "overdue" not in one.spoken.concepts and has_fractions(one.found)]
    for one in due:
        if (
            amounts
            and one not in amounts
            and "amount" not in one.spoken.concepts
            and not has_fractions(one.found)
        ):
            _leave([one], "not_ours", one)


def _several(found: list[Candidate], net: list[Candidate], head: Head) -> list[Question]:
    found = _distinct(found, head)
    _leave(net, "net_of_tax", found[0])
    if len(found) > 1:
        return [_which("several_amounts", found)]
    return _negative(found[0], head)


def _local_alone(amount: Candidate, candidates: list[Candidate]) -> list[Question]:
    """An amount in local currency is the debt's unless the currency beside it is another one's."""
    currencies = [one for one in candidates if one.may_be((Field.CURRENCY,)) and one.found.filled]
    if all("local" in one.spoken.concepts for one in currencies) and not amount.spoken.unknown:
        amount.turn(Field.AMOUNT, Field.AMOUNT, 0.85, Reason("only_amount", amount.heading))
    return []


def _plain_alone(amount: Candidate, paid: list[Candidate], candidates: list[Candidate]) -> list[Question]:
    if paid:
        # What was invoiced, or what is left of it? The header does not say.
        amount.turn(Field.AMOUNT, Field.AMOUNT_INVOICED, 0.7)
        options = (Field.AMOUNT_INVOICED.value, Field.AMOUNT.value)
        index = amount.column.index
        return [Question("amount_or_invoiced", (index,), Field.AMOUNT, options, None, paid[0].heading)]
    if "local" in amount.spoken.concepts:
        return _local_alone(amount, candidates)
    claim = amount.claim(Field.AMOUNT)
    score = claim.score if claim else 0.0
    # An amount of something nobody knows is asked, an amount of nothing in particular is what the file is about.
    score = min(score, 0.75) if amount.spoken.unknown else score + 0.07 if score >= 0.7 else score
    amount.become([Claim(Field.AMOUNT, score)], Reason("only_amount", amount.heading))
    return []


def _tax_beside(amount: Candidate, candidates: list[Candidate], head: Head) -> list[Question]:
    """Ask whether a lone amount includes the tax that stands in a column beside it."""
    for one in candidates:
        is_rate = "discount" in one.spoken.concepts
        if "tax" in one.spoken.concepts and not is_rate and one.found.filled and has_fractions(one.found):
            if head.includes_tax(amount.found, one.found):
                return []
            if any(
                head.is_sum(amount.found, [one.found, net.found])
                for net in candidates
                if _is_net(net, amount, one)
            ):
                return []
            proposed = Field.AMOUNT.value
            facts = amount.heading | {"tax": one.heading["header"]}
            return [
                Question("tax_included", (amount.column.index,), Field.AMOUNT, (proposed,), proposed, facts)
            ]
    return []


def _is_net(net: Candidate, amount: Candidate, tax: Candidate) -> bool:
    return net not in (amount, tax) and net.found.number is not None and bool(net.found.filled)


def _invoiced_only(one: Candidate, field: Field = Field.AMOUNT_INVOICED) -> Question:
    proposed = field.value
    return Question("invoiced_only", (one.column.index,), Field.AMOUNT, (proposed,), proposed, one.heading)


def _do_not_add_up(
    due: Candidate,
    invoiced: list[Candidate],
    paid: list[Candidate],
    others: list[sheets.ColumnProfile],
    head: Head,
) -> list[Question]:
    if not invoiced:
        return []
    columns = [due, *invoiced, *paid]
    if paid:
        if paid[0].best and paid[0].best.score < CERTAIN:
            _leave(paid, "not_ours", paid[0])
            return []
        fits = head.share_adding_up(due.found, invoiced[0].found, paid[0].found)
        if fits < ADDING_UP_MIN:
            # A credit note or a discount in a column of its own completes the sum.
            fits = max(
                [
                    fits,
                    *(
                        head.share_adding_up(due.found, invoiced[0].found, paid[0].found, one)
                        for one in others
                    ),
                ]
            )
    else:
        fits = head.share_within(due.found, invoiced[0].found)
    if fits >= ADDING_UP_MIN:
        return []
    indexes = tuple(one.column.index for one in columns)
    facts = {"share": round(fits, 2), "due": due.heading["header"]}
    return [Question("amounts_disagree", indexes, Field.AMOUNT, (), Field.AMOUNT.value, facts)]


def _other_amounts(candidates: list[Candidate], known: list[Candidate]) -> list[sheets.ColumnProfile]:
    return [
        one.found
        for one in candidates
        if one not in known and one.found.number and one.found.share(sheets.Kind.NUMBER) >= CERTAIN
    ]


def _negative(due: Candidate, head: Head) -> list[Question]:
    if due.is_negated:
        return []
    if head.share_negative(due.found) < _NEGATIVE_MIN:
        return []
    return [Question("negative_amounts", (due.column.index,), Field.AMOUNT, (), None, due.heading)]


def _which(why: str, found: list[Candidate]) -> Question:
    indexes = tuple(one.column.index for one in found)
    options = tuple(str(index) for index in indexes)
    facts = {"why": why, "columns": [one.heading["header"] for one in found]}
    facts["examples"] = [next(iter(texts_of(one.found)), "") for one in found]
    for one in found:
        one.become([Claim(claim.field, min(claim.score, 0.7), claim.role) for claim in one.claims])
    return Question("which_amount", indexes, Field.AMOUNT, options, None, facts)


def _distinct(found: list[Candidate], head: Head) -> list[Candidate]:
    """Leave out columns that repeat another's amounts in every row."""
    kept: list[Candidate] = []
    for one in found:
        twin = next((other for other in kept if head.are_equal(one.found, other.found)), None)
        empty = len(found) > 1 and (one.found.filled == 0 or head.is_zero(one.found))
        if twin or empty:
            _leave([one], "same_amounts" if twin else "empty", twin or one)
        else:
            kept.append(one)
    return kept or found[:1]


def _only(paid: list[Candidate], head: Head) -> list[Candidate]:
    """Keep one column of what was paid: the clearest."""
    paid = sorted(_distinct(paid, head), key=lambda one: -(one.best.score if one.best else 0)) if paid else []
    _leave(paid[1:], "not_due", paid[0]) if paid else None
    return paid[:1]


def _leave(found: Iterable[Candidate], why: str, instead: Candidate) -> None:
    for one in found:
        one.become([], Reason(why, instead.heading))


def _claiming(candidates: list[Candidate], field: Field) -> list[Candidate]:
    return [one for one in candidates if one.may_be((field,), _PLAIN_MIN)]


def _is_due(one: Candidate) -> bool:
    concepts = one.spoken.concepts
    claim = one.claim(Field.AMOUNT)
    if claim is None or not one.is_known:
        return False
    return bool(concepts & {"open", "overdue", "due", "case"}) or one.spoken.whole == Field.AMOUNT.value


def _role(one: Candidate) -> str | None:
    return (
        one.best.role if one.best and one.best.field in {Field.AMOUNT_INVOICED, Field.AMOUNT_PAID} else None
    )
