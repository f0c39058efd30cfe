"""The least that could send a dataset's e-mails: a loop around aiosmtplib that hands over what is written already.

As many connections as GetBill keeps. Nothing is claimed, rendered, recorded or settled.
"""

import asyncio
import json
import pickle
import sys
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path
from time import perf_counter
from typing import Any

import aiosmtplib
import uvloop


async def _send(job: dict[str, Any], ready: Iterator[tuple[str, bytes]]) -> None:
    connection = aiosmtplib.SMTP(
        hostname="127.0.0.1", port=job["port"], use_tls=False, start_tls=False, local_hostname="bench.example"
    )
    await connection.connect()
    for address, content in ready:
        await connection.sendmail(job["sender"], address, content)
    await connection.quit()


async def post(job: dict[str, Any], ready: list[tuple[str, bytes]]) -> float:
    """Send all that is ready and return how many seconds that took."""
    shared = iter(ready)
    began = perf_counter()
    await asyncio.gather(*(_send(job, shared) for _ in range(job["connections"])))
    return perf_counter() - began


def ready_in(file: Path) -> list[tuple[str, bytes]]:
    """Return the messages that the sink kept, each with the address it goes to."""
    kept = pickle.loads(file.read_bytes())  # noqa: S301 our own file
    return [(str(message_from_bytes(item)["To"]), item) for item in kept]


if __name__ == "__main__":
    request = json.load(sys.stdin)
    print(json.dumps({"seconds": uvloop.run(post(request, ready_in(Path(request["kept"]))))}))
