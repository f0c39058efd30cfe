"""Files that are read by their owner alone: logs, reports and whatever else a process leaves on disk."""

import os
import resource
from pathlib import Path
from typing import BinaryIO, Final

MODE: Final = 0o600


def keep_private() -> None:
    """Have every file that this process and its children make be its owner's alone, and leave no memory dumps.

    A memory dump would hold the master key and whoever is being worked on.
    """
    os.umask(0o077)
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))


def create(path: Path) -> BinaryIO:
    """Open a file for writing, made anew for its owner alone; one that is there loses its contents and others' rights."""
    file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, MODE), "wb")
    restrict(path)
    return file


def restrict(path: Path) -> None:
    """Take a file that was there before from everybody but its owner; nothing where there is none."""
    # What is no file, such as /dev/stdout, belongs to others.
    if path.is_file():
        path.chmod(MODE)
