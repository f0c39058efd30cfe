"""Sender registry: the fakes in every sandbox, the configured providers in live.

A sandbox never uses a real provider, whatever is configured; live never uses a fake, so that a channel
without a provider is skipped and reported.
"""

from collections.abc import Mapping

from getbill.channels.model import Channel
from getbill.channels.senders.fakes import Fake
from getbill.channels.senders.gateway import Gateway
from getbill.channels.senders.gateway_settings import GatewaySettings
from getbill.channels.senders.model import Sender
from getbill.channels.senders.smtp import Smtp, SmtpSettings


class Senders:
    """The senders of an installation."""

    def __init__(self, live: Mapping[Channel, Sender]) -> None:
        self._live = dict(live)
        self._sandbox: dict[Channel, Sender] = {channel: Fake(channel) for channel in Channel}

    def for_channel(self, channel: Channel, *, is_live: bool) -> Sender | None:
        """Return the sender of a channel in live or sandbox; None when there is none."""
        return (self._live if is_live else self._sandbox).get(channel)

    async def close(self) -> None:
        """Close every connection."""
        for sender in (*self._live.values(), *self._sandbox.values()):
            await sender.close()


def senders(
    smtp: SmtpSettings | None,
    gateways: Mapping[Channel, GatewaySettings] | None = None,
    base_url: str = "http://127.0.0.1:8000",
) -> Senders:
    """Return the senders of an installation with these settings; gateways report to its `base_url`."""
    live: dict[Channel, Sender] = {
        channel: Gateway(settings, base_url) for channel, settings in (gateways or {}).items()
    }
    if smtp is not None:
        live[Channel.EMAIL] = Smtp(smtp)
    return Senders(live)
