"""Simulated debtors of a sandbox: reserved addresses, and what happens to a message or call to each.

An e-mail address acts by its local part, at any domain: `promise@` and `promise+anything@`. A phone number acts
if it is one of the last twenty of a range that a regulator reserves for fiction; its last two digits say how.
Every other address belongs to an ordinary debtor, who is reached and does not respond. The amount of a debt
never matters.
"""

from dataclasses import dataclass, replace
from typing import Final

from getbill.channels.model import Channel
from getbill.channels.senders.model import DebtorResponse, Fate, ResponseKind, SendOutcome, failed
from getbill.kit.messages import Template, template

CALL_MS: Final = 42_000
ANSWERED: Final = SendOutcome(Fate.ANSWERED, reason="completed_successfully", duration_ms=CALL_MS)
DELIVERED: Final = SendOutcome(Fate.DELIVERED)

PROMISE_DAYS: Final = 5
AGREEMENT_DAYS: Final = 14
PAYMENT_DAYS: Final = 2

# The outcomes of the first attempt, the second, and so on; the last one is that of all later ones.
Attempts = tuple[SendOutcome, ...]


@dataclass(frozen=True, slots=True)
class SimulatedDebtor:
    """A simulated debtor: the local part of their e-mail address, the end of their number, and what happens."""

    name: str
    description: Template
    email: Attempts | None = None
    # The last two digits of the number, and the outcomes of calls and of text messages to it.
    digits: str | None = None
    call: Attempts | None = None
    text: Attempts | None = None

    @property
    def channels(self) -> list[Channel]:
        """The channels on which something other than usual happens."""
        attempts_by_channel = {
            Channel.EMAIL: self.email,
            Channel.AI_CALL: self.call,
            Channel.SMS: self.text,
            Channel.WHATSAPP: self.text,
        }
        return [channel for channel, attempts in attempts_by_channel.items() if attempts]


@dataclass(frozen=True, slots=True)
class FictionRange:
    """A range of phone numbers that a regulator reserves for fiction.

    `start` is the number in E.164 without its last two digits, where they act.
    """

    country: str
    regulator: str
    kind: str
    start: str


def _replies(*responses: DebtorResponse) -> Attempts:
    """Return the outcomes of messages to a debtor who responds to the first one only."""
    return replace(DELIVERED, responses=responses), DELIVERED


def _talks(*responses: DebtorResponse, status: str | None = None) -> Attempts:
    """Return the outcomes of calls to a debtor who responds in the first one only."""
    return replace(ANSWERED, responses=responses, call_status=status), ANSWERED


_AGREED: Final = "deal_found"
_PROMISE: Final = DebtorResponse(ResponseKind.PROMISE, promise_days=PROMISE_DAYS)
_KEPT: Final = (_PROMISE, DebtorResponse(ResponseKind.PAYMENT, days=PROMISE_DAYS))
_AGREEMENT: Final = (
    DebtorResponse(ResponseKind.PAYMENT, percent=50),
    DebtorResponse(ResponseKind.PROMISE, promise_days=AGREEMENT_DAYS),
    DebtorResponse(ResponseKind.PAYMENT, days=AGREEMENT_DAYS),
)
_PAYS: Final = DebtorResponse(ResponseKind.PAYMENT, days=PAYMENT_DAYS)
_PAYS_HALF: Final = DebtorResponse(ResponseKind.PAYMENT, days=PAYMENT_DAYS, percent=50)
_DISPUTE: Final = DebtorResponse(ResponseKind.DISPUTE)
_STOP: Final = DebtorResponse(ResponseKind.STOP)
_NOT_ME: Final = DebtorResponse(ResponseKind.NOT_ME)
_UNANSWERED: Final = SendOutcome(Fate.UNANSWERED, reason="dial_no_answer")
_VOICEMAIL: Final = SendOutcome(Fate.UNANSWERED, reason="voicemail_reached", duration_ms=12_000)
# The debtor was not reached.
_WRONG_PERSON: Final = SendOutcome(
    Fate.UNANSWERED, reason="wrong_person", duration_ms=18_000, responses=(_NOT_ME,)
)
_NO_MAILBOX: Final = failed("550 5.1.1 no such mailbox in the sandbox", permanent=True, dead_address=True)
_BUSY_MAILBOX: Final = failed("451 4.2.0 try again later, says the sandbox", permanent=False)
_FULL_MAILBOX: Final = failed("452 4.2.2 mailbox full in the sandbox", permanent=False)
_NO_TEXTS: Final = failed("the number takes no text messages in the sandbox", permanent=True)
_OFF: Final = failed("the phone is switched off in the sandbox", permanent=False)
_NO_NUMBER: Final = failed("the number is not in service in the sandbox", permanent=True)

SIMULATED_DEBTORS: Final = (
    SimulatedDebtor(
        "bounce",
        template("The mailbox does not exist: the step fails, and the address is suppressed."),
        email=(_NO_MAILBOX,),
    ),
    SimulatedDebtor(
        "soft-bounce",
        template("The first attempt is deferred; the next one, five minutes later, is delivered."),
        email=(_BUSY_MAILBOX, DELIVERED),
    ),
    SimulatedDebtor(
        "full-mailbox",
        template("Every attempt is deferred: after eight the step fails. The address is not suppressed."),
        email=(_FULL_MAILBOX,),
    ),
    SimulatedDebtor(
        "no-answer",
        template("No call is ever answered: `no_answer`. The step counts as made."),
        digits="80",
        call=(_UNANSWERED,),
    ),
    SimulatedDebtor(
        "second-call",
        template("The first call is not answered; later ones are."),
        digits="81",
        call=(_UNANSWERED, ANSWERED),
    ),
    SimulatedDebtor(
        "voicemail",
        template(
            "Voicemail answers each call: `no_answer`, `disconnection_reason` `voicemail_reached`. The step counts as made."
        ),
        digits="82",
        call=(_VOICEMAIL,),
    ),
    SimulatedDebtor(
        "wrong-person",
        template(
            "Another person answers: the address is suppressed as `not_me` and not used again. A call is `no_answer`, `disconnection_reason` `wrong_person`."
        ),
        email=_replies(_NOT_ME),
        digits="83",
        call=(_WRONG_PERSON,),
    ),
    SimulatedDebtor(
        "promise",
        template(
            "The debtor promises the balance for the fifth day after the contact, and pays on that day."
        ),
        email=_replies(*_KEPT),
        digits="84",
        call=_talks(*_KEPT, status=_AGREED),
    ),
    SimulatedDebtor(
        "broken-promise",
        template("The debtor promises the balance for the fifth day after the contact, and does not pay."),
        email=_replies(_PROMISE),
        digits="85",
        call=_talks(_PROMISE, status=_AGREED),
    ),
    SimulatedDebtor(
        "agreement",
        template(
            "The debtor pays half at once, promises the rest for the 14th day, and pays it on that day."
        ),
        email=_replies(*_AGREEMENT),
        digits="86",
        call=_talks(*_AGREEMENT, status=_AGREED),
    ),
    SimulatedDebtor(
        "dispute",
        template("The debtor disputes the debt: it is put on hold, and a todo `dispute` asks a person."),
        email=_replies(_DISPUTE),
        digits="87",
        call=_talks(_DISPUTE),
    ),
    SimulatedDebtor(
        "stop",
        template(
            "The debtor asks not to be contacted at the address: it is suppressed as `stop` and not used again."
        ),
        email=_replies(_STOP),
        digits="88",
        call=_talks(_STOP),
    ),
    SimulatedDebtor(
        "pays",
        template("The debtor pays the balance two days after the contact."),
        email=_replies(_PAYS),
        digits="89",
        call=_talks(_PAYS),
    ),
    SimulatedDebtor(
        "pays-half",
        template("The debtor pays half of the balance two days after the contact."),
        email=_replies(_PAYS_HALF),
        digits="90",
        call=_talks(_PAYS_HALF),
    ),
    SimulatedDebtor(
        "abusive",
        template("The call is answered with insults: `bad_behavior`."),
        digits="91",
        call=_talks(status="bad_behavior"),
    ),
    SimulatedDebtor(
        "text-stop",
        template("The debtor replies STOP to the text message: the number is suppressed as `stop`."),
        digits="92",
        text=_replies(_STOP),
    ),
    SimulatedDebtor(
        "no-texts",
        template("The number takes no text messages: each fails. Calls are answered."),
        digits="93",
        text=(_NO_TEXTS,),
    ),
    SimulatedDebtor(
        "switched-off",
        template("The first text message is deferred; the next attempt, five minutes later, is delivered."),
        digits="94",
        text=(_OFF, DELIVERED),
    ),
    SimulatedDebtor(
        "not-in-service",
        template("The number is not in service: each call and text message fails."),
        digits="95",
        call=(_NO_NUMBER,),
        text=(_NO_NUMBER,),
    ),
)

_ARCEP: Final = "Arcep, decision 2018-0881"
_OFCOM: Final = "Ofcom, numbers for use in TV and radio drama"
_BNETZA: Final = "Bundesnetzagentur, Mitteilung 148/2021"
FICTION_RANGES: Final = (
    FictionRange("FR", _ARCEP, "mobile", "+336399899"),
    FictionRange("FR", _ARCEP, "landline", "+331990099"),
    FictionRange("FR", _ARCEP, "landline", "+332619199"),
    FictionRange("FR", _ARCEP, "landline", "+333530199"),
    FictionRange("FR", _ARCEP, "landline", "+334657199"),
    FictionRange("FR", _ARCEP, "landline", "+335364999"),
    FictionRange("GB", _OFCOM, "mobile", "+4477009009"),
    FictionRange("GB", _OFCOM, "landline", "+4420794609"),
    FictionRange("DE", _BNETZA, "mobile", "+4917139200"),
    FictionRange("DE", _BNETZA, "mobile", "+49176040690"),
    FictionRange("DE", _BNETZA, "landline", "+4930231259"),
    FictionRange("DE", _BNETZA, "landline", "+4940669699"),
    FictionRange("DE", _BNETZA, "landline", "+4969900099"),
    FictionRange("DE", _BNETZA, "landline", "+4989999989"),
    FictionRange("DE", _BNETZA, "landline", "+4922147109"),
    # Any area code of the United States, Canada and the other countries of the plan: +1 NPA 555-01XX.
    FictionRange("US", "NANPA, 555-0100 to 555-0199", "mobile", "+120255501"),
    FictionRange("CA", "NANPA, 555-0100 to 555-0199", "mobile", "+141655501"),
)

_STARTS: Final = frozenset(fiction_range.start for fiction_range in FICTION_RANGES)
_BY_NAME: Final = {debtor.name: debtor for debtor in SIMULATED_DEBTORS if debtor.email}
_BY_DIGITS: Final = {debtor.digits: debtor for debtor in SIMULATED_DEBTORS if debtor.digits}


def simulated_attempts(channel: Channel, address: str) -> Attempts | None:
    """Return the outcomes of a channel's attempts at an address; None for an ordinary debtor."""
    if channel == Channel.LETTER:
        return None
    if channel == Channel.EMAIL:
        debtor = _BY_NAME.get(address.partition("@")[0].partition("+")[0].lower())
        return debtor.email if debtor else None
    debtor = _BY_DIGITS.get(address[-2:])
    if debtor is None or not _acts(address[:-2]):
        return None
    return debtor.call if channel == Channel.AI_CALL else debtor.text


def _acts(start: str) -> bool:
    # The North American plan reserves these in every area code.
    is_north_american = len(start) == 10 and start.startswith("+1") and start.endswith("55501")
    return is_north_american or start in _STARTS
