"""Watching processes from outside: the memory that one and its children hold."""

import threading
from pathlib import Path
from typing import Self

_EVERY_SECONDS = 0.25


def family(ancestor: int) -> list[int]:
    """Return a process and all that descend from it."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text("ascii", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(entry.parent.name)] = int(fields[1])
    result = [ancestor]
    for item in result:
        result += [child for child, parent in parents.items() if parent == item]
    return result


def resident_megabytes(process_id: int) -> float:
    """Return how much memory a process holds; nothing once it is gone."""
    try:
        lines = Path(f"/proc/{process_id}/status").read_text("ascii", errors="replace").splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


class Peak:
    """The most memory that any one process of a family held while it was watched."""

    def __init__(self, ancestor: int) -> None:
        self.megabytes = 0.0
        self._ancestor = ancestor
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._is_over.wait(_EVERY_SECONDS):
            locked = max((resident_megabytes(item) for item in family(self._ancestor)), default=0.0)
            self.megabytes = max(self.megabytes, locked)
