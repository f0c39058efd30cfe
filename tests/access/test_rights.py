"""The table of rights in docs/rights.md is the application's: every route stands in it, with all that it needs."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import make
from access.test_scopes import DOORS, Door
from architecture.source import ROOT
from calls import Answer, Site
from getbill import access
from installation import Installation
from make import Company

TABLE = (ROOT / "docs" / "rights.md").read_text("utf-8")
V1 = "/external-api/v1"
NAME = "Veronique Martin"


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    door: str
    rights: tuple[str, ...]
    further: str
    hands_out: str


def rows() -> list[Row]:
    lines = re.findall(r"^\| `([A-Z]+ /[^`]*)` \| ([^|]*) \| ([^|]*) \| ([^|]+) \|$", TABLE, re.MULTILINE)
    return [
        Row(door, tuple(re.findall(r"`([^`]+)`", rights)), further.strip(), hands_out.strip())
        for door, rights, further, hands_out in lines
    ]


ROWS = {row.door: row for row in rows()}
WALKED = {str(door): door for door in DOORS if door.method != "HEAD"}
NARROWED = "for more than ids and states"


def scopes(door: Door) -> tuple[str, ...]:
    return door.guards[0].scopes if door.guards else ()


def test_every_route_stands_in_the_table_and_no_other() -> None:
    assert len(ROWS) == len(rows()), "A route stands twice in docs/rights.md."
    assert sorted(WALKED.keys() - ROWS.keys()) == [], "Say in docs/rights.md what it needs and hands out."
    assert sorted(ROWS.keys() - WALKED.keys()) == [], "docs/rights.md names routes that are gone."
    assert all(row.hands_out for row in ROWS.values())


@pytest.mark.parametrize("name", sorted(WALKED))
def test_the_table_says_which_rights_a_route_asks_for(name: str) -> None:
    door, row = WALKED[name], ROWS[name]
    shown_to = getattr(door.guards[0], "read_scope", None) if door.guards else None

    assert row.rights == scopes(door)
    assert (f"`{shown_to}` {NARROWED}" if shown_to else "") == (
        row.further.rpartition("; ")[2] if NARROWED in row.further else ""
    )


def test_what_mints_or_has_data_leave_needs_the_right_to_read_it() -> None:
    leaving = [
        row for row in ROWS.values() if re.search(r"send|creates a login|creates another", row.hands_out)
    ]
    without = [
        row.door for row in leaving if "debts:read" not in row.rights and "debts:read" not in row.further
    ]

    assert len(leaving) >= 7
    assert without == [f"POST {V1}/webhooks/{{webhook_id}}/rotate-secret"]


def test_credentials_are_minted_and_ended_by_rights_that_are_named() -> None:
    for row in ROWS.values():
        if row.door.split(" ")[1].startswith((f"{V1}/sftp/logins", f"{V1}/credentials")):
            assert row.rights[0] in access.ADMINISTRATIVE, row.door


@pytest.fixture
async def program(client: Site, company: Company, installation: Installation) -> Any:
    """A client of the company's sandbox with some scopes."""

    async def let_in(*values: str) -> Site:
        shown_id, secret = await make.client(installation.database, company.founded, *values, is_live=False)
        form = {"grant_type": "client_credentials", "client_id": shown_id, "client_secret": secret}
        return client.with_token((await client.form("/token", form)).json()["access_token"])

    return let_in


def body_of_debt(**changes: Any) -> dict[str, Any]:
    debtor = {"name": NAME, "email": "veronique@debtor.example", "phone": "+33639980042"}
    return make.debt(debtor=debtor, **changes)


def tells(answered: Answer) -> bool:
    """Whether an answer says who the debtor is."""
    return any(word in answered.body for word in (b"Veronique", b"veronique@", b"639980042"))


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "", {}),
        ("PUT", "", {"metadata": {"a": "b"}}),
        ("POST", "/hold", {}),
        ("POST", "/escalate", {"reason": "No answer.", "decided_by": "Marie"}),
        ("POST", "/payments", {"amount": 1, "method": "card"}),
    ],
)
async def test_who_may_change_a_debt_and_not_read_it_is_answered_ids_and_states(
    sandbox: Site, program: Any, method: str, path: str, body: Any
) -> None:
    debt = (await sandbox.post(f"{V1}/debts", body_of_debt())).json()
    writer, both = await program("debts:write"), await program("debts:write", "debts:read")

    narrow = await writer.call(method, f"{V1}/debts/{debt['id']}{path}", body=as_json(body))
    if path == "/hold":
        await sandbox.post(f"{V1}/debts/{debt['id']}/resume")
    whole = await both.call(method, f"{V1}/debts/{debt['id']}{path}", body=as_json(body))

    assert narrow.status in {200, 201}
    assert debt["id"] in narrow.body.decode() or narrow.json()["id"]
    assert not tells(narrow)
    assert b"balance" not in narrow.body
    if whole.status < 300 and path != "/payments":
        assert tells(whole)


async def test_who_creates_a_debt_is_answered_what_they_sent_and_not_what_was_there(
    sandbox: Site, program: Any
) -> None:
    await sandbox.post(f"{V1}/debts", body_of_debt(debtor_reference="C-1"))
    writer = await program("debts:write")
    new = make.debt(debtor_reference="C-1")
    new["debtor"] = {"name": "V. M.", "email": "other@debtor.example"}

    created = await writer.post(f"{V1}/debts", new)
    again = await writer.post(f"{V1}/debts", new)

    assert (created.status, again.status) == (201, 200)
    assert created.json()["reference"] == new["reference"]
    assert set(created.json()["debtor"]) <= {"id", "type", "status", "created_at", "updated_at"}
    assert not tells(created)
    assert not tells(again)
    assert again.json()["id"] == created.json()["id"]


async def test_a_stored_answer_is_narrowed_like_a_fresh_one(sandbox: Site, program: Any) -> None:
    writer = await program("debts:write")
    await sandbox.post(f"{V1}/debts", body_of_debt(debtor_reference="C-2"))
    new = body_of_debt(debtor_reference="C-2")

    answers = [await writer.post(f"{V1}/debts", new, Idempotency_Key="one") for _ in range(2)]

    assert answers[1].headers["idempotent-replayed"] == "true"
    assert not any(map(tells, answers))


async def test_who_may_change_a_followup_and_not_read_it_is_answered_ids_and_states(
    sandbox: Site, program: Any
) -> None:
    debt = (await sandbox.post(f"{V1}/debts", body_of_debt())).json()
    report = {
        "debt_id": debt["id"],
        "type": "manual_call",
        "status": "deal_not_found",
        "notes": f"{NAME} will pay.",
    }
    followup = (await sandbox.post(f"{V1}/followups", report)).json()
    writer = await program("followups:write")

    changed = await writer.call("PUT", f"{V1}/followups/{followup['id']}", body=b"{}")

    assert changed.status == 200, changed.body
    assert changed.json()["id"] == followup["id"]
    assert not tells(changed)


async def test_a_preview_for_a_debt_that_is_there_needs_the_right_to_read_it(
    sandbox: Site, program: Any
) -> None:
    debt = (await sandbox.post(f"{V1}/debts", body_of_debt())).json()
    writer, both = await program("debts:write"), await program("debts:write", "debts:read")
    path = f"{V1}/scenarios/standard_3_waves/preview"

    refused = await writer.post(path, {"debt_id": debt["id"]})
    imagined = await writer.post(path, {"debt": body_of_debt()})
    answer = await both.post(path, {"debt_id": debt["id"]})

    assert (refused.status, refused.json()["required_scope"]) == (403, "debts:read")
    assert (imagined.status, answer.status) == (200, 200)


async def test_the_cells_of_a_file_are_shown_to_who_may_read_debts(sandbox: Site, program: Any) -> None:
    file = f"reference;amount;name\nF-1;12,50;{NAME}\n".encode()
    writer = await program("debts:write")

    batch = await writer.call(
        "POST", f"{V1}/imports?name=debts.csv", body=file, headers={"Content-Type": "text/csv"}
    )

    assert batch.status == 202
    assert set(batch.json()) <= {"id", "type", "status", "state", "created_at", "updated_at"}
    refused = await writer.get(f"{V1}/imports/{batch.json()['id']}/mapping")
    assert (refused.status, refused.json()["required_scope"]) == (403, "debts:read")


def as_json(value: Any) -> bytes:
    return str(value).replace("'", '"').encode()


def test_the_table_is_linked_from_the_readme() -> None:
    assert "docs/rights.md" in (Path(ROOT) / "README.md").read_text("utf-8")
