"""E-mail sender over SMTP (RFC 5321), through the company's outgoing mail server.

The server's reply to the message itself decides. A message refused before or after it has failed; a
connection lost after the transfer began leaves it unknown, because the server may have accepted it.
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

# A server may close an idle connection; ours are closed before that.
_IDLE_SECONDS = 15.0
_REASON_CHARACTERS = 200
_ADDRESS = re.compile(r"<?[^\s<>@]+@[^\s<>]+>?")
_LOST = (aiosmtplib.SMTPException, OSError)


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """The mail server's connection settings; `security` is implicit TLS, STARTTLS (required), or none."""

    host: str
    port: int
    sender: str  # the From address
    security: Security = "starttls"
    username: str | None = None
    password: str | None = None
    certificate_authorities: str | None = None  # a PEM file, to replace the system's certificate authorities
    timeout_seconds: float = 30.0
    connections: int = 4
    bounces: str | None = None  # the address for bounces; defaults to the sender


@dataclass(slots=True)
class _Idle:
    connection: aiosmtplib.SMTP
    since: float


@dataclass(frozen=True, slots=True)
class _Refusal:
    outcome: SendOutcome
    was_lost: bool = False


class Smtp:
    """Sender through one SMTP server, over a few pooled connections."""

    name = "smtp"
    channel = Channel.EMAIL
    # A server cannot be queried about an accepted message, and accepts the same Message-ID twice.
    capabilities = Capabilities(Assurance.NEITHER, gives_receipt=False, at_once=32, announces_handover=True)

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self._idle: list[_Idle] = []
        self._semaphore = asyncio.Semaphore(settings.connections)

    async def send(self, message: Outgoing) -> SendOutcome:
        """Send a message to the server and return the outcome."""
        try:
            mail = compose_mail(message, self._settings.sender)
        except ValueError as error:
            return failed(f"the message could not be written: {type(error).__name__}", permanent=True)
        async with self._semaphore:
            return await self._submit(mail, message)

    async def look_up(self, message: Outgoing) -> SendOutcome | None:
        """Raise NotImplementedError: SMTP has no query for a message."""
        raise NotImplementedError("SMTP cannot be asked about a message")

    async def close(self) -> None:
        """Quit the idle connections."""
        idle, self._idle = self._idle, []
        for entry in idle:
            await _quit(entry.connection)

    async def _submit(self, mail: Mail, message: Outgoing) -> SendOutcome:
        address = envelope_address(message.address)
        while True:
            pooled = self._pop_idle()
            try:
                connection = pooled or await self._connect()
            except _LOST as error:
                return failed(f"the mail server cannot be reached: {_error_reason(error)}", permanent=False)
            refusal = await self._envelope(connection, address)
            if refusal is None:
                try:
                    message.before_handover()
                except BaseException:
                    connection.close()
                    raise
                return await self._transfer(connection, mail)
            await _quit(connection)
            # A pooled connection may have expired: nothing was sent on it, so a new one is tried.
            if pooled is None or not refusal.was_lost:
                return refusal.outcome

    async def _envelope(self, connection: aiosmtplib.SMTP, address: str) -> _Refusal | None:
        """Send the envelope; return the refusal of the sender or recipient, None when both are accepted."""
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
            # The server objects to the sender, not to this debtor: that can be fixed before the next attempt.
            return _Refusal(failed(_error_reason(refused), permanent=False))
        except _LOST as error:
            reason = f"the connection was lost before the message left: {_error_reason(error)}"
            return _Refusal(failed(reason, permanent=False), was_lost=True)
        return None

    async def _transfer(self, connection: aiosmtplib.SMTP, mail: Mail) -> SendOutcome:
        try:
            # One timer for both replies, where the library would start one for each.
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
            # Our name in EHLO: a resolver lookup of this machine's name can take seconds.
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
        _log.debug("smtp_connection_lost")
    finally:
        connection.close()


def _error_reason(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        # Servers often quote the address they refuse, which must not be stored in the ledger.
        words = _ADDRESS.sub("<address>", " ".join(str(error.message).split()))
        return f"{error.code} {words}"[:_REASON_CHARACTERS]
    return type(error).__name__
