"""What nobody who names an address may make us do: every case over real sockets, the resolver in the test's hand."""

import asyncio
import ssl
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from getbill.kit import clock
from getbill.kit.exit_errors import CannotRun
from getbill.webhooks import WebhookClient, client_tls

FORBIDDEN = "Webhooks may not be sent to this address."
_watchers: list[list[Any]] = []
sys.addaudithook(
    lambda event, arguments: (
        [watched.append(arguments[1]) for watched in _watchers] and None
        if event == "socket.connect"
        else None
    )
)


@pytest.fixture
def connects() -> Iterator[list[Any]]:
    """Every address that this process tried to connect to, from now on."""
    watched: list[Any] = []
    _watchers.append(watched)
    yield watched
    _watchers.remove(watched)


def answers(*values: list[str]) -> Any:
    """A resolver that answers so, one look-up after the other; the last goes on for ever."""
    waiting = list(values)

    async def look_up(_host: str) -> list[str]:
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    return look_up


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.10.10",
        "0.0.0.0",  # noqa: S104 - an address to refuse, not to bind
        "::1",
        "fe80::1",
        "fc00::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "192.0.0.8",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::",
        "2001:0:808:808:0:ffff:80ff:fffe",
    ],
)
async def test_a_forbidden_address_is_refused_before_any_connection_is_tried(
    connects: list[Any], address: str
) -> None:
    host = f"[{address}]" if ":" in address else address
    async with WebhookClient(lookup=answers([address])) as poster:
        named = await poster.post("https://example.com/hooks", {}, b"{}", is_live=True)
        numbered = await poster.post(f"https://{host}/hooks", {}, b"{}", is_live=True)

    assert (named.error, numbered.error) == (FORBIDDEN, FORBIDDEN)
    assert connects == []


@pytest.mark.parametrize("is_live", [True, False])
@pytest.mark.parametrize("address", ["169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254"])
async def test_the_metadata_of_a_cloud_is_refused_though_the_operator_lists_its_network(
    connects: list[Any], address: str, is_live: bool
) -> None:
    networks = (ip_network("169.254.0.0/16"), ip_network("fd00::/8"), ip_network("::/0"))
    host = f"[{address}]" if ":" in address else address
    async with WebhookClient(networks, lookup=answers([address])) as poster:
        named = await poster.post("http://metadata.example/latest", {}, b"{}", is_live=is_live)
        numbered = await poster.post(f"http://{host}/latest", {}, b"{}", is_live=is_live)

    assert (named.error, numbered.error) == (FORBIDDEN, FORBIDDEN)
    assert connects == []


@pytest.mark.parametrize("host", ["2130706433", "127.1", "0177.0.0.1", "127.0.0.1.", "017700000001"])
async def test_an_address_in_disguise_is_no_way_around(connects: list[Any], host: str) -> None:
    async with WebhookClient(lookup=answers(["127.0.0.1"])) as poster:
        outcome = await poster.post(f"http://{host}:9/hooks", {}, b"{}", is_live=True)

    assert outcome.status is None
    assert connects == []


async def test_one_forbidden_address_among_good_ones_refuses_the_name(
    receive: Any, connects: list[Any]
) -> None:
    receiver = await receive()
    port = receiver.url.split(":")[2]
    listed = (ip_network("127.0.0.1/32"),)
    async with WebhookClient(listed, lookup=answers(["127.0.0.1", "127.0.0.2"])) as poster:
        outcome = await poster.post(f"http://example.com:{port}", {}, b"{}", is_live=True)

    assert outcome.error == FORBIDDEN
    assert connects == []


async def test_a_name_that_answers_otherwise_a_moment_later_gains_nothing(
    receive: Any, connects: list[Any], answering: Any
) -> None:
    receiver = await receive(answering(204, Connection="close"))
    port = receiver.url.split(":")[2]
    listed = (ip_network("127.0.0.1/32"),)
    # One look-up for a connection: were there a second after the check, it would be sent to 127.0.0.2.
    async with WebhookClient(listed, lookup=answers(["127.0.0.1"], ["127.0.0.2"])) as poster:
        first = await poster.post(f"http://example.com:{port}", {}, b"{}", is_live=True)
        second = await poster.post(f"http://example.com:{port}", {}, b"{}", is_live=True)

    assert (first.status, second.status, second.error) == (204, None, FORBIDDEN)
    assert connects == [("127.0.0.1", int(port.split("/")[0]))]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed_not_even_to_a_forbidden_address(
    receive: Any, connects: list[Any], answering: Any, status: int
) -> None:
    receiver = await receive(answering(status, Location="http://169.254.169.254/latest/meta-data/"))

    async with WebhookClient() as poster:
        outcome = await poster.post(receiver.url, {}, b"{}", is_live=False)

    assert (outcome.status, outcome.error) == (status, "Redirects are not followed.")
    assert [address for address, _ in connects] == ["127.0.0.1"]


async def raw(write: Any) -> Any:
    """A server that does not speak HTTP as it should."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await write(writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def test_a_head_that_crawls_is_cut_off_in_time() -> None:
    async def crawl(writer: asyncio.StreamWriter) -> None:
        for byte in b"HTTP/1.1 200 OK\r\n" * 100:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.02)

    server, url = await raw(crawl)
    async with server, WebhookClient(timeout_seconds=0.3) as poster:
        outcome = await poster.post(url, {}, b"{}", is_live=False)

    assert (outcome.status, outcome.error) == (None, "No answer within 0.3 seconds.")
    assert 290 <= outcome.duration_ms < 2000


async def test_a_head_without_end_is_cut_off_by_its_size() -> None:
    sent = 0

    async def endless(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while True:
            writer.write(b"x" * 10_000)
            sent += 10_000
            await writer.drain()

    server, url = await raw(endless)
    async with server, WebhookClient(timeout_seconds=5) as poster:
        outcome = await poster.post(url, {}, b"{}", is_live=False)

    assert outcome.status is None
    assert outcome.duration_ms < 4000
    assert sent < 20_000_000


async def test_a_large_answer_is_read_to_four_kilobytes_and_the_connection_is_dropped(receive: Any) -> None:
    dropped = asyncio.Event()

    async def endless(received: Any) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(received.request)
        try:
            while True:
                await response.write(b"x" * 100_000)
        finally:
            dropped.set()

    receiver = await receive(endless)
    async with WebhookClient() as poster:
        outcome = await poster.post(receiver.url, {}, b"{}", is_live=False)
        await asyncio.wait_for(dropped.wait(), 5)

    assert (outcome.status, outcome.response) == (200, b"x" * 4096)


class Authority:
    """A certificate authority of one's own, which issues for whatever it is asked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Acme CA")])
        result = self._builder(self._name, self._key.public_key(), clock.wall() + timedelta(days=1))
        result = result.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.bundle = folder / "ca.pem"
        self.bundle.write_bytes(result.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def _builder(self, subject: x509.Name, key: Any, until: datetime) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(until - timedelta(days=3))
            .not_valid_after(until)
        )

    def server(self, address: str, *, days: float = 1) -> ssl.SSLContext:
        """Return a server's side with a certificate for this address that is good for some days."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, address)])
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
        result = self._builder(subject, key.public_key(), clock.wall() + timedelta(days=days))
        signed = result.add_extension(names, critical=False).sign(self._key, hashes.SHA256())
        file = self._folder / f"{address}-{days}.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(private + signed.public_bytes(Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def test_an_authority_of_ones_own_is_trusted_once_it_is_named(
    receive: Any, authority: Authority
) -> None:
    receiver = await receive(tls=authority.server("127.0.0.1"))

    async with (
        WebhookClient(tls=client_tls(None)) as without,
        WebhookClient(tls=client_tls(authority.bundle)) as with_it,
    ):
        refused = await without.post(receiver.url, {}, b"{}", is_live=False)
        batch = await with_it.post(receiver.url, {}, b"{}", is_live=False)

    assert (refused.status, refused.error) == (None, "The certificate is not valid for this host.")
    assert batch.status == 204


@pytest.mark.parametrize(("address", "days"), [("127.0.0.2", 1), ("127.0.0.1", -0.5)])
async def test_a_certificate_for_another_host_or_of_yesterday_is_refused(
    receive: Any, authority: Authority, address: str, days: float
) -> None:
    receiver = await receive(tls=authority.server(address, days=days))

    async with WebhookClient(tls=client_tls(authority.bundle)) as poster:
        outcome = await poster.post(receiver.url, {}, b"{}", is_live=False)

    assert (outcome.status, outcome.error) == (None, "The certificate is not valid for this host.")
    assert receiver.received == []


def test_a_bundle_without_certificates_stops_the_start_with_its_name(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")

    with pytest.raises(CannotRun, match="GETBILL_CA_BUNDLE"):
        client_tls(empty)
    with pytest.raises(CannotRun, match="GETBILL_CA_BUNDLE"):
        client_tls(tmp_path / "missing.pem")
