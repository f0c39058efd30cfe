"""What is written into a mail is what a mail program reads out of it."""

from dataclasses import replace
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, default
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from getbill.channels import Channel
from getbill.channels.senders import MessageAuthor, Outgoing
from getbill.channels.senders.mail import compose_mail

MESSAGE = Outgoing(
    key="followup_01",
    channel=Channel.EMAIL,
    address="jean.dupont@example.com",
    writer=MessageAuthor("Martin", "compta@martin.example"),
    subject="Votre facture",
    text="Bonjour",
    html="<p>Bonjour</p>",
)
SENDER = "relances@getbill.example"
LINES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=200)
# In one encoded word: Python 3.11 puts a blank between two of them before an address, against RFC 2047 section 6.2.
NAMES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=11)
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp")) | st.just("\n"), max_size=400
)


def read(message: Outgoing) -> EmailMessage:
    content = compose_mail(message, SENDER).content
    assert content.isascii()
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert b"\n" not in content.replace(b"\r\n", b"")
    return cast("EmailMessage", message_from_bytes(content, policy=default))


def part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n").removesuffix("\n")


def by_the_library(message: Outgoing) -> EmailMessage:
    """Return the mail as the standard library writes and reads it."""
    mail = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    mail["From"] = Address(" ".join(message.writer.name.split()), addr_spec=SENDER)
    mail["To"] = Address(addr_spec=message.address)
    mail["Reply-To"] = Address(" ".join(message.writer.name.split()), addr_spec=message.writer.reply_to)
    mail["Subject"] = " ".join(message.subject.split())
    mail["Message-ID"] = f"<{message.key}@getbill.example>"
    mail["List-Unsubscribe"] = f"<mailto:{message.writer.reply_to}?subject=STOP%20{message.key}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    mail.add_alternative(message.html, subtype="html")
    mail["Content-Language"] = message.language
    return cast("EmailMessage", message_from_bytes(mail.as_bytes(), policy=default))


@settings(max_examples=25)
@given(NAMES.filter(str.strip), LINES.filter(str.strip), TEXTS)
def test_it_says_exactly_what_the_librarys_own_mail_would(name: str, subject: str, text: str) -> None:
    message = replace(
        MESSAGE, writer=MessageAuthor(name, "compta@martin.example"), subject=subject, text=text
    )

    ours, theirs = read(message), by_the_library(message)

    apart = {"Date", "Content-Type", "MIME-Version"}
    assert {k: str(v) for k, v in ours.items() if k not in apart} == {
        k: str(v) for k, v in theirs.items() if k not in apart
    }
    assert [walk.get_content_type() for walk in ours.walk()] == [
        walk.get_content_type() for walk in theirs.walk()
    ]
    for kind in ("plain", "html"):
        assert part(ours, kind) == part(theirs, kind)


@settings(max_examples=25)
@given(LINES.filter(str.strip))
def test_a_subject_is_read_as_it_was_written(subject: str) -> None:
    mail = read(replace(MESSAGE, subject=subject))

    assert mail["Subject"] == " ".join(subject.split())


@settings(max_examples=25)
@given(NAMES.filter(str.strip))
def test_a_name_is_read_as_it_was_written(name: str) -> None:
    mail = read(replace(MESSAGE, writer=MessageAuthor(name, "compta@martin.example")))

    (sender,) = mail["From"].addresses
    assert (sender.display_name, sender.addr_spec) == (" ".join(name.split()), SENDER)
    assert [address.addr_spec for address in mail["Reply-To"].addresses] == ["compta@martin.example"]


@settings(max_examples=25)
@given(TEXTS, TEXTS)
def test_text_and_page_are_read_as_they_were_written(text: str, page: str) -> None:
    mail = read(replace(MESSAGE, text=text, html=f"<p>{page}</p>"))

    assert part(mail, "plain") == text.removesuffix("\n")
    assert part(mail, "html") == f"<p>{page}</p>"
    assert len(list(mail.walk())) == 3


def test_a_picture_stands_beside_the_page_that_shows_it() -> None:
    image = bytes(range(256)) * 9

    mail = read(replace(MESSAGE, logo=("image/png", image)))

    kinds = [walk.get_content_type() for walk in mail.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]
    picture = list(mail.walk())[-1]
    assert picture.get_payload(decode=True) == image
    assert picture["Content-ID"] == "<logo>"


@pytest.mark.parametrize(
    "address", ["no address", "a@b\r\nBcc: c@example.com", "a b@example.com", "@example.com"]
)
def test_what_is_no_address_is_not_written_to(address: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 whichever of its kind
        compose_mail(replace(MESSAGE, address=address), SENDER)
