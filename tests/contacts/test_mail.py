"""Contacts over a real mail server: live ones arrive, those of a sandbox never leave."""

from dataclasses import replace
from email.message import EmailMessage

import pytest

import collecting
from collecting import JEAN, Provider, WorkspaceEngine, at
from getbill import companies, compliance
from getbill.channels import Channel
from getbill.channels.senders import Senders, Smtp, SmtpSettings, failed, senders
from getbill.kit.database.transactions import Database
from mailserver import Mailbox, serving

MONDAY = "2026-01-05 09:00"


async def live_with(database: Database, smtp: SmtpSettings) -> tuple[WorkspaceEngine, Senders]:
    # The other channels have a provider too, so that a plan has all its steps; it reaches nobody.
    others = {
        channel: Provider(channel, outcome=failed("out of order", permanent=True)) for channel in Channel
    }
    carriers = Senders(others | {Channel.EMAIL: Smtp(smtp)})
    workspace = await collecting.new_engine(database, live=True)
    workspace.context = replace(workspace.context, senders=carriers)
    await workspace.set_clock(MONDAY)
    return workspace, carriers


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


async def test_a_live_debtor_gets_the_mail_that_says_how_to_pay(database: Database) -> None:
    mailbox = Mailbox()
    async with serving(mailbox) as smtp:
        workspace, carriers = await live_with(database, smtp)
        debt = await workspace.debt()

        await workspace.send_due_live()
        await carriers.close()

    (mail,) = mailbox.received
    assert mail["To"] == "jean.dupont@example.com"
    assert mail["From"] == "Acme <relances@getbill.example>"
    assert debt.reference is not None
    text = text_of(mail)
    assert debt.reference in text
    assert "2 340,00" in text
    assert "FR76 3000 6000 0112 3456 7890 189" in text
    row = (await workspace.contacts(debt.id))[0]
    assert (row["state"], row["provider"]) == ("accepted", "smtp")
    assert row["provider_ref"] == mail["Message-ID"]


async def test_a_debt_with_a_payment_link_is_asked_to_use_it(database: Database) -> None:
    mailbox = Mailbox()
    async with serving(mailbox) as smtp:
        workspace, carriers = await live_with(database, smtp)
        await workspace.debt(details=collecting.Details(payment_link="https://pay.acme.example/F-1"))

        await workspace.send_due_live()
        await carriers.close()

    assert "https://pay.acme.example/F-1" in text_of(mailbox.received[0])


@pytest.mark.parametrize(
    ("mailbox", "state"),
    [
        (Mailbox(on_rcpt="550 No such user"), "failed"),
        (Mailbox(drop_at="data"), "unknown"),
    ],
)
async def test_the_ledger_says_what_the_mail_server_said(
    database: Database, mailbox: Mailbox, state: str
) -> None:
    async with serving(mailbox) as smtp:
        workspace, carriers = await live_with(database, smtp)
        debt = await workspace.debt()

        await workspace.send_due_live()
        await workspace.send_due_live()
        await carriers.close()

    assert (await workspace.ledger(debt.id))[0] == ("wave_1_email", state)
    assert len(mailbox.received) == (1 if state == "unknown" else 0)
    assert "debt.contacted" not in await workspace.events(debt.id)


@pytest.mark.parametrize(
    ("answer", "lines"),
    [
        ("550 5.1.1 No such user", [("email", "hard_bounce")]),
        ("550 5.7.1 We do not like you", []),
        ("452 4.2.2 Mailbox full", []),
    ],
)
async def test_an_address_that_the_server_refuses_for_good_is_written_to_no_more(
    database: Database, answer: str, lines: list[tuple[str, str]]
) -> None:
    async with serving(Mailbox(on_rcpt=answer)) as smtp:
        workspace, carriers = await live_with(database, smtp)
        debt, other = await workspace.debt(), await workspace.debt()

        await workspace.send_due_live()
        await workspace.send_due_live()
        await carriers.close()

    suppressions = await compliance.suppressed_addresses(database, workspace.id, 10)
    assert [(line.kind, line.reason) for line in suppressions] == lines
    # Both were on their way when the server refused the first.
    assert [(await workspace.first(item.id))["state"] for item in (debt, other)] == ["failed", "failed"]


async def test_a_mail_server_that_is_down_loses_no_reminder(database: Database) -> None:
    mailbox = Mailbox()
    async with serving(mailbox) as smtp:
        pass
    workspace, _ = await live_with(database, smtp)
    debt = await workspace.debt()

    await workspace.send_due_live()
    waiting = await workspace.find(debt.id)
    async with serving(mailbox) as smtp:
        carriers = senders(smtp)
        workspace.context = replace(workspace.context, senders=carriers)
        await workspace.set_clock("2026-01-05 09:05")
        await workspace.send_due_live()
        await carriers.close()

    assert waiting.next_action_at == at("2026-01-05 09:05")
    assert len(mailbox.received) == 1
    assert await workspace.followups(debt.id) == [("email", "sent")]


async def test_a_sandbox_opens_no_connection_whatever_is_set_up(database: Database) -> None:
    mailbox = Mailbox()
    async with serving(mailbox) as smtp:
        carriers = senders(smtp)
        workspace = await collecting.new_engine(database)
        workspace.context = replace(workspace.context, senders=carriers)
        await workspace.set_clock(MONDAY)
        debt = await workspace.debt(JEAN)

        await workspace.run_until("2026-03-06 09:00")
        await carriers.close()

    assert mailbox.connections == 0
    assert {channel for channel, _ in await workspace.followups(debt.id)} == {"email", "sms", "ai_call"}


async def test_a_companys_logo_stands_at_the_head_of_its_mails(database: Database) -> None:
    mailbox = Mailbox()
    async with serving(mailbox) as smtp:
        workspace, carriers = await live_with(database, smtp)
        company = (await workspace.snapshot()).company
        await companies.set_logo(database, company.id, b"\x89PNG\r\n\x1a\n-picture")
        await workspace.debt()

        await workspace.send_due_live()
        await carriers.close()

    (mail,) = mailbox.received
    page = mail.get_body(("html",))
    assert page is not None
    assert '<img src="cid:logo" alt="Acme"' in page.get_content()
    assert [part.get_content_type() for part in mail.walk()][-1] == "image/png"
