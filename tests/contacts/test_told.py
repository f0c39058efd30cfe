"""What the creditor is told of a contact, for every fate it can have, at once and by a later receipt.

`debt.contacted` is told once, of what reached the debtor; `followup.completed` at each end of a followup.
"""

from typing import Any

import pytest

from collecting import ACCEPTED, Provider, live_engine
from getbill import contacts, debts
from getbill.channels import Channel
from getbill.channels.senders import Fate, SendOutcome, failed, unknown
from getbill.kit.database.transactions import Database

CREATED = ["debt.created", "followup.created"]
CONFIRMED = ["debt.contacted", "debt.status_changed", "followup.completed"]
FAILED = ["followup.completed", "followup.failed"]
DELIVERED, ANSWERED = SendOutcome(Fate.DELIVERED, "ref"), SendOutcome(Fate.ANSWERED, "ref")
UNANSWERED = SendOutcome(Fate.UNANSWERED, "ref", "voicemail")
REFUSED, LATER = failed("550 5.1.1", permanent=True), failed("451", permanent=False)
LOST = unknown("the connection was lost")


@pytest.mark.parametrize(
    ("outcome", "gives_receipt", "expected", "status"),
    [
        (ACCEPTED, False, CONFIRMED, "sent"),
        (ACCEPTED, True, ["followup.updated"], "sent"),
        (DELIVERED, True, CONFIRMED, "delivered"),
        (ANSWERED, True, CONFIRMED, "deal_not_found"),
        (UNANSWERED, True, ["followup.completed"], "no_answer"),
        (REFUSED, True, FAILED, "failed"),
        (REFUSED, False, FAILED, "failed"),
        (LATER, False, ["followup.updated"], "scheduled"),
        (LOST, False, ["followup.updated"], "on_hold"),
        (LOST, True, ["followup.updated"], "on_hold"),
    ],
)
async def test_what_is_told_when_the_provider_has_answered(
    database: Database, outcome: SendOutcome, gives_receipt: bool, expected: list[str], status: str
) -> None:
    workspace = await live_engine(
        database, Provider(Channel.EMAIL, outcome=outcome, gives_receipt=gives_receipt)
    )
    debt = await workspace.debt()

    await workspace.send_due_live()

    assert await workspace.events(debt.id) == [*CREATED, *expected]
    assert await workspace.followups(debt.id) == [("email", status)]
    assert [
        event_data["confirmed"] for event_data in await workspace.event_data(debt.id, "debt.contacted")
    ] == ([gives_receipt] if expected == CONFIRMED else [])


@pytest.mark.parametrize(
    ("before", "receipt", "expected", "status"),
    [
        (ACCEPTED, DELIVERED, CONFIRMED, "delivered"),
        (ACCEPTED, ANSWERED, CONFIRMED, "deal_not_found"),
        (ACCEPTED, UNANSWERED, ["followup.completed"], "no_answer"),
        (ACCEPTED, REFUSED, FAILED, "failed"),
        (LOST, DELIVERED, CONFIRMED, "delivered"),
        (LOST, REFUSED, FAILED, "failed"),
        # The first word was the last: whatever is said after it is not told.
        (DELIVERED, REFUSED, [], "delivered"),
        (ANSWERED, UNANSWERED, [], "deal_not_found"),
        (REFUSED, DELIVERED, [], "failed"),
    ],
)
async def test_what_a_later_receipt_tells_and_the_same_once_more_does_not(
    database: Database, before: SendOutcome, receipt: SendOutcome, expected: list[str], status: str
) -> None:
    workspace = await live_engine(database, Provider(Channel.EMAIL, outcome=before, gives_receipt=True))
    debt = await workspace.debt()
    await workspace.send_due_live()
    already = await workspace.events(debt.id)
    followup_id = (await workspace.first(debt.id))["followup_id"]

    for _ in range(2):
        await contacts.receive_callback(database, await workspace.snapshot(), followup_id, receipt)

    assert (await workspace.events(debt.id))[len(already) :] == expected
    assert await workspace.followups(debt.id) == [("email", status)]


async def test_a_bounce_after_it_counted_unconfirmed_ends_it_again_and_contacts_nobody_anew(
    database: Database,
) -> None:
    workspace = await live_engine(database, Provider(Channel.EMAIL))
    debt = await workspace.debt()
    await workspace.send_due_live()
    followup_id = (await workspace.first(debt.id))["followup_id"]

    await contacts.receive_callback(database, await workspace.snapshot(), followup_id, REFUSED)

    event_data: list[dict[str, Any]] = await workspace.event_data(debt.id, "followup.completed")
    assert await workspace.events(debt.id) == [*CREATED, *CONFIRMED, *FAILED]
    assert [item["followup"]["status"] for item in event_data] == ["sent", "failed"]


async def test_a_step_that_is_cancelled_before_its_next_try_ends_too(database: Database) -> None:
    workspace = await live_engine(database, Provider(Channel.EMAIL, outcome=LATER))
    debt = await workspace.debt()
    await workspace.send_due_live()

    await workspace.change(debt.id, debts.enter_money, "payment", -234_000)

    assert sorted((await workspace.events(debt.id))[-3:]) == [
        "debt.resolved",
        "debt.status_changed",
        "followup.completed",
    ]
    assert await workspace.followups(debt.id) == [("email", "cancelled")]
