import asyncio
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from program import free_port

from getbill.kit.exit_errors import CannotRun
from getbill.process import sockets
from getbill.settings import Settings


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings with a certificate of our own making."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    plain = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return Settings(tls_cert=folder / "cert.pem", tls_key=folder / "key.pem")


async def spoken(settings: Settings, highest: ssl.TLSVersion) -> str | None:
    """The TLS version a client gets that speaks nothing above the given one."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.maximum_version = highest

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=sockets.tls(settings))
    async with server:
        port = server.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client)
        version: str | None = writer.get_extra_info("ssl_object").version()
        writer.close()
        return version


async def test_the_api_speaks_tls_1_3(certified: Settings) -> None:
    assert await spoken(certified, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"


async def test_nothing_below_tls_1_3_is_spoken(certified: Settings) -> None:
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        await spoken(certified, ssl.TLSVersion.TLSv1_2)


def test_a_certificate_that_is_none_is_told(tmp_path: Path) -> None:
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("nothing")

    with pytest.raises(CannotRun, match="GETBILL_TLS_CERT and GETBILL_TLS_KEY"):
        sockets.tls(Settings(tls_cert=tmp_path / "cert.pem", tls_key=tmp_path / "key.pem"))


def test_the_port_is_ours_but_closed_until_somebody_listens() -> None:
    port = free_port()

    bound = sockets.bind(Settings(port=port))

    with bound, socket.socket() as caller:
        assert caller.connect_ex(("127.0.0.1", port)) != 0
        bound.listen()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port))


def test_a_port_of_a_process_that_is_just_ending_is_waited_for() -> None:
    port = free_port()
    ending = socket.create_server(("127.0.0.1", port))

    with pytest.raises(sockets.PortInUse, match="set GETBILL_PORT to another"):
        sockets.bind(Settings(port=port), patience_seconds=0.15)

    ending.close()
    sockets.bind(Settings(port=port), patience_seconds=0.15).close()


def test_where_nobody_chose_the_port_of_sftp_any_free_one_does() -> None:
    port = free_port()
    usual = Settings.model_construct(_fields_set={"host"}, host="127.0.0.1", sftp_port=port)

    with socket.create_server(("127.0.0.1", port)), sockets.bind_sftp(usual) as bound:
        assert bound.getsockname()[1] not in {0, port}
    with sockets.bind_sftp(usual) as bound:
        assert bound.getsockname()[1] == port


def test_the_port_of_sftp_that_is_known_from_before_is_taken_again() -> None:
    usual_port, base = free_port(), free_port()
    usual = Settings.model_construct(_fields_set={"host"}, host="127.0.0.1", sftp_port=usual_port)
    any_port = Settings(host="127.0.0.1", sftp_port=0)

    with (
        socket.create_server(("127.0.0.1", usual_port)),
        sockets.bind_sftp(usual, previous_port=base) as bound,
    ):
        assert bound.getsockname()[1] == base
    with sockets.bind_sftp(any_port, previous_port=base) as bound:
        assert bound.getsockname()[1] == base
    with socket.create_server(("127.0.0.1", base)), sockets.bind_sftp(usual, previous_port=base) as bound:
        assert bound.getsockname()[1] == usual_port


def test_a_chosen_port_of_sftp_is_that_or_none() -> None:
    port = free_port()

    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(sockets.PortInUse, match="set GETBILL_SFTP_PORT to another"),
    ):
        sockets.bind_sftp(Settings(sftp_port=port), previous_port=free_port())
