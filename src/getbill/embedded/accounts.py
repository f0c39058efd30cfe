"""The account of the embedded PostgreSQL: PostgreSQL refuses to run as root, and must own its files.

Users other than root run it as themselves. Root runs it in a user namespace in which root has another number,
so that its files stay root's and no folder has to be opened to others. If the kernel or a folder on the path
does not allow that, a system user `getbill` owns the cluster and copied binaries in a place of their own. The
invariant: the permissions of folders that are not ours are never changed.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from getbill.kit.exit_errors import CannotRun

SYSTEM_USER: Final = "getbill"
SYSTEM_HOME: Final = Path("/var/lib/getbill")
LAUNCHER: Final = str(Path(__file__).with_name("launch.py"))
PROBE: Final = "import os, sys; sys.exit(not (os.access(sys.argv[1], 7) and os.access(sys.argv[2], 5)))"


class NoAccount(CannotRun):
    """The embedded PostgreSQL cannot run as any account of this machine."""


class AccountChoice(StrEnum):
    """How root runs the embedded PostgreSQL; other users always run it as themselves."""

    AUTO = "auto"
    NAMESPACE = "namespace"
    USER = "user"


@dataclass(frozen=True)
class Account:
    """The account of the server process: how to switch to it, and its ids."""

    kind: str
    uid: int
    gid: int

    def command(self, *command: str, ended_by: int = signal.SIGINT) -> list[str]:
        """Return the command line of a program as this account; `ended_by` ends it when we exit."""
        words = map(str, (os.getpid(), int(ended_by), self.kind, self.uid, self.gid))
        return [sys.executable, "-I", "-S", LAUNCHER, *words, *command]

    def can_use(self, folder: Path, programs: Path) -> bool:
        """Return whether this account can write to a folder and run the programs in another."""
        probe = self.command(sys.executable, "-I", "-S", "-c", PROBE, str(folder), str(programs))
        return subprocess.run(probe, capture_output=True, check=False).returncode == 0  # noqa: S603 our own launcher

    def create_folder(self, folder: Path) -> None:
        """Create a folder of mode 0700 for this account; an existing one stays unchanged."""
        if folder.is_dir():
            return
        folder.mkdir(mode=0o700)
        if self.kind == "user":
            os.chown(folder, self.uid, self.gid)


def current_account() -> Account:
    """Return the current account."""
    return Account("self", os.geteuid(), os.getegid())


def in_namespace() -> Account:
    """Return root under another number, in a user namespace."""
    # initdb looks its user up by number: any user of this machine but root will do.
    users = [entry for entry in pwd.getpwall() if entry.pw_uid]
    if not users:
        raise NoAccount("This machine has no user except root: add one, or set DATABASE_URL.")
    lowest = min(users, key=lambda entry: entry.pw_uid)
    return Account("namespace", lowest.pw_uid, lowest.pw_gid)


def system_user() -> Account:
    """Return the system user `getbill`, creating it if necessary."""
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        _add_system_user()
        entry = pwd.getpwnam(SYSTEM_USER)
    return Account("user", entry.pw_uid, entry.pw_gid)


def _add_system_user() -> None:
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd is None:
        raise NoAccount(
            f"Add a system user {SYSTEM_USER!r} for the embedded PostgreSQL, or set DATABASE_URL."
        )
    home = ["--no-create-home", "--home-dir", str(SYSTEM_HOME), "--shell", "/usr/sbin/nologin"]
    added = subprocess.run(  # noqa: S603 fixed words
        [useradd, "--system", "--user-group", *home, SYSTEM_USER], capture_output=True, text=True, check=False
    )
    # Another process may have added it at the same moment: only the user itself counts.
    if added.returncode and SYSTEM_USER not in {entry.pw_name for entry in pwd.getpwall()}:
        raise NoAccount(f"The system user {SYSTEM_USER!r} could not be added: {added.stderr.strip()}")
