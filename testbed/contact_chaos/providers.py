"""The post office: a mail server and three gateways in one process, which notes what it takes before it says so.

It fails as providers do: busy, refusing, hanging up before it took a message or after, each by chance. The gateway of
`sms` takes a key twice, the one of `ai_call` can be asked, the one of `letter` neither; SMTP cannot be asked either.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Final, TextIO

KEYED, ASKED, NEITHER = "sms", "ai_call", "letter"
# How often out of a hundred a provider is busy, refuses for good, hangs up before it took a message, and after.
_BUSY, _REFUSES, _BEFORE, _AFTER = 5, 2, 4, 4
_SLOWEST_SECONDS: Final = 0.08


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A message that a provider took: when, by which channel, and its key."""

    at: float  # of the machine's monotonic clock, which all its processes share
    channel: str
    key: str


def command(job: dict[str, Any]) -> list[str]:
    """Return the command line of a post office: `smtp` and `http` are its ports, `notes` its file, `seed` its chance."""
    return [sys.executable, "-m", "testbed.contact_chaos.providers", json.dumps(job)]


def read(notes: Path) -> Iterator[ReceivedMessage]:
    """Yield what was taken, in the order in which it was."""
    with notes.open("r", encoding="utf-8") as lines:
        for line in lines:
            if line.endswith("\n"):
                yield ReceivedMessage(*json.loads(line))


class _HangUpError(Exception):
    """The connection is cut without a word."""


@dataclass
class Providers:
    """What the providers know, and their moods."""

    notes: TextIO
    chance: random.Random
    # By key, what a gateway answered for good the first time.
    answers: dict[str, tuple[int, dict[str, str]]]

    async def hand_in(self, channel: str, key: str) -> tuple[int, dict[str, str]]:
        """Take a message or not, and return the answer; raises where there is none."""
        if channel == KEYED and key in self.answers:
            return self.answers[key]
        mood = self.chance.randrange(100)
        await self._dawdle()
        if mood < _BUSY:
            return 503, {}
        if mood < _BUSY + _REFUSES:
            self.answers[key] = (422, {"reason": "no such address"})
            return self.answers[key]
        if mood < _BUSY + _REFUSES + _BEFORE:
            raise _HangUpError
        if channel == KEYED and key in self.answers:
            # The same came by another connection meanwhile.
            return self.answers[key]
        self.answers[key] = (202, {"status": "accepted", "ref": f"ref-{key}"})
        self.notes.write(json.dumps(astuple(ReceivedMessage(time.monotonic(), channel, key))) + "\n")
        self.notes.flush()
        await self._dawdle()
        if mood < _BUSY + _REFUSES + _BEFORE + _AFTER:
            raise _HangUpError
        return self.answers[key]

    async def _dawdle(self) -> None:
        await asyncio.sleep(self.chance.uniform(0, _SLOWEST_SECONDS))

    async def http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer requests of one connection: POST /CHANNEL hands in, GET /CHANNEL/KEY asks."""
        with suppress(_HangUpError, asyncio.IncompleteReadError, OSError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, path, _ = head[0].split()
                sizes = [line for line in head if line.lower().startswith("content-length:")]
                raw = await reader.readexactly(int(sizes[0].partition(":")[2])) if sizes else b""
                _, channel, *rest = path.split("/")
                if method == "POST":
                    status, outcome = await self.hand_in(channel, json.loads(raw)["id"])
                else:
                    output, outcome = self.answers.get(rest[0], (404, {}))
                    status = 404 if output == 404 else 200
                    outcome = {"status": "failed"} if output == 422 else outcome
                body = json.dumps(outcome).encode()
                writer.write(b"HTTP/1.1 %d -\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))
                await writer.drain()
        writer.transport.abort()

    async def smtp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak SMTP on one connection, as much of it as a message needs."""
        writer.write(b"220 post\r\n")
        with suppress(_HangUpError, asyncio.IncompleteReadError, OSError):
            while line := await reader.readline():
                word = line[:4].upper()
                answer = b"250 OK\r\n"
                if word == b"DATA":
                    writer.write(b"354 go on\r\n")
                    mail = (await reader.readuntil(b"\r\n.\r\n")).decode("utf-8", "replace")
                    status, _ = await self.hand_in("email", _key_of(mail))
                    answer = {503: b"451 busy\r\n", 422: b"550 no such mailbox\r\n"}.get(status, answer)
                elif word == b"QUIT":
                    answer = b"221 bye\r\n"
                writer.write(answer)
                await writer.drain()
        writer.transport.abort()


def _key_of(mail: str) -> str:
    (line,) = (
        line for line in mail.split("\r\n\r\n", 1)[0].split("\r\n") if line.lower().startswith("message-id:")
    )
    # A long header is folded behind its name.
    text = line.partition(":")[2] or mail.partition(line)[2]
    return text.partition("<")[2].partition(".")[0]


async def _serve(job: dict[str, Any], notes: TextIO) -> None:
    chance = random.Random(job["seed"])  # noqa: S311 chance is the point
    post = Providers(notes, chance, {})
    smtp = await asyncio.start_server(post.smtp, "127.0.0.1", job["smtp"], limit=2**24)
    http = await asyncio.start_server(post.http, "127.0.0.1", job["http"], limit=2**24)
    await asyncio.gather(smtp.serve_forever(), http.serve_forever())


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    with Path(asked["notes"]).open("a", encoding="utf-8") as file:
        asyncio.run(_serve(asked, file))
