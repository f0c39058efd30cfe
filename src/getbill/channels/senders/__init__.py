"""Senders: one small protocol, one file per provider, and the sandbox's fakes beside them.

A sender receives a rendered message and returns its outcome. It declares how an in-doubt message can be
resolved (an idempotency key, a look-up, or neither) and whether the provider reports deliveries.
"""

from getbill.channels.senders.bounces import Bounce, read_bounce
from getbill.channels.senders.fakes import Fake
from getbill.channels.senders.gateway import Gateway
from getbill.channels.senders.gateway_settings import GatewaySettings, read_gateways
from getbill.channels.senders.model import (
    Assurance,
    Capabilities,
    DebtorResponse,
    Fate,
    MessageAuthor,
    Outgoing,
    ResponseKind,
    Sender,
    SendOutcome,
    failed,
    unknown,
)
from getbill.channels.senders.registry import Senders, senders
from getbill.channels.senders.simulated_debtors import (
    FICTION_RANGES,
    SIMULATED_DEBTORS,
    FictionRange,
    SimulatedDebtor,
)
from getbill.channels.senders.smtp import Smtp, SmtpSettings
