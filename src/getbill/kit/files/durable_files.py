"""Files that must survive a power cut, and secrets that must not survive their file."""

import os
from pathlib import Path

_ERASING_BYTES = 4096


def sync_folder(folder: Path) -> None:
    """Sync a folder's entries: only then does a new or renamed file survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace(path: Path, content: bytes) -> None:
    """Write a file atomically, for its owner alone, and sync file and folder."""
    temporary = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def shred(path: Path) -> None:
    """Overwrite a file with zeros, sync it and delete it; do nothing if it does not exist."""
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
