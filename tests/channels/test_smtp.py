"""E-mail over a real SMTP server: what arrives, what is refused, what is in doubt."""

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from getbill.channels import Channel
from getbill.channels.senders import Fate, MessageAuthor, Outgoing, SendOutcome, Smtp, SmtpSettings, failed
from mailserver import Mailbox, serving

MESSAGE = Outgoing(
    key="followup_01",
    channel=Channel.EMAIL,
    address="jean.dupont@example.com",
    writer=MessageAuthor("Électricité Martin", "compta@martin.example"),
    subject="Votre facture F-2024-0847",
    text="Bonjour,\n\nIl reste 2 340,00 € à payer.\n.\nMerci",
    html="<p>Il reste 2 340,00 € à payer.</p>",
)


async def send(settings: SmtpSettings, *messages: Outgoing) -> list[SendOutcome]:
    sender = Smtp(settings)
    try:
        return [await sender.send(message) for message in messages]
    finally:
        await sender.close()


async def test_a_message_arrives_as_text_and_html_from_the_company() -> None:
    mailbox = Mailbox()

    async with serving(mailbox) as settings:
        outcomes = await send(settings, MESSAGE)

    (mail,) = mailbox.received
    assert outcomes == [SendOutcome(Fate.ACCEPTED, "<followup_01@getbill.example>")]
    assert mail["Message-ID"] == "<followup_01@getbill.example>"
    assert mail["Subject"] == "Votre facture F-2024-0847"
    assert mail["From"] == "Électricité Martin <relances@getbill.example>"
    assert mail["Reply-To"] == "Électricité Martin <compta@martin.example>"
    assert mail["To"] == "jean.dupont@example.com"
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None and text.get_content().replace("\r\n", "\n").strip() == MESSAGE.text  # noqa: PT018
    assert html is not None and html.get_content().strip() == MESSAGE.html  # noqa: PT018


async def test_several_messages_go_over_one_connection() -> None:
    mailbox = Mailbox()

    async with serving(mailbox) as settings:
        outcomes = await send(settings, MESSAGE, MESSAGE, MESSAGE)

    assert [outcome.fate for outcome in outcomes] == [Fate.ACCEPTED] * 3
    assert mailbox.connections == 1


@pytest.mark.parametrize(
    ("answer", "is_permanent", "is_dead_address"),
    [
        ("550 5.1.1 No such user", True, True),
        ("550 No such user", True, True),
        ("550 5.7.1 Go away", True, False),
        ("552 5.2.2 Mailbox full", True, False),
        ("450 4.2.1 Mailbox busy", False, False),
    ],
)
async def test_a_refused_recipient_has_failed_for_good_or_for_now(
    answer: str, is_permanent: bool, is_dead_address: bool
) -> None:
    mailbox = Mailbox(on_rcpt=answer)

    async with serving(mailbox) as settings:
        (outcome,) = await send(settings, MESSAGE)

    assert outcome == failed(answer, permanent=is_permanent, dead_address=is_dead_address)
    assert mailbox.received == []


@pytest.mark.parametrize(
    ("answer", "is_permanent"), [("554 5.7.1 Looks like spam", True), ("451 4.3.0 Try later", False)]
)
async def test_a_refused_message_has_failed_for_good_or_for_now(answer: str, is_permanent: bool) -> None:
    mailbox = Mailbox(on_data=answer)

    async with serving(mailbox) as settings:
        (outcome,) = await send(settings, MESSAGE)

    assert outcome == SendOutcome(Fate.FAILED, reason=answer, is_permanent=is_permanent)


async def test_a_connection_lost_before_the_message_left_is_a_passing_failure() -> None:
    mailbox = Mailbox(drop_at="rcpt")

    async with serving(mailbox) as settings:
        (outcome,) = await send(settings, MESSAGE)

    assert outcome.fate == Fate.FAILED
    assert not outcome.is_permanent


async def test_a_connection_lost_while_the_message_is_handed_over_leaves_it_unknown() -> None:
    mailbox = Mailbox(drop_at="data")

    async with serving(mailbox) as settings:
        (outcome,) = await send(settings, MESSAGE)

    assert outcome.fate == Fate.UNKNOWN
    assert len(mailbox.received) == 1


async def test_a_server_that_falls_silent_before_the_message_left_is_a_passing_failure() -> None:
    mailbox = Mailbox(silent_at="rcpt")

    async with serving(mailbox) as settings:
        (outcome,) = await send(replace(settings, timeout_seconds=0.2), MESSAGE)

    assert (outcome.fate, outcome.is_permanent) == (Fate.FAILED, False)
    assert mailbox.received == []


async def test_a_server_that_falls_silent_with_the_message_leaves_it_unknown() -> None:
    mailbox = Mailbox(silent_at="data")

    async with serving(mailbox) as settings:
        (outcome,) = await send(replace(settings, timeout_seconds=0.2), MESSAGE)

    assert outcome.fate == Fate.UNKNOWN
    assert len(mailbox.received) == 1


async def test_a_kept_connection_that_died_is_replaced_without_a_word() -> None:
    mailbox = Mailbox()

    async with serving(mailbox) as settings:
        sender = Smtp(settings)
        first = await sender.send(MESSAGE)
        mailbox.drop_at, mailbox.drops_max = "rcpt", 1
        second = await sender.send(MESSAGE)
        await sender.close()

    assert [first.fate, second.fate] == [Fate.ACCEPTED, Fate.ACCEPTED]
    assert mailbox.connections == 2
    assert len(mailbox.received) == 2


async def test_a_server_that_is_not_there_is_a_passing_failure() -> None:
    async with serving(Mailbox()) as settings:
        pass

    (outcome,) = await send(settings, MESSAGE)

    assert outcome.fate == Fate.FAILED
    assert not outcome.is_permanent


async def test_a_local_part_beyond_ascii_is_refused_by_a_server_without_smtputf8() -> None:
    mailbox = Mailbox()
    message = Outgoing("k", Channel.EMAIL, "hélène@example.com", MESSAGE.writer, "s", "t")

    async with serving(mailbox) as settings:
        (outcome,) = await send(settings, message)

    assert outcome.fate == Fate.FAILED
    assert outcome.is_permanent
    assert mailbox.received == []


async def test_a_domain_beyond_ascii_is_written_in_its_ascii_form() -> None:
    mailbox = Mailbox()
    message = Outgoing("k", Channel.EMAIL, "jean@bücher.example", MESSAGE.writer, "s", "t")

    async with serving(mailbox) as settings:
        (outcome,) = await send(settings, message)

    assert outcome.fate == Fate.ACCEPTED
    assert mailbox.received[0]["To"] == "jean@xn--bcher-kva.example"


async def test_names_cannot_add_headers() -> None:
    mailbox = Mailbox()
    message = Outgoing(
        "k",
        Channel.EMAIL,
        "jean@example.com",
        MessageAuthor("Martin\r\nBcc: all@example.com"),
        "a\r\nBcc: b@example.com",
        "t",
    )

    async with serving(mailbox) as settings:
        (outcome,) = await send(settings, message)

    assert outcome.fate == Fate.ACCEPTED
    assert mailbox.received[0]["Bcc"] is None


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    result = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + result.public_bytes(serialization.Encoding.PEM))
    return file


def over_tls(settings: SmtpSettings, **more: Any) -> SmtpSettings:
    values = {name: getattr(settings, name) for name in SmtpSettings.__slots__}
    return SmtpSettings(**values | {"host": "localhost", "security": "starttls"} | more)


async def test_starttls_and_a_password_are_used(certificate: Path) -> None:
    mailbox = Mailbox()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    async with serving(
        mailbox, tls_context=context, auth_required=True, authenticator=mailbox.authenticate
    ) as settings:
        right = over_tls(settings, username="u", password="right", certificate_authorities=str(certificate))
        wrong = over_tls(
            settings,
            password="wrong",
            username="u",
            certificate_authorities=str(certificate),
            timeout_seconds=0.5,
        )
        accepted = await send(right, MESSAGE)
        refused = await send(wrong, MESSAGE)

    assert accepted[0].fate == Fate.ACCEPTED
    assert mailbox.was_tls
    assert (refused[0].fate, refused[0].is_permanent) == (Fate.FAILED, False)
    assert len(mailbox.received) == 1


async def test_nothing_leaves_without_the_tls_that_was_asked_for(certificate: Path) -> None:
    mailbox = Mailbox()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    async with serving(mailbox) as settings:
        without = await send(over_tls(settings), MESSAGE)
    async with serving(mailbox, tls_context=context) as settings:
        stranger = await send(over_tls(settings), MESSAGE)

    assert (without[0].fate, without[0].is_permanent) == (Fate.FAILED, False)
    assert (stranger[0].fate, stranger[0].is_permanent) == (Fate.FAILED, False)
    assert mailbox.received == []


async def test_bounces_go_where_they_are_read_and_the_message_id_tells_the_contact() -> None:
    mailbox = Mailbox()

    async with serving(mailbox) as settings:
        report = replace(settings, bounces="bounces@getbill.example")
        await send(report, replace(MESSAGE, workspace="workspace_7"))
        await send(settings, MESSAGE)

    assert mailbox.senders == ["bounces@getbill.example", "relances@getbill.example"]
    assert mailbox.received[0]["From"] == "Électricité Martin <relances@getbill.example>"
    assert mailbox.received[0]["Message-ID"] == "<followup_01.workspace_7@getbill.example>"


async def test_whoever_wants_no_more_mail_has_a_button_that_writes_to_the_company() -> None:
    mailbox = Mailbox()

    async with serving(mailbox) as settings:
        await send(settings, MESSAGE, replace(MESSAGE, writer=MessageAuthor("Martin")))

    assert [mail["List-Unsubscribe"] for mail in mailbox.received] == [
        "<mailto:compta@martin.example?subject=STOP%20followup_01>",
        None,
    ]


async def test_a_refusal_is_kept_without_the_address_it_names() -> None:
    mailbox = Mailbox(on_rcpt="550 5.1.1 <jean.dupont@example.com>: no such user jean.dupont@example.com")

    async with serving(mailbox) as settings:
        (outcome,) = await send(settings, MESSAGE)

    assert outcome.reason == "550 5.1.1 <address>: no such user <address>"


async def test_a_logo_travels_inside_the_mail() -> None:
    mailbox = Mailbox()
    page = '<img src="cid:logo" alt="Martin">'

    async with serving(mailbox) as settings:
        await send(settings, replace(MESSAGE, html=page, logo=("image/png", b"\x89PNG-picture")))

    (mail,) = mailbox.received
    (picture,) = [part for part in mail.walk() if part.get_content_maintype() == "image"]
    assert picture["Content-ID"] == "<logo>"
    assert picture.get_content() == b"\x89PNG-picture"
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
    ]


async def test_a_message_announces_its_hand_over_once_the_recipient_is_accepted() -> None:
    mailbox = Mailbox()
    announced: list[int] = []
    message = replace(MESSAGE, before_handover=lambda: announced.append(len(mailbox.received)))

    async with serving(mailbox) as settings:
        await send(settings, message, message)

    assert announced == [0, 1]


async def test_a_refused_recipient_is_never_announced() -> None:
    announced: list[str] = []
    message = replace(MESSAGE, before_handover=lambda: announced.append("left"))

    async with serving(Mailbox(on_rcpt="550 No such user")) as settings:
        await send(settings, message)

    assert announced == []


async def test_a_message_that_may_not_leave_stays_and_the_next_one_leaves() -> None:
    mailbox = Mailbox()

    def refuse() -> None:
        raise PermissionError

    async with serving(mailbox) as settings:
        sender = Smtp(settings)
        with pytest.raises(PermissionError):
            await sender.send(replace(MESSAGE, before_handover=refuse))
        outcome = await sender.send(MESSAGE)
        await sender.close()

    assert outcome.fate == Fate.ACCEPTED
    assert len(mailbox.received) == 1
