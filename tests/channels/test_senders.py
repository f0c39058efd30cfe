"""Who carries messages where, and what the sandbox's fakes answer."""

from dataclasses import replace

import pytest

from getbill.channels import Channel
from getbill.channels.senders import (
    FICTION_RANGES,
    SIMULATED_DEBTORS,
    Assurance,
    Fake,
    Fate,
    FictionRange,
    MessageAuthor,
    Outgoing,
    SendOutcome,
    Smtp,
    SmtpSettings,
    senders,
)
from getbill.kit import phones

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


@pytest.mark.parametrize(
    ("channel", "address", "fates"),
    [
        (Channel.EMAIL, "bounce@example.com", [Fate.FAILED, Fate.FAILED]),
        (Channel.EMAIL, "Bounce+17@EXAMPLE.com", [Fate.FAILED, Fate.FAILED]),
        (Channel.EMAIL, "soft-bounce@example.com", [Fate.FAILED, Fate.DELIVERED, Fate.DELIVERED]),
        (Channel.EMAIL, "bounces@example.com", [Fate.DELIVERED]),
        (Channel.EMAIL, "no-answer@example.com", [Fate.DELIVERED]),
        (Channel.AI_CALL, "+33639989980", [Fate.UNANSWERED, Fate.UNANSWERED]),
        (Channel.AI_CALL, "+33639989981", [Fate.UNANSWERED, Fate.ANSWERED, Fate.ANSWERED]),
        (Channel.AI_CALL, "+33639989880", [Fate.ANSWERED]),
        (Channel.AI_CALL, "+33639989979", [Fate.ANSWERED]),
        (Channel.AI_CALL, "+12025550180", [Fate.UNANSWERED]),
        (Channel.AI_CALL, "+12025551180", [Fate.ANSWERED]),
        (Channel.AI_CALL, "+120255501800", [Fate.ANSWERED]),
        (Channel.SMS, "+33639989980", [Fate.DELIVERED]),
        (Channel.SMS, "+33639989993", [Fate.FAILED, Fate.FAILED]),
        (Channel.WHATSAPP, "+33639989993", [Fate.FAILED]),
        (Channel.AI_CALL, "+33639989993", [Fate.ANSWERED]),
        (Channel.LETTER, "Jean 80\n+33639989980", [Fate.DELIVERED]),
    ],
)
async def test_a_reserved_address_chooses_the_outcome_of_each_attempt(
    channel: Channel, address: str, fates: list[Fate]
) -> None:
    outcomes = [
        await Fake(channel).send(replace(message(channel), address=address, earlier_attempts=number))
        for number in range(len(fates))
    ]

    assert [outcome.fate for outcome in outcomes] == fates


@pytest.mark.parametrize("fiction_range", FICTION_RANGES, ids=lambda fiction_range: fiction_range.start)
async def test_every_range_reserved_for_fiction_is_accepted_by_the_api_and_acts(
    fiction_range: FictionRange,
) -> None:
    number = f"{fiction_range.start}80"

    outcome = await Fake(Channel.AI_CALL).send(replace(message(Channel.AI_CALL), address=number))

    assert phones.parse(number) == number
    assert phones.is_mobile(number) == (fiction_range.kind == "mobile")
    assert outcome.fate == Fate.UNANSWERED


def test_no_two_simulated_debtors_share_an_address() -> None:
    names = [debtor.name for debtor in SIMULATED_DEBTORS]
    digits = [debtor.digits for debtor in SIMULATED_DEBTORS if debtor.digits]

    assert len(names) == len(set(names))
    assert digits == [str(number) for number in range(80, 80 + len(digits))]


def test_a_mail_server_can_neither_be_asked_nor_trusted_with_a_key() -> None:
    assert Smtp(SMTP).capabilities.assurance == Assurance.NEITHER
    assert not Smtp(SMTP).capabilities.gives_receipt
