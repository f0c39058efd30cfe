"""The SFTP server: authentication, and limits on connections and sessions.

Only the sftp subsystem is available: no shell, no forwarding. Loaded only by the process that listens. The
invariant: a session opens only with the password or a key of a login that is not revoked.
"""

import asyncio
import socket
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any, Final

import asyncssh
import structlog
from asyncssh.constants import DISC_NO_MORE_AUTH_METHODS_AVAILABLE, DISC_TOO_MANY_CONNECTIONS
from asyncssh.stream import SSHServerStreamSession

from getbill import companies
from getbill.kit import clock
from getbill.kit.database import Database
from getbill.sftp import credentials, host_keys
from getbill.sftp.actions import Folders
from getbill.sftp.credentials import LoginCandidate
from getbill.sftp.model import Login, SftpLimits
from getbill.sftp.session import Session, SftpProtocol
from getbill.vault import Vault

_log = structlog.get_logger(__name__)

_FAILURES_SECONDS: Final = 600.0
_ADDRESSES_MAX: Final = 10_000
_PASSWORDS_AT_ONCE_MAX: Final = 8
_KEEPALIVE_SECONDS: Final = 30
# Without DSA, and RSA with SHA-1.
_SIGNATURES: Final = (
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
_CLEAR_SECONDS: Final = 5.0


@dataclass(slots=True)
class ServerState:
    """Shared state of one process: the database, the limits and the open connections."""

    database: Database
    vault: Vault
    limits: SftpLimits
    session_counts: Counter[str] = field(default_factory=Counter)
    connections: set[asyncssh.SSHServerConnection] = field(default_factory=set)
    password_checks: int = 0
    session_tasks: set[asyncio.Task[Any] | None] = field(default_factory=set)
    _failures: dict[str, deque[float]] = field(default_factory=dict)

    async def close_connections(self) -> None:
        """Close every connection, and wait until their open files are stored."""
        for connection in list(self.connections):
            connection.close()
        if speaking := [task for task in self.session_tasks if task]:
            await asyncio.wait(speaking, timeout=_CLEAR_SECONDS)

    def count_failure(self, address: str) -> None:
        """Count a wrong credential from an address."""
        if len(self._failures) >= _ADDRESSES_MAX:
            self._failures.pop(next(iter(self._failures)))
        self._failures.setdefault(address, deque(maxlen=self.limits.failures_max)).append(clock.monotonic())

    def is_blocked(self, address: str) -> bool:
        """Return whether an address is blocked after too many failures."""
        times = self._failures.get(address, deque[float]())
        since = clock.monotonic() - _FAILURES_SECONDS
        return len(times) >= self.limits.failures_max and times[0] > since


async def listen(state: ServerState, bound: socket.socket) -> asyncssh.SSHAcceptor:
    """Serve on a bound socket until the acceptor is closed."""
    asyncssh.set_log_level("ERROR")
    keys = await host_keys.host_keys(state.database, state.vault)
    return await asyncssh.listen(
        sock=bound,
        server_factory=lambda: SftpConnection(state),
        server_host_keys=[asyncssh.import_private_key(key.private) for key in keys],
        encoding=None,
        config=None,
        server_version="GetBill",
        allow_pty=False,
        agent_forwarding=False,
        x11_forwarding=False,
        kbdint_auth=False,
        host_based_auth=False,
        gss_host=None,
        compression_algs=None,
        login_timeout=state.limits.login_seconds,
        keepalive_interval=_KEEPALIVE_SECONDS,
        signature_algs=_SIGNATURES,
    )


class SftpConnection(asyncssh.SSHServer):
    """One connection up to the login, with its limits."""

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._connection: asyncssh.SSHServerConnection
        self._address = "?"
        self._attempts = 0
        self._candidates: dict[str, LoginCandidate | None] = {}
        self._username: str | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Count the connection; one above the limit is closed."""
        self._connection = conn
        self._address = (conn.get_extra_info("peername") or ("?",))[0]
        if len(self._state.connections) >= self._state.limits.sessions_max:
            _log.warning("sftp_connections_exhausted", connections=len(self._state.connections))
            conn.abort()
            return
        self._state.connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 the reason does not matter
        """Forget the connection."""
        self._state.connections.discard(self._connection)
        if self._username is not None:
            self._state.session_counts[self._username] -= 1

    async def begin_auth(self, username: str) -> bool:
        """Load the login; authentication is always required."""
        if username not in self._candidates:
            self._candidates = {username: await credentials.find_candidate(self._state.database, username)}
        return True

    def public_key_auth_supported(self) -> bool:
        """Allow keys, even from an address with too many wrong passwords: a key cannot be guessed."""
        return not self._has_tried_all

    def password_auth_supported(self) -> bool:
        """Allow passwords until the attempts are used up, unless the address is blocked."""
        return not self._is_over

    async def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Return whether this key belongs to the login; the client must still prove possession."""
        if not self._may_try(is_over=self._has_tried_all):
            return False
        candidate = self._candidates.get(username)
        # The client first asks whether a key is acceptable: that is not an attempt.
        is_known = candidate is not None and key.get_fingerprint() in candidate.login.fingerprints
        self._attempts -= is_known
        return is_known

    async def validate_password(self, username: str, password: str) -> bool:
        """Return whether this password opens the login."""
        state = self._state
        if not self._may_try(is_over=self._is_over) or state.password_checks >= _PASSWORDS_AT_ONCE_MAX:
            return False
        state.password_checks += 1
        try:
            is_right: bool = await credentials.check_password(
                state.database, self._candidates.get(username), password, clock.wall()
            )
        finally:
            state.password_checks -= 1
        if not is_right:
            state.count_failure(self._address)
            _log.warning("sftp_login_refused", username=username, address=self._address)
        return is_right

    async def auth_completed(self) -> None:
        """Record the login; a session above the login's limit is closed."""
        username = self._connection.get_extra_info("username")
        candidate = self._candidates.get(username)
        session_counts = self._state.session_counts
        if candidate is None or session_counts[username] >= self._state.limits.sessions_per_login:
            self._connection.disconnect(
                DISC_TOO_MANY_CONNECTIONS, "Too many sessions of this login are open."
            )
            return
        self._username = username
        session_counts[username] += 1
        await credentials.record_login(self._state.database, candidate.login.id, clock.wall())
        _log.info("sftp_login", username=username, address=self._address)

    def session_requested(self) -> Any:
        """Open a channel for the sftp subsystem."""
        candidate = self._candidates.get(self._username or "")
        return False if candidate is None else _Channel(self._state, candidate.login)

    @property
    def _has_tried_all(self) -> bool:
        return self._attempts >= self._state.limits.attempts_max

    @property
    def _is_over(self) -> bool:
        return self._has_tried_all or self._state.is_blocked(self._address)

    def _may_try(self, *, is_over: bool) -> bool:
        if is_over:
            self._connection.disconnect(DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "Too many attempts.")
            return False
        self._attempts += 1
        return True


class _Channel(SSHServerStreamSession[bytes]):
    """A channel for the sftp subsystem only."""

    def __init__(self, state: ServerState, login: Login) -> None:
        super().__init__(None)
        self._state = state
        self._login = login

    def shell_requested(self) -> bool:
        """Refuse: there is no shell."""
        return False

    def exec_requested(self, command: str) -> bool:  # noqa: ARG002 it is refused
        """Refuse: no command is run."""
        return False

    def subsystem_requested(self, subsystem: str) -> bool:
        """Accept only sftp."""
        return subsystem == "sftp"

    def session_started(self) -> None:
        """Start serving requests."""
        channel: Any = self._chan
        reader = asyncssh.SSHReader[bytes](self, channel)
        writer = asyncssh.SSHWriter[bytes](self, channel)
        channel.get_connection().create_task(self._serve(channel, reader, writer))

    async def _serve(
        self, channel: Any, reader: asyncssh.SSHReader[bytes], writer: asyncssh.SSHWriter[bytes]
    ) -> None:
        state, login = self._state, self._login
        task = asyncio.current_task()
        state.session_tasks.add(task)
        try:
            workspace = await companies.workspace(state.database, state.vault, login.workspace_id)
            folders = Folders(state.database, workspace, login.id, state.limits)
            session = Session(channel, folders, may_read=login.may_read)
            await SftpProtocol(session, reader, writer).run()
        finally:
            state.session_tasks.discard(task)
