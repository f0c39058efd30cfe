"""Debts over HTTP: what goes in, what comes out, and which rows and events it leaves."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from calls import Answer
from debts.conftest import WorkspaceApi, a_body, read
from getbill.kit import ids


def assert_refused(answered: Answer, status: int, code: str) -> Any:
    """Assert a problem document of this status and type, and return it."""
    problem = read(answered)
    assert (answered.status, problem["status"], problem["type"]) == (status, status, f"/problems/{code}")
    assert answered.headers["content-type"] == "application/problem+json"
    return problem


# --- creating ---


async def test_the_seed_s_body_opens_a_debt(workspace: WorkspaceApi) -> None:
    body = a_body()

    answered = await workspace.post("/debts", body)

    debt = read(answered)
    assert answered.status == 201
    assert answered.headers["location"] == f"/external-api/v1/debts/{debt['id']}"
    assert b'"amount":2340.00' in answered.body
    assert (debt["status"], debt["reference"], debt["balance"]) == (
        "pending",
        body["reference"],
        Decimal(2340),
    )
    assert debt["debtor"]["name"] == "Jean Dupont"
    assert debt["next_action_at"] is not None
    assert await workspace.history(debt) == [(1, "debt.created")]


async def test_a_name_an_amount_and_a_reference_are_enough(workspace: WorkspaceApi) -> None:
    body = {"debtor": {"name": "Test Dupont"}, "amount": 1500.00, "reference": "TEST-001"}

    debt = read(await workspace.post("/debts", body))

    assert (debt["currency"], debt["scenario"], debt["due_date"]) == ("EUR", "standard_3_waves", None)


async def test_the_same_body_again_answers_200_with_the_debt_made_before(workspace: WorkspaceApi) -> None:
    body = a_body()
    first = await workspace.post("/debts", body)

    again = await workspace.post("/debts", body)

    assert (first.status, again.status) == (201, 200)
    assert read(again) == read(first)
    assert await workspace.history(read(first)) == [(1, "debt.created")]


async def test_the_same_reference_with_another_body_is_refused_with_the_existing_id(
    workspace: WorkspaceApi,
) -> None:
    body = a_body()
    first = read(await workspace.post("/debts", body))

    answered = await workspace.post("/debts", body | {"amount": 99})

    problem = assert_refused(answered, 409, "reference-taken")
    assert problem["id"] == first["id"]
    assert read(await workspace.get(f"/debts/{first['id']}"))["amount"] == Decimal(2340)


async def test_twins_sent_at_once_make_one_debt(workspace: WorkspaceApi) -> None:
    body = a_body()

    answers = await asyncio.gather(*(workspace.post("/debts", body) for _ in range(5)))

    assert sorted(answered.status for answered in answers) == [200, 200, 200, 200, 201]
    assert len({read(answered)["id"] for answered in answers}) == 1


async def test_one_person_met_by_many_debts_at_once_is_one_debtor(workspace: WorkspaceApi) -> None:
    answers = await asyncio.gather(*(workspace.post("/debts", a_body()) for _ in range(5)))

    assert [answered.status for answered in answers] == [201] * 5
    assert len({read(answered)["debtor"]["id"] for answered in answers}) == 1


async def test_a_family_that_shares_an_address_is_not_one_debtor(workspace: WorkspaceApi) -> None:
    jean = await workspace.debt()
    marie = await workspace.debt(debtor={"name": "Marie Dupont", "email": "jean.dupont@email.com"})

    assert jean["debtor"]["id"] != marie["debtor"]["id"]


async def test_the_creditor_s_own_reference_decides_who_is_who(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt(debtor={"name": "Jean Dupont", "email": "j@email.com", "reference": "C-1"})
    two = await workspace.debt(debtor={"name": "J. Dupont", "phone": "+33612345678", "reference": "C-1"})
    three = await workspace.debt(debtor={"name": "Jean Dupont", "email": "j@email.com", "reference": "C-2"})

    assert debt["debtor"]["id"] == two["debtor"]["id"]
    assert three["debtor"]["id"] != debt["debtor"]["id"]


async def test_a_later_debt_teaches_what_was_not_known(workspace: WorkspaceApi) -> None:
    first = await workspace.debt(debtor={"name": "Jean Dupont", "email": "jean@email.com"})

    await workspace.debt(debtor={"name": "Jean Dupont", "email": "jean@email.com", "phone": "06 12 34 56 78"})

    debtor = read(await workspace.get(f"/debts/{first['id']}"))["debtor"]
    assert (debtor["email"], debtor["phone"]) == ("jean@email.com", "+33612345678")


async def test_a_wrong_body_leaves_nothing(workspace: WorkspaceApi) -> None:
    answered = await workspace.post("/debts", a_body(amount=-1, currency="ABC"))

    problem = assert_refused(answered, 422, "invalid")
    assert {error["pointer"] for error in problem["errors"]} == {"/amount", "/currency"}
    assert read(await workspace.get("/debts"))["pagination"]["total"] == 0


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"{", 400, "malformed-json"),
        (b'{"amount": NaN}', 400, "malformed-json"),
        (b'{"amount": 1, "amount": 2}', 400, "malformed-json"),
        (b"", 400, "bad-request"),
        (b"[]", 422, "invalid"),
    ],
)
async def test_a_body_that_is_no_object_is_refused(
    workspace: WorkspaceApi, sent: bytes, status: int, code: str
) -> None:
    answered = await workspace.site.call("POST", "/external-api/v1/debts", body=sent)

    assert_refused(answered, status, code)
    assert read(await workspace.get("/debts"))["pagination"]["total"] == 0


async def test_another_media_type_is_refused(workspace: WorkspaceApi) -> None:
    answered = await workspace.site.call(
        "POST", "/external-api/v1/debts", body=b"a=1", headers={"Content-Type": "text/plain"}
    )

    assert_refused(answered, 415, "unsupported-media-type")
    assert read(await workspace.get("/debts"))["pagination"]["total"] == 0


# --- reading ---


async def test_a_debt_is_read_as_it_was_answered(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt(
        metadata={"crm_id": "CRM-1"}, object="Invoice 12", payment_link="https://pay.example/1"
    )

    answered = await workspace.get(f"/debts/{debt['id']}")

    assert (answered.status, read(answered)) == (200, debt)
    assert debt["metadata"] == {"crm_id": "CRM-1"}


async def test_another_company_s_debt_is_not_there(
    workspace: WorkspaceApi, other_workspace: WorkspaceApi
) -> None:
    debt = await other_workspace.debt()

    for method, body in (("GET", None), ("PUT", {"amount": 1}), ("DELETE", None)):
        problem = assert_refused(await workspace.call(method, f"/debts/{debt['id']}", body), 404, "not-found")
        assert "Dupont" not in str(problem)

    assert read(await other_workspace.get(f"/debts/{debt['id']}")) == debt


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=pending", {"a", "b"}),
        ("status=on_hold", {"c"}),
        ("status=pending&status=on_hold", {"a", "b", "c"}),
        ("status=resolved", set()),
        ("scenario=standard_3_waves", {"a", "b", "c"}),
        ("reference=a", {"a"}),
        ("currency=JPY", {"c"}),
        ("amount=100.50", {"a"}),
        ("amount=5000", {"c"}),
        ("amount_min=100.50&amount_max=200", {"a", "b"}),
        ("amount_min=200.01", {"c"}),
        ("due_from=2024-02-01", {"b"}),
        ("due_to=2024-01-31", {"a"}),
        ("created_from=2020-01-01", {"a", "b", "c"}),
        ("created_to=2020-01-01", set()),
        ("updated_after=2020-01-01T00:00:00Z", {"a", "b", "c"}),
        ("q=a", {"a"}),
        ("q=garnier", {"b"}),
        ("q=In%C3%A8s+GARNIER", {"b"}),
        ("q=ines", {"b"}),
        ("q=moreau+dupont", set()),
        ("q=claire%40email.com", {"a"}),
        ("q=0612345679", {"b"}),
        ("q=%2B33612345679", {"b"}),
        ("q=nobody%40email.com", set()),
    ],
)
async def test_a_list_is_filtered(workspace: WorkspaceApi, query: str, expected: set[str]) -> None:
    await workspace.debt(
        reference="a",
        amount=100.5,
        due_date="2024-01-15",
        debtor={"name": "Claire Moreau", "email": "claire@email.com"},
    )
    await workspace.debt(
        reference="b",
        amount=200,
        due_date="2024-02-15",
        debtor={"name": "Inès Garnier", "phone": "+33612345679"},
    )
    locked = await workspace.debt(
        reference="c", amount=5000, currency="JPY", due_date=None, debtor={"name": "Kenji Sato"}
    )
    await workspace.post(f"/debts/{locked['id']}/hold")

    listed = read(await workspace.get(f"/debts?{query}"))

    assert {debt["reference"] for debt in listed["data"]} == expected
    assert listed["pagination"]["total"] == len(expected)


@pytest.mark.parametrize(
    "query",
    [
        "colour=red",
        "status=unheard",
        "page=0",
        "limit=101",
        "amount=abc",
        "sort=name",
        "cursor=abc",
        "due_from=x",
    ],
)
async def test_a_list_asked_wrongly_is_refused(workspace: WorkspaceApi, query: str) -> None:
    answered = await workspace.get(f"/debts?{query}")

    assert answered.status == 400
    assert read(answered)["type"] == "/problems/bad-request"


@pytest.mark.parametrize("sort", ["date", "-date", "amount", "-amount"])
async def test_a_cursor_walks_the_whole_book_once_in_order(workspace: WorkspaceApi, sort: str) -> None:
    for number in (3, 1, 2, 5, 4):
        await workspace.debt(reference=str(number), amount=number)
    expected = {"date": "31254", "-date": "45213", "amount": "12345", "-amount": "54321"}[sort]

    seen, cursor = "", ""
    while cursor is not None:
        listed = read(
            await workspace.get(f"/debts?limit=2&sort={sort}" + (f"&cursor={cursor}" if cursor else ""))
        )
        seen += "".join(debt["reference"] for debt in listed["data"])
        cursor = listed["pagination"]["next_cursor"]

    assert seen == expected


async def test_pages_are_counted_as_published(workspace: WorkspaceApi) -> None:
    for number in range(3):
        await workspace.debt(reference=str(number))

    listed = read(await workspace.get("/debts?page=2&limit=2"))

    pages = listed["pagination"]
    assert [debt["reference"] for debt in listed["data"]] == ["0"]
    assert (pages["total"], pages["page"], pages["limit"], pages["pages"]) == (3, 2, 2, 2)


# --- changing ---


async def test_a_change_touches_only_what_is_sent(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt(metadata={"a": 1})

    changed = read(
        await workspace.put(f"/debts/{debt['id']}", {"debtor": {"phone": "+33611223344"}, "object": "Rent"})
    )

    assert changed["debtor"]["phone"] == "+33611223344"
    assert changed["object"] == "Rent"
    same = {"debtor", "object", "updated_at"}
    assert {k: v for k, v in changed.items() if k not in same} == {
        k: v for k, v in debt.items() if k not in same
    }
    assert await workspace.history(debt) == [(1, "debt.created"), (2, "debt.updated")]


async def test_a_promise_to_pay_leaves_the_debtor_alone_until_its_day_is_over(
    workspace: WorkspaceApi,
) -> None:
    debt = await workspace.debt()
    on = (datetime.now(UTC) + timedelta(days=40)).date()

    promised = read(
        await workspace.put(f"/debts/{debt['id']}", {"promise": {"date": on.isoformat(), "amount": 500}})
    )
    cleared = read(await workspace.put(f"/debts/{debt['id']}", {"promise": None}))

    assert promised["promise"] == {"date": on.isoformat(), "amount": Decimal(500), "state": "open"}
    assert promised["next_action_at"] > on.isoformat()
    assert (cleared["promise"], cleared["next_action_at"][:10]) == (None, debt["next_action_at"][:10])
    assert await workspace.history(debt) == [(1, "debt.created"), (2, "debt.updated"), (3, "debt.updated")]


async def test_a_promise_is_made_anew_in_a_new_currency(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt(amount=100)
    on = (datetime.now(UTC) + timedelta(days=5)).date().isoformat()
    await workspace.put(f"/debts/{debt['id']}", {"promise": {"date": on, "amount": 100}})

    refused = await workspace.put(f"/debts/{debt['id']}", {"currency": "JPY"})
    changed = await workspace.put(
        f"/debts/{debt['id']}", {"currency": "JPY", "promise": {"date": on, "amount": 90}}
    )

    assert assert_refused(refused, 422, "invalid")["errors"][0]["code"] == "has-promise"
    assert (read(changed)["currency"], read(changed)["promise"]["amount"]) == ("JPY", 90)


@pytest.mark.parametrize(
    ("days", "amount", "pointer"),
    [
        (-2, 10, "/promise/date"),
        (400, 10, "/promise/date"),
        (5, 2341, "/promise/amount"),
        (5, 1.234, "/promise/amount"),
    ],
)
async def test_nobody_promises_yesterday_or_more_than_is_owed(
    workspace: WorkspaceApi, days: int, amount: float, pointer: str
) -> None:
    debt = await workspace.debt()
    on = (datetime.now(UTC) + timedelta(days=days)).date().isoformat()

    answered = await workspace.put(f"/debts/{debt['id']}", {"promise": {"date": on, "amount": amount}})

    assert assert_refused(answered, 422, "invalid")["errors"][0]["pointer"] == pointer
    assert read(await workspace.get(f"/debts/{debt['id']}")) == debt


async def test_a_change_of_nothing_is_no_event(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt()

    answered = await workspace.put(
        f"/debts/{debt['id']}", {"amount": 2340, "debtor": {"name": "Jean Dupont"}}
    )

    assert (answered.status, read(answered)) == (200, debt)
    assert await workspace.history(debt) == [(1, "debt.created")]


async def test_a_changed_amount_is_booked_as_an_adjustment(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt()
    await workspace.post(f"/debts/{debt['id']}/payments", {"amount": 340})

    changed = read(await workspace.put(f"/debts/{debt['id']}", {"amount": 2000}))

    entries = read(await workspace.get(f"/debts/{debt['id']}/payments"))["data"]
    assert (changed["amount"], changed["balance"], changed["amount_paid"]) == (2000, 1660, 340)
    assert {(entry["kind"], entry["amount"]) for entry in entries} == {("payment", 340), ("adjustment", -340)}


async def test_a_change_of_something_older_is_refused(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt()
    read_tag = (await workspace.get(f"/debts/{debt['id']}")).headers["etag"]
    first = await workspace.put(f"/debts/{debt['id']}", {"amount": 2000}, If_Match=read_tag)

    second = await workspace.put(f"/debts/{debt['id']}", {"amount": 1000}, If_Match=read_tag)

    assert first.status == 200
    assert_refused(second, 412, "precondition-failed")
    assert second.headers["etag"] == first.headers["etag"]
    assert read(await workspace.get(f"/debts/{debt['id']}"))["amount"] == 2000


async def test_a_reference_in_use_is_refused(workspace: WorkspaceApi) -> None:
    batch, debt = await workspace.debt(), await workspace.debt()

    answered = await workspace.put(f"/debts/{debt['id']}", {"reference": batch["reference"]})

    assert assert_refused(answered, 409, "reference-taken")["id"] == batch["id"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"status": "resolved"}, 409, "debt-has-balance"),
        ({"status": "status.default.paid"}, 409, "debt-has-balance"),
        ({"status": "escalated"}, 409, "debt-cannot-move"),
        ({"status": "payment_plan"}, 409, "debt-cannot-move"),
        ({"status": "flying"}, 422, "invalid"),
        ({"amount": 1.001}, 422, "invalid"),
        ({"amount": None}, 422, "invalid"),
        ({"id": "debt_1"}, 422, "invalid"),
    ],
)
async def test_a_change_that_may_not_be_leaves_everything(
    workspace: WorkspaceApi, body: dict[str, Any], status: int, code: str
) -> None:
    debt = await workspace.debt()

    assert_refused(await workspace.put(f"/debts/{debt['id']}", body), status, code)

    assert read(await workspace.get(f"/debts/{debt['id']}")) == debt


async def test_a_currency_changes_until_money_was_entered(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt(amount=100)

    changed = read(await workspace.put(f"/debts/{debt['id']}", {"currency": "JPY"}))
    await workspace.post(f"/debts/{debt['id']}/payments", {"amount": 1})
    late = await workspace.put(f"/debts/{debt['id']}", {"currency": "EUR"})

    assert (changed["amount"], changed["balance"], changed["currency"]) == (100, 100, "JPY")
    assert assert_refused(late, 422, "invalid")["errors"][0]["pointer"] == "/currency"


async def test_an_amount_the_new_currency_cannot_hold_is_refused(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt(amount=100.5)

    answered = await workspace.put(f"/debts/{debt['id']}", {"currency": "JPY"})

    assert assert_refused(answered, 422, "invalid")["errors"][0]["code"] == "too-many-decimals"
    assert read(await workspace.get(f"/debts/{debt['id']}")) == debt


async def test_a_status_moves_along_the_table_only(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt()
    archived = read(await workspace.put(f"/debts/{debt['id']}", {"status": "archived"}))

    answered = await workspace.put(f"/debts/{debt['id']}", {"status": "in_progress"})

    assert_refused(answered, 409, "debt-cannot-move")
    assert read(await workspace.get(f"/debts/{debt['id']}")) == archived


async def test_a_debt_held_by_somebody_else_too_long_is_a_503_to_repeat(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt()
    pool = workspace.app.state.database.pool

    async with pool.acquire() as other, other.transaction():
        await other.execute("SELECT FROM debts WHERE id = $1 FOR UPDATE", ids.read("debt", debt["id"]))
        answered = await workspace.post(f"/debts/{debt['id']}/hold")

    assert_refused(answered, 503, "unavailable")
    assert answered.headers["retry-after"] == "1"
    assert read(await workspace.get(f"/debts/{debt['id']}")) == debt


# --- holding, resuming, escalating ---


async def test_a_held_debt_has_no_next_contact_until_it_is_resumed(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt()

    locked = read(await workspace.post(f"/debts/{debt['id']}/hold", {"reason": "disputed"}))
    resumed = read(await workspace.post(f"/debts/{debt['id']}/resume"))

    assert (locked["status"], locked["next_action_at"]) == ("on_hold", None)
    assert (resumed["status"], resumed["next_action_at"]) == ("pending", debt["next_action_at"])


async def test_an_escalation_names_who_decided_and_why(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt()

    missing = await workspace.post(f"/debts/{debt['id']}/escalate", {"reason": "no answer"})
    done = await workspace.post(
        f"/debts/{debt['id']}/escalate", {"reason": "no answer", "decided_by": "Marie Martin"}
    )

    assert assert_refused(missing, 422, "invalid")["errors"][0]["pointer"] == "/decided_by"
    assert read(done)["status"] == "escalated"
    assert await workspace.history(debt) == [
        (1, "debt.created"),
        (2, "debt.status_changed"),
        (3, "debt.escalated"),
    ]


# --- erasing ---


async def test_an_erased_debt_leaves_nothing_of_whom(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt(reference="F-ERASE", metadata={"note": "allergic"})
    await workspace.post(
        f"/debts/{debt['id']}/payments", {"amount": 40, "provider": "bank", "provider_id": "T-77"}
    )

    answered = await workspace.call("DELETE", f"/debts/{debt['id']}")

    assert answered.status == 200
    assert read(answered)["is_debtor_erased"] is True
    assert_refused(await workspace.get(f"/debts/{debt['id']}"), 404, "not-found")
    assert_refused(await workspace.get(f"/debtors/{debt['debtor']['id']}"), 404, "not-found")
    tables = await workspace.rows(
        "SELECT table_name FROM information_schema.columns WHERE column_name = 'workspace_id' "
        "AND table_schema = 'public'"
    )
    for table in tables:
        rows = await workspace.rows(
            f"SELECT t::text AS row FROM {table['table_name']} t WHERE workspace_id = $1",
            workspace.workspace_id,
        )
        text = " ".join(row["row"] for row in rows)
        assert not any(word in text for word in ("F-ERASE", "T-77", "Dupont", "allergic")), table[
            "table_name"
        ]
    keys = await workspace.rows("SELECT FROM vault_keys WHERE workspace_id = $1", workspace.workspace_id)
    events = await workspace.rows("SELECT data FROM events WHERE workspace_id = $1", workspace.workspace_id)
    assert keys == []
    assert [event["data"] for event in events] == [None] * 3


async def test_an_erased_debt_keeps_its_money_and_frees_its_reference(workspace: WorkspaceApi) -> None:
    body = a_body()
    debt = read(await workspace.post("/debts", body))
    await workspace.post(f"/debts/{debt['id']}/payments", {"amount": 40})

    await workspace.call("DELETE", f"/debts/{debt['id']}")

    again = await workspace.post("/debts", body)
    money = await workspace.rows(
        "SELECT minor, note FROM payments WHERE debt_id = $1", ids.read("debt", debt["id"])
    )
    assert again.status == 201
    assert read(again)["id"] != debt["id"]
    assert [tuple(row) for row in money] == [(-4000, None)]


async def test_the_debtor_s_other_debts_live_on(workspace: WorkspaceApi) -> None:
    gone, stays = await workspace.debt(), await workspace.debt()

    answered = read(await workspace.call("DELETE", f"/debts/{gone['id']}"))

    assert answered["is_debtor_erased"] is False
    assert read(await workspace.get(f"/debts/{stays['id']}")) == stays


async def test_a_stored_answer_goes_with_the_debt(workspace: WorkspaceApi) -> None:
    body = a_body()
    debt = read(await workspace.post("/debts", body, Idempotency_Key="once"))
    await workspace.call("DELETE", f"/debts/{debt['id']}")

    kept = await workspace.rows(
        "SELECT FROM idempotency_keys WHERE workspace_id = $1", workspace.workspace_id
    )

    assert kept == []


async def test_a_refusal_that_names_a_debt_goes_with_it(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt(reference="F-NAMED")
    refused = await workspace.post("/debts", a_body(reference="F-NAMED", amount=1), Idempotency_Key="once")
    assert refused.status == 409

    await workspace.call("DELETE", f"/debts/{debt['id']}")

    assert (
        await workspace.rows("SELECT FROM idempotency_keys WHERE workspace_id = $1", workspace.workspace_id)
        == []
    )
    result = await workspace.post("/debts", a_body(reference="F-NAMED", amount=1), Idempotency_Key="once")
    assert result.status == 201
