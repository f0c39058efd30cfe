"""Who carries messages where, and what the sandbox's fakes answer."""

import pytest

from getbill.channels import Channel
from getbill.channels.senders import (
    Assurance,
    Fake,
    Fate,
    MessageAuthor,
    Outgoing,
    SendOutcome,
    Smtp,
    SmtpSettings,
    senders,
)

SMTP = SmtpSettings("mail.example.com", 587, "relances@getbill.example")


def message(channel: Channel, key: str = "followup_01") -> Outgoing:
    return Outgoing(key, channel, "somewhere", MessageAuthor("Acme"), "subject", "text")


def test_live_e_mail_goes_by_smtp_once_it_is_set_up() -> None:
    without, with_smtp = senders(None), senders(SMTP)

    assert without.for_channel(Channel.EMAIL, is_live=True) is None
    assert isinstance(with_smtp.for_channel(Channel.EMAIL, is_live=True), Smtp)


@pytest.mark.parametrize("channel", [channel for channel in Channel if channel != Channel.EMAIL])
def test_no_other_channel_is_ever_faked_in_live(channel: Channel) -> None:
    assert senders(SMTP).for_channel(channel, is_live=True) is None


@pytest.mark.parametrize("channel", list(Channel))
def test_a_sandbox_has_a_fake_for_every_channel_and_nothing_else(channel: Channel) -> None:
    assert isinstance(senders(SMTP).for_channel(channel, is_live=False), Fake)


@pytest.mark.parametrize(
    ("channel", "fate"),
    [
        (Channel.EMAIL, Fate.DELIVERED),
        (Channel.SMS, Fate.DELIVERED),
        (Channel.LETTER, Fate.DELIVERED),
        (Channel.WHATSAPP, Fate.DELIVERED),
        (Channel.AI_CALL, Fate.ANSWERED),
    ],
)
async def test_an_ordinary_sandbox_debtor_is_reached_and_stays_silent(channel: Channel, fate: Fate) -> None:
    outcome = await Fake(channel).send(message(channel))

    assert outcome.fate == fate
    assert outcome.ref == "sandbox_followup_01"


async def test_a_fake_answers_the_same_key_the_same_way() -> None:
    fake = Fake(Channel.AI_CALL)

    first, again = await fake.send(message(Channel.AI_CALL)), await fake.send(message(Channel.AI_CALL))

    assert first == again == await fake.look_up(message(Channel.AI_CALL))
    assert first == SendOutcome(
        Fate.ANSWERED, "sandbox_followup_01", "completed_successfully", duration_ms=42_000
    )


def test_a_mail_server_can_neither_be_asked_nor_trusted_with_a_key() -> None:
    assert Smtp(SMTP).capabilities.assurance == Assurance.NEITHER
    assert not Smtp(SMTP).capabilities.gives_receipt
