"""The worker: everything that happens without somebody asking at that moment."""

import asyncio

from getbill.settings import Settings


async def run(_settings: Settings, stop: asyncio.Event) -> None:
    """Work until told to stop, then finish what was begun."""
    await stop.wait()
