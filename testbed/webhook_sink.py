"""A receiver that takes every webhook at once: enough HTTP to answer, so that what is measured is who sends.

Run as a process of its own: `python -m testbed.webhook_sink PORT`. It answers 204 to each request that is whole.
"""

import asyncio
import sys
from typing import cast

import uvloop

_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"
_LENGTH = b"content-length: "


class Sink(asyncio.Protocol):
    """One connection, kept alive."""

    def __init__(self) -> None:
        self._waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        self._waiting += data
        while True:
            head, end, rest = self._waiting.partition(b"\r\n\r\n")
            if not end:
                return
            _, named, after = head.lower().partition(_LENGTH)
            length = int(after.partition(b"\r\n")[0]) if named else 0
            if len(rest) < length:
                return
            self._waiting = rest[length:]
            self._transport.write(_ANSWER)


async def serve(port: int) -> None:
    """Take webhooks until killed."""
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
