"""Client for gateways that implement GetBill's provider protocol (docs/providers.md).

Channels are SMS, AI calls, letters and WhatsApp. The operator writes a small adapter between the protocol and
their provider. Each request is signed and identifies the message by its key; the gateway declares an
idempotency key, a look-up, or neither.
"""

import asyncio
from base64 import b64encode
from typing import Any, Final

import aiohttp
import structlog
from yarl import URL

from getbill.channels import letters
from getbill.channels.letters import AddressTooLong, Letter
from getbill.channels.model import Channel
from getbill.channels.senders.gateway_settings import GatewaySettings
from getbill.channels.senders.model import (
    Assurance,
    Capabilities,
    Fate,
    Outgoing,
    SendOutcome,
    failed,
    unknown,
)
from getbill.kit import clock, json
from getbill.kit.errors import Problem
from getbill.kit.signing import secret_key, standard_signature

_log = structlog.get_logger(__name__)

PROTOCOL: Final = 1
ANSWER_BYTES_MAX: Final = 64_000
_REASON_CHARACTERS: Final = 200
# Nothing was sent: the gateway refuses the message itself, or is not available now.
_REFUSED: Final = frozenset({400, 404, 410, 413, 415, 422})
_NOT_NOW: Final = frozenset({401, 403, 405, 429, 503})


class _InDoubtError(Exception):
    """The gateway may have accepted the message; the text gives the reason for the doubt."""


class Gateway:
    """The sender of one channel through one gateway."""

    def __init__(self, settings: GatewaySettings, base_url: str) -> None:
        self.channel: Channel = settings.channel
        # A different gateway must not be queried about messages sent through this one.
        self.name = f"gateway:{URL(settings.url).authority}"
        self.capabilities = Capabilities(
            settings.assurance,
            settings.gives_receipt,
            settings.at_once,
            settings.answer_seconds,
            announces_handover=True,
        )
        self._settings = settings
        self._key = secret_key(settings.secret.get_secret_value())
        self._callback = f"{base_url}/gateways/{settings.channel}/status"
        self._session: aiohttp.ClientSession | None = None

    async def send(self, message: Outgoing) -> SendOutcome:
        """Send a message to the gateway and return the outcome."""
        try:
            body = json.write(await self._request_body(message))
        except AddressTooLong as error:
            return failed(str(error), permanent=True)
        try:
            return await self._post(message, body)
        except _InDoubtError as doubt:
            return await self._resolve(message, body, str(doubt))

    async def look_up(self, message: Outgoing) -> SendOutcome | None:
        """Query the outcome of an earlier message; None when the gateway does not know it."""
        try:
            status, answer = await self._ask("GET", f"{self._settings.url}/{message.key}", message.key, b"")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return unknown(f"the gateway could not be asked: {type(error).__name__}")
        if status == 404:
            return None
        if status != 200:
            return unknown(f"the gateway could not be asked: it answered {status}")
        return _outcome(answer)

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _resolve(self, message: Outgoing, body: bytes, doubt: str) -> SendOutcome:
        """Resolve the outcome of an in-doubt message, as far as the gateway allows."""
        if self.capabilities.assurance == Assurance.NEITHER:
            return unknown(doubt)
        for pause in self._settings.pauses:
            await asyncio.sleep(pause)
            if self.capabilities.assurance == Assurance.IDEMPOTENCY_KEY:
                try:
                    outcome = await self._post(message, body)
                except _InDoubtError as again:
                    doubt = str(again)
                    continue
                if outcome.fate != Fate.FAILED or outcome.is_permanent:
                    return outcome
                # The gateway is not available now, which does not settle the earlier attempt.
                continue
            looked_up = await self.look_up(message)
            if looked_up is not None and looked_up.fate != Fate.UNKNOWN:
                return looked_up
        # The earlier request may still arrive, so the message is not reported as failed.
        return unknown(doubt)

    async def _post(self, message: Outgoing, body: bytes) -> SendOutcome:
        message.before_handover()
        try:
            status, answer = await self._ask("POST", self._settings.url, message.key, body)
        except aiohttp.ClientConnectorError as error:
            return failed(f"the gateway cannot be reached: {type(error).__name__}", permanent=False)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _InDoubtError(f"the gateway did not answer: {type(error).__name__}") from error
        if 200 <= status < 300:
            return _outcome(answer)
        reason = _answer_reason(answer) or f"the gateway answered {status}"
        if status in _REFUSED:
            return failed(reason, permanent=True)
        if status in _NOT_NOW:
            return failed(reason, permanent=False)
        raise _InDoubtError(f"the gateway answered {status}")

    async def _ask(self, method: str, url: str, key: str, body: bytes) -> tuple[int, Any]:
        timestamp = int(clock.wall().timestamp())
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": key,
            "webhook-id": key,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": standard_signature(self._key, key, timestamp, body),
        }
        async with self._client().request(
            method, URL(url), data=body or None, headers=headers, allow_redirects=False
        ) as response:
            return response.status, _parse_answer(await response.content.read(ANSWER_BYTES_MAX))

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            tries = len(self._settings.pauses) + 1
            timeout = aiohttp.ClientTimeout(total=self._settings.answer_seconds / tries)
            self._session = aiohttp.ClientSession(
                timeout=timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "GetBill-Providers/1"},
            )
        return self._session

    async def _request_body(self, message: Outgoing) -> dict[str, Any]:
        body = {
            "version": PROTOCOL,
            "id": message.key,
            "workspace": message.workspace,
            "channel": message.channel.value,
            "to": message.address,
            "from": {"name": message.writer.name, "reply_to": message.writer.reply_to},
            "language": message.language,
            "subject": message.subject,
            "text": message.text,
            "callback_url": self._callback,
        }
        if message.channel == Channel.LETTER:
            # Printing is CPU-bound, and the event loop sends other messages meanwhile.
            printed = await asyncio.to_thread(letters.print_letter, _letter_of(message))
            body["pdf"] = b64encode(printed).decode()
        return body


def _letter_of(message: Outgoing) -> Letter:
    return Letter(
        letterhead=message.letterhead or (message.writer.name,),
        address=message.address,
        text=message.text,
        language=message.language,
        subject=message.subject,
        written_at=message.written_at or clock.wall(),
        imprint=message.imprint,
    )


def _parse_answer(answer: bytes) -> Any:
    try:
        return json.read(answer) if answer else {}
    except Problem:
        # The body has no known format: the status code is sufficient.
        return {}


def _answer_reason(answer: Any) -> str | None:
    reason = answer.get("reason") if isinstance(answer, dict) else None
    return " ".join(reason.split())[:_REASON_CHARACTERS] if isinstance(reason, str) and reason else None


def _outcome(answer: Any) -> SendOutcome:
    """Return the outcome in a gateway's response to an accepted message; by default, accepted."""
    fields = answer if isinstance(answer, dict) else {}
    try:
        fate = Fate(fields.get("status", Fate.ACCEPTED))
    except ValueError:
        fate = Fate.ACCEPTED
    ref, length = fields.get("ref"), fields.get("duration_ms")
    return SendOutcome(
        fate=fate,
        ref=ref[:_REASON_CHARACTERS] if isinstance(ref, str) else None,
        reason=_answer_reason(fields),
        is_permanent=fields.get("permanent") is not False,
        duration_ms=length if isinstance(length, int) and 0 <= length < 2**31 else None,
    )
