"""Followups over HTTP: what was done towards a debtor, as the creditor reads it."""

from typing import Any
from uuid import UUID

import pytest

import collecting
from calls import Site
from collecting import LYON, ContactWorkspace
from getbill import access, debts
from getbill.debts import Debt
from getbill.kit import clock, ids

MONDAY = "2026-01-05 09:00"


async def collected(workspace: ContactWorkspace, until: str = "2026-03-01 09:00") -> Debt:
    """Create a debt and let its scenario run."""
    await workspace.engine.set_clock(MONDAY)
    debt = await workspace.engine.debt(LYON)
    await workspace.engine.run_until(until)
    return debt


async def listed(workspace: ContactWorkspace, query: str = "") -> list[dict[str, Any]]:
    answered = await workspace.get(f"/followups{query}")
    assert answered.status == 200, answered.body
    return answered.json()["data"]


async def test_a_followup_shows_the_contracts_fields_with_channel_and_instant(
    workspace: ContactWorkspace,
) -> None:
    debt = await collected(workspace, "2026-01-05 10:00")

    (answer,) = await listed(workspace)

    assert answer == {
        "id": answer["id"],
        "debt_id": ids.show("debt", debt.id),
        "group_id": None,
        "status": "delivered",
        "type": "email",
        "channel": "email",
        "call_date": "2026-01-05T09:00:00Z",
        "scheduled_at": "2026-01-05T09:00:00Z",
        "sent_at": "2026-01-05T09:00:00Z",
        "processed_at": "2026-01-05T09:00:00Z",
        "summary": None,
        "notes": None,
        "call_id": None,
        "audio_url": None,
        "pdf_url": None,
        "media_urls_expire_at": None,
        "duration_ms": None,
        "disconnection_reason": None,
        "direction": "outbound",
        "phone_number_used": None,
        "is_retry": False,
        "triggered_payment": False,
        "crossed_by": None,
        "email_opened": False,
        "email_open_count": 0,
        "email_first_opened_at": None,
        "email_clicked": False,
        "email_click_count": 0,
    }


async def test_one_followup_is_answered_without_an_envelope(workspace: ContactWorkspace) -> None:
    await collected(workspace, "2026-01-05 10:00")
    (answer,) = await listed(workspace)

    answered = await workspace.get(f"/followups/{answer['id']}")

    assert (answered.status, answered.json()) == (200, answer)


async def test_a_call_shows_its_number_length_and_how_it_ended(workspace: ContactWorkspace) -> None:
    await collected(workspace)

    call = (await listed(workspace, "?channel=ai_call"))[-1]

    assert (call["type"], call["status"]) == ("call", "deal_not_found")
    assert call["phone_number_used"] == "+33612345678"
    assert call["duration_ms"] == 42_000
    assert call["disconnection_reason"] == "completed_successfully"
    assert call["call_id"] == f"sandbox_{call['id']}"


async def test_the_whole_history_is_listed_the_newest_first(workspace: ContactWorkspace) -> None:
    await collected(workspace)

    channels = [answer["channel"] for answer in await listed(workspace)]

    assert channels == ["ai_call", "letter", "email", "ai_call", "sms", "email"]


@pytest.mark.parametrize(
    ("query", "channels"),
    [
        ("?channel=sms", ["sms"]),
        ("?channel=sms&channel=letter", ["letter", "sms"]),
        ("?type=postmail", ["letter"]),
        ("?type=call", ["ai_call", "ai_call"]),
        ("?status=deal_not_found", ["ai_call", "ai_call"]),
        ("?status=failed", []),
        ("?from=2026-01-20", ["ai_call", "letter"]),
        ("?to=2026-01-08", ["sms", "email"]),
        ("?from=2026-01-08&to=2026-01-12", ["ai_call", "sms"]),
        ("?from=2026-01-08&to=2026-01-12&type=sms", ["sms"]),
        ("?to=9999-12-31", ["ai_call", "letter", "email", "ai_call", "sms", "email"]),
    ],
)
async def test_a_list_is_narrowed_by_what_is_asked_for(
    workspace: ContactWorkspace, query: str, channels: list[str]
) -> None:
    await collected(workspace)

    assert [answer["channel"] for answer in await listed(workspace, query)] == channels


async def test_one_debts_followups_are_listed_by_its_id_in_either_way(workspace: ContactWorkspace) -> None:
    debt = await collected(workspace, "2026-01-09 10:00")
    other = await workspace.engine.debt()
    await workspace.engine.send_due()
    await workspace.engine.send_due()
    answer = ids.show("debt", debt.id)

    by_path = (await workspace.get(f"/followups/debt/{answer}")).json()
    by_filter = (await workspace.get(f"/followups?debt_id={answer}")).json()

    assert by_path == by_filter
    assert [item["channel"] for item in by_path["data"]] == ["sms", "email"]
    assert by_path["pagination"]["total"] == 2
    assert len(await listed(workspace, f"?debt_id={ids.show('debt', other.id)}")) == 1


async def test_pages_and_cursors_reach_every_followup_once(workspace: ContactWorkspace) -> None:
    await collected(workspace)
    every = [answer["id"] for answer in await listed(workspace)]

    first = (await workspace.get("/followups?limit=4")).json()
    by_page = (await workspace.get("/followups?limit=4&page=2")).json()
    by_cursor = (
        await workspace.get(f"/followups?limit=4&cursor={first['pagination']['next_cursor']}")
    ).json()

    assert first["pagination"] | {"next_cursor": None} == {
        "total": 6,
        "page": 1,
        "limit": 4,
        "pages": 2,
        "next_cursor": None,
    }
    assert [answer["id"] for answer in (*first["data"], *by_page["data"])] == every
    assert by_cursor["data"] == by_page["data"]
    assert by_cursor["pagination"]["next_cursor"] is None


@pytest.mark.parametrize(
    "query",
    [
        "?status=unheard_of",
        "?type=pigeon",
        "?channel=pigeon",
        "?from=yesterday",
        "?limit=0",
        "?limit=101",
        "?cursor=nonsense",
        "?colour=red",
        "?since=2026-01-01",
    ],
)
async def test_a_list_asked_for_wrongly_is_refused(workspace: ContactWorkspace, query: str) -> None:
    answered = await workspace.get(f"/followups{query}")

    assert answered.status == 400
    assert answered.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path",
    [
        "/followups/followup_00000000000000000000000000",
        "/followups/nonsense",
        "/followups/debt/debt_00000000000000000000000000",
        "/followups/debt/nonsense",
    ],
)
async def test_what_is_not_there_is_not_found(workspace: ContactWorkspace, path: str) -> None:
    assert (await workspace.get(path)).status == 404


async def test_another_company_finds_nothing(workspace: ContactWorkspace, site: Site) -> None:
    debt = await collected(workspace, "2026-01-05 10:00")
    (answer,) = await listed(workspace)
    stranger = await collecting.open_sandbox(site)

    result = [
        await stranger.get(f"/followups/{answer['id']}"),
        await stranger.get(f"/followups/debt/{ids.show('debt', debt.id)}"),
    ]

    assert [answered.status for answered in result] == [404, 404]
    assert await listed(stranger) == []
    assert await listed(stranger, f"?debt_id={ids.show('debt', debt.id)}") == []


async def test_the_scope_is_asked_for_by_name(workspace: ContactWorkspace, site: Site) -> None:
    database = workspace.engine.database
    client, secret = await access.create_client(
        database, access.NewClient(workspace.engine.id, "Narrow", scopes=("debts:read",)), clock.wall()
    )
    form = {"grant_type": "client_credentials", "client_id": client.public_id, "client_secret": secret}
    token = (await site.form("/token", form)).json()["access_token"]

    answered = await site.with_token(token).get("/external-api/v1/followups")

    assert answered.status == 403
    assert answered.json()["required_scope"] == "followups:read"


async def test_what_was_said_and_to_whom_stands_sealed(workspace: ContactWorkspace) -> None:
    debt = await collected(workspace)

    rows = await workspace.engine.database.pool.fetch("SELECT * FROM followups WHERE debt_id = $1", debt.id)

    assert len(rows) == 6
    for row in rows:
        stored = repr(dict(row)).lower()
        assert not any(word in stored for word in ("dupont", "example.com", "612345678", "lilas"))


async def test_an_erased_debts_followups_are_gone(workspace: ContactWorkspace) -> None:
    debt = await collected(workspace)
    snapshot = await workspace.engine.snapshot()

    async with workspace.engine.database.transaction(snapshot.now()) as tx:
        await debts.erase(tx, snapshot, await debts.lock(tx, snapshot, debt.id))

    assert await listed(workspace) == []
    assert await left(workspace, debt.id) == 0


async def left(workspace: ContactWorkspace, debt_id: UUID) -> int:
    return int(
        await workspace.engine.database.pool.fetchval(
            "SELECT count(*) FROM followups WHERE debt_id = $1", debt_id
        )
    )


async def test_what_was_said_is_read_word_for_word(workspace: ContactWorkspace) -> None:
    debt = await collected(workspace)
    result = {answer["channel"]: answer for answer in await listed(workspace)}

    output = {
        channel: (await workspace.get(f"/followups/{result[channel]['id']}/message")).json()
        for channel in result
    }

    assert {item["debt_id"] for item in output.values()} == {ids.show("debt", debt.id)}
    assert output["sms"]["text"] == await workspace.engine.text(debt.id, "sms")
    assert output["sms"]["address"] == "+33612345678"
    assert (output["sms"]["subject"], output["sms"]["html"]) == (None, None) or output["sms"]["subject"]
    assert output["letter"]["address"] == "Jean Dupont\n12 rue des Lilas\n69003 Lyon"
    assert output["ai_call"]["template"] in {"wave_2_call", "wave_3_call"}
    assert all(item["language"] == "fr" and item["template_version"] == 0 for item in output.values())


async def test_what_people_did_has_no_message(workspace: ContactWorkspace) -> None:
    debt = await collected(workspace, "2026-01-05 10:00")
    call = await workspace.post("/followups", {"debt_id": ids.show("debt", debt.id)})

    assert (await workspace.get(f"/followups/{call.json()['id']}/message")).status == 404
