"""A mail server that takes every message at once: enough SMTP to answer, so that what is measured is who sends.

Run as a process of its own: `python -m testbed.mail_sink PORT KEPT`. `VRFY` answers how many messages it took. The
messages up to the first `VRFY` that follows one are kept, and written then into the file KEPT.
"""

import asyncio
import pickle
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import uvloop

_END = b"\r\n.\r\n"
_ANSWERS = {
    b"EHLO": b"250-sink\r\n250 8BITMIME\r\n",
    b"HELO": b"250 sink\r\n",
    b"MAIL": b"250 OK\r\n",
    b"RCPT": b"250 OK\r\n",
    b"RSET": b"250 OK\r\n",
    b"NOOP": b"250 OK\r\n",
    b"DATA": b"354 go on\r\n",
}


@dataclass(slots=True)
class ReceivedMail:
    """What all connections took."""

    file: Path
    messages: int = 0
    kept: list[bytes] | None = field(default_factory=list)

    def take(self, message: bytes) -> None:
        """Count a message, and keep one of the first."""
        self.messages += 1
        if self.kept is not None:
            self.kept.append(message)

    def told(self) -> bytes:
        """Answer how many there were."""
        if self.kept:
            self.file.write_bytes(pickle.dumps(self.kept))
            self.kept = None
        return b"252 %d\r\n" % self.messages


class Sink(asyncio.Protocol):
    """One connection, kept open."""

    def __init__(self, mail: ReceivedMail) -> None:
        self._taken = mail
        self._waiting = bytearray()
        self._is_data = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._transport = cast("asyncio.WriteTransport", transport)
        self._transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        """Answer each whole command, and take each whole message."""
        self._waiting += data
        while True:
            mark = _END if self._is_data else b"\r\n"
            end = self._waiting.find(mark)
            if end < 0:
                return
            whole = bytes(self._waiting[:end])
            del self._waiting[: end + len(mark)]
            self._answer(whole)

    def _answer(self, whole: bytes) -> None:
        if self._is_data:
            self._is_data = False
            self._taken.take(whole)
            self._transport.write(b"250 taken\r\n")
            return
        verb = whole[:4].upper()
        self._is_data = verb == b"DATA"
        if verb == b"QUIT":
            self._transport.write(b"221 bye\r\n")
            self._transport.close()
        elif verb == b"VRFY":
            self._transport.write(self._taken.told())
        else:
            self._transport.write(_ANSWERS.get(verb, b"502 unknown\r\n"))


async def serve(port: int, file: Path) -> None:
    """Take messages until killed."""
    batch = ReceivedMail(file)
    server = await asyncio.get_running_loop().create_server(lambda: Sink(batch), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
