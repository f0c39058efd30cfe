"""Bodies read many at once: every one is answered as the single route would answer it alone."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debts.test_rules import WORKSPACE
from getbill import scenarios
from getbill.debts import NewDebt, NewDebtBody, new_debt, parse_bodies
from getbill.kit.errors import FieldError, Invalid
from getbill.kit.http.bodies import JsonBody

ALONE = JsonBody(NewDebtBody, optional=False)


def read_alone(raw: Any) -> NewDebt | list[FieldError]:
    """Read a body as the single route does."""
    try:
        return new_debt(ALONE.check(raw, SimpleNamespace(workspace=WORKSPACE)), WORKSPACE)
    except Invalid as refused:
        return list(refused.errors)


ODD = st.sampled_from(
    [
        None,
        "",
        " ",
        "x" * 201,
        "x" * 501,
        0,
        -1,
        True,
        False,
        7,
        Decimal("0.001"),
        Decimal("1e3"),
        [],
        {},
        "0",
        "é",
        "日本",
    ]
)
TEXTS = st.sampled_from(["Jean", " Dupont ", "Société Générale", "X" * 200, "rue de la Paix"]) | st.text(
    st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8
)
DAYS = st.sampled_from(
    ["2024-01-15", "2024-02-30", "2024-01-15T10:00:00Z", "1899-12-31", "2200-12-31", "2201-01-01"]
) | st.sampled_from(["2024-W03-1", "20240115", "15/01/2024", "٢٠٢٤-01-15"])
EMAILS = st.sampled_from(
    ["jean@example.com", " Jean.D@Example.COM ", "POSTMASTER@x.fr", "a@b", "a b@c.fr", "é@x.fr", "a@b..com"]
)
PHONES = st.sampled_from(
    [
        "+33612345678",
        "06 12 34 56 78",
        "0690123456",
        "+1 514 555 1234",
        "0612",
        "0470123456",
        "",
        "+339998877665544",
    ]
)
CURRENCIES = st.sampled_from(["EUR", "eur", "JPY", "TND", "XXX", "EURO", "€", "ÉUR"])
COUNTRIES = st.sampled_from(["FR", "be", "GB", "EU", "France", "ß", "GP"])
AMOUNTS = st.sampled_from(
    [1, 2340, Decimal("2340.00"), Decimal("12.345"), 0, -5, 10**13, Decimal("1E+2"), "12", True, 1.5]
)
SCENARIOS = st.sampled_from(["standard_3_waves", " standard_3_waves ", "nobody_knows", ""])
TIMELINES = st.sampled_from(["timeline_01", scenarios.scenario_public_id(WORKSPACE, "standard_3_waves"), ""])
METADATA = st.sampled_from([{}, {"crm": 1}, {"a": {"b": [1, "c"]}}, {str(n): n for n in range(101)}, [], "x"])


def one_of(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly values of their kind, now and then something odd."""
    return st.one_of(values, values, values, ODD)


ADDRESS = {
    "street_address": one_of(TEXTS),
    "street_number": one_of(TEXTS),
    "postal_code": one_of(TEXTS),
    "city": one_of(TEXTS),
    "country": one_of(COUNTRIES),
}
PERSON = {
    "civility": one_of(st.sampled_from(["Mr", "Ms", "mr"])),
    "birthdate": one_of(DAYS),
    "email": one_of(EMAILS),
    "phone": one_of(PHONES),
}
DEBTOR = PERSON | {
    "name": one_of(TEXTS),
    "first_name": one_of(TEXTS),
    "last_name": one_of(TEXTS),
    "company": one_of(TEXTS),
    "language": one_of(st.sampled_from(["fr", "EN", "fra", "f1"])),
    "reference": one_of(TEXTS),
    "address": one_of(TEXTS | st.fixed_dictionaries({}, optional=ADDRESS)),
    "nickname": TEXTS,
}
BODY = (
    PERSON
    | ADDRESS
    | {
        "debtor": one_of(st.fixed_dictionaries({}, optional=DEBTOR)),
        "currency": one_of(CURRENCIES),
        "due_date": one_of(DAYS),
        "invoice_date": one_of(DAYS),
        "scenario": one_of(SCENARIOS),
        "timeline_id": one_of(TIMELINES),
        "invoice_reference": one_of(TEXTS),
        "object": one_of(TEXTS),
        "iban": one_of(
            st.sampled_from(["FR7630006000011234567890189", "FR76 3000 6000", "DE89370400440532013000"])
        ),
        "payment_link": one_of(
            st.sampled_from(["https://pay.example/1", "http://pay.example", "https://a b"])
        ),
        "company": one_of(TEXTS),
        "metadata": one_of(METADATA),
        "firstname": one_of(TEXTS),
        "lastname": one_of(TEXTS),
        "debtor_reference": one_of(TEXTS),
        "debtor_company": one_of(TEXTS),
        "internal_id": one_of(TEXTS),
        "address": one_of(TEXTS),
        "timeline_start_mode": one_of(st.sampled_from(["immediate", "next_day", "later"])),
        "accept_expensive_destination": one_of(st.booleans()),
        "amount": one_of(AMOUNTS),
        "reference": one_of(TEXTS),
        "color": TEXTS,
    }
)
PLAIN = {"debtor": {"name": "Jean Dupont"}, "amount": 100, "reference": "F-1"}


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    """A good body with a few of its fields replaced, added or taken away."""
    body: dict[str, Any] = dict(PLAIN)
    for name in draw(st.lists(st.sampled_from(sorted(BODY)), max_size=6)):
        body[name] = draw(BODY[name])
    for name in draw(st.lists(st.sampled_from(sorted(body)), max_size=1)):
        del body[name]
    debtor = body.get("debtor")
    if isinstance(debtor, dict) and draw(st.booleans()):
        names = draw(st.lists(st.sampled_from(sorted(DEBTOR)), max_size=4))
        body["debtor"] = {"name": "Jean"} | debtor | {name: draw(DEBTOR[name]) for name in names}
    return body


@given(st.lists(bodies(), max_size=3))
def test_many_bodies_are_answered_as_each_would_be_alone(raws: list[dict[str, Any]]) -> None:
    assert parse_bodies(WORKSPACE, raws) == [read_alone(raw) for raw in raws]


@given(st.sampled_from(sorted(BODY)), st.data())
def test_a_good_body_with_one_more_field_is_answered_as_alone(name: str, data: st.DataObject) -> None:
    raw = PLAIN | {name: data.draw(BODY[name])}

    assert parse_bodies(WORKSPACE, [raw]) == [read_alone(raw)]


@pytest.mark.parametrize("raw", [None, [], "debt", 7, {}, {1: 2}])
def test_what_is_no_body_is_answered_as_alone(raw: Any) -> None:
    assert parse_bodies(WORKSPACE, [raw]) == [read_alone(raw)]


def test_rows_answer_each_for_themselves_in_the_order_asked() -> None:
    result = parse_bodies(WORKSPACE, [PLAIN, PLAIN | {"amount": -1}, PLAIN | {"reference": "F-2"}])

    assert [isinstance(item, NewDebt) for item in result] == [True, False, True]
    assert result[1] == [FieldError("/amount", "wrong-value", "The field 'amount' must be above zero.")]


def test_a_text_that_cannot_be_stored_is_named_where_it_stands() -> None:
    raw = PLAIN | {"metadata": {"notes": ["fine", "not\x00fine"]}}

    (wrong,) = parse_bodies(WORKSPACE, [raw])

    assert wrong == [
        FieldError(
            "/metadata/notes/1", "characters", "A text contains the character U+0000, which is not allowed."
        )
    ]
