"""What a sandbox's reserved addresses do to a whole collection: each followup, event and webhook at its instant."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

import make
from running_workspace import RunningWorkspace

# The instants of an ordinary collection, which begins on Monday, 2 March.
MAIL_1, SMS, CALL_1, MAIL_2, LETTER, CALL_2, END = (
    "03-02T07:00",
    "03-05T09:00",
    "03-09T09:00",
    "03-10T07:00",
    "03-17T07:00",
    "03-23T09:00",
    "04-01T22:00",
)
ORDINARY = {
    MAIL_1: "email delivered",
    SMS: "sms delivered",
    CALL_1: "ai_call deal_not_found",
    MAIL_2: "email delivered",
    LETTER: "letter delivered",
    CALL_2: "ai_call deal_not_found",
}
BALANCE = Decimal("2340.00")


def at(instant: str, *kinds: str) -> list[str]:
    return [f"{instant} {kind}" for kind in kinds]


def reached(instant: str) -> list[str]:
    return at(instant, "followup.created", "debt.contacted", "followup.completed")


def reached_first(instant: str) -> list[str]:
    return at(instant, "followup.created", "debt.contacted", "debt.status_changed", "followup.completed")


def unanswered(instant: str) -> list[str]:
    return at(instant, "followup.created", "followup.completed")


def failed(instant: str) -> list[str]:
    return at(instant, "followup.created", "followup.completed", "followup.failed")


def bounced(instant: str) -> list[str]:
    """The debtor's address is known as one that bounces."""
    return at(instant, "followup.created", "debt.updated", "followup.completed", "followup.failed")


def deferred(instant: str) -> list[str]:
    return at(instant, "followup.created", "followup.updated")


def reached_again(instant: str) -> list[str]:
    return at(instant, "followup.updated", "debt.contacted", "followup.completed")


# The end keeps its distance to the last contact, which a weekend moved; without that contact, it has its own day.
END_BY_OFFSET = "03-31T22:00"


def paid(instant: str) -> list[str]:
    return at(instant, "debt.payment_received", "debt.status_changed", "debt.resolved")


def ended(instant: str = END) -> list[str]:
    return at(instant, "debt.status_changed", "debt.escalation_requested")


OPENED = at("03-02T06:00", "debt.created")
BEFORE_THE_CALL = [*OPENED, *reached_first(MAIL_1), *reached(SMS)]
AFTER_THE_CALL = [*reached(MAIL_2), *reached(LETTER), *reached(CALL_2), *ended()]


@dataclass
class Story:
    """A reserved address, and what becomes of a debt within some days."""

    address: str
    events: Sequence[str]
    # Followups that are not as ordinary, by their instant; None for one that is not made.
    followups: dict[str, str | None] = field(default_factory=dict)
    status: str = "unresolved"
    balance: Decimal = BALANCE
    todos: Sequence[tuple[str, str]] = (("escalation", "open"),)
    passed_over: Sequence[str] = ()
    promise: dict[str, Any] | None = None
    days: int = 60
    suppression: str | None = None


def nothing_after(instant: str, **changed: str | None) -> dict[str, str | None]:
    """Say that no ordinary followup is made after an instant."""
    return {later: None for later in ORDINARY if later > instant} | changed


def promised(day: str, amount: str, state: str) -> dict[str, Any]:
    return {"date": day, "amount": Decimal(amount), "state": state}


PAID = {"status": "resolved", "balance": Decimal("0.00"), "todos": ()}
NO_CALL = "wave_3_call: never allowed: POLICY-SUPPRESSION"
NO_MAIL = "wave_2_email: never allowed: POLICY-SUPPRESSION"
CALLS = [
    Story(
        "80",
        [
            *BEFORE_THE_CALL,
            *unanswered(CALL_1),
            *reached(MAIL_2),
            *reached(LETTER),
            *unanswered(CALL_2),
            *ended(),
        ],
        {CALL_1: "ai_call no_answer", CALL_2: "ai_call no_answer"},
    ),
    Story(
        "81",
        [*BEFORE_THE_CALL, *unanswered(CALL_1), *AFTER_THE_CALL],
        {CALL_1: "ai_call no_answer"},
    ),
    Story(
        "82",
        [
            *BEFORE_THE_CALL,
            *unanswered(CALL_1),
            *reached(MAIL_2),
            *reached(LETTER),
            *unanswered(CALL_2),
            *ended(),
        ],
        {CALL_1: "ai_call no_answer", CALL_2: "ai_call no_answer"},
    ),
    Story(
        "83",
        [*BEFORE_THE_CALL, *unanswered(CALL_1), *reached(MAIL_2), *reached(LETTER), *ended(END_BY_OFFSET)],
        {CALL_1: "ai_call no_answer", CALL_2: None},
        passed_over=[NO_CALL],
        suppression="not_me",
    ),
    Story(
        "84",
        [*BEFORE_THE_CALL, *reached(CALL_1), *at(CALL_1, "debt.updated"), *paid("03-14T09:00")],
        nothing_after(CALL_1) | {CALL_1: "ai_call deal_found"},
        promise=promised("2026-03-14", "2340.00", "kept"),
        **PAID,
    ),
    Story(
        "85",
        [*BEFORE_THE_CALL, *reached(CALL_1), *at(CALL_1, "debt.updated"), *reached("03-16T07:00")],
        nothing_after(CALL_1) | {CALL_1: "ai_call deal_found", "03-16T07:00": "email delivered"},
        status="in_progress",
        todos=(),
        promise=promised("2026-03-14", "2340.00", "broken"),
        days=15,
    ),
    Story(
        "86",
        [
            *BEFORE_THE_CALL,
            *reached(CALL_1),
            *at(CALL_1, "debt.payment_received", "debt.updated"),
            *paid(CALL_2),
        ],
        nothing_after(CALL_1) | {CALL_1: "ai_call deal_found"},
        promise=promised("2026-03-23", "1170.00", "kept"),
        **PAID,
    ),
    Story(
        "87",
        [*BEFORE_THE_CALL, *reached(CALL_1), *at(CALL_1, "debt.status_changed")],
        nothing_after(CALL_1),
        status="on_hold",
        todos=[("dispute", "open")],
    ),
    Story(
        "88",
        [*BEFORE_THE_CALL, *reached(CALL_1), *reached(MAIL_2), *reached(LETTER), *ended(END_BY_OFFSET)],
        {CALL_2: None},
        passed_over=[NO_CALL],
        suppression="stop",
    ),
    Story(
        "89",
        [*BEFORE_THE_CALL, *reached(CALL_1), *reached(MAIL_2), *paid("03-11T09:00")],
        nothing_after(MAIL_2),
        **PAID,
    ),
    Story(
        "90",
        [
            *BEFORE_THE_CALL,
            *reached(CALL_1),
            *reached(MAIL_2),
            *at("03-11T09:00", "debt.payment_received"),
            *reached(LETTER),
            *reached(CALL_2),
            *ended(),
        ],
        balance=Decimal("1170.00"),
    ),
    Story(
        "91",
        [*BEFORE_THE_CALL, *reached(CALL_1), *AFTER_THE_CALL],
        {CALL_1: "ai_call bad_behavior"},
    ),
]
TEXTS = [
    Story(
        "92",
        [*BEFORE_THE_CALL, *reached(MAIL_2), *reached(LETTER), *ended(END_BY_OFFSET)],
        {CALL_1: None, CALL_2: None},
        passed_over=[NO_CALL.replace("3", "2"), NO_CALL],
        suppression="stop",
    ),
    Story(
        "93",
        [
            *OPENED,
            *reached_first(MAIL_1),
            *failed(SMS),
            *reached(CALL_1),
            *AFTER_THE_CALL,
        ],
        {SMS: None, "": "sms failed"},
    ),
    Story(
        "94",
        [
            *OPENED,
            *reached_first(MAIL_1),
            *deferred(SMS),
            *reached_again("03-05T09:05"),
            *reached(CALL_1),
            *AFTER_THE_CALL,
        ],
        {SMS: None, "03-05T09:05": "sms delivered"},
    ),
    Story(
        "95",
        [
            *OPENED,
            *reached_first(MAIL_1),
            *failed(SMS),
            *failed(CALL_1),
            *reached(MAIL_2),
            *reached(LETTER),
            *failed(CALL_2),
            *ended(END_BY_OFFSET),
        ],
        {SMS: None, CALL_1: None, CALL_2: None, "": "sms failed, ai_call failed, ai_call failed"},
    ),
]
# After the first message: minutes after seven, each twice as long after the one before.
ATTEMPTS = ["07:05", "07:15", "07:35", "08:15", "09:35", "12:15", "17:35"]
MAILS = [
    Story(
        "bounce",
        [
            *OPENED,
            *bounced(MAIL_1),
            *reached_first(SMS),
            *reached(CALL_1),
            *reached(LETTER),
            *reached(CALL_2),
            *ended(),
        ],
        {MAIL_1: None, MAIL_2: None, "": "email failed"},
        passed_over=[NO_MAIL],
        suppression="hard_bounce",
    ),
    Story(
        "soft-bounce",
        [
            *OPENED,
            *deferred(MAIL_1),
            *at(
                "03-02T07:05",
                "followup.updated",
                "debt.contacted",
                "debt.status_changed",
                "followup.completed",
            ),
            *reached(SMS),
            *reached(CALL_1),
            *AFTER_THE_CALL,
        ],
        {MAIL_1: None, "03-02T07:05": "email delivered"},
    ),
    Story(
        "wrong-person",
        [
            *OPENED,
            *reached_first(MAIL_1),
            *reached(SMS),
            *reached(CALL_1),
            *reached(LETTER),
            *reached(CALL_2),
            *ended(),
        ],
        {MAIL_2: None},
        passed_over=[NO_MAIL],
        suppression="not_me",
    ),
    Story(
        "promise",
        [*OPENED, *reached_first(MAIL_1), *at(MAIL_1, "debt.updated"), *paid("03-07T07:00")],
        nothing_after(MAIL_1),
        promise=promised("2026-03-07", "2340.00", "kept"),
        **PAID,
    ),
    Story(
        "broken-promise",
        [*OPENED, *reached_first(MAIL_1), *at(MAIL_1, "debt.updated"), *reached("03-09T09:00")],
        nothing_after(MAIL_1) | {"03-09T09:00": "sms delivered"},
        status="in_progress",
        todos=(),
        promise=promised("2026-03-07", "2340.00", "broken"),
        days=8,
    ),
    Story(
        "agreement",
        [
            *OPENED,
            *reached_first(MAIL_1),
            *at(MAIL_1, "debt.payment_received", "debt.updated"),
            *paid("03-16T07:00"),
        ],
        nothing_after(MAIL_1),
        promise=promised("2026-03-16", "1170.00", "kept"),
        **PAID,
    ),
    Story(
        "dispute",
        [*OPENED, *reached_first(MAIL_1), *at(MAIL_1, "debt.status_changed")],
        nothing_after(MAIL_1),
        status="on_hold",
        todos=[("dispute", "open")],
    ),
    Story(
        "stop",
        [
            *OPENED,
            *reached_first(MAIL_1),
            *reached(SMS),
            *reached(CALL_1),
            *reached(LETTER),
            *reached(CALL_2),
            *ended(),
        ],
        {MAIL_2: None},
        passed_over=[NO_MAIL],
        suppression="stop",
    ),
    Story("pays", [*OPENED, *reached_first(MAIL_1), *paid("03-04T07:00")], nothing_after(MAIL_1), **PAID),
    Story(
        "pays-half",
        [
            *OPENED,
            *reached_first(MAIL_1),
            *at("03-04T07:00", "debt.payment_received"),
            *reached(SMS),
            *reached(CALL_1),
            *AFTER_THE_CALL,
        ],
        balance=Decimal("1170.00"),
    ),
]
ORDINARY_STORY = [*BEFORE_THE_CALL, *reached(CALL_1), *AFTER_THE_CALL]


def body_for(address: str, **debtor: str) -> dict[str, Any]:
    """Return the body of a debt whose debtor has a reserved address; numbers are named by their digits."""
    if address.isdigit():
        return make.debt(debtor={"phone": f"+336399899{address}"} | debtor)
    return make.debt(debtor={"email": f"{address}+{address}@example.com"} | debtor)


async def told(workspace: RunningWorkspace, debt_id: str) -> list[str]:
    """Return every event of a debt with its instant, as its webhooks have told it, in the order of its history."""
    kinds = await workspace.everything(debt_id)
    messages = [item for item in workspace.receiver.received if item["data"]["debt_id"] == debt_id]
    result = [f"{item['timestamp'][5:16]} {item['event']}" for item in messages]
    assert [line.split()[1] for line in result] == kinds
    return result


async def followups_of(workspace: RunningWorkspace, debt_id: str) -> dict[str, str]:
    """Return the followups of a debt by their instant; those that never left together."""
    result: dict[str, str] = {}
    for item in reversed((await workspace.get(f"/followups/debt/{debt_id}?limit=100"))["data"]):
        instant, shown = (item["sent_at"] or "")[5:16], f"{item['channel']} {item['status']}"
        result[instant] = f"{result[instant]}, {shown}" if instant in result else shown
    return result


@pytest.mark.parametrize("story", [*CALLS, *TEXTS, *MAILS], ids=lambda story: story.address)
async def test_a_reserved_address_chooses_what_becomes_of_a_debt(
    running_workspace: RunningWorkspace, story: Story
) -> None:
    await running_workspace.subscribe_to_everything()
    body = body_for(story.address)
    debt = await running_workspace.post("/debts", body)

    await running_workspace.pass_days(story.days)

    assert await told(running_workspace, debt["id"]) == list(story.events)
    expected = {instant: text for instant, text in (ORDINARY | story.followups).items() if text}
    assert await followups_of(running_workspace, debt["id"]) == expected
    result = await running_workspace.get(f"/debts/{debt['id']}")
    assert (result["status"], result["balance"], result["promise"]) == (
        story.status,
        story.balance,
        story.promise,
    )
    assert await running_workspace.todos(debt["id"]) == list(story.todos)
    assert await running_workspace.passed_over(debt["id"]) == list(story.passed_over)
    suppressions = (await running_workspace.get("/suppressions"))["data"]
    assert [line["reason"] for line in suppressions] == ([story.suppression] if story.suppression else [])


async def test_a_full_mailbox_is_tried_eight_times_and_given_up(running_workspace: RunningWorkspace) -> None:
    await running_workspace.subscribe_to_everything()
    debt = await running_workspace.post("/debts", body_for("full-mailbox"))

    await running_workspace.pass_days(2)

    retries = [
        line for time in ATTEMPTS[:-1] for line in at(f"03-02T{time}", "followup.updated", "followup.updated")
    ]
    assert await told(running_workspace, debt["id"]) == [
        *OPENED,
        *deferred(MAIL_1),
        *retries,
        *at(f"03-02T{ATTEMPTS[-1]}", "followup.updated", "followup.completed", "followup.failed"),
    ]
    assert (await running_workspace.get("/suppressions"))["data"] == []


@pytest.mark.parametrize(
    "debtor",
    [
        {"email": "promises@example.com"},
        {"email": "my-promise@example.com"},
        {"email": "promise.x@example.com"},
        {"email": "someone+promise@example.com"},
        {"phone": "+33639989979"},
        {"phone": "+33639980084"},
        {"phone": "+33612345684"},
    ],
    ids=str,
)
async def test_a_form_that_is_not_reserved_is_an_ordinary_debtors(
    running_workspace: RunningWorkspace, debtor: dict[str, str]
) -> None:
    await running_workspace.subscribe_to_everything()
    debt = await running_workspace.post("/debts", make.debt(debtor=debtor))

    await running_workspace.pass_days(60)

    assert await told(running_workspace, debt["id"]) == ORDINARY_STORY
    assert await followups_of(running_workspace, debt["id"]) == ORDINARY


async def test_the_amount_never_chooses(running_workspace: RunningWorkspace) -> None:
    debts = [
        await running_workspace.post("/debts", make.debt(amount=amount)) for amount in (10.84, 84.00, 0.86)
    ]

    await running_workspace.pass_days(10)

    followups = [await followups_of(running_workspace, debt["id"]) for debt in debts]
    assert followups[0][CALL_1] == followups[1][CALL_1] == "ai_call deal_not_found"
    assert all("promise" not in str(followup) for followup in followups)


@pytest.mark.parametrize(
    "story",
    [story for story in CALLS if story.address in {"84", "86", "89"}],
    ids=lambda story: story.address,
)
async def test_single_days_tell_the_same_as_one_jump(
    running_workspace: RunningWorkspace, story: Story
) -> None:
    await running_workspace.subscribe_to_everything()
    debt = await running_workspace.post("/debts", body_for(story.address))

    for _ in range(25):
        await running_workspace.pass_days(1)

    assert await told(running_workspace, debt["id"]) == list(story.events)


async def test_a_payment_within_a_jump_has_its_own_instant(running_workspace: RunningWorkspace) -> None:
    await running_workspace.subscribe()
    debt = await running_workspace.post("/debts", body_for("89"))

    await running_workspace.pass_days(30)

    await running_workspace.settle()
    (payment,) = (await running_workspace.get(f"/debts/{debt['id']}/payments"))["data"]
    result = await running_workspace.get(f"/debts/{debt['id']}")
    (message,) = [
        item for item in running_workspace.receiver.received if item["event"] == "debt.payment_received"
    ]
    instant = "2026-03-11T09:00:00Z"
    assert (payment["paid_at"], payment["amount"], payment["method"]) == (instant, BALANCE, "card")
    assert (result["resolved_at"], result["updated_at"]) == (instant, instant)
    assert (message["timestamp"], message["data"]["payment"]["paid_at"]) == (instant, instant)


@pytest.mark.parametrize(
    ("digits", "reason", "duration_ms"),
    [
        ("80", "dial_no_answer", None),
        ("82", "voicemail_reached", 12_000),
        ("83", "wrong_person", 18_000),
        ("84", "completed_successfully", 42_000),
    ],
)
async def test_a_call_says_how_it_ended(
    running_workspace: RunningWorkspace, digits: str, reason: str, duration_ms: int | None
) -> None:
    debt = await running_workspace.post("/debts", body_for(digits))

    await running_workspace.pass_days(8)

    (call,) = (await running_workspace.get(f"/followups/debt/{debt['id']}?channel=ai_call"))["data"]
    assert (call["disconnection_reason"], call["duration_ms"]) == (reason, duration_ms)
    assert call["processed_at"] == "2026-03-09T09:00:00Z"


async def test_nobody_calls_a_wrong_number_again_for_another_debt(
    running_workspace: RunningWorkspace,
) -> None:
    await running_workspace.post("/debts", body_for("83"))
    await running_workspace.pass_days(8)
    other = await running_workspace.post("/debts", body_for("83"))

    await running_workspace.pass_days(60)

    followups = await running_workspace.followups(other["id"])
    assert {line.split()[1] for line in followups} == {"email", "letter"}
    assert [line.split(":")[0] for line in await running_workspace.passed_over(other["id"])] == [
        "wave_1_sms",
        "wave_2_call",
        "wave_3_call",
    ]


async def test_preview_and_timeline_assume_that_nobody_responds(running_workspace: RunningWorkspace) -> None:
    special = await running_workspace.post("/debts", body_for("promise", phone="+33639989984"))
    ordinary = await running_workspace.post("/debts", make.debt())

    timelines = [
        (await running_workspace.get(f"/debts/{debt['id']}/timeline"))["planned"]
        for debt in (special, ordinary)
    ]

    assert timelines[0] == timelines[1]


async def test_a_person_decides_on_a_dispute_and_the_scenario_goes_on(
    running_workspace: RunningWorkspace,
) -> None:
    await running_workspace.subscribe_to_everything()
    debt = await running_workspace.post("/debts", body_for("dispute"))
    await running_workspace.pass_days(1)
    held = await running_workspace.get(f"/debts/{debt['id']}")
    (todo,) = (await running_workspace.get(f"/todos?type=dispute&debt_id={debt['id']}"))["data"]

    await running_workspace.post(f"/todos/{todo['id']}/decide", {"decision": "continue"})
    await running_workspace.pass_days(59)

    assert (held["status"], held["next_action_at"]) == ("on_hold", None)
    assert (todo["created_at"], todo["subject_id"]) == ("2026-03-02T07:00:00Z", debt["id"])
    assert todo["decisions"] == ["continue", "write_off", "archive"]
    # The second e-mail is not disputed again.
    assert await followups_of(running_workspace, debt["id"]) == ORDINARY
    assert await running_workspace.todos(debt["id"]) == [("escalation", "open"), ("dispute", "continue")]


@pytest.mark.parametrize(("decision", "status"), [("write_off", "resolved"), ("archive", "archived")])
async def test_a_dispute_that_is_right_ends_the_debt(
    running_workspace: RunningWorkspace, decision: str, status: str
) -> None:
    debt = await running_workspace.post("/debts", body_for("dispute"))
    await running_workspace.pass_days(1)
    (todo,) = (await running_workspace.get(f"/todos?type=dispute&debt_id={debt['id']}"))["data"]

    await running_workspace.post(f"/todos/{todo['id']}/decide", {"decision": decision})
    await running_workspace.pass_days(60)

    assert (await running_workspace.get(f"/debts/{debt['id']}"))["status"] == status
    assert await followups_of(running_workspace, debt["id"]) == {MAIL_1: "email delivered"}


async def test_a_dispute_asks_nobody_any_more_once_the_debt_is_resumed_or_paid(
    running_workspace: RunningWorkspace,
) -> None:
    # Both are one person's.
    await running_workspace.put("/contact", {"contacts_per_day": 0, "grouping": "off"})
    resumed, paid_debt = [await running_workspace.post("/debts", body_for("dispute")) for _ in range(2)]
    await running_workspace.pass_days(1)

    await running_workspace.post(f"/debts/{resumed['id']}/resume", {})
    await running_workspace.post(f"/sandbox/debts/{paid_debt['id']}/simulate-payment", {})

    assert await running_workspace.todos(resumed["id"]) == [("dispute", "gone")]
    assert await running_workspace.todos(paid_debt["id"]) == [("dispute", "gone")]
