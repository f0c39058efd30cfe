"""The bounds on what a client may send before it has shown a credential, by raw sockets against the real server."""

import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import make
import processes
from cluster import Cluster
from installation import Installation, open_installation
from make import Company

DEBTS = "/external-api/v1/debts"
PER_ADDRESS = 8
HEAD_BYTES = 4_000
HEAD_SECONDS = 1
RATE = 500
BOUNDS = {
    "GETBILL_CONNECTIONS_PER_ADDRESS_MAX": str(PER_ADDRESS),
    "GETBILL_CONNECTIONS_PER_PROXY_MAX": str(3 * PER_ADDRESS),
    "GETBILL_HEAD_BYTES_MAX": str(HEAD_BYTES),
    "GETBILL_HEAD_SECONDS_MAX": str(HEAD_SECONDS),
    "GETBILL_BODY_BYTES_PER_SECOND_MIN": str(RATE),
    "GETBILL_BODY_BYTES_MAX": "100000",
    "GETBILL_RATE_LIMIT_SANDBOX": "1000000",
    "GETBILL_RATE_LIMIT_ANONYMOUS": "1000000",
}


@pytest.fixture(scope="module")
async def bounded(postgres: Cluster, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    async with open_installation(postgres, "bounded", tmp_path_factory.mktemp("bounded")) as installation:
        yield installation


@pytest.fixture(scope="module")
async def key(bounded: Installation) -> str:
    company: Company = await make.company(bounded.database, bounded.vault)
    return company.key


def environment(bounded: Installation, **more: str) -> dict[str, str]:
    settings = bounded.settings
    assert settings.master_key is not None
    secret = settings.master_key.get_secret_value()
    return {"DATABASE_URL": settings.dsn, "GETBILL_MASTER_KEY": secret, **BOUNDS, **more}


@pytest.fixture(scope="module")
def address(
    bounded: Installation, key: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, int]]:
    """Where an API with narrow bounds answers."""
    with processes.running(environment(bounded), tmp_path_factory.mktemp("api")) as url:
        parts = urlsplit(url)
        yield str(parts.hostname), int(parts.port or 0)


class Client:
    """A client that sends what it likes."""

    def __init__(
        self, address: tuple[str, int], source: str = "127.0.0.1", receives: int | None = None
    ) -> None:
        self.socket = socket.socket()
        if receives is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
        self.socket.settimeout(30)
        self.socket.bind((source, 0))
        self.socket.connect(address)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.socket.close()

    def send(self, *parts: bytes) -> "Client":
        with contextlib.suppress(ConnectionError):
            for part in parts:
                self.socket.sendall(part)
        return self

    def takes(self, part: bytes) -> bool:
        """Whether the other end still takes what is sent."""
        try:
            self.socket.sendall(part)
        except ConnectionError:
            return False
        return True

    def answer(self) -> bytes:
        """All that comes until the server closes."""
        received = bytearray()
        with contextlib.suppress(ConnectionError):
            while piece := self.socket.recv(65_536):
                received += piece
        return bytes(received)

    def status(self) -> int:
        """The status of the one answer that comes before the server closes; 0 without any."""
        answered = self.answer()
        return int(answered.split()[1]) if answered else 0

    def first_line(self) -> bytes:
        """The first line of what comes next."""
        return self.socket.recv(65_536).partition(b"\r\n")[0]

    def is_open(self) -> bool:
        """Whether the server has not closed; what it has said is passed over."""
        self.socket.settimeout(0)
        try:
            while self.socket.recv(65_536):
                pass
        except BlockingIOError:
            return True
        except ConnectionError:
            return False
        finally:
            self.socket.settimeout(30)
        return False


def get(path: str = "/healthz", *headers: str, close: bool = True) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", *headers]
    lines += ["Connection: close"] if close else []
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def post(key: str, *headers: str) -> bytes:
    lines = [f"POST {DEBTS} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {key}"]
    lines += ["Content-Type: application/json", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def test_a_head_of_the_largest_size_is_read_and_one_beyond_is_431(address: tuple[str, int]) -> None:
    with Client(address) as client:
        assert client.send(get("/healthz", f"X-Large: {'x' * (HEAD_BYTES - 200)}")).status() == 200
    with Client(address) as client:
        answered = client.send(get("/healthz", f"X-Large: {'x' * HEAD_BYTES}")).answer()

    assert answered.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert b"content-type: application/problem+json" in answered
    assert b"larger than 4000 bytes" in answered


def test_who_was_refused_and_stays_is_hung_up_on(address: tuple[str, int]) -> None:
    with Client(address) as client:
        client.send(get("/healthz", f"X-Large: {'x' * HEAD_BYTES}"))
        assert client.first_line().split()[1] == b"431"

        until(lambda: not client.takes(b"more"))


@pytest.mark.parametrize(
    "pieces",
    [
        [b"GET /" + b"x" * 100_000],
        [b"GET / HTTP/1.1\r\nX-Endless: ", *[b"x" * 1_000] * 20],
        [b"GET / HTTP/1.1\r\n", *[b"X-Many: some\r\n"] * 1_000],
        [b"\r\n" * 10_000],
    ],
)
def test_a_head_without_an_end_is_431(address: tuple[str, int], pieces: list[bytes]) -> None:
    with Client(address) as client:
        assert client.send(*pieces).status() == 431


@pytest.mark.parametrize("sent", [b"", b"G", b"GET / HTTP/1.1\r\nHost: localhost\r\n", b"\r\n"])
def test_a_head_that_takes_too_long_is_408(address: tuple[str, int], sent: bytes) -> None:
    with Client(address) as client:
        assert client.send(sent).status() == 408


def test_a_head_after_another_request_that_takes_too_long_is_408(address: tuple[str, int]) -> None:
    with Client(address) as client:
        assert client.send(get(close=False)).first_line() == b"HTTP/1.1 200 OK"
        assert client.send(b"GET / HTTP/1.1\r\nHost:").status() == 408


def test_a_request_that_is_long_in_being_answered_is_not_too_slow(address: tuple[str, int], key: str) -> None:
    path = "/external-api/v1/events?after=now&wait=2"
    with Client(address) as client:
        client.send(get(path, f"Authorization: Bearer {key}", close=False))

        assert client.first_line() == b"HTTP/1.1 200 OK"


def test_pipelined_requests_are_all_answered(address: tuple[str, int]) -> None:
    with Client(address) as client:
        answered = client.send(get(close=False) * 5 + get()).answer()

    assert answered.count(b"HTTP/1.1 200 OK") == 6


def test_a_body_that_comes_drop_by_drop_is_408(address: tuple[str, int], key: str) -> None:
    with Client(address) as client:
        client.send(post(key, "Content-Length: 50000"))
        client.socket.settimeout(0.2)
        received = b""
        while not received:
            client.send(b" ")
            with contextlib.suppress(TimeoutError):
                received = client.socket.recv(65_536)

    assert received.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"less than 500 bytes per second" in received


def test_a_body_that_comes_fast_enough_is_read(address: tuple[str, int], key: str) -> None:
    body = b'{"amount": 1' + b" " * 49_986 + b"}"
    with Client(address) as client:
        client.send(
            post(key, f"Content-Length: {len(body)}", "Connection: close"), body[:20_000], body[20_000:]
        )

        assert client.status() == 422


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ("Content-Length: 100001", b"", 413),
        ("Transfer-Encoding: chunked", b"1000\r\n" + b"x" * 4096 + b"\r\n", 413),
        # Trailers and extensions are no body and are not endless.
        ("Transfer-Encoding: chunked", b"1;ext=" + b"y" * 60 + b"\r\nx\r\n", 431),
    ],
)
def test_a_body_without_an_end_is_refused(
    address: tuple[str, int], key: str, headers: str, body: bytes, status: int
) -> None:
    with Client(address) as client:
        client.send(post(key, headers), *[body] * 400)

        assert client.first_line().split()[1] == b"%d" % status


@pytest.mark.parametrize("pieces", [1, 3, 2_000])
def test_trailers_without_an_end_are_refused(address: tuple[str, int], key: str, pieces: int) -> None:
    sent = post(key, "Transfer-Encoding: chunked") + b"1\r\n{\r\n0\r\n" + b"X-Trailer: some\r\n" * 2_000
    size = -(-len(sent) // pieces)
    with Client(address) as client:
        client.send(*(sent[at : at + size] for at in range(0, len(sent), size)))

        assert client.status() == 431


def test_a_head_that_is_too_large_is_refused_in_the_language_it_asks_for(address: tuple[str, int]) -> None:
    with Client(address) as client:
        sent = get("/healthz", "Accept-Language: fr", f"X-Large: {'x' * HEAD_BYTES}")
        answered = client.send(sent).answer()

    assert b"content-language: fr\r\n" in answered
    assert "Les en-têtes de la requête dépassent 4000 octets." in answered.decode()


def test_what_is_no_http_is_a_problem_too(address: tuple[str, int]) -> None:
    with Client(address) as client:
        answered = client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n").answer()

    assert answered.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"/problems/bad-request" in answered


def test_strangers_of_one_address_make_room_for_the_next(address: tuple[str, int], key: str) -> None:
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(address)) for _ in range(3 * PER_ADDRESS)]
        until(lambda: sum(client.is_open() for client in clients) <= PER_ADDRESS)
        # Nobody else at that address is kept out, and elsewhere nobody notices.
        with Client(address) as base:
            assert base.send(get(DEBTS, f"Authorization: Bearer {key}")).status() == 200
        with Client(address, "127.0.0.2") as elsewhere:
            assert elsewhere.send(get()).status() == 200


@pytest.mark.parametrize("path", ["/token", DEBTS])
def test_bodies_of_strangers_that_never_end_keep_nobody_out(
    address: tuple[str, int], key: str, path: str
) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    with contextlib.ExitStack() as stack:
        strangers = [
            stack.enter_context(Client(address)).send(head.encode(), b"grant_type=" + b"x" * 3_000)
            for _ in range(3 * PER_ADDRESS)
        ]
        with Client(address) as base:
            assert base.send(get(DEBTS, f"Authorization: Bearer {key}")).status() == 200
        until(lambda: sum(client.is_open() for client in strangers) <= PER_ADDRESS)


def test_a_body_under_way_gives_way_only_where_nobody_is_idle(address: tuple[str, int]) -> None:
    with contextlib.ExitStack() as stack:
        sending = stack.enter_context(Client(address))
        sending.send(b"POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000\r\n\r\nx")
        for _ in range(3 * PER_ADDRESS):
            stack.enter_context(Client(address)).send(get(close=False)).first_line()

        assert sending.is_open()


def test_strangers_that_read_no_answer_keep_nobody_out(address: tuple[str, int], key: str) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(PER_ADDRESS):
            stranger = stack.enter_context(Client(address, receives=4_096))
            # More than the kernels keep for a client that does not read.
            stranger.send(get("/openapi.json", close=False) * 20)
            assert stranger.socket.recv(1) == b"H"

        with Client(address) as client:
            assert client.send(get(DEBTS, f"Authorization: Bearer {key}")).status() == 200


def test_who_has_shown_a_credential_is_not_counted(address: tuple[str, int], key: str) -> None:
    with contextlib.ExitStack() as stack:
        base = []
        for _ in range(3 * PER_ADDRESS):
            client = stack.enter_context(Client(address))
            base.append(client)
            client.send(get(DEBTS, f"Authorization: Bearer {key}", close=False))
            assert client.first_line() == b"HTTP/1.1 200 OK"

        assert all(client.is_open() for client in base)


def test_a_trusted_proxy_has_more(
    bounded: Installation, key: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    trusting = environment(bounded, GETBILL_TRUSTED_PROXIES="127.0.0.3", GETBILL_HEAD_SECONDS_MAX="60")
    with (
        processes.running(trusting, tmp_path_factory.mktemp("proxied")) as url,
        contextlib.ExitStack() as stack,
    ):
        parts = urlsplit(url)
        where = str(parts.hostname), int(parts.port or 0)
        of_proxy = [stack.enter_context(Client(where, "127.0.0.3")) for _ in range(3 * PER_ADDRESS)]
        of_another = [stack.enter_context(Client(where, "127.0.0.4")) for _ in range(3 * PER_ADDRESS)]

        until(lambda: sum(client.is_open() for client in of_another) <= PER_ADDRESS)
        assert all(client.is_open() for client in of_proxy)


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The settings of an API with a certificate of our own making for 127.0.0.1."""
    folder = tmp_path_factory.mktemp("certified")
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    own = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    own = own.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    signed = own.add_extension(alternative, critical=False).sign(key, hashes.SHA256())
    pem, bare = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "cert.pem").write_bytes(signed.public_bytes(pem))
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, bare))
    return {"GETBILL_TLS_CERT": str(folder / "cert.pem"), "GETBILL_TLS_KEY": str(folder / "key.pem")}


def test_handshakes_of_one_address_make_room_for_the_next_too(
    bounded: Installation, key: str, certified: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    speaking = environment(bounded, **certified)
    trusted = ssl.create_default_context(cafile=certified["GETBILL_TLS_CERT"])
    with (
        processes.running(speaking, tmp_path_factory.mktemp("tls")) as url,
        contextlib.ExitStack() as stack,
    ):
        parts = urlsplit(url)
        where = str(parts.hostname), int(parts.port or 0)
        elsewhere = stack.enter_context(Client(where, "127.0.0.5"))
        silent = [stack.enter_context(Client(where)) for _ in range(3 * PER_ADDRESS)]

        until(lambda: sum(client.is_open() for client in silent) <= PER_ADDRESS)
        # They were hung up on before their time was over.
        assert elsewhere.is_open()
        # Whoever does speak TLS is answered, however its pieces come, from there and from elsewhere.
        for source in ("127.0.0.1", "127.0.0.2"):
            with Client(where, source) as base:
                base.socket = trusted.wrap_socket(base.socket, server_hostname="127.0.0.1")
                request = get(DEBTS, f"Authorization: Bearer {key}", close=False)
                assert base.send(request[:20], request[20:]).first_line() == b"HTTP/1.1 200 OK"
                assert base.send(get()).status() == 200
        with Client(where) as plain:
            assert plain.send(get()).answer() == b""


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)
