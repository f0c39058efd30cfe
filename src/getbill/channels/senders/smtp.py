"""E-mail over SMTP (RFC 5321), through the server the company's mail goes out by.

The server's answer to the message itself decides. Refused before or after it, the message has failed; a
connection lost once its transfer began leaves it unknown, for the server may have taken it.
"""

import asyncio
import re
from dataclasses import dataclass
from typing import Literal

import aiosmtplib
import structlog

from getbill.channels.model import Channel
from getbill.channels.senders.mail import Mail, compose_mail, envelope_address
from getbill.channels.senders.model import (
    Assurance,
    Capabilities,
    Fate,
    Outgoing,
    SendOutcome,
    failed,
    unknown,
)
from getbill.channels.senders.smtp_replies import takes_no_mail
from getbill.kit import clock

_log = structlog.get_logger(__name__)

Security = Literal["tls", "starttls", "none"]

# A server may close a connection that says nothing for a while; ours are closed before it does.
_IDLE_SECONDS = 15.0
_REASON_CHARACTERS = 200
_ADDRESS = re.compile(r"<?[^\s<>@]+@[^\s<>]+>?")
_LOST = (aiosmtplib.SMTPException, OSError)


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """How to reach the mail server. `security` is TLS from the start, STARTTLS (required), or none at all."""

    host: str
    port: int
    sender: str  # the address messages come from
    security: Security = "starttls"
    username: str | None = None
    password: str | None = None
    certificate_authorities: str | None = None  # a PEM file, where the system's list is not the one meant
    timeout_seconds: float = 30.0
    connections: int = 4
    bounces: str | None = None  # where servers report what they could not deliver; the sender by default


@dataclass(slots=True)
class _Idle:
    connection: aiosmtplib.SMTP
    since: float


@dataclass(frozen=True, slots=True)
class _Refusal:
    outcome: SendOutcome
    was_lost: bool = False


class Smtp:
    """E-mail by one SMTP server, over a few connections that are kept and used again."""

    name = "smtp"
    channel = Channel.EMAIL
    # A server that took a message cannot be asked about it, and takes the same Message-ID twice.
    capabilities = Capabilities(Assurance.NEITHER, gives_receipt=False, at_once=32)

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self._idle: list[_Idle] = []
        self._gate = asyncio.Semaphore(settings.connections)

    async def send(self, message: Outgoing) -> SendOutcome:
        """Hand a message to the server and say what it answered."""
        try:
            mail = compose_mail(message, self._settings.sender)
        except ValueError as error:
            return failed(f"the message could not be written: {type(error).__name__}", permanent=True)
        async with self._gate:
            return await self._hand_over(mail, envelope_address(message.address))

    async def look_up(self, message: Outgoing) -> SendOutcome | None:
        """Refuse: SMTP has no question to ask."""
        raise NotImplementedError("SMTP cannot be asked about a message")

    async def close(self) -> None:
        """Say goodbye on the connections at rest."""
        idle, self._idle = self._idle, []
        for entry in idle:
            await _quit(entry.connection)

    async def _hand_over(self, mail: Mail, address: str) -> SendOutcome:
        while True:
            pooled = self._pop_idle()
            try:
                connection = pooled or await self._connect()
            except _LOST as error:
                return failed(f"the mail server cannot be reached: {_error_reason(error)}", permanent=False)
            refusal = await self._envelope(connection, address)
            if refusal is None:
                return await self._transfer(connection, mail)
            await _quit(connection)
            # A kept connection may have died of age: nothing left by it, so a fresh one is tried.
            if pooled is None or not refusal.was_lost:
                return refusal.outcome

    async def _envelope(self, connection: aiosmtplib.SMTP, address: str) -> _Refusal | None:
        """Name sender and recipient; return why the server will not have them, None when it will."""
        sender = self._settings.bounces or self._settings.sender
        options = [] if address.isascii() else ["SMTPUTF8"]
        if options and not connection.supports_extension("smtputf8"):
            reason = "the mail server cannot write to addresses beyond ASCII (no SMTPUTF8)"
            return _Refusal(failed(reason, permanent=True))
        try:
            async with asyncio.timeout(2 * self._settings.timeout_seconds):
                await connection.mail(sender, options=options, encoding="utf-8", timeout=None)
                await connection.rcpt(address, encoding="utf-8", timeout=None)
        except aiosmtplib.SMTPRecipientRefused as refused:
            is_dead = takes_no_mail(_error_reason(refused).partition(" ")[2], refused.code)
            return _Refusal(
                failed(_error_reason(refused), permanent=refused.code >= 500, dead_address=is_dead)
            )
        except aiosmtplib.SMTPResponseException as refused:
            # The server objects to us, not to this debtor: that can be put right before the next try.
            return _Refusal(failed(_error_reason(refused), permanent=False))
        except _LOST as error:
            reason = f"the connection was lost before the message left: {_error_reason(error)}"
            return _Refusal(failed(reason, permanent=False), was_lost=True)
        return None

    async def _transfer(self, connection: aiosmtplib.SMTP, mail: Mail) -> SendOutcome:
        try:
            # One clock for both answers, where the library would start one for each.
            async with asyncio.timeout(2 * self._settings.timeout_seconds):
                await connection.data(mail.content, timeout=None)
        except aiosmtplib.SMTPDataError as refused:
            await _quit(connection)
            return failed(_error_reason(refused), permanent=refused.code >= 500)
        except _LOST as error:
            connection.close()
            return unknown(
                f"the connection was lost while the message was handed over: {_error_reason(error)}"
            )
        self._idle.append(_Idle(connection, clock.monotonic()))
        return SendOutcome(Fate.ACCEPTED, mail.message_id)

    def _pop_idle(self) -> aiosmtplib.SMTP | None:
        while self._idle:
            entry = self._idle.pop()
            if entry.connection.is_connected and clock.monotonic() - entry.since < _IDLE_SECONDS:
                return entry.connection
            entry.connection.close()
        return None

    async def _connect(self) -> aiosmtplib.SMTP:
        settings = self._settings
        connection = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            username=settings.username,
            password=settings.password,
            # What we call ourselves to the server: asking the resolver for this machine's name can take seconds.
            local_hostname=settings.sender.rpartition("@")[2],
            timeout=settings.timeout_seconds,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            cert_bundle=settings.certificate_authorities,
        )
        try:
            await connection.connect()
        except BaseException:
            connection.close()
            raise
        return connection


async def _quit(connection: aiosmtplib.SMTP) -> None:
    try:
        await connection.quit()
    except _LOST:
        _log.debug("smtp_connection_gone")
    finally:
        connection.close()


def _error_reason(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        # Servers like to name the address they refuse; the ledger is no place for it.
        words = _ADDRESS.sub("<address>", " ".join(str(error.message).split()))
        return f"{error.code} {words}"[:_REASON_CHARACTERS]
    return type(error).__name__
