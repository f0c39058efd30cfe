"""One attempt over real sockets: what a stranger's server may do to us, and what it may not."""

import asyncio
from typing import Any

from aiohttp import web

from getbill.kit.database.transactions import Database
from getbill.webhooks import WebhookClient
from webhooks.conftest import attempts, deliveries


async def test_a_redirect_is_a_failure_and_is_not_followed(
    database: Database, receive: Any, subscribe: Any, open_debt: Any, deliver: Any, answering: Any
) -> None:
    elsewhere = await receive()
    receiver = await receive(answering(302, Location=elsewhere.url))
    endpoint_id = await subscribe(receiver)
    await open_debt()

    await deliver()

    assert elsewhere.received == []
    row = (await attempts(database, endpoint_id))[0]
    assert (row["status"], row["error"]) == (302, "Redirects are not followed.")
    assert (await deliveries(database, endpoint_id))[0]["state"] == "pending"


async def test_no_answer_in_time_is_a_failure(
    database: Database, receive: Any, subscribe: Any, open_debt: Any, deliver: Any, hanging: Any
) -> None:
    receiver = await receive(hanging)
    endpoint_id = await subscribe(receiver)
    await open_debt()

    await deliver()

    row = (await attempts(database, endpoint_id))[0]
    assert (row["status"], row["error"]) == (None, "No answer within 0.3 seconds.")
    assert row["duration_ms"] >= 290


async def test_an_endless_answer_counts_by_its_status_and_4_kb_of_it_are_kept_sealed(
    database: Database, receive: Any, subscribe: Any, open_debt: Any, deliver: Any
) -> None:
    async def endless(received: Any) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(received.request)
        while True:
            await response.write(b"x" * 1000)

    receiver = await receive(endless)
    endpoint_id = await subscribe(receiver)
    debt = await open_debt()

    await deliver()

    row = (await attempts(database, endpoint_id))[0]
    context = b"response" + row["workspace_id"].bytes + endpoint_id.bytes + row["event_id"].bytes
    assert row["status"] == 200
    assert debt.key.open(row["response"], context) == b"x" * 4096
    assert (await deliveries(database, endpoint_id))[0]["state"] == "delivered"


async def test_an_answer_whose_body_crawls_counts_by_its_status(
    database: Database, receive: Any, subscribe: Any, open_debt: Any, deliver: Any
) -> None:
    async def crawling(received: Any) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(received.request)
        await response.write(b"a")
        await asyncio.Event().wait()
        return response

    receiver = await receive(crawling)
    endpoint_id = await subscribe(receiver)
    await open_debt()

    await deliver()

    assert (await deliveries(database, endpoint_id))[0]["state"] == "delivered"


async def test_a_connection_closed_while_idle_is_no_failed_attempt(
    database: Database, subscribe: Any, open_debt: Any, deliver: Any, receive: Any
) -> None:
    connections = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        for _ in range(2):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            if len(connections) == 1 and _ == 1:
                break
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    receiver = await receive()
    endpoint_id = await subscribe(receiver, url=f"http://127.0.0.1:{port}/hooks")
    for _ in range(2):
        await open_debt()
        await deliver()
    server.close()

    assert len(connections) == 2
    assert [(row["attempt"], row["status"]) for row in await attempts(database, endpoint_id)] == [
        (1, 200)
    ] * 2


async def test_a_forbidden_address_is_refused_before_any_connection_is_tried(receive: Any) -> None:
    receiver = await receive()
    request = []

    async def look_up(host: str) -> list[str]:
        request.append(host)
        return ["127.0.0.1"]

    port = receiver.url.split(":")[2]
    async with WebhookClient(lookup=look_up) as poster:
        named = await poster.post(f"http://example.com:{port}", {}, b"{}", is_live=True)
        numbered = await poster.post(receiver.url, {}, b"{}", is_live=True)
        allowed = await poster.post(f"http://example.com:{port}", {}, b"{}", is_live=False)

    assert request == ["example.com", "example.com"]
    refusal = "Webhooks may not be sent to this address."
    assert [(item.status, item.error) for item in (named, numbered)] == [(None, refusal)] * 2
    assert allowed.error is None


async def test_a_live_webhook_never_goes_over_a_connection_a_sandbox_opened(receive: Any) -> None:
    receiver = await receive()

    async def look_up(_host: str) -> list[str]:
        return ["127.0.0.1"]

    url = receiver.url.replace("127.0.0.1", "example.com")
    async with WebhookClient(lookup=look_up) as poster:
        first = await poster.post(url, {}, b"{}", is_live=False)
        second = await poster.post(url, {}, b"{}", is_live=True)

    assert (first.status, second.status) == (204, None)
    assert len(receiver.received) == 1


async def test_a_certificate_nobody_vouches_for_is_a_failure_and_an_own_authority_is_trusted(
    receive: Any, certificate: Any
) -> None:
    server_side, client_side = certificate
    receiver = await receive(tls=server_side)

    async with WebhookClient() as strangers, WebhookClient(tls=client_side) as friends:
        refused = await strangers.post(receiver.url, {}, b"{}", is_live=False)
        trusted = await friends.post(receiver.url, {}, b"{}", is_live=False)

    assert (refused.status, refused.error) == (None, "The certificate is not valid for this host.")
    assert trusted.status == 204
    assert len(receiver.received) == 1


async def test_a_name_that_is_not_found_and_a_closed_port_are_failures_in_words() -> None:
    async def look_up(host: str) -> list[str]:
        if host == "nowhere.example":
            raise OSError("Name or service not known")
        return ["127.0.0.1"]

    async with WebhookClient(lookup=look_up) as poster:
        unknown = await poster.post("http://nowhere.example/", {}, b"{}", is_live=False)
        closed = await poster.post("http://somewhere.example:1/", {}, b"{}", is_live=False)

    assert unknown.error == "The host name was not found."
    assert closed.error == "The connection was refused or timed out."
