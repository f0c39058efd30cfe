"""What people did themselves, recorded over HTTP: counted as a scenario's contacts are, and never twice."""

from typing import Any

import pytest

import collecting
from calls import Answer, Site
from collecting import LYON, ContactWorkspace
from debts.conftest import read
from getbill.debts import Debt
from getbill.followups import FINAL
from getbill.kit import ids

MONDAY = "2026-01-05 09:00"


async def open_followup(workspace: ContactWorkspace, **values: Any) -> tuple[Debt, str]:
    """Create a debt on a Monday whose scenario has not begun."""
    await workspace.engine.set_clock(MONDAY)
    debt = await workspace.engine.debt(LYON, **values)
    return debt, ids.show("debt", debt.id)


async def recorded(workspace: ContactWorkspace, debt_id: str, **fields: Any) -> dict[str, Any]:
    answered = await workspace.post("/followups", {"debt_id": debt_id} | fields)
    assert answered.status == 201, answered.body
    return read(answered)


async def corrected(workspace: ContactWorkspace, followup: dict[str, Any], **fields: Any) -> dict[str, Any]:
    answered = await workspace.call("PUT", f"/followups/{followup['id']}", fields)
    assert answered.status == 200, answered.body
    return read(answered)


def pointers(answered: Answer) -> list[tuple[str, str]]:
    assert answered.status == 422, answered.body
    return [(error["pointer"], error["code"]) for error in read(answered)["errors"]]


async def test_a_call_that_people_made_is_answered_as_it_is_read(workspace: ContactWorkspace) -> None:
    _, debt_id = await open_followup(workspace)

    answered = await workspace.post(
        "/followups",
        {
            "debt_id": debt_id,
            "type": "manual_call",
            "status": "deal_not_found",
            "call_date": "2026-01-05T08:40:00Z",
            "summary": "Wants to see the invoice again.",
            "notes": "Ask for Mrs Dupont.",
            "call_id": "pbx-71",
            "audio_url": "https://pbx.example/r/71",
            "duration_ms": 184_000,
            "phone_number_used": "06 39 98 12 34",
            "disconnection_reason": "hung_up",
        },
    )

    answer = read(answered)
    assert answered.status == 201
    assert answered.headers["location"] == f"/external-api/v1/followups/{answer['id']}"
    assert answer == read(await workspace.get(f"/followups/{answer['id']}"))
    assert {name: answer[name] for name in answer if answer[name] not in {None, False}} == {
        "id": answer["id"],
        "debt_id": debt_id,
        "status": "deal_not_found",
        "type": "manual_call",
        "channel": "phone",
        "call_date": "2026-01-05T08:40:00Z",
        "sent_at": "2026-01-05T08:40:00Z",
        "processed_at": "2026-01-05T09:00:00Z",
        "summary": "Wants to see the invoice again.",
        "notes": "Ask for Mrs Dupont.",
        "call_id": "pbx-71",
        "audio_url": "https://pbx.example/r/71",
        "duration_ms": 184_000,
        "disconnection_reason": "hung_up",
        "direction": "outbound",
        "phone_number_used": "+33639981234",
    }


async def test_a_conversation_contacts_the_debtor_and_sets_the_debt_in_progress(
    workspace: ContactWorkspace,
) -> None:
    debt, debt_id = await open_followup(workspace)

    await recorded(workspace, debt_id, status="deal_found")

    result = read(await workspace.get(f"/debts/{debt_id}"))
    assert (result["status"], result["contacted_at"], result["followups_count"]) == (
        "in_progress",
        "2026-01-05T09:00:00Z",
        1,
    )
    assert (await workspace.engine.find(debt.id)).answers_count == 1
    assert await workspace.engine.events(debt.id) == [
        "debt.created",
        "followup.created",
        "debt.contacted",
        "debt.status_changed",
        "followup.completed",
    ]
    (contacted,) = await workspace.engine.event_data(debt.id, "debt.contacted")
    assert contacted["confirmed"] is True


@pytest.mark.parametrize(
    ("body", "events"),
    [
        ({}, []),
        ({"status": "scheduled", "scheduled_at": "2026-01-08T09:00:00Z"}, []),
        ({"status": "in_progress"}, []),
        ({"status": "no_answer"}, ["followup.completed"]),
        ({"status": "failed"}, ["followup.completed", "followup.failed"]),
        ({"status": "cancelled"}, ["followup.completed"]),
        ({"type": "voicemail", "status": "delivered"}, ["followup.completed"]),
        ({"status": "deal_found", "direction": "inbound"}, ["followup.completed"]),
        ({"type": "call", "status": "sent"}, []),
    ],
)
async def test_what_did_not_reach_the_debtor_does_not_contact_them(
    workspace: ContactWorkspace, body: dict[str, Any], events: list[str]
) -> None:
    debt, debt_id = await open_followup(workspace)

    await recorded(workspace, debt_id, **body)

    assert await workspace.engine.events(debt.id) == ["debt.created", "followup.created", *events]
    assert (await workspace.engine.find(debt.id)).contacted_at is None


@pytest.mark.parametrize("status", sorted(FINAL))
async def test_each_end_of_what_people_did_is_told_once(workspace: ContactWorkspace, status: str) -> None:
    debt, debt_id = await open_followup(workspace)
    planned = await recorded(workspace, debt_id, status="scheduled", scheduled_at="2026-01-05T10:00:00Z")

    ended = await corrected(workspace, planned, status=status)
    await corrected(workspace, planned, status=status)

    (event_data,) = await workspace.engine.event_data(debt.id, "followup.completed")
    assert (event_data["followup"]["status"], ended["processed_at"]) == (status, "2026-01-05T09:00:00Z")
    reached = status in {"delivered", "deal_found", "deal_not_found", "bad_behavior"}
    assert len(await workspace.engine.event_data(debt.id, "debt.contacted")) == reached
    assert len(await workspace.engine.event_data(debt.id, "followup.failed")) == (status == "failed")


async def test_a_letter_sent_from_the_office_counts_unconfirmed_and_only_once(
    workspace: ContactWorkspace,
) -> None:
    debt, debt_id = await open_followup(workspace)
    letter = await recorded(workspace, debt_id, type="postmail", status="sent")
    before = await workspace.engine.events(debt.id)

    delivered = await corrected(workspace, letter, status="delivered")

    (contacted,) = await workspace.engine.event_data(debt.id, "debt.contacted")
    assert (contacted["confirmed"], letter["channel"]) == (False, "letter")
    assert delivered["status"] == "delivered"
    assert before[-1] == "followup.completed"
    assert await workspace.engine.events(debt.id) == [*before, "followup.updated"]


async def test_a_planned_call_that_is_made_ends_once(workspace: ContactWorkspace) -> None:
    debt, debt_id = await open_followup(workspace)
    planned = await recorded(workspace, debt_id, status="scheduled", scheduled_at="2026-01-06T10:00:00Z")

    result = await corrected(workspace, planned, status="deal_found", summary="Pays on Friday.")
    again = await corrected(workspace, planned, status="deal_found", summary="Pays on Friday.")

    assert result == again
    assert result["call_date"] == "2026-01-05T09:00:00Z"
    kinds = await workspace.engine.events(debt.id)
    assert kinds.count("debt.contacted") == kinds.count("followup.completed") == 1


async def test_a_change_names_what_changed(workspace: ContactWorkspace) -> None:
    debt, debt_id = await open_followup(workspace)
    call = await recorded(workspace, debt_id, status="no_answer", notes="Try after six.")

    await corrected(workspace, call, notes=None, summary="Nobody there.")

    (updated,) = await workspace.engine.event_data(debt.id, "followup.updated")
    assert updated["changes"] == {
        "notes": {"from": "Try after six.", "to": None},
        "summary": {"from": None, "to": "Nobody there."},
    }


async def test_the_same_key_twice_records_one_call(workspace: ContactWorkspace) -> None:
    debt, debt_id = await open_followup(workspace)
    body = {"debt_id": debt_id, "status": "deal_not_found"}

    answers = [await workspace.post("/followups", body, **{"Idempotency-Key": "call-1"}) for _ in range(2)]

    assert [answered.status for answered in answers] == [201, 201]
    assert answers[0].body == answers[1].body
    assert await workspace.engine.followups(debt.id) == [("phone", "deal_not_found")]


async def test_calls_that_people_made_count_for_the_caps(workspace: ContactWorkspace) -> None:
    debt, debt_id = await open_followup(workspace)
    for hour in (7, 8, 8, 8):
        output = {"status": "no_answer", "call_date": f"2026-01-05T0{hour}:30:00Z"}
        await recorded(workspace, debt_id, **output)

    await workspace.engine.run_until("2026-01-20 23:00")

    # Four calls and text messages a case in any thirty days: the scenario's own would wait for weeks and are passed
    # over, so that they do not hold up its e-mails.
    assert await workspace.engine.ledger(debt.id) == [
        ("wave_1_email", "delivered"),
        ("wave_1_sms", "skipped"),
        ("wave_2_call", "skipped"),
        ("wave_2_email", "delivered"),
        ("wave_3_letter", "delivered"),
        ("wave_3_call", "skipped"),
        ("end", "planned"),
    ]
    assert (await workspace.engine.find(debt.id)).next_action_at == collecting.at("2026-02-03 23:00")


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"type": "pigeon"}, [("/type", "not-one-of")]),
        ({"status": "status.default.paid"}, [("/status", "not-one-of")]),
        ({"direction": "sideways"}, [("/direction", "not-one-of")]),
        ({"call_date": "2026-01-05T09:06:00Z"}, [("/call_date", "in-the-future")]),
        ({"call_date": "yesterday"}, [("/call_date", "not-an-instant")]),
        ({"status": "scheduled"}, [("/scheduled_at", "missing")]),
        ({"duration_ms": -1}, [("/duration_ms", "out-of-range")]),
        ({"audio_url": "javascript:alert(1)"}, [("/audio_url", "wrong-value")]),
        ({"phone_number_used": "12"}, [("/phone_number_used", "phone")]),
        ({"type": "physical", "phone_number_used": "+33612345678"}, [("/phone_number_used", "no-phone")]),
        ({"debt_id": "debt_00000000000000000000000000"}, [("/debt_id", "unknown")]),
        ({"debt_id": "nonsense"}, [("/debt_id", "unknown")]),
        ({"colour": "red"}, [("/colour", "unknown-field")]),
    ],
)
async def test_what_cannot_have_been_is_refused(
    workspace: ContactWorkspace, body: dict[str, Any], wrong: list[tuple[str, str]]
) -> None:
    debt, debt_id = await open_followup(workspace)

    answered = await workspace.post("/followups", {"debt_id": debt_id} | body)

    assert pointers(answered) == wrong
    assert await workspace.engine.followups(debt.id) == []
    assert await workspace.engine.events(debt.id) == ["debt.created"]


async def test_a_followup_stays_with_its_debt(workspace: ContactWorkspace) -> None:
    _, debt_id = await open_followup(workspace)
    other = await workspace.engine.debt()
    call = await recorded(workspace, debt_id)

    moved = await workspace.call("PUT", f"/followups/{call['id']}", {"debt_id": ids.show("debt", other.id)})
    same = await corrected(workspace, call, debt_id=debt_id)

    assert pointers(moved) == [("/debt_id", "cannot-change")]
    assert same == call


@pytest.mark.parametrize(
    ("before", "after"),
    [("no_answer", "scheduled"), ("deal_found", "in_progress"), ("deal_found", "cancelled")],
)
async def test_what_has_ended_does_not_begin_again(
    workspace: ContactWorkspace, before: str, after: str
) -> None:
    debt, debt_id = await open_followup(workspace)
    call = await recorded(workspace, debt_id, status=before)

    answered = await workspace.call("PUT", f"/followups/{call['id']}", {"status": after})

    assert answered.status == 409
    assert read(answered)["type"] == "/problems/followup-has-ended"
    assert await workspace.engine.followups(debt.id) == [("phone", before)]


async def test_of_a_scenarios_followup_the_outcome_and_the_notes_change_and_nothing_else(
    workspace: ContactWorkspace,
) -> None:
    debt, _ = await open_followup(workspace)
    await workspace.engine.run_until("2026-01-13 00:00")
    call = next(
        followup
        for followup in read(await workspace.get("/followups"))["data"]
        if followup["channel"] == "ai_call"
    )
    before = (await workspace.engine.events(debt.id)).count("debt.contacted")

    refused = await workspace.call(
        "PUT", f"/followups/{call['id']}", {"type": "physical", "call_date": "2026-01-05T08:00:00Z"}
    )
    after = await corrected(workspace, call, status="deal_found", summary="Pays in two parts.")

    assert pointers(refused) == [("/type", "of-the-ledger"), ("/call_date", "of-the-ledger")]
    assert after == call | {"status": "deal_found", "summary": "Pays in two parts."} | {
        "processed_at": after["processed_at"]
    }
    assert (await workspace.engine.events(debt.id)).count("debt.contacted") == before


async def test_what_is_on_its_way_is_left_to_its_scenario(workspace: ContactWorkspace) -> None:
    debt, _ = await open_followup(workspace)
    await workspace.engine.send_due()
    (email,) = read(await workspace.get("/followups"))["data"]
    await workspace.engine.database.pool.execute(
        "UPDATE followups SET status = 'in_progress' WHERE debt_id = $1", debt.id
    )

    answered = await workspace.call("PUT", f"/followups/{email['id']}", {"status": "cancelled"})

    assert answered.status == 409
    assert read(answered)["type"] == "/problems/followup-on-its-way"
    assert await workspace.engine.followups(debt.id) == [("email", "in_progress")]


async def test_a_stranger_records_nothing_and_finds_nothing(workspace: ContactWorkspace, site: Site) -> None:
    debt, debt_id = await open_followup(workspace)
    call = await recorded(workspace, debt_id)
    stranger = await collecting.open_sandbox(site)

    answers = [
        await stranger.post("/followups", {"debt_id": debt_id}),
        await stranger.call("PUT", f"/followups/{call['id']}", {"status": "deal_found"}),
    ]

    assert [answered.status for answered in answers] == [422, 404]
    assert await workspace.engine.followups(debt.id) == [("phone", "on_hold")]


async def test_what_people_wrote_stands_sealed_and_goes_with_the_debt(workspace: ContactWorkspace) -> None:
    debt, debt_id = await open_followup(workspace)
    output = {"status": "no_answer", "notes": "Madame Dupont", "audio_url": "https://pbx.example/dupont"}
    await recorded(workspace, debt_id, **output)
    (row,) = await workspace.engine.database.pool.fetch("SELECT * FROM followups WHERE debt_id = $1", debt.id)

    erased = await workspace.call("DELETE", f"/debts/{debt_id}")

    assert erased.status == 200
    assert "dupont" not in repr(dict(row)).lower()
    assert await workspace.engine.followups(debt.id) == []
