"""A gateway of the operator's own, over real HTTP: what it answers, hangs up on, and can be asked about."""

import io
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from typing import Any

import pypdf
import pytest

from gateway import Exchange, exchanging
from getbill.channels import Channel
from getbill.channels.senders import (
    Assurance,
    Fate,
    Gateway,
    MessageAuthor,
    Outgoing,
    SendOutcome,
    read_gateways,
    senders,
)
from getbill.kit import json
from getbill.kit.exit_errors import CannotRun
from getbill.kit.signing import new_secret

MESSAGE = Outgoing(
    key="followup_1",
    channel=Channel.SMS,
    address="+33639981234",
    writer=MessageAuthor("Acme", "billing@acme.example"),
    subject="Acme",
    text="Bonjour",
    workspace="workspace_1",
)
TAKEN = SendOutcome(Fate.ACCEPTED, "x-followup_1")
BASE = "https://getbill.example"


async def sent(exchange: Exchange, message: Outgoing = MESSAGE, **settings: Any) -> SendOutcome:
    gateway = Gateway(exchange.settings(message.channel, **settings), BASE)
    try:
        return await gateway.send(message)
    finally:
        await gateway.close()


async def test_a_message_is_handed_over_signed_with_where_to_report() -> None:
    async with exchanging() as exchange:
        outcome = await sent(exchange)

    assert outcome == TAKEN
    assert exchange.delivered == [
        {
            "version": 1,
            "id": "followup_1",
            "workspace": "workspace_1",
            "channel": "sms",
            "to": "+33639981234",
            "from": {"name": "Acme", "reply_to": "billing@acme.example"},
            "language": "fr",
            "subject": "Acme",
            "text": "Bonjour",
            "callback_url": "https://getbill.example/gateways/sms/status",
        }
    ]


async def test_a_letter_comes_as_the_file_to_print() -> None:
    letter = replace(
        MESSAGE,
        channel=Channel.LETTER,
        address="Jean Dupont\n12 rue des Lilas\n69003 Lyon",
        letterhead=("Acme", "1 rue du Four"),
    )
    async with exchanging() as exchange:
        await sent(exchange, letter)

    (message,) = exchange.delivered
    text = pypdf.PdfReader(io.BytesIO(b64decode(message["pdf"]))).pages[0].extract_text()
    assert all(words in text for words in ("Acme", "1 rue du Four", "Jean Dupont", "69003 LYON", "Bonjour"))


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ((200, {}), SendOutcome(Fate.ACCEPTED)),
        ((202, {"status": "delivered", "ref": "7"}), SendOutcome(Fate.DELIVERED, "7")),
        (
            (200, {"status": "answered", "duration_ms": 9000}),
            SendOutcome(Fate.ANSWERED, duration_ms=9000),
        ),
        ((200, {"status": "unanswered", "reason": "busy"}), SendOutcome(Fate.UNANSWERED, reason="busy")),
        ((200, {"status": "failed", "reason": "barred"}), SendOutcome(Fate.FAILED, reason="barred")),
        (
            (200, {"status": "failed", "reason": "full", "permanent": False}),
            SendOutcome(Fate.FAILED, reason="full", is_permanent=False),
        ),
        ((422, {"reason": "no such number"}), SendOutcome(Fate.FAILED, reason="no such number")),
        ((400, "what?"), SendOutcome(Fate.FAILED, reason="the gateway answered 400")),
        ((401, {}), SendOutcome(Fate.FAILED, reason="the gateway answered 401", is_permanent=False)),
        ((429, {}), SendOutcome(Fate.FAILED, reason="the gateway answered 429", is_permanent=False)),
        ((503, {}), SendOutcome(Fate.FAILED, reason="the gateway answered 503", is_permanent=False)),
        ((500, {}), SendOutcome(Fate.UNKNOWN, reason="the gateway answered 500")),
        ((409, {}), SendOutcome(Fate.UNKNOWN, reason="the gateway answered 409")),
        (None, SendOutcome(Fate.UNKNOWN, reason="the gateway did not answer: ServerDisconnectedError")),
    ],
)
async def test_an_answer_means_what_the_protocol_says(answer: Any, outcome: SendOutcome) -> None:
    async with exchanging() as exchange:
        exchange.answers = [answer]

        assert await sent(exchange) == outcome


async def test_a_gateway_that_cannot_be_reached_took_nothing() -> None:
    async with exchanging() as exchange:
        settings = exchange.settings(Channel.SMS)
    gateway = Gateway(settings, BASE)

    outcome = await gateway.send(MESSAGE)
    await gateway.close()

    assert (outcome.fate, outcome.is_permanent) == (Fate.FAILED, False)


async def test_one_that_takes_a_key_twice_is_asked_again_and_delivers_once() -> None:
    async with exchanging(Assurance.IDEMPOTENCY_KEY) as exchange:
        exchange.answers = [None, (500, {})]

        outcome = await sent(exchange)

    assert outcome == TAKEN
    assert exchange.asked == ["POST followup_1"] * 3
    assert len(exchange.delivered) == 1


async def test_one_that_can_be_looked_up_is_asked_and_never_sent_to_twice() -> None:
    async with exchanging(Assurance.LOOK_UP) as exchange:
        exchange.answers = [None]

        outcome = await sent(exchange)

    assert outcome == TAKEN
    assert exchange.asked == ["POST followup_1", "GET followup_1"]
    assert len(exchange.delivered) == 1


async def test_what_a_look_up_does_not_show_yet_is_unknown() -> None:
    async with exchanging(Assurance.LOOK_UP) as exchange:
        exchange.answers = ["before"]

        outcome = await sent(exchange)

    assert outcome.fate == Fate.UNKNOWN
    assert exchange.asked == ["POST followup_1", "GET followup_1", "GET followup_1"]


async def test_one_that_offers_neither_is_never_asked_again() -> None:
    async with exchanging(Assurance.NEITHER) as exchange:
        exchange.answers = [None]

        outcome = await sent(exchange)

    assert outcome.fate == Fate.UNKNOWN
    assert exchange.asked == ["POST followup_1"]


async def test_a_look_up_tells_what_was_taken_and_what_never_was() -> None:
    async with exchanging(Assurance.LOOK_UP) as exchange:
        gateway = Gateway(exchange.settings(Channel.SMS), BASE)
        before = await gateway.look_up(MESSAGE)
        await gateway.send(MESSAGE)

        assert before is None
        assert await gateway.look_up(MESSAGE) == TAKEN
        await gateway.close()


async def test_one_that_was_perhaps_taken_has_not_failed_because_the_gateway_is_busy_later() -> None:
    async with exchanging(Assurance.IDEMPOTENCY_KEY) as exchange:
        exchange.answers = [None, (503, {}), (429, {})]

        outcome = await sent(exchange)

    assert outcome.fate == Fate.UNKNOWN
    assert len(exchange.delivered) == 1


async def test_a_message_announces_its_hand_over_before_the_request() -> None:
    announced: list[int] = []
    async with exchanging() as exchange:
        message = replace(MESSAGE, before_handover=lambda: announced.append(len(exchange.delivered)))
        await sent(exchange, message)

    assert announced == [0]


async def test_a_letter_that_cannot_be_printed_is_never_announced() -> None:
    announced: list[str] = []
    letter = replace(
        MESSAGE,
        channel=Channel.LETTER,
        address="\n".join(["Jean Dupont"] * 20),
        before_handover=lambda: announced.append("left"),
    )
    async with exchanging() as exchange:
        outcome = await sent(exchange, letter)

    assert (outcome.fate, announced, exchange.delivered) == (Fate.FAILED, [], [])


async def test_a_message_that_may_not_leave_is_not_requested() -> None:
    def refuse() -> None:
        raise PermissionError

    async with exchanging() as exchange:
        with pytest.raises(PermissionError):
            await sent(exchange, replace(MESSAGE, before_handover=refuse))

    assert exchange.delivered == []


async def test_a_redirect_is_not_followed() -> None:
    async with exchanging() as exchange:
        exchange.answers = [(307, {})]

        outcome = await sent(exchange)

    assert outcome == SendOutcome(Fate.UNKNOWN, reason="the gateway answered 307")


def written(folder: Path, value: Any) -> Path:
    path = folder / "gateways.json"
    path.write_bytes(json.write(value))
    return path


def test_a_file_of_gateways_gives_each_channel_its_sender(tmp_path: Path) -> None:
    item = {"channel": "sms", "url": "https://sms.example/send/", "secret": new_secret()}
    other = {
        "channel": "letter",
        "url": "http://10.0.0.7/post",
        "secret": new_secret(),
        "assurance": "look_up",
    }

    gateways = read_gateways(written(tmp_path, {"gateways": [item, other]}))

    roster = senders(None, gateways)
    letters = roster.for_channel(Channel.LETTER, is_live=True)
    assert letters is not None
    assert (letters.name, letters.capabilities.assurance) == ("gateway:10.0.0.7:80", Assurance.LOOK_UP)
    assert gateways[Channel.SMS].url == "https://sms.example/send"
    assert roster.for_channel(Channel.AI_CALL, is_live=True) is None
    assert read_gateways(None) == {}
    sandbox = roster.for_channel(Channel.SMS, is_live=False)
    assert sandbox is not None
    assert sandbox.name == "sandbox"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"channel": "email"}, "channel"),
        ({"url": "http://sms.example/send"}, "https://"),
        ({"url": "http://8.8.8.8/send"}, "https://"),
        ({"url": "https://169.254.169.254/send"}, "A gateway cannot have this address"),
        ({"url": "ftp://sms.example/send"}, "https://host/path"),
        ({"url": "https://me:secret@sms.example/send"}, "must not contain a password"),
        ({"url": "https://sms.example/send?key=1"}, "without a query"),
        ({"secret": "hunter2"}, "A secret is whsec_ and base64."),
        ({"secret": "whsec_aGVsbG8="}, "at least 24 bytes"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_gateway_written_wrongly_stops_the_start_without_telling_the_secret(
    tmp_path: Path, changes: dict[str, str], why: str
) -> None:
    item = {"channel": "sms", "url": "https://sms.example/send", "secret": new_secret()} | changes

    with pytest.raises(CannotRun) as refusal:
        read_gateways(written(tmp_path, [item]))

    assert why in str(refusal.value)
    assert item["secret"] not in str(refusal.value)


def test_two_gateways_for_a_channel_stop_the_start(tmp_path: Path) -> None:
    item = {"channel": "sms", "url": "https://sms.example/send", "secret": new_secret()}

    with pytest.raises(CannotRun, match="a channel has one gateway"):
        read_gateways(written(tmp_path, [item, item]))
    with pytest.raises(CannotRun, match="GETBILL_GATEWAYS_FILE names a file"):
        read_gateways(tmp_path / "nowhere.json")
