"""A mail server for tests, on the loopback: it takes, refuses or drops what it is handed, and remembers it."""

import asyncio
import email
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

from aiosmtpd import smtp

from getbill.channels.senders import SmtpSettings


@dataclass
class Mailbox:
    received: list[EmailMessage] = field(default_factory=list)
    connections: int = 0
    on_rcpt: str | None = None
    on_data: str | None = None
    drop_at: str | None = None
    # There it says nothing more, until the one who waits goes.
    silent_at: str | None = None
    drops_max: int = 9
    users: list[bytes] = field(default_factory=list)
    was_tls: bool = False
    senders: list[str | None] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 aiosmtpd's name
        self, server: smtp.SMTP, _session: object, envelope: smtp.Envelope, address: str, _options: object
    ) -> str:
        if self.silent_at == "rcpt":
            await asyncio.Event().wait()
        if self.drop_at == "rcpt" and self.drops_max:
            self.drops_max -= 1
            server.transport.abort()
        if self.on_rcpt:
            return self.on_rcpt
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 aiosmtpd's name
        self, server: smtp.SMTP, session: smtp.Session, envelope: smtp.Envelope
    ) -> str:
        self.was_tls = session.ssl is not None
        self.senders.append(envelope.mail_from)
        content = cast("bytes", envelope.content)
        if self.on_data:
            return self.on_data
        self.received.append(cast("EmailMessage", email.message_from_bytes(content, policy=default)))
        if self.silent_at == "data":
            await asyncio.Event().wait()
        if self.drop_at == "data":
            server.transport.abort()
        return "250 queued"

    def authenticate(
        self, _server: object, _session: object, _envelope: object, _mechanism: str, data: Any
    ) -> smtp.AuthResult:
        self.users.append(data.login)
        return smtp.AuthResult(success=data.password == b"right")


@asynccontextmanager
async def serving(mailbox: Mailbox, **options: Any) -> AsyncIterator[SmtpSettings]:
    loop = asyncio.get_running_loop()

    def protocol() -> smtp.SMTP:
        mailbox.connections += 1
        return smtp.SMTP(mailbox, loop=loop, hostname="mail.example", enable_SMTPUTF8=False, **options)

    listener = await loop.create_server(protocol, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    try:
        yield SmtpSettings(
            "127.0.0.1", port, "relances@getbill.example", security="none", timeout_seconds=5, connections=2
        )
    finally:
        listener.close()
        await listener.wait_closed()
