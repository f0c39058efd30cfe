"""Layout of a data folder (cluster, socket, log, lock), and the account that uses it.

Everything is in `<data folder>/postgres`, unless root needs the system user: then cluster and socket are
under that user's home, and the file `home` names the place. A cluster stays where it was created: later
starts follow it, whatever would be chosen today.
"""

import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from getbill.embedded import accounts, binaries
from getbill.embedded.accounts import Account, AccountChoice
from getbill.embedded.binaries import Binaries

# sockaddr_un: 108 bytes with the closing zero, and PostgreSQL appends "/.s.PGSQL.5432".
SOCKET_FOLDER_MAX: Final = 107 - len("/.s.PGSQL.5432")


@dataclass(frozen=True)
class DataFolder:
    """The files of one cluster, the account that runs it, and its PostgreSQL version."""

    base: Path
    account: Account
    binaries: Binaries

    @property
    def cluster(self) -> Path:
        """PostgreSQL's data directory."""
        return self.base / "cluster"

    @property
    def pid_file(self) -> Path:
        """The pid file of a running server."""
        return self.cluster / "postmaster.pid"

    def socket_folder(self) -> Path:
        """Return the private folder of the socket, creating it if necessary."""
        folder = self.base / "socket"
        name = str(folder)
        if len(os.fsencode(name)) <= SOCKET_FOLDER_MAX and "," not in name:
            self.account.create_folder(folder)
            return folder
        # The path is too long for a socket, or would be split as a list of hosts.
        short = Path(tempfile.mkdtemp(prefix="getbill-", dir="/tmp"))
        if self.account.kind == "user":
            os.chown(short, self.account.uid, self.account.gid)
        return short


@dataclass(frozen=True)
class ClusterOptions:
    """Options for a new cluster: account, system home, major version."""

    account: AccountChoice = AccountChoice.AUTO
    home: Path = accounts.SYSTEM_HOME
    major: int | None = None


def find(folder: Path, options: ClusterOptions) -> DataFolder:
    """Return the files of the cluster in `<data folder>/postgres`, choosing the place at the first start."""
    home_file = folder / "home"
    if home_file.exists():
        return _at_system_home(folder, Path(home_file.read_text("utf-8")), options)
    programs = binaries.for_cluster(folder / "cluster", options.major)
    if os.geteuid():
        return DataFolder(folder, accounts.current_account(), programs)
    if (folder / "cluster").exists():
        return DataFolder(folder, _owner(folder / "cluster"), programs)
    if options.account != AccountChoice.USER:
        namespace = accounts.in_namespace()
        if namespace.can_use(folder, programs.folder / "bin"):
            return DataFolder(folder, namespace, programs)
        if options.account == AccountChoice.NAMESPACE:
            raise accounts.NoAccount(
                "This kernel, or the permissions of a parent folder, prevent root from running the embedded PostgreSQL in a user namespace."
            )
    return _at_system_home(folder, options.home / "clusters" / secrets.token_hex(8), options)


def _owner(cluster: Path) -> Account:
    """Return the account of an existing cluster that root starts."""
    cluster_stat = cluster.stat()
    if cluster_stat.st_uid:
        return Account("user", cluster_stat.st_uid, cluster_stat.st_gid)
    return accounts.in_namespace()


def _at_system_home(folder: Path, base: Path, options: ClusterOptions) -> DataFolder:
    user = accounts.system_user()
    for parent in (*reversed(base.parents), base):
        if not parent.is_dir():
            parent.mkdir()
            parent.chmod(0o755)
    (folder / "home").write_text(str(base), "utf-8")
    programs = binaries.for_cluster(base / "cluster", options.major)
    # Beside the clusters it was copied for, wherever a later start would put a new one.
    return DataFolder(base, user, programs.copied_to(base.parent.parent))
