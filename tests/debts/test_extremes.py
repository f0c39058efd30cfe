"""Values at the far end of what JSON, a query or a currency can say: refused in words, or kept whole."""

import base64
from typing import Any

import pytest

from debts.conftest import WorkspaceApi, a_body, read
from getbill.kit import ids, json


def a_cursor(*parts: Any) -> str:
    return base64.urlsafe_b64encode(json.write(list(parts))).rstrip(b"=").decode()


@pytest.mark.parametrize("number", [10**18, -(10**18)])
@pytest.mark.parametrize("path", ["/debts", "/debtors", "/followups"])
async def test_a_forged_cursor_is_refused(workspace: WorkspaceApi, path: str, number: int) -> None:
    answered = await workspace.get(f"{path}?cursor={a_cursor('-date', number, ids.new().hex)}")

    assert (answered.status, read(answered)["type"]) == (400, "/problems/bad-request")


async def test_a_cursor_beyond_every_amount_is_refused(workspace: WorkspaceApi) -> None:
    forged = a_cursor("-amount", json.read(b"1e24"), ids.new().hex)
    whole = base64.urlsafe_b64encode(b'["-amount",%d,"%s"]' % (10**24, ids.new().hex.encode())).decode()

    for cursor in (forged, whole.rstrip("=")):
        answered = await workspace.get(f"/debts?sort=-amount&cursor={cursor}")

        assert answered.status == 400


@pytest.mark.parametrize(
    "query", ["updated_after=0001-01-01T00:00:00%2B14:00", "created_to=9999-12-31T23:59:59-14:00"]
)
async def test_an_instant_that_utc_cannot_write_is_refused(workspace: WorkspaceApi, query: str) -> None:
    answered = await workspace.get(f"/debts?{query}")

    assert (answered.status, read(answered)["type"]) == (400, "/problems/bad-request")


async def test_an_amount_too_large_for_the_new_currency_is_refused(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt(amount=99_999_999_999_999, currency="JPY")

    answered = await workspace.put(f"/debts/{debt['id']}", {"currency": "EUR"})

    assert (answered.status, read(answered)["errors"][0]["code"]) == (422, "too-large")
    assert read(await workspace.get(f"/debts/{debt['id']}")) == debt


@pytest.mark.parametrize("name", [["debt.created"], {"a": 1}])
async def test_an_event_that_is_no_text_is_refused(workspace: WorkspaceApi, name: Any) -> None:
    answered = await workspace.post("/webhooks", {"url": "https://example.com/hooks", "events": [name]})

    assert answered.status == 422
    assert [error["pointer"] for error in read(answered)["errors"]] == ["/events/0"]


async def test_a_provider_that_is_no_text_is_refused(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt()

    answered = await workspace.post(
        f"/debts/{debt['id']}/payments", {"amount": 1, "stripe_payment_id": "pi_1", "provider": []}
    )

    assert answered.status == 422
    assert [error["pointer"] for error in read(answered)["errors"]] == ["/provider"]


@pytest.mark.parametrize(
    ("currency", "amount", "written"),
    [("RSD", "10.50", b"10.50"), ("IQD", "1.250", b"1.250"), ("JPY", "7", b"7")],
)
async def test_an_amount_is_found_in_its_currency_s_own_decimals(
    workspace: WorkspaceApi, currency: str, amount: str, written: bytes
) -> None:
    body = a_body(currency=currency, amount=json.read(amount.encode()))

    debt = await workspace.post("/debts", body)

    assert debt.status == 201
    assert b'"amount":' + written + b"," in debt.body
    for query in (f"amount={amount}", f"amount_min={amount}&amount_max={amount}"):
        assert [item["id"] for item in read(await workspace.get(f"/debts?{query}"))["data"]] == [
            read(debt)["id"]
        ]


async def test_numbers_in_metadata_are_kept_whole(workspace: WorkspaceApi) -> None:
    metadata = {"account": 10**30, "rate": json.read(b"0.10"), "low": -(2**70), "deep": [{"n": 2**64}]}
    text = b'{"account":%d,"rate":0.10,"low":%d,"deep":[{"n":%d}]}' % (10**30, -(2**70), 2**64)
    body = json.write(a_body(metadata=1)).replace(b'"metadata":1', b'"metadata":' + text)

    debt = await workspace.site.call("POST", "/external-api/v1/debts", body=body)

    assert debt.status == 201
    assert read(debt)["metadata"] == metadata
    assert read(await workspace.get(f"/debts/{read(debt)['id']}"))["metadata"] == metadata


@pytest.mark.parametrize(
    ("address", "pointers"),
    [
        ({"country": "XX", "town": "Lyon"}, ["/debtor/address/country", "/debtor/address/town"]),
        ({"city": 7}, ["/debtor/address/city"]),
        (7, ["/debtor/address"]),
        ("", ["/debtor/address"]),
    ],
)
async def test_what_is_wrong_in_an_address_is_named_where_it_stands(
    workspace: WorkspaceApi, address: Any, pointers: list[str]
) -> None:
    answered = await workspace.post("/debts", a_body(debtor={"name": "Jean Dupont", "address": address}))

    assert answered.status == 422
    assert [error["pointer"] for error in read(answered)["errors"]] == pointers


@pytest.mark.parametrize("link", ["https://pay.example/my invoice", "https://", "https://pay.example/\ta"])
async def test_a_payment_link_that_no_message_could_carry_is_refused(
    workspace: WorkspaceApi, link: str
) -> None:
    answered = await workspace.post("/debts", a_body(payment_link=link))

    assert answered.status == 422
    assert [error["pointer"] for error in read(answered)["errors"]] == ["/payment_link"]


async def test_a_national_number_is_read_where_the_debtor_lives(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt(
        debtor={"name": "Jan Peeters", "email": "jan@example.com", "address": {"country": "BE"}}
    )

    changed = read(await workspace.put(f"/debts/{debt['id']}", {"debtor": {"phone": "0470 12 34 56"}}))
    wrong = await workspace.put(f"/debts/{debt['id']}", {"phone": "01 42 68 53 00"})

    assert changed["debtor"]["phone"] == "+32470123456"
    assert (wrong.status, read(wrong)["errors"][0]["pointer"]) == (422, "/phone")


async def test_an_address_that_is_cleared_is_cleared_whole(workspace: WorkspaceApi) -> None:
    address = {"street_address": "rue des Lilas", "postal_code": "69003", "city": "Lyon", "country": "FR"}
    debt = await workspace.debt(debtor={"name": "Jean Dupont", "address": address})

    changed = read(await workspace.put(f"/debts/{debt['id']}", {"debtor": {"address": None}}))

    assert set(changed["debtor"]["address"].values()) == {None}


@pytest.mark.parametrize("path", ["/debts", "/debts?sort=amount", "/debtors", "/debts?page=2"])
async def test_the_last_page_has_no_cursor(workspace: WorkspaceApi, path: str) -> None:
    for number in range(4):
        await workspace.debt(reference=str(number), debtor={"name": f"Jean {number}"})
    size = 2 if "page" in path else 4

    listed = read(await workspace.get(path + ("&" if "?" in path else "?") + f"limit={size}"))

    assert len(listed["data"]) == size
    assert listed["pagination"]["next_cursor"] is None
