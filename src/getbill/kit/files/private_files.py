"""Files that only their owner can read: logs, reports and everything else a process leaves on disk."""

import os
import resource
from pathlib import Path
from typing import BinaryIO, Final

MODE: Final = 0o600


def keep_private() -> None:
    """Make every file of this process and its children private to their owner, and disable core dumps.

    A core dump would hold the master key and the personal data being processed.
    """
    os.umask(0o077)
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))


def create(path: Path) -> BinaryIO:
    """Open a file for writing, private to its owner; an existing one is truncated and made private."""
    file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, MODE), "wb")
    restrict(path)
    return file


def restrict(path: Path) -> None:
    """Remove all permissions but the owner's from an existing file; do nothing if it does not exist."""
    # What is not a regular file, such as /dev/stdout, is not ours.
    if path.is_file():
        path.chmod(MODE)
