"""An SFTP server in this process, and OpenSSH's `sftp` as its client."""

import asyncio
import os
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from getbill import sftp
from getbill.companies import Workspace
from getbill.kit import clock
from getbill.sftp import Login, NewLogin, queries
from getbill.sftp.model import Folder, parse_path
from getbill.sftp.server import ServerState

MISSING = "OpenSSH's client is missing: apt-get install openssh-client"


@dataclass(frozen=True)
class Said:
    """What `sftp` answered."""

    status: int
    text: str


@dataclass(frozen=True)
class Client:
    """A user of OpenSSH's `sftp` with a login, a folder of their own, and a key or a password."""

    folder: Path
    port: int
    login: Login
    password: str | None = None
    key: Path | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The options that ssh and sftp share."""
        base = (f"-oUserKnownHostsFile={self.folder}/known_hosts", "-oGlobalKnownHostsFile=none", "-Fnone")
        request = ("-oBatchMode=no", "-oStrictHostKeyChecking=accept-new", "-oNumberOfPasswordPrompts=1")
        if self.key is None:
            return (*base, *request, "-oPreferredAuthentications=password", "-oPubkeyAuthentication=no")
        return (
            *base,
            *request,
            f"-oIdentityFile={self.key}",
            "-oIdentitiesOnly=yes",
            "-oPreferredAuthentications=publickey",
        )

    async def start(self, *commands: str, options: tuple[str, ...] = ()) -> asyncio.subprocess.Process:
        """Start a batch of commands."""
        batch = self.folder / f"batch-{os.urandom(4).hex()}"
        batch.write_text("".join(f"{command}\n" for command in commands))
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LC_ALL": "C.UTF-8"}
        words = list(self.words)
        if self.key is None:
            asking = self.folder / "askpass"
            asking.write_text(f"#!/bin/sh\necho '{self.password}'\n")
            asking.chmod(0o700)
            environment |= {"SSH_ASKPASS": str(asking), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": "none"}
        # `-b -` would tie us to a terminal; a file does not. It also sets BatchMode, which our first option undoes.
        return await asyncio.create_subprocess_exec(
            "sftp",
            *options,
            *words,
            f"-P{self.port}",
            f"-b{batch}",
            f"{self.login.username}@127.0.0.1",
            cwd=self.folder,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )

    async def run(self, *commands: str, options: tuple[str, ...] = ()) -> Said:
        """Run a batch of commands to its end."""
        process = await self.start(*commands, options=options)
        try:
            async with asyncio.timeout(60):
                output, _ = await process.communicate()
        finally:
            with suppress(ProcessLookupError):
                process.kill()
        return Said(process.returncode or 0, output.decode())

    def file(self, name: str, content: bytes) -> Path:
        """Put a file into the client's own folder."""
        path = self.folder / name
        path.write_bytes(content)
        return path

    def got(self, name: str) -> bytes:
        """Read a file of the client's own folder."""
        return (self.folder / name).read_bytes()


def cut_key(file: Path) -> str:
    """Make a key pair and return its public half."""
    subprocess.run(["ssh-keygen", "-qt", "ed25519", "-N", "", "-f", file], check=True)
    return file.with_suffix(".pub").read_text()


@dataclass(frozen=True)
class Served:
    """A server in this process."""

    state: ServerState
    port: int
    workspace: Workspace
    folder: Path

    async def let_in(self, *, key: bool = False, **changes: Any) -> Client:
        """Make a login and its user."""
        home = self.folder / os.urandom(4).hex()
        home.mkdir()
        keys: tuple[str, ...] = ()
        if key:
            keys = (cut_key(home / "id"),)
        new = NewLogin(self.workspace.id, public_keys=keys, **changes)
        async with self.state.database.transaction(clock.wall()) as tx:
            login, password = await sftp.create_login(tx, new, clock.wall())
        return Client(home, self.port, login, password, home / "id" if key else None)

    async def names(self, login: Login, folder: str = "incoming") -> dict[str, tuple[int, str]]:
        """What lies in a folder: size and state by name."""
        result = await queries.list_files(self.state.database, self.workspace, login.id, Folder(folder))
        return {item.path.name: (item.size, item.state.value) for item in result}

    async def content(self, login: Login, path: str) -> bytes:
        """The bytes of a file."""
        database = self.state.database
        box = await queries.find(database, self.workspace, login.id, parse_path(path.encode()))
        assert box is not None
        return b"".join([part async for part in queries.read_file(database, self.workspace.id, box)])
