"""A receiver of webhooks, as an integrator's own program: a process that notes when every POST began.

It speaks just enough HTTP to cost little beside what sends to it. Each path is an endpoint of its own; every
signature is checked with that path's secret, by the published recipes and none of our code. The notes are lines of
`Began` in a file, written a few times a second and when it is told to stop.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import signal
import sys
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Final, cast

import uvloop

_WRITE_SECONDS: Final = 0.2
_TAKEN: Final = b"HTTP/1.1 204 No Content\r\n\r\n"


@dataclass(frozen=True, slots=True)
class ReceivedPost:
    """A POST that came: when, to which path, and what it said."""

    at: float  # of the machine's monotonic clock, which all its processes share
    path: str
    webhook_id: str
    subject: str  # the debt, or the endpoint that an event is about
    sequence: int
    previous_sequence: int | None
    is_signed: bool


def command(port: int, notes: Path, secrets: Path, hanging: str = "") -> list[str]:
    """Return the command line of a receiver; a path that is `hanging` never answers.

    `secrets` is a file with the secret of each path, read when something comes for a path that is not known yet.
    """
    job = {"port": port, "notes": str(notes), "secrets": str(secrets), "hanging": hanging}
    return [sys.executable, "-m", "testbed.webhook_receiver", json.dumps(job)]


def read(notes: Path) -> Iterator[ReceivedPost]:
    """Yield what a receiver has noted, in the order in which it came."""
    with notes.open("r", encoding="utf-8") as lines:
        for line in lines:
            if line.endswith("\n"):
                yield ReceivedPost(*json.loads(line))


@dataclass
class Receiver:
    """What comes to one port, and what was noted of it."""

    job: dict[str, Any]

    def __post_init__(self) -> None:
        self._secrets: dict[str, str] = {}
        self._notes: list[ReceivedPost] = []
        self._file = Path(self.job["notes"]).open("a", encoding="utf-8")  # noqa: SIM115 open as long as we are

    def take(self, path: str, headers: dict[bytes, bytes], body: bytes) -> bytes:
        """Note a POST and return the answer; nothing for an endpoint that hangs."""
        at = perf_counter()
        report = json.loads(body)
        data = report["data"]
        self._notes.append(
            ReceivedPost(
                at,
                path,
                report["webhook_id"],
                data["debt_id"] if "debt_id" in data else data["webhook"]["id"],
                report["sequence"],
                report.get("previous_sequence"),
                self._is_signed(path, headers, body)
                and headers[b"webhook-id"] == report["webhook_id"].encode(),
            )
        )
        return b"" if path == self.job["hanging"] else _TAKEN

    def _is_signed(self, path: str, headers: dict[bytes, bytes], body: bytes) -> bool:
        if path not in self._secrets:
            self._secrets = json.loads(Path(self.job["secrets"]).read_text("utf-8"))
        secret = self._secrets[path]
        own = hmac.digest(secret.encode(), body, hashlib.sha256).hex().encode()
        signed = b"%b.%b.%b" % (headers[b"webhook-id"], headers[b"webhook-timestamp"], body)
        key = base64.b64decode(secret.removeprefix("whsec_"))
        standard = b"v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
        return headers[b"x-getbill-signature"] == own and standard in headers[b"webhook-signature"].split()

    def write(self) -> None:
        """Write what was noted since the last time."""
        notes, self._notes = self._notes, []
        self._file.write("".join(json.dumps(astuple(note)) + "\n" for note in notes))
        self._file.flush()


class _Connection(asyncio.Protocol):
    """A keep-alive connection: one request after the other."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (request := _whole(self._received)) is not None:
            path, headers, body, self._received = request
            self._transport.write(self._receiver.take(path, headers, body))


def _whole(received: bytes) -> tuple[str, dict[bytes, bytes], bytes, bytes] | None:
    """Return path, headers and body of the first request and what follows it; None while it is not all there."""
    head, blank, rest = received.partition(b"\r\n\r\n")
    if not blank:
        return None
    first, *lines = head.split(b"\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
    length = int(headers[b"content-length"])
    if len(rest) < length:
        return None
    return first.split()[1].decode(), headers, rest[:length], rest[length:]


async def _serve(job: dict[str, Any]) -> None:
    receiver = Receiver(job)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    await loop.create_server(lambda: _Connection(receiver), "127.0.0.1", job["port"], backlog=1024)
    while not stop.is_set():
        receiver.write()
        try:
            await asyncio.wait_for(stop.wait(), _WRITE_SECONDS)
        except TimeoutError:
            continue
    receiver.write()


if __name__ == "__main__":
    uvloop.run(_serve(json.loads(sys.argv[1])))
