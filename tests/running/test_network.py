"""The tests' own network is closed: a test that would leave this machine fails."""

import asyncio
import socket

import pytest


def test_a_test_cannot_connect_elsewhere() -> None:
    with socket.socket() as caller, pytest.raises(RuntimeError, match=r"may not reach '192\.0\.2\.1'"):
        caller.connect(("192.0.2.1", 80))


async def test_nor_by_name_nor_by_asyncio() -> None:
    with pytest.raises(RuntimeError, match=r"may not reach 'collect\.example'"):
        await asyncio.open_connection("collect.example", 443)


async def test_the_loopback_is_open() -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)

    async with server:
        reader, writer = await asyncio.open_connection("localhost", server.sockets[0].getsockname()[1])

        assert await reader.read() == b""
        writer.close()
