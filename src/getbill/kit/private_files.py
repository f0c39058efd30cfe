"""Files that are read by their owner alone, that outlive a power cut, and secrets that do not outlive their file."""

import os
import resource
from pathlib import Path
from typing import BinaryIO, Final

MODE: Final = 0o600
_ERASING_BYTES = 4096


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


def sync_folder(folder: Path) -> None:
    """Put a folder's entries on disk: a new or renamed file outlives a power cut only after this."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def replace(path: Path, content: bytes) -> None:
    """Write a file for its owner alone so that a crash leaves the old content or the new, and sync file and folder."""
    draft = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, MODE), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)


def shred(path: Path) -> None:
    """Overwrite a file with zeros, sync it and delete it; nothing where there is no such file."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        remaining = path.stat().st_size
        while remaining > 0:
            remaining -= file.write(bytes(min(remaining, _ERASING_BYTES)))
        file.flush()
        os.fsync(file.fileno())
    path.unlink(missing_ok=True)
    sync_folder(path.parent)
