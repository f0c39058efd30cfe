"""One contact that fails is set aside, and all others leave: of its round, its workspace, its sandbox's clock."""

import re
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest

import collecting
from calls import Site
from collecting import ACCEPTED, LYON, ContactWorkspace, Provider, WorkspaceEngine
from getbill import contacts, quarantine, todo_decisions
from getbill.channels import Channel
from getbill.channels.senders import Assurance, Senders
from getbill.kit import clock, ids
from getbill.kit.errors import NotFound
from getbill.kit.messages.translation import message
from getbill.vault import SealBroken, SealedUnderUnknownKey
from quarantine.conftest import Damage, Outlook, public_id
from waiting import until

ENGLISH = replace(LYON, name="John Smith", email="john.smith@example.com", language="en")
SEAL = "Encrypted data cannot be decrypted"
NEIGHBOURS = 5


async def publish(workspace: WorkspaceEngine, text: str, html: str | None = None) -> None:
    """Put an edition into the table as it stands, past every check."""
    await workspace.database.pool.execute(
        "INSERT INTO templates SELECT $1, 'wave_1_email', 'fr', count(*) + 1, 's', $2, $3, $4 FROM templates"
        " WHERE workspace_id = $1",
        *(workspace.id, text, html, clock.wall()),
    )


async def live(site: Site, provider: Any) -> tuple[ContactWorkspace, Outlook]:
    """Return a live workspace, its clock on a Monday morning, whose e-mails a provider carries."""
    workspace = await collecting.open_live(site)
    workspace.engine.context = replace(
        workspace.engine.context, senders=Senders({provider.channel: provider})
    )
    await workspace.engine.set_clock("2026-01-05 09:00")
    return workspace, Outlook(site, workspace)


async def debts_of(workspace: WorkspaceEngine, many: int) -> list[UUID]:
    people = [
        replace(LYON, name=f"Jean Dupont {at}", email=f"jean{at}@example.com", phone=None)
        for at in range(many)
    ]
    return [(await workspace.debt(who)).id for who in people]


async def states(workspace: WorkspaceEngine, debt_ids: list[UUID]) -> list[str]:
    return [(await workspace.first(debt_id))["state"] for debt_id in debt_ids]


@pytest.mark.parametrize(
    ("text", "html", "message_text"),
    [
        (r"{{ creditor }} {{ how_to_pay }} {{ '\ud800' }}", None, "half a surrogate pair"),
        ("{{ creditor }} {{ how_to_pay }} {{ 9**9**9 }}", None, "(pow)"),
        (
            "{{ creditor }} {{ how_to_pay }}",
            "{{ creditor }} {{ how_to_pay }}<script>x</script>",
            "an element in <script>",
        ),
        ("{{ creditor }}", None, "State how to pay"),
    ],
)
@pytest.mark.parametrize("is_live", [True, False])
async def test_a_template_that_cannot_be_sent_stops_only_its_own_contacts(
    site: Site, is_live: bool, text: str, html: str | None, message_text: str
) -> None:
    provider = Provider(Channel.EMAIL)
    if is_live:
        workspace, outlook = await live(site, provider)
    else:
        workspace = await collecting.open_sandbox(site)
        outlook = Outlook(site, workspace)
        await workspace.engine.set_clock("2026-01-05 09:00")
    engine = workspace.engine
    await publish(engine, text, html)
    french, english = await engine.debt(LYON), await engine.debt(ENGLISH)
    send = engine.send_due_live if is_live else engine.send_due

    await send()

    assert (await engine.first(english.id))["state"] in {"accepted", "delivered"}
    assert (await engine.first(french.id))["state"] == "set_aside"
    assert message_text in (await engine.first(french.id))["reason"]
    previewed = await workspace.get(f"/debts/{public_id(french.id)}/timeline/wave_1_email")
    assert (previewed.status, message_text in previewed.json()["detail"]) == (409, True)
    await outlook.tells("contact", message_text, is_shared=True)
    await send()
    assert (await engine.first(french.id))["state"] == "set_aside"

    await publish(engine, "{{ creditor }}: {{ how_to_pay }}")
    await outlook.decide("retry")
    await send()

    assert (await engine.first(french.id))["state"] in {"accepted", "delivered"}
    await outlook.tells_nothing()


async def test_a_step_that_was_set_aside_can_be_passed_over(site: Site) -> None:
    workspace = await collecting.open_sandbox(site)
    engine, outlook = workspace.engine, Outlook(site, workspace)
    await engine.set_clock("2026-01-05 09:00")
    await publish(engine, r"{{ '\ud800' }}")
    debt = await engine.debt(LYON)
    foreseen = await workspace.get(f"/debts/{public_id(debt.id)}/timeline/wave_1_email")
    assert foreseen.status == 409
    assert "The step would be quarantined" in foreseen.json()["detail"]
    await engine.send_due()

    await outlook.decide("dismiss")

    assert await engine.ledger(debt.id) == [("wave_1_email", "skipped"), ("wave_1_sms", "planned")]
    await outlook.tells_nothing()


@pytest.mark.parametrize("decision", ["retry", "dismiss"])
async def test_a_broken_template_is_asked_about_once_and_decided_for_all_its_contacts(
    site: Site, decision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getbill.todo_decisions.actions._DISMISSED_MAX", 3)
    workspace = await collecting.open_sandbox(site)
    engine, outlook = workspace.engine, Outlook(site, workspace)
    await engine.set_clock("2026-01-05 09:00")
    await publish(engine, r"{{ creditor }} {{ how_to_pay }} {{ '\ud800' }}")
    ours = await debts_of(engine, 5)
    await engine.send_due()
    await outlook.tells("contact", "half a surrogate pair", number=5, is_shared=True)

    await publish(engine, "{{ creditor }}: {{ how_to_pay }}")
    await outlook.decide(decision)
    if decision == "dismiss":
        # More than one change bears: the rest is asked about again.
        await outlook.tells("contact", "half a surrogate pair", number=2, is_shared=True)
        await outlook.decide(decision)
    await engine.send_due()

    expected = {"accepted", "delivered"} if decision == "retry" else {"skipped"}
    assert set(await states(engine, ours)) <= expected
    await outlook.tells_nothing()


async def test_a_question_about_a_template_goes_with_the_last_of_its_contacts(site: Site) -> None:
    workspace = await collecting.open_sandbox(site)
    engine, outlook = workspace.engine, Outlook(site, workspace)
    await engine.set_clock("2026-01-05 09:00")
    await publish(engine, r"{{ creditor }} {{ how_to_pay }} {{ '\ud800' }}")
    first, last = await debts_of(engine, 2)
    await engine.send_due()

    assert (await workspace.call("DELETE", f"/debts/{public_id(first)}")).status == 200
    await outlook.tells("contact", "half a surrogate pair", is_shared=True)
    assert (await workspace.call("DELETE", f"/debts/{public_id(last)}")).status == 200

    await outlook.tells_nothing()


@pytest.mark.parametrize("is_live", [True, False])
async def test_a_debt_that_does_not_open_keeps_nobody_of_its_round_waiting(
    site: Site, damage: Damage, is_live: bool
) -> None:
    provider = Provider(Channel.EMAIL)
    if is_live:
        workspace, outlook = await live(site, provider)
    else:
        workspace = await collecting.open_sandbox(site)
        outlook = Outlook(site, workspace)
        await workspace.engine.set_clock("2026-01-05 09:00")
    engine = workspace.engine
    send = engine.send_due_live if is_live else engine.send_due
    broken, *rest = await debts_of(engine, NEIGHBOURS + 1)
    await damage.debtor(broken)

    await send()

    assert set(await states(engine, rest)) <= {"accepted", "delivered"}
    assert await states(engine, [broken]) == ["set_aside"]
    assert len(provider.taken) == (NEIGHBOURS if is_live else 0)
    await outlook.tells("contact", SEAL, public_id(broken))
    # What still fails is set aside again, and no row is needed to say so.
    await outlook.decide("retry")
    await send()
    await outlook.tells("contact", SEAL, public_id(broken))
    (todo,) = await outlook.todos()
    refused = await workspace.post(f"/todos/{todo['id']}/decide", {"decision": "dismiss"})
    assert (refused.status, refused.json()["type"].rpartition("/")[2]) == (409, "debt-cannot-be-read")

    await damage.debtor(broken)
    await engine.database.pool.execute("UPDATE quarantine SET next_try_at = now() - interval '1 s'")
    assert await todo_decisions.retry_due(engine.database, engine.vault) == 1
    await send()

    assert set(await states(engine, [broken])) <= {"accepted", "delivered"}


async def test_what_went_well_is_forgotten_with_its_question_and_what_is_paid_too(
    site: Site, damage: Damage
) -> None:
    workspace = await collecting.open_sandbox(site)
    engine, outlook = workspace.engine, Outlook(site, workspace)
    await engine.set_clock("2026-01-05 09:00")
    await publish(engine, r"{{ '\ud800' }}")
    mended, archived = await debts_of(engine, 2)
    await engine.send_due()
    await outlook.tells("contact", "half a surrogate pair", number=2, is_shared=True)

    paid = await workspace.post(f"/debts/{public_id(archived)}/payments", {"amount": 2340, "currency": "EUR"})
    assert paid.status == 201, paid.body
    await todo_decisions.retry_due(engine.database, engine.vault)
    await outlook.tells("contact", "half a surrogate pair", is_shared=True)
    assert await states(engine, [mended]) == ["set_aside"]

    await publish(engine, "{{ creditor }}: {{ how_to_pay }}")
    await engine.database.pool.execute("UPDATE quarantine SET next_try_at = now() - interval '1 s'")
    await todo_decisions.retry_due(engine.database, engine.vault)
    await engine.send_due()
    await engine.database.pool.execute("UPDATE quarantine SET retried_at = now() - interval '1 hour'")
    await todo_decisions.retry_due(engine.database, engine.vault)
    await outlook.tells_nothing()
    assert await engine.database.pool.fetchval("SELECT count(*) FROM quarantine") == 0


async def test_it_is_tried_again_by_itself_a_few_times_and_later_each_time(site: Site) -> None:
    workspace = await collecting.open_sandbox(site)
    engine = workspace.engine
    await engine.set_clock("2026-01-05 09:00")
    await publish(engine, r"{{ '\ud800' }}")
    await engine.debt(LYON)
    pauses = []
    for _ in range(7):
        await engine.send_due()
        row = await engine.database.pool.fetchrow(
            "SELECT tries, next_try_at - failed_at AS pause FROM quarantine"
        )
        pauses.append((row["tries"], row["pause"] and row["pause"].total_seconds()))
        await engine.database.pool.execute(
            "UPDATE quarantine SET next_try_at = now() - interval '1 s' WHERE next_try_at IS NOT NULL"
        )
        await todo_decisions.retry_due(engine.database, engine.vault)

    assert pauses == [(1, 600), (2, 3600), (3, 21600), (4, 86400), (5, 259200), (6, None), (6, None)]


async def test_a_workspace_that_cannot_be_read_is_left_alone_and_others_go_on(
    site: Site, damage: Damage
) -> None:
    provider = Provider(Channel.EMAIL)
    workspace, outlook = await live(site, provider)
    engine, database = workspace.engine, workspace.engine.database
    (theirs,) = await debts_of(engine, 1)
    other = await collecting.new_engine(database, engine.vault, live=True)
    await other.set_clock("2026-01-05 09:00")
    await database.pool.execute("UPDATE contacts SET state = 'planned' WHERE debt_id = $1", theirs)
    (ours,) = await debts_of(other, 1)
    company_id = await database.pool.fetchval(
        "SELECT company_id FROM workspaces WHERE workspace_id = $1", engine.id
    )
    await damage.spoil("companies", "lookup_key", id=company_id)

    await contacts.send_due(engine.context, lambda: True)

    assert await states(other, [ours]) == ["accepted"]
    assert await outlook.notes() == [
        "Quarantined after failures: 1 workspace. Run `getbill quarantine list`."
    ]
    assert await outlook.gauge("workspace") == 1
    # Not taken while it stands aside, and still aside when it is tried in vain.
    await engine.recover()
    before = await database.pool.fetchval("SELECT max(fence) FROM contacts WHERE debt_id = $1", theirs)
    await database.pool.execute(
        "UPDATE contacts SET state = 'planned', lease_until = NULL WHERE debt_id = $1", theirs
    )
    await contacts.send_due(engine.context, lambda: True)
    assert (
        await database.pool.fetchval("SELECT max(fence) FROM contacts WHERE debt_id = $1", theirs) == before
    )
    await database.pool.execute("UPDATE quarantine SET next_try_at = now() - interval '1 s'")
    assert await todo_decisions.retry_due(database, engine.vault) == 0
    assert await database.pool.fetchval("SELECT tries FROM quarantine") == 2

    await damage.spoil("companies", "lookup_key", id=company_id)
    await outlook.tells("workspace", SEAL, ids.show("workspace", engine.id))
    await outlook.decide("retry")
    await contacts.send_due(engine.context, lambda: True)
    assert await states(engine, [theirs]) == ["accepted"]


async def test_a_sandboxs_clock_moves_past_what_fails_in_it(site: Site, damage: Damage) -> None:
    workspace = await collecting.open_sandbox(site)
    engine, outlook = workspace.engine, Outlook(site, workspace)
    await engine.set_clock("2026-01-05 09:00")
    broken, *rest = await debts_of(engine, 3)
    await damage.debtor(broken)

    async with collecting.working(engine.database, engine.context):
        begun = await workspace.post("/sandbox/clock/advance", {"days": 2})
        assert begun.status in {200, 202}, begun.body

        async def is_there() -> bool:
            return (await workspace.get("/sandbox/clock")).json()["advance"] is None

        await until(is_there, seconds=60)

    assert set(await states(engine, rest)) == {"delivered"}
    await outlook.tells("contact", SEAL, public_id(broken))


async def test_what_providers_said_is_written_of_all_but_the_one_that_cannot_be(
    site: Site, damage: Damage
) -> None:
    provider = Provider(Channel.EMAIL, Assurance.LOOK_UP)
    workspace, outlook = await live(site, provider)
    engine, pool = workspace.engine, workspace.engine.database.pool
    broken, *rest = await debts_of(engine, NEIGHBOURS + 1)
    engine.context = replace(engine.context, settings=replace(engine.context.settings, workspace_share=100))

    async with damage.refused("followups", f"debt_id = '{broken}' AND status = 'sent'"):
        await engine.send_due_live()

        assert set(await states(engine, rest)) == {"accepted"}
        assert await states(engine, [broken]) == ["sending"]
        assert len(provider.taken) == NEIGHBOURS + 1

        # Recovery comes to the same, and leaves it to a person.
        provider.known = {message.key: ACCEPTED for message in provider.taken}
        await pool.execute(
            "UPDATE contacts SET lease_until = now() - interval '1 s' WHERE debt_id = $1 AND state = 'sending'",
            broken,
        )
        await engine.recover()
        assert await states(engine, [broken]) == ["unknown"]
        await outlook.tells("sending", "it violates test_refused (SQLSTATE 23514)", public_id(broken))

    await outlook.decide("retry")
    await engine.recover()
    assert await states(engine, [broken]) == ["accepted"]
    assert len(provider.taken) == NEIGHBOURS + 1


async def test_a_contact_of_a_dead_worker_that_cannot_be_read_keeps_no_other_from_being_found_out(
    site: Site, damage: Damage
) -> None:
    provider = Provider(Channel.EMAIL, Assurance.LOOK_UP)
    workspace, outlook = await live(site, provider)
    engine, pool = workspace.engine, workspace.engine.database.pool
    broken, *rest = await debts_of(engine, 4)
    engine.context = replace(engine.context, settings=replace(engine.context.settings, workspace_share=100))
    await engine.send_due_live()
    rows = await pool.fetch(
        "SELECT debt_id, followup_id FROM contacts WHERE workspace_id = $1 AND state = 'accepted'", engine.id
    )
    provider.known = {ids.show("followup", row["followup_id"]): ACCEPTED for row in rows}
    # As a worker leaves them that died before it wrote down what the provider had said.
    await pool.execute(
        "UPDATE contacts SET state = 'sending', lease_until = now() - interval '1 s', provider_ref = NULL"
        " WHERE workspace_id = $1 AND state = 'accepted'",
        engine.id,
    )
    await pool.execute("UPDATE followups SET status = 'in_progress' WHERE workspace_id = $1", engine.id)
    await damage.spoil("followups", "content", debt_id=broken)

    await engine.recover()

    assert set(await states(engine, rest)) == {"accepted"}
    assert await states(engine, [broken]) == ["unknown"]
    await outlook.tells("sending", SEAL, public_id(broken))
    assert len(provider.taken) == 4

    await damage.spoil("followups", "content", debt_id=broken)
    await outlook.decide("retry")
    await engine.recover()
    assert await states(engine, [broken]) == ["accepted"]
    assert len(provider.taken) == 4


@pytest.mark.parametrize(
    ("error", "is_passing"),
    [
        (asyncpg.ConnectionDoesNotExistError(), True),
        (asyncpg.AdminShutdownError(), True),
        (asyncpg.DeadlockDetectedError(), True),
        (asyncpg.SerializationError(), True),
        (asyncpg.LockNotAvailableError(), True),
        (asyncpg.DiskFullError(), True),
        (asyncpg.QueryCanceledError(), True),
        (asyncpg.InterfaceError("the pool is closed"), True),
        (TimeoutError(), True),
        (asyncpg.UndefinedTableError(), True),
        (asyncpg.InsufficientPrivilegeError(), True),
        (asyncpg.InvalidCachedStatementError(), True),
        (asyncpg.DataError("invalid input for query argument $1"), False),
        (asyncpg.UniqueViolationError(), False),
        (asyncpg.NumericValueOutOfRangeError(), False),
        (asyncpg.UntranslatableCharacterError(), False),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"), False),
        (SealBroken("changed"), False),
        (KeyError("x"), False),
    ],
)
def test_what_passes_by_itself_is_told_from_what_is_the_items_own(error: Exception, is_passing: bool) -> None:
    assert quarantine.is_transient(error) is is_passing


@pytest.mark.parametrize(
    "error",
    [
        ValueError("Jean Dupont"),
        KeyError("Jean Dupont"),
        RecursionError("Jean Dupont"),
        MemoryError("Jean Dupont"),
        TimeoutError("Jean Dupont"),
        UnicodeEncodeError("utf-8", "Jean Dupont\ud800", 11, 12, "surrogates not allowed"),
        SealBroken("Jean Dupont"),
        SealedUnderUnknownKey("Jean Dupont"),
        NotFound(message("{name} is gone.", name="Jean Dupont")),
        asyncpg.NumericValueOutOfRangeError("Jean Dupont"),
    ],
)
def test_reasons_hold_nothing_of_anybody_and_no_name_of_a_class(error: Exception) -> None:
    reason = quarantine.reason_of(error)

    for language in ("en", "fr"):
        output = reason.translated(language)
        assert output.endswith(".")
        assert "Jean Dupont" not in output
        assert not re.search(r"[a-z][A-Z]", output.replace("SQLSTATE", "")), output
