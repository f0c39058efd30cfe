"""Listening sockets: each is opened once and outlives a crashed process.

`getbill serve` binds them, so a port in use is reported before anything starts and before any credential is
written. A port accepts connections only when its process listens; while that process is being replaced,
clients wait.
"""

import errno
import socket
import ssl
import time
from typing import Final

import structlog

from getbill.kit.exit_errors import CannotRun
from getbill.settings import Settings

RETRY_SECONDS: Final = 0.1

_log = structlog.get_logger(__name__)


class PortInUse(CannotRun):
    """Another program uses the port."""


def bind(settings: Settings, *, patience_seconds: float = 0.0) -> socket.socket:
    """Bind the API's socket without listening; wait up to `patience_seconds` for a process that exits."""
    return _bind(settings, "GETBILL_PORT", settings.port, patience_seconds)


def bind_sftp(
    settings: Settings, *, previous_port: int | None = None, patience_seconds: float = 0.0
) -> socket.socket:
    """Bind the SFTP socket, as `bind` does that of the API.

    Without a configured port it is the previous one (from first-run.json), else the usual one, else any free
    one: first-run.json and the startup banner state it, and the rest of GetBill runs.
    """
    is_chosen = "sftp_port" in settings.model_fields_set and settings.sftp_port != 0
    first = settings.sftp_port if is_chosen or previous_port is None else previous_port
    for port in dict.fromkeys((first, settings.sftp_port)):
        try:
            # Only the first can belong to a process that is exiting.
            return _bind(settings, "GETBILL_SFTP_PORT", port, patience_seconds if port == first else 0.0)
        except PortInUse as error:
            if is_chosen:
                raise
            _log.warning("sftp_port_taken", reason=str(error))
    return _bind(settings, "GETBILL_SFTP_PORT", 0, 0.0)


def _bind(settings: Settings, setting: str, port: int, patience_seconds: float) -> socket.socket:
    deadline = time.monotonic() + patience_seconds
    try:
        family, _, _, _, address = socket.getaddrinfo(
            settings.host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise CannotRun(f"GETBILL_HOST {settings.host!r} is not an address of this machine.") from error
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    while True:
        try:
            listener.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE and time.monotonic() < deadline:
                time.sleep(RETRY_SECONDS)
                continue
            listener.close()
            raise PortInUse(
                f"{settings.host} port {port} cannot be used ({error.strerror}): set {setting} to another port."
            ) from error
        return listener


def tls(settings: Settings) -> ssl.SSLContext:
    """Return the API's TLS context: TLS 1.3 (RFC 8446) and nothing lower."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        context.load_cert_chain(str(settings.tls_cert), str(settings.tls_key))
    except OSError as error:
        raise CannotRun(
            f"GETBILL_TLS_CERT and GETBILL_TLS_KEY are not a matching certificate and key: {error}"
        ) from error
    return context
